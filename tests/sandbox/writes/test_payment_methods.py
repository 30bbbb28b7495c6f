"""Cards that come on file, payments by hand, and the customer portal."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
import stripe

from tests.sandbox.conformance import faults
from tests.sandbox.writes.owner import Owner, told

OUTCOMES = [
    ("pm_card_visa_chargeDeclined", "card_declined", "generic_decline"),
    ("pm_card_visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
    ("pm_card_visa_chargeDeclinedLostCard", "card_declined", "lost_card"),
    ("pm_card_visa_chargeDeclinedStolenCard", "card_declined", "stolen_card"),
    ("pm_card_chargeDeclinedExpiredCard", "expired_card", "expired_card"),
    ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", "incorrect_cvc"),
    ("pm_card_chargeDeclinedProcessingError", "processing_error", "processing_error"),
    ("pm_card_visa_chargeDeclinedVelocityLimitExceeded", "card_declined", "card_velocity_exceeded"),
    ("pm_card_chargeCustomerFail", "card_declined", "generic_decline"),
    ("pm_card_radarBlock", "card_declined", "highest_risk_level"),
]


def due(owner: Owner) -> dict[str, Any]:
    """A payment of 25.00 by a customer."""
    sub = owner.subscription(currency="usd")
    return {"amount": 2_500, "currency": "usd", "customer": sub.customer.id}


def test_every_declining_card_declines_as_documented(owner: Owner, client: Any) -> None:
    payment = due(owner)
    for token, code, decline in OUTCOMES:
        with pytest.raises(stripe.CardError) as declined:
            client.v1.payment_intents.create({**payment, "payment_method": token, "confirm": True, "off_session": True})
        error = told(declined.value)
        assert (error["code"], error["decline_code"]) == (code, decline)
        intent = client.v1.payment_intents.retrieve(error["payment_intent"]["id"])
        assert (intent.status, intent.last_payment_error.decline_code) == ("requires_payment_method", decline)


def test_a_payment_is_confirmed_in_a_second_step_and_can_be_refunded(owner: Owner, client: Any) -> None:
    intent = client.v1.payment_intents.create({**due(owner), "metadata": {"order": "7"}, "description": "Training"})
    assert (intent.status, intent.payment_method) == ("requires_payment_method", None)
    with pytest.raises(stripe.InvalidRequestError, match="missing a payment method") as missing:
        client.v1.payment_intents.confirm(intent.id)
    assert told(missing.value)["payment_intent"]["id"] == intent.id
    client.v1.payment_intents.update(intent.id, {"amount": 2_600})
    paid = client.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})
    assert (paid.status, paid.amount_received, paid.metadata["order"]) == ("succeeded", 2_600, "7")
    assert faults(paid.to_dict(for_json=True)) == []
    assert owner.events(intent.id) == ["payment_intent.created", "payment_intent.succeeded"]
    assert client.v1.refunds.create({"payment_intent": intent.id}).amount == 2_600
    with pytest.raises(stripe.InvalidRequestError) as over:
        client.v1.payment_intents.cancel(intent.id)
    assert over.value.code == "payment_intent_unexpected_state"
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.payment_intents.update(intent.id, {"amount": 1})


def test_authentication_stops_a_payment_only_while_the_customer_is_there(owner: Owner, client: Any) -> None:
    payment = {**due(owner), "payment_method": "pm_card_authenticationRequired", "confirm": True}
    waiting = client.v1.payment_intents.create({**payment, "return_url": "https://example.com/back"})
    assert (waiting.status, waiting.next_action.type) == ("requires_action", "redirect_to_url")
    assert faults(waiting.to_dict(for_json=True)) == []
    assert client.v1.payment_intents.cancel(waiting.id, {"cancellation_reason": "abandoned"}).status == "canceled"
    with pytest.raises(stripe.CardError) as declined:
        client.v1.payment_intents.create({**payment, "off_session": True})
    assert told(declined.value)["decline_code"] == "authentication_required"


def test_confirming_an_invoices_payment_pays_the_invoice(owner: Owner, client: Any) -> None:
    sub, invoice = owner.in_dunning()
    payment = client.v1.invoice_payments.list({"invoice": invoice.id}).data[0].payment.payment_intent
    with pytest.raises(stripe.InvalidRequestError, match="void the invoice"):
        client.v1.payment_intents.cancel(payment)
    card = client.v1.payment_methods.attach("pm_card_visa", {"customer": sub.customer.id})
    assert client.v1.payment_intents.confirm(payment, {"payment_method": card.id}).status == "succeeded"
    assert client.v1.invoices.retrieve(invoice.id).status == "paid"
    assert client.v1.subscriptions.retrieve(sub.id).status == "active"


def test_a_card_is_set_up_without_a_payment(owner: Owner, client: Any) -> None:
    customer = owner.subscription().customer.id
    made = client.v1.payment_methods.create({"type": "card", "card": {"token": "tok_mastercard"}})
    assert (made.customer, made.card.brand) == (None, "mastercard")
    intent = client.v1.setup_intents.create({"customer": customer, "payment_method": made.id, "metadata": {"a": "b"}})
    assert intent.status == "requires_confirmation"
    done = client.v1.setup_intents.confirm(intent.id, {"expand": ["payment_method"]})
    assert (done.status, done.payment_method.customer) == ("succeeded", customer)
    assert faults(client.v1.setup_intents.retrieve(intent.id).to_dict(for_json=True)) == []
    assert [each.id for each in client.v1.setup_intents.list({"customer": customer}).data] == [intent.id]
    with pytest.raises(stripe.CardError) as declined:
        client.v1.setup_intents.create(
            {"customer": customer, "payment_method": "pm_card_chargeDeclinedExpiredCard", "confirm": True}
        )
    assert (declined.value.code, told(declined.value)["setup_intent"]["status"]) == (
        "expired_card",
        "requires_payment_method",
    )
    pending = client.v1.setup_intents.create(
        {"customer": customer, "payment_method": "pm_card_authenticationRequired", "confirm": True}
    )
    assert (pending.status, pending.next_action.type) == ("requires_action", "use_stripe_sdk")
    assert client.v1.setup_intents.cancel(pending.id).status == "canceled"
    with pytest.raises(stripe.InvalidRequestError, match="status of canceled"):
        client.v1.setup_intents.confirm(pending.id)


def test_only_test_cards_are_taken_and_each_belongs_to_one_customer(owner: Owner, client: Any) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="test cards"):
        client.v1.payment_methods.create({"type": "card", "card": {"number": "4929 0000 0000 0006"}})
    card = {"number": "4242424242424242", "exp_month": 8, "exp_year": 2031, "cvc": "314"}
    made = client.v1.payment_methods.create({"type": "card", "card": card})
    assert (made.card.last4, made.card.exp_month, made.card.exp_year) == ("4242", 8, 2031)
    one, other = owner.subscription().customer.id, owner.subscription().customer.id
    client.v1.payment_methods.attach(made.id, {"customer": one})
    with pytest.raises(stripe.InvalidRequestError, match="already been attached"):
        client.v1.payment_methods.attach(made.id, {"customer": other})
    assert client.v1.payment_methods.update(made.id, {"card": {"exp_year": 2033}}).card.exp_year == 2033
    client.v1.payment_methods.detach(made.id)
    with pytest.raises(stripe.InvalidRequestError, match="may not be used again"):
        client.v1.payment_methods.attach(made.id, {"customer": other})


def test_a_portal_link_leads_one_customer_to_one_thing(owner: Owner, client: Any) -> None:
    sub = owner.subscription()
    session = client.v1.billing_portal.sessions.create(
        {
            "customer": sub.customer.id,
            "return_url": "https://example.com",
            "flow_data": {"type": "payment_method_update"},
        }
    )
    assert session.url.startswith("https://billing.stripe.com/p/session/test_")
    assert (session.customer, session.flow.type) == (sub.customer.id, "payment_method_update")
    assert faults(session.to_dict(for_json=True)) == []
    default = client.v1.billing_portal.configurations.list({"is_default": True}).data
    assert [each.id for each in default] == [session.configuration]
    other = owner.subscription()
    flow = {"type": "subscription_cancel", "subscription_cancel": {"subscription": other.id}}
    with pytest.raises(stripe.InvalidRequestError) as foreign:
        client.v1.billing_portal.sessions.create({"customer": sub.customer.id, "flow_data": flow})
    assert foreign.value.code == "resource_missing"
    own = client.v1.billing_portal.sessions.create({"customer": other.customer.id, "flow_data": flow})
    assert own.flow.subscription_cancel.subscription == other.id


def test_the_portal_is_set_up_by_feature(client: Any) -> None:
    made = client.v1.billing_portal.configurations.create(
        {"features": {"subscription_cancel": {"enabled": False}}, "business_profile": {"headline": "Welcome"}}
    )
    assert (made.features.subscription_cancel.enabled, made.features.invoice_history.enabled) == (False, True)
    assert (made.is_default, made.business_profile.headline) == (False, "Welcome")
    assert faults(made.to_dict(for_json=True)) == []
    after = client.v1.billing_portal.configurations.update(made.id, {"active": False, "metadata": {"a": "b"}})
    assert (after.active, after.metadata["a"]) == (False, "b")
    default = client.v1.billing_portal.configurations.list({"is_default": True}).data[0]
    with pytest.raises(stripe.InvalidRequestError, match="cannot deactivate"):
        client.v1.billing_portal.configurations.update(default.id, {"active": False})


def test_customers_who_get_a_link_may_enter_another_card(owner: Owner, client: Any) -> None:
    """Each in dunning follows it with half their patience: one whose dice is low does, one whose dice is high not."""
    willing, unwilling = (owner.in_dunning()[0] for _ in range(2))
    willing.customer.chance, willing.customer.patience = Random(5), 1.6  # the dice says 0.26, less than 0.5 × 1.6
    for sub in (willing, unwilling):
        client.v1.billing_portal.sessions.create({"customer": sub.customer.id})
    held = [sub.customer.card for sub in (willing, unwilling)]
    owner.sandbox.advance(days=3)
    assert willing.customer.card is not held[0]
    assert unwilling.customer.card is held[1]
