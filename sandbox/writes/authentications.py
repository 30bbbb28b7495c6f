"""What a cardholder says on their bank's page: yes or no to an intent that waits for it. No part of Stripe's API."""

from __future__ import annotations

from sandbox.world import payments, settling
from sandbox.world.shapes.payments import UNAUTHENTICATED
from sandbox.world.stage import Stage
from sandbox.world.state import Customer, Intent
from sandbox.writes import payment_methods
from sandbox.writes.lookup import the
from sandbox.writes.payment_intents import invoice_of
from sandbox.writes.write import Shape


def answer(stage: Stage, id: str, *, succeeds: bool = True) -> Shape:  # noqa: A002
    """The intent after the cardholder has answered. Errors: ValueError for one that waits for nobody."""
    thing = stage.things.get(id)
    if isinstance(thing, Intent) and thing.status == "requires_action":
        _pay(stage, thing) if succeeds else _fail(stage, thing)
        return stage.shape(thing)
    setup = stage.store.get("setup_intent", id)
    if setup is None or setup["status"] != "requires_action":
        raise ValueError(f"{id} is no intent that waits for its cardholder.")
    return _set_up(stage, setup, succeeds=succeeds)


def _pay(stage: Stage, intent: Intent) -> None:
    card = intent.card
    if card is None:
        raise ValueError(f"{intent.id} has no card.")
    invoice = invoice_of(stage, intent)
    if invoice is not None:
        settling.charge(stage, invoice, card, confirmed=True)
        return
    decline = payments.answer(stage, intent.customer, first=True, card=card, confirmed=True)
    payments.take(stage, intent.customer, intent, decline, None, card)


def _fail(stage: Stage, intent: Intent) -> None:
    intent.status, intent.decline, intent.card = "requires_payment_method", UNAUTHENTICATED, None
    stage.touch(intent, "payment_intent.payment_failed")


def _set_up(stage: Stage, setup: Shape, *, succeeds: bool) -> Shape:
    if succeeds:
        card = payment_methods.held(stage, setup["payment_method"], "payment_method", 400)
        if setup["customer"] is not None and card.customer is None:
            payment_methods.add(stage, card, the(stage, Customer, setup["customer"], "customer"))
        setup |= {"status": "succeeded", "next_action": None}
        stage.put(setup, "setup_intent.succeeded")
        return setup
    setup |= {"status": "requires_payment_method", "payment_method": None, "next_action": None}
    stage.put(setup, "setup_intent.setup_failed")
    return setup
