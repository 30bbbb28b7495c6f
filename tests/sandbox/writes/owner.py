"""What an account's owner does before a test begins: finds a customer nobody else has, puts one into dunning."""

from __future__ import annotations

from random import Random
from typing import Any, cast

import stripe

from sandbox.serving import Sandbox
from sandbox.world.periods import HOUR
from sandbox.world.state import Subscription


class Settled(Random):
    """The chance of a customer who does nothing of their own accord, so that only the test acts."""

    def random(self) -> float:
        return 0.9999


class Owner:
    """The owner of a served account, with the SDK and a key that writes."""

    def __init__(self, sandbox: Sandbox) -> None:
        stripe.enable_telemetry = False
        self.sandbox = sandbox
        self.client: Any = stripe.StripeClient(sandbox.write_key, base_addresses={"api": sandbox.url})
        self.taken: set[str] = set()

    def subscription(self, currency: str | None = None, **traits: Any) -> Subscription:
        """An untaken customer's only subscription: by the month, charged automatically, with one plain item."""
        wanted = {"status": "active", "collection": "charge_automatically", "pause": None, **traits}
        for sub in self.sandbox.world.stage.subscriptions:
            price = sub.items[0].price
            plain = len(sub.items) == 1 and not price.tiers and not price.divide_by and price.unit > 0
            calm = not any((sub.discounts, sub.pending, sub.wish, sub.cancel_at, sub.overdue, sub.schedule))
            alone = len(sub.customer.subscriptions) == 1 and sub.customer.id not in self.taken
            calm = calm and sub.interval == ("month", 1)
            right = all(_has(getattr(sub, name), value) for name, value in wanted.items())
            if plain and alone and calm and right and currency in (None, sub.currency):
                self.taken.add(sub.customer.id)
                sub.customer.chance = Settled()
                return cast("Subscription", sub)
        raise LookupError(f"no untaken subscription in {currency} with {wanted}")

    def card(self, customer: str, token: str = "pm_card_visa") -> Any:
        """A test card becomes the customer's default."""
        card = self.client.v1.payment_methods.attach(token, {"customer": customer})
        settings = {"invoice_settings": {"default_payment_method": card.id}}
        self.client.v1.customers.update(customer, settings)
        return card

    def in_dunning(self, **traits: Any) -> tuple[Subscription, Any]:
        """A subscription whose renewal was just declined, and that invoice."""
        sub = self.subscription(**traits)
        self.card(sub.customer.id, "pm_card_chargeCustomerFail")
        self.sandbox.advance(to=sub.period_end + 2 * HOUR)
        return sub, self.client.v1.invoices.retrieve(self.latest(sub.id))

    def latest(self, subscription: str) -> str:
        """The subscription's latest invoice."""
        found = self.client.v1.subscriptions.retrieve(subscription).latest_invoice
        return str(found)

    def events(self, about: str) -> list[str]:
        """The types of what happened to an object at this instant of the clock, oldest first."""
        now = self.sandbox.now
        found = self.client.v1.events.list({"created": {"gte": now}, "limit": 100}).auto_paging_iter()
        return [event.type for event in found if event.data.object["id"] == about][::-1]


def _has(held: Any, wanted: Any) -> bool:
    return bool(wanted(held)) if callable(wanted) else bool(held == wanted)


def told(refused: stripe.StripeError) -> Any:
    """What Stripe's error body says."""
    body: Any = refused.json_body
    return body["error"]
