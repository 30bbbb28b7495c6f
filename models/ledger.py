"""The ledger: each change of each item's worth, read off the edges of its stretches.

Every MRR figure is a sum of these rows. Knows stretches and rates; not where the stretches come from, nor what becomes
of the rows.
"""

import polars as pl

from models.fx import converted
from models.periods import day_of
from models.policy import MetricPolicy
from models.stays import with_spells, without_brief_stays
from models.terms import Terms

ENTITY = ["account_id", "subscription_item_id"]
ABOUT = ["account_id", "customer_id", "subscription_id", "subscription_item_id", "product_id", "price_id", "currency"]

CHANGE = (
    *ABOUT,
    "changed_at",
    "changed_on",
    "valued_on",
    "before_micros",
    "after_micros",
    "delta_micros",
    "delta_reporting_micros",
    "cause",
    "basis",
)


def changes(stretches: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """Each change of worth, not yet in the reporting currency; rows where nothing changed are left out."""
    ordered = stretches.sort(*ENTITY, "starts_at").with_columns(
        ended_before=pl.col("ends_at").shift(1).over(ENTITY),
        worth_before=pl.col("mrr_micros").shift(1).over(ENTITY),
        starts_next=pl.col("starts_at").shift(-1).over(ENTITY),
    )
    goes_on = (pl.col("ended_before") == pl.col("starts_at")).fill_null(False)
    starts = ordered.select(
        *ABOUT,
        "basis",
        changed_at="starts_at",
        before_micros=pl.when(goes_on).then("worth_before").otherwise(0),
        after_micros="mrr_micros",
        cause="cause_of_start",
    )
    is_left = pl.col("ends_at").is_not_null() & pl.col("ends_at").ne_missing(pl.col("starts_next"))
    ends = ordered.filter(is_left).select(
        *ABOUT,
        "basis",
        changed_at="ends_at",
        before_micros="mrr_micros",
        after_micros=pl.lit(0, pl.Int64),
        cause="cause_of_end",
    )
    return (
        pl.concat([starts, ends])
        .filter(pl.col("before_micros") != pl.col("after_micros"))
        .with_columns(
            changed_on=day_of("changed_at", terms),
            delta_micros=pl.col("after_micros") - pl.col("before_micros"),
        )
    )


def kept(changes: pl.LazyFrame, policy: MetricPolicy) -> pl.LazyFrame:
    """The changes that the policy shows, with `valued_on`: the day whose exchange rate their worth is converted at as
    long as it lasts; null: that of the day on which it is asked for."""
    shown = without_brief_stays(changes, policy)
    if policy.fx_mode != "movement_date":
        return shown.with_columns(valued_on=pl.lit(None, pl.Date))
    first = pl.coalesce("spell_from", "changed_on")
    return with_spells(shown, policy).with_columns(valued_on=first).drop("spell_from", "spell_to")


def in_reporting_currency(changes: pl.LazyFrame, rates: pl.LazyFrame) -> pl.LazyFrame:
    """The ledger, contracts.spine.ItemChanges: each change at its day's rate, before and after rounded apart.

    `changes` is of `kept`; `rates` are those of MRR.
    """
    return (
        changes.with_columns(rated_on=pl.coalesce("valued_on", "changed_on"))
        .join(
            rates.select("currency", "numerator", "denominator", rated_on="date"),
            on=["currency", "rated_on"],
            how="left",
        )
        .with_columns(delta_reporting_micros=converted("after_micros") - converted("before_micros"))
        .select(CHANGE)
        .sort("account_id", "customer_id", "changed_at", "subscription_item_id")
    )
