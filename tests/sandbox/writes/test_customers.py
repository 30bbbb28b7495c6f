"""Customers that the account's owner deletes: gone from lists, subscriptions ended, and what they paid still there."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from tests.sandbox.conformance import faults
from tests.sandbox.writes.owner import Owner, told


def test_a_deleted_customer_leaves_payments_and_no_subscription(owner: Owner, client: Any) -> None:
    sub = owner.subscription()
    customer = sub.customer.id
    charges = [charge.id for charge in client.v1.charges.list({"customer": customer}).data]
    assert charges
    gone = client.v1.customers.delete(customer)
    assert (gone.id, gone.object, gone.deleted) == (customer, "customer", True)
    assert client.v1.customers.retrieve(customer).to_dict(for_json=True) == gone.to_dict(for_json=True)
    assert client.v1.subscriptions.retrieve(sub.id).status == "canceled"
    assert [charge.id for charge in client.v1.charges.list({"customer": customer}).data] == charges
    assert owner.events(customer)[-1] == "customer.deleted"
    assert "customer.subscription.deleted" in owner.events(sub.id)


def test_a_deleted_customer_does_not_come_back(owner: Owner, client: Any) -> None:
    customer = owner.subscription().customer.id
    client.v1.customers.delete(customer)
    owner.sandbox.advance(days=200)
    assert client.v1.customers.retrieve(customer).deleted
    with pytest.raises(stripe.InvalidRequestError) as again:
        client.v1.customers.delete(customer)
    assert (again.value.http_status, told(again.value)["code"]) == (404, "resource_missing")


def test_a_customer_is_entered_with_a_card_and_does_nothing_of_their_own_accord(owner: Owner, client: Any) -> None:
    said = {
        "name": "Ada Lovelace",
        "email": "ada@example.com",
        "phone": "+44 20 7946 0000",
        "address": {"line1": "12 St James's Square", "city": "London", "country": "GB"},
        "preferred_locales": ["en-GB"],
        "metadata": {"reference": "acc_1"},
        "payment_method": "pm_card_visa",
        "invoice_settings": {"default_payment_method": "pm_card_visa"},
        "balance": -500,
    }
    made = client.v1.customers.create(said)
    assert (made.name, made.balance, made.address.city, made.preferred_locales) == (
        "Ada Lovelace",
        -500,
        "London",
        ["en-GB"],
    )
    (card,) = client.v1.customers.payment_methods.list(made.id).data
    assert made.invoice_settings.default_payment_method == card.id
    assert faults(made.to_dict(for_json=True)) == []
    assert "customer.created" in owner.events(made.id)
    assert [each.id for each in client.v1.customers.list({"email": "ada@example.com"}).data] == [made.id]
    changed = client.v1.customers.update(made.id, {"address": "", "phone": "", "preferred_locales": ["fr"]})
    assert (changed.address, changed.phone, changed.preferred_locales) == (None, None, ["fr"])
    owner.sandbox.advance(days=60)
    assert client.v1.charges.list({"customer": made.id}).data == []
    assert client.v1.customers.retrieve(made.id).metadata.to_dict() == {"reference": "acc_1"}


def test_a_customer_whose_card_declines_is_not_entered(owner: Owner, client: Any) -> None:
    before = len(list(client.v1.customers.list({"limit": 100}).auto_paging_iter()))
    with pytest.raises(stripe.CardError):
        client.v1.customers.create({"name": "Nobody", "payment_method": "pm_card_visa_chargeDeclined"})
    assert len(list(client.v1.customers.list({"limit": 100}).auto_paging_iter())) == before
