"""The store gives back what was put, in order, and splits it into what the API shows and hides."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from sandbox.store import Store


def charge(number: int, created: int, **fields: Any) -> dict[str, Any]:
    refunds = {"object": "list", "data": [], "has_more": False, "url": f"/v1/charges/ch_{number}/refunds"}
    return {
        "id": f"ch_{number}",
        "object": "charge",
        "created": created,
        "customer": "cus_1",
        "payment_intent": None,
        "refunds": refunds,
    } | fields


def test_ids_come_by_created_then_by_insertion() -> None:
    store = Store()
    for number, created in [(1, 300), (2, 100), (3, 300), (4, 200)]:
        store.put(charge(number, created))
    assert store.ids("charge") == ["ch_2", "ch_4", "ch_1", "ch_3"]
    store.put(charge(5, 150))
    assert store.ids("charge") == ["ch_2", "ch_5", "ch_4", "ch_1", "ch_3"]


def test_a_replaced_object_keeps_its_place_and_a_copy_is_fresh() -> None:
    store = Store()
    store.put(charge(1, 100))
    store.put(charge(2, 100))
    copy = store.get("charge", "ch_1")
    assert copy is not None
    copy["customer"] = "cus_2"
    assert store.get("charge", "ch_1") == charge(1, 100)
    store.put(copy)
    assert store.get("charge", "ch_1") == charge(1, 100, customer="cus_2")
    assert store.ids("charge") == ["ch_1", "ch_2"]


def test_a_complete_object_survives_the_split_into_shown_and_hidden() -> None:
    discount = {"id": "di_1", "object": "discount", "source": {"type": "coupon", "coupon": "co_1"}}
    items = [
        {
            "id": f"si_{n}",
            "object": "subscription_item",
            "discounts": [discount],
            "billed_until": 5,
            "current_period_start": 1,
            "current_period_end": 2 + n,
            "price": {"id": f"price_{n}", "object": "price", "tiers": [{"up_to": None}], "currency_options": {}},
        }
        for n in range(12)
    ]
    subscription = {
        "id": "sub_1",
        "object": "subscription",
        "created": 7,
        "customer": "cus_1",
        "status": "active",
        "discounts": [discount],
        "items": {"object": "list", "data": items, "has_more": False, "url": "/v1/subscription_items"},
    }
    before = orjson.dumps(subscription)
    store = Store()
    store.put(subscription)
    assert orjson.dumps(subscription) == before
    assert store.get("subscription", "sub_1") == subscription
    shelf = store.shelf("subscription")
    shown = orjson.loads(shelf.shown(shelf.slots["sub_1"]))
    assert shown["discounts"] == ["di_1"]
    assert len(shown["items"]["data"]) == 10
    assert shown["items"]["has_more"] is True
    assert shown["items"]["data"][3]["discounts"] == ["di_1"]
    assert set(shown["items"]["data"][3]["price"]) == {"id", "object"}


def test_notes_of_the_sandbox_are_kept_and_never_shown() -> None:
    store = Store()
    transaction = {
        "id": "txn_1",
        "object": "balance_transaction",
        "created": 1,
        "currency": "usd",
        "type": "charge",
        "_payout": "po_1",
    }
    store.put(transaction)
    shelf = store.shelf("balance_transaction")
    assert b"_payout" not in shelf.shown(0)
    assert store.get("balance_transaction", "txn_1") == transaction
    assert shelf.where("payout", "po_1") == [0]


def test_indexes_follow_puts_replacements_and_deletes() -> None:
    store = Store()
    shelf = store.shelf("charge")
    store.put(charge(1, 100))
    store.put(charge(2, 50))
    assert shelf.where("customer", "cus_1") == [1, 0]
    store.put(charge(3, 75))
    store.put(charge(1, 100, customer="cus_2"))
    assert shelf.where("customer", "cus_1") == [1, 2]
    assert shelf.where("customer", "cus_2") == [0]
    store.delete("charge", "ch_3")
    assert shelf.where("customer", "cus_1") == [1]
    assert store.get("charge", "ch_3") is None
    assert store.deleted("charge", "ch_3") == charge(3, 75)
    assert store.deleted("charge", "ch_1") is None
    assert store.ids("charge") == ["ch_2", "ch_1"]
    assert store.kinds() == ["charge"]


def test_deleting_what_never_was_is_an_error() -> None:
    with pytest.raises(KeyError):
        Store().delete("charge", "ch_9")
