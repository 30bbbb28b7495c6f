"""Contracts as DuckDB tables: DDL, comments, validated writes, and the columns as data.

Knows contracts and DuckDB; nothing of where rows come from or what is made of them.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache

import dataframely as dy
import duckdb
import polars as pl

from models.contracts.table import Table
from models.increment import Exchange
from pipelines.errors import RevenueError

_COMMENT = "comment on"
INDEXED_SCHEMAS = frozenset({"marts"})
"""Schemas whose tables get their primary key as an index where they are published. Elsewhere it would cost many times
what the rows cost to write, and keys are proven before."""


class ContractError(RevenueError):
    """Rows that do not fit their table's contract; nothing was written."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column, as the data dictionary and the scheduler's catalogue show it."""

    name: str
    type: str
    description: str
    unit: str | None
    key: bool
    nullable: bool

    @property
    def comment(self) -> str:
        """Meaning and unit in one line, as the database carries it."""
        return f"{self.description} [{self.unit}]" if self.unit else self.description


@cache
def columns(contract: type[Table]) -> tuple[Column, ...]:
    """The contract's columns in order, with their DuckDB types."""
    types = _types(contract)
    keys = set(contract.primary_key())
    return tuple(
        Column(
            name=name,
            type=types[name],
            description=column.description or "",
            unit=(column.metadata or {}).get("unit"),
            key=name in keys,
            nullable=column.nullable,
        )
        for name, column in contract.columns().items()
    )


def ddl(contract: type[Table], *, catalog: str | None = None) -> tuple[str, ...]:
    """The statements that make the table anew and empty, with its comments; in the attached database `catalog`."""
    schema = _quoted(contract.schema_name)
    if catalog is not None:
        schema = f"{_quoted(catalog)}.{schema}"
    table = f"{schema}.{_quoted(contract.table_name)}"
    parts = [f"{_quoted(c.name)} {c.type}{'' if c.nullable else ' not null'}" for c in columns(contract)]
    if catalog is not None and contract.schema_name in INDEXED_SCHEMAS and contract.primary_key():
        parts.append(f"primary key ({_listed(contract.primary_key())})")
    return (
        f"create schema if not exists {schema}",
        f"create or replace table {table} ({', '.join(parts)})",
        f"{_COMMENT} table {table} is {_literal(contract.grain())}",
        *(f"{_COMMENT} column {table}.{_quoted(c.name)} is {_literal(c.comment)}" for c in columns(contract)),
    )


def create(
    connection: duckdb.DuckDBPyConnection,
    contract: type[Table],
    *,
    catalog: str | None = None,
    commented: bool = True,
) -> None:
    """Make the table anew and empty. What it held, in whatever shape, is gone.

    Comments are for readers of what is published; a table that only the pipeline sees is made sooner without.
    """
    statements = ddl(contract, catalog=catalog)
    wanted = statements if commented else (each for each in statements if not each.startswith(_COMMENT))
    connection.execute("; ".join(wanted))


def complete(connection: duckdb.DuckDBPyConnection, contracts: Iterable[type[Table]]) -> None:
    """Make those tables, empty, that are not there."""
    there = present(connection)
    for contract in contracts:
        if (contract.schema_name, contract.table_name) not in there:
            create(connection, contract, commented=False)


def write(connection: duckdb.DuckDBPyConnection, contract: type[Table], frame: pl.DataFrame | pl.LazyFrame) -> int:
    """Replace the table's rows by the frame's, in one transaction, and say how many there are.

    The frame is held against the contract first; a table of an older shape is made anew. Raises ContractError.
    """
    with transaction(connection):
        return put(connection, contract, frame)


def put(connection: duckdb.DuckDBPyConnection, contract: type[Table], frame: pl.DataFrame | pl.LazyFrame) -> int:
    """`write`, within the transaction that there is."""
    rows = conform(contract, frame)
    create(connection, contract, commented=False)
    connection.execute(f"insert into {contract.qualified_name()} by name select * from rows")
    return rows.height


def exchange(connection: duckdb.DuckDBPyConnection, contract: type[Table], exchange: Exchange) -> int:
    """Put rows in the place of others of the table, within the transaction that there is, and say how many rows it has
    then.

    What comes is held against the contract first, and its keys against those of the rows that stay. Raises
    ContractError.
    """
    name = contract.qualified_name()
    come = conform(contract, exchange.come)  # noqa: F841 - the queries read it
    _take_out(connection, name, exchange)
    if connection.execute(f"select 1 from {name} semi join come using ({_listed(exchange.key)}) limit 1").fetchall():
        raise ContractError(f"{name} does not fit its contract: a key of the rows that come stands in it already")
    connection.execute(f"insert into {name} by name from come")
    return int(connection.execute(f"select count(*) from {name}").fetchall()[0][0])


def swap(connection: duckdb.DuckDBPyConnection, name: str, exchange: Exchange) -> None:
    """Put rows in the place of others of a table, which has a contract or not, within the transaction that there is."""
    _take_out(connection, name, exchange)
    come = exchange.come  # noqa: F841 - the query reads it
    connection.execute(f"insert into {name} by name from come")


def _take_out(connection: duckdb.DuckDBPyConnection, name: str, exchange: Exchange) -> None:
    gone = exchange.gone.select(exchange.key).unique()  # noqa: F841 - the query reads it
    same = " and ".join(f"own.{_quoted(column)} = gone.{_quoted(column)}" for column in exchange.key)
    connection.execute(f"delete from {name} as own using gone where {same}")


def read(connection: duckdb.DuckDBPyConnection, contract: type[Table]) -> pl.DataFrame:
    """All rows of the table, in the contract's types; an empty frame where the table is not there yet."""
    try:
        rows: pl.DataFrame = connection.sql(f"from {contract.qualified_name()}").pl()
    except duckdb.CatalogException:
        return contract.create_empty()
    return rows


def present(connection: duckdb.DuckDBPyConnection) -> frozenset[tuple[str, str]]:
    """Schema and name of each table that the connection's own database has."""
    query = "select schema_name, table_name from duckdb_tables() where database_name = current_database()"
    return frozenset(connection.execute(query).fetchall())


def exists(connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> bool:
    """True where the connection's own database has such a table."""
    return (schema, table) in present(connection)


def conform(contract: type[Table], frame: pl.DataFrame | pl.LazyFrame) -> pl.DataFrame:
    """The frame's rows with the contract's columns, order and types; only casts that lose nothing are made.

    Raises ContractError, which names the table and what does not fit.
    """
    rows = frame.collect() if isinstance(frame, pl.LazyFrame) else frame
    wanted = contract.create_empty().schema
    casts = [
        pl.col(name).cast(wanted[name])
        for name, given in rows.schema.items()
        if name in wanted and given != wanted[name] and _lossless(given, wanted[name])
    ]
    try:
        return contract.validate(rows.with_columns(casts))
    except (dy.exc.SchemaError, dy.exc.ValidationError, pl.exceptions.InvalidOperationError) as broken:
        what = str(broken).split("\n\n")[0]
        raise ContractError(f"{contract.qualified_name()} does not fit its contract: {what}") from broken


@contextmanager
def transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """All of it or nothing."""
    connection.begin()
    try:
        yield
    except BaseException:
        with suppress(duckdb.TransactionException):  # a commit that failed has ended the transaction already
            connection.rollback()
        raise
    connection.commit()


@cache
def _types(contract: type[Table]) -> dict[str, str]:
    empty = contract.create_empty()
    with _scratch().cursor() as scratch:
        return {row[0]: row[1] for row in scratch.sql("describe from empty").fetchall()} if empty.width else {}


@cache
def _scratch() -> duckdb.DuckDBPyConnection:
    """A database in memory to ask about types; one for all, since opening one takes longer than the question."""
    return duckdb.connect()


def _lossless(given: pl.DataType, wanted: pl.DataType) -> bool:
    match given, wanted:
        case pl.Null(), _:
            return True
        case pl.List(), pl.List():
            return given.inner == wanted.inner or _lossless(given.inner, wanted.inner)  # type: ignore[arg-type]
        case pl.Struct(), pl.Struct():
            return [f.name for f in given.fields] == [f.name for f in wanted.fields]
        case ((pl.Enum() | pl.Categorical()), pl.String()):
            return True
        case pl.Decimal(), pl.Decimal():
            return given.scale <= wanted.scale
        case pl.Datetime(), pl.Datetime():
            return given.time_zone is not None and given.time_unit != "ns"
        case _:
            return given.is_integer() and (wanted.is_numeric() or wanted.is_decimal())


def _listed(names: Iterable[str]) -> str:
    return ", ".join(map(_quoted, names))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
