"""What is owed: open invoices by how long they are overdue, and how long sent invoices wait for their money."""

import polars as pl

from models.periods import day_of, is_partial, month_of, months_until
from models.reporting import in_reporting
from models.shares import share
from models.terms import Terms

BUCKETS = ((0, "current"), (30, "1-30"), (60, "31-60"), (90, "61-90"))
"""Days overdue: at most so many, and what the bucket is called; else `91+`."""

SENT = "send_invoice"
INVOICE = ("account_id", "invoice_id")
OWED = ("account_id", "collection_method", "currency")
AGED = (*OWED, "bucket")
SENT_AMOUNTS = (
    "invoices",
    "billed_reporting",
    "paid_invoices",
    "paid_late_invoices",
    "paid_reporting",
    "days_to_pay",
    "moved",
)
"""What is summed of the sent invoices of a month."""
LOOKED_BACK = 3
"""Months whose billing days sales outstanding are measured by."""


def open_by_due_day(invoices: pl.LazyFrame, rates: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """Staged invoices that are open at the as-of instant, summed by currency, way of collection and `due_on`.

    An invoice is overdue from its due date; one that is charged automatically, from its finalisation.
    """
    due_on = day_of(pl.coalesce("due_at", "finalized_at"), terms)
    owed = (
        _finalized(invoices, terms)
        .filter(pl.col("closed_at").is_null())
        .with_columns(
            due_on=due_on,
            valued_on=pl.lit(terms.as_of_day),
            collection_method=pl.col("collection_method").fill_null("charge_automatically"),
        )
    )
    return (
        in_reporting(owed, rates, amount="remaining", on="valued_on", into="amount_reporting")
        .group_by(*OWED, "due_on")
        .agg(
            invoices=pl.len().cast(pl.Int64),
            amount=pl.col("remaining").sum(),
            amount_reporting=pl.col("amount_reporting").sum(),
        )
    )


def open_invoices_by_age(open_by_due_day: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """`marts.open_invoices_by_age`: `open_by_due_day` is of the function of that name."""
    summed = pl.col("invoices", "amount", "amount_reporting").sum()
    overdue = (pl.lit(terms.as_of_day) - pl.col("due_on")).dt.total_days()
    aged = open_by_due_day.with_columns(overdue=overdue).with_columns(bucket=_bucket())
    return aged.group_by(AGED).agg(summed, oldest_due_on=pl.col("due_on").min()).sort(AGED)


def sent_by_month(
    invoices: pl.LazyFrame, invoice_payments: pl.LazyFrame, rates: pl.LazyFrame, terms: Terms
) -> pl.LazyFrame:
    """Staged invoices that were sent, summed by month: what was billed in it and paid of that since, and `moved`, what
    was billed less what was settled in it. Amounts are at the rate of the day of finalisation."""
    sent = (
        _finalized(invoices, terms)
        .filter(pl.col("collection_method") == SENT)
        .with_columns(billed_on=day_of("finalized_at", terms), invoice_id=pl.col("id"))
        .with_columns(month=month_of("billed_on"))
    )
    parts = _part_payments(sent, invoice_payments, terms)
    billed = in_reporting(sent, rates, amount="amount_due", on="billed_on", into="amount_reporting")
    paid = in_reporting(parts, rates, amount="part", on="billed_on", into="part_reporting")
    return (
        pl.concat([_paid(billed, terms), _moved(billed, paid, terms)], how="diagonal")
        .group_by("account_id", "month")
        .agg(pl.col(SENT_AMOUNTS).sum())
    )


def days_sales_outstanding_by_month(sent_by_month: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """`marts.days_sales_outstanding_by_month`: `sent_by_month` is of the function of that name.

    DSO is what was open at the month's end ÷ what was billed in the last three months × the days of those.
    """
    key = ["account_id", "month"]
    summed = sent_by_month.group_by(key).agg(pl.col(SENT_AMOUNTS).sum())
    return (
        months_until(summed.select(key), terms, ["account_id"])
        .join(summed, on=key, how="left")
        .with_columns(pl.col(SENT_AMOUNTS).fill_null(0))
        .sort(key)
        .with_columns(
            open_reporting=pl.col("moved").cum_sum().over("account_id"),
            billed_3m_reporting=pl.col("billed_reporting").rolling_sum(LOOKED_BACK, min_samples=1).over("account_id"),
            days_3m=_days_of(terms),
        )
        .with_columns(
            days_sales_outstanding=share(
                pl.col("open_reporting").cast(pl.Float64) * pl.col("days_3m"), "billed_3m_reporting"
            ),
            mean_days_to_pay=share("days_to_pay", "paid_invoices"),
            is_partial=is_partial("month", terms),
        )
        .drop("moved")
        .sort(key)
    )


def _finalized(invoices: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """Invoices that asked for money by the as-of instant, with `closed_at` (when it was paid, voided or given up; null:
    not by then), `settled_at` (when it was paid, though it had been given up; null: not by then), and what is left to
    pay now."""
    closed_at = pl.min_horizontal("paid_at", "voided_at", "marked_uncollectible_at")
    later = closed_at > terms.as_of
    is_paid = (pl.col("status") == "paid") & ~(pl.col("paid_at") > terms.as_of).fill_null(False)
    return (
        invoices.drop_nulls(["amount_due", "currency"])
        .filter(
            pl.col("finalized_at") <= terms.as_of,
            pl.col("amount_due") > 0,
            pl.col("status").is_in(["open", "paid", "void", "uncollectible"]),
        )
        .with_columns(
            closed_at=pl.when(~later.fill_null(False) & (pl.col("status") != "open")).then(
                pl.coalesce(closed_at, "finalized_at")
            ),
            settled_at=pl.when(is_paid).then(pl.coalesce("paid_at", "finalized_at")),
            remaining=pl.when(later.fill_null(False))
            .then("amount_due")
            .otherwise(pl.coalesce("amount_remaining", "amount_due")),
        )
    )


def _part_payments(sent: pl.LazyFrame, invoice_payments: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """What was paid of sent invoices before they were closed: account_id, invoice_id, currency, billed_on, paid_on and
    part (of the amount due).

    What was paid of an open invoice by payments that we do not hold, was paid when it was finalised.
    """
    held = invoice_payments.filter(pl.col("status") == "paid").select(
        *INVOICE, part="amount_paid", part_at=pl.coalesce("paid_at", "created_at")
    )
    about = sent.select(*INVOICE, "currency", "billed_on", "closed_at")
    parts = about.join(held.drop_nulls("part"), on=INVOICE)
    before = (pl.col("part_at") < pl.col("closed_at")).fill_null(True) & (pl.col("part_at") <= terms.as_of)
    summed = parts.group_by(INVOICE).agg(pl.col("part").sum())
    paid = pl.col("amount_due") - pl.coalesce("amount_remaining", "amount_due")
    undated = (
        sent.filter(pl.col("status") == "open", paid > 0)
        .join(summed, on=INVOICE, how="left")
        .with_columns(part=paid - pl.col("part").fill_null(0), paid_on="billed_on")
        .filter(pl.col("part") > 0)
    )
    columns = (*INVOICE, "currency", "billed_on", "paid_on", "part")
    dated = parts.filter(before).with_columns(paid_on=day_of("part_at", terms))
    return pl.concat([dated.select(columns), undated.select(columns)])


def _bucket() -> pl.Expr:
    days, bucket = pl.col("overdue"), pl.lit("91+")
    for most, label in reversed(BUCKETS):
        bucket = pl.when(days <= most).then(pl.lit(label)).otherwise(bucket)
    return bucket


def _paid(billed: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """What was billed in each month, and what of it was paid since."""
    is_paid = pl.col("settled_at").is_not_null()
    late = is_paid & (pl.col("settled_at") > pl.col("due_at"))
    waited = (day_of("settled_at", terms) - pl.col("billed_on")).dt.total_days()
    return billed.group_by("account_id", "month").agg(
        invoices=pl.len().cast(pl.Int64),
        billed_reporting=pl.col("amount_reporting").sum(),
        paid_invoices=is_paid.sum().cast(pl.Int64),
        paid_late_invoices=late.fill_null(False).sum().cast(pl.Int64),
        paid_reporting=pl.col("amount_reporting").filter(is_paid).sum(),
        days_to_pay=waited.filter(is_paid).sum(),
    )


def _moved(billed: pl.LazyFrame, parts: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """What was billed in each month less what was paid in it, or written off: their running sum is what was open."""
    paid = parts.group_by(INVOICE).agg(pl.col("part_reporting").sum())
    closed = billed.drop_nulls("closed_at").join(paid, on=INVOICE, how="left")
    rest = pl.col("amount_reporting") - pl.col("part_reporting").fill_null(0)
    return pl.concat(
        [
            billed.select("account_id", "month", moved="amount_reporting"),
            parts.select("account_id", month_of("paid_on").alias("month"), moved=-pl.col("part_reporting")),
            closed.select("account_id", month_of(day_of("closed_at", terms)).alias("month"), moved=-rest),
        ]
    )


def _days_of(terms: Terms) -> pl.Expr:
    """Days of the month and the two before, as far as they have passed and the account had begun to bill."""
    first = pl.col("month").min().over("account_id")
    start = pl.max_horizontal(pl.col("month").dt.offset_by(f"-{LOOKED_BACK - 1}mo"), first)
    end = pl.min_horizontal(pl.col("month").dt.month_end(), pl.lit(terms.as_of_day))
    return (end - start).dt.total_days() + 1
