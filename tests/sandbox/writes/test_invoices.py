"""Bills that the account's owner settles: paid by card or otherwise, sent, voided, written off."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
import stripe

from sandbox.world.periods import DAY
from tests.sandbox.conformance import faults
from tests.sandbox.writes.owner import Owner, Settled, told


def test_paying_an_overdue_invoice_with_a_new_card_ends_dunning(owner: Owner, client: Any) -> None:
    sub, invoice = owner.in_dunning()
    assert (invoice.status, invoice.attempt_count) == ("open", 1)
    assert invoice.next_payment_attempt is not None
    assert client.v1.subscriptions.retrieve(sub.id).status == "past_due"
    owner.card(sub.customer.id)
    paid = client.v1.invoices.pay(invoice.id, {"expand": ["payments"]})
    assert (paid.status, paid.amount_paid, paid.amount_remaining) == ("paid", invoice.amount_due, 0)
    assert (paid.next_payment_attempt, paid.attempt_count) == (None, 1)
    assert client.v1.subscriptions.retrieve(sub.id).status == "active"
    assert client.v1.customers.retrieve(sub.customer.id).delinquent is False
    assert owner.events(invoice.id)[-3:] == ["invoice.updated", "invoice.paid", "invoice.payment_succeeded"]
    failure = next(each for each in owner.sandbox.world.books.failures if each.invoice_id == invoice.id)
    assert (failure.outcome, failure.recovered_at) == ("recovered", owner.sandbox.now)
    payment = client.v1.invoice_payments.list({"invoice": invoice.id}).data[0].payment
    owner.sandbox.advance(days=9)
    charges = client.v1.charges.list({"payment_intent": payment.payment_intent}).data
    assert [charge.status for charge in charges] == ["succeeded", "failed"]


def test_the_money_of_a_payment_is_in_every_object_on_its_way(owner: Owner, client: Any) -> None:
    sub, invoice = owner.in_dunning(currency="usd")
    owner.card(sub.customer.id)
    client.v1.invoices.pay(invoice.id)
    payment = client.v1.invoice_payments.list({"invoice": invoice.id}).data[0]
    intent = client.v1.payment_intents.retrieve(str(payment.payment.payment_intent), {"expand": ["latest_charge"]})
    charge = intent.latest_charge
    assert isinstance(charge, stripe.Charge)
    entry = client.v1.balance_transactions.retrieve(str(charge.balance_transaction))
    assert (payment.status, intent.status, charge.status) == ("paid", "succeeded", "succeeded")
    assert {payment.amount_paid, intent.amount_received, charge.amount, entry.amount} == {invoice.amount_due}
    booked = next(each for each in owner.sandbox.world.books.cash if each.balance_transaction_id == entry.id)
    assert (booked.net, booked.at, booked.source) == (entry.net, owner.sandbox.now, charge.id)
    balance = client.v1.balance.retrieve()
    held = sum(
        each.amount for part in (balance.available, balance.pending) for each in part if each.currency == entry.currency
    )
    assert held == owner.sandbox.world.books.balance_at(owner.sandbox.now)[entry.currency]


def test_a_declined_payment_is_a_402_with_the_banks_advice_and_leaves_the_schedule(owner: Owner, client: Any) -> None:
    _, invoice = owner.in_dunning()
    with pytest.raises(stripe.CardError) as declined:
        client.v1.invoices.pay(invoice.id)
    error = told(declined.value)
    assert (declined.value.http_status, error["code"]) == (402, "card_declined")
    assert error["decline_code"] == "generic_decline"
    assert error["advice_code"] == "try_again_later"
    assert error["payment_intent"]["last_payment_error"]["charge"] == error["charge"]
    assert faults(error["payment_intent"]) == []
    after = client.v1.invoices.retrieve(invoice.id)
    assert (after.status, after.attempt_count) == ("open", 1)
    assert after.next_payment_attempt == invoice.next_payment_attempt
    assert client.v1.charges.retrieve(error["charge"]).outcome.type == "issuer_declined"
    assert owner.events(invoice.id)[-1] == "invoice.payment_failed"


def test_a_new_card_makes_the_next_retry_succeed(owner: Owner, client: Any) -> None:
    sub, invoice = owner.in_dunning()
    owner.card(sub.customer.id, "pm_card_mastercard")
    owner.sandbox.advance(to=(invoice.next_payment_attempt or 0) + 1)
    after = client.v1.invoices.retrieve(invoice.id)
    assert (after.status, after.attempt_count) == ("paid", 2)
    assert client.v1.subscriptions.retrieve(sub.id).status == "active"


def test_dunning_that_nothing_is_done_about_goes_on_to_its_end(owner: Owner, client: Any) -> None:
    sub, invoice = owner.in_dunning()
    owner.sandbox.advance(days=14)
    after = client.v1.invoices.retrieve(invoice.id)
    assert (after.attempt_count, after.next_payment_attempt) == (4, None)
    assert client.v1.subscriptions.retrieve(sub.id).status in ("canceled", "unpaid")


def test_money_that_came_another_way_pays_without_a_charge(owner: Owner, client: Any) -> None:
    sub, invoice = owner.in_dunning()
    before = client.v1.charges.list({"customer": sub.customer.id, "limit": 1}).data[0].id
    paid = client.v1.invoices.pay(invoice.id, {"paid_out_of_band": True})
    assert (paid.status, paid.amount_paid_off_stripe) == ("paid", invoice.amount_due)
    assert client.v1.charges.list({"customer": sub.customer.id, "limit": 1}).data[0].id == before
    kinds = {each.payment.type: each.status for each in client.v1.invoice_payments.list({"invoice": invoice.id}).data}
    assert kinds == {"payment_intent": "canceled", "payment_record": "paid"}


def test_a_named_card_pays_and_somebody_elses_does_not(owner: Owner, client: Any) -> None:
    sub, invoice = owner.in_dunning()
    other = owner.subscription().customer
    foreign = client.v1.payment_methods.attach("pm_card_visa", {"customer": other.id})
    with pytest.raises(stripe.InvalidRequestError, match="does not have a payment method"):
        client.v1.invoices.pay(invoice.id, {"payment_method": foreign.id})
    own = client.v1.payment_methods.attach("pm_card_amex", {"customer": sub.customer.id})
    assert client.v1.invoices.pay(invoice.id, {"payment_method": own.id}).status == "paid"
    charge = client.v1.charges.list({"customer": sub.customer.id, "limit": 1}).data[0]
    assert charge.payment_method == own.id
    assert client.v1.customers.retrieve(sub.customer.id).invoice_settings.default_payment_method != own.id


def test_a_voided_invoice_is_owed_no_more_and_never_tried_again(owner: Owner, client: Any) -> None:
    sub, invoice = owner.in_dunning()
    void = client.v1.invoices.void_invoice(invoice.id)
    assert (void.status, void.status_transitions.voided_at) == ("void", owner.sandbox.now)
    assert client.v1.subscriptions.retrieve(sub.id).status == "active"
    assert owner.events(invoice.id)[-1] == "invoice.voided"
    owner.sandbox.advance(days=9)
    assert client.v1.invoices.retrieve(invoice.id).attempt_count == 1
    for again in (client.v1.invoices.void_invoice, client.v1.invoices.mark_uncollectible, client.v1.invoices.pay):
        with pytest.raises(stripe.InvalidRequestError):
            again(invoice.id)


def test_an_invoice_that_was_written_off_can_still_be_paid(owner: Owner, client: Any) -> None:
    sub, invoice = owner.in_dunning()
    written_off = client.v1.invoices.mark_uncollectible(invoice.id)
    assert (written_off.status, written_off.auto_advance) == ("uncollectible", False)
    assert written_off.status_details["uncollectible"]["reason"] == "user_forgiven"
    failure = next(each for each in owner.sandbox.world.books.failures if each.invoice_id == invoice.id)
    assert failure.outcome == "lost"
    owner.card(sub.customer.id)
    assert client.v1.invoices.pay(invoice.id).status == "paid"
    assert failure.outcome == "recovered"
    with pytest.raises(stripe.InvalidRequestError, match="already paid"):
        client.v1.invoices.pay(invoice.id)


def test_only_an_invoice_that_is_sent_can_be_sent(owner: Owner, client: Any) -> None:
    _, invoice = owner.in_dunning()
    with pytest.raises(stripe.InvalidRequestError, match="send_invoice"):
        client.v1.invoices.send_invoice(invoice.id)
    sent = client.v1.invoices.list({"collection_method": "send_invoice", "limit": 1}).data[0]
    client.v1.invoices.send_invoice(sent.id)
    assert owner.events(sent.id) == ["invoice.sent"]


def test_who_is_reminded_of_a_sent_bill_may_pay_it(owner: Owner, client: Any) -> None:
    sub = None
    while sub is None:
        owner.sandbox.advance(days=1)
        billed = (each for each in owner.sandbox.world.stage.subscriptions if each.collection == "send_invoice")
        sub = next((each for each in billed if each.status == "past_due" and each.customer.card), None)
    sub.customer.chance, sub.customer.patience = Unlucky(), 1.0  # 0.1: less than 0.5 × 1.0
    overdue = sub.overdue[0]
    assert client.v1.invoices.send_invoice(overdue.id).status == "open"
    owner.sandbox.advance(days=4)
    assert client.v1.invoices.retrieve(overdue.id).status == "paid"


def test_notes_on_an_invoice_are_kept_added_to_and_taken_away(owner: Owner, client: Any) -> None:
    _, invoice = owner.in_dunning()
    client.v1.invoices.update(invoice.id, {"metadata": {"action": "act_1", "more": "x"}})
    after = client.v1.invoices.update(invoice.id, {"metadata": {"more": ""}})
    assert after.metadata.to_dict() == {"action": "act_1"}
    with pytest.raises(stripe.InvalidRequestError) as unknown:
        client.v1.invoices.pay(invoice.id, {"colour": "red"})
    assert (unknown.value.code, unknown.value.param) == ("parameter_unknown", "colour")
    with pytest.raises(stripe.InvalidRequestError) as missing:
        client.v1.invoices.pay("in_nowhere")
    assert (missing.value.http_status, missing.value.code) == (404, "resource_missing")


def test_cards_that_decline_as_they_are_attached_do_not_come_on_file(owner: Owner, client: Any) -> None:
    sub = owner.subscription()
    for token, code in (
        ("pm_card_visa_chargeDeclined", "card_declined"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card"),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "card_declined"),
    ):
        with pytest.raises(stripe.CardError) as declined:
            client.v1.payment_methods.attach(token, {"customer": sub.customer.id})
        assert declined.value.code == code
    card = owner.card(sub.customer.id)
    assert card.card is not None
    assert (card.card.last4, card.customer) == ("4242", sub.customer.id)
    client.v1.payment_methods.detach(card.id)
    assert client.v1.customers.retrieve(sub.customer.id).invoice_settings.default_payment_method is None
    owner.sandbox.advance(to=sub.period_end + DAY // 12)
    invoice = client.v1.invoices.retrieve(owner.latest(sub.id))
    assert (invoice.status, invoice.attempt_count) == ("open", 1)
    with pytest.raises(stripe.InvalidRequestError, match="no `default_payment_method`"):
        client.v1.invoices.pay(invoice.id)


class Unlucky(Random):
    """The chance of a customer for whom everything that may go wrong does."""

    def random(self) -> float:
        return 0.1


def test_paying_what_was_given_up_brings_an_unpaid_subscription_back(owner: Owner, client: Any) -> None:
    sub, invoice = owner.in_dunning()
    while sub.overdue[0].attempts < 3:
        owner.sandbox.advance(to=sub.overdue[0].next_attempt)
    last = sub.overdue[0].next_attempt
    assert last is not None
    owner.sandbox.advance(to=last - 1)
    # 0.1: of those whose last attempt fails, less than 0.2 stay, unpaid. Only from here on, or they might leave before
    sub.customer.chance = Unlucky()
    owner.sandbox.advance(to=last)
    assert client.v1.subscriptions.retrieve(sub.id).status == "unpaid"
    assert client.v1.invoices.retrieve(invoice.id).status == "uncollectible"
    worthy = owner.sandbox.world.books.item_mrr_at(owner.sandbox.now)
    assert sub.items[0].id not in worthy
    owner.card(sub.customer.id)
    assert client.v1.invoices.pay(invoice.id).status == "paid"
    assert client.v1.subscriptions.retrieve(sub.id).status == "active"
    assert owner.sandbox.world.books.item_mrr_at(owner.sandbox.now)[sub.items[0].id] > 0


def test_the_first_payment_of_a_subscription_can_be_made_good(owner: Owner, client: Any) -> None:
    stage = owner.sandbox.world.stage
    sub = None
    while sub is None:
        owner.sandbox.advance(days=0.2)
        sub = next((each for each in stage.subscriptions if each.status == "incomplete"), None)
    sub.customer.chance = Settled()
    owner.card(sub.customer.id)
    invoice = client.v1.invoices.pay(owner.latest(sub.id))
    assert (invoice.status, invoice.billing_reason) == ("paid", "subscription_create")
    assert client.v1.subscriptions.retrieve(sub.id).status == "active"
    began = next(each for each in owner.sandbox.world.books.changes if each.subscription_id == sub.id)
    assert (began.cause, began.at) == ("new", sub.start)
