"""Raw payloads become typed tables: each `stage/<table>.sql` says where in the payload a column comes from, the
contract says its type, and whatever does not fit becomes null and is reported.

Knows nothing of the API or of what is made of the tables.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

import duckdb
import polars as pl

from models.contracts.marts import DataChecks
from models.contracts.staging import TABLES, Staged
from pipelines.warehouse import clocks, findings, fit, renditions, tables
from pipelines.warehouse.findings import Finding

QUERIES = Path(__file__).parent / "stage"
STREAM = re.compile(r"\b(?:from|join)\s+(?:current|versions)_(\w+)")


class StagingChecks(DataChecks):
    """One check that staging made of one table of one account."""

    schema_name = "pipeline"
    table_name = "staging_checks"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What staging made: rows by table, and its checks as rows of `marts.data_checks`."""

    rows: Mapping[str, int]
    checks: pl.DataFrame

    @property
    def failed(self) -> pl.DataFrame:
        """The checks that found something."""
        return self.checks.filter(~pl.col("passed"))


def stage(
    connection: duckdb.DuckDBPyConnection,
    checked_at: datetime,
    contracts: Sequence[type[Staged]] = TABLES,
    *,
    test_clocks: bool = False,
) -> Outcome:
    """Make every staged table anew from the current versions of the raw objects.

    What lives on test clocks is left out unless `test_clocks`.
    A payload that does not fit costs its value, a table that cannot be made keeps its old rows; both are told in the
    checks, which are kept in `pipeline.staging_checks` too, and neither stops the other tables.
    """
    clocks.set_aside(connection, are_read=test_clocks)
    _execute_file(connection, "macros")
    held = _held(connection, _streams(contracts))
    rendered = {stream for stream in _streams(contracts) if _view(connection, stream, there=stream in held)}
    _execute_file(connection, "carried_discounts")
    texts = [query("carried_discounts"), *(query(contract.table_name) for contract in contracts)]
    found: list[Finding] = []
    for stream in held:
        found += findings.formed(connection, stream, findings.nodes(texts, stream))
        found += renditions.unlike(connection, stream) if stream in rendered else ()
    for contract in contracts:
        if set(held).isdisjoint(sources(contract)):
            tables.create(connection, contract, commented=False)
        else:
            found += _staged(connection, contract)
    checks = findings.as_checks(found, checked_at)
    tables.write(connection, StagingChecks, checks)
    return Outcome({c.table_name: _height(connection, c) for c in contracts}, checks)


def checks(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """The checks that the last staging made, as rows of `marts.data_checks`."""
    return tables.read(connection, StagingChecks)


def sources(contract: type[Staged]) -> tuple[str, ...]:
    """The raw tables that a staged table is made from."""
    return _streams((contract,)) if "carried_" in query(contract.table_name) else _named(query(contract.table_name))


@cache
def query(name: str) -> str:
    """The text of `stage/<name>.sql`."""
    return (QUERIES / f"{name}.sql").read_text()


def _execute_file(connection: duckdb.DuckDBPyConnection, name: str, **words: str) -> None:
    connection.execute(query(name).format(**words) if words else query(name))


@cache
def _streams(contracts: Sequence[type[Staged]]) -> tuple[str, ...]:
    return _named(query("carried_discounts"), *(query(c.table_name) for c in contracts))


def _named(*texts: str) -> tuple[str, ...]:
    return tuple(sorted({stream for text in texts for stream in STREAM.findall(text)} - {"discounts"}))


def _held(connection: duckdb.DuckDBPyConnection, streams: Sequence[str]) -> list[str]:
    """Those of the streams that anything is held of: what few accounts use costs the others nothing."""
    present = tables.present(connection)
    asked = [f"select '{each}' where exists (from raw.{each})" for each in streams if ("raw", each) in present]
    return sorted(name for (name,) in connection.execute(" union all ".join(asked)).fetchall()) if asked else []


def _view(connection: duckdb.DuckDBPyConnection, stream: str, *, there: bool) -> bool:
    """Make the views of a stream's versions; whether any of them is a rendition."""
    rendered = there and renditions.render(connection, stream)
    _execute_file(
        connection, "rendered_versions" if rendered else "versions" if there else "no_versions", stream=stream
    )
    _execute_file(connection, "current", stream=stream)
    return rendered


def _staged(connection: duckdb.DuckDBPyConnection, contract: type[Staged]) -> list[Finding]:
    try:
        with tables.transaction(connection):
            return _made(connection, contract)
    except (duckdb.DataError, duckdb.ProgrammingError, duckdb.IntegrityError) as broken:
        if not tables.exists(connection, contract.schema_name, contract.table_name):
            tables.create(connection, contract, commented=False)
        why = f"{broken}".splitlines()[0]
        accounts = findings.accounts_of(connection, contract) or [""]
        return [
            Finding(account, findings.STAGED, contract.qualified_name(), 1, f"kept as it was: {why}")
            for account in accounts
        ]


def _made(connection: duckdb.DuckDBPyConnection, contract: type[Staged]) -> list[Finding]:
    table = contract.qualified_name()
    required = [c.name for c in tables.columns(contract) if not c.nullable]
    tables.create(connection, contract, commented=False)
    lax = [f'alter table {table} alter column "{name}" drop not null' for name in required]
    connection.execute("; ".join([*lax, f"alter table {table} add column {findings.MISFITS} bigint"]))
    tests = _filled(connection, contract)
    by_account = findings.misfits(connection, contract)
    found = [
        *findings.fits(contract, tests, by_account),
        *findings.keyed(connection, contract, required, list(by_account)),
        *findings.sent(connection, contract),
    ]
    strict = [f'alter table {table} alter column "{name}" set not null' for name in required]
    connection.execute("; ".join([*strict, f"alter table {table} drop column {findings.MISFITS}"]))
    return found


def _filled(connection: duckdb.DuckDBPyConnection, contract: type[Staged]) -> tuple[fit.Misfit, ...]:
    """Fill the table from its query and say which misfit each bit stands for."""
    text = query(contract.table_name)
    given = {row[0]: row[1] for row in connection.execute(f"describe {text}").fetchall()}
    dtypes = contract.create_empty().schema
    columns = tables.columns(contract)
    tests = tuple(t for c in columns for t in fit.misfits(c, given[c.name], dtypes[c.name]))
    values = [f'{fit.cast(c, given[c.name])} as "{c.name}"' for c in columns]
    bits = [f"(({t.condition})::bigint << {bit})" for bit, t in enumerate(tests)] or ["0"]
    connection.execute(
        f"insert into {contract.qualified_name()} by name "
        f"select {', '.join(values)}, {' + '.join(bits)} as {findings.MISFITS} from ({text})"
    )
    return tests


def _height(connection: duckdb.DuckDBPyConnection, contract: type[Staged]) -> int:
    return int(connection.execute(f"select count(*) from {contract.qualified_name()}").fetchall()[0][0])
