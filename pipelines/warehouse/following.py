"""Follows what was read since the last build: finds the customers of whom anything changed or any instant passed, and
lets what is kept of all customers follow these alone.

What was known of them then is in the file that was published of it. Where that can't be, as after a change of rules,
the error says why, and everything is made anew. Decides nothing about figures.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import polars as pl

from models import marts
from models.increment import CannotFollowError, Exchange
from models.marts import REFERENCE
from models.periods import opens_at
from models.reads import read_columns
from models.terms import Terms
from pipelines.warehouse import buckets, families, keeping
from pipelines.warehouse.families import Names
from pipelines.warehouse.keeping import About

MOST = 0.35
"""The share of the customers of whom a change is followed: with more, making everything anew is as quick."""

INSTANT = timedelta(microseconds=1)
FIRST = datetime(1970, 1, 1, tzinfo=UTC)

SOLD = ("accounts", "products", "prices", "coupons", "tax_rates")
"""Staged tables that are no one's: where a row of them changes, there is no telling whom it touches."""

Changed = Mapping[str, pl.DataFrame]
"""account_id and id of the objects of each stream of which a version is new."""


@dataclass(frozen=True)
class Followed:
    """What came of following.

    Attributes:
        kept: the frames of `models.marts.read_of_all`, of all customers.
        exchanges: the rows to exchange in what was kept before, by name of the frame; public tables among them.
        customers: how many were made anew.
    """

    kept: Mapping[str, pl.DataFrame]
    exchanges: Mapping[str, Exchange]
    customers: int


def followed(
    connection: duckdb.DuckDBPyConnection, published: Path, about: About, rates: pl.LazyFrame, terms: Terms
) -> Followed:
    """What is kept of all customers, as of now.

    Args:
        connection: the warehouse, with what is staged now.
        published: the file of what is kept.
        about: of `keeping.about`.
        rates: as of `models.marts.build`.
        terms: those of now; of the same month and rules.

    Raises:
        CannotFollowError: everything has to be made anew.
        As `models.marts.mapped` does.
    """
    then = replace(terms, as_of=about.as_of)
    _hold_to_one_month(then, terms)
    changed = _changed(connection, about)
    with duckdb.connect() as before:
        _open(before, published, about)
        _hold_against(before, connection)
        kept = keeping.read(connection, marts.read_of_all())
        known = keeping.rates(connection)
        families.complete(connection)
        touched = _touched((before, connection), changed, kept, (then, terms), (known, rates.collect()))
        was = marts.mapped(touched.staged[0] | buckets.whole(before, REFERENCE), known.lazy(), then)
        now = marts.mapped(touched.staged[1] | buckets.whole(connection, REFERENCE), rates, terms)
    return Followed(marts.followed(kept, was, now), marts.exchanges(was, now), families.customers(touched.names))


def passed(
    connection: duckdb.DuckDBPyConnection,
    kept: Mapping[str, pl.DataFrame],
    then: Terms,
    terms: Terms,
    valued: date | None,
    since: datetime | None = None,
) -> Names:
    """Names of those whose figures are others by time alone: an instant of theirs has passed, or is of a day of which
    more is known by now; or a day has, and what they pay in another currency is worth something else.

    Args:
        connection: with what is staged now.
        kept: what was made of all customers.
        then: the terms that it was made by.
        terms: those of now.
        valued: the first day whose exchange rates are others than they were then; None where none is.
        since: an instant before then from which on all that has passed is looked at.
    """
    is_later = terms.as_of_day > then.as_of_day
    started = [since or then.as_of]
    if valued is not None:
        started.append(pl.select(opens_at(pl.lit(valued), terms)).item() - INSTANT)
    found = [
        families.passing(connection, min(started), terms.as_of),
        families.of_customers(marts.due(kept, then, terms)),
    ]
    if is_later:
        found.append(families.unsettled(connection))
    if is_later or valued is not None:
        found.append(families.in_other_currencies(connection, terms.currency, _worth_anew_from(terms)))
    return families.together(found)


def _worth_anew_from(terms: Terms) -> datetime:
    """From when on figures in other currencies are others where an exchange rate is: those of the month, but all where
    one rate is taken for the whole past."""
    if terms.policy.fx_mode == "constant":
        return FIRST
    month = terms.as_of_day.replace(day=1)
    return datetime(month.year, month.month, 1, tzinfo=UTC) - timedelta(days=1)


def first_change(before: pl.DataFrame, now: pl.DataFrame, until: date) -> date | None:
    """The first day up to one whose exchange rates are others than before; None where none is."""
    columns = ["date", "from_currency", "to_currency", "rate"]
    old, new = (frame.select(columns).filter(pl.col("date") <= until) for frame in (before, now))
    differing = pl.concat([old.join(new, on=columns, how="anti"), new.join(old, on=columns, how="anti")])
    first: date | None = differing.select(pl.col("date").min()).item()
    return first


def _hold_to_one_month(then: Terms, terms: Terms) -> None:
    """See that both are of one month: a new one is a new row of nearly everything.

    Raises:
        CannotFollowError: they are not.
    """
    if then.as_of > terms.as_of:
        raise CannotFollowError("the last build was as of a later instant")
    if then.as_of_day.replace(day=1) != terms.as_of_day.replace(day=1):
        raise CannotFollowError("a new month has begun")


def _changed(connection: duckdb.DuckDBPyConnection, about: About) -> Changed:
    """The objects of which a version is new, by stream.

    Raises:
        CannotFollowError: versions that were there are gone.
    """
    found = {}
    for stream, (count, last) in keeping.marks(connection).items():
        count_then, last_then = about.marks.get(stream, (0, 0))
        query = f'select account_id, id from raw."{stream}" where seq > {last_then}'
        new: pl.DataFrame = connection.sql(query).pl()
        if count - new.height != count_then or last < last_then:
            raise CannotFollowError(f"versions of {stream} are gone")
        found[stream] = new.unique()
    if missing := set(about.marks) - set(found):
        raise CannotFollowError(f"{', '.join(sorted(missing))} is gone")
    return found


def _open(before: duckdb.DuckDBPyConnection, published: Path, about: About) -> None:
    """Open the file of what is kept.

    Raises:
        CannotFollowError: it is not there, or it is another.
    """
    try:
        before.execute("set timezone = 'UTC'")
        name = str(published).replace("'", "''")
        before.execute(f"attach '{name}' as published (read_only)")
        before.execute("use published")
        found = before.execute("select distinct published_at from marts.publication").fetchall()
    except duckdb.Error:
        raise CannotFollowError(f"{published.name} can't be read") from None
    if about.published_at is None or found != [(about.published_at,)]:
        raise CannotFollowError(f"{published.name} is of another build")


def _hold_against(before: duckdb.DuckDBPyConnection, now: duckdb.DuckDBPyConnection) -> None:
    """See that what is sold is as it was, but for what is new and was never named.

    Raises:
        CannotFollowError: it is not.
    """
    for name in SOLD:
        columns = list(read_columns(name))
        if not columns:
            continue
        query = f"select {', '.join(columns)} from staging.{name}"
        old, new = (set(map(repr, each.execute(query).fetchall())) for each in (before, now))
        if old - new:
            raise CannotFollowError(f"a row of {name} has changed")
    known = [set(each.execute("select account_id, id from staging.prices").fetchall()) for each in (before, now)]
    for price in known[1] - known[0]:
        if before.execute(NAMED, [*price, *price]).fetchall():
            raise CannotFollowError("a price that was missing is there")


NAMED = """
    select 1 from staging.subscription_items where account_id = ? and price_id = ?
    union all
    select 1 from staging.invoice_lines where account_id = ? and price_id = ? limit 1
"""


def _touched(
    held: tuple[duckdb.DuckDBPyConnection, duckdb.DuckDBPyConnection],
    changed: Changed,
    kept: Mapping[str, pl.DataFrame],
    terms: tuple[Terms, Terms],
    rates: tuple[pl.DataFrame, pl.DataFrame],
) -> families.Gathered:
    """The families of whom anything is new, or of whom time alone made something else; databases, terms and exchange
    rates are those of then and of now.

    Raises:
        CannotFollowError: they are too many.
    """
    (before, now), (then, until) = held, terms
    stated = min([then.as_of, *_balances_of(before)])
    by_time = passed(now, kept, then, until, first_change(*rates, until.as_of_day), stated)
    every = int(now.execute("select count(*) from staging.customers").fetchall()[0][0])
    return families.gathered(held, families.together([families.of_streams(changed), by_time]), MOST * every)


def _balances_of(before: duckdb.DuckDBPyConnection) -> list[datetime]:
    """When balances were stated: what they hold is compared with what moved until then."""
    return [at for (at,) in before.execute("select distinct seen_at from staging.balances").fetchall() if at]
