"""Payment intents: a payment of a customer's asked for, confirmed with a card, changed, or given up."""

from __future__ import annotations

from typing import Any

from sandbox.api.errors import ApiError, refused
from sandbox.forms import shown_form
from sandbox.world import payments, settling
from sandbox.world.stage import Stage
from sandbox.world.state import Card, Customer, Intent, Invoice
from sandbox.world.testcards import TEST_CARDS
from sandbox.writes import declines, payment_methods
from sandbox.writes.lookup import the
from sandbox.writes.parameters import Choice, Flag, Given, Ignored, Notes, Parameter, Text, Whole, noted
from sandbox.writes.write import Shape, Write

_OPEN = ("requires_payment_method", "requires_confirmation", "requires_action")


def create(stage: Stage, ids: tuple[str, ...], given: Given) -> Shape:
    """`POST /v1/payment_intents`. Errors: as `confirm`, when it is confirmed at once."""
    customer = the(stage, Customer, given["customer"], "customer", status=400)
    card = _card(stage, given, customer)
    customer.counters["payment"] = place = customer.counters.get("payment", 0) + 1
    intent = Intent(
        id=stage.business.id("pi_3", 23, customer.no, place),
        created=stage.now,
        customer=customer,
        amount=given["amount"],
        currency=given["currency"].lower(),
        status="requires_confirmation" if card else "requires_payment_method",
        card=card,
        description=given.get("description"),
        metadata=noted(None, given.get("metadata")),
    )
    stage.touch(intent, "payment_intent.created")
    return _confirmed(stage, intent, given) if given.get("confirm") else stage.shape(intent)


def confirm(stage: Stage, ids: tuple[str, ...], given: Given) -> Shape:
    """`POST /v1/payment_intents/{id}/confirm`: the money is taken. An invoice's intent pays the invoice.

    Errors: 402 when the card declines, or must be authenticated while the customer is away; 400 for an intent that is
    over or has no card.
    """
    intent = _open(stage, ids[0], "confirm")
    intent.card = _card(stage, given, intent.customer) or intent.card
    return _confirmed(stage, intent, given)


def cancel(stage: Stage, ids: tuple[str, ...], given: Given) -> Shape:
    """`POST /v1/payment_intents/{id}/cancel`. Errors: 400 for an intent that is over, or an invoice's."""
    intent = _open(stage, ids[0], "cancel")
    if invoice_of(stage, intent) is not None:
        message = "You cannot cancel this PaymentIntent because it was created by an invoice: void the invoice instead."
        raise _unexpected(stage, intent, message)
    intent.status, intent.canceled_at = "canceled", stage.now
    intent.cancellation_reason = given.get("cancellation_reason")
    stage.touch(intent, "payment_intent.canceled")
    return stage.shape(intent)


def update(stage: Stage, ids: tuple[str, ...], given: Given) -> Shape:
    """`POST /v1/payment_intents/{id}`: notes and, before it is paid, its amount. Errors: 400 for that after."""
    intent = the(stage, Intent, ids[0], "intent")
    if "amount" in given and (intent.status not in _OPEN or invoice_of(stage, intent) is not None):
        raise _unexpected(stage, intent, "This PaymentIntent's amount could not be updated.")
    intent.amount = given.get("amount", intent.amount)
    if "description" in given:
        intent.description = given["description"]
    if "metadata" in given:
        intent.metadata = noted(intent.metadata, given["metadata"])
    stage.touch(intent)
    return stage.shape(intent)


def _confirmed(stage: Stage, intent: Intent, given: Given) -> Shape:
    card = intent.card
    if card is None:
        message = "You cannot confirm this PaymentIntent because it's missing a payment method."
        raise _unexpected(stage, intent, message)
    away = given.get("off_session", False)
    if card.test and TEST_CARDS[card.test].authenticates and not away:
        intent.status, intent.return_url = "requires_action", given.get("return_url")
        stage.touch(intent, "payment_intent.requires_action")
        return stage.shape(intent)
    invoice = invoice_of(stage, intent)
    if invoice is not None:
        charge = settling.charge(stage, invoice, card)
    else:
        decline = payments.answer(stage, intent.customer, first=True, card=card)
        charge = payments.take(stage, intent.customer, intent, decline, None, card)
    if charge.decline is not None:
        raise declines.of_charge(stage, charge)
    return stage.shape(intent)


def _card(stage: Stage, given: Given, customer: Customer) -> Card | None:
    """The card that is said. Errors: 400 for somebody else's."""
    if "payment_method" not in given:
        return None
    card = payment_methods.held(stage, given["payment_method"], "payment_method", 400)
    if card.customer is not None and card.customer is not customer:
        message = "The payment method you provided is attached to another customer than this PaymentIntent's."
        raise refused(message, "payment_method_unexpected_state", "payment_method")
    return card


def invoice_of(stage: Stage, intent: Intent) -> Invoice | None:
    """The invoice that an intent pays; None for a payment of its own."""
    shelf = stage.store.shelf("invoice_payment")
    slots = shelf.where("payment.payment_intent", intent.id)
    thing = stage.things.get(shelf.complete(slots[0])["invoice"]) if slots else None
    return thing if isinstance(thing, Invoice) else None


def _open(stage: Stage, id: str, what: str) -> Intent:  # noqa: A002
    intent = the(stage, Intent, id, "intent")
    if intent.status not in _OPEN:
        message = (
            f"You cannot {what} this PaymentIntent because it has a status of {intent.status}. Only a PaymentIntent "
            f"with one of the following statuses may be {what}ed: {', '.join(_OPEN)}."
        )
        raise _unexpected(stage, intent, message)
    return intent


def _unexpected(stage: Stage, intent: Intent, message: str) -> ApiError:
    more: dict[str, Any] = {"payment_intent": shown_form(stage.shape(intent))}
    return ApiError(400, message, "payment_intent_unexpected_state", more=more)


_PATH = "/v1/payment_intents"
_HOW: dict[str, Parameter] = {"off_session": Flag(), "payment_method": Text(), "return_url": Text()}
_REASONS = ("abandoned", "duplicate", "fraudulent", "requested_by_customer")
_REQUIRED = ("amount", "currency", "customer")
WRITES = (
    Write(
        "POST",
        _PATH,
        "payment_intent_write",
        "payment_intent",
        create,
        {
            **_HOW,
            "amount": Whole(least=1, most=99_999_999),
            "automatic_payment_methods": Ignored(),
            "confirm": Flag(),
            "currency": Text(),
            "customer": Text(),
            "description": Text(),
            "metadata": Notes(),
        },
        required=_REQUIRED,
    ),
    Write("POST", f"{_PATH}/{{id}}/confirm", "payment_intent_write", "payment_intent", confirm, _HOW),
    Write(
        "POST",
        f"{_PATH}/{{id}}/cancel",
        "payment_intent_write",
        "payment_intent",
        cancel,
        {"cancellation_reason": Choice(_REASONS)},
    ),
    Write(
        "POST",
        f"{_PATH}/{{id}}",
        "payment_intent_write",
        "payment_intent",
        update,
        {"amount": Whole(least=1, most=99_999_999), "description": Text(unset=True), "metadata": Notes()},
    ),
)
