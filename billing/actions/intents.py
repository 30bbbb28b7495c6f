"""What payment intents and setup intents have in common: how one that an action made is found, and what of it is shown.

https://docs.stripe.com/payments/paymentintents/lifecycle. Its client secret lets a browser go on with it: it is shown
once to who ordered it, and kept nowhere.
"""

from collections.abc import Mapping
from typing import Any

from billing.actions.action import MARK, Facts, Subject, Trace
from billing.canonical import Json
from billing.wire import Body, Wire

FAILED = frozenset({"requires_payment_method", "canceled"})
"""Statuses in which nothing was or will be done with it as it is."""
WAITS = frozenset({"requires_action", "requires_confirmation", "requires_payment_method"})
"""Statuses in which the customer's browser can go on with it."""


def made(wire: Wire, path: str, subject: Subject) -> Body | None:
    """The one that the action made, by its mark; None before it was sent."""
    if subject.window is None:
        return None
    found = wire.pages(path, customer=subject.customer_id, created=subject.window)
    return next((each for each in found if (each.get("metadata") or {}).get(MARK) == subject.action_id), None)


def trace(subject: Subject, facts: Facts, params: Any) -> Trace:
    """By its mark, unless it failed: then the same request says so again."""
    mine = facts.more.get("mine")
    return Trace.THERE if mine is not None and mine["status"] not in FAILED else Trace.ABSENT


def kept(intent: Body) -> Mapping[str, Json]:
    """The intent and where it stands."""
    error = intent.get("last_payment_error") or intent.get("last_setup_error") or {}
    told: dict[str, Json] = {str(intent["object"]): intent["id"], "status": intent["status"]}
    for name in ("payment_method", "latest_charge"):
        if intent.get(name):
            told[name] = intent[name]
    return {**told, "decline_code": error["decline_code"]} if error.get("decline_code") else told


def shown(intent: Body) -> str | None:
    """Where the customer confirms it, or the secret that lets their browser do so; None where nothing is left to do."""
    if intent["status"] not in WAITS:
        return None
    redirect = (intent.get("next_action") or {}).get("redirect_to_url") or {}
    return redirect.get("url") or intent.get("client_secret")
