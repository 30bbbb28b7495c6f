"""Get a customer's payment method on file for later, once for each reference, by a setup intent.

https://docs.stripe.com/payments/save-and-reuse. Mostly a browser confirms it, by the secret that is shown once; with a
payment method it is confirmed at once, as test cards are.
"""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from billing.actions import intents
from billing.actions.action import MARK, Action, Effect, Facts, Params, Subject, Trace
from billing.actions.change_price import Id
from billing.wire import Request, Wire, path


class Setup(Params):
    """With which payment method, where one is known; and whether it will be charged while the customer is away."""

    reference: Id
    payment_method: Id | None = None
    usage: Literal["off_session", "on_session"] = "off_session"
    return_url: Annotated[str, Field(pattern=r"^https?://[^\s]{1,2000}$")] | None = None


def look(wire: Wire, subject: Subject, params: Setup, at: datetime) -> Facts:
    """The customer, and the setup intent once it was sent."""
    customer = wire.get(path("customers", subject.id))
    return Facts(at, customer, {"mine": intents.made(wire, "/v1/setup_intents", subject)})


def refusal(facts: Facts, params: Setup) -> str | None:
    """One who is deleted."""
    return "customer_is_deleted" if facts.object.get("deleted") else None


def preview(facts: Facts, params: Setup) -> Effect:
    """No money moves."""
    how = f"put {params.payment_method} on file" if params.payment_method else "let the customer put a card on file"
    return Effect(how)


def request(subject: Subject, facts: Facts, params: Setup) -> Request:
    """Confirmed at once where there is a payment method."""
    said: dict[str, Any] = {
        "customer": subject.id,
        "usage": params.usage,
        "automatic_payment_methods": {"enabled": True, "allow_redirects": "always" if params.return_url else "never"},
        "metadata": {"reference": params.reference, MARK: subject.action_id},
    }
    if params.payment_method:
        said |= {"payment_method": params.payment_method, "confirm": True}
    if params.return_url and params.payment_method:
        said["return_url"] = params.return_url
    return Request("post", "/v1/setup_intents", said)


def trace(subject: Subject, facts: Facts, params: Setup) -> Trace:
    """By its mark; without a payment method it waits for one, and is there all the same."""
    if facts.more.get("mine") is not None and not params.payment_method:
        return Trace.THERE
    return intents.trace(subject, facts, params)


ACTION = Action(
    "set_up_payment_method",
    "get a customer's payment method on file, once for each reference",
    "customer",
    Setup,
    look,
    refusal,
    preview,
    request,
    trace,
    intents.kept,
    shown=intents.shown,
    made=lambda facts: facts.more.get("mine"),
    by_rule=False,
)
