"""Loading exported files: the same rows as from the wire, once, whatever is between them."""

import gzip
import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.errors import SettingsError
from pipelines.extract import files, holders
from pipelines.extract.client import PINNED_VERSION
from pipelines.extract.errors import AccountMismatch
from pipelines.extract.files import Export
from pipelines.extract.sync import sync
from sandbox.serving import serving
from sandbox.world.world import World
from tests.extract.conftest import account_of, current, everything, warehouse
from tests.still_world import NOW, StillWorld, empty_store

EXPORTED = datetime(2026, 3, 1, tzinfo=UTC)
OURS = Export(PINNED_VERSION, "acct_1", EXPORTED)
KINDS = ("customers", "subscriptions", "invoices", "charges", "prices", "balance_transactions")


def charge(number: int, **more: Any) -> dict[str, Any]:
    return {"id": f"ch_{number}", "object": "charge", "created": NOW, "livemode": False, "amount": number, **more}


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with warehouse(tmp_path / "home") as opened:
        yield opened


def test_an_exported_account_becomes_the_rows_that_reading_it_gives(grown: World, tmp_path: Path) -> None:
    """Raw payloads of a sync written out as lines, as list pages and as a gzipped document, and loaded elsewhere."""
    folder = tmp_path / "export"
    folder.mkdir()
    with serving(grown, own_process=True) as running, warehouse(tmp_path / "read") as read:
        account_id = sync(read, account_of(running)).account_id
        held = everything(read)
    for place, stream in enumerate(KINDS):
        payloads = [payload for _, payload in held[stream].values()]
        page = json.dumps({"object": "list", "data": payloads, "has_more": False}, indent=1)
        if place % 3 == 0:
            (folder / f"{stream}.ndjson").write_text("\n".join(json.dumps(each) for each in payloads))
        elif place % 3 == 1:
            (folder / f"{stream}.json").write_text(page)
        else:
            (folder / f"{stream}.json.gz").write_bytes(gzip.compress(page.encode()))
    with warehouse(tmp_path / "loaded") as loaded:
        report = files.load(loaded, folder, Export(PINNED_VERSION, account_id, EXPORTED))
        again = files.load(loaded, folder, Export(PINNED_VERSION, account_id, EXPORTED))
        for stream in KINDS:
            assert current(loaded, stream) == held[stream], stream
    assert report.rows_written == sum(len(held[stream]) for stream in KINDS)
    assert (again.rows_written, again.known_files) == (0, len(KINDS))


def test_an_export_that_is_older_than_what_was_read_does_not_become_current(tmp_path: Path) -> None:
    store = empty_store()
    store.put(charge(1, description="read from Stripe"))
    (tmp_path / "old.ndjson").write_text(json.dumps(charge(1, description="exported long ago")))
    with serving(StillWorld(store)) as running, warehouse(tmp_path / "home") as connection:
        sync(connection, account_of(running))
        files.load(connection, tmp_path / "old.ndjson", OURS)
        newest = connection.execute(
            "select arg_max(payload ->> '$.description', (seen_at, seq)), count(*) from raw.charges"
        ).fetchall()
    assert newest == [("read from Stripe", 2)]


def test_what_cannot_be_read_is_named_and_stops_nothing(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    lines = [
        json.dumps(charge(1)),
        "{not json",
        json.dumps({"object": "charge", "created": 1}),
        json.dumps({"object": "issuing.card", "id": "ic_1"}),
        json.dumps(charge(2)),
    ]
    (tmp_path / "mixed.jsonl").write_text("\n".join(lines))
    report = files.load(connection, tmp_path / "mixed.jsonl", OURS)
    assert set(current(connection, "charges")) == {"ch_1", "ch_2"}
    assert [line.partition(":")[0] for line in report.unreadable] == ["mixed.jsonl line 2", "mixed.jsonl entry 2"]
    assert report.other_kinds == {"issuing.card": 1}


def test_a_kill_between_commits_loses_and_repeats_nothing(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two versions of one object in one file: a second start must not take the first for news."""
    monkeypatch.setattr(files, "OBJECTS_PER_COMMIT", 2)
    lines = [charge(1), charge(2), charge(1, description="newer"), charge(3), charge(4)]
    (tmp_path / "charges.ndjson").write_text("\n".join(json.dumps(each) for each in lines))

    def stop(name: str, loaded: int) -> None:
        if loaded == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        files.load(connection, tmp_path / "charges.ndjson", OURS, stop)
    files.load(connection, tmp_path / "charges.ndjson", OURS)
    rows = connection.execute("select id, count(*) from raw.charges group by id order by id").fetchall()
    assert rows == [("ch_1", 2), ("ch_2", 1), ("ch_3", 1), ("ch_4", 1)]


def test_an_invoice_whose_lines_were_cut_is_read_whole_by_the_next_sync(tmp_path: Path) -> None:
    lines = [{"id": f"il_{number}", "object": "line_item", "amount": 1} for number in range(12)]
    whole = {
        "id": "in_1",
        "object": "invoice",
        "created": NOW - 100,
        "livemode": False,
        "discounts": [],
        "lines": {"object": "list", "data": lines, "has_more": False, "url": "/v1/invoices/in_1/lines"},
    }
    cut = whole | {"lines": {**whole["lines"], "data": lines[:10], "has_more": True}}  # type: ignore[dict-item]
    (tmp_path / "invoices.ndjson").write_text(json.dumps(cut))
    store = empty_store()
    store.put(whole)
    with serving(StillWorld(store)) as running, warehouse(tmp_path / "home") as connection:
        report = files.load(connection, tmp_path / "invoices.ndjson", OURS)
        assert report.cut == {"invoices": 1}
        sync(connection, account_of(running))
        (_, payload) = current(connection, "invoices")["in_1"]
    assert len(payload["lines"]["data"]) == 12


def test_secrets_in_files_are_removed_too(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    (tmp_path / "charges.ndjson").write_text(json.dumps(charge(1, description="card 4242424242424242")))
    files.load(connection, tmp_path / "charges.ndjson", OURS)
    assert current(connection, "charges")["ch_1"][1]["description"] == "card [removed]"


def test_live_objects_are_kept_out_of_a_test_warehouse(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    (tmp_path / "a.ndjson").write_text(json.dumps(charge(1)))
    (tmp_path / "b.ndjson").write_text(json.dumps(charge(2, livemode=True)))
    files.load(connection, tmp_path / "a.ndjson", OURS)
    with pytest.raises(AccountMismatch, match="live mode"):
        files.load(connection, tmp_path / "b.ndjson", OURS)


@pytest.mark.parametrize("in_one_file", [True, False])
def test_files_of_both_modes_are_refused_as_a_whole(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, in_one_file: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "OBJECTS_PER_COMMIT", 2)
    lines = [json.dumps(charge(number, livemode=number == 5)) + "\n" for number in range(1, 7)]
    parts = [lines] if in_one_file else [lines[:3], lines[3:]]
    for place, part in enumerate(parts):
        (tmp_path / f"{place}.ndjson").write_text("".join(part))
    with pytest.raises(AccountMismatch, match=r"entry [52] is of live mode and 0\.ndjson entry 1 of test mode"):
        files.load(connection, tmp_path, OURS)
    assert current(connection, "charges") == {}
    assert connection.execute("select count(*) from pipeline.imports").fetchall() == [(0,)]
    assert holders.label_of(connection, "acct_1") is None


def test_files_that_say_nothing_of_their_mode_need_an_account_that_is_known(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    (tmp_path / "a.ndjson").write_text(json.dumps({"id": "txn_1", "object": "balance_transaction", "created": NOW}))
    with pytest.raises(SettingsError, match="live or test mode"):
        files.load(connection, tmp_path / "a.ndjson", OURS)
    assert current(connection, "balance_transactions") == {}
    (tmp_path / "b.ndjson").write_text(json.dumps(charge(1)))
    files.load(connection, tmp_path / "b.ndjson", OURS)
    assert files.load(connection, tmp_path / "a.ndjson", OURS).rows_written == 1


def test_what_was_exported_later_than_now_is_refused_as_a_whole(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    """A date of a file counts too: a clock that was wrong, or a time zone that was lost on the way."""
    for name in ("a", "b"):
        (tmp_path / f"{name}.ndjson").write_text(json.dumps(charge(ord(name))))
    with pytest.raises(SettingsError, match=r"--exported 2126-03-01T00:00:00.* lies ahead of now"):
        files.load(connection, tmp_path, Export(PINNED_VERSION, "acct_1", datetime(2126, 3, 1, tzinfo=UTC)))
    ahead = datetime.now(UTC).timestamp() + 3_600
    os.utime(tmp_path / "b.ndjson", (ahead, ahead))
    with pytest.raises(SettingsError, match=r"b\.ndjson has the date .* Say with --exported"):
        files.load(connection, tmp_path, Export(PINNED_VERSION, "acct_1"))
    assert current(connection, "charges") == {}
    soon = datetime.now(UTC) + timedelta(seconds=30)
    assert files.load(connection, tmp_path, Export(PINNED_VERSION, "acct_1", soon)).rows_written == 2


@pytest.mark.parametrize(("content", "problem"), [(None, "does not exist"), ("charges.csv", "holds no file")])
def test_nothing_to_load_is_said(
    content: str | None, problem: str, connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    folder = tmp_path / "export"
    if content:
        folder.mkdir()
        (folder / content).write_text("a,b")
    with pytest.raises(SettingsError, match=problem):
        files.load(connection, folder, OURS)


def test_files_of_nobody_need_an_account(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    (tmp_path / "charges.ndjson").write_text(json.dumps(charge(1)))
    with pytest.raises(SettingsError, match="--account"):
        files.load(connection, tmp_path / "charges.ndjson", Export(PINNED_VERSION))
    (tmp_path / "account.json").write_text(json.dumps({"id": "acct_9", "object": "account"}))
    assert files.load(connection, tmp_path, Export(PINNED_VERSION)).account_id == "acct_9"
