"""How the process runs while accounts are read, so that reading and writing side by side is cheap and memory flat.

Knows DuckDB's and Python's settings; nothing of what is read.
"""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

FRUGAL = {"threads": 1, "memory_limit": "128MB", "checkpoint_threshold": "64MB"}
"""DuckDB's settings while reading. The other cores are busy, and what it would keep in memory is not needed again; each
checkpoint compresses what the one before left of a table once more, so that few are cheaper."""
SWITCH_SECONDS = 0.001
"""So long may reading go on while writing waits for Python's lock, which it takes often and for short."""
OBJECTS_BEFORE_COLLECTION = 100_000
"""What is read forms no cycles: looking for some among all that waits costs a fifth of the time."""


@contextmanager
def economical(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Run so for as long as the block lasts; then write down what only the log holds, while memory is still bounded."""
    with _settings(connection), _switching(), _collecting():
        yield
        connection.execute("checkpoint")


@contextmanager
def _settings(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    before = {name: connection.execute("select current_setting(?)", [name]).fetchall()[0][0] for name in FRUGAL}
    try:
        for name, value in FRUGAL.items():
            connection.execute(f"set {name} = '{value}'")
        yield
    finally:
        for name, value in before.items():
            connection.execute(f"set {name} = '{value}'")


@contextmanager
def _switching() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_SECONDS)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


@contextmanager
def _collecting() -> Iterator[None]:
    youngest, *older = gc.get_threshold()
    gc.set_threshold(OBJECTS_BEFORE_COLLECTION, *older)
    try:
        yield
    finally:
        gc.set_threshold(youngest, *older)
