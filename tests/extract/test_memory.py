"""Questions about whole tables may need more memory than writing does."""

from collections.abc import Iterator

import duckdb
import pytest

from pipelines.extract.weights import FEWEST_BYTES, Weights, in_more_memory

WEIGHTY = "select len(list(repeat('x', 2000) || i)) from range(100_000) as t(i)"
"""A list of 100,000 texts of 2,000 characters: 200 MB that can't be put aside."""


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connected:
        connected.execute("set memory_limit = '112MB'; set threads = 1")
        yield connected


def limit(connection: duckdb.DuckDBPyConnection) -> str:
    return str(connection.execute("select current_setting('memory_limit')").fetchall()[0][0])


def answer(connection: duckdb.DuckDBPyConnection) -> int:
    return int(connection.execute(WEIGHTY).fetchall()[0][0])


def test_what_does_not_fit_is_asked_again_with_more_memory(connection: duckdb.DuckDBPyConnection) -> None:
    before = limit(connection)
    with pytest.raises(duckdb.OutOfMemoryException):
        answer(connection)
    assert in_more_memory(connection, Weights(0, 2_000_000_000), answer) == 100_000
    assert limit(connection) == before


def test_all_the_memory_there_may_be_is_the_end(connection: duckdb.DuckDBPyConnection) -> None:
    before = limit(connection)
    with pytest.raises(duckdb.OutOfMemoryException):
        in_more_memory(connection, Weights(0, FEWEST_BYTES), answer)
    assert limit(connection) == before
