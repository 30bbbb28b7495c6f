"""Streams beyond the plain lists: listed under a parent, without a `created` filter, or lacking in an account."""

from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.extract.sync import sync
from sandbox.serving import serving
from sandbox.store import Store
from sandbox.world import shapes
from sandbox.world.world import World
from tests.extract.conftest import account_of, current, warehouse
from tests.still_world import DAY, NOW, StillWorld, empty_store

MIDNIGHT = NOW - NOW % DAY


def customer(name: str, balance: int = 0) -> dict[str, Any]:
    return shapes.customer(id=name, created=NOW - 90 * DAY, email=f"{name}@example.com") | {"balance": balance}


def credit(number: int, of: str, amount: int) -> dict[str, Any]:
    return {
        "id": f"cbtxn_{number}",
        "object": "customer_balance_transaction",
        "amount": amount,
        "created": NOW - 80 * DAY + number,
        "currency": "usd",
        "customer": of,
        "ending_balance": amount,
        "livemode": False,
        "type": "adjustment",
    }


def told(store: Store, number: int, type_: str, thing: dict[str, Any], before: dict[str, Any] | None = None) -> None:
    store.put(
        shapes.event(id=f"evt_{number}", created=NOW + number, type=type_, object=thing, previous_attributes=before)
    )


def test_credit_entries_are_listed_for_customers_who_have_some_and_for_no_one_else(tmp_path: Path) -> None:
    store = empty_store()
    for name, balance in (("cus_rich", -500), ("cus_plain", 0)):
        store.put(customer(name, balance))
    for number in range(120):
        store.put(credit(number, "cus_rich", -number))
    world = StillWorld(store)
    with serving(world) as running, warehouse(tmp_path) as connection:
        first = sync(connection, account_of(running))
        assert len(current(connection, "customer_balance_transactions")) == 120
        assert first.streams["customer_balance_transactions"].requests == 2

        store.put(customer("cus_plain"))
        store.put(credit(200, "cus_plain", -50))
        store.put(credit(201, "cus_plain", 50))
        told(store, 1, "customer.updated", customer("cus_plain"), {"balance": -50})
        world.now = NOW + 1_000
        sync(connection, account_of(running))
        assert len(current(connection, "customer_balance_transactions")) == 122

        world.now = NOW + 2_000
        assert sync(connection, account_of(running)).streams["customer_balance_transactions"].requests == 0


def test_what_a_payout_carried_is_listed_once_stripe_has_settled_it_and_never_of_one_made_by_hand(
    tmp_path: Path,
) -> None:
    store = empty_store()
    settled, settling = payout("po_settled"), payout("po_settling", reconciliation_status="in_progress")
    for each in (settled, settling, payout("po_hand", automatic=False, reconciliation_status="not_applicable")):
        store.put(each)
    for number in range(120):
        store.put(movement(number, "po_settled"))
    store.put(movement(200, "po_settling"))
    store.put(movement(300, None))
    world = StillWorld(store)
    with serving(world) as running, warehouse(tmp_path) as connection:
        first = sync(connection, account_of(running))
        held = set(current(connection, "payout_transactions"))
        assert held == {f"po_settled/txn_{number}" for number in range(120)}
        assert first.streams["payout_transactions"].requests == 2
        assert len(current(connection, "balance_transactions")) == 122

        store.put(payout("po_settling"))
        told(
            store, 1, "payout.reconciliation_completed", payout("po_settling"), {"reconciliation_status": "in_progress"}
        )
        world.now = NOW + 1_000
        assert sync(connection, account_of(running)).streams["payout_transactions"].requests == 1
        assert set(current(connection, "payout_transactions")) == {*held, "po_settling/txn_200"}

        world.now = NOW + 2_000
        assert sync(connection, account_of(running)).streams["payout_transactions"].requests == 0


def payout(name: str, *, automatic: bool = True, reconciliation_status: str = "completed") -> dict[str, Any]:
    return shapes.payout(
        id=name,
        created=NOW - DAY,
        arrival_date=MIDNIGHT + DAY,
        amount=12_000,
        currency="usd",
        balance_transaction=None,
        destination="ba_1",
        automatic=automatic,
        reconciliation_status=reconciliation_status,
    )


def movement(number: int, carried_by: str | None) -> dict[str, Any]:
    made = shapes.balance_transaction(
        id=f"txn_{number}",
        created=NOW - DAY,
        available_on=NOW - DAY,
        amount=100,
        currency="usd",
        type="adjustment",
        reporting_category="other_adjustment",
        source=None,
    )
    return made | {"_payout": carried_by}


def test_usage_is_read_day_by_day_once_its_period_is_over(tmp_path: Path) -> None:
    """A period of four days, one over when first read, one running: the running one is read two hours after its end."""
    store, meter = empty_store(), "mtr_1"
    store.put(customer("cus_1"))
    store.put(shapes.meter(id=meter, created=NOW - 30 * DAY, name="Calls", event_name="calls"))
    for offset, value in ((-5, 100), (-1, 7), (1, 9)):
        day = MIDNIGHT + offset * DAY
        store.put(
            shapes.meter_event_summary(id=f"mtrusg_{offset}", meter=meter, customer="cus_1", start=day, value=value)
        )
    store.put(metered_subscription(meter, MIDNIGHT - 6 * DAY, MIDNIGHT - 2 * DAY, MIDNIGHT + 2 * DAY))
    world = StillWorld(store)
    with serving(world) as running, warehouse(tmp_path) as connection:
        sync(connection, account_of(running))
        assert used(connection) == {f"cus_1/{meter}/{MIDNIGHT - 5 * DAY}": 100}

        world.now = MIDNIGHT + 2 * DAY + 7_199
        assert sync(connection, account_of(running)).streams["meter_event_summaries"].requests == 0
        world.now = MIDNIGHT + 2 * DAY + 7_201
        assert sync(connection, account_of(running)).streams["meter_event_summaries"].requests == 1
        assert sorted(used(connection).values()) == [7, 9, 100]


def metered_subscription(meter: str, start: int, period_start: int, period_end: int) -> dict[str, Any]:
    price = {"id": "price_1", "object": "price", "recurring": {"usage_type": "metered", "meter": meter}}
    item = {
        "id": "si_1",
        "object": "subscription_item",
        "price": price,
        "current_period_start": period_start,
        "current_period_end": period_end,
        "discounts": [],
    }
    return {
        "id": "sub_1",
        "object": "subscription",
        "created": start,
        "start_date": start,
        "customer": "cus_1",
        "status": "active",
        "livemode": False,
        "discounts": [],
        "items": {"object": "list", "data": [item], "has_more": False, "url": "/v1/subscription_items"},
    }


def used(connection: duckdb.DuckDBPyConnection) -> dict[str, float]:
    return {id_: each["aggregated_value"] for id_, (_, each) in current(connection, "meter_event_summaries").items()}


def test_usage_of_a_grown_account_is_what_its_meters_counted(grown: World, tmp_path: Path) -> None:
    store = grown.store
    with serving(grown, own_process=True) as running, warehouse(tmp_path) as connection:
        sync(connection, account_of(running))
        held = used(connection)
    counted = {}
    for id_ in store.ids("billing.meter_event_summary"):
        each = store.get("billing.meter_event_summary", id_)
        assert each is not None
        counted[f"{each['_customer']}/{each['meter']}/{each['start_time']}"] = each["aggregated_value"]
    assert held
    assert held.items() <= counted.items()


def test_a_detached_payment_method_is_kept_and_a_sweep_does_not_ask_for_it_again(tmp_path: Path) -> None:
    store = empty_store()
    card = shapes.Card(brand="visa", last4="4242", exp_month=8, exp_year=2030)
    method = shapes.payment_method(id="pm_1", created=NOW - DAY, customer="cus_1", card=card)
    store.put(customer("cus_1"))
    store.put(method)
    world = StillWorld(store)
    with serving(world) as running, warehouse(tmp_path) as connection:
        sync(connection, account_of(running))
        store.put(method | {"customer": None})
        told(store, 1, "payment_method.detached", method | {"customer": None}, {"customer": "cus_1"})
        world.now = NOW + 1_000
        sync(connection, account_of(running))
        deleted, payload = current(connection, "payment_methods")["pm_1"]
        assert (deleted, payload["customer"], payload["card"]["exp_year"]) == (False, None, 2030)


@pytest.mark.parametrize(
    ("kind", "stream", "nested"),
    [("transfer", "transfers", "reversals"), ("application_fee", "application_fees", "refunds")],
)
def test_what_was_taken_back_of_a_transfer_or_fee_is_whole(kind: str, stream: str, nested: str, tmp_path: Path) -> None:
    store = empty_store()
    inner = [{"id": f"part_{number}", "object": "part", "amount": 1, "created": NOW - 10} for number in range(12)]
    url = f"/v1/{stream}/one/{nested}"
    whole = {"object": "list", "data": inner, "has_more": False, "url": url}
    store.put({"id": "one", "object": kind, "created": NOW - 100, "amount": 50, nested: whole})
    with serving(StillWorld(store)) as running, warehouse(tmp_path) as connection:
        sync(connection, account_of(running))
        (_, payload) = current(connection, stream)["one"]
    assert [each["id"] for each in payload[nested]["data"]] == [each["id"] for each in inner]


@pytest.mark.parametrize(
    ("kind", "stream", "event", "more"),
    [
        ("promotion_code", "promotion_codes", "promotion_code.updated", {"code": "FALL20"}),
        ("subscription_schedule", "subscription_schedules", "subscription_schedule.released", {"phases": []}),
        ("checkout.session", "checkout_sessions", "checkout.session.completed", {"mode": "subscription"}),
        ("payment_intent", "payment_intents", "payment_intent.succeeded", {"amount": 100}),
        ("billing.credit_grant", "credit_grants", "billing.credit_grant.updated", {"category": "paid"}),
        ("billing.meter", "meters", "billing.meter.updated", {"event_name": "calls"}),
        ("review", "reviews", "review.closed", {"open": True}),
        (
            "radar.early_fraud_warning",
            "early_fraud_warnings",
            "radar.early_fraud_warning.updated",
            {"actionable": True},
        ),
    ],
)
def test_each_further_stream_is_read_and_read_again_when_an_event_says_so(
    kind: str, stream: str, event: str, more: dict[str, Any], tmp_path: Path
) -> None:
    store = empty_store()
    store.put(thing := {"id": "one", "object": kind, "created": NOW - 100, "livemode": False, **more})
    world = StillWorld(store)
    with serving(world) as running, warehouse(tmp_path) as connection:
        sync(connection, account_of(running))
        assert current(connection, stream) == {"one": (False, thing)}
        store.put(changed := thing | {"metadata": {"changed": "yes"}})
        told(store, 1, event, changed)
        world.now = NOW + 1_000
        report = sync(connection, account_of(running))
        assert current(connection, stream) == {"one": (False, changed)}
    assert report.streams[stream].requests == 1


def test_what_a_broken_off_run_has_noted_is_read_once_though_lists_mention_it_again(tmp_path: Path) -> None:
    """It is read as soon as lists are; the page that mentions it again is the third of its list."""
    store = empty_store()
    for number in range(250):
        store.put(payout(f"po_{number}") | {"created": NOW - 80 * DAY + number})
    with serving(StillWorld(store)) as running, warehouse(tmp_path) as connection:
        report = sync(connection, account_of(running))
        noted = "insert into pipeline.pending values (?, 'payout_transactions', 'po_0', null, null, 0, false)"
        connection.execute(noted, [report.account_id])
        again = sync(connection, account_of(running), full=True)
        assert again.streams["payout_transactions"].requests == 250
        assert connection.execute("from pipeline.pending").fetchall() == []
