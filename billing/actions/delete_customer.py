"""Delete a customer, as the last step of an erasure; never by a rule.

https://docs.stripe.com/api/customers/delete ends live subscriptions without a word, so that one who has any is left
alone: these are to be ended first, as the company means to.
"""

from collections.abc import Mapping
from datetime import datetime

from billing.actions.action import Action, Effect, Facts, NoParams, Subject, Trace
from billing.canonical import Json
from billing.wire import Body, Request, Wire, path

LIVE_SUBSCRIPTIONS = "live_subscriptions"


def look(wire: Wire, subject: Subject, params: NoParams, at: datetime) -> Facts:
    """The customer, and whether a subscription goes on."""
    customer = wire.get(path("customers", subject.id))
    going_on = () if customer.get("deleted") else tuple(wire.pages("/v1/subscriptions", customer=subject.id))
    return Facts(at, customer, {LIVE_SUBSCRIPTIONS: len(going_on)})


def refusal(facts: Facts, params: NoParams) -> str | None:
    """One who is deleted, or whose subscriptions go on."""
    if facts.object.get("deleted"):
        return "customer_is_deleted"
    return "customer_has_subscriptions" if facts.more[LIVE_SUBSCRIPTIONS] else None


def preview(facts: Facts, params: NoParams) -> Effect:
    """No money moves."""
    return Effect("delete the customer for good")


def request(subject: Subject, facts: Facts, params: NoParams) -> Request:
    """https://docs.stripe.com/api/customers/delete."""
    return Request("delete", path("customers", subject.id))


def trace(subject: Subject, facts: Facts, params: NoParams) -> Trace:
    """What is left of a customer says only that it is gone."""
    return Trace.SEEN if facts.object.get("deleted") else Trace.ABSENT


def kept(customer: Body) -> Mapping[str, Json]:
    """That it is gone."""
    return {"deleted": bool(customer.get("deleted"))}


ACTION = Action(
    "delete_customer",
    "delete a customer for good, once no subscription goes on",
    "customer",
    NoParams,
    look,
    refusal,
    preview,
    request,
    trace,
    kept,
    by_rule=False,
)
