"""Movements: the net change of a customer's MRR in one currency on one day, and what kind it was.

Net of the day, so that a plan switched by cancelling and starting anew is one expansion or contraction. A customer back
within the policy's grace days never left. Knows the ledger; not how it came about.
"""

import polars as pl

CUSTOMER = ["account_id", "customer_id"]
GRAIN = [*CUSTOMER, "currency"]
TYPES = ("new", "expansion", "contraction", "churn", "reactivation")


def movements(changes: pl.LazyFrame, grace_days: int) -> pl.LazyFrame:
    """contracts.spine.Movements from the ledger."""
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
        classified(days, GRAIN, "delta_micros", grace_days)
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


def customer_movements(movements: pl.LazyFrame, grace_days: int) -> pl.LazyFrame:
    """When customers came and left across all their currencies: account_id, customer_id, moved_on, movement_type."""
    came = (pl.col("after_micros") > 0).cast(pl.Int64) - (pl.col("before_micros") > 0).cast(pl.Int64)
    days = (
        movements.with_columns(currencies=came)
        .group_by(*CUSTOMER, "moved_on")
        .agg(pl.col("currencies").sum())
        .filter(pl.col("currencies") != 0)
    )
    return (
        classified(days, CUSTOMER, "currencies", grace_days)
        .with_columns(came=(pl.col("after") > 0).cast(pl.Int64) - (pl.col("before") > 0).cast(pl.Int64))
        .select(*CUSTOMER, "moved_on", "movement_type", "came")
    )


def classified(days: pl.LazyFrame, grain: list[str], delta: str, grace_days: int) -> pl.LazyFrame:
    """Days of change with `before`, `after` and `movement_type`, in order of the grain and the day."""
    steps = (
        days.sort(*grain, "moved_on")
        .with_columns(after=pl.col(delta).cum_sum().over(grain))
        .with_columns(
            before=pl.col("after") - pl.col(delta),
            days_away=(pl.col("moved_on") - pl.col("moved_on").shift(1).over(grain)).dt.total_days(),
            days_until=(pl.col("moved_on").shift(-1).over(grain) - pl.col("moved_on")).dt.total_days(),
        )
    )
    from_nothing, to_nothing = pl.col("before") == 0, pl.col("after") == 0
    back_soon = (pl.col("days_away") <= grace_days).fill_null(False)
    returns_soon = (pl.col("days_until") <= grace_days).fill_null(False)
    return steps.with_columns(
        movement_type=pl.when(from_nothing & pl.col("days_away").is_null())
        .then(pl.lit("new"))
        .when(from_nothing & ~back_soon)
        .then(pl.lit("reactivation"))
        .when(to_nothing & ~returns_soon)
        .then(pl.lit("churn"))
        .when(pl.col(delta) > 0)
        .then(pl.lit("expansion"))
        .otherwise(pl.lit("contraction"))
    )
