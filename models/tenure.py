"""Survival by month of tenure: who is still there, who left in each month and how, and what is expected beyond.

A month of tenure ends three days after the day it would end on, so that whoever leaves at the end of a paid month
leaves in that month, be it one of 28 days or of 31.
"""

from collections.abc import Mapping

import polars as pl

from models.projection import projected_survival
from models.spells import SEGMENT, segmented
from models.survival import counts, curve
from models.terms import Terms

CLASSES: Mapping[str, str] = {
    "voluntary": "voluntary",
    "voluntary_in_dunning": "voluntary",
    "voluntary_unknown": "voluntary",
    "involuntary_payment": "involuntary",
    "involuntary_dispute": "involuntary",
    "contract_end": "other",
    "administrative": "other",
}
"""Kind of churn to the class of ends that it is shown in; pauses are no end."""
WAYS = tuple(dict.fromkeys(CLASSES.values()))
ALLOWANCE = 3
"""Days after its end that still belong to a month of tenure."""
MONTH_DAYS = (487, 16)
"""A month of tenure is 365.25 / 12 days = 487 / 16."""


def survival_counts(spells: pl.LazyFrame) -> pl.LazyFrame:
    """Counts by segment and age in days, ends by class: what curves are made of, of `spells.spells`."""
    ended = segmented(spells).with_columns(way=pl.col("ended_as").replace_strict(CLASSES, return_dtype=pl.String))
    return counts(ended, SEGMENT, "from_age", "to_age", "way")


def survival_by_month(spells: pl.LazyFrame, renewal_fits: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """`marts.survival_by_month`: `spells` is of `spells.spells`, `renewal_fits` the mart."""
    by_age = curve(survival_counts(spells), SEGMENT, WAYS)
    incidences = [f"incidence_{way}" for way in WAYS]
    gone = pl.col("last_seen") + pl.col("ended")
    by_month = (
        by_age.with_columns(tenure_month=tenure_month("age"))
        .group_by(*SEGMENT, "tenure_month")
        .agg(
            pl.col("entered", "last_seen", "ended", *(f"ended_{way}" for way in WAYS)).sum(),
            pl.col("survival", "low", "high", *incidences).sort_by("age").last(),
        )
    )
    carried = ("survival", "low", "high", *incidences)
    seen = (
        _every_month(by_month)
        .join(by_month, on=[*SEGMENT, "tenure_month"], how="left")
        .with_columns(
            pl.col("entered", "last_seen", "ended", *(f"ended_{way}" for way in WAYS)).fill_null(0),
            *(_in_order(pl.col(name).forward_fill()).alias(name) for name in carried),
        )
        .with_columns(at_risk=_in_order((pl.col("entered") - gone).cum_sum()) + gone)
    )
    return (
        seen.with_columns(
            _hazard(1 - pl.col("survival")).alias("hazard"),
            *(_hazard(pl.col(f"incidence_{way}")).alias(f"hazard_{way}") for way in WAYS),
        )
        .join(projected_survival(renewal_fits, terms.policy), on=[*SEGMENT, "tenure_month"], how="full", coalesce=True)
        .select(
            *SEGMENT,
            "tenure_month",
            pl.col("at_risk", "entered").fill_null(0),
            churned=pl.col("ended").fill_null(0),
            **{f"churned_{way}": pl.col(f"ended_{way}").fill_null(0) for way in WAYS},
            last_seen=pl.col("last_seen").fill_null(0),
            survival="survival",
            survival_low="low",
            survival_high="high",
            survival_projected="survival_projected",
            hazard="hazard",
            **{f"hazard_{way}": pl.col(f"hazard_{way}") for way in WAYS},
            **{f"incidence_{way}": pl.col(f"incidence_{way}") for way in WAYS},
        )
        .sort(*SEGMENT, "tenure_month")
    )


def tenure_month(age: str) -> pl.Expr:
    """The month of tenure in which an age in days lies: 0 for the first paid day itself, then 1, 2, ..."""
    days, parts = MONTH_DAYS
    month = -((-parts * (pl.col(age) - ALLOWANCE)) // days)
    return pl.when(pl.col(age) == 0).then(0).otherwise(month.clip(1)).cast(pl.Int64)


def _every_month(by_month: pl.LazyFrame) -> pl.LazyFrame:
    until = pl.int_ranges(0, pl.col("tenure_month").max() + 1)
    return by_month.group_by(SEGMENT).agg(until.alias("tenure_month").first()).explode("tenure_month")


def _hazard(gone: pl.Expr) -> pl.Expr:
    """The share of those who were there before the month that it took."""
    before = _in_order(pl.col("survival").shift(1, fill_value=1.0))
    return pl.when(before > 0).then((gone - _in_order(gone.shift(1, fill_value=0.0))) / before)


def _in_order(of: pl.Expr) -> pl.Expr:
    return of.over(SEGMENT, order_by="tenure_month")
