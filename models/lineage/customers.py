"""Rows behind counts of customers and trials: who came, is there, left."""

from collections.abc import Mapping

import polars as pl

from models.churn import lost_customers
from models.lineage.source import NUMBER, Frame, Make, Source, counted, next_month, source
from models.metrics import TRAILING_MONTHS
from models.movements import CUSTOMER
from models.periods import day_of, is_partial, month_of
from models.stock import standing
from models.terms import Terms

_LOST = "marts.churned_customers marts.customer_changes"


def there(customer_changes: Frame, terms: Terms) -> Frame:
    """Who is a customer at the end of each month, and since when."""
    so_far = customer_changes.with_columns(
        here=pl.col("customers_delta").cum_sum().over(CUSTOMER, order_by="moved_on"),
    )
    last = [pl.col(name).sort_by("moved_on").last() for name in ("here", "moved_on")]
    standing_now = standing(so_far, CUSTOMER, "moved_on", last, "here", terms)
    return counted(standing_now.rename({"moved_on": "since"}).drop("here"))


def there_before(customer_changes: Frame, terms: Terms) -> Frame:
    """Who was one at the end of the month before."""
    return next_month(there(customer_changes, terms), terms)


def _came(kind: str) -> Make:
    def rows(customer_changes: Frame, terms: Terms) -> Frame:
        named = customer_changes.filter(pl.col("movement_type") == kind)
        return counted(named.select(*CUSTOMER, "moved_on", "movement_type", month_of("moved_on").alias("month")))

    return rows


def lost(churned_customers: Frame, customer_changes: Frame, terms: Terms) -> Frame:
    """Customers of the start of a month that left in it, and with which subscription."""
    left = pl.col("left") & (pl.col("kind") != "paused")
    last = pl.col("subscription_id", "churned_on", "kind").sort_by("churned_at", "currency").last()
    how = churned_customers.filter(left).group_by(*CUSTOMER, month_of("churned_on").alias("month")).agg(last)
    return counted(lost_customers(churned_customers, customer_changes).join(how, on=[*CUSTOMER, "month"], how="left"))


def _trailing_lost(churned_customers: Frame, customer_changes: Frame, terms: Terms) -> Frame:
    return _trailing(lost(churned_customers, customer_changes, terms).with_columns(of_month="month"), terms)


def _trailing_base(customer_changes: Frame, terms: Terms) -> Frame:
    return _trailing(there_before(customer_changes, terms).with_columns(of_month="month"), terms)


def _trailing(rows: Frame, terms: Terms) -> Frame:
    """The rows once for each month in whose last full months they are."""
    until = pl.col("of_month").dt.offset_by(f"{TRAILING_MONTHS}mo")
    seen_in = rows.with_columns(month=pl.date_ranges("of_month", until, "1mo")).explode("month")
    partial = is_partial("month", terms)
    is_within = pl.when(partial).then(pl.col("of_month") < pl.col("month")).otherwise(pl.col("month") < until)
    return seen_in.filter(is_within, pl.col("month") <= terms.as_of_day)


def _trials(*outcomes: str) -> Make:
    def rows(trials: Frame, terms: Terms) -> Frame:
        begun = trials.filter(pl.col("outcome").is_in(outcomes)) if outcomes else trials
        return counted(
            begun.select(
                *CUSTOMER,
                "subscription_id",
                "ending",
                month_of(day_of("started_at", terms)).alias("month"),
                started_on=day_of("started_at", terms),
                converted_on=day_of("converted_at", terms),
            )
        )

    return rows


SOURCES: Mapping[str, Source] = {
    "opening_customers": source("customers at the start", NUMBER, there_before, "marts.customer_changes"),
    "closing_customers": source("customers at the end", NUMBER, there, "marts.customer_changes"),
    "new_customers": source("customers who came", NUMBER, _came("new"), "marts.customer_changes"),
    "churned_customers": source("customers who left", NUMBER, _came("churn"), "marts.customer_changes"),
    "reactivated_customers": source("customers who came back", NUMBER, _came("reactivation"), "marts.customer_changes"),
    "lost_customers": source("customers of the start who left, pauses apart", NUMBER, lost, _LOST),
    "trailing_lost_customers": source("customers lost in the last six full months", NUMBER, _trailing_lost, _LOST),
    "trailing_base_customers": source(
        "customers at the start of each of these months", NUMBER, _trailing_base, "marts.customer_changes"
    ),
    "trials_started": source("trials begun", NUMBER, _trials(), "marts.trials"),
    "trials_converted": source("trials begun that were paid for", NUMBER, _trials("converted"), "marts.trials"),
}
