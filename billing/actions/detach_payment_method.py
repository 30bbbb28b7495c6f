"""Take a payment method off file for good; https://docs.stripe.com/api/payment_methods/detach. It takes no metadata."""

from datetime import datetime

from billing.actions.action import Action, Effect, Facts, Params, Subject, Trace
from billing.actions.attach_payment_method import kept
from billing.wire import Request, Wire, path


class Leave(Params):
    """True for `in_use` takes it off even where subscriptions are charged to it."""

    in_use: bool = False


def look(wire: Wire, subject: Subject, params: Leave, at: datetime) -> Facts:
    """The payment method, and the subscriptions that are charged to it."""
    method = wire.get(path("payment_methods", subject.id))
    customer_id = method.get("customer")
    if not customer_id:
        return Facts(at, method)
    customer = wire.get(path("customers", str(customer_id)))
    default = (customer.get("invoice_settings") or {}).get("default_payment_method")
    charged = [
        str(each["id"])
        for each in wire.pages("/v1/subscriptions", customer=customer_id)
        if each["collection_method"] == "charge_automatically"
        and (each.get("default_payment_method") or default) == subject.id
    ]
    return Facts(at, method, {"charged": charged})


def refusal(facts: Facts, params: Leave) -> str | None:
    """One that is nobody's, or that a subscription is charged to."""
    if not facts.object.get("customer"):
        return "payment_method_is_nobodys"
    return "subscriptions_are_charged_to_it" if facts.more["charged"] and not params.in_use else None


def preview(facts: Facts, params: Leave) -> Effect:
    """No money moves at once."""
    return Effect("take the payment method off file for good", details={"charged_to_it": facts.more["charged"]})


def request(subject: Subject, facts: Facts, params: Leave) -> Request:
    """It can't be attached again."""
    return Request("post", path("payment_methods", subject.id, "detach"))


def trace(subject: Subject, facts: Facts, params: Leave) -> Trace:
    """By whose it is."""
    return Trace.ABSENT if facts.object.get("customer") else Trace.SEEN


ACTION = Action(
    "detach_payment_method",
    "take a payment method off file for good",
    "payment_method",
    Leave,
    look,
    refusal,
    preview,
    request,
    trace,
    kept,
    by_rule=False,
)
