"""Publishing: all or nothing, under readers, crashes, failed checks and a full disk."""

import os
import shutil
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest

from models.contracts import marts
from models.terms import Terms
from pipelines.warehouse import publish, stage, tables
from tests.warehouse.raw_tables import ACCOUNT, CHARGE, LOADED, Raw

TERMS = Terms(datetime(2026, 1, 1, tzinfo=UTC), "America/New_York", "usd")
BROKEN = {
    "account_id": ACCOUNT,
    "check_name": "movements_sum_to_days",
    "table_name": "marts.mrr_by_day",
    "severity": "blocking",
    "passed": False,
    "failing_rows": 2,
    "checked_at": LOADED,
    "detail": "two days",
}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse file with one account, one charge and empty marts."""
    file = tmp_path_factory.mktemp("template") / "warehouse.duckdb"
    with duckdb.connect(file) as connection:
        connection.execute("set timezone = 'UTC'")
        raw = Raw(connection)
        raw.put("accounts", {"id": ACCOUNT, "country": "US"})
        raw.put("charges", {**CHARGE, "description": 'it\'s "fine"'})
        raw.staged_all()
        with tables.transaction(connection):
            for contract in marts.TABLES:
                tables.create(connection, contract)
        publish.gather_checks(connection, marts.DataChecks.create_empty())
    return file


@pytest.fixture
def warehouse(template: Path, tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse of its own for a test."""
    shutil.copy(template, tmp_path / "warehouse.duckdb")
    with duckdb.connect(tmp_path / "warehouse.duckdb") as connection:
        connection.execute("set timezone = 'UTC'")
        yield connection


def put(connection: duckdb.DuckDBPyConnection, target: Path, **options: object) -> publish.Published:
    return publish.publish(connection, target, TERMS, published_at=LOADED, read_at=LOADED, **options)  # type: ignore[arg-type]


def seen(target: Path, query: str) -> list[tuple[object, ...]]:
    """What a reader that comes anew sees."""
    with duckdb.connect() as reader:
        reader.execute("set timezone = 'UTC'")
        reader.execute(f"attach '{target}' as published (read_only)")
        return reader.execute(f"use published; {query}").fetchall()


def failing(connection: duckdb.DuckDBPyConnection) -> None:
    publish.gather_checks(connection, pl.DataFrame([BROKEN]))


def test_the_file_holds_staging_and_marts_and_nothing_else(
    warehouse: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    published = put(warehouse, tmp_path / "revenue.duckdb")
    found = seen(published.file, "select schema_name || '.' || table_name from duckdb_tables()")
    assert {row[0] for row in found} == {c.qualified_name() for c in publish.CONTRACTS}
    assert seen(published.file, "select amount, description from staging.charges") == [(100, 'it\'s "fine"')]
    assert published.failed == ()


def test_every_published_table_and_column_has_a_comment(warehouse: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    published = put(warehouse, tmp_path / "revenue.duckdb")
    assert seen(published.file, "from duckdb_tables() where comment is null") == []
    assert seen(published.file, "from duckdb_columns() where comment is null and not internal") == []


def test_the_publication_says_as_of_when_and_by_which_rules(
    warehouse: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    published = put(warehouse, tmp_path / "revenue.duckdb")
    query = "select account_id, currency, timezone, policy, policy_hash, checks_failed, banner from marts.publication"
    assert seen(published.file, query) == [
        (ACCOUNT, "usd", "America/New_York", "default", TERMS.policy.hash, 0, None),
    ]
    assert seen(published.file, "select as_of = read_at and as_of = published_at from marts.publication") == [(True,)]


def test_a_failed_check_refuses_and_leaves_the_old_file(warehouse: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    target = tmp_path / "revenue.duckdb"
    put(warehouse, target)
    before = target.stat().st_ino
    failing(warehouse)
    with pytest.raises(publish.ChecksFailedError, match=r"movements_sum_to_days of marts\.mrr_by_day"):
        put(warehouse, target, rule="refuse")
    assert target.stat().st_ino == before


def test_a_failed_check_is_published_with_a_banner_where_the_rule_says_so(
    warehouse: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    failing(warehouse)
    published = put(warehouse, tmp_path / "revenue.duckdb")
    assert published.failed == ("movements_sum_to_days of marts.mrr_by_day",)
    ((failed, banner),) = seen(published.file, "select checks_failed, banner from marts.publication")
    assert failed == 1
    assert "movements_sum_to_days" in str(banner)
    assert (False,) in seen(published.file, "select passed from marts.data_checks")


def test_a_warning_is_published_without_a_banner(warehouse: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    publish.gather_checks(warehouse, pl.DataFrame([{**BROKEN, "severity": "warning"}]))
    published = put(warehouse, tmp_path / "revenue.duckdb", rule="refuse")
    assert published.failed == ()
    assert seen(published.file, "select banner from marts.publication") == [(None,)]


def test_what_staging_found_is_published_among_the_checks(warehouse: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    Raw(warehouse).put("charges", {**CHARGE, "id": "ch_2", "amount": "?"})
    stage.stage(warehouse, LOADED)
    publish.gather_checks(warehouse, marts.DataChecks.create_empty())
    published = put(warehouse, tmp_path / "revenue.duckdb")
    assert published.failed == ("values_fit of staging.charges",)


def test_runs_are_published(warehouse: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    run = {
        "account_id": ACCOUNT,
        "run_id": "run_1",
        "command": "run",
        "started_at": LOADED,
        "ended_at": LOADED + timedelta(minutes=1),
        "status": "done",
        "objects_read": 1,
        "requests_made": 2,
        "rows_written": 3,
        "detail": None,
    }
    runs = pl.DataFrame([run], schema_overrides={"detail": pl.String})
    warehouse.execute("create schema if not exists pipeline; create table pipeline.runs as from runs")
    assert runs.height == 1
    published = put(warehouse, tmp_path / "revenue.duckdb")
    assert seen(published.file, "select run_id, requests_made from marts.pipeline_runs") == [("run_1", 2)]


def test_a_missing_table_is_named_and_nothing_published(warehouse: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    warehouse.execute("drop table marts.refunds")
    with pytest.raises(publish.PublishError, match=r"marts\.refunds is not in the warehouse"):
        put(warehouse, tmp_path / "revenue.duckdb")
    assert [file.name for file in tmp_path.iterdir() if file.name.startswith("revenue")] == []


def test_leftovers_of_a_crash_are_cleared(warehouse: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    target = tmp_path / "revenue.duckdb"
    for leftover in ("revenue.duckdb.tmp", "revenue.duckdb.tmp.wal", "revenue.duckdb.wal"):
        (tmp_path / leftover).write_bytes(b"half of something")
    put(warehouse, target)
    assert sorted(file.name for file in tmp_path.iterdir() if file.name.startswith("revenue")) == ["revenue.duckdb"]
    assert seen(target, "select count(*) from staging.charges") == [(1,)]


def test_publishing_again_shows_the_new_rows_and_keeps_an_old_reader_consistent(
    warehouse: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    target = tmp_path / "revenue.duckdb"
    put(warehouse, target)
    with duckdb.connect(target, read_only=True) as old:
        Raw(warehouse).put("charges", {**CHARGE, "id": "ch_2"})
        stage.stage(warehouse, LOADED)
        put(warehouse, target)
        assert old.execute("select count(*) from staging.charges").fetchall() == [(1,)]
    assert seen(target, "select count(*) from staging.charges") == [(2,)]


def test_what_is_renamed_is_on_the_disk_before_and_its_name_after(
    warehouse: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[tuple[str, int]] = []
    sync, rename = os.fsync, os.replace

    def synced(descriptor: int) -> None:
        sync(descriptor)
        steps.append(("synced", os.fstat(descriptor).st_ino))

    def renamed(old: Path, new: Path) -> None:
        rename(old, new)
        steps.append(("renamed", new.stat().st_ino))

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", renamed)
    target = tmp_path / "revenue.duckdb"
    put(warehouse, target)
    file, folder = target.stat().st_ino, tmp_path.stat().st_ino
    assert steps == [("synced", file), ("renamed", file), ("synced", folder)]


READER = """
    import duckdb, sys, time
    target, stop = sys.argv[1], sys.argv[2]
    import pathlib
    reads = 0
    print("reading", flush=True)
    while not pathlib.Path(stop).exists():
        with duckdb.connect(target, read_only=True) as c:
            charges = c.execute("select count(*) from staging.charges").fetchall()[0][0]
            told = c.execute("select checks_failed from marts.publication").fetchall()
            assert charges >= 1 and len(told) == 1
        reads += 1
    print(reads)
"""


def test_readers_in_another_process_never_see_a_torn_or_locked_file(
    warehouse: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    target = tmp_path / "revenue.duckdb"
    stop = tmp_path / "stop"
    put(warehouse, target)
    reader = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(READER), str(target), str(stop)], stdout=subprocess.PIPE, text=True
    )
    assert reader.stdout is not None
    assert reader.stdout.readline() == "reading\n"
    for _ in range(3):
        put(warehouse, target)
    stop.touch()
    out, _ = reader.communicate(timeout=30)
    assert reader.returncode == 0
    assert int(out) >= 1


PUBLISHER = """
    import os, sys
    from pathlib import Path
    import duckdb
    sys.path.insert(0, sys.argv[1])
    from pipelines.warehouse import publish, replacing
    from tests.warehouse.test_publish import put
    home, how = Path(sys.argv[2]), sys.argv[3]
    connection = duckdb.connect(home / "warehouse.duckdb")
    connection.execute("set timezone = 'UTC'")
    def stall(*_):
        print("before the rename", flush=True)
        import time; time.sleep(60)
    if how == "stall":
        replacing.put_in_place = stall
    if how == "full":
        import resource
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
    try:
        put(connection, home / "revenue.duckdb")
    except publish.PublishError as error:
        print(error)
"""


def publisher(tmp_path: Path, how: str) -> subprocess.Popen[str]:
    root = Path(__file__).parents[2]
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(PUBLISHER), str(root), str(tmp_path), how],
        stdout=subprocess.PIPE,
        text=True,
        cwd=root,
    )


def test_a_kill_before_the_rename_leaves_the_old_file(warehouse: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    target = tmp_path / "revenue.duckdb"
    put(warehouse, target)
    before = target.stat()
    warehouse.close()
    process = publisher(tmp_path, "stall")
    assert process.stdout is not None
    assert process.stdout.readline() == "before the rename\n"
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert (target.stat().st_ino, target.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert seen(target, "select count(*) from staging.charges") == [(1,)]
    with duckdb.connect(tmp_path / "warehouse.duckdb") as again:
        put(again, target)
    assert not (tmp_path / "revenue.duckdb.tmp").exists()


def test_a_full_disk_is_told_and_the_old_file_untouched(warehouse: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    target = tmp_path / "revenue.duckdb"
    put(warehouse, target)
    before = target.stat().st_ino
    warehouse.close()
    out, _ = publisher(tmp_path, "full").communicate(timeout=60)
    assert "was not published and is as it was" in out
    assert "is full" in out
    assert target.stat().st_ino == before
    assert not (tmp_path / "revenue.duckdb.tmp").exists()


def test_the_published_file_can_be_read_while_the_warehouse_is_written(
    warehouse: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    target = tmp_path / "revenue.duckdb"
    put(warehouse, target)
    warehouse.begin()
    warehouse.execute("delete from staging.charges")
    assert seen(target, "select count(*) from staging.charges") == [(1,)]
    warehouse.rollback()
