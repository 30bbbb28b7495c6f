"""Raw tables keep each version once, in order, with the payload as it came."""

from collections.abc import Iterator
from datetime import UTC, datetime

import duckdb
import polars as pl
import pytest

from pipelines.warehouse import raw

SEEN = datetime(2026, 11, 15, tzinfo=UTC)


@pytest.fixture
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        raw.create(connection, ["charges"])
        yield connection


def arriving(*versions: tuple[str, str, str]) -> pl.DataFrame:
    rows = [(id_, version, None, SEEN, "list", False, payload) for id_, version, payload in versions]
    return pl.DataFrame(rows, schema=raw.SCHEMA, orient="row")


def append(warehouse: duckdb.DuckDBPyConnection, *versions: tuple[str, str, str]) -> int:
    return raw.append(warehouse, "charges", "acct_1", "2026-10-28.endive", arriving(*versions))


def held(warehouse: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    return warehouse.execute("select id, version_hash from raw.charges order by seq").fetchall()


def test_the_same_version_twice_is_one_row(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert append(warehouse, ("ch_1", "a", "{}"), ("ch_1", "a", "{}")) == 1
    assert append(warehouse, ("ch_1", "a", "{}")) == 0


def test_a_version_that_comes_back_is_a_new_row(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert append(warehouse, ("ch_1", "a", "{}"), ("ch_1", "b", "{}")) == 2
    assert append(warehouse, ("ch_1", "a", "{}")) == 1
    assert held(warehouse) == [("ch_1", "a"), ("ch_1", "b"), ("ch_1", "a")]


def test_accounts_do_not_mix(warehouse: duckdb.DuckDBPyConnection) -> None:
    append(warehouse, ("ch_1", "a", "{}"))
    assert raw.append(warehouse, "charges", "acct_2", "v", arriving(("ch_1", "a", "{}"))) == 1


def test_payloads_are_kept_byte_for_byte(warehouse: duckdb.DuckDBPyConnection) -> None:
    text = '{"a":1.50,"b":12345678901234567890123,"c":"\\u00e9é","new_field":[1e5]}'
    append(warehouse, ("ch_1", "a", text))
    assert raw.newest_payloads(warehouse, "charges", "acct_1", ["ch_1", "ch_2"]) == {"ch_1": text}


def test_making_the_tables_again_changes_nothing(warehouse: duckdb.DuckDBPyConnection) -> None:
    append(warehouse, ("ch_1", "a", "{}"))
    raw.create(warehouse, ["charges", "refunds"])
    assert held(warehouse) == [("ch_1", "a")]
    comments = warehouse.execute("select comment from duckdb_columns() where schema_name = 'raw'").fetchall()
    assert all(comment for (comment,) in comments)
