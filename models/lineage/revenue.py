"""Rows behind recognised and deferred revenue: invoice lines and what takes them back."""

from collections.abc import Mapping

import polars as pl

from models.lineage.source import EXACT, MONEY, Frame, Make, Source, next_month, source
from models.periods import day_of, month_of
from models.recognition import BILLED, CAUGHT_UP, LAPSED, POSTING
from models.stock import standing
from models.terms import Terms

_SHARES = "steps.shares staging.invoices staging.invoice_items"


def _billed(*columns: str) -> Make:
    def rows(shares: Frame, invoices: Frame, invoice_items: Frame, terms: Terms) -> Frame:
        whole = shares.unique(POSTING).drop_nulls("billed_at").with_columns(month=month_of(day_of("billed_at", terms)))
        return _postings(whole, _payers(invoices, invoice_items), pl.col("amount")).filter(
            _column_of("kind", BILLED, "credited").is_in(columns)
        )

    return rows


def _caught_up(*columns: str) -> Make:
    def rows(shares: Frame, invoices: Frame, invoice_items: Frame, terms: Terms) -> Frame:
        into = _column_of("kind", CAUGHT_UP, "contra_revenue").is_in(columns)
        caught_up = pl.when(into).then(pl.col("caught_up")).otherwise(0)
        amount = caught_up + pl.col("earned") if "earned" in columns else caught_up
        passed = shares.filter(pl.col("month") <= terms.as_of_day)
        return _postings(passed, _payers(invoices, invoice_items), amount).filter(pl.col("amount") != 0)

    return rows


def deferred(shares: Frame, invoices: Frame, invoice_items: Frame, terms: Terms) -> Frame:
    """What was billed of each posting and is not earned at the end of each month; negative where it is the reverse."""
    about = [*POSTING, "invoice_id", "kind", "currency"]
    whole = shares.unique(POSTING).drop_nulls("billed_at")
    billed = whole.select(*about, day=month_of(day_of("billed_at", terms)), moved="amount")
    passed = shares.filter(pl.col("month") <= terms.as_of_day)
    earned = passed.select(*about, day="month", moved=-(pl.col("caught_up") + pl.col("earned")))
    by_month = pl.concat([billed, earned]).group_by(*about, "day").agg(pl.col("moved").sum())
    left = by_month.with_columns(left=pl.col("moved").cum_sum().over(about, order_by="day"))
    still = standing(left, about, "day", [pl.col("left").sort_by("day").last()], "left", terms)
    return _postings(still, _payers(invoices, invoice_items), pl.col("left"))


def deferred_before(shares: Frame, invoices: Frame, invoice_items: Frame, terms: Terms) -> Frame:
    """The same at the end of the month before."""
    return next_month(deferred(shares, invoices, invoice_items, terms), terms)


def _payers(invoices: Frame, invoice_items: Frame) -> Frame:
    """Whose each invoice is, and each proration that waits for its invoice: account_id, about, payer."""
    return pl.concat(
        [table.select("account_id", about="id", payer="customer_id") for table in (invoices, invoice_items)]
    )


def _postings(postings: Frame, payers: Frame, amount: pl.Expr) -> Frame:
    about = pl.coalesce("invoice_id", pl.col("posting_id").str.strip_suffix(LAPSED)).alias("about")
    return (
        postings.with_columns(about)
        .join(payers, on=["account_id", "about"], how="left")
        .select(
            "account_id",
            "invoice_id",
            "posting_id",
            "kind",
            "month",
            customer_id="payer",
            own_amount=amount.cast(EXACT),
            own_currency="currency",
            amount=amount.cast(EXACT),
            currency="currency",
        )
    )


def _column_of(kind: str, columns: Mapping[str, str], otherwise: str) -> pl.Expr:
    return pl.col(kind).replace_strict(columns, default=otherwise, return_dtype=pl.String)


SOURCES: Mapping[str, Source] = {
    "invoiced": source("invoice lines", MONEY, _billed("invoiced"), _SHARES),
    "credited": source("parts of lines taken back", MONEY, _billed("credited"), _SHARES),
    "written_off": source("parts of lines given up", MONEY, _billed("written_off"), _SHARES),
    "earned": source("invoice lines and what took them back", MONEY, _caught_up("earned"), _SHARES),
    "contra_revenue": source("parts of lines taken back", MONEY, _caught_up("contra_revenue"), _SHARES),
    "bad_debt": source("parts of lines given up", MONEY, _caught_up("bad_debt"), _SHARES),
    "deferred_opening": source("invoice lines not earned at the start", MONEY, deferred_before, _SHARES),
    "deferred_closing": source("invoice lines not earned at the end", MONEY, deferred, _SHARES),
}
