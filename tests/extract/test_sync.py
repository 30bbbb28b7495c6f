"""Sync against the sandbox's server: complete the first time, frugal and right afterwards."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from pipelines.extract import audit, cursors, holders
from pipelines.extract.account import Account
from pipelines.extract.catalogue import CATALOGUE
from pipelines.extract.errors import AccountMismatch, ApiUnavailable, KeyRefused
from pipelines.extract.shapes import CARRIED
from pipelines.extract.sync import resync, sync
from sandbox.api.keys import Key
from sandbox.api.settings import Settings
from sandbox.serving import Sandbox, serving
from sandbox.world import shapes
from sandbox.world.world import World
from tests.extract.conftest import FAST, account_of, current, everything, warehouse
from tests.still_world import NOW, StillWorld, empty_store


def test_the_first_load_holds_every_object_of_the_account(sandbox: Sandbox, grown: World, tmp_path: Path) -> None:
    with warehouse(tmp_path) as connection:
        report = sync(connection, account_of(sandbox))
        held = everything(connection)
    assert report.first_load
    assert report.skipped == {}
    for stream in CATALOGUE:
        if stream.name in {"accounts", "balances", "events", "meter_event_summaries"}:
            continue
        present = {id_ for id_, (deleted, _) in held[stream.name].items() if not deleted}
        if stream.name == CARRIED:
            paid_out = {each for payout in grown.books.payouts for each in payout.entries}
            assert {id_.split("/")[1] for id_ in present} > paid_out
            continue
        assert present == set(grown.store.ids(stream.kind)), stream.name


def test_inactive_and_inline_prices_are_held_with_their_tiers(sandbox: Sandbox, tmp_path: Path) -> None:
    with warehouse(tmp_path) as connection:
        sync(connection, account_of(sandbox))
        prices = [payload for _, payload in current(connection, "prices").values()]
        used = {
            item["price"]["id"]
            for _, subscription in current(connection, "subscriptions").values()
            for item in subscription["items"]["data"]
        }
    assert used <= {price["id"] for price in prices}
    assert any(not price["active"] for price in prices)
    assert all(price["tiers"] for price in prices if price["billing_scheme"] == "tiered")


def test_a_refresh_with_nothing_new_costs_at_most_six_requests_and_writes_nothing(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    with warehouse(tmp_path) as connection:
        first = sync(connection, account_of(sandbox))
        again = sync(connection, account_of(sandbox))
        before = sandbox.requests.total
    assert again.requests_made <= 6
    assert again.rows_written == 0
    assert not again.first_load
    assert before == first.requests_made + again.requests_made


def test_a_refresh_ends_with_what_a_fresh_load_would_hold_and_reads_each_change_once(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    with warehouse(tmp_path) as connection:
        sync(connection, account_of(sandbox))
        for days in (3.01, 11.2, 20.3):
            sandbox.advance(days=days)
            report = sync(connection, account_of(sandbox))
            changed = sum(each.objects for name, each in report.streams.items() if name != "events")
            assert report.requests_made <= changed + 10
        refreshed = everything(connection)
    with warehouse(tmp_path / "fresh") as connection:
        sync(connection, account_of(sandbox))
        fresh = everything(connection)
    for stream in CATALOGUE:
        expected = {id_: _lasting(payload) for id_, (deleted, payload) in fresh[stream.name].items() if not deleted}
        actual = {id_: _lasting(payload) for id_, (deleted, payload) in refreshed[stream.name].items() if not deleted}
        if stream.name == "events":
            assert expected.items() <= actual.items()
        else:
            assert actual == expected, stream.name


def _lasting(payload: dict[str, Any]) -> dict[str, Any]:
    """Without the one field that changes and that no event tells of."""
    return {name: value for name, value in payload.items() if name != "next_invoice_sequence"}


def test_a_gap_of_forty_days_heals_itself_and_says_so(sandbox: Sandbox, tmp_path: Path) -> None:
    with warehouse(tmp_path) as connection:
        sync(connection, account_of(sandbox))
        sandbox.advance(days=40.02)
        report = sync(connection, account_of(sandbox))
        healed = everything(connection)
        assert connection.execute("select count(*) from pipeline.swept").fetchall() == [(0,)]
    assert "40 days ago" in (report.detail or "")
    with warehouse(tmp_path / "fresh") as connection:
        sync(connection, account_of(sandbox))
        fresh = everything(connection)
    for stream in CATALOGUE:
        if stream.name not in {"events", "balances"}:
            present = {id_: payload for id_, (deleted, payload) in healed[stream.name].items() if not deleted}
            assert present == {id_: each for id_, (gone, each) in fresh[stream.name].items() if not gone}, stream.name


def charge(number: int, at: int) -> dict[str, Any]:
    return shapes.charge(
        id=f"ch_{number}",
        created=at,
        amount=1_000,
        currency="usd",
        customer=None,
        payment_intent=None,
        balance_transaction=None,
    )


def test_an_empty_account_and_one_with_a_single_charge_are_read(tmp_path: Path) -> None:
    store = empty_store()
    with serving(StillWorld(store)) as running, warehouse(tmp_path) as connection:
        report = sync(connection, account_of(running))
        assert report.account_id == "acct_1"
        assert report.requests_made <= len(CATALOGUE) + 2
        assert current(connection, "charges") == {}
        assert len(current(connection, "accounts")) == 1
        store.put(charge(1, NOW - 5))
    with serving(StillWorld(store)) as running, warehouse(tmp_path / "one") as connection:
        sync(connection, account_of(running))
        assert list(current(connection, "charges")) == ["ch_1"]
        assert holders.as_of(connection) == datetime.fromtimestamp(NOW, UTC)


def test_a_deleted_customer_leaves_a_tombstone_with_what_was_known(tmp_path: Path) -> None:
    store = empty_store()
    customer = shapes.customer(id="cus_1", created=NOW - 100, email="who@example.com")
    store.put(customer)
    world = StillWorld(store)
    with serving(world) as running, warehouse(tmp_path) as connection:
        sync(connection, account_of(running))
        store.delete("customer", "cus_1")
        store.put(shapes.event(id="evt_1", created=NOW + 100, type="customer.deleted", object=customer))
        world.now = NOW + 1_000
        sync(connection, account_of(running))
        deleted, payload = current(connection, "customers")["cus_1"]
    assert deleted
    assert payload["email"] == "who@example.com"


def test_a_sweep_finds_what_was_deleted_without_an_event(tmp_path: Path) -> None:
    store = empty_store()
    for number in (1, 2):
        store.put(shapes.customer(id=f"cus_{number}", created=NOW - 100, email="who@example.com"))
    with serving(StillWorld(store)) as running, warehouse(tmp_path) as connection:
        sync(connection, account_of(running))
        store.delete("customer", "cus_1")
        sync(connection, account_of(running), full=True)
        held = {id_: deleted for id_, (deleted, _) in current(connection, "customers").items()}
    assert held == {"cus_1": True, "cus_2": False}


def test_a_sweep_comes_by_itself_when_the_last_one_is_a_week_ago_and_says_what_it_found(tmp_path: Path) -> None:
    store = empty_store()
    for number in (1, 2):
        store.put(charge(number, NOW - 100))
    world = StillWorld(store)
    with serving(world) as running, warehouse(tmp_path) as connection:
        sync(connection, account_of(running), sweep_days=7)
        store.put(charge(1, NOW - 100) | {"description": "no event told"})
        store.delete("charge", "ch_2")
        world.now = NOW + 6 * 86_400
        early = sync(connection, account_of(running), sweep_days=7)
        assert early.requests_made <= 6
        world.now = NOW + 7 * 86_400 + 1
        due = sync(connection, account_of(running), sweep_days=7)
        assert "REVENUE_SWEEP_DAYS" in (due.detail or "")
        assert "1 versions that no event told of, 1 objects that no list shows" in (due.detail or "")
        held = {id_: (deleted, each["description"]) for id_, (deleted, each) in current(connection, "charges").items()}
        assert held == {"ch_1": (False, "no event told"), "ch_2": (True, None)}
        world.now += 60
        assert sync(connection, account_of(running), sweep_days=7).requests_made <= 6


def test_a_sweep_counts_against_the_lists_and_the_checks_tell(tmp_path: Path) -> None:
    """Three charges are listed and held; a fourth is held that Stripe has deleted, found and gone by the end."""
    store = empty_store()
    for number in (1, 2, 3, 4):
        store.put(charge(number, NOW - 100))
    with serving(StillWorld(store)) as running, warehouse(tmp_path) as connection:
        sync(connection, account_of(running))
        assert audit.checks(connection).is_empty()
        store.delete("charge", "ch_4")
        sync(connection, account_of(running), full=True)
        mended = check(connection, "row_counts_equal_stripe", "raw.charges")
        connection.execute("delete from raw.charges where id = 'ch_2'")
        store.delete("charge", "ch_2")
        sync(connection, account_of(running), full=True)
        lost = check(connection, "row_counts_equal_stripe", "raw.charges")
    words = "Stripe lists 3, 3 of them are held; 1 more were held that no list shows, 0 of them are still there"
    assert (mended["passed"], mended["detail"]) == (True, words)
    assert (lost["passed"], lost["detail"]) == (True, "Stripe lists 2, 2 of them are held")


def test_what_is_held_as_present_and_no_list_shows_fails_the_count(tmp_path: Path) -> None:
    """A charge of the near future is in no window; its refund names it, it is read by id, and is there ever after."""
    store = empty_store()
    store.put(charge(1, NOW + 500))
    store.put(shapes.refund(id="re_1", created=NOW - 50, charge="ch_1", amount=5, currency="usd"))
    with serving(StillWorld(store)) as running, warehouse(tmp_path) as connection:
        for _ in range(3):
            sync(connection, account_of(running), full=True)
        told = check(connection, "row_counts_equal_stripe", "raw.charges")
    words = "Stripe lists 0, 0 of them are held; 1 more were held that no list shows, 1 of them are still there"
    assert (told["passed"], told["severity"], told["detail"]) == (False, "blocking", words)


def test_what_could_not_be_understood_is_told_by_the_checks_until_it_is_mended(tmp_path: Path) -> None:
    store = empty_store()
    odd = shapes.customer(id="cus_1", created=NOW - 100, email="who@example.com") | {"balance": "a lot"}
    store.put(odd)
    with serving(StillWorld(store)) as running, warehouse(tmp_path) as connection:
        sync(connection, account_of(running))
        told = check(connection, "objects_are_understood", "raw.customers")
        held = current(connection, "customers")["cus_1"]
        store.put(odd | {"balance": 0})
        sync(connection, account_of(running), full=True)
        mended = check(connection, "objects_are_understood", "raw.customers")
    assert (told["passed"], told["severity"], told["failing_rows"]) == (False, "warning", 1)
    assert "$.balance" in told["detail"]
    assert held[1]["balance"] == "a lot"
    assert mended["passed"]


def test_a_reference_to_what_no_list_showed_is_followed_at_the_next_sweep(tmp_path: Path) -> None:
    """A charge of the near future, as a server's clock may have it, is in no window; its refund names it."""
    store = empty_store()
    store.put(charge(1, NOW + 500))
    store.put(shapes.refund(id="re_1", created=NOW - 50, charge="ch_1", amount=5, currency="usd"))
    with serving(StillWorld(store)) as running, warehouse(tmp_path) as connection:
        sync(connection, account_of(running))
        before = set(current(connection, "charges"))
        report = sync(connection, account_of(running), full=True)
        after = set(current(connection, "charges"))
    assert (before, after) == (set(), {"ch_1"})
    assert "1 objects that others refer to were not held" in (report.detail or "")


def check(connection: duckdb.DuckDBPyConnection, name: str, table: str) -> dict[str, Any]:
    [row] = audit.checks(connection).filter(pl.col("check_name") == name, pl.col("table_name") == table).to_dicts()
    return row


def test_an_object_that_vanishes_while_it_is_the_cursor_only_restarts_its_window(tmp_path: Path) -> None:
    store = empty_store()
    for number in range(250):
        store.put(shapes.customer(id=f"cus_{number}", created=NOW - 1_000 + number, email="who@example.com"))
    gone = "cus_150"  # the last of the first page

    def vanish(stream: str, objects: int, requests: int, *, share: float, done: bool) -> None:
        if stream == "customers" and objects == 100 and store.get("customer", gone):
            store.delete("customer", gone)

    with serving(StillWorld(store)) as running, warehouse(tmp_path) as connection:
        sync(connection, account_of(running), progress=vanish)
        assert set(current(connection, "customers")) == {f"cus_{number}" for number in range(250)}


def test_a_missing_permission_skips_its_stream_and_names_it(grown: World, tmp_path: Path) -> None:
    key = Key("rk_test_narrow", lacks=frozenset({"dispute_read", "payout_read"}))
    with serving(grown, Settings(keys=(key,)), own_process=True) as running, warehouse(tmp_path) as connection:
        report = sync(connection, account_of(running, key.value))
        assert set(report.skipped) == {"disputes", "payouts"}
        assert "rak_dispute_read" in report.skipped["disputes"]
        assert len(current(connection, "charges")) == len(grown.store.ids("charge"))
        again = sync(connection, account_of(running, key.value))
        assert set(again.skipped) == {"disputes", "payouts"}
    assert "payouts was skipped" in (again.detail or "")


def test_a_key_without_events_reads_every_list_every_time(grown: World, tmp_path: Path) -> None:
    key = Key("rk_test_narrow", lacks=frozenset({"event_read"}))
    with serving(grown, Settings(keys=(key,)), own_process=True) as running, warehouse(tmp_path) as connection:
        sync(connection, account_of(running, key.value))
        running.advance(days=5.01)
        sync(connection, account_of(running, key.value))
        refreshed = current(connection, "subscriptions")
    with serving(grown, own_process=True) as running, warehouse(tmp_path / "fresh") as connection:
        running.advance(days=5.01)
        sync(connection, account_of(running))
        assert current(connection, "subscriptions") == refreshed


def test_a_link_with_a_new_token_makes_no_new_version_and_a_new_amount_does(tmp_path: Path) -> None:
    store = empty_store()
    with serving(StillWorld(store)) as running, warehouse(tmp_path) as connection:
        for token, description in (("a", None), ('b\\"', None), ("c", "changed")):
            store.put(charge(1, NOW - 10) | {"receipt_url": f"https://pay/{token}", "description": description})
            sync(connection, account_of(running), full=True)
        rows = connection.execute("select payload ->> '$.receipt_url' from raw.charges order by seq").fetchall()
    assert rows == [("https://pay/a",), ("https://pay/c",)]


def test_a_wrong_key_is_refused_without_showing_it(sandbox: Sandbox, tmp_path: Path) -> None:
    with warehouse(tmp_path) as connection, pytest.raises(KeyRefused) as refused:
        sync(connection, account_of(sandbox, "rk_test_doesnotexist123"))
    assert "doesnotexist" not in str(refused.value)
    assert "STRIPE_API_KEY" in str(refused.value)


def test_an_unreachable_api_says_where_it_looked(tmp_path: Path) -> None:
    with warehouse(tmp_path) as connection, pytest.raises(ApiUnavailable, match=r"127\.0\.0\.1:9"):
        sync(connection, Account("rk_test_x", "http://127.0.0.1:9", limits=FAST))


def test_another_account_or_the_other_mode_is_kept_out_of_the_warehouse(tmp_path: Path) -> None:
    other, live = empty_store(), empty_store()
    other.put(shapes.account(id="acct_2", created=NOW, display_name="Other", email="b@example.com"))
    other.delete("account", "acct_1")
    live.put(shapes.balance(available={}, pending={}) | {"id": "balance", "livemode": True})
    with warehouse(tmp_path) as connection:
        for store, problem in ((empty_store(), None), (other, "belongs to acct_2"), (live, "live mode")):
            with serving(StillWorld(store)) as running:
                if problem is None:
                    sync(connection, account_of(running))
                else:
                    with pytest.raises(AccountMismatch, match=problem):
                        sync(connection, account_of(running))
        assert {id_ for (id_,) in connection.execute("select account_id from raw.accounts").fetchall()} == {"acct_1"}


def test_resync_reads_the_objects_of_a_window_again(tmp_path: Path) -> None:
    store = empty_store()
    for number in range(5):
        store.put(charge(number, NOW - 500 + number * 100))
    with serving(StillWorld(store)) as running, warehouse(tmp_path) as connection:
        sync(connection, account_of(running))
        for number in range(5):
            store.put(charge(number, NOW - 500 + number * 100) | {"description": "edited without an event"})
        since, until = datetime.fromtimestamp(NOW - 400, UTC), datetime.fromtimestamp(NOW - 200, UTC)
        report = resync(connection, account_of(running), since, until)
        edited = {id_ for id_, (_, payload) in current(connection, "charges").items() if payload["description"]}
    assert edited == {"ch_1", "ch_2"}
    assert report.rows_written == 2


def test_a_resync_before_the_first_sync_spoils_nothing(sandbox: Sandbox, tmp_path: Path) -> None:
    with warehouse(tmp_path) as connection:
        since, until = datetime.fromtimestamp(NOW - 20 * 86_400, UTC), datetime.fromtimestamp(NOW, UTC)
        read = resync(connection, account_of(sandbox), since, until)
        assert 0 < read.streams["charges"].objects < len(sandbox.world.store.ids("charge"))
        report = sync(connection, account_of(sandbox))
        assert report.first_load
        assert report.remarks == []
        assert set(current(connection, "charges")) == set(sandbox.world.store.ids("charge"))


def test_planted_secrets_never_reach_the_disk(tmp_path: Path) -> None:
    store = empty_store()
    secrets = ["4242424242424242", "sk_live_51PlantedPlanted", "pi_1_secret_planted"]
    store.put(charge(1, NOW - 10) | {"description": f"card {secrets[0]}", "metadata": {"k": secrets[1]}})
    store.put(charge(2, NOW - 10) | {"client_secret": secrets[2]})
    key = Key("rk_test_plantedkey99")
    with serving(StillWorld(store), Settings(keys=(key,))) as running, warehouse(tmp_path) as connection:
        sync(connection, account_of(running, key.value))
        rows = json.dumps(connection.execute("select payload from raw.charges").fetchall())
        assert "[removed]" in rows
    written = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    for secret in [*secrets, key.value]:
        assert secret not in rows
        assert secret.encode() not in written


def test_the_cursors_speak_of_what_is_committed(sandbox: Sandbox, tmp_path: Path) -> None:
    with warehouse(tmp_path) as connection:
        report = sync(connection, account_of(sandbox))
        status = {each.stream: each for each in cursors.status(connection)}
        assert status["invoices"].objects == report.streams["invoices"].objects
        assert status["invoices"].synced_at == report.as_of
        assert not any(each.unfinished for each in status.values())
        _nothing_pending_is_overdue(connection)


def _nothing_pending_is_overdue(connection: duckdb.DuckDBPyConnection) -> None:
    assert connection.execute("select * from pipeline.pending where due_at = 0").fetchall() == []


def test_a_thousand_edits_cost_their_pages_rather_than_a_request_each(tmp_path: Path) -> None:
    """600 of 1,000 charges, made one a second, are edited, two events each: 12 pages of events, 6 or 7 of charges."""
    store = empty_store()
    for number in range(1_000):
        store.put(charge(number, NOW - 50_000 + number))
    world = StillWorld(store)
    with serving(world) as running, warehouse(tmp_path) as connection:
        sync(connection, account_of(running))
        for number in range(200, 800):
            edited = charge(number, NOW - 50_000 + number) | {"description": "edited"}
            store.put(edited)
            for time in (1, 2):
                store.put(
                    shapes.event(id=f"evt_{number}_{time}", created=NOW + number, type="charge.updated", object=edited)
                )
        world.now = NOW + 2_000
        report = sync(connection, account_of(running))
        held = current(connection, "charges")
    assert sum(each["description"] == "edited" for _, each in held.values()) == 600
    assert report.streams["charges"].rows_written == 600
    assert report.streams["events"].requests <= 13
    assert report.streams["charges"].requests <= 8
    assert report.requests_made <= 30


def test_edits_far_apart_are_read_one_by_one(tmp_path: Path) -> None:
    store = empty_store()
    for number in range(1_000):
        store.put(charge(number, NOW - 500_000 + 100 * number))
    world = StillWorld(store)
    with serving(world) as running, warehouse(tmp_path) as connection:
        sync(connection, account_of(running))
        for number in range(0, 1_000, 250):
            edited = charge(number, NOW - 500_000 + 100 * number) | {"description": "edited"}
            store.put(edited)
            store.put(shapes.event(id=f"evt_{number}", created=NOW + 60, type="charge.updated", object=edited))
        world.now = NOW + 2_000
        report = sync(connection, account_of(running))
    assert (report.streams["charges"].objects, report.streams["charges"].requests) == (4, 4)
    assert report.requests_made <= 4 + 6


def test_a_payment_that_ends_with_its_invoice_is_read_again_though_no_event_names_it(tmp_path: Path) -> None:
    """Stripe tells of invoice payments that are paid, not of those that are canceled as their invoice is voided."""
    store = empty_store()
    invoice = shapes.invoice(
        id="in_1",
        created=NOW - 9_000,
        customer="cus_1",
        currency="usd",
        lines=[],
        status="open",
        billing_reason="manual",
        period_start=NOW - 9_000,
        period_end=NOW - 9_000,
    )
    payments = [
        shapes.invoice_payment(
            id=f"inpay_{n}", created=NOW - 9_000, invoice=f"in_{n}", amount_requested=5, currency="usd"
        )
        for n in (1, 2)
    ]
    for each in (invoice, *payments):
        store.put(each)
    world = StillWorld(store)
    with serving(world) as running, warehouse(tmp_path) as connection:
        sync(connection, account_of(running))
        voided = invoice | {"status": "void"}
        store.put(voided)
        store.put(payments[0] | {"status": "canceled"})
        store.put(shapes.event(id="evt_1", created=NOW + 60, type="invoice.voided", object=voided))
        world.now = NOW + 50_000
        report = sync(connection, account_of(running))
        held = {id_: each["status"] for id_, (_, each) in current(connection, "invoice_payments").items()}
        world.now += 60
        again = sync(connection, account_of(running))
    assert held == {"inpay_1": "canceled", "inpay_2": "open"}
    assert report.requests_made <= 2 + 6
    assert again.requests_made <= 6


def test_what_had_to_be_repeated_is_said_once_for_each_stream(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.fail("server_error", "/v1/charges", times=2, status=503)
    sandbox.fail("rate_limit", "/v1/refunds", times=1, reason="endpoint-rate")
    with warehouse(tmp_path) as connection:
        report = sync(connection, account_of(sandbox))
    told = [remark for remark in report.remarks if "repeated" in remark]
    assert [each.split(",")[0] for each in told] == [
        "charges: 2 requests had to be repeated",
        "refunds: 1 requests had to be repeated",
    ]
    assert "HTTP 503" in told[0]
    assert "HTTP 429 endpoint-rate" in told[1]
