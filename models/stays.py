"""Spells: unbroken times in which a customer pays in a currency, a gap no longer than the days of grace being none.

Two rules look at them: what a customer who came and went in one month shows, and the rate of the day a customer began.
"""

import polars as pl

from models.movements import GRAIN
from models.policy import MetricPolicy


def with_spells(changes: pl.LazyFrame, policy: MetricPolicy) -> pl.LazyFrame:
    """The ledger's changes with `spell_from` and `spell_to` (null: it goes on), the days of the spell each belongs to.

    A change of nothing on balance, before a customer ever paid, belongs to none: null.
    """
    spells = _spells(changes, policy).sort("changed_on")
    return changes.sort("changed_on").join_asof(
        spells.with_columns(spell_from="changed_on"), on="changed_on", by=GRAIN, check_sortedness=False
    )


def without_brief_stays(changes: pl.LazyFrame, policy: MetricPolicy) -> pl.LazyFrame:
    """The changes less those of customers who came and went within one month, where the policy shows neither."""
    if policy.same_month_churn == "both":
        return changes
    months = [pl.col(day).dt.truncate("1mo") for day in ("spell_from", "spell_to")]
    is_brief = (months[0] == months[1]).fill_null(False)
    return with_spells(changes, policy).filter(~is_brief).drop("spell_from", "spell_to")


def _spells(changes: pl.LazyFrame, policy: MetricPolicy) -> pl.LazyFrame:
    """account_id, customer_id, currency, changed_on (the spell's first day), spell_to."""
    days = (
        changes.group_by(*GRAIN, "changed_on")
        .agg(delta=pl.col("delta_micros").sum())
        .filter(pl.col("delta") != 0)
        .sort(*GRAIN, "changed_on")
        .with_columns(after=pl.col("delta").cum_sum().over(GRAIN))
    )
    days_away = (pl.col("changed_on") - pl.col("changed_on").shift(1).over(GRAIN)).dt.total_days()
    begins = (pl.col("after") == pl.col("delta")) & ~(days_away <= policy.grace_days).fill_null(False)
    return (
        days.with_columns(spell=begins.cum_sum())
        .group_by(*GRAIN, "spell", maintain_order=True)
        .agg(
            pl.col("changed_on").first(),
            spell_to=pl.when(pl.col("after").last() == 0).then(pl.col("changed_on").last()),
        )
        .drop("spell")
    )
