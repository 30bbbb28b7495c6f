"""Opens the working database: one writer at a time, held by a lock file of our own beside it.

Never opens the database file by other means than DuckDB: closing such a handle would drop DuckDB's own lock. Knows no
table.
"""

import fcntl
import json
import os
import shlex
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from pipelines.errors import RevenueError
from pipelines.warehouse import replacing

FULL = ("No space left", "File too large", "quota exceeded", "not enough space")
"""What the system and DuckDB say of a disk, a quota or a limit that is used up."""

_RETRY_SECONDS = 0.2


class WarehouseBusy(RevenueError):  # noqa: N818
    """Another process writes to the warehouse; the message says which, and since when."""


class WarehouseFull(RevenueError):  # noqa: N818
    """The disk is full. What was committed is kept."""


class WarehouseUnreadable(RevenueError):  # noqa: N818
    """The file is no database, is damaged, was written by a newer DuckDB, or belongs to somebody else."""


@contextmanager
def open_warehouse(
    path: Path, *, threads: int | None = None, memory_limit: str | None = None, wait_seconds: float = 0.0
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A writing connection, UTC, that loads no extensions by itself. Made with its folder when it is not there yet.

    `memory_limit` is as DuckDB writes it (`4GB`); `wait_seconds` is how long to wait for another writer.

    Raises:
        WarehouseBusy: another process has it open.
        WarehouseFull: the disk filled up while it was open.
        WarehouseUnreadable: DuckDB can't open the file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with _locked(path, wait_seconds), _told_apart(path):
        connection = _connected(path, threads, memory_limit)
        try:
            yield connection
        finally:
            connection.close()


def compact(path: Path, *, wait_seconds: float = 0.0) -> None:
    """Write the database anew and put that in its place: what was deleted or overwritten is then in no block of it.

    A crash leaves the old file or the new one, whole. Whoever can still read the disk below the file system may find
    what the old one held.

    Raises:
        As `open_warehouse` does.
    """
    draft = path.with_name(path.name + ".compact")
    with _locked(path, wait_seconds), _told_apart(path):
        replacing.remove(draft)
        connection = _connected(path, None, None)
        try:
            held = connection.execute("select current_database()").fetchall()[0][0]
            connection.execute(f"attach '{str(draft).replace(chr(39), chr(39) * 2)}' as compacted")
            connection.execute(f'copy from database "{held}" to compacted')
            connection.execute("checkpoint compacted")
            connection.execute("detach compacted")
        finally:
            connection.close()
        replacing.put_in_place(draft, path)
        shutil.rmtree(path.with_name(path.name + ".tmp"), ignore_errors=True)


def lock_file(path: Path) -> Path:
    """The file whose lock says that the warehouse is in use."""
    return path.with_name(path.name + ".lock")


def _connected(path: Path, threads: int | None, memory_limit: str | None) -> duckdb.DuckDBPyConnection:
    config: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    if threads:
        config["threads"] = threads
    if memory_limit:
        config["memory_limit"] = memory_limit
    try:
        connection = duckdb.connect(path, config=config)
    except duckdb.Error as error:
        if "Could not set lock" in str(error):
            raise WarehouseBusy(f"{path} is open in another program, which must close it first: {error}") from error
        if "Permission denied" in str(error):
            raise WarehouseUnreadable(f"{path} can't be opened: this user may not read and write it.") from error
        raise WarehouseUnreadable(
            f"{path} can't be opened as a database: {error}. Move it aside and run again; Stripe still has everything."
        ) from error
    connection.execute("set timezone = 'UTC'")
    return connection


@contextmanager
def _locked(path: Path, wait_seconds: float) -> Iterator[None]:
    deadline = time.monotonic() + wait_seconds
    descriptor = os.open(lock_file(path), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        while not _taken(descriptor):
            if time.monotonic() >= deadline:
                raise WarehouseBusy(f"{path} is in use by {_holder(descriptor)}. Wait for it to end, then run again.")
            time.sleep(_RETRY_SECONDS)
        _sign(descriptor)
        yield
    finally:
        os.close(descriptor)


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _sign(descriptor: int) -> None:
    command = shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]) if sys.argv and sys.argv[0] else "python"
    note = {"pid": os.getpid(), "command": command, "since": datetime.now(UTC).isoformat(timespec="seconds")}
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, json.dumps(note).encode(), 0)


def _holder(descriptor: int) -> str:
    try:
        note = json.loads(os.pread(descriptor, 65_536, 0))
    except ValueError:
        return "another process"
    return f"process {note['pid']} (`{note['command']}`, since {note['since']})"


@contextmanager
def _told_apart(path: Path) -> Iterator[None]:
    try:
        yield
    except duckdb.Error as error:
        if any(sign in str(error) for sign in FULL):
            raise WarehouseFull(
                f"The disk of {path.parent} is full; what was committed is kept. Free some space and run again."
            ) from error
        raise
