"""The record of runs: who ran what, when, and what it cost. Feeds `marts.pipeline_runs` and `revenue status`."""

import uuid
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from datetime import datetime

import duckdb
import polars as pl


@dataclass(frozen=True)
class Outcome:
    """How a run ended: `status` is `done`, `failed` or `checks_failed`; `detail` says what was skipped or wrong."""

    status: str
    objects_read: int = 0
    requests_made: int = 0
    rows_written: int = 0
    detail: str | None = None


@dataclass(frozen=True)
class Spending:
    """What a run read of one stream of one account."""

    account_id: str
    stream: str
    objects_read: int
    requests_made: int
    rows_written: int


def begin(connection: duckdb.DuckDBPyConnection, command: str, started_at: datetime, account_id: str = "") -> str:
    """Note that a run began and return its id. Runs that never ended were interrupted and are closed as failed."""
    create(connection)
    connection.execute(
        "update pipeline.runs set status = 'failed', ended_at = $now, detail = 'interrupted' where status = 'running'",
        {"now": started_at},
    )
    run_id = f"run_{started_at:%Y%m%dT%H%M%S}_{uuid.uuid4().hex[:8]}"
    connection.execute(
        "insert into pipeline.runs by name select $run_id as run_id, $account_id as account_id, $command as command, "
        "$started_at as started_at, 'running' as status, 0 as objects_read, 0 as requests_made, 0 as rows_written",
        {"run_id": run_id, "account_id": account_id, "command": command, "started_at": started_at},
    )
    return run_id


def end(
    connection: duckdb.DuckDBPyConnection, run_id: str, ended_at: datetime, outcome: Outcome, account_id: str = ""
) -> None:
    """Note how the run ended."""
    connection.execute(
        "update pipeline.runs set ended_at = ?, status = ?, objects_read = ?, requests_made = ?, rows_written = ?, "
        "detail = ?, account_id = coalesce(nullif(?, ''), account_id) where run_id = ?",
        [
            ended_at,
            outcome.status,
            outcome.objects_read,
            outcome.requests_made,
            outcome.rows_written,
            outcome.detail,
            account_id,
            run_id,
        ],
    )


def foretold(
    connection: duckdb.DuckDBPyConnection, run_id: str, ended_at: datetime, outcome: Outcome, account_id: str = ""
) -> pl.DataFrame:
    """The record as it will be once the run has ended so; it is not noted yet, since the run may still fail."""
    connection.begin()
    try:
        end(connection, run_id, ended_at, outcome, account_id)
        record: pl.DataFrame = connection.sql("from pipeline.runs").pl()
    finally:
        connection.rollback()
    return record


def spend(connection: duckdb.DuckDBPyConnection, run_id: str, spending: Sequence[Spending]) -> None:
    """Note what the run read, instead of what was noted of it before."""
    create(connection)
    connection.begin()
    connection.execute("delete from pipeline.spending where run_id = ?", [run_id])
    rows = [(run_id, *astuple(each)) for each in spending if each.requests_made]
    if rows:
        connection.executemany("insert into pipeline.spending values (?, ?, ?, ?, ?, ?)", rows)
    connection.commit()


def spent(connection: duckdb.DuckDBPyConnection, since: datetime) -> dict[tuple[str, str], int]:
    """Requests of the runs since an instant, by account and stream."""
    create(connection)
    rows = connection.execute(
        "select s.account_id, s.stream, sum(s.requests_made) "
        "from pipeline.spending s join pipeline.runs r using (run_id) where r.started_at > ? group by all",
        [since],
    ).fetchall()
    return {(account_id, stream): int(requests) for account_id, stream, requests in rows}


def create(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the tables when they are not there yet."""
    connection.execute("create schema if not exists pipeline")
    connection.execute("""
        create table if not exists pipeline.runs (
            run_id varchar not null,
            account_id varchar not null,
            command varchar not null,
            started_at timestamptz not null,
            ended_at timestamptz,
            status varchar not null,
            objects_read bigint not null,
            requests_made bigint not null,
            rows_written bigint not null,
            detail varchar
        )
    """)
    connection.execute("""
        create table if not exists pipeline.spending (
            run_id varchar not null,
            account_id varchar not null,
            stream varchar not null,
            objects_read bigint not null,
            requests_made bigint not null,
            rows_written bigint not null
        )
    """)
