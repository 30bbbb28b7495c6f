"""Which accounts a warehouse holds, in which mode, and up to when it knows them."""

from collections.abc import Sequence
from datetime import UTC, datetime

import duckdb

from pipelines.extract.errors import AccountMismatch


def create(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the table when it is not there yet. `as_of` is the instant up to which the account is known."""
    connection.execute("""
        create schema if not exists pipeline;
        create table if not exists pipeline.accounts (
            account_id varchar not null, label varchar not null, livemode boolean not null, as_of timestamptz
        );
    """)


def introduce(connection: duckdb.DuckDBPyConnection, label: str, account_id: str, *, livemode: bool) -> None:
    """Let an account in, the first time or again.

    Raises:
        AccountMismatch: the label belongs to another account, or the warehouse holds the other mode.
    """
    create(connection)
    rows = connection.execute("select account_id, label, livemode from pipeline.accounts").fetchall()
    for held_id, held_label, held_live in rows:
        if held_live != livemode:
            raise AccountMismatch(
                f"The key is of {_mode(livemode)} mode, but this warehouse holds {_mode(held_live)} data of {held_id}. "
                "Set REVENUE_HOME to another folder for it."
            )
        if held_label == label and held_id != account_id:
            raise AccountMismatch(
                f"The key belongs to {account_id}, but this warehouse holds {held_id} as '{label}'. "
                "Use that account's key, or set REVENUE_HOME to another folder."
            )
    if not any(held_id == account_id and held_label == label for held_id, held_label, _ in rows):
        connection.execute("insert into pipeline.accounts values (?, ?, ?, null)", [account_id, label, livemode])


def label_of(connection: duckdb.DuckDBPyConnection, account_id: str) -> str | None:
    """The label under which an account is held; None where it is not."""
    create(connection)
    rows = connection.execute("select label from pipeline.accounts where account_id = ?", [account_id]).fetchall()
    return str(rows[0][0]) if rows else None


def in_step(
    connection: duckdb.DuckDBPyConnection, account_id: str, as_of: int | None, streams: Sequence[str]
) -> datetime | None:
    """Note that the account is known up to `as_of` (epoch seconds), in these streams; returns what holds now.

    Never goes back; None leaves it as it is.
    """
    moment = None if as_of is None else datetime.fromtimestamp(as_of, UTC)
    connection.begin()
    connection.execute(
        "update pipeline.accounts set as_of = greatest(coalesce(as_of, $now), coalesce($now, as_of)) "
        "where account_id = $id",
        {"now": moment, "id": account_id},
    )
    known = connection.execute("select as_of from pipeline.accounts where account_id = ?", [account_id]).fetchall()[0][
        0
    ]
    connection.execute(
        "update pipeline.cursors set synced_at = ? where account_id = ? and stream in (select unnest(?::varchar[]))",
        [known, account_id, list(streams)],
    )
    connection.commit()
    return known if isinstance(known, datetime) else None


def as_of(connection: duckdb.DuckDBPyConnection) -> datetime | None:
    """The instant up to which every account of the warehouse is known; None before the first finished sync."""
    create(connection)
    moments = [moment for (moment,) in connection.execute("select as_of from pipeline.accounts").fetchall()]
    return None if not moments or None in moments else min(moments)


def _mode(livemode: bool) -> str:
    return "live" if livemode else "test"
