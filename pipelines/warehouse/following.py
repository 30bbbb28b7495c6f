"""Follows what was read since the last build: finds the customers of whom anything changed or any instant passed, and
lets what is kept of all customers follow these alone.

What was known of them then is in the file that was published of it. Where that can't be, as after a change of rules,
the error says why, and everything is made anew. Decides nothing about figures.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import duckdb
import polars as pl

from models import marts
from models.increment import CannotFollowError
from models.marts import REFERENCE
from models.reads import read_columns
from models.terms import Terms
from pipelines.warehouse import buckets, families, keeping
from pipelines.warehouse.keeping import About

MOST = 0.2
"""The share of the families of which a change is followed: with more, making everything anew is as quick."""

SOLD = ("accounts", "products", "prices", "coupons", "tax_rates")
"""Staged tables that are no one's: where a row of them changes, there is no telling whom it touches."""

Changed = Mapping[str, pl.DataFrame]
"""account_id and id of the objects of each stream of which a version is new."""


def followed(
    connection: duckdb.DuckDBPyConnection, published: Path, about: About, rates: pl.LazyFrame, terms: Terms
) -> tuple[dict[str, pl.DataFrame], int]:
    """What is kept of all customers, as of now, and how many families were made anew for it.

    Args:
        connection: the warehouse, with what is staged now.
        published: the file of what is kept.
        about: of `keeping.about`.
        rates: as of `models.marts.build`.
        terms: those of now; of the same day and rules.

    Raises:
        CannotFollowError: everything has to be made anew.
        As `models.marts.mapped` does.
    """
    changed = _changed(connection, about)
    with duckdb.connect() as before:
        _open(before, published, about)
        _hold_against(before, connection)
        kept = keeping.read(connection, marts.kept())
        then = replace(terms, as_of=about.as_of)
        try:
            families.assign(before)
            families.assign(connection)
            touched = _touched(before, connection, changed, kept, then, terms)
            was = marts.mapped(_of(before, touched), rates, then)
            now = marts.mapped(_of(connection, touched), rates, terms)
        finally:
            buckets.forget(connection)
    return marts.followed(kept, was, now), len(touched)


def _of(connection: duckdb.DuckDBPyConnection, touched: pl.Series) -> dict[str, pl.LazyFrame]:
    return buckets.some(connection, touched) | buckets.whole(connection, REFERENCE)


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
    before: duckdb.DuckDBPyConnection,
    now: duckdb.DuckDBPyConnection,
    changed: Changed,
    kept: Mapping[str, pl.DataFrame],
    then: Terms,
    terms: Terms,
) -> pl.Series:
    """The families of whom anything is new, or of whom an instant has passed.

    Raises:
        CannotFollowError: they are too many.
    """
    since = min([then.as_of, *_balances_of(before)])
    found = [
        families.of_objects(before, changed),
        families.of_objects(now, changed),
        families.passing(now, since, terms.as_of),
        families.of_customers(now, marts.due(kept, terms)),
    ]
    touched = pl.concat([each.cast(pl.UInt32) for each in found]).unique().sort().rename("bucket")
    every = int(now.execute("select count(*) from staging.customers").fetchall()[0][0])
    if touched.len() > MOST * every:
        raise CannotFollowError(f"{touched.len():,} of {every:,} customers have changed")
    return touched


def _balances_of(before: duckdb.DuckDBPyConnection) -> list[datetime]:
    """When balances were stated: what they hold is compared with what moved until then."""
    return [at for (at,) in before.execute("select distinct seen_at from staging.balances").fetchall() if at]
