"""What takes billed revenue back: credit notes, refunds, disputes, voids and write-offs, in time, never below nothing.

Amounts are without tax and per invoice; how they spread over its lines is models/crediting.py's business. A refund that
a credit note made is told by the credit note alone.
"""

import polars as pl

from models.allotment import part
from models.crediting import owed_less
from models.plans import collected
from models.terms import Terms

INVOICE = ("account_id", "invoice_id")
REFUNDED = ("succeeded", "pending")
REST = ":rest"
"""What the id of a credit note ends with where it stands for what the note credits beside the lines that it names."""
NO_MONEY_MOVED = ("warning_needs_response", "warning_under_review", "warning_closed", "prevented")
"""Dispute statuses of inquiries and of disputes that never came."""


def reversals(
    invoices: pl.LazyFrame,
    lines: pl.LazyFrame,
    credit_notes: pl.LazyFrame,
    named: pl.LazyFrame,
    refunds: pl.LazyFrame,
    disputes: pl.LazyFrame,
    charges: pl.LazyFrame,
    invoice_payments: pl.LazyFrame,
    balance_transactions: pl.LazyFrame,
    terms: Terms,
) -> pl.LazyFrame:
    """Each reversal to the as-of instant: account_id, invoice_id, reversal_id, kind, at, currency, taken,
    credit_note_id (the note that says of which lines of the invoice it is; null where it is of all). `named` is what
    notes credit of lines, of `crediting.named`; the rest of a note is a reversal of its own.

    `taken` is positive where revenue is taken back and negative where it is restored (a voided credit note, a dispute
    won, a written-off invoice paid after all). Of one invoice no more is taken, at any time, than its `lines` hold.
    """
    paid_by = _invoices_of_charges(_charges_of(refunds, disputes), charges, invoice_payments).pipe(collected).lazy()
    given_up = invoices.rename({"id": "invoice_id"}).filter(
        pl.col("voided_at").is_not_null() | pl.col("marked_uncollectible_at").is_not_null()
    )
    concerned = pl.concat([frame.select(INVOICE) for frame in (given_up, paid_by, credit_notes)]).unique()
    nets = (
        lines.join(concerned, on=INVOICE, how="semi")
        .group_by(INVOICE)
        .agg(net=pl.col("amount").sum(), currency=pl.col("currency").first())
    )
    held = (
        invoices.rename({"id": "invoice_id"})
        .drop("currency")
        .join(nets, on=INVOICE)
        .with_columns(total_excluding_tax=pl.coalesce("total_excluding_tax", "net"))
        .pipe(collected)
        .lazy()
    )
    nets = held.select(*INVOICE, "net", "currency")
    asked = pl.concat(
        [
            _credited(credit_notes, named),
            _refunded(refunds, credit_notes, paid_by, held),
            _disputed(disputes, balance_transactions, paid_by, held),
            _voided(held),
            _written_off(held, credit_notes, invoice_payments),
        ]
    ).filter(pl.col("at") <= terms.as_of, pl.col("asked") != 0)
    lowest, highest = pl.min_horizontal("net", 0), pl.max_horizontal("net", 0)
    upto = pl.col("asked").cum_sum().over(INVOICE).clip(lowest, highest)
    return (
        asked.join(nets, on=INVOICE)
        .sort(*INVOICE, "at", "reversal_id")
        .with_columns(upto=upto)
        .with_columns(taken=pl.col("upto") - pl.col("upto").shift(1, fill_value=0).over(INVOICE))
        .filter(pl.col("taken") != 0)
        .select(*INVOICE, "reversal_id", "kind", "at", "currency", "taken", "credit_note_id")
    )


def _credited(credit_notes: pl.LazyFrame, named: pl.LazyFrame) -> pl.LazyFrame:
    """What notes credit of lines that they name, and the rest of them, which is of all lines."""
    of_lines = named.group_by("account_id", id="credit_note_id").agg(named=pl.col("credited").sum())
    amount = pl.coalesce("total_excluding_tax", "total", "amount")
    issued = (
        credit_notes.drop_nulls(["invoice_id", "created_at"])
        .join(of_lines, on=["account_id", "id"], how="left")
        .with_columns(credit_note_id="id", named=pl.min_horizontal(pl.col("named").fill_null(0), amount))
        .with_columns(rest=amount - pl.col("named"))
    )
    rest = issued.with_columns(
        id=pl.when(pl.col("named") == 0).then("id").otherwise(pl.col("id") + REST),
        credit_note_id=pl.lit(None, pl.String),
    )
    return pl.concat(
        frame
        for part, column in ((issued, "named"), (rest, "rest"))
        for frame in (
            _asked(part, "credit_note", "id", "created_at", pl.col(column)),
            _asked(part.drop_nulls("voided_at"), "credit_note", pl.col("id") + ":voided", "voided_at", -pl.col(column)),
        )
    )


def _refunded(
    refunds: pl.LazyFrame, credit_notes: pl.LazyFrame, paid_by: pl.LazyFrame, held: pl.LazyFrame
) -> pl.LazyFrame:
    told = credit_notes.select("account_id", id="refund_ids").explode("id").drop_nulls("id")
    given_back = (
        refunds.filter(pl.col("status").is_in(REFUNDED))
        .join(told, on=["account_id", "id"], how="anti")
        .join(paid_by, on=["account_id", "charge_id"])
        .pipe(_with_totals, held)
    )
    return _asked(given_back, "refund", "id", "created_at", _without_tax())


def _disputed(
    disputes: pl.LazyFrame, balance_transactions: pl.LazyFrame, paid_by: pl.LazyFrame, held: pl.LazyFrame
) -> pl.LazyFrame:
    returned = (
        balance_transactions.filter(pl.col("reporting_category") == "dispute_reversal")
        .group_by("account_id", id="source_id")
        .agg(returned_at=pl.col("created_at").min())
    )
    fought = (
        disputes.filter(~pl.col("status").is_in(NO_MONEY_MOVED))
        .join(paid_by, on=["account_id", "charge_id"])
        .join(returned, on=["account_id", "id"], how="left")
        .filter((pl.col("status") != "won") | pl.col("returned_at").is_not_null())
        .pipe(_with_totals, held)
    )
    return pl.concat(
        [
            _asked(fought, "dispute", "id", "created_at", _without_tax()),
            _asked(fought.drop_nulls("returned_at"), "dispute", pl.col("id") + ":won", "returned_at", -_without_tax()),
        ]
    )


def _voided(held: pl.LazyFrame) -> pl.LazyFrame:
    return _asked(held.drop_nulls("voided_at"), "void", pl.col("invoice_id") + ":voided", "voided_at", pl.col("net"))


def _written_off(held: pl.LazyFrame, credit_notes: pl.LazyFrame, invoice_payments: pl.LazyFrame) -> pl.LazyFrame:
    """What was open of an invoice when it was given up; all of that again where it was paid after all."""
    given_up = (
        held.drop_nulls("marked_uncollectible_at")
        .join(_settled_before(held, credit_notes, invoice_payments), on=INVOICE, how="left")
        .with_columns(
            paid_after=pl.when(pl.col("paid_at") >= pl.col("marked_uncollectible_at")).then("paid_at"),
            # The amount due is after credit notes, also those made later; and without the customer's balance.
            owed=pl.coalesce(pl.col("amount_due") + pl.col("pre_payment_credit_notes_amount").fill_null(0), "total")
            - pl.col("settled").fill_null(0),
        )
    )
    unpaid = (
        pl.when(pl.col("total").fill_null(0) <= 0)
        .then("net")
        .otherwise(part("net", pl.col("owed").clip(0, pl.col("total")), pl.col("total")))
    )
    return pl.concat(
        [
            _asked(given_up, "write_off", pl.col("invoice_id") + ":given_up", "marked_uncollectible_at", unpaid),
            _asked(
                given_up.drop_nulls("paid_after"), "write_off", pl.col("invoice_id") + ":paid", "paid_after", -unpaid
            ),
        ]
    )


def _settled_before(held: pl.LazyFrame, credit_notes: pl.LazyFrame, invoice_payments: pl.LazyFrame) -> pl.LazyFrame:
    """What was paid of invoices and credited on them before they were given up: account_id, invoice_id, settled."""
    given_up_at = held.drop_nulls("marked_uncollectible_at").select(*INVOICE, at="marked_uncollectible_at")
    paid_at = pl.coalesce("paid_at", "created_at")
    paid = (
        invoice_payments.filter(pl.col("status") == "paid")
        .join(given_up_at, on=INVOICE)
        .filter(paid_at < pl.col("at"))
        .select(*INVOICE, settled="amount_paid")
    )
    credited = owed_less(credit_notes, given_up_at).rename({"less": "settled"})
    return pl.concat([paid, credited]).group_by(INVOICE).agg(pl.col("settled").sum())


def _charges_of(*taken_back: pl.LazyFrame) -> pl.LazyFrame:
    """The charges that something was taken back of: account_id, charge_id."""
    return pl.concat([frame.select("account_id", "charge_id") for frame in taken_back]).drop_nulls().unique()


def _invoices_of_charges(wanted: pl.LazyFrame, charges: pl.LazyFrame, invoice_payments: pl.LazyFrame) -> pl.LazyFrame:
    """Which invoice each of the charges paid: account_id, charge_id, invoice_id, directly or through its payment
    intent; of several the one paid first."""
    payments = invoice_payments.drop_nulls("invoice_id").select(
        *INVOICE, "created_at", "id", "charge_id", "payment_intent_id"
    )
    intents = (
        charges.select("account_id", "payment_intent_id", charge_id="id")
        .drop_nulls()
        .join(wanted, on=["account_id", "charge_id"], how="semi")
    )
    ways = (
        payments.join(wanted, on=["account_id", "charge_id"]),
        payments.drop("charge_id").join(intents, on=["account_id", "payment_intent_id"]),
    )
    found = pl.concat(
        way.select(*INVOICE, "charge_id", "created_at", "id", way=pl.lit(number)) for number, way in enumerate(ways)
    )
    return (
        found.sort("account_id", "charge_id", "way", "created_at", "id")
        .unique(["account_id", "charge_id"], keep="first", maintain_order=True)
        .select("account_id", "charge_id", "invoice_id")
    )


def _with_totals(frame: pl.LazyFrame, held: pl.LazyFrame) -> pl.LazyFrame:
    return frame.join(held.select(*INVOICE, "total", "total_excluding_tax"), on=INVOICE).filter(pl.col("total") > 0)


def _without_tax() -> pl.Expr:
    """The share of an amount given back that is not tax: tax goes back in the proportion it was paid."""
    return part("amount", pl.col("total_excluding_tax").clip(0, pl.col("total")), pl.col("total"))


def _asked(frame: pl.LazyFrame, kind: str, reversal_id: str | pl.Expr, at: str, asked: pl.Expr) -> pl.LazyFrame:
    note = "credit_note_id" if kind == "credit_note" else pl.lit(None, pl.String)
    return frame.select(*INVOICE, reversal_id=reversal_id, kind=pl.lit(kind), at=at, asked=asked, credit_note_id=note)
