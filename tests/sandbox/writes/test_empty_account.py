"""An account with nothing in it: it stays so by itself, and its owner can begin with it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import stripe

from sandbox.serving import Sandbox, serving
from sandbox.world.business import Business
from sandbox.world.world import World
from tests.sandbox.writes.owner import Owner


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with serving(World.grown(Business.empty())) as running:
        yield running


def test_nothing_comes_into_it_by_itself(sandbox: Sandbox) -> None:
    sandbox.advance(days=70)
    store = sandbox.world.store
    held = {kind: store.count(kind) for kind in store.kinds() if store.count(kind)}
    assert held == {"account": 1, "balance": 1, "tax.settings": 1}


def test_its_owner_begins_and_hears_of_it_in_the_newest_version(owner: Owner) -> None:
    coupon = owner.client.v1.coupons.create({"percent_off": 20, "duration": "once", "name": "Welcome"})
    assert [each.id for each in owner.client.v1.coupons.list().data] == [coupon.id]
    (told,) = owner.client.v1.events.list().data
    assert (told.type, told.api_version) == ("coupon.created", stripe.api_version)


def test_it_has_no_portal_until_one_is_set_up(owner: Owner) -> None:
    assert owner.client.v1.billing_portal.configurations.list().data == []
    owner.client.v1.billing_portal.configurations.create({"features": {"invoice_history": {"enabled": True}}})
    (made,) = owner.client.v1.billing_portal.configurations.list().data
    assert (made.active, made.is_default) == (True, False)


def test_whom_its_owner_made_does_nothing_of_their_own_accord(owner: Owner) -> None:
    """Simulated customers who leave come back or ask to be forgotten, each by chance; these do neither."""
    client = owner.client
    client.v1.products.create({"id": "team", "name": "Team"})
    price = client.v1.prices.create(
        {"currency": "usd", "product": "team", "recurring": {"interval": "month"}, "unit_amount": 2_900}
    ).id
    default = {"payment_method": "pm_card_visa", "invoice_settings": {"default_payment_method": "pm_card_visa"}}
    made = [client.v1.customers.create(default).id for _ in range(12)]
    for customer in made:
        begun = client.v1.subscriptions.create({"customer": customer, "items": [{"price": price}]})
        client.v1.subscriptions.cancel(begun.id)
    owner.sandbox.advance(days=160)
    assert {each.id for each in client.v1.customers.list({"limit": 100}).data} == {*made}
    assert len(client.v1.subscriptions.list({"status": "all", "limit": 100}).data) == len(made)
