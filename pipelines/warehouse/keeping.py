"""What the models made of all customers, kept in the warehouse from build to build, so that the next can follow it.

The public tables are marts; the frames beside them stand in the schema `kept`. A row of `pipeline.kept` says of when
and by what they were made, and where reading had come to; without it nothing counts as kept. Knows no figure.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import duckdb
import polars as pl

from models.contracts import marts as contracts
from models.increment import Exchange, Part
from pipelines.warehouse import tables

PUBLIC = "marts."
RATES = "rates"
Marks = Mapping[str, tuple[int, int]]
"""How many versions a stream had, and the number of the last."""


@dataclass(frozen=True)
class About:
    """When and from what something was made.

    Attributes:
        basis: a digest of all that has to be the same for it to be followed: rules, zone, code.
        as_of: the as-of instant.
        marks: where each stream had come to.
        published_at: when it was published, in the file that holds the staged tables it was made from; None before.
    """

    basis: str
    as_of: datetime
    marks: Marks
    published_at: datetime | None = None


def marks(connection: duckdb.DuckDBPyConnection) -> Marks:
    """Where each stream has come to."""
    streams = sorted(name for schema, name in tables.present(connection) if schema == "raw")
    found = {}
    for stream in streams:
        rows = connection.execute(f'select count(*), coalesce(max(seq), 0) from raw."{stream}"').fetchall()
        found[stream] = (int(rows[0][0]), int(rows[0][1]))
    return found


def write(
    connection: duckdb.DuckDBPyConnection,
    kept: Part,
    rates: pl.DataFrame,
    about: About,
    exchanges: Mapping[str, Exchange],
) -> None:
    """Keep the exchange rates, and the frames that are no marts; marts must be written already.

    Where rows of what was kept before are exchanged, no others are written.
    """
    with tables.transaction(connection):
        connection.execute("create schema if not exists kept")
        for name, rows in {**kept, RATES: rates}.items():
            if name.startswith(PUBLIC):
                continue
            if name in exchanges:
                tables.swap(connection, f'kept."{name}"', exchanges[name])
            else:
                connection.register("rows_kept", rows)
                connection.execute(f'create or replace table kept."{name}" as from rows_kept')
                connection.unregister("rows_kept")
        _create(connection)
        told = json.dumps(about.marks)
        connection.execute(
            "insert into pipeline.kept values (?, ?, ?, ?)", [about.basis, about.as_of, told, about.published_at]
        )


def published(connection: duckdb.DuckDBPyConnection, at: datetime) -> None:
    """Note that what is kept was published."""
    if tables.exists(connection, "pipeline", "kept"):
        connection.execute("update pipeline.kept set published_at = ?", [at])


def about(connection: duckdb.DuckDBPyConnection) -> About | None:
    """What is kept, in words; None where nothing is."""
    if not tables.exists(connection, "pipeline", "kept"):
        return None
    rows = connection.execute("select basis, as_of, marks, published_at from pipeline.kept").fetchall()
    if not rows:
        return None
    basis, as_of, told, published_at = rows[0]
    return About(basis, as_of, {name: (count, last) for name, (count, last) in json.loads(told).items()}, published_at)


def read(connection: duckdb.DuckDBPyConnection, names: tuple[str, ...]) -> dict[str, pl.DataFrame]:
    """The frames of these names that are kept."""
    by_name = {contract.table_name: contract for contract in contracts.TABLES}
    return {
        name: tables.read(connection, by_name[name.removeprefix(PUBLIC)])
        if name.startswith(PUBLIC)
        else connection.sql(f'from kept."{name}"').pl()
        for name in names
    }


def rates(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """The exchange rates that are kept."""
    found: pl.DataFrame = connection.sql(f"from kept.{RATES}").pl()
    return found


def forget(connection: duckdb.DuckDBPyConnection, *, wholly: bool = False) -> None:
    """Keep nothing: what is made next is made anew. The frames are dropped too where it should be `wholly`."""
    with tables.transaction(connection):
        if tables.exists(connection, "pipeline", "kept"):
            connection.execute("drop table pipeline.kept")
        if wholly:
            connection.execute("drop schema if exists kept cascade")


def _create(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("""
        create schema if not exists pipeline;
        create or replace table pipeline.kept (
            basis varchar not null, as_of timestamptz not null, marks json not null, published_at timestamptz
        )
    """)
