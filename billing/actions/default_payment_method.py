"""Have invoices charged to a payment method from now on: a customer's, or one subscription's alone.

https://docs.stripe.com/api/customers/update, https://docs.stripe.com/api/subscriptions/update.
"""

from collections.abc import Mapping
from datetime import datetime

from billing.actions.action import MARK, Action, Effect, Facts, Params, Subject, Trace
from billing.actions.change_price import Id
from billing.canonical import Json
from billing.wire import Body, Request, Wire, path


class Default(Params):
    """Which payment method of the customer's; for one subscription alone, where it is said."""

    payment_method: Id
    subscription: Id | None = None


def look(wire: Wire, subject: Subject, params: Default, at: datetime) -> Facts:
    """The customer or their subscription, and whose the payment method is."""
    customer = wire.get(path("customers", subject.id))
    if customer.get("deleted"):
        return Facts(at, customer)
    method = wire.get(path("payment_methods", params.payment_method))
    changed = wire.get(path("subscriptions", params.subscription)) if params.subscription else customer
    more = {"owner": method.get("customer"), "customer": subject.id}
    return Facts(at, changed, more)


def refusal(facts: Facts, params: Default) -> str | None:
    """One that is not the customer's, or is the default already."""
    if facts.object.get("deleted"):
        return "customer_is_deleted"
    if facts.more["owner"] != facts.more["customer"]:
        return "payment_method_is_not_the_customers"
    if params.subscription and facts.object.get("customer") != facts.more["customer"]:
        return "subscription_is_not_the_customers"
    return "it_is_the_default" if _default(facts.object) == params.payment_method else None


def preview(facts: Facts, params: Default) -> Effect:
    """No money moves at once: open invoices are tried again by their own time."""
    return Effect(f"charge invoices to {params.payment_method}")


def request(subject: Subject, facts: Facts, params: Default) -> Request:
    """Of the subscription, or of all the customer's invoices."""
    mark = {"metadata": {MARK: subject.action_id}}
    if params.subscription:
        said = {"default_payment_method": params.payment_method}
        return Request("post", path("subscriptions", params.subscription), {**said, **mark})
    settings = {"invoice_settings": {"default_payment_method": params.payment_method}}
    return Request("post", path("customers", subject.id), {**settings, **mark})


def trace(subject: Subject, facts: Facts, params: Default) -> Trace:
    """By the mark, else by what the default is."""
    if facts.marked_by == subject.action_id:
        return Trace.THERE
    return Trace.SEEN if _default(facts.object) == params.payment_method else Trace.ABSENT


def kept(changed: Body) -> Mapping[str, Json]:
    """What was changed, and its default."""
    return {str(changed["object"]): changed["id"], "default_payment_method": _default(changed)}


def _default(changed: Body) -> str | None:
    settings = changed.get("invoice_settings") or {} if changed["object"] == "customer" else changed
    return settings.get("default_payment_method")


ACTION = Action(
    "default_payment_method",
    "have invoices charged to a payment method",
    "customer",
    Default,
    look,
    refusal,
    preview,
    request,
    trace,
    kept,
    made=lambda facts: facts.object,
    by_rule=False,
)
