"""Finds what a request names, and says no in Stripe's words when it is not there. Knows no endpoint."""

from __future__ import annotations

from typing import Any, TypeVar

from sandbox.api.errors import no_such, refused
from sandbox.world.clocks import MOST_CUSTOMERS
from sandbox.world.stage import Stage
from sandbox.world.state import (
    Card,
    Charge,
    CreditNote,
    Customer,
    Dispute,
    Intent,
    Invoice,
    Refund,
    Schedule,
    Subscription,
)

Found = TypeVar("Found", Card, Charge, CreditNote, Customer, Dispute, Intent, Invoice, Refund, Schedule, Subscription)

KINDS: dict[type, str] = {
    Card: "PaymentMethod",
    Charge: "charge",
    CreditNote: "credit note",
    Customer: "customer",
    Dispute: "dispute",
    Intent: "payment_intent",
    Invoice: "invoice",
    Refund: "refund",
    Schedule: "subscription_schedule",
    Subscription: "subscription",
}


def the(stage: Stage, kind: type[Found], id: str, param: str, status: int = 404) -> Found:  # noqa: A002
    """The thing of that id. Errors: 404 where the path names it, 400 (by `status`) where a parameter does."""
    thing = stage.things.get(id)
    gone = isinstance(thing, Customer) and thing.deleted
    if not isinstance(thing, kind) or gone:
        raise no_such(KINDS[kind], id, param, status)
    return thing


def card_of(stage: Stage, customer: Customer, id: str, param: str) -> Card:  # noqa: A002
    """A card of the customer's. Errors: 400 when there is none of that id, or it is somebody else's."""
    card = the(stage, Card, id, param, status=400)
    if card.customer is not customer or card.detached:
        message = (
            f"The customer does not have a payment method with the ID {id}. The payment method must be attached to "
            "the customer."
        )
        raise refused(message, "resource_missing", param)
    return card


def the_clock(stage: Stage, id: str, param: str = "test_clock", status: int = 404) -> dict[str, Any]:  # noqa: A002
    """The test clock of that id. Errors: 404, or `status`, when there is none."""
    try:
        shape: dict[str, Any] = stage.clocks.shape(id)
    except KeyError:
        raise no_such("test_clock", id, param, status) from None
    return shape


def check_room(stage: Stage, clock: str) -> None:
    """Whether one more customer may be put on the clock. Errors: 400 where there is none, or it is full."""
    the_clock(stage, clock, status=400)
    if len(stage.clocks.customers(clock)) >= MOST_CUSTOMERS:
        raise refused(f"A test clock takes {MOST_CUSTOMERS} customers at most.", None, "test_clock")
