"""Give up a payment that is not through; https://docs.stripe.com/api/payment_intents/cancel. It takes no metadata."""

from datetime import datetime
from typing import Literal

from billing.actions import intents
from billing.actions.action import Action, Effect, Facts, Params, Subject, Trace
from billing.wire import Request, Wire, path

OPEN = frozenset({"requires_payment_method", "requires_confirmation", "requires_action", "requires_capture"})


class Reason(Params):
    """Why."""

    reason: Literal["abandoned", "duplicate", "fraudulent", "requested_by_customer"] = "abandoned"


def look(wire: Wire, subject: Subject, params: Reason, at: datetime) -> Facts:
    """The payment intent."""
    return Facts(at, wire.get(path("payment_intents", subject.id)))


def refusal(facts: Facts, params: Reason) -> str | None:
    """What is through, on its way, or given up."""
    status = facts.object["status"]
    return None if status in OPEN else f"payment_is_{status}"


def preview(facts: Facts, params: Reason) -> Effect:
    """Nothing was taken, and nothing will be."""
    return Effect("give up the payment", currency=str(facts.object["currency"]))


def request(subject: Subject, facts: Facts, params: Reason) -> Request:
    """With the reason."""
    return Request("post", path("payment_intents", subject.id, "cancel"), {"cancellation_reason": params.reason})


def trace(subject: Subject, facts: Facts, params: Reason) -> Trace:
    """By its status."""
    return Trace.SEEN if facts.object["status"] == "canceled" else Trace.ABSENT


ACTION = Action(
    "cancel_payment",
    "give up a payment that is not through",
    "payment_intent",
    Reason,
    look,
    refusal,
    preview,
    request,
    trace,
    intents.kept,
    by_rule=False,
)
