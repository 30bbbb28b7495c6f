"""Each customer's first life: since when it pays, how long it was seen, and how that ended; and what it began with.

A life runs from the first paid day, over all currencies, to the day the customer has left for good: pauses are no end,
and what a customer who came back pays later is another life. A customer that was billed before Stripe knew of it (a
backdated subscription) counts from the age at which it could have been seen to leave (left truncation); one that is
paused is not at risk until it pays again. Segments are what a customer began with, so that staying long can't move it
from one to another.
"""

from collections.abc import Mapping

import polars as pl

from models.movements import CUSTOMER
from models.periods import day_of, months_between
from models.plans import collected
from models.terms import Terms

SEGMENT = ("account_id", "segment", "segment_value")
PAUSED, UNEXPLAINED = "paused", "voluntary_unknown"
UNKNOWN = "unknown"

SEGMENTS: Mapping[str, pl.Expr] = {
    "all": pl.lit("all"),
    "product": pl.col("product_id"),
    "billing_interval": pl.col("billing_interval"),
    "currency": pl.col("currency"),
    "country": pl.col("country"),
    "cohort_year": pl.col("first_paid_on").dt.strftime("%Y"),
}
"""Segment to the customer's value of it, from the columns of `first_lives`."""


def first_lives(
    movements: pl.LazyFrame,
    customer_changes: pl.LazyFrame,
    churned_customers: pl.LazyFrame,
    changes: pl.LazyFrame,
    subscriptions: pl.LazyFrame,
    prices: pl.LazyFrame,
    customers: pl.LazyFrame,
    terms: Terms,
) -> pl.LazyFrame:
    """One row a stretch of a customer's first life in which it was seen at risk of leaving, the same on every day on
    which nothing happens to the customer.

    `movements` and `changes` are the spine's, `customer_changes`, `churned_customers` and `customers` marts, the others
    staged.

    Columns: account_id, customer_id, first_paid_on, to_day (null where the stretch goes on), from_age (days since the
    first paid day, at risk), ended_as (the kind of its churn; null where it was last seen), product_id,
    billing_interval, recurring_interval, recurring_interval_count, currency, country (of what it began with, `unknown`
    where that is not known), from_renewal (the first renewal at which leaving would have been seen, 1 for the first).
    """
    turns = _turns(movements, customer_changes, churned_customers).pipe(collected).lazy()
    return (
        turns.join(_first_seen(subscriptions, terms), on=CUSTOMER, how="left")
        .join(_began_with(turns, changes, prices), on=CUSTOMER, how="left")
        .join(customers.select(*CUSTOMER, "country"), on=CUSTOMER, how="left")
        .with_columns(
            pl.col("product_id", "billing_interval", "currency", "country").fill_null(UNKNOWN),
            seen_from=pl.max_horizontal("from_day", "first_seen_on"),
        )
        .filter(pl.col("seen_from") <= _seen_until(terms))
        .with_columns(from_age=_days_since("seen_from"), from_renewal=_renewals_before(pl.col("seen_from")) + 1)
        .select(
            *CUSTOMER,
            "first_paid_on",
            "to_day",
            "from_age",
            "ended_as",
            "product_id",
            "billing_interval",
            "recurring_interval",
            "recurring_interval_count",
            "currency",
            "country",
            "from_renewal",
        )
        .sort(*CUSTOMER, "from_age")
    )


def spells(first_lives: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """`first_lives` as of the as-of day: in place of `to_day`, `to_age` (days since the first paid day, at risk to
    their end) and `to_renewal` (the renewal at which it left, or the last that it was seen to make)."""
    return (
        first_lives.with_columns(to_day=_seen_until(terms))
        .with_columns(to_age=_days_since("to_day"), to_renewal=_last_renewal())
        .drop("to_day")
    )


def segmented(spells: pl.LazyFrame) -> pl.LazyFrame:
    """The rows once for every segment, with `segment` and `segment_value`."""
    return pl.concat(
        [spells.with_columns(segment=pl.lit(name), segment_value=value) for name, value in SEGMENTS.items()]
    )


def _turns(movements: pl.LazyFrame, customer_changes: pl.LazyFrame, churned_customers: pl.LazyFrame) -> pl.LazyFrame:
    """Stretches in which customers were there, from the first paid day up to the first churn that was no pause:
    account_id, customer_id, first_paid_on, from_day, to_day, ended_as."""
    is_churn = pl.col("movement_type") == "churn"
    left_before = pl.col("left").cum_sum().over(CUSTOMER) - pl.col("left")
    ended_as = pl.col("kind").shift(-1).over(CUSTOMER)
    return (
        _since_the_first_paid_day(movements, customer_changes)
        .join(_kinds(churned_customers), on=[*CUSTOMER, "moved_on"], how="left")
        .with_columns(kind=pl.when(is_churn).then(pl.col("kind").fill_null(UNEXPLAINED)))
        .sort(*CUSTOMER, "moved_on")
        .with_columns(left=(pl.col("kind") != PAUSED).fill_null(False).cast(pl.Int64))
        .with_columns(
            from_day="moved_on",
            to_day=pl.col("moved_on").shift(-1).over(CUSTOMER),
            ended_as=pl.when(ended_as != PAUSED).then(ended_as),
            left_before=left_before,
        )
        .filter(~is_churn, pl.col("left_before") == 0)
        .select(*CUSTOMER, "first_paid_on", "from_day", "to_day", "ended_as")
    )


def _since_the_first_paid_day(movements: pl.LazyFrame, customer_changes: pl.LazyFrame) -> pl.LazyFrame:
    """When customers came and left, with first_paid_on; who was one for nothing before comes on that day."""
    first_paid_on = pl.col("first_paid_on")
    first = movements.filter(pl.col("after_micros") > 0).group_by(CUSTOMER).agg(first_paid_on=pl.col("moved_on").min())
    return (
        customer_changes.filter(pl.col("movement_type").is_in(["new", "churn", "reactivation"]))
        .join(first, on=CUSTOMER)
        .sort(*CUSTOMER, "moved_on")
        .with_columns(next_on=pl.col("moved_on").shift(-1).over(CUSTOMER))
        .filter(pl.col("moved_on").gt(first_paid_on) | pl.col("next_on").gt(first_paid_on).fill_null(True))
        .select(*CUSTOMER, "first_paid_on", "movement_type", moved_on=pl.max_horizontal("moved_on", "first_paid_on"))
    )


def _kinds(churned_customers: pl.LazyFrame) -> pl.LazyFrame:
    """The kind of each customer's churn by day; of several currencies lost on one day, a pause only if all were."""
    ranked = pl.col("kind").sort_by(pl.col("kind") == PAUSED, -pl.col("mrr_lost_reporting"), "currency")
    return churned_customers.group_by(*CUSTOMER, moved_on="churned_on").agg(kind=ranked.first())


def _first_seen(subscriptions: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """The day from which Stripe knew of each customer as a subscriber."""
    return (
        subscriptions.drop_nulls(["customer_id", "created_at"])
        .group_by(CUSTOMER)
        .agg(pl.col("created_at").min())
        .select(*CUSTOMER, first_seen_on=day_of("created_at", terms))
    )


def _began_with(turns: pl.LazyFrame, changes: pl.LazyFrame, prices: pl.LazyFrame) -> pl.LazyFrame:
    """What each customer bought on its first paid day; of several items the one worth most."""
    billed = prices.select("account_id", "recurring_interval", "recurring_interval_count", price_id="id").with_columns(
        pl.col("recurring_interval_count").fill_null(1)
    )
    first = turns.select(*CUSTOMER, changed_on="first_paid_on").unique()
    last = pl.col("product_id", "price_id", "currency").sort_by("changed_at").last()
    return (
        changes.join(first, on=[*CUSTOMER, "changed_on"], how="semi")
        .group_by(*CUSTOMER, "subscription_item_id")
        .agg(last, worth=pl.col("delta_reporting_micros").sum())
        .filter(pl.col("worth") > 0)
        .sort(*CUSTOMER, "worth", "subscription_item_id", descending=[False, False, True, False])
        .group_by(CUSTOMER, maintain_order=True)
        .agg(pl.col("product_id", "price_id", "currency").first())
        .join(billed, on=["account_id", "price_id"], how="left")
        .pipe(_in_years)
        .with_columns(billing_interval=interval_words())
        .drop("price_id")
    )


def _in_years(priced: pl.LazyFrame) -> pl.LazyFrame:
    """Twelve months are a year."""
    months = pl.col("recurring_interval_count")
    whole = (pl.col("recurring_interval") == "month") & (months % 12 == 0)
    return priced.with_columns(
        recurring_interval=pl.when(whole).then(pl.lit("year")).otherwise("recurring_interval"),
        recurring_interval_count=pl.when(whole).then(months // 12).otherwise(months),
    )


def interval_words() -> pl.Expr:
    """`month`, `3 months`."""
    unit, count = pl.col("recurring_interval"), pl.col("recurring_interval_count")
    return pl.when(count == 1).then(unit).otherwise(pl.format("{} {}s", count, unit))


def _seen_until(terms: Terms) -> pl.Expr:
    return pl.col("to_day").fill_null(terms.as_of_day)


def _days_since(day: str) -> pl.Expr:
    return (pl.col(day) - pl.col("first_paid_on")).dt.total_days()


def _renewals_before(day: pl.Expr) -> pl.Expr:
    """How many of the periods that began on the first paid day were over before a day; null where none is known."""
    unit, count = pl.col("recurring_interval"), pl.col("recurring_interval_count")
    start = pl.col("first_paid_on")
    months = count * unit.replace_strict({"month": 1, "year": 12}, default=None, return_dtype=pl.Int64)
    days = count * unit.replace_strict({"day": 1, "week": 7}, default=None, return_dtype=pl.Int64)
    periods = months_between(start, day) // months
    is_over = start.dt.offset_by(pl.format("{}mo", periods * months)) < day
    by_month = periods - (~is_over).cast(pl.Int64)
    by_day = ((day - start).dt.total_days() - 1) // days
    return pl.coalesce(by_month, by_day).clip(0)


def _last_renewal() -> pl.Expr:
    """The renewal at which a customer left, or the last that it made.

    Who was given up for want of payment left at the last renewal that fell due; everyone else at the end of the period
    in which it left. A day is allowed, because a period's end can fall on the next day of the reporting zone.
    """
    day = pl.col("to_day")
    unpaid = _renewals_before(day.dt.offset_by("1d"))
    ended = _renewals_before(day.dt.offset_by("-1d")) + 1
    left_at = pl.when(pl.col("ended_as") == "involuntary_payment").then(unpaid).otherwise(ended)
    return (
        pl.when(pl.col("ended_as").is_null())
        .then(_renewals_before(day))
        .otherwise(pl.max_horizontal(left_at, "from_renewal"))
    )
