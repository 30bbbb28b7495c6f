"""The shapes are those of the SDK's own classes, whole, and quick to make."""

import time

import pytest

from sandbox.world import shapes
from tests.sandbox.conformance import faults, fields_of
from tests.sandbox.shapes import specimens

NEVER_SENT = {
    "account": {"company", "deleted", "groups", "individual"},
    "balance": {"instant_available", "issuing"},
    "charge": {"authorization_code", "level3", "refunds", "transfer"},
    "coupon": {"applies_to", "deleted"},
    "customer": {"deleted", "shipping", "subscriptions", "tax"},
    "credit_note_line_item": {"invoice_line_item"},
    "discount": {"deleted"},
    "event": {"account", "context"},
    "invoice": {"confirmation_secret", "deleted", "payments"},
    "invoiceitem": {"deleted"},
    "payment_intent": {"hooks", "payment_details"},
    "plan": {"deleted", "tiers"},
    "price": {"deleted"},
    "product": {"deleted"},
    "refund": {
        "description",
        "failure_balance_transaction",
        "failure_reason",
        "instructions_email",
        "next_action",
        "pending_reason",
        "presentment_details",
    },
    "subscription_item": {"current_trial", "deleted"},
    "test_helpers.test_clock": {"deleted"},
}
"""Fields that Stripe leaves out where they do not apply, or assembles on expansion, by object."""


def name(obj: dict[str, object]) -> str:
    return f"{obj['object']} {obj.get('id', '')}"


@pytest.mark.parametrize("obj", specimens.SPECIMENS, ids=name)
def test_an_object_is_what_the_sdk_says_it_is(obj: dict[str, object]) -> None:
    assert faults(obj) == []


@pytest.mark.parametrize("obj", specimens.SPECIMENS, ids=name)
def test_an_object_has_every_field_that_stripe_sends(obj: dict[str, object]) -> None:
    kind = str(obj["object"])
    missing = fields_of(kind) - set(obj) - NEVER_SENT.get(kind, set())
    if kind == "payment_method":
        missing &= {"card", "billing_details", "customer_account", "allow_redisplay", "metadata"}
    assert missing == set()


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"status": "actve"}, "subscription.status: 'actve' is none of active"),
        ({"created": None}, "subscription.created: None instead of int"),
        ({"automatic_tax": {}}, "subscription.automatic_tax.enabled: missing"),
        ({"created": True}, "subscription.created: True instead of int"),
        ({"current_period_end": 1}, "subscription.current_period_end: unknown to Subscription"),
        ({"items": []}, "subscription.items: [] instead of a list object"),
        ({"latest_invoice": {"id": "in_1"}}, "subscription.latest_invoice: no API object"),
        ({"latest_invoice": specimens.VAT}, "subscription.latest_invoice: a tax_rate instead of Invoice"),
        ({"application_fee_percent": 5}, "subscription.application_fee_percent: 5 instead of float"),
        ({"metadata": {"seats": 5}}, "subscription.metadata.seats: 5 instead of str"),
        ({"billing_mode": {"type": "rigid"}}, "subscription.billing_mode.type: 'rigid' is none of"),
    ],
)
def test_the_checker_names_what_is_wrong(change: dict[str, object], fault: str) -> None:
    found = faults({**specimens.SUBSCRIPTION, **change})
    assert len(found) == 1
    assert found[0].startswith(fault)


def test_the_checker_looks_into_embedded_objects_and_wants_decimals_as_strings() -> None:
    item = {**specimens.ITEM, "price": {**specimens.MONTHLY, "unit_amount_decimal": 1200}}
    broken = {**specimens.SUBSCRIPTION, "items": shapes.listed([item], url="/v1/subscription_items")}
    assert faults(broken) == [
        "subscription.items.data[0].price.unit_amount_decimal: 1200 instead of a decimal in a string"
    ]


def test_an_object_is_made_in_some_microseconds() -> None:
    started = time.perf_counter()
    for _ in range(2_000):
        shapes.charge(id="ch_1", created=1, amount=6000, currency="usd", decline_code="insufficient_funds")
    assert (time.perf_counter() - started) / 2_000 < 200e-6
