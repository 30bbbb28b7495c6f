"""One writer at a time, in UTC, and errors that say what to do."""

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from pipelines.warehouse import raw, runs
from pipelines.warehouse.database import (
    WarehouseBusy,
    WarehouseFull,
    WarehouseUnreadable,
    compact,
    lock_file,
    open_warehouse,
)


def test_the_session_is_utc_and_loads_no_extensions(tmp_path: Path) -> None:
    with open_warehouse(tmp_path / "deep" / "w.duckdb", threads=1, memory_limit="1GB") as connection:
        settings = connection.execute(
            "select current_setting('timezone'), current_setting('autoload_known_extensions'), "
            "current_setting('threads')"
        ).fetchall()
    assert settings == [("UTC", False, 1)]


def test_a_second_writer_is_told_who_holds_it(tmp_path: Path) -> None:
    path = tmp_path / "w.duckdb"
    holding = (
        "import sys; from pathlib import Path; from pipelines.warehouse.database import open_warehouse\n"
        "with open_warehouse(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", holding, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(WarehouseBusy, match=f"process {holder.pid} .*since 20"), open_warehouse(path):
            pass
        holder.communicate("")
    with open_warehouse(path) as connection:
        connection.execute("select 1").fetchall()


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "w.duckdb"
    path.write_text("this is no database, " * 1_000)
    with pytest.raises(WarehouseUnreadable, match=r"w\.duckdb"), open_warehouse(path):
        pass


def test_a_full_disk_is_said_plainly(tmp_path: Path) -> None:
    with pytest.raises(WarehouseFull, match="committed is kept"), open_warehouse(tmp_path / "w.duckdb"):
        raise duckdb.IOException(f"IO Error: Could not write file: {os.strerror(28)}")


def test_a_run_is_recorded_and_an_interrupted_one_is_closed_by_the_next() -> None:
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        at = datetime(2026, 11, 15, 12, tzinfo=UTC)
        runs.begin(connection, "sync", at)
        second = runs.begin(connection, "run", at.replace(hour=13))
        runs.end(connection, second, at.replace(hour=14), runs.Outcome("done", 5, 3, 4, "a remark"), "acct_1")
        rows = connection.execute(
            "select account_id, command, status, objects_read, requests_made, rows_written, detail from pipeline.runs "
            "order by started_at"
        ).fetchall()
    assert rows == [
        ("", "sync", "failed", 0, 0, 0, "interrupted"),
        ("acct_1", "run", "done", 5, 3, 4, "a remark"),
    ]


def test_a_compacted_file_holds_the_same_tables_and_nothing_that_was_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "warehouse.duckdb"
    with open_warehouse(file) as connection:
        raw.create(connection, ["customers"])
        connection.execute("create table person (id integer primary key, name varchar not null)")
        connection.execute("insert into person select i, 'Persephone Planted ' || i from range(5000) as t(i)")
    with open_warehouse(file) as connection:
        connection.execute("update person set name = 'gone'")
        tables = connection.execute("select sql, comment from duckdb_tables() order by sql").fetchall()
        comments = connection.execute("select column_name, comment from duckdb_columns() order by all").fetchall()
    assert b"Planted" in file.read_bytes()
    compact(file)
    assert b"Planted" not in file.read_bytes()
    assert {each.name for each in tmp_path.iterdir()} == {file.name, lock_file(file).name}
    with open_warehouse(file) as connection:
        assert connection.execute("select sql, comment from duckdb_tables() order by sql").fetchall() == tables
        assert (
            connection.execute("select column_name, comment from duckdb_columns() order by all").fetchall() == comments
        )
        assert connection.execute("select count(*), min(name) from person").fetchall() == [(5000, "gone")]
