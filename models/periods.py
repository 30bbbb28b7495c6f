"""Days and months in the reporting zone."""

from collections.abc import Sequence

import polars as pl

from models.terms import Terms


def day_of(instant: str | pl.Expr, terms: Terms) -> pl.Expr:
    """The reporting-zone day of an instant."""
    moment = pl.col(instant) if isinstance(instant, str) else instant
    return moment.dt.convert_time_zone(terms.timezone).dt.date()


def month_of(day: str | pl.Expr) -> pl.Expr:
    """First day of a day's month."""
    return (pl.col(day) if isinstance(day, str) else day).dt.truncate("1mo")


def month_end(month: str) -> pl.Expr:
    """Last day of a month."""
    return pl.col(month).dt.month_end()


def months_between(start: str | pl.Expr, end: str | pl.Expr) -> pl.Expr:
    """How many months the month of one day is after that of another."""
    first, last = (pl.col(day) if isinstance(day, str) else day for day in (start, end))
    years = last.dt.year().cast(pl.Int64) - first.dt.year()
    return years * 12 + last.dt.month() - first.dt.month()


def is_partial(month: str | pl.Expr, terms: Terms) -> pl.Expr:
    """True where a month was not over at the as-of instant."""
    return (pl.col(month) if isinstance(month, str) else month).dt.offset_by("1mo") > terms.as_of_day


def days_until(dated: pl.LazyFrame, terms: Terms, by: Sequence[str]) -> pl.LazyFrame:
    """Every `date` from each group's first to the as-of day."""
    return _dense(dated, by, "date", pl.date_ranges("date", pl.lit(terms.as_of_day), "1d"))


def months_until(monthly: pl.LazyFrame, terms: Terms, by: Sequence[str]) -> pl.LazyFrame:
    """Every `month` from each group's first to the as-of day's."""
    return _dense(monthly, by, "month", pl.date_ranges("month", pl.lit(terms.as_of_day), "1mo"))


def _dense(frame: pl.LazyFrame, by: Sequence[str], column: str, every: pl.Expr) -> pl.LazyFrame:
    return frame.group_by(by).agg(pl.col(column).min()).with_columns(every.alias(column)).explode(column)


def opens_at(day: str | pl.Expr, terms: Terms) -> pl.Expr:
    """The instant a reporting-zone day begins, UTC: midnight, or one o'clock where the clocks skip midnight."""
    midnight = (pl.col(day) if isinstance(day, str) else day).cast(pl.Datetime("us"))

    def there(moment: pl.Expr) -> pl.Expr:
        return moment.dt.replace_time_zone(terms.timezone, ambiguous="earliest", non_existent="null")

    return pl.coalesce(there(midnight), there(midnight.dt.offset_by("1h"))).dt.convert_time_zone("UTC")
