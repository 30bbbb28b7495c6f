"""`revenue query`: reads the published file, and nothing else; what it writes can be opened anywhere."""

from decimal import Decimal
from pathlib import Path

import duckdb
import polars as pl
import pytest

from pipelines import query
from pipelines.errors import RevenueError, SettingsError


@pytest.fixture
def published(tmp_path: Path) -> Path:
    file = tmp_path / "it's published.duckdb"
    with duckdb.connect(file) as connection:
        connection.execute("create schema marts; create schema staging")
        connection.execute("create table marts.customers as select '=1+1' as name, 12.345678::decimal(18,6) as mrr")
        connection.execute("create table staging.charges as select 7 as amount")
    return file


def test_marts_are_found_without_their_schema_and_staging_with_it(published: Path) -> None:
    assert query.ask(published, "select mrr from customers").item() == Decimal("12.345678")
    assert query.ask(published, "select amount from staging.charges").item() == 7


@pytest.mark.parametrize(
    "sql",
    [
        "delete from customers",
        "create table marts.mine as select 1",
        "select * from read_csv('/etc/passwd')",
        "copy customers to 'stolen.csv'",
        "attach 'other.duckdb'",
        "set enable_external_access = true",
        "selekt 1",
    ],
)
def test_nothing_can_be_written_or_read_elsewhere(published: Path, sql: str) -> None:
    with pytest.raises(SettingsError, match="query failed"):
        query.ask(published, sql)
    assert query.ask(published, "select count(*) from customers").item() == 1


def test_a_query_before_anything_is_published_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(RevenueError, match="revenue demo"):
        query.ask(tmp_path / "revenue.duckdb", "select 1")


def test_text_that_a_spreadsheet_would_run_is_written_as_text(published: Path) -> None:
    text = query.written(query.ask(published, "from customers"), "csv", None)
    assert text == "name,mrr\n'=1+1,12.345678\n"


def test_rows_are_written_to_a_file_in_the_form_asked_for(published: Path, tmp_path: Path) -> None:
    rows = query.ask(published, "from customers")
    query.written(rows, "parquet", tmp_path / "rows.parquet")
    assert pl.read_parquet(tmp_path / "rows.parquet").equals(rows)
    query.written(rows, "json", tmp_path / "rows.json")
    assert '"=1+1"' in (tmp_path / "rows.json").read_text()
    with pytest.raises(SettingsError, match="--output"):
        query.written(rows, "parquet", None)


def test_a_table_writes_large_numbers_out(published: Path) -> None:
    text = query.written(query.ask(published, "select 26731000.5::double as value"), "table", None)
    assert text is not None
    assert "26731000.5" in text
