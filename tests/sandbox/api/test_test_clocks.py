"""What lives on a test clock is hidden from lists that do not name the clock, or the customer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.serving import Sandbox, serving
from sandbox.store import Store
from sandbox.world import shapes
from tests.sandbox.api.account import NOW, T0, Ask, StillWorld, ask_of, client_of, hand_made_account


def on_a_clock(store: Store) -> None:
    """Put a clock beside the account's own customers, and one of everything that names it."""
    store.put(shapes.test_clock(id="clock_1", created=T0, frozen_time=NOW, name="Renewals"))
    store.put(shapes.test_clock(id="clock_2", created=T0 + 1, frozen_time=T0))
    store.put(shapes.customer(id="cus_clock", created=T0, test_clock="clock_1"))
    fields = {"created": T0, "customer": "cus_clock", "livemode": False, "test_clock": "clock_1"}
    store.put(
        shapes.subscription(
            id="sub_clock",
            created=T0,
            customer="cus_clock",
            status="active",
            currency="usd",
            items=[],
            billing_cycle_anchor=T0,
            test_clock="clock_1",
        )
    )
    for id_, kind in (("sub_sched_clock", "subscription_schedule"), ("qt_clock", "quote")):
        store.put({"id": id_, "object": kind, "status": "draft", **fields})
    for id_, kind in (("sub_sched_plain", "subscription_schedule"), ("qt_plain", "quote")):
        plain: dict[str, Any] = fields | {"customer": "cus_1", "test_clock": None}
        store.put({"id": id_, "object": kind, "status": "draft", **plain})


@pytest.fixture(scope="module")
def served() -> Iterator[Sandbox]:
    store = hand_made_account()
    on_a_clock(store)
    with serving(StillWorld(store)) as sandbox:
        yield sandbox


@pytest.fixture
def ask(served: Sandbox) -> Ask:
    return ask_of(served.url)


def test_the_sdk_lists_and_reads_clocks(served: Sandbox) -> None:
    clocks = client_of(served).v1.test_helpers.test_clocks
    assert [clock.id for clock in clocks.list().data] == ["clock_2", "clock_1"]
    assert clocks.retrieve("clock_1").frozen_time == NOW


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/v1/customers", ["cus_2", "cus_1"]),
        ("/v1/customers?test_clock=clock_1", ["cus_clock"]),
        ("/v1/customers?test_clock=clock_2", []),
        ("/v1/subscriptions?status=all&test_clock=clock_1", ["sub_clock"]),
        ("/v1/subscriptions?customer=cus_clock", ["sub_clock"]),
        ("/v1/subscription_schedules", ["sub_sched_plain"]),
        ("/v1/subscription_schedules?customer=cus_clock", ["sub_sched_clock"]),
        ("/v1/quotes", ["qt_plain"]),
        ("/v1/quotes?test_clock=clock_1", ["qt_clock"]),
        ("/v1/quotes?customer=cus_clock", ["qt_clock"]),
    ],
)
def test_a_list_shows_what_is_on_a_clock_to_who_names_it(ask: Ask, path: str, expected: list[str]) -> None:
    assert ask(path).ids == expected


def test_no_subscription_of_a_clock_is_in_the_plain_list(ask: Ask) -> None:
    assert "sub_clock" not in ask("/v1/subscriptions?status=all&limit=100").ids


def test_a_clock_can_be_expanded_and_an_unknown_one_is_refused(ask: Ask) -> None:
    assert ask("/v1/customers/cus_clock?expand[]=test_clock").body["test_clock"]["name"] == "Renewals"
    unknown = ask("/v1/customers?test_clock=clock_9")
    assert (unknown.status, unknown.error["code"], unknown.error["param"]) == (400, "resource_missing", "test_clock")
    assert ask("/v1/test_helpers/test_clocks/clock_9").status == 404
