"""What a caller is told when a card says no: a 402 with the bank's decline code, its advice, and what was tried."""

from __future__ import annotations

from typing import Any

from sandbox.api.errors import ApiError, card_declined
from sandbox.forms import shown_form
from sandbox.world import shapes
from sandbox.world.stage import Stage
from sandbox.world.state import Charge

BLOCKED = shapes.Decline("card_declined", "Your card was declined.", None, None)


def of_charge(stage: Stage, charge: Charge) -> ApiError:
    """The refusal of a payment, with the intent and the card it was tried on."""
    tried = {
        "charge": charge.id,
        "payment_intent": shown_form(stage.shape(charge.intent)),
        "payment_method": shown_form(stage.shape(charge.card)),
    }
    return of_code(charge.decline or "generic_decline", tried)


def with_intent(error: ApiError, name: str, intent: dict[str, Any]) -> ApiError:
    """The refusal with the intent that it left behind."""
    error.more[name] = shown_form(intent)
    return error


def of_code(decline_code: str, tried: dict[str, Any]) -> ApiError:
    """The refusal that a decline code means; `tried` are the objects that came of it."""
    decline = shapes.DECLINES.get(decline_code, BLOCKED)
    advice = {
        "advice_code": decline.advice_code,
        "decline_code": decline_code,
        "network_decline_code": decline.network_decline_code,
    }
    return card_declined(decline.message, decline.failure_code, {**advice, **tried})
