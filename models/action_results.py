"""What billing actions did, held against customers who were held out: recovered invoices and customers kept.

By intention to treat (Fisher et al. 1990): a customer counts in the arm that its id was drawn into when the action was
planned, whatever became of the action, since what is approved and what fails is not drawn by chance. A customer counts
once a month, kind and measure, by its first action. Without a holdout nothing is claimed: what came may have come
anyway.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction
from typing import Any

import polars as pl

from models.periods import day_of, is_partial, month_of
from models.proportions import newcombe
from models.reporting import in_reporting
from models.terms import Terms

HORIZONS: Mapping[str, timedelta] = {"recovered": timedelta(days=30), "kept": timedelta(days=90)}
"""Measure to how long after the plan it is looked at: until then an action's result is open."""

ON_INVOICES = ("retry_invoice", "send_invoice")
"""Actions whose invoice may be paid by them."""

ENDINGS = ("cancel", "write_off", "refund", "submit_dispute_evidence")
"""Actions that are not done to keep a customer."""

KEY = ("account_id", "month", "kind", "measure")


def billing_actions(actions: pl.LazyFrame, rates: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """`marts.billing_actions`: `actions` is contracts.operations.Actions, `rates` contracts.spine.DailyRates."""
    known = actions.filter(pl.col("planned_at") <= terms.as_of).with_columns(planned_on=day_of("planned_at", terms))
    return in_reporting(
        in_reporting(known, rates, amount="amount", on="planned_on"), rates, amount="cost", on="planned_on"
    ).sort("account_id", "action_id")


def action_results_by_month(
    billing_actions: pl.LazyFrame, invoices: pl.LazyFrame, mrr_changes: pl.LazyFrame, terms: Terms
) -> pl.LazyFrame:
    """`marts.action_results_by_month`: `invoices` is staged, the others are marts, of these customers at least.

    recovered: the invoice was paid within 30 days of the plan; what it is worth is what was owed. kept: the customer
    had MRR 90 days after the plan; what it is worth is the MRR then, the MRR of the plan at most. Both are minor units
    of the reporting currency.
    """
    drawn = billing_actions.filter(pl.col("arm").is_in(["treatment", "holdout"])).with_columns(
        month=month_of("planned_on")
    )
    seen = pl.concat(
        [_recovered(drawn, invoices), _kept(drawn.filter(~pl.col("kind").is_in(ENDINGS)), mrr_changes)],
        how="vertical",
    )
    counted = seen.sort("planned_at", "action_id").unique([*KEY, "customer_id"], keep="first", maintain_order=True)
    return (
        counted.with_columns(ripe=_ripens_at() <= terms.as_of)
        .group_by(KEY)
        .agg(
            open=(~pl.col("ripe")).sum().cast(pl.Int64),
            **_of_arm("treatment", "treated"),
            acted=(_ripe("treatment") & pl.col("state").is_in(["acted", "done"])).sum().cast(pl.Int64),
            **_of_arm("holdout", "held_out"),
            treated_base_reporting=pl.col("base").filter(_ripe("treatment")).sum(),
            treated_value_reporting=pl.col("value").filter(_ripe("treatment")).sum(),
            held_out_base_reporting=pl.col("base").filter(_ripe("holdout")).sum(),
            held_out_value_reporting=pl.col("value").filter(_ripe("holdout")).sum(),
        )
        .collect()
        .pipe(_compared)
        .lazy()
        .with_columns(is_partial=is_partial("month", terms))
        .sort(KEY)
    )


@dataclass(frozen=True)
class Comparison:
    """What actions did against a holdout. Shares are 0..1, money is minor units of the reporting currency."""

    difference: float
    low: float
    high: float
    effect: int
    effect_low: int
    effect_high: int


def compared(successes: int, treated: int, other_successes: int, held_out: int, base: int) -> Comparison | None:
    """The difference of the two shares with its interval, and what it is worth of a base; None without a holdout.

    The effect in money takes it that who would have paid anyway owes as much on average as who would not have.
    """
    if not treated or not held_out:
        return None
    low, high = newcombe(successes, treated, other_successes, held_out)
    exact = Fraction(successes, treated) - Fraction(other_successes, held_out)
    worth = [round(base * each) for each in (exact, Fraction(low), Fraction(high))]
    return Comparison(float(exact), low, high, *worth)


def _recovered(drawn: pl.LazyFrame, invoices: pl.LazyFrame) -> pl.LazyFrame:
    paid = invoices.select("account_id", pl.col("id").alias("subject_id"), "paid_at")
    until = pl.col("planned_at") + HORIZONS["recovered"]
    success = (pl.col("paid_at") <= until).fill_null(value=False)
    return (
        drawn.filter(pl.col("kind").is_in(ON_INVOICES))
        .join(paid, on=["account_id", "subject_id"], how="left")
        .with_columns(measure=pl.lit("recovered"), success=success, base=pl.col("amount_reporting").fill_null(0))
        .pipe(_valued, pl.when("success").then("base").otherwise(0))
    )


def _kept(drawn: pl.LazyFrame, mrr_changes: pl.LazyFrame) -> pl.LazyFrame:
    key = ["account_id", "action_id"]
    until = pl.col("planned_at") + HORIZONS["kept"]
    moved = mrr_changes.select("account_id", "customer_id", "changed_at", "mrr_delta_reporting")
    now = (
        drawn.select(*key, "customer_id", "planned_at")
        .join(moved, on=["account_id", "customer_id"])
        .filter(pl.col("changed_at") <= until)
        .group_by(key)
        .agg(mrr=_whole(pl.col("mrr_delta_reporting").sum()))
    )
    return (
        drawn.join(now, on=key, how="left")
        .with_columns(
            measure=pl.lit("kept"),
            success=(pl.col("mrr") > 0).fill_null(value=False),
            base=_whole(pl.col("mrr_at_risk_reporting")).fill_null(0),
        )
        .pipe(_valued, pl.when("success").then(pl.min_horizontal("mrr", "base")).otherwise(0))
    )


def _valued(seen: pl.LazyFrame, value: pl.Expr) -> pl.LazyFrame:
    return seen.with_columns(value=value.cast(pl.Int64)).select(
        *KEY, "customer_id", "action_id", "planned_at", "arm", "state", "success", "base", "value"
    )


def _whole(amount: pl.Expr) -> pl.Expr:
    return amount.round(0, mode="half_to_even").cast(pl.Int64)


def _ripens_at() -> pl.Expr:
    horizon = pl.col("measure").replace_strict(dict(HORIZONS), return_dtype=pl.Duration("us"))
    return pl.col("planned_at") + horizon


def _ripe(arm: str) -> pl.Expr:
    return pl.col("ripe") & (pl.col("arm") == arm)


def _of_arm(arm: str, name: str) -> dict[str, pl.Expr]:
    return {
        name: _ripe(arm).sum().cast(pl.Int64),
        f"{name}_successes": (_ripe(arm) & pl.col("success")).sum().cast(pl.Int64),
    }


COMPARED = {
    "difference": pl.Float64,
    "difference_low": pl.Float64,
    "difference_high": pl.Float64,
    "effect_reporting": pl.Int64,
    "effect_low_reporting": pl.Int64,
    "effect_high_reporting": pl.Int64,
}


def _compared(counts: pl.DataFrame) -> pl.DataFrame:
    rows = [_row(each) for each in counts.iter_rows(named=True)]
    return counts.hstack(pl.DataFrame(rows, schema=COMPARED, orient="row"))


def _row(counts: Mapping[str, Any]) -> tuple[float | int | None, ...]:
    made = compared(
        counts["treated_successes"],
        counts["treated"],
        counts["held_out_successes"],
        counts["held_out"],
        counts["treated_base_reporting"],
    )
    if made is None:
        return (None,) * len(COMPARED)
    return (made.difference, made.low, made.high, made.effect, made.effect_low, made.effect_high)
