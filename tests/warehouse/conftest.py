"""A warehouse in memory, and raw tables in it."""

from collections.abc import Iterator

import duckdb
import pytest

from tests.warehouse.raw_tables import Raw


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """A database in memory, UTC."""
    with duckdb.connect() as opened:
        opened.execute("set timezone = 'UTC'")
        yield opened


@pytest.fixture
def raw(connection: duckdb.DuckDBPyConnection) -> Raw:
    """Raw tables to put payloads into."""
    return Raw(connection)
