"""Setup intents: a customer's card is set up, confirmed, or the attempt is given up."""

from __future__ import annotations

from typing import Any

from sandbox.api.errors import ApiError, no_such, refused
from sandbox.world import shapes
from sandbox.world.stage import Stage
from sandbox.world.state import Customer
from sandbox.world.testcards import TEST_CARDS
from sandbox.writes import declines, payment_methods
from sandbox.writes.lookup import the
from sandbox.writes.parameters import Choice, Flag, Given, Ignored, Notes, Text, noted
from sandbox.writes.write import Shape, Write

_OPEN = ("requires_payment_method", "requires_confirmation", "requires_action")


def create(stage: Stage, ids: tuple[str, ...], given: Given) -> Shape:
    """`POST /v1/setup_intents`. Errors: as `confirm`, when it is confirmed at once."""
    customer = the(stage, Customer, given["customer"], "customer", status=400) if "customer" in given else None
    intent = shapes.setup_intent(
        id=stage.business.id("seti_1", 23, stage.count("setup intent")),
        created=stage.now,
        customer=customer.id if customer else None,
        payment_method=_card_id(stage, given.get("payment_method")),
        status="requires_confirmation" if "payment_method" in given else "requires_payment_method",
        usage=given.get("usage", "off_session"),
        description=given.get("description"),
        metadata=noted(None, given.get("metadata")),
    )
    stage.put(intent, "setup_intent.created")
    return _confirmed(stage, intent, given) if given.get("confirm") else intent


def confirm(stage: Stage, ids: tuple[str, ...], given: Given) -> Shape:
    """`POST /v1/setup_intents/{id}/confirm`: the card comes on file.

    Errors: 402 for a card that declines as it is attached, 400 for an intent that is over or has no card.
    """
    intent = _open(stage, ids[0], "confirm")
    if "payment_method" in given:
        intent["payment_method"] = _card_id(stage, given["payment_method"])
    return _confirmed(stage, intent, given)


def cancel(stage: Stage, ids: tuple[str, ...], given: Given) -> Shape:
    """`POST /v1/setup_intents/{id}/cancel`. Errors: 400 for an intent that is over."""
    intent = _open(stage, ids[0], "cancel")
    intent |= {"status": "canceled", "cancellation_reason": given.get("cancellation_reason"), "next_action": None}
    stage.put(intent, "setup_intent.canceled")
    return intent


def update(stage: Stage, ids: tuple[str, ...], given: Given) -> Shape:
    """`POST /v1/setup_intents/{id}`: its notes."""
    intent = _found(stage, ids[0])
    if "metadata" in given:
        intent["metadata"] = noted(intent["metadata"], given["metadata"])
    if "description" in given:
        intent["description"] = given["description"]
    stage.put(intent)
    return intent


def _confirmed(stage: Stage, intent: dict[str, Any], given: Given) -> Shape:
    if intent["payment_method"] is None:
        message = "You cannot confirm this SetupIntent because it's missing a payment method."
        raise refused(message, "setup_intent_unexpected_state")
    card = payment_methods.held(stage, intent["payment_method"], "payment_method", 400)
    if card.test and TEST_CARDS[card.test].authenticates:
        intent |= {"status": "requires_action"}
        intent["next_action"] = shapes.authentication(given.get("return_url"), intent["id"])
        stage.put(intent, "setup_intent.requires_action")
        return intent
    try:
        if intent["customer"] is not None and (card.customer is None or card.customer.id != intent["customer"]):
            payment_methods.add(stage, card, the(stage, Customer, intent["customer"], "customer"))
    except ApiError as error:
        intent |= {"status": "requires_payment_method", "payment_method": None}
        stage.put(intent, "setup_intent.setup_failed")
        raise declines.with_intent(error, "setup_intent", intent) from None
    intent |= {"status": "succeeded", "next_action": None}
    stage.put(intent, "setup_intent.succeeded")
    return intent


def _card_id(stage: Stage, said: str | None) -> str | None:
    return payment_methods.held(stage, said, "payment_method", 400).id if said else None


def _found(stage: Stage, id: str) -> dict[str, Any]:  # noqa: A002
    intent = stage.store.get("setup_intent", id)
    if intent is None:
        raise no_such("setupintent", id, "intent")
    return intent


def _open(stage: Stage, id: str, what: str) -> dict[str, Any]:  # noqa: A002
    intent = _found(stage, id)
    if intent["status"] not in _OPEN:
        message = f"You cannot {what} this SetupIntent because it has a status of {intent['status']}."
        raise refused(message, "setup_intent_unexpected_state")
    return intent


_PATH = "/v1/setup_intents"
WRITES = (
    Write(
        "POST",
        _PATH,
        "setup_intent_write",
        "setup_intent",
        create,
        {
            "automatic_payment_methods": Ignored(),
            "confirm": Flag(),
            "customer": Text(),
            "description": Text(),
            "metadata": Notes(),
            "payment_method": Text(),
            "return_url": Text(),
            "usage": Choice(("off_session", "on_session")),
        },
    ),
    Write(
        "POST",
        f"{_PATH}/{{id}}/confirm",
        "setup_intent_write",
        "setup_intent",
        confirm,
        {"payment_method": Text(), "return_url": Text()},
    ),
    Write(
        "POST",
        f"{_PATH}/{{id}}/cancel",
        "setup_intent_write",
        "setup_intent",
        cancel,
        {"cancellation_reason": Choice(("abandoned", "duplicate", "requested_by_customer"))},
    ),
    Write(
        "POST",
        f"{_PATH}/{{id}}",
        "setup_intent_write",
        "setup_intent",
        update,
        {"description": Text(unset=True), "metadata": Notes()},
    ),
)
