"""Events are notices: they say which objects changed or are gone, whatever version they are rendered in."""

import json
from typing import Any

from pipelines.extract.changes import Change, changes


def event(type_: str, thing: dict[str, Any], at: int = 100) -> bytes:
    return json.dumps(
        {"id": "evt_1", "object": "event", "type": type_, "created": at, "data": {"object": thing}}
    ).encode()


def test_an_event_names_its_object() -> None:
    told = changes([event("invoice.paid", {"object": "invoice", "id": "in_1", "created": 90})])
    assert list(told) == [Change("invoices", "in_1", changed_at=100, made_at=90)]


def test_a_deletion_is_told_from_a_subscription_that_was_canceled() -> None:
    told = changes(
        [
            event("customer.deleted", {"object": "customer", "id": "cus_1", "created": 5}),
            event("customer.subscription.deleted", {"object": "subscription", "id": "sub_1", "created": 5}),
        ]
    )
    assert [(each.id, each.gone) for each in told] == [("cus_1", True), ("sub_1", False)]


def test_a_dispute_tells_of_its_charge_and_a_discount_of_what_it_belongs_to() -> None:
    told = changes(
        [
            event("charge.dispute.created", {"object": "dispute", "id": "dp_1", "charge": "ch_1", "created": 1}),
            event(
                "customer.discount.created",
                {"object": "discount", "id": "di_1", "customer": "cus_1", "subscription": None},
            ),
        ]
    )
    assert [(each.stream, each.id) for each in told] == [
        ("disputes", "dp_1"),
        ("charges", "ch_1"),
        ("customers", "cus_1"),
    ]


def test_previews_without_id_and_kinds_that_are_no_stream_are_left_out() -> None:
    told = changes(
        [event("invoice.upcoming", {"object": "invoice"}), event("plan.created", {"object": "plan", "id": "p"})]
    )
    assert list(told) == []


def test_the_kind_of_the_object_counts_whatever_the_event_is_called() -> None:
    told = changes([event("charge.refund.brand_new", {"object": "refund", "id": "re_1", "charge": "ch_1"})])
    assert [(each.stream, each.id) for each in told] == [("refunds", "re_1"), ("charges", "ch_1")]


def test_an_invoice_item_calls_its_creation_date() -> None:
    (told,) = changes([event("invoiceitem.created", {"object": "invoiceitem", "id": "ii_1", "date": 77})])
    assert told.made_at == 77


def test_what_lives_on_a_test_clock_is_told_with_its_clock_and_customer_and_without_a_simulated_creation() -> None:
    on_it = {"customer": "cus_1", "test_clock": "clock_1", "created": 9_000_000_000}
    told = changes([event("invoice.paid", {"object": "invoice", "id": "in_1", **on_it})])
    assert list(told) == [Change("invoices", "in_1", changed_at=100, test_clock="clock_1", owner="cus_1")]


def test_events_about_clocks_tell_nothing_that_their_list_does_not() -> None:
    clock = {"object": "test_helpers.test_clock", "id": "clock_1", "created": 1}
    assert list(changes([event("test_helpers.test_clock.ready", clock)])) == []
