"""What a source of an input is, and the forms that its rows take."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from models.mrr import published
from models.terms import Terms

EXACT = pl.Decimal(38, 6)
MONEY, NUMBER = "minor_units", "count"
CORE = ("account_id", "month", "customer_id", "own_amount", "own_currency", "amount", "currency")
IDS = (
    "customer_id",
    "subscription_id",
    "subscription_item_id",
    "invoice_id",
    "posting_id",
    "charge_id",
    "refund_id",
    "dispute_id",
    "balance_transaction_id",
    "source_id",
)
"""Columns of ids, in the order they are shown."""

Frame = pl.LazyFrame
Make = Callable[..., Frame]
Cell = Mapping[str, Any]
"""What chooses one figure of a table: its `month`, and the values of the figure's own keys."""


@dataclass(frozen=True)
class Source:
    """The rows of one input: `make(*frames of inputs, terms)`, the frames named as the recipes of `models.marts` do."""

    words: str
    """What one row is, in the plural."""
    unit: str
    make: Make
    inputs: tuple[str, ...]
    rated_on: str = ""
    """Column of the day at whose rate own_amount was converted; empty where nothing was, or in steps."""
    rates: str = "spine.rates"
    """The rates it was converted at."""
    within: Callable[[Cell], pl.Expr] | None = None
    """Which rows are behind one cell; None: those of its month, and of its keys as far as rows have them."""


def source(
    words: str,
    unit: str,
    make: Make,
    inputs: str,
    rated_on: str = "",
    rates: str = "spine.rates",
    within: Callable[[Cell], pl.Expr] | None = None,
) -> Source:
    """A source, its frames named in one text."""
    return Source(words, unit, make, tuple(inputs.split()), rated_on, rates, within)


def up_to_month(cell: Cell) -> pl.Expr:
    """The rows of the cell's month and of all before it."""
    return pl.col("month") <= pl.lit(cell["month"])


def counted(rows: Frame) -> Frame:
    """The rows as ones to be counted."""
    nothing = pl.lit(None, pl.String)
    return rows.with_columns(
        own_amount=pl.lit(None, EXACT), own_currency=nothing, amount=pl.lit(1).cast(EXACT), currency=nothing
    )


def next_month(rows: Frame, terms: Terms) -> Frame:
    """The rows as what the month after theirs began with."""
    return rows.with_columns(pl.col("month").dt.offset_by("1mo")).filter(pl.col("month") <= terms.as_of_day)


def decimal(micros: str) -> pl.Expr:
    """A column of micros in minor units, exact."""
    return published(pl.col(micros)).cast(EXACT)
