"""Staged frames divided into buckets by the real queries, made batch by batch, and put together again."""

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import polars as pl

from models import marts
from models.contracts.staging import TABLES
from models.marts import REFERENCE
from models.terms import Terms
from pipelines.warehouse import buckets
from pipelines.warehouse.buckets import COUNT, Batch
from pipelines.warehouse.parts import joined


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
