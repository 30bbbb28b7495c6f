"""Over which lines of an invoice what takes its revenue back spreads: those that a credit note names, or all of them.

A line is a performance obligation: what is credited of it is of its period, and leaves the others as they are. Decides
nothing of how much is taken back, nor when.
"""

import polars as pl

from models import line_parts
from models.allotment import allotted
from models.plans import collected

INVOICE = ("account_id", "invoice_id")
REVERSAL = ("account_id", "reversal_id")
NOTE = ("account_id", "credit_note_id")
SHIPPING = ":shipping"
"""What the id of an invoice ends with where it stands for the line of its shipping, which Stripe has not."""


def named(credit_notes: pl.LazyFrame, credit_note_lines: pl.LazyFrame, lines: pl.LazyFrame) -> pl.LazyFrame:
    """What credit notes credit of which line, without tax and discounts: account_id, credit_note_id, line_id, credited.

    `lines` are those of `recognition.postings`. Of a line no more is credited than it holds. What a note has in lines
    of its own is of no line of the invoice.
    """
    notes = credit_notes.select(*INVOICE, "amount_shipping", credit_note_id="id")
    of_lines = credit_note_lines.join(notes, on=NOTE).select(
        *INVOICE,
        "credit_note_id",
        line_id="invoice_line_id",
        credited=pl.col("amount") - pl.col("discount_amount").fill_null(0) - line_parts.taxes("inclusive"),
    )
    of_shipping = notes.select(
        *INVOICE, "credit_note_id", line_id=pl.col("invoice_id") + SHIPPING, credited="amount_shipping"
    )
    return (
        pl.concat([of_lines, of_shipping])
        .filter(pl.col("credited") > 0)
        .group_by(*INVOICE, "credit_note_id", "line_id")
        .agg(pl.col("credited").sum())
        .join(lines.select(*INVOICE, "line_id", held=pl.col("amount").clip(0)), on=[*INVOICE, "line_id"])
        .select(*NOTE, "line_id", credited=pl.min_horizontal("credited", "held"))
        .filter(pl.col("credited") > 0)
    )


def spread(reversals: pl.LazyFrame, lines: pl.LazyFrame, named: pl.LazyFrame) -> pl.LazyFrame:
    """Each reversal of `reversals.reversals` by the line that it takes from: its columns, the line's line_id, start_at
    and end_at, and share, whose sum is what was taken.

    What goes by a credit note takes what that note names, as `named` says; the rest is pro rata over what the notes
    before it have left of the lines.
    """
    billed = lines.select(*INVOICE, "line_id", "start_at", "end_at", "amount")
    by_note = reversals.drop_nulls("credit_note_id").join(named, on=NOTE).join(billed, on=[*INVOICE, "line_id"])
    of_named = _allotted(by_note.with_columns(weight="credited")).drop("credited").pipe(collected).lazy()
    over_all = reversals.filter(pl.col("credit_note_id").is_null()).join(billed, on=INVOICE)
    before = pl.col("share").fill_null(0).cum_sum().over(*INVOICE, "line_id", order_by=["at", "reversal_id"])
    left = (
        pl.concat([over_all, of_named.drop("weight")], how="diagonal")
        .with_columns(before=before)
        .filter(pl.col("credit_note_id").is_null())
        .with_columns(
            weight=pl.max_horizontal(pl.col("amount") - pl.col("before"), pl.col("amount").clip(upper_bound=0))
        )
        .drop("before", "share")
    )
    return pl.concat([of_named, _allotted(left)], how="diagonal")


def owed_less(credit_notes: pl.LazyFrame, moments: pl.LazyFrame) -> pl.LazyFrame:
    """By how much credit notes had lowered what invoices asked for, before a moment of each: account_id, invoice_id and
    less, with tax. `moments` has account_id, invoice_id and at. Notes that gave back what was paid lower nothing.
    """
    return (
        credit_notes.filter(pl.col("type").ne_missing("post_payment"))
        .join(moments, on=INVOICE)
        .filter(pl.col("created_at") < pl.col("at"), (pl.col("voided_at") >= pl.col("at")).fill_null(True))
        .group_by(INVOICE)
        .agg(less=pl.coalesce("amount", "total", "total_excluding_tax").sum())
    )


def _allotted(taken: pl.LazyFrame) -> pl.LazyFrame:
    return allotted(taken, "taken", "weight", within=REVERSAL, order=["line_id"], into="share")
