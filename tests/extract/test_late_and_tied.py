"""Stripe shows things late, in the same second or out of order: what is held in the end is what Stripe holds."""

from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.extract.errors import AccountMismatch
from pipelines.extract.sync import sync
from sandbox.serving import serving
from sandbox.store import Store
from sandbox.world import shapes
from tests.extract.conftest import account_of, current, warehouse
from tests.still_world import DAY, NOW, StillWorld, empty_store

LONG_AGO = NOW - 40 * DAY


def charge(number: int, description: str | None = None, made: int = LONG_AGO) -> dict[str, Any]:
    return shapes.charge(id=f"ch_{number}", created=made, amount=100, currency="usd", description=description)


def coupon(percent: int) -> dict[str, Any]:
    return shapes.coupon(id="SAVE", created=LONG_AGO, duration="forever", percent_off=percent)


def tell(store: Store, name: str, at: int, thing: dict[str, Any], type_: str = "charge.updated") -> None:
    store.put(shapes.event(id=f"evt_{name}", created=at, type=type_, object=thing))


def descriptions(connection: duckdb.DuckDBPyConnection) -> list[str | None]:
    return [each["description"] for _, (_, each) in sorted(current(connection, "charges").items())]


def test_an_event_that_is_shown_minutes_late_still_counts(tmp_path: Path) -> None:
    """Edited at +500 s; the poll at +1,000 s, which reads events up to +940 s, is not shown that event yet."""
    store = empty_store()
    store.put(charge(1))
    world = StillWorld(store)
    with serving(world) as running, warehouse(tmp_path) as connection:
        sync(connection, account_of(running))
        store.put(charge(1, "edited"))
        world.now = NOW + 1_000
        sync(connection, account_of(running))
        assert descriptions(connection) == [None]
        tell(store, "late", NOW + 500, charge(1, "edited"))
        world.now = NOW + 1_060
        report = sync(connection, account_of(running))
        assert descriptions(connection) == ["edited"]
        assert report.streams["charges"].requests == 1


def test_events_of_one_second_are_all_read_though_one_of_them_was_read_before(tmp_path: Path) -> None:
    """Three charges change in one second: the poll is shown the first one's event, the next poll the others' too."""
    store = empty_store()
    for number in (1, 2, 3):
        store.put(charge(number))
    world, moment = StillWorld(store), NOW + 900
    with serving(world) as running, warehouse(tmp_path) as connection:
        sync(connection, account_of(running))
        store.put(charge(1, "first"))
        tell(store, "b", moment, charge(1, "first"))
        world.now = NOW + 1_000
        sync(connection, account_of(running))
        for number, name in ((2, "a"), (3, "c")):  # ids before and after the one that was read
            store.put(charge(number, "sibling"))
            tell(store, name, moment, charge(number, "sibling"))
        world.now = NOW + 1_100
        report = sync(connection, account_of(running))
        assert descriptions(connection) == ["first", "sibling", "sibling"]
        assert report.streams["charges"].requests == 2


def test_of_two_changes_in_one_second_the_object_itself_says_which_was_last(tmp_path: Path) -> None:
    """The list shows the event of the later change below that of the earlier one; neither payload is believed."""
    store = empty_store()
    store.put(charge(1))
    world = StillWorld(store)
    with serving(world) as running, warehouse(tmp_path) as connection:
        sync(connection, account_of(running))
        tell(store, "second", NOW + 500, charge(1, "second"))
        tell(store, "first", NOW + 500, charge(1, "first"))
        store.put(charge(1, "second"))
        world.now = NOW + 1_000
        report = sync(connection, account_of(running))
        assert descriptions(connection) == ["second"]
        assert (report.streams["charges"].requests, report.streams["charges"].rows_written) == (1, 1)


def test_what_an_event_shows_of_an_object_is_never_held(tmp_path: Path) -> None:
    """The event is rendered in an older version, without the amount, and with another description."""
    store = empty_store()
    store.put(charge(1))
    world = StillWorld(store)
    with serving(world) as running, warehouse(tmp_path) as connection:
        sync(connection, account_of(running))
        store.put(charge(1, "edited"))
        shown = {"id": "ch_1", "object": "charge", "created": LONG_AGO, "invoice": "in_1", "description": "as of then"}
        store.put(
            shapes.event(id="evt_1", created=NOW + 500, type="charge.updated", object=shown, api_version="2019-02-19")
        )
        world.now = NOW + 1_000
        sync(connection, account_of(running))
        (_, held) = current(connection, "charges")["ch_1"]
    assert held == charge(1, "edited")


def test_a_hundred_events_of_one_object_are_one_read_of_it(tmp_path: Path) -> None:
    store = empty_store()
    store.put(charge(1))
    world = StillWorld(store)
    with serving(world) as running, warehouse(tmp_path) as connection:
        sync(connection, account_of(running))
        store.put(charge(1, "edited"))
        for number in range(100):
            tell(store, f"{number:03}", NOW + 500 + number, charge(1, f"edit {number}"))
        world.now = NOW + 1_000
        assert sync(connection, account_of(running)).streams["charges"].requests == 1
        assert descriptions(connection) == ["edited"]


def test_a_deletion_that_is_told_late_does_not_delete_what_was_made_anew(tmp_path: Path) -> None:
    """Coupon SAVE is deleted at +500 s and made anew at +520 s; its creation is shown at once, its deletion late."""
    store = empty_store()
    store.put(coupon(10))
    world = StillWorld(store)
    with serving(world) as running, warehouse(tmp_path) as connection:
        sync(connection, account_of(running))
        store.put(coupon(20))
        tell(store, "made", NOW + 520, coupon(20), "coupon.created")
        world.now = NOW + 1_000
        sync(connection, account_of(running))
        tell(store, "gone", NOW + 500, coupon(10), "coupon.deleted")
        world.now = NOW + 1_060
        sync(connection, account_of(running))
        (deleted, held) = current(connection, "coupons")["SAVE"]
    assert (deleted, held["percent_off"]) == (False, 20)


def test_what_is_made_anew_after_its_deletion_was_read_is_there_again(tmp_path: Path) -> None:
    """The run reads events up to +940 s and ends at +1,300 s; SAVE is deleted at +500 s and made anew at +1,010 s."""
    store = empty_store()
    store.put(coupon(10))
    world = StillWorld(store)

    def go_on(stream: str, objects: int, requests: int, *, share: float, done: bool) -> None:
        world.now = NOW + 1_300

    with serving(world) as running, warehouse(tmp_path) as connection:
        sync(connection, account_of(running))
        store.delete("coupon", "SAVE")
        tell(store, "gone", NOW + 500, coupon(10), "coupon.deleted")
        world.now = NOW + 1_000
        sync(connection, account_of(running), progress=go_on)
        assert current(connection, "coupons")["SAVE"][0]
        store.put(coupon(20))
        tell(store, "made", NOW + 1_010, coupon(20), "coupon.created")
        world.now = NOW + 2_000
        sync(connection, account_of(running))
        (deleted, held) = current(connection, "coupons")["SAVE"]
    assert (deleted, held["percent_off"]) == (False, 20)


def test_what_a_first_load_was_not_shown_yet_comes_with_the_next_refresh(tmp_path: Path) -> None:
    """Made a second before the first load and shown after it: one by its event, one that has no event by its list."""
    store = empty_store()
    world = StillWorld(store)
    entry = shapes.balance_transaction(
        id="txn_1",
        created=NOW - 1,
        available_on=NOW + 2 * DAY,
        amount=100,
        currency="usd",
        type="charge",
        reporting_category="charge",
        source="ch_1",
    )
    with serving(world) as running, warehouse(tmp_path) as connection:
        sync(connection, account_of(running))
        store.put(charge(1, made=NOW - 1))
        store.put(entry)
        tell(store, "1", NOW - 1, charge(1), "charge.succeeded")
        world.now = NOW + 1_000
        sync(connection, account_of(running))
        assert set(current(connection, "charges")) == {"ch_1"}
        assert set(current(connection, "balance_transactions")) == {"txn_1"}
        store.put({**entry, "id": "txn_2", "created": NOW + 900})
        world.now = NOW + 1_400
        sync(connection, account_of(running))
        assert set(current(connection, "balance_transactions")) == {"txn_1", "txn_2"}


def test_a_change_while_the_first_load_runs_comes_with_the_first_refresh(tmp_path: Path) -> None:
    """The page that shows the charge is read, then the charge changes, and the load goes on."""
    store = empty_store()
    for number in range(150):
        store.put(charge(number, made=LONG_AGO + number))
    world = StillWorld(store)

    def edit(stream: str, objects: int, requests: int, *, share: float, done: bool) -> None:
        if stream == "charges" and objects == 100:
            store.put(charge(149, "edited meanwhile", LONG_AGO + 149))
            tell(store, "1", NOW, charge(149, "edited meanwhile"))

    with serving(world) as running, warehouse(tmp_path) as connection:
        sync(connection, account_of(running), progress=edit)
        assert current(connection, "charges")["ch_149"][1]["description"] is None
        world.now = NOW + 1_000
        sync(connection, account_of(running))
        assert current(connection, "charges")["ch_149"][1]["description"] == "edited meanwhile"


def test_events_stay_after_stripe_no_longer_lists_them(tmp_path: Path) -> None:
    """Forty days later, past the gap after which every list is read again."""
    store = empty_store()
    store.put(charge(1))
    tell(store, "old", NOW - 20 * DAY, charge(1))
    world = StillWorld(store)
    with serving(world) as running, warehouse(tmp_path) as connection:
        sync(connection, account_of(running))
        world.now = NOW + 40 * DAY
        report = sync(connection, account_of(running))
        held = current(connection, "events")
    assert "40 days ago" in (report.detail or "")
    assert {id_: deleted for id_, (deleted, _) in held.items()} == {"evt_old": False}


def test_subscriptions_in_every_state_are_held_the_ended_ones_too(tmp_path: Path) -> None:
    states = ["active", "canceled", "incomplete", "incomplete_expired", "past_due", "paused", "trialing", "unpaid"]
    store = empty_store()
    for state in states:
        store.put(
            shapes.subscription(
                id=f"sub_{state}",
                created=LONG_AGO,
                customer="cus_1",
                status=state,
                currency="usd",
                items=[],
                billing_cycle_anchor=LONG_AGO,
            )
        )
    with serving(StillWorld(store)) as running, warehouse(tmp_path) as connection:
        sync(connection, account_of(running))
        held = {id_: each["status"] for id_, (_, each) in current(connection, "subscriptions").items()}
    assert held == {f"sub_{state}": state for state in states}


def test_a_live_object_in_a_test_account_stops_the_run_and_is_not_held(tmp_path: Path) -> None:
    store = empty_store()
    store.put(charge(1) | {"livemode": True})
    with serving(StillWorld(store)) as running, warehouse(tmp_path) as connection:
        with pytest.raises(AccountMismatch, match="charges ch_1 is of live mode, the key of test mode"):
            sync(connection, account_of(running))
        assert current(connection, "charges") == {}
