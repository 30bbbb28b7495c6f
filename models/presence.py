"""Who is a customer when: those who pay, or, where a policy says so, also those who have something for nothing.

A coming is +1 on the day a customer of a currency is there at last, -1 on the day it is not any more. Customers are
counted by adding comings up, and named new, reactivated or churned as movements are.
"""

import polars as pl

from models.movements import GRAIN, classified
from models.periods import day_of
from models.policy import MetricPolicy
from models.stays import without_brief_stays
from models.terms import Terms


def subscribers(stretches: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """Comings and goings of those with anything that counts, be it free: account_id, customer_id, currency, moved_on,
    came. `stretches` is contracts.spine.Stretches; what says no amount is not known to be free."""
    known = stretches.filter(pl.col("reason").ne_missing("unknown_amount"))
    edges = pl.concat(
        known.select(*GRAIN, changed_on=day_of(at, terms), delta_micros=pl.lit(step, pl.Int64))
        for at, step in (("starts_at", 1), ("ends_at", -1))
    ).drop_nulls("changed_on")
    items = (
        edges.group_by(*GRAIN, "changed_on")
        .agg(pl.col("delta_micros").sum())
        .sort(*GRAIN, "changed_on")
        .with_columns(held=pl.col("delta_micros").cum_sum().over(GRAIN))
    )
    is_there = (pl.col("held") > 0).cast(pl.Int64)
    comings = items.with_columns(delta_micros=is_there - is_there.shift(1, fill_value=0).over(GRAIN)).filter(
        pl.col("delta_micros") != 0
    )
    kept = without_brief_stays(comings, terms.policy)
    return kept.select(*GRAIN, moved_on="changed_on", came="delta_micros")


def payers(movements: pl.LazyFrame) -> pl.LazyFrame:
    """Comings and goings of those who pay, in the same form. `movements` is contracts.spine.Movements."""
    came = (pl.col("after_micros") > 0).cast(pl.Int64) - (pl.col("before_micros") > 0).cast(pl.Int64)
    return movements.select(*GRAIN, "moved_on", came=came).filter(pl.col("came") != 0)


def arrivals(comings: pl.LazyFrame, grain: list[str], policy: MetricPolicy) -> pl.LazyFrame:
    """When customers came and left at a grain, `movements.GRAIN` or across currencies: the grain, moved_on,
    movement_type (new, reactivation, churn; something else where they were back soon) and came."""
    days = comings.group_by(*grain, "moved_on").agg(pl.col("came").sum()).filter(pl.col("came") != 0)
    was_there, is_there = ((pl.col(side) > 0).cast(pl.Int64) for side in ("before", "after"))
    return (
        classified(days.with_columns(stays=pl.lit(False)), grain, "came", policy)
        .with_columns(came=is_there - was_there)
        .select(*grain, "moved_on", "movement_type", "came")
    )
