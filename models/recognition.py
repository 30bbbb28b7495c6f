"""Revenue recognition and deferred revenue: what was billed, earned evenly by the second over the period it is for.

A management estimate after ASC 606 for subscriptions, on billed amounts without tax; no audit. Everything is a posting
with the period of an invoice line: the line itself, and what takes some of it back (credit note, refund, dispute, void,
write-off) as a posting of the opposite sign, known when it happened. What had passed of a posting's period by then is
caught up at that moment, the rest follows the clock. Rules: https://docs.stripe.com/revenue-recognition/methodology
"""

import polars as pl

from models.allotment import allotted, part
from models.periods import day_of, is_partial, month_of, months_until, opens_at
from models.reversals import reversals
from models.terms import Terms

LINE = ("account_id", "line_id")
POSTING = ("account_id", "posting_id")
KEY = ("account_id", "month", "currency")

BILLED = {"invoice": "invoiced", "write_off": "written_off"}
"""Kind of posting → column of what it billed; every other kind is `credited`."""

CAUGHT_UP = {"invoice": "earned", "write_off": "bad_debt"}
"""Kind of posting → column of what had passed of its period when it became known; every other is `contra_revenue`."""

COLUMNS = ("invoiced", "credited", "written_off", "earned", "contra_revenue", "bad_debt")


def postings(
    invoices: pl.LazyFrame,
    invoice_lines: pl.LazyFrame,
    invoice_items: pl.LazyFrame,
    credit_notes: pl.LazyFrame,
    refunds: pl.LazyFrame,
    disputes: pl.LazyFrame,
    charges: pl.LazyFrame,
    invoice_payments: pl.LazyFrame,
    balance_transactions: pl.LazyFrame,
    terms: Terms,
) -> pl.LazyFrame:
    """Everything that was billed or taken back to the as-of instant, as postings.

    Columns: account_id, posting_id, invoice_id, kind (invoice, credit_note, refund, dispute, void, write_off),
    currency, amount (minor units without tax; negative where something is taken back), start_at, end_at (of what it is
    for), known_at, billed_at (null where it waits for its invoice).
    """
    lines = _lines(invoices, invoice_lines, invoice_items, terms)
    back = reversals(
        invoices,
        lines,
        credit_notes,
        refunds,
        disputes,
        charges,
        invoice_payments,
        balance_transactions,
        terms,
    )
    taken_back = allotted(
        back.join(lines.drop("kind", "known_at", "billed_at", "currency"), on=["account_id", "invoice_id"]),
        "taken",
        "amount",
        within=["account_id", "reversal_id"],
        order=["line_id"],
        into="share",
    ).select(
        "account_id",
        "invoice_id",
        "kind",
        "currency",
        "start_at",
        "end_at",
        posting_id=pl.concat_str("reversal_id", "line_id", separator="/"),
        amount=-pl.col("share"),
        known_at="at",
        billed_at="at",
    )
    billed = lines.rename({"line_id": "posting_id"})
    columns = taken_back.collect_schema().names()
    made = pl.concat([billed.select(columns), taken_back, _waiting(invoices, invoice_items, terms).select(columns)])
    return made.filter(pl.col("amount") != 0).sort(POSTING)


def shares(postings: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """Each posting by the month in which it is earned: the posting's columns and month, caught_up, earned, later.

    caught_up had passed when the posting became known, earned passed since, up to the as-of instant; later is still to
    come, in this and in future months. A posting's shares sum to its amount, to the minor unit.
    """
    opens, closes = opens_at("month", terms), opens_at(pl.col("month").dt.offset_by("1mo"), terms)
    last = pl.max_horizontal("start_at", pl.col("end_at") - pl.duration(microseconds=1))
    months = pl.date_ranges(month_of(day_of("start_at", terms)), month_of(day_of(last, terms)), "1mo")
    spans = (
        postings.with_columns(month=months)
        .explode("month")
        .with_columns(from_at=pl.max_horizontal("start_at", opens), to_at=pl.min_horizontal("end_at", closes))
        .with_columns(seconds=_seconds("from_at", "to_at"))
    )
    known_by = _seconds("from_at", "known_at").clip(0, pl.col("seconds"))
    passed_by = _seconds("from_at", pl.lit(terms.as_of)).clip(0, pl.col("seconds"))
    is_instant = pl.col("seconds") == 0
    return (
        allotted(spans, "amount", "seconds", within=POSTING, order=["month"], into="whole")
        .with_columns(
            known=pl.when(is_instant & (pl.col("from_at") > pl.col("known_at")))
            .then(0)
            .otherwise(part("whole", known_by, pl.col("seconds"))),
            passed=pl.when(is_instant & (pl.col("from_at") > terms.as_of))
            .then(0)
            .otherwise(part("whole", passed_by, pl.col("seconds"))),
        )
        .with_columns(month=pl.max_horizontal("month", month_of(day_of("known_at", terms))))
        .with_columns(
            caught_up="known", earned=pl.col("passed") - pl.col("known"), later=pl.col("whole") - pl.col("passed")
        )
        .group_by(*POSTING, "invoice_id", "kind", "currency", "amount", "known_at", "billed_at", "month")
        .agg(pl.col("caught_up", "earned", "later").sum())
        .sort(*POSTING, "month")
    )


def revenue_recognition_by_month(shares: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """`marts.revenue_recognition_by_month`: `shares` is of the function of that name.

    billed = invoiced + credited + written_off and recognized = earned + contra_revenue + bad_debt, so that every row
    adds up: deferred_opening + billed - recognized = deferred_closing.
    """
    moved = pl.concat([_billed(shares, terms), _recognized(shares, terms)], how="diagonal")
    monthly = moved.group_by(KEY).agg(pl.col(COLUMNS).sum())
    return (
        months_until(monthly, terms, by=("account_id", "currency"))
        .join(monthly, on=KEY, how="left")
        .with_columns(pl.col(COLUMNS).fill_null(0))
        .with_columns(
            billed=pl.sum_horizontal("invoiced", "credited", "written_off"),
            recognized=pl.sum_horizontal("earned", "contra_revenue", "bad_debt"),
        )
        .with_columns(
            deferred_closing=(pl.col("billed") - pl.col("recognized"))
            .cum_sum()
            .over("account_id", "currency", order_by="month")
        )
        .with_columns(
            deferred_opening=pl.col("deferred_closing") - pl.col("billed") + pl.col("recognized"),
            is_partial=is_partial("month", terms),
        )
        .select(*KEY, "billed", "recognized", "deferred_opening", "deferred_closing", *COLUMNS, "is_partial")
        .sort(KEY)
    )


def deferred_revenue(shares: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """`marts.deferred_revenue`: the waterfall, months of billing by months of earning, future ones included.

    A row of the as-of month holds what passed of it in `recognized` and the rest in `deferred`. What waits for its
    invoice stands in the as-of month: what passed of it is `unbilled`, the rest is no one's debt yet. A row is there
    where any of the three is: what was billed and what waits may have earned the opposite.
    """
    passed, is_billed = pl.col("caught_up") + pl.col("earned"), pl.col("billed_at").is_not_null()
    billed_month = pl.coalesce("billed_at", pl.lit(terms.as_of))
    return (
        shares.group_by(
            "account_id",
            month_of(day_of(billed_month, terms)).alias("billed_month"),
            pl.col("month").alias("recognition_month"),
            "currency",
        )
        .agg(
            recognized=passed.sum(),
            unbilled=passed.filter(~is_billed).sum(),
            deferred=pl.col("later").filter(is_billed).sum(),
        )
        .filter(pl.any_horizontal(pl.col("recognized", "unbilled", "deferred") != 0))
        .sort("account_id", "billed_month", "recognition_month", "currency")
    )


def _lines(
    invoices: pl.LazyFrame, invoice_lines: pl.LazyFrame, invoice_items: pl.LazyFrame, terms: Terms
) -> pl.LazyFrame:
    """Lines of finalised invoices, without discounts and tax. A proration is known from the day its item was made."""
    finalised = invoices.filter(pl.col("finalized_at") <= terms.as_of).select(
        "account_id", "finalized_at", invoice_id="id", invoice_currency="currency"
    )
    made = invoice_items.select("account_id", invoice_item_id="id", item_made_at="created_at")
    start = pl.coalesce("period_start_at", "finalized_at")
    known = pl.when(pl.col("proration")).then(pl.min_horizontal("item_made_at", "finalized_at"))
    return (
        invoice_lines.drop_nulls("amount")
        .join(finalised, on=["account_id", "invoice_id"])
        .join(made, on=["account_id", "invoice_item_id"], how="left")
        .select(
            "account_id",
            "invoice_id",
            line_id="id",
            kind=pl.lit("invoice"),
            currency=pl.coalesce("currency", "invoice_currency"),
            amount=_without_discounts_and_tax(),
            start_at=start,
            end_at=pl.max_horizontal(pl.coalesce("period_end_at", start), start),
            known_at=pl.coalesce(known, "finalized_at"),
            billed_at="finalized_at",
        )
    )


def _waiting(invoices: pl.LazyFrame, invoice_items: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """Prorations made by the as-of instant that no finalised invoice holds yet: earned, but not billed."""
    finalised = invoices.filter(pl.col("finalized_at") <= terms.as_of).select("account_id", invoice_id="id")
    never = invoices.filter(pl.col("status") == "void", pl.col("finalized_at").is_null()).select(
        "account_id", invoice_id="id"
    )
    return (
        invoice_items.filter("proration", pl.col("created_at") <= terms.as_of)
        .drop_nulls(["amount", "currency", "period_start_at"])
        .join(pl.concat([finalised, never]), on=["account_id", "invoice_id"], how="anti")
        .select(
            "account_id",
            "invoice_id",
            "currency",
            "amount",
            posting_id="id",
            kind=pl.lit("invoice"),
            start_at="period_start_at",
            end_at=pl.max_horizontal(pl.coalesce("period_end_at", "period_start_at"), "period_start_at"),
            known_at="created_at",
            billed_at=pl.lit(None, pl.Datetime("us", "UTC")),
        )
    )


def _without_discounts_and_tax() -> pl.Expr:
    discounts = pl.col("discount_amounts").list.eval(pl.element().struct.field("amount")).list.sum().fill_null(0)
    inclusive = (
        pl.col("taxes")
        .list.eval(pl.element().struct.field("amount").filter(pl.element().struct.field("tax_behavior") == "inclusive"))
        .list.sum()
        .fill_null(0)
    )
    return pl.col("amount") - discounts - inclusive


def _billed(shares: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    whole = shares.unique(POSTING).drop_nulls("billed_at").with_columns(month=month_of(day_of("billed_at", terms)))
    return _by_kind(whole, "amount", BILLED, "credited")


def _recognized(shares: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    passed = shares.filter(pl.col("month") <= terms.as_of_day)
    return pl.concat(
        [
            _by_kind(passed, "caught_up", CAUGHT_UP, "contra_revenue"),
            passed.group_by(KEY).agg(earned=pl.col("earned").sum()),
        ],
        how="diagonal",
    )


def _by_kind(frame: pl.LazyFrame, amount: str, columns: dict[str, str], otherwise: str) -> pl.LazyFrame:
    def of(column: str) -> pl.Expr:
        kinds = [kind for kind, into in columns.items() if into == column]
        is_it = pl.col("kind").is_in(kinds) if column != otherwise else ~pl.col("kind").is_in(list(columns))
        return pl.col(amount).filter(is_it).sum().alias(column)

    return frame.group_by(KEY).agg(of(column) for column in (*columns.values(), otherwise))


def _seconds(start: str, end: str | pl.Expr) -> pl.Expr:
    until = pl.col(end) if isinstance(end, str) else end
    return until.dt.epoch("s") - pl.col(start).dt.epoch("s")
