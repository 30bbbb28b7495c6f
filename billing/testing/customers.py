"""Customers to try billing with: one for each thing that can happen, on test clocks of their own.

The cast is a table; each is made once for a cast of that name. The idempotency keys are made of the clock's id, so that
a command that was interrupted goes on with what is missing when it is run again.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from billing.testing.clocks import Clock, done, listed, opened, refuse_live
from billing.wire import Body, Refused, Request, Wire, path

CUSTOMERS_A_CLOCK: Final = 3
"""How many Stripe lets on one clock."""
LOOKUP_KEY: Final = "revenue_testing_monthly"
PRODUCT: Final = "revenue_testing"
AMOUNT: Final = 1_200
MARK: Final = "revenue_testing"
"""The key of metadata that says which of the cast a customer is."""


@dataclass(frozen=True)
class Member:
    """One of the cast.

    Attributes:
        card: the card at the sign-up; None comes without one.
        later_card: the card that is the default from the first payment on.
        is_refunded: whether the first payment is given back at once.
    """

    name: str
    story: str
    card: str | None = "pm_card_visa"
    later_card: str | None = None
    trial_days: int = 0
    is_refunded: bool = False


CAST: Final[tuple[Member, ...]] = (
    Member("paid", "pays, and so it goes on"),
    Member("failing", "pays once; each renewal is declined", later_card="pm_card_chargeCustomerFail"),
    Member("confirming", "has to confirm the first payment, and is not there", card="pm_card_authenticationRequired"),
    Member("disputing", "pays, and disputes the payment", card="pm_card_createDispute"),
    Member("refunded", "pays, and gets it back", is_refunded=True),
    Member("trying", "tries for 14 days without a card, and is gone then", card=None, trial_days=14),
)


@dataclass(frozen=True)
class Made:
    """A member of the cast at Stripe."""

    member: Member
    customer_id: str
    subscription_id: str
    status: str
    clock_id: str


def cast(wire: Wire, name: str, at: datetime, price: str | None, key: str) -> Iterator[Made]:
    """Make the cast, or what is missing of it, and tell each as it is there.

    Args:
        name: what its clocks are called.
        at: where new clocks stand.
        price: what they subscribe to; without one a price of 12.00 a month, which is made where there is none.
        key: what the idempotency keys of new clocks begin with.

    Raises:
        UsageError: not a key of test mode.
        ClockError: Stripe did not do something; the same again goes on.
    """
    refuse_live(wire)
    price = price or _price(wire)
    for first in range(0, len(CAST), CUSTOMERS_A_CLOCK):
        number = first // CUSTOMERS_A_CLOCK + 1
        clock = _clock(wire, f"{name} {number}", at, f"{key}-{number}")
        for member in CAST[first : first + CUSTOMERS_A_CLOCK]:
            yield _made(wire, clock, member, price)


def _clock(wire: Wire, name: str, at: datetime, key: str) -> Clock:
    return next((each for each in listed(wire) if each.name == name), None) or opened(wire, name, at, key)


def _made(wire: Wire, clock: Clock, member: Member, price: str) -> Made:
    customer = _customer(wire, clock, member)
    subscription = _subscription(wire, clock, member, str(customer["id"]), price)
    if member.later_card is not None:
        _replace_card(wire, clock, member, str(customer["id"]))
    if member.is_refunded:
        _refund(wire, clock, member, str(subscription["latest_invoice"]))
    return Made(member, str(customer["id"]), str(subscription["id"]), str(subscription["status"]), clock.id)


def _customer(wire: Wire, clock: Clock, member: Member) -> Body:
    held = wire.pages("/v1/customers", test_clock=clock.id)
    there = next((each for each in held if (each.get("metadata") or {}).get(MARK) == member.name), None)
    if there is not None:
        return there
    params: dict[str, Any] = {
        "name": f"{member.name.capitalize()} of {clock.name}",
        "email": f"{member.name}@example.com",
        "metadata": {MARK: member.name},
        "test_clock": clock.id,
    }
    if member.card is not None:
        params |= {"payment_method": member.card, "invoice_settings": {"default_payment_method": member.card}}
    return _sent(wire, clock, member, Request("post", "/v1/customers", params), "customer")


def _subscription(wire: Wire, clock: Clock, member: Member, customer_id: str, price: str) -> Body:
    there = next(wire.pages("/v1/subscriptions", customer=customer_id, status="all"), None)
    if there is not None:
        return there
    params: dict[str, Any] = {"customer": customer_id, "items": [{"price": price}]}
    if member.trial_days:
        ending = {"end_behavior": {"missing_payment_method": "cancel"}}
        params |= {"trial_period_days": member.trial_days, "trial_settings": ending}
    return _sent(wire, clock, member, Request("post", "/v1/subscriptions", params), "subscription")


def _replace_card(wire: Wire, clock: Clock, member: Member, customer_id: str) -> None:
    address = path("payment_methods", str(member.later_card), "attach")
    card = _sent(wire, clock, member, Request("post", address, {"customer": customer_id}), "later card")
    params = {"invoice_settings": {"default_payment_method": card["id"]}}
    _sent(wire, clock, member, Request("post", path("customers", customer_id), params), "default card")


def _refund(wire: Wire, clock: Clock, member: Member, invoice_id: str) -> None:
    paid = next(wire.pages("/v1/invoice_payments", invoice=invoice_id, status="paid"))
    intent = paid["payment"]["payment_intent"]
    if not wire.get("/v1/refunds", payment_intent=intent)["data"]:
        _sent(wire, clock, member, Request("post", "/v1/refunds", {"payment_intent": intent}), "refund")


def _sent(wire: Wire, clock: Clock, member: Member, request: Request, what: str) -> Body:
    key = f"revenue-testing-{clock.id}-{member.name}-{what.replace(' ', '-')}"
    return done(wire.act(request, key), f"The {what} of {member.name} was not made")


def _price(wire: Wire) -> str:
    """The price that the cast subscribes to where no other is said."""
    held = wire.get("/v1/prices", lookup_keys=[LOOKUP_KEY], active=True)["data"]
    if held:
        return str(held[0]["id"])
    currency = wire.get("/v1/account")["default_currency"]
    product = Request("post", "/v1/products", {"id": PRODUCT, "name": "For trying billing"})
    reply = wire.act(product, f"revenue-testing-{PRODUCT}")
    if not (isinstance(reply, Refused) and reply.code == "resource_already_exists"):
        done(reply, "The product to try with was not made")
    params = {
        "currency": currency,
        "lookup_key": LOOKUP_KEY,
        "product": PRODUCT,
        "recurring": {"interval": "month"},
        "unit_amount": AMOUNT,
    }
    made = done(
        wire.act(Request("post", "/v1/prices", params), f"revenue-testing-{LOOKUP_KEY}"), "The price was not made"
    )
    return str(made["id"])
