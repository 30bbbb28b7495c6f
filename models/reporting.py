"""Amounts of a frame in the reporting currency, each at its own day's rate, rounded half to even once."""

import polars as pl

from models.fx import converted


def in_reporting(
    frame: pl.LazyFrame, rates: pl.LazyFrame, amount: str, on: str, into: str | None = None
) -> pl.LazyFrame:
    """The frame with `amount` (integer, of the row's `currency`) worth in the reporting currency on the day `on`.

    The new column is `into`, else `<amount>_reporting`; null where `rates` (contracts.spine.DailyRates) has no rate.
    """
    rate = rates.select("currency", pl.col("date").alias(on), "numerator", "denominator")
    return (
        frame.join(rate, on=["currency", on], how="left")
        .with_columns(converted(amount).alias(into or f"{amount}_reporting"))
        .drop("numerator", "denominator")
    )
