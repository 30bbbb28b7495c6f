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


@pytest.mark.parametrize(
    ("sql", "in_csv", "in_json"),
    [
        ("select ['=a', null] as x", """ "[""=a"",null]" """, '["=a",null]'),
        ("select null::int[] as x, 1 as y", ",1", 'null,"y":1'),
        ("select {'a b': 1.5::decimal(4,2)} as x", """ "{""a b"":""1.50""}" """, '{"a b":"1.50"}'),
        ("select map {'a': 1} as x", """ "{""a"":1}" """, '{"a":1}'),
        ("select interval '1 month 2 days' as x", "1 month 2 days", '"1 month 2 days"'),
        ("select [interval 3 days] as x", """ "[""3 days""]" """, '["3 days"]'),
        ("select map {'a': interval 3 days} as x", """ "{""a"":""3 days""}" """, '{"a":"3 days"}'),
        ("select '\\xAA\\x01'::blob as x", "aa01", '"aa01"'),
        ("select ['\\xAA'::blob] as x", """ "[""\\\\xAA""]" """, '["\\\\xAA"]'),
        ("select union_value(a := 1) as x", "1", '"1"'),
        ("select timetz '12:00:00+02' as x", "12:00:00+02", '"12:00:00+02"'),
        ("select 340282366920938463463374607431768211455 as x", f"{2**128 - 1}", f'"{2**128 - 1}"'),
        ("select date '-infinity' as x", "'-infinity", '"-infinity"'),
        ("select timestamptz 'infinity' as x", "infinity", '"infinity"'),
        ("select date '5881580-07-10' as x", "5881580-07-10", '"5881580-07-10"'),
        ("select [date 'infinity'] as x", """ "[""infinity""]" """, '["infinity"]'),
        ("select {'a': timestamp 'infinity'} as x", """ "{""a"":""infinity""}" """, '{"a":"infinity"}'),
        ("select map {'a': date 'infinity'} as x", """ "{""a"":""infinity""}" """, '{"a":"infinity"}'),
        ("select date '2026-01-31' as x", "2026-01-31", '"2026-01-31"'),
        ("select '=1'::enum('=1') as x", "'=1", '"=1"'),
    ],
)
def test_whatever_duckdb_can_hold_is_written_in_every_form_of_text(
    published: Path, sql: str, in_csv: str, in_json: str
) -> None:
    rows = query.ask(published, sql)
    written = query.written(rows, "csv", None) or ""
    assert written.partition("\n")[2] == in_csv.strip() + "\n"
    assert query.written(rows, "json", None) == f'[{{"x":{in_json}}}]\n'
    assert query.written(rows, "table", None)


def test_columns_of_one_name_are_kept_apart_where_one_is_written_as_text(published: Path) -> None:
    assert query.written(query.ask(published, "select 1 as a, interval 1 day as a"), "csv", None) == "a,a_1\n1,1 day\n"


def test_dates_stay_dates_where_all_of_a_column_are_finite(published: Path) -> None:
    rows = query.ask(published, "select date '2026-01-31' as day, interval 1 day as span")
    assert rows.schema == {"day": pl.Date, "span": pl.String}


def _damaged(file: Path, how: str) -> None:
    whole = file.read_bytes()
    file.write_bytes({"garbage": b"hello" * 1000, "empty": b"", "cut": whole[: len(whole) // 2]}[how])


@pytest.mark.parametrize("how", ["garbage", "empty", "cut"])
def test_a_damaged_file_is_named_with_what_makes_it_anew(published: Path, how: str) -> None:
    _damaged(published, how)
    with pytest.raises(RevenueError, match=r"it's published\.duckdb can't be read as a database: .*`revenue build`"):
        query.ask(published, "select 1")


def test_a_block_that_is_damaged_is_told_when_a_query_comes_to_it(published: Path) -> None:
    with duckdb.connect(published) as connection:
        connection.execute("create table marts.many as select hash(range) as x from range(500_000)")
        connection.execute("checkpoint")
    whole = bytearray(published.read_bytes())
    for at in range(len(whole) // 3, len(whole) // 3 + 4096):
        whole[at] ^= 0x55
    published.write_bytes(whole)
    with pytest.raises(RevenueError, match=r"can't be read as a database: .*`revenue build`"):
        query.ask(published, "select sum(x) from many")


def test_another_programs_database_is_not_taken_for_ours(tmp_path: Path) -> None:
    file = tmp_path / "revenue.duckdb"
    with duckdb.connect(file) as connection:
        connection.execute("create table mine as select 1")
    with pytest.raises(RevenueError, match="holds no published tables"):
        query.ask(file, "select 1")
