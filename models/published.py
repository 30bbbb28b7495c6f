"""The published tables as what the models work on: so that a figure can be followed to its rows by the functions that
made it, from `revenue.duckdb` alone.

Published amounts are decimals where the spine has micros, and a file says itself under which terms it was made.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

import polars as pl

from models.currency import minor_exponent
from models.fx import rates_by
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


def mrr_rates(exchange_rates: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """The rates that MRR is converted at, in the same form."""
    return rates_by(terms.policy.fx_mode, daily_rates(exchange_rates), terms)


def in_major_units(rates: pl.DataFrame, currency: str, terms: Terms) -> pl.DataFrame:
    """DailyRates with `rate`: 1 major unit of the currency in the column `currency` = rate major units of the reporting
    currency, to twelve decimals."""

    def rate(code: str, numerator: int, denominator: int) -> Decimal:
        scale = Fraction(10) ** (minor_exponent(code) - minor_exponent(terms.currency))
        exact = Fraction(numerator, denominator) * scale
        return Decimal(round(exact * 10**12)).scaleb(-12)

    found = [rate(*row) for row in rates.select(currency, "numerator", "denominator").rows()]
    return rates.with_columns(pl.Series("rate", found, dtype=pl.Decimal(38, 12)))
