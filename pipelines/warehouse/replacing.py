"""Puts a database file that was made beside another one in its place. Knows nothing of what it holds.

Only for files that DuckDB has let go of: closing another handle of an open one would drop its lock.
"""

import os
from pathlib import Path


def put_in_place(draft: Path, target: Path) -> None:
    """Rename the draft over the target, so that a crash leaves either the old or the new one, whole.

    DuckDB has let go of the draft and synced it; that its bytes are on the disk must not hang on how it does that.
    """
    _settle(draft)
    _log_of(target).unlink(missing_ok=True)
    os.replace(draft, target)  # noqa: PTH105 - the one atomic step, under its own name
    _settle(target.parent)


def remove(file: Path) -> None:
    """Remove a database file and its write-ahead log, where they are there."""
    file.unlink(missing_ok=True)
    _log_of(file).unlink(missing_ok=True)


def _settle(path: Path) -> None:
    """Wait until the disk has it. Never of a file that DuckDB has open: closing it here would drop DuckDB's lock."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _log_of(file: Path) -> Path:
    return file.with_name(file.name + ".wal")
