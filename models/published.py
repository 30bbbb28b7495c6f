"""The published tables as what the models work on: so that a figure can be followed to its rows by the functions that
made it, from `revenue.duckdb` alone.

Published amounts are decimals where the spine has micros, and a file says itself under which terms it was made.
"""

from collections.abc import Mapping
from datetime import datetime

import polars as pl

from models.policy import written
from models.spine import PUBLISHED
from models.terms import Terms

NO_ACCOUNT = ""
"""The account of rows that belong to none."""

MICROS = {column: micros for micros, column in PUBLISHED.items()}


def exchange_rates(rates: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """`marts.exchange_rates`: `rates` is contracts.spine.DailyRates."""
    return rates.select(
        pl.lit(NO_ACCOUNT).alias("account_id"),
        "date",
        "currency",
        "known_on",
        pl.col("numerator", "denominator").cast(pl.Decimal(38, 0)),
    ).sort("currency", "date")


def daily_rates(exchange_rates: pl.LazyFrame) -> pl.LazyFrame:
    """contracts.spine.DailyRates from the mart."""
    return exchange_rates.drop("account_id").with_columns(pl.col("numerator", "denominator").cast(pl.Int128))


def in_micros(ledger: pl.LazyFrame) -> pl.LazyFrame:
    """contracts.spine.ItemChanges from `mrr_changes`, and Movements from `mrr_movements`, a churn's cause apart."""
    columns = [column for column in MICROS if column in ledger.collect_schema().names()]
    amounts = (pl.col(columns) * 1_000_000).cast(pl.Int64)
    return ledger.with_columns(amounts).rename({column: MICROS[column] for column in columns})


def terms_of(publication: Mapping[str, object]) -> Terms:
    """The terms of a publication, from a row of `marts.publication`."""
    as_of = publication["as_of"]
    if not isinstance(as_of, datetime):
        raise TypeError(f"as_of of a publication is {as_of!r}, which is no instant")
    policy = written(str(publication["policy"]), str(publication["policy_rules"]))
    return Terms(as_of, str(publication["timezone"]), str(publication["currency"]), policy)
