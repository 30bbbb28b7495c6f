"""What lives on Stripe's test clocks: left out unless it is asked for, whole where it is, gone with its clock.

The account of these tests has a customer of its own with a charge, and a clock that was advanced forty days ahead. On
the clock live a customer, a subscription and its schedule, an invoice of the simulated future with its payment, and a
charge, which Stripe makes in real time.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from pipelines.extract import audit
from pipelines.extract.account import Account
from pipelines.extract.catalogue import CATALOGUE
from pipelines.extract.permissions import readable
from pipelines.extract.sync import SyncReport, sync
from sandbox.api.keys import Key
from sandbox.api.settings import Settings
from sandbox.serving import Sandbox, serving
from sandbox.store import Store
from sandbox.world import shapes
from tests.extract.conftest import account_of, current, warehouse
from tests.still_world import DAY, NOW, StillWorld, empty_store

AHEAD = NOW + 40 * DAY
ON_THE_CLOCK = {
    "customers": {"cus_clock"},
    "subscriptions": {"sub_clock"},
    "subscription_schedules": {"sub_sched_clock"},
    "invoices": {"in_clock"},
}
NOTHING: dict[str, set[str]] = {stream: set() for stream in ON_THE_CLOCK}
NO_CLOCK_OF_ITS_OWN = {"charges": {"ch_clock", "ch_plain"}, "invoice_payments": {"inpay_clock"}}


def clock(name: str = "clock_1", frozen_time: int = AHEAD) -> dict[str, Any]:
    return shapes.test_clock(id=name, created=NOW - 2 * DAY, frozen_time=frozen_time)


def customer(name: str, on: str | None = None) -> dict[str, Any]:
    return shapes.customer(id=name, created=NOW - DAY, email=f"{name}@example.com", test_clock=on)


def subscription(name: str, of: str, on: str | None) -> dict[str, Any]:
    return shapes.subscription(
        id=name,
        created=NOW - DAY,
        customer=of,
        status="active",
        currency="usd",
        items=[],
        billing_cycle_anchor=NOW - DAY,
        test_clock=on,
    )


def schedule(name: str, of: str, on: str | None) -> dict[str, Any]:
    fields = {"created": NOW - DAY, "customer": of, "livemode": False, "status": "active", "test_clock": on}
    return {"id": name, "object": "subscription_schedule", **fields}


def invoice(name: str, of: str, on: str | None, at: int) -> dict[str, Any]:
    return shapes.invoice(
        id=name,
        created=at,
        customer=of,
        currency="usd",
        lines=[],
        status="paid",
        billing_reason="subscription_cycle",
        period_start=at,
        period_end=at,
        subscription="sub_clock",
        test_clock=on,
    )


def charge(name: str, of: str) -> dict[str, Any]:
    return shapes.charge(id=name, created=NOW - 100, amount=1_000, currency="usd", customer=of)


def populate(store: Store, on: str = "clock_1") -> None:
    """Put a clock and everything that lives on it."""
    store.put(clock(on))
    store.put(customer("cus_clock", on))
    store.put(subscription("sub_clock", "cus_clock", on))
    store.put(schedule("sub_sched_clock", "cus_clock", on))
    store.put(invoice("in_clock", "cus_clock", on, at=AHEAD - 5 * DAY))
    store.put(
        shapes.invoice_payment(
            id="inpay_clock",
            created=NOW - 90,
            invoice="in_clock",
            amount_requested=1_000,
            currency="usd",
            status="paid",
        )
    )
    store.put(charge("ch_clock", "cus_clock"))


def vanish(store: Store) -> None:
    """Delete the clock with what Stripe deletes with it; no event says so."""
    store.delete("test_helpers.test_clock", "clock_1")
    for kind, name in (
        ("customer", "cus_clock"),
        ("subscription", "sub_clock"),
        ("subscription_schedule", "sub_sched_clock"),
        ("invoice", "in_clock"),
        ("invoice_payment", "inpay_clock"),
    ):
        store.delete(kind, name)


@dataclass
class Case:
    """A served account and a warehouse for it."""

    world: StillWorld
    sandbox: Sandbox
    connection: duckdb.DuckDBPyConnection
    events: int = 0

    @property
    def store(self) -> Store:
        return self.world.store

    def sync(self, *, clocks: bool, later: int = 1_000, full: bool = False, key: str | None = None) -> SyncReport:
        """Let some seconds pass and sync, with the setting on or off."""
        self.world.now += later
        return sync(self.connection, self.account(clocks=clocks, key=key), full=full)

    def account(self, *, clocks: bool, key: str | None = None) -> Account:
        return replace(account_of(self.sandbox, key), test_clocks=clocks)

    def tell(self, type_: str, thing: dict[str, Any]) -> None:
        """An event of this moment."""
        self.events += 1
        self.store.put(shapes.event(id=f"evt_{self.events}", created=self.world.now + 1, type=type_, object=thing))

    def present(self, stream: str) -> set[str]:
        """The ids that are held and not deleted."""
        return {id_ for id_, (deleted, _) in current(self.connection, stream).items() if not deleted}

    def failed_checks(self) -> list[tuple[str, str]]:
        return audit.checks(self.connection).filter(~pl.col("passed")).select("table_name", "detail").rows()


@contextmanager
def account(folder: Path, settings: Settings | None = None) -> Iterator[Case]:
    store = empty_store()
    store.put(customer("cus_plain"))
    store.put(charge("ch_plain", "cus_plain"))
    world = StillWorld(store)
    with serving(world, settings) as running, warehouse(folder) as connection:
        yield Case(world, running, connection)


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    with account(tmp_path) as made:
        yield made


def test_off_nothing_that_says_it_is_on_a_clock_is_kept_and_the_run_says_so(case: Case) -> None:
    populate(case.store)
    case.world.now = AHEAD + DAY  # even once the simulated future has come
    report = case.sync(clocks=False)
    assert {stream: case.present(stream) for stream in ON_THE_CLOCK} == {
        **NOTHING,
        "customers": {"cus_plain"},
    }
    assert {stream: case.present(stream) for stream in NO_CLOCK_OF_ITS_OWN} == NO_CLOCK_OF_ITS_OWN
    assert report.remarks == [
        "Left out what lives on test clocks: 1 customers, 1 invoices. REVENUE_TEST_CLOCKS=true reads it."
    ]
    assert "GET /v1/test_helpers/test_clocks" not in case.sandbox.requests.endpoints


def test_off_events_bring_nothing_in_and_cost_no_request(case: Case) -> None:
    case.sync(clocks=False)
    populate(case.store)
    for stream, (name,) in ON_THE_CLOCK.items():
        kind = next(each.kind for each in CATALOGUE if each.name == stream)
        thing = case.store.get(kind, name)
        assert thing is not None
        case.tell(f"{kind}.updated", thing)
    report = case.sync(clocks=False)
    assert all(case.present(stream).isdisjoint(names) for stream, names in ON_THE_CLOCK.items())
    assert [report.streams[stream].requests for stream in ON_THE_CLOCK] == [0, 0, 0, 0]
    assert report.remarks == [
        "Left out what lives on test clocks: 1 customers, 1 invoices, 1 subscription_schedules, 1 subscriptions. "
        "REVENUE_TEST_CLOCKS=true reads it."
    ]
    assert case.sync(clocks=False).remarks == []


def test_off_a_sweep_asks_for_nothing_that_was_left_out_and_finds_no_fault(case: Case) -> None:
    """The invoice payment refers to an invoice that is left out: it is not looked for."""
    populate(case.store)
    case.store.put(invoice("in_clock", "cus_clock", "clock_1", at=NOW - 50))
    case.sync(clocks=False)
    report = case.sync(clocks=False, full=True)
    assert case.failed_checks() == []
    assert not any("referred" in remark or "refer to" in remark for remark in report.remarks)
    assert "GET /v1/invoices/{id}" not in case.sandbox.requests.endpoints


def test_off_a_customer_that_was_put_on_a_clock_later_is_kept_and_no_fault(case: Case) -> None:
    case.sync(clocks=False)
    case.store.put(clock())
    case.store.put(moved := customer("cus_plain", "clock_1"))
    case.tell("customer.updated", moved)
    case.sync(clocks=False)
    case.sync(clocks=False, full=True)
    assert case.present("customers") == {"cus_plain"}
    assert case.failed_checks() == []


def test_on_everything_is_read_that_lives_on_a_clock_past_and_future(case: Case) -> None:
    populate(case.store)
    report = case.sync(clocks=True)
    assert {stream: case.present(stream) for stream in ON_THE_CLOCK} == ON_THE_CLOCK | {
        "customers": {"cus_clock", "cus_plain"}
    }
    assert case.present("test_clocks") == {"clock_1"}
    assert report.remarks == []
    assert case.failed_checks() == []


def test_on_lists_of_a_clock_are_read_page_by_page(case: Case) -> None:
    case.store.put(clock())
    for number in range(230):
        case.store.put(customer(f"cus_{number}", "clock_1"))
    report = case.sync(clocks=True)
    assert len(case.present("customers")) == 231
    # one page of the plain list, three of the clock's
    assert report.streams["customers"].requests == 4


def test_an_account_without_clocks_pays_one_request_a_refresh_for_the_setting(case: Case) -> None:
    first = case.sync(clocks=True)
    without, with_ = case.sync(clocks=False), case.sync(clocks=True)
    assert with_.requests_made == without.requests_made + 1
    assert first.streams["test_clocks"].requests == 1
    assert with_.rows_written == 0


def test_a_refresh_with_clocks_reads_their_lists_again_for_none_of_them(case: Case) -> None:
    populate(case.store)
    case.sync(clocks=True)
    refresh = case.sync(clocks=True)
    assert [refresh.streams[stream].requests for stream in ON_THE_CLOCK] == [0, 0, 0, 0]
    assert refresh.streams["test_clocks"].requests == 1
    assert refresh.rows_written == 0


def test_a_new_clock_is_read_at_the_next_refresh_and_changes_come_by_events(case: Case) -> None:
    case.sync(clocks=True)
    populate(case.store)
    case.sync(clocks=True)
    assert case.present("subscriptions") == {"sub_clock"}
    ended = subscription("sub_clock", "cus_clock", "clock_1") | {"status": "canceled"}
    case.store.put(ended)
    case.store.put(clock(frozen_time=AHEAD + DAY))
    case.tell("customer.subscription.deleted", ended)
    refresh = case.sync(clocks=True)
    assert current(case.connection, "subscriptions")["sub_clock"] == (False, _sent(case, "subscription", "sub_clock"))
    assert refresh.streams["subscriptions"].requests == 1
    assert current(case.connection, "test_clocks")["clock_1"][1]["frozen_time"] == AHEAD + DAY


def _sent(case: Case, kind: str, name: str) -> dict[str, Any]:
    held = case.store.get(kind, name)
    assert held is not None
    return held


def test_switched_on_later_everything_left_out_is_read_at_the_next_sync(case: Case) -> None:
    case.sync(clocks=False)
    populate(case.store)
    case.tell("invoice.paid", _sent(case, "invoice", "in_clock"))
    case.sync(clocks=False)
    assert case.present("invoices") == set()
    report = case.sync(clocks=True)
    assert {stream: case.present(stream) for stream in ON_THE_CLOCK} == ON_THE_CLOCK | {
        "customers": {"cus_clock", "cus_plain"}
    }
    assert report.remarks == []
    assert case.connection.execute("select count(*) from pipeline.left_out").fetchall() == [(0,)]


def test_switched_off_and_on_again_changes_of_the_meantime_are_read(case: Case) -> None:
    populate(case.store)
    case.sync(clocks=True)
    renamed = customer("cus_clock", "clock_1") | {"name": "Renamed meanwhile"}
    case.store.put(renamed)
    case.tell("customer.updated", renamed)
    case.sync(clocks=False)
    assert current(case.connection, "customers")["cus_clock"][1]["name"] is None
    case.sync(clocks=True)
    assert current(case.connection, "customers")["cus_clock"][1]["name"] == "Renamed meanwhile"


def test_a_deleted_clock_takes_everything_with_it_though_no_event_says_so(case: Case) -> None:
    populate(case.store)
    case.sync(clocks=True)
    vanish(case.store)
    case.sync(clocks=True)
    assert case.present("test_clocks") == set()
    assert {stream: case.present(stream) for stream in ON_THE_CLOCK} == NOTHING | {"customers": {"cus_plain"}}
    assert case.present("invoice_payments") == set()
    assert case.present("charges") == {"ch_clock", "ch_plain"}  # asked for, and still there
    case.sync(clocks=True, full=True)
    assert case.failed_checks() == []


def test_what_was_left_out_and_is_gone_with_its_clock_is_not_asked_for_when_switched_on(case: Case) -> None:
    populate(case.store)
    case.tell("customer.subscription.updated", _sent(case, "subscription", "sub_clock"))
    case.sync(clocks=False)
    vanish(case.store)
    report = case.sync(clocks=True)
    assert current(case.connection, "subscriptions") == {}
    assert report.streams["subscriptions"].requests == 0


def test_a_clock_that_vanishes_while_it_is_read_is_no_fault(case: Case) -> None:
    populate(case.store)

    def gone(stream: str, objects: int, requests: int, *, share: float, done: bool) -> None:
        if stream == "test_clocks" and done and case.store.count("test_helpers.test_clock"):
            vanish(case.store)

    sync(case.connection, case.account(clocks=True), progress=gone)
    assert case.present("customers") == {"cus_plain"}
    case.sync(clocks=True)
    assert case.present("test_clocks") == set()


def test_a_sweep_finds_on_a_clock_who_was_deleted_and_nobody_else_missing(case: Case) -> None:
    populate(case.store)
    case.store.put(customer("cus_other", "clock_1"))
    case.sync(clocks=True)
    case.store.delete("customer", "cus_other")
    report = case.sync(clocks=True, full=True)
    assert case.present("customers") == {"cus_clock", "cus_plain"}
    assert "0 versions that no event told of, 1 objects that no list shows" in (report.detail or "")
    assert case.failed_checks() == []
    assert case.sync(clocks=True).rows_written == 0


def test_switched_off_a_sweep_deletes_nothing_that_lives_on_a_clock(case: Case) -> None:
    populate(case.store)
    case.sync(clocks=True)
    case.sync(clocks=False, full=True)
    assert {stream: case.present(stream) for stream in ON_THE_CLOCK} == ON_THE_CLOCK | {
        "customers": {"cus_clock", "cus_plain"}
    }
    assert case.failed_checks() == []


def test_switched_off_and_on_again_an_invoice_is_as_it_became_in_the_meantime(case: Case) -> None:
    populate(case.store)
    case.sync(clocks=True)
    case.store.put(voided := _sent(case, "invoice", "in_clock") | {"status": "void"})
    case.tell("invoice.voided", voided)
    case.sync(clocks=False)
    assert current(case.connection, "invoices")["in_clock"][1]["status"] == "paid"
    case.sync(clocks=True)
    assert current(case.connection, "invoices")["in_clock"][1]["status"] == "void"


def test_a_killed_load_goes_on_with_the_lists_of_clocks(case: Case) -> None:
    populate(case.store)
    case.sandbox.fail("server_error", path="/v1/subscriptions")
    with pytest.raises(Exception, match="subscriptions"):
        case.sync(clocks=True)
    assert case.present("subscriptions") == set()
    case.sandbox.heal()
    case.sync(clocks=True)
    assert case.present("subscriptions") == {"sub_clock"}


def test_a_live_key_is_told_that_it_has_no_clocks_and_is_asked_for_none(tmp_path: Path) -> None:
    key = Key("rk_live_key")
    with account(tmp_path, Settings(keys=(key,))) as case:
        for kind, name in (("customer", "cus_plain"), ("charge", "ch_plain")):
            case.store.put(_sent(case, kind, name) | {"livemode": True})
        case.store.put(_sent(case, "balance", "balance") | {"livemode": True})
        report = case.sync(clocks=True, key=key.value)
        assert case.present("customers") == {"cus_plain"}
        [remark] = report.remarks
        assert "REVENUE_TEST_CLOCKS is on" in remark
        assert "test_clocks" not in readable(case.account(clocks=True, key=key.value), CATALOGUE)
        assert not any("test_clocks" in endpoint for endpoint in case.sandbox.requests.endpoints)


def test_a_key_that_may_not_list_clocks_reads_all_else_and_says_what_it_lacks(tmp_path: Path) -> None:
    with account(tmp_path, Settings(keys=(Key("rk_test_blind", frozenset({"billing_clock_read"})),))) as case:
        case.sync(clocks=True, key="rk_test_blind")
        populate(case.store)
        case.tell("invoice.paid", _sent(case, "invoice", "in_clock"))
        report = case.sync(clocks=True, key="rk_test_blind", full=True)
        assert "billing_clock_read" in report.skipped["test_clocks"]
        assert "Left out what lives on test clocks: 1 customers, 1 invoices." in report.remarks
        assert (case.present("customers"), case.present("invoices")) == ({"cus_plain"}, set())
        assert case.failed_checks() == []
