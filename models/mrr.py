"""MRR by day and by month, in each currency and in the reporting currency: sums of movements, nothing else.

Opening and closing are running sums, so that a closing is the next opening by construction; in the reporting currency
the stock is revalued at each month's end and the difference is FX's own movement.
"""

from collections.abc import Sequence

import polars as pl

from models.fx import converted
from models.movements import CUSTOMER, GRAIN, TYPES
from models.presence import arrivals
from models.terms import Terms

CURRENCY = ["account_id", "currency"]
MOVED = [f"{kind}_mrr" for kind in TYPES]
COUNTED = {"new": "new_customers", "churn": "churned_customers", "reactivation": "reactivated_customers"}


def published(micros: pl.Expr) -> pl.Expr:
    """Columns of micros as the exact Decimal(18,6) that is published."""
    return (micros.cast(pl.Decimal(38, 6)) / 1_000_000).cast(pl.Decimal(18, 6))


def by_day(movements: pl.LazyFrame, comings: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """marts.mrr_by_day in micros: every day from a currency's first movement or coming to the as-of day.

    `comings` is of models/presence.py: who is counted as a customer.
    """
    grain = [*CURRENCY, "date"]
    moved = movements.group_by(*CURRENCY, date="moved_on").agg(*_by_type("delta_micros"), moved=_sum("delta_micros"))
    came = comings.group_by(*CURRENCY, date="moved_on").agg(_sum("came"))
    days = (
        pl.concat([moved.select(grain), came.select(grain)])
        .group_by(CURRENCY)
        .agg(pl.col("date").min())
        .with_columns(date=pl.date_ranges("date", pl.lit(terms.as_of_day)))
        .explode("date")
    )
    return (
        days.join(moved, on=grain, how="left")
        .join(came, on=grain, how="left")
        .with_columns(pl.col(*MOVED, "moved", "came").fill_null(0))
        .sort(grain)
        .with_columns(
            closing_mrr=pl.col("moved").cum_sum().over(CURRENCY), customers=pl.col("came").cum_sum().over(CURRENCY)
        )
        .with_columns(opening_mrr=pl.col("closing_mrr") - pl.col("moved"))
        .select(*grain, "opening_mrr", *MOVED, "closing_mrr", "customers")
    )


def by_month(days: pl.LazyFrame, comings: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """marts.mrr_by_month in micros, from the days and the comings."""
    grain = [*CURRENCY, "month"]
    counts = _counts(arrivals(comings, GRAIN, terms.policy).with_columns(month=_month("moved_on")), grain)
    return (
        days.sort(*CURRENCY, "date")
        .group_by(*CURRENCY, month=_month("date"), maintain_order=True)
        .agg(
            pl.col("opening_mrr").first(),
            pl.col(MOVED).sum(),
            pl.col("closing_mrr").last(),
            closing_customers=pl.col("customers").last(),
        )
        .join(counts, on=grain, how="left")
        .with_columns(pl.col(COUNTED.values()).fill_null(0), is_partial=_is_partial(terms))
        .sort(grain)
    )


def by_month_reporting(
    changes: pl.LazyFrame, movements: pl.LazyFrame, comings: pl.LazyFrame, rates: pl.LazyFrame, terms: Terms
) -> pl.LazyFrame:
    """marts.mrr_by_month_reporting in micros, from the ledger, the movements, the comings and the rates of MRR."""
    grain = ["account_id", "month"]
    months = months_of(movements.select("account_id", "moved_on"), comings.select("account_id", "moved_on"), terms)
    flows = movements.group_by("account_id", month=_month("moved_on")).agg(*_by_type("delta_reporting_micros"))
    customers = arrivals(comings, CUSTOMER, terms.policy).with_columns(month=_month("moved_on"))
    came = customers.group_by(grain).agg(_sum("came"))
    operational = pl.sum_horizontal(MOVED)
    return (
        months.join(flows, on=grain, how="left")
        .join(_counts(customers, grain), on=grain, how="left")
        .join(came, on=grain, how="left")
        .join(month_end_stock(changes, months, rates, terms), on=grain, how="left")
        .with_columns(pl.col(*MOVED, *COUNTED.values(), "came", "closing_mrr").fill_null(0))
        .sort(grain)
        .with_columns(
            opening_mrr=pl.col("closing_mrr").shift(1, fill_value=0).over("account_id"),
            closing_customers=pl.col("came").cum_sum().over("account_id"),
            currency=pl.lit(terms.currency),
            is_partial=_is_partial(terms),
        )
        .with_columns(fx_mrr=pl.col("closing_mrr") - pl.col("opening_mrr") - operational)
        .drop("came")
    )


def month_end_stock(
    changes: pl.LazyFrame, months: pl.LazyFrame, rates: pl.LazyFrame, terms: Terms, by: Sequence[str] = ("account_id",)
) -> pl.LazyFrame:
    """Each month's closing in the reporting currency: every item's worth at the month's last rate, or at that of the
    day on which it is valued, rounded by itself: `by`, month, closing_mrr.

    `months` is of `months_of`; `by` are columns of `changes` that say which ledger a row belongs to, `account_id` among
    them.
    """
    is_own, has_day = pl.col("currency") == terms.currency, pl.col("valued_on").is_not_null()
    after, before = pl.col("after_micros"), pl.col("before_micros")
    on = rates.select("currency", "numerator", "denominator", valued_on="date")
    valued = changes.filter(~is_own, has_day).join(on, on=["currency", "valued_on"], how="left")
    about: list[str | pl.Expr] = [*by, _month("changed_on").alias("month")]
    added_up = _added_up(
        pl.concat(
            [
                changes.filter(is_own).select(*about, micros=after - before),
                valued.select(*about, micros=converted("after_micros") - converted("before_micros")),
            ]
        ),
        months,
        by,
    )
    revalued = _revalued(changes.filter(~is_own, ~has_day), months, rates, terms, by)
    return pl.concat([added_up, revalued]).group_by(*by, "month").agg(_sum("closing_mrr"))


def _added_up(moved: pl.LazyFrame, months: pl.LazyFrame, by: Sequence[str]) -> pl.LazyFrame:
    """The stock of what no rate moves: what changed up to each month's end."""
    flows = moved.group_by(*by, "month").agg(_sum("micros"))
    return (
        flows.select(by)
        .unique()
        .join(months, on="account_id")
        .join(flows, on=[*by, "month"], how="left")
        .sort(*by, "month")
        .select(*by, "month", closing_mrr=pl.col("micros").fill_null(0).cum_sum().over(by))
    )


def _revalued(
    changes: pl.LazyFrame, months: pl.LazyFrame, rates: pl.LazyFrame, terms: Terms, by: Sequence[str]
) -> pl.LazyFrame:
    """The stock at each month's last rate. Items worth the same are converted once: it is held as how many items are
    worth how much."""
    level = [*by, "currency", "worth"]
    steps = pl.concat(
        changes.select(*by, "currency", month=_month("changed_on"), worth=worth, items=pl.lit(items, pl.Int64))
        for worth, items in (("before_micros", -1), ("after_micros", 1))
    )
    steps = steps.filter(pl.col("worth") != 0).group_by(*level, "month").agg(_sum("items"))
    held = (
        steps.select(level)
        .unique()
        .join(months, on="account_id")
        .join(steps, on=[*level, "month"], how="left")
        .sort(*level, "month")
        .with_columns(items=pl.col("items").fill_null(0).cum_sum().over(level))
        .filter(pl.col("items") != 0)
    )
    month_end = pl.min_horizontal(pl.col("month").dt.month_end(), pl.lit(terms.as_of_day))
    return (
        held.with_columns(date=month_end)
        .join(rates, on=["currency", "date"], how="left")
        .group_by(*by, "month")
        .agg(closing_mrr=(pl.col("items") * converted("worth")).sum())
    )


def months_of(movements: pl.LazyFrame, comings: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """Every month of an account from its first movement or coming to the as-of day: account_id, month.

    Both frames have account_id and moved_on.
    """
    return (
        pl.concat([movements, comings])
        .group_by("account_id")
        .agg(_month("moved_on").min())
        .select("account_id", month=pl.date_ranges("moved_on", pl.lit(terms.as_of_day), interval="1mo"))
        .explode("month")
    )


def _counts(moves: pl.LazyFrame, grain: list[str]) -> pl.LazyFrame:
    return moves.group_by(grain).agg(
        **{name: (pl.col("movement_type") == kind).sum().cast(pl.Int64) for kind, name in COUNTED.items()}
    )


def _by_type(amount: str) -> list[pl.Expr]:
    return [pl.col(amount).filter(pl.col("movement_type") == kind).sum().alias(f"{kind}_mrr") for kind in TYPES]


def _sum(name: str) -> pl.Expr:
    return pl.col(name).sum()


def _month(name: str) -> pl.Expr:
    return pl.col(name).dt.truncate("1mo")


def _is_partial(terms: Terms) -> pl.Expr:
    return pl.col("month") == terms.as_of_day.replace(day=1)
