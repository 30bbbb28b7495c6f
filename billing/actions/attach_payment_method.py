"""Make a payment method a customer's; https://docs.stripe.com/api/payment_methods/attach. It takes no metadata.

Where a customer is there, a setup intent is the better way: it has the bank confirm that the card may be charged later.
"""

from collections.abc import Mapping
from datetime import datetime

from billing.actions.action import Action, Effect, Facts, Params, Subject, Trace
from billing.actions.change_price import Id
from billing.canonical import Json
from billing.wire import Body, Request, Wire, path

TEST = "pm_card_"
"""How test cards are named: attaching one makes a payment method of another id."""


class Owner(Params):
    """Whose it becomes."""

    customer: Id


def look(wire: Wire, subject: Subject, params: Owner, at: datetime) -> Facts:
    """The customer, and what they have on file."""
    customer = wire.get(path("customers", params.customer))
    if customer.get("deleted"):
        return Facts(at, customer)
    held = list(wire.pages("/v1/payment_methods", customer=params.customer))
    return Facts(at, customer, {"there": any(_is_it(each, subject) for each in held)})


def refusal(facts: Facts, params: Owner) -> str | None:
    """Of a customer who is deleted, or has it already."""
    if facts.object.get("deleted"):
        return "customer_is_deleted"
    return "customer_has_that_payment_method" if facts.more["there"] else None


def preview(facts: Facts, params: Owner) -> Effect:
    """No money moves."""
    return Effect(f"make it a payment method of {params.customer}")


def request(subject: Subject, facts: Facts, params: Owner) -> Request:
    """To the customer."""
    return Request("post", path("payment_methods", subject.id, "attach"), {"customer": params.customer})


def trace(subject: Subject, facts: Facts, params: Owner) -> Trace:
    """By what the customer has; a test card by when it came."""
    return Trace.SEEN if facts.more.get("there") else Trace.ABSENT


def kept(method: Body) -> Mapping[str, Json]:
    """Its id and kind."""
    return {"payment_method": method["id"], "type": method["type"]}


def _is_it(method: Body, subject: Subject) -> bool:
    if subject.id.startswith(TEST):
        return subject.window is not None and int(method["created"]) >= subject.window["gte"]
    return bool(method["id"] == subject.id)


ACTION = Action(
    "attach_payment_method",
    "make a payment method a customer's",
    "payment_method",
    Owner,
    look,
    refusal,
    preview,
    request,
    trace,
    kept,
    by_rule=False,
)
