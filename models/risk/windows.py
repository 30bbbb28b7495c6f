"""Windows: the form in which every feature is told, one row a span of time in which a level of it held.

`from_at` is when it began to hold, `until_at` when it stopped (null: not yet), `known_at` the latest instant at which
any row that it was made from came into being. `subject` is what it is about (an id or a day), `detail` what a reason
prints after its words.

A window begins and ends when something happened, or so many days before or after; then at the start of that day, so
that what holds of a customer changes within a day only by what happens to it.
"""

from datetime import timedelta

import polars as pl

from models.movements import CUSTOMER
from models.periods import day_of, opens_at
from models.risk.features import BY_NAME
from models.terms import Terms

INSTANT = pl.Datetime("us", "UTC")
WINDOW = {
    "account_id": pl.String(),
    "customer_id": pl.String(),
    "feature": pl.Int8(),
    "level": pl.Int8(),
    "from_at": INSTANT,
    "until_at": INSTANT,
    "known_at": INSTANT,
    "subject": pl.String(),
    "detail": pl.String(),
}


def on_day(moment: pl.Expr, terms: Terms) -> pl.Expr:
    """The start of a moment's day in the reporting zone."""
    return opens_at(day_of(moment, terms), terms)


def today(terms: Terms) -> pl.Expr:
    """The as-of day once it has begun: the same at every instant of it."""
    begun = opens_at(pl.lit(terms.as_of_day), terms) + timedelta(microseconds=1)
    return pl.min_horizontal(begun, pl.lit(terms.as_of, INSTANT))


def month_closes(terms: Terms) -> pl.Expr:
    """The end of the as-of month. Windows that begin by then are told, so that it is known when they will."""
    return opens_at(pl.lit(terms.as_of_day).dt.offset_by("1mo").dt.month_start(), terms)


def end_of_day(day: str, terms: Terms) -> pl.Expr:
    """The instant at which a day's net is known: its end; of the as-of day, that day."""
    return pl.min_horizontal(opens_at(pl.col(day).dt.offset_by("1d"), terms), today(terms))


def windows(
    frame: pl.LazyFrame,
    feature: str,
    level: pl.Expr | int,
    from_at: pl.Expr,
    until_at: pl.Expr | None,
    known_at: pl.Expr,
    subject: pl.Expr,
    detail: pl.Expr | None = None,
) -> pl.LazyFrame:
    """Windows of a feature from rows of customers; those that would end before they begin are left out."""
    return (
        frame.select(
            *CUSTOMER,
            feature=pl.lit(BY_NAME[feature], pl.Int8),
            level=(pl.lit(level) if isinstance(level, int) else level).cast(pl.Int8),
            from_at=from_at.cast(INSTANT),
            until_at=(pl.lit(None) if until_at is None else until_at).cast(INSTANT),
            known_at=known_at.cast(INSTANT),
            subject=subject.cast(pl.String),
            detail=(pl.lit(None) if detail is None else detail).cast(pl.String),
        )
        .drop_nulls(["account_id", "customer_id", "level", "from_at", "known_at"])
        .filter(pl.col("until_at").is_null() | (pl.col("from_at") < pl.col("until_at")))
    )
