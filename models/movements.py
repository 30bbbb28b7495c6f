"""Movements: the net change of a customer's MRR in one currency on one day, and what kind it was.

Net of the day, so that a plan switched by cancelling and starting anew is one expansion or contraction. A customer back
within the policy's grace days never left. Knows the ledger; not how it came about.
"""

import polars as pl

from models.policy import MetricPolicy

CUSTOMER = ["account_id", "customer_id"]
GRAIN = [*CUSTOMER, "currency"]
TYPES = ("new", "expansion", "contraction", "churn", "reactivation")


def movements(changes: pl.LazyFrame, policy: MetricPolicy, presence: pl.LazyFrame | None = None) -> pl.LazyFrame:
    """contracts.spine.Movements from the ledger.

    `presence` is of models/presence.py, where customers stay though they pay nothing; then a fall to nothing is a
    churn only of those who are not there any more at the end of the day.
    """
    days = (
        changes.sort(*GRAIN, "changed_on", "changed_at", "subscription_item_id")
        .group_by(*GRAIN, moved_on="changed_on", maintain_order=True)
        .agg(
            pl.col("delta_micros").sum(),
            pl.col("delta_reporting_micros").sum(),
            rise=pl.col("cause").get(pl.col("delta_micros").arg_max()),
            fall=pl.col("cause").get(pl.col("delta_micros").arg_min()),
        )
        .filter(pl.col("delta_micros") != 0)
        .with_columns(cause=pl.when(pl.col("delta_micros") > 0).then("rise").otherwise("fall"))
    )
    return (
        classified(_staying(days, presence), GRAIN, "delta_micros", policy)
        .rename({"before": "before_micros", "after": "after_micros"})
        .select(
            *GRAIN,
            "moved_on",
            "movement_type",
            "cause",
            "before_micros",
            "after_micros",
            "delta_micros",
            "delta_reporting_micros",
        )
    )


def classified(days: pl.LazyFrame, grain: list[str], delta: str, policy: MetricPolicy) -> pl.LazyFrame:
    """Days of change with `before`, `after` and `movement_type`, in order of the grain and the day.

    `stays` of a day is True where one who falls to nothing on it has not left.
    """
    steps = (
        days.sort(*grain, "moved_on")
        .with_columns(after=pl.col(delta).cum_sum().over(grain))
        .with_columns(
            before=pl.col("after") - pl.col(delta),
            days_away=(pl.col("moved_on") - pl.col("moved_on").shift(1).over(grain)).dt.total_days(),
            days_until=(pl.col("moved_on").shift(-1).over(grain) - pl.col("moved_on")).dt.total_days(),
        )
        .with_columns(returns_soon=(pl.col("days_until") <= policy.grace_days).fill_null(False))
        .with_columns(leaves=(pl.col("after") == 0) & ~pl.col("returns_soon") & ~pl.col("stays"))
        .with_columns(was_gone=pl.col("leaves").shift(1, fill_value=False).over(grain))
    )
    is_first = (pl.col("before") == 0) & pl.col("days_away").is_null()
    is_forgotten = pl.lit(False)
    if policy.reactivation_max_days is not None:
        is_forgotten = pl.col("was_gone") & (pl.col("days_away") > policy.reactivation_max_days)
    return steps.with_columns(
        movement_type=pl.when(is_first | is_forgotten)
        .then(pl.lit("new"))
        .when("was_gone")
        .then(pl.lit("reactivation"))
        .when("leaves")
        .then(pl.lit("churn"))
        .when(pl.col(delta) > 0)
        .then(pl.lit("expansion"))
        .otherwise(pl.lit("contraction"))
    )


def _staying(days: pl.LazyFrame, presence: pl.LazyFrame | None) -> pl.LazyFrame:
    """The days with `stays`: whether the customer is there at the end of each without paying."""
    if presence is None:
        return days.with_columns(stays=pl.lit(False))
    there = presence.sort(*GRAIN, "moved_on").select(*GRAIN, "moved_on", stays=pl.col("came").cum_sum().over(GRAIN) > 0)
    return (
        days.sort("moved_on")
        .join_asof(there.sort("moved_on"), on="moved_on", by=GRAIN, check_sortedness=False)
        .with_columns(pl.col("stays").fill_null(False))
    )
