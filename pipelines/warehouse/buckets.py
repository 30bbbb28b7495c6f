"""Staged tables divided by customers: buckets, and batches of buckets that fit into memory.

A customer belongs to one of `COUNT` buckets by a hash of its account and id, the same in every process and version. It
is computed here alone, by DuckDB: `md5(account_id || chr(31) || customer_id)`, the first eight hex digits as a number,
modulo `COUNT`; `bucket_of` is the same in Python. Everything else lies in the bucket of its customer, or of what it
hangs on (buckets/owners.sql). Knows nothing of what is made of the tables.
"""

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import duckdb
import polars as pl

from models.contracts.staging import TABLES, Staged
from models.marts import REFERENCE
from models.reads import read_columns
from pipelines.warehouse import tables

COUNT = 1024
"""Buckets. It never changes: what was kept by bucket would have to be made anew."""
TO_DIVIDE, MEANWHILE = "4GB", "1GB"
"""What DuckDB may hold while it divides tables, and while batches are made."""
ROWS_AT_ONCE = 32_768
"""Rows of a batch's file that a thread gathers before it writes them: so few stay in the processor's cache, and writing
takes a fifth less time than with the half million that DuckDB gathers by itself."""
QUERIES = Path(__file__).parent / "buckets"

DIVIDED: tuple[type[Staged], ...] = tuple(
    table for table in TABLES if read_columns(table.table_name) and table.table_name not in REFERENCE
)
"""Staged tables that are divided: those that the models read, but for what is no customer's."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Buckets that are worked on together: from the first to before the end."""

    number: int
    first: int
    end: int


def bucket_of(account_id: str, customer_id: str) -> int:
    """The bucket of a customer."""
    return (
        int(hashlib.md5(f"{account_id}\x1f{customer_id}".encode(), usedforsecurity=False).hexdigest()[:8], 16) % COUNT
    )


def lines(connection: duckdb.DuckDBPyConnection) -> int:
    """How many invoice lines are staged."""
    if not tables.exists(connection, "staging", "invoice_lines"):
        return 0
    return int(connection.execute("select count(*) from staging.invoice_lines").fetchall()[0][0])


def sizes(connection: duckdb.DuckDBPyConnection) -> dict[int, int]:
    """How many invoice lines lie in each bucket; after `assign`."""
    lines = divided("invoice_lines")
    return dict(connection.execute(f"select bucket, count(*) from ({lines}) group by bucket").fetchall())


def write(connection: duckdb.DuckDBPyConnection, folder: Path, made: Sequence[Batch]) -> None:
    """Every divided table as Parquet files by batch, `folder/<table>/batch=<number>/`; after `assign`, on the
    same connection. What no model reads is left out."""
    ends = ", ".join(str(batch.end) for batch in made)
    number = f"list_position(list_transform([{ends}], lambda e: bucket < e), true) - 1"
    connection.execute(f"set partitioned_write_flush_threshold = {ROWS_AT_ONCE}")
    for table in DIVIDED:
        target = str(folder / table.table_name).replace("'", "''")
        connection.execute(
            f"copy (select *, {number} as batch from ({divided(table.table_name)})) to '{target}' "
            "(format parquet, compression lz4, partition_by (batch), overwrite_or_ignore)"
        )


@contextmanager
def in_memory_of(connection: duckdb.DuckDBPyConnection, limit: str) -> Iterator[None]:
    """DuckDB in so much memory, such as `4GB`; what it needs more goes to its files."""
    connection.execute(f"set memory_limit = '{limit}'")
    try:
        yield
    finally:
        connection.execute("reset memory_limit")


def forget(connection: duckdb.DuckDBPyConnection) -> None:
    """Drop the tables of `assign`."""
    for name in connection.execute(query("temporary")).fetchall():
        connection.execute(f'drop table temp."{name[0]}"')


def read(folder: Path, batch: int) -> dict[str, pl.LazyFrame]:
    """The divided tables of one batch, from its files; empty where it has none."""
    frames = {}
    for table in DIVIDED:
        files = sorted((folder / table.table_name / f"batch={batch}").glob("*.parquet"))
        rows = pl.read_parquet(files) if files else _empty(table)
        frames[table.table_name] = rows.select(read_columns(table.table_name)).lazy()
    return frames


def whole(connection: duckdb.DuckDBPyConnection, names: Sequence[str] | None = None) -> dict[str, pl.LazyFrame]:
    """Staged tables as they are, undivided: those that the models read, or those named."""
    wanted = [
        table for table in TABLES if (read_columns(table.table_name) if names is None else table.table_name in names)
    ]
    there = tables.present(connection)
    return {table.table_name: _read(connection, table, there).lazy() for table in wanted}


def _read(
    connection: duckdb.DuckDBPyConnection, table: type[Staged], there: Collection[tuple[str, str]]
) -> pl.DataFrame:
    columns = read_columns(table.table_name) or tuple(table.columns())
    if (table.schema_name, table.table_name) not in there:
        return _empty(table).select(columns)
    rows: pl.DataFrame = connection.sql(f"select {_listed(columns)} from {table.qualified_name()}").pl()
    return rows


def _empty(table: type[Staged]) -> pl.DataFrame:
    return table.create_empty()


def assign(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the temporary tables that say in which bucket each object lies."""
    tables.complete(connection, DIVIDED)
    define(connection)
    connection.execute(query("owners"))


def define(connection: duckdb.DuckDBPyConnection) -> None:
    """Give the connection `bucket_of(account_id, customer_id)`."""
    connection.execute(query("macro").replace("{count}", str(COUNT)))


def divided(table: str) -> str:
    """The query of a staged table's columns that the models read, and `bucket`; after `assign`."""
    return query(table).replace("{columns}", _listed(read_columns(table)))


def _listed(columns: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in columns)


def cut(lines_by_bucket: Mapping[int, int], lines: int) -> Iterator[Batch]:
    """The buckets, in order, in as few batches as have about so many lines each, and about as many; a bucket of more is
    a batch of its own, or begins one."""
    total = sum(lines_by_bucket.values())
    count = max(1, -(-total // lines))
    first = number = before = 0
    for bucket in range(COUNT):
        falls_in = min(count - 1, before * count // total) if total else 0
        if falls_in > number:
            yield Batch(number, first, bucket)
            first, number = bucket, falls_in
        before += lines_by_bucket.get(bucket, 0)
    yield Batch(number, first, COUNT)


@cache
def query(name: str) -> str:
    """The text of `buckets/<name>.sql`."""
    return (QUERIES / f"{name}.sql").read_text()
