"""Publishes: a fresh, compact `revenue.duckdb` of staging and marts beside the old one, put in its place by a rename.

Whoever has the old file open keeps a consistent view of it. Never publishes raw, and never what a failed check makes
doubtful without saying so. Knows nothing of how the tables were made.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import duckdb
import polars as pl

from models.contracts import marts, staging
from models.contracts.table import Table
from models.terms import Terms
from pipelines.errors import RevenueError
from pipelines.warehouse import findings, replacing, stage, tables
from pipelines.warehouse.database import FULL

CATALOG = "publication"
READABLE_SINCE = "v1.5.0"
"""The oldest DuckDB that reads the published file; analysts' tools lag behind."""

BLOCK_BYTES = 32_768
"""Small blocks: a demo's file is 6 MB where the usual 256 KiB make it 20, since each column takes a block at least."""

CONTRACTS: tuple[type[Table], ...] = (*staging.TABLES, *marts.TABLES, marts.Publication)
"""Every table of the published file, in the order of the data dictionary."""

Rule = Literal["banner", "refuse"]


class PublishError(RevenueError):
    """Nothing was published; the last published file is as it was."""


class ChecksFailedError(PublishError):
    """Blocking checks failed, and the rule is to publish nothing then. `failed` names them as `check of table`."""

    exit_code = 3

    def __init__(self, failed: Sequence[str]) -> None:
        self.failed = tuple(failed)
        super().__init__(
            f"Not published: {len(self.failed)} data checks failed ({', '.join(self.failed)}). `revenue status` says "
            "more; set REVENUE_PUBLISH=banner to publish with a warning instead. The last published file is as it was."
        )


@dataclass(frozen=True, slots=True)
class Published:
    """What was published; `failed` names the blocking checks that failed, which the banner tells."""

    file: Path
    tables: int
    rows: int
    bytes: int
    failed: tuple[str, ...]


def gather_checks(connection: duckdb.DuckDBPyConnection, *others: pl.DataFrame) -> pl.DataFrame:
    """Make `marts.data_checks` of what staging found and what others did: extraction, the models' invariants."""
    found = pl.concat([stage.checks(connection), *(tables.conform(marts.DataChecks, each) for each in others)])
    tables.write(connection, marts.DataChecks, found)
    return found


def publish(
    connection: duckdb.DuckDBPyConnection,
    target: Path,
    terms: Terms,
    *,
    published_at: datetime,
    read_at: datetime | None = None,
    rule: Rule = "banner",
    record: pl.DataFrame | None = None,
) -> Published:
    """Write the warehouse's staging and marts into `target`, all or nothing; `marts.data_checks` decides if.

    `read_at` is when Stripe was last read to the end; `record` is that of runs, where it is to tell more than the
    warehouse's. The connection is the warehouse's, with no transaction open.

    Raises:
        ChecksFailedError: a blocking check failed and the rule is to refuse.
        PublishError: a table is missing, or the file can't be written, such as on a full disk.
    """
    failed = _failed(connection)
    _require_tables(connection)
    if failed and rule == "refuse":
        raise ChecksFailedError(failed)
    tables.write(connection, marts.PipelineRuns, _runs(connection) if record is None else record)
    tables.write(connection, marts.Publication, _publication(connection, terms, published_at, read_at, failed))
    draft = target.with_name(target.name + ".tmp")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        replacing.remove(draft)
        rows = _written(connection, draft)
        replacing.put_in_place(draft, target)
    except (duckdb.Error, OSError) as error:
        with suppress(OSError):
            replacing.remove(draft)
        raise PublishError(f"{target} was not published and is as it was: {_why(error, target)}") from error
    return Published(target, len(CONTRACTS), rows, target.stat().st_size, failed)


@cache
def empty() -> bytes:
    """A database with every table, its comments and no row: made once a process, since a small account's rows take less
    time than the comments of all columns."""
    with TemporaryDirectory() as folder, duckdb.connect() as connection:
        file = Path(folder) / "empty.duckdb"
        with _attached(connection, file), tables.transaction(connection):
            for contract in CONTRACTS:
                tables.create(connection, contract, catalog=CATALOG)
        return file.read_bytes()


def _require_tables(connection: duckdb.DuckDBPyConnection) -> None:
    made_here = {marts.PipelineRuns, marts.Publication}
    present = tables.present(connection)
    for contract in CONTRACTS:
        there = (contract.schema_name, contract.table_name) in present
        if not there and contract not in made_here:
            table = contract.qualified_name()
            raise PublishError(f"{table} is not in the warehouse, so nothing was published: run `revenue build` first.")


def _failed(connection: duckdb.DuckDBPyConnection) -> tuple[str, ...]:
    """The blocking checks that failed; a warning is published among the checks and nothing more."""
    blocking = ~pl.col("passed") & (pl.col("severity") == findings.BLOCKING)
    found = tables.read(connection, marts.DataChecks).filter(blocking).sort("table_name", "check_name")
    return tuple(dict.fromkeys(f"{row['check_name']} of {row['table_name']}" for row in found.iter_rows(named=True)))


def _runs(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    if not tables.exists(connection, "pipeline", "runs"):
        return marts.PipelineRuns.create_empty()
    rows: pl.DataFrame = connection.sql("from pipeline.runs").pl()
    return rows


def _publication(
    connection: duckdb.DuckDBPyConnection,
    terms: Terms,
    published_at: datetime,
    read_at: datetime | None,
    failed: Sequence[str],
) -> pl.DataFrame:
    accounts = tables.read(connection, staging.Accounts)["id"].to_list() or [""]
    row = {
        "published_at": published_at,
        "as_of": terms.as_of,
        "read_at": read_at,
        "currency": terms.currency,
        "timezone": terms.timezone,
        "policy": terms.policy.name,
        "policy_hash": terms.policy.hash,
        "policy_rules": terms.policy.rules,
        "checks_failed": len(failed),
        "banner": f"{len(failed)} data checks failed: {', '.join(failed)}." if failed else None,
    }
    modes = _modes(connection)
    rows = [{"account_id": account, "livemode": modes.get(account), **row} for account in accounts]
    return pl.DataFrame(rows, schema=marts.Publication.create_empty().schema)


def _modes(connection: duckdb.DuckDBPyConnection) -> dict[str, bool]:
    """Whether each account is read in live mode."""
    if not tables.exists(connection, "pipeline", "accounts"):
        return {}
    return dict(connection.execute("select account_id, livemode from pipeline.accounts").fetchall())


def _written(connection: duckdb.DuckDBPyConnection, draft: Path) -> int:
    """Write every table into the draft and let go of it, so that it has no write-ahead log left."""
    draft.write_bytes(empty())
    with _attached(connection, draft), tables.transaction(connection):
        return sum(_copied(connection, contract) for contract in CONTRACTS)


@contextmanager
def _attached(connection: duckdb.DuckDBPyConnection, file: Path) -> Iterator[None]:
    name = str(file).replace("'", "''")
    connection.execute(f"attach '{name}' as {CATALOG} (storage_version '{READABLE_SINCE}', block_size {BLOCK_BYTES})")
    try:
        yield
        connection.execute(f"checkpoint {CATALOG}")
    finally:
        connection.execute(f"detach {CATALOG}")


def _copied(connection: duckdb.DuckDBPyConnection, contract: type[Table]) -> int:
    table = contract.qualified_name()
    names = ", ".join(f'"{c.name}"' for c in tables.columns(contract))
    copied = connection.execute(f"insert into {CATALOG}.{table} by name select {names} from {table}").fetchall()
    return int(copied[0][0])


def _why(error: Exception, target: Path) -> str:
    text = str(error).splitlines()[0]
    if any(sign in text for sign in FULL):
        return f"the disk of {target.parent} is full ({text}). Free some space and run again."
    return text
