"""The record of runs: who ran what, when, and what it cost. Feeds `marts.pipeline_runs` and `revenue status`."""

import uuid
from dataclasses import dataclass
from datetime import datetime

import duckdb


@dataclass(frozen=True)
class Outcome:
    """How a run ended: `status` is `done`, `failed` or `checks_failed`; `detail` says what was skipped or wrong."""

    status: str
    objects_read: int = 0
    requests_made: int = 0
    rows_written: int = 0
    detail: str | None = None


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


def create(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the table when it is not there yet."""
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
