"""Customers that the account's owner deletes: gone from lists, subscriptions ended, and what they paid still there."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

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
