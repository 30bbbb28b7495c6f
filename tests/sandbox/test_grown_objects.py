"""The objects of a grown world: each as the SDK says, and all of them agreeing about the money to the cent."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from sandbox.store import Store
from sandbox.world.business import Business
from sandbox.world.world import World
from tests.sandbox.conformance import faults

Shape = dict[str, Any]


@pytest.fixture(scope="module")
def world() -> World:
    return World.grown(Business(customers=120, months=14, seed=11))


@pytest.fixture(scope="module")
def store(world: World) -> Store:
    return world.store


def every(store: Store, kind: str) -> Iterator[Shape]:
    for id_ in store.ids(kind):
        obj = store.get(kind, id_)
        assert obj is not None
        yield obj


def without(shape: Shape, *fields: str) -> Shape:
    return {field: value for field, value in shape.items() if field not in fields}


def test_every_object_is_what_the_sdk_says_it_is(store: Store) -> None:
    found = [
        fault
        for kind in store.kinds()
        for obj in every(store, kind)
        for fault in faults(without(obj, "id") if kind in ("balance", "tax.settings") else obj)
    ]
    assert found == []


def test_the_world_has_all_that_these_tests_speak_of(store: Store) -> None:
    kinds = ["credit_note", "dispute", "invoiceitem", "payout", "refund", "subscription"]
    assert [kind for kind in kinds if not store.count(kind)] == []


def test_references_lead_to_objects(store: Store) -> None:
    references = {
        "charge": [("customer", "customer"), ("balance_transaction", "balance_transaction")],
        "credit_note": [("invoice", "invoice"), ("customer", "customer")],
        "dispute": [("charge", "charge"), ("payment_intent", "payment_intent")],
        "invoice": [("customer", "customer")],
        "invoice_payment": [("invoice", "invoice")],
        "payment_intent": [("latest_charge", "charge"), ("customer", "customer")],
        "payout": [("balance_transaction", "balance_transaction")],
        "price": [("product", "product")],
        "refund": [("charge", "charge"), ("balance_transaction", "balance_transaction")],
        "subscription": [("latest_invoice", "invoice")],
    }
    lost = [
        (obj["id"], field, obj[field])
        for kind, fields in references.items()
        for obj in every(store, kind)
        for field, target in fields
        if obj[field] is not None and store.get(target, obj[field]) is None and not store.deleted(target, obj[field])
    ]
    assert lost == []


def test_a_succeeded_charge_refund_or_dispute_has_its_balance_transactions_and_they_name_it(store: Store) -> None:
    sources = defaultdict(list)
    for entry in every(store, "balance_transaction"):
        sources[entry["source"]].append(entry)
    for charge in every(store, "charge"):
        named = [entry["id"] for entry in sources[charge["id"]]]
        assert named == ([charge["balance_transaction"]] if charge["paid"] else [])
    for refund in every(store, "refund"):
        named = [entry["id"] for entry in sources[refund["id"]]]
        told = [refund["balance_transaction"], refund.get("failure_balance_transaction")]
        assert named == [each for each in told if each is not None]
    for dispute in every(store, "dispute"):
        assert [entry["id"] for entry in sources[dispute["id"]]] == [
            entry["id"] for entry in dispute["balance_transactions"]
        ]


def test_a_charge_knows_what_was_refunded_of_it(store: Store) -> None:
    refunded: dict[str, int] = defaultdict(int)
    for refund in every(store, "refund"):
        refunded[refund["charge"]] += refund["amount"] if refund["status"] in ("succeeded", "pending") else 0
    assert {
        charge["id"]: charge["amount_refunded"] for charge in every(store, "charge") if charge["amount_refunded"]
    } == {charge: amount for charge, amount in refunded.items() if amount}


def test_a_paid_invoice_was_paid_what_was_due(store: Store) -> None:
    payments: dict[str, list[Shape]] = defaultdict(list)
    for payment in every(store, "invoice_payment"):
        payments[payment["invoice"]].append(payment)
    for invoice in every(store, "invoice"):
        paid = [payment for payment in payments[invoice["id"]] if payment["status"] == "paid"]
        assert sum(payment["amount_paid"] for payment in paid) == invoice["amount_paid"]
        if invoice["status"] == "paid":
            assert invoice["amount_remaining"] == 0
        for payment in paid:
            _same_as_its_charge(store, payment)


def test_balance_entries_add_up_to_the_balance_and_payouts_to_what_they_carried(store: Store, world: World) -> None:
    net: dict[str, int] = defaultdict(int)
    by_payout: dict[str, int] = defaultdict(int)
    for entry in every(store, "balance_transaction"):
        net[entry["currency"]] += entry["net"]
        if entry["type"] != "payout":
            by_payout[entry.get("_payout", "")] += entry["net"]
    balance = store.get("balance", "balance") or {}
    assert dict(net) == _held(balance["available"], balance["pending"])
    for payout in every(store, "payout"):
        assert payout["amount"] == by_payout[payout["id"]]
    assert [entry.balance_transaction_id for entry in world.books.cash] == list(store.ids("balance_transaction"))


def _same_as_its_charge(store: Store, payment: Shape) -> None:
    intent = payment["payment"].get("payment_intent")
    if intent is None:
        return
    charge = store.get("charge", (store.get("payment_intent", intent) or {})["latest_charge"]) or {}
    assert (charge["paid"], charge["amount"]) == (True, payment["amount_paid"])


def _held(*parts: Sequence[Shape]) -> dict[str, int]:
    sums: dict[str, int] = defaultdict(int)
    for part in parts:
        for each in part:
            sums[each["currency"]] += each["amount"]
    return dict(sums)
