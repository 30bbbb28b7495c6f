"""Staged frames divided into buckets by the real queries, made batch by batch, and put together again."""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import polars as pl

from models import marts
from models.contracts.staging import TABLES
from models.increment import CannotFollowError, Part, added_up
from models.marts import REFERENCE
from models.terms import Terms
from pipelines.warehouse import buckets, families
from pipelines.warehouse.buckets import COUNT, Batch
from pipelines.warehouse.following import first_change, passed


def in_batches(
    staging: Mapping[str, pl.LazyFrame], rates: pl.LazyFrame, terms: Terms, cuts: Sequence[int]
) -> dict[str, pl.LazyFrame]:
    """Every public table, made in batches of the buckets that lie between the cuts, from 0 to `COUNT`."""
    bounds = [0, *sorted(set(cuts) - {0, COUNT}), COUNT]
    batches = [Batch(number, *pair) for number, pair in enumerate(itertools.pairwise(bounds))]
    with duckdb.connect() as connection, TemporaryDirectory() as folder:
        connection.execute("set timezone = 'UTC'")
        stage(connection, staging)
        reference = buckets.whole(connection, REFERENCE)
        buckets.assign(connection)
        buckets.write(connection, Path(folder), batches)
        parts = [marts.mapped(buckets.read(Path(folder), batch.number) | reference, rates, terms) for batch in batches]
    return joined(parts, reference, rates, terms)


def joined(
    parts: Sequence[Part], reference: Mapping[str, pl.LazyFrame], rates: pl.LazyFrame, terms: Terms
) -> dict[str, pl.LazyFrame]:
    """Every public table: those of customers, of all parts in one, and those of the account."""
    of_customers = {
        name: pl.concat([part[f"marts.{name}"] for part in parts]).lazy() for name in marts.names(marts.CUSTOMERS)
    }
    return of_customers | marts.reduced(parts, reference, rates, terms)


def stage(connection: duckdb.DuckDBPyConnection, staging: Mapping[str, pl.LazyFrame]) -> None:
    """The frames as the tables of schema `staging`, whatever their contracts say."""
    connection.execute("create schema staging")
    for table in TABLES:
        rows = staging.get(table.table_name, table.create_empty().lazy()).collect()
        connection.register("rows", rows)
        connection.execute(f"create table {table.qualified_name()} as from rows")


def rows_of(made: Mapping[str, pl.LazyFrame]) -> dict[str, pl.DataFrame]:
    """The tables' rows, in the order of all their columns: tables have none of their own."""
    return {name: frame.collect().sort(pl.all()) for name, frame in made.items()}


def in_increments(
    staging: Sequence[Mapping[str, pl.LazyFrame]],
    rates: Sequence[pl.LazyFrame],
    terms: Sequence[Terms],
    *,
    always: bool = False,
) -> dict[str, pl.LazyFrame]:
    """Every public table, made of what was known first, and then following what was known next, and so on; made anew
    where that can't be, unless it should `always`."""
    with duckdb.connect() as before, duckdb.connect() as now:
        for connection in (before, now):
            connection.execute("set timezone = 'UTC'")
        _known(before, staging[0])
        reference = buckets.whole(before, REFERENCE)
        kept = added_up([marts.mapped(buckets.whole(before) | reference, rates[0], terms[0])])
        steps = zip(itertools.pairwise(terms), itertools.pairwise(rates), staging[1:], strict=True)
        for (old, new), (old_rates, new_rates), following in steps:
            _known(now, following)
            valued = first_change(old_rates.collect(), new_rates.collect(), new.as_of_day)
            touched = families.together([passed(now, kept, old, new, valued), *_changed(before, now)])
            then_of, now_of = families.gathered([before, now], touched, math.inf).staged
            was = marts.mapped(then_of | reference, old_rates, old)
            reference = buckets.whole(now, REFERENCE)
            is_now = marts.mapped(now_of | reference, new_rates, new)
            try:
                kept = marts.followed(kept, was, is_now)
            except CannotFollowError:
                if always:
                    raise
                kept = added_up([marts.mapped(buckets.whole(now) | reference, new_rates, new)])
            before, now = now, before
    return joined([dict(kept)], reference, rates[-1], terms[-1])


def _known(connection: duckdb.DuckDBPyConnection, staging: Mapping[str, pl.LazyFrame]) -> None:
    connection.execute("drop schema if exists staging cascade")
    stage(connection, staging)


def _changed(before: duckdb.DuckDBPyConnection, now: duckdb.DuckDBPyConnection) -> Iterator[families.Names]:
    """What is named in rows that are in one of both alone."""
    for table in families.NAMES:
        query = f"select *, hash(t) as content from staging.{table} as t"
        old, new = before.sql(query).pl(), now.sql(query).pl()
        for some, others in ((old, new), (new, old)):
            yield families.named(table, some.join(others, on="content", how="anti"))
