"""The ways in which an account of the still world that was read is read once more."""

from datetime import UTC, datetime

import duckdb

from pipelines.extract.sync import resync, sync
from sandbox.serving import Sandbox
from tests.extract.conftest import account_of
from tests.still_world import DAY, NOW

MADE = NOW - 30 * DAY
"""When what is read was made."""


def refreshed(running: Sandbox, connection: duckdb.DuckDBPyConnection) -> None:
    """What changed, by its events."""
    sync(connection, account_of(running))


def swept(running: Sandbox, connection: duckdb.DuckDBPyConnection) -> None:
    """Everything, by lists."""
    sync(connection, account_of(running), full=True)


def resynced(running: Sandbox, connection: duckdb.DuckDBPyConnection) -> None:
    """What was made in a window of time."""
    since, until = datetime.fromtimestamp(MADE - 1, UTC), datetime.fromtimestamp(NOW, UTC)
    resync(connection, account_of(running), since, until)
