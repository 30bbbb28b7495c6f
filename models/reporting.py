"""Amounts in the reporting currency, each at its own day's rate, rounded half to even once."""

import polars as pl

WIDE = pl.Int128


def in_reporting(
    frame: pl.LazyFrame, rates: pl.LazyFrame, amount: str, on: str, into: str | None = None
) -> pl.LazyFrame:
    """The frame with `amount` (integer, of the row's `currency`) worth in the reporting currency on the day `on`.

    The new column is `into`, else `<amount>_reporting`; null where `rates` (contracts.spine.DailyRates) has no rate.
    """
    into = into or f"{amount}_reporting"
    rate = rates.select("currency", pl.col("date").alias(on), _n="numerator", _d="denominator")
    return (
        frame.join(rate, on=["currency", on], how="left")
        .with_columns(_times(pl.col(amount), pl.col("_n"), pl.col("_d")).alias(into))
        .drop("_n", "_d")
    )


def _times(amount: pl.Expr, numerator: pl.Expr, denominator: pl.Expr) -> pl.Expr:
    """amount × numerator / denominator, to the nearest integer, halves to the even one."""
    product = amount.cast(WIDE) * numerator.cast(WIDE)
    below = product // denominator.cast(WIDE)
    doubled = (product - below * denominator.cast(WIDE)) * 2
    up = (doubled > denominator) | ((doubled == denominator) & (below % 2 == 1))
    return (below + up.cast(WIDE)).cast(pl.Int64)
