"""Resume a subscription that is paused itself, such as one whose trial ended without a payment method.

https://docs.stripe.com/api/subscriptions/resume: a new period begins now, and is billed. It takes no metadata.
"""

from datetime import datetime
from typing import Any

from billing.actions.action import Action, Effect, Facts, NoParams, Subject, Trace
from billing.actions.pause_subscription import kept
from billing.wire import Request, Wire, path


def look(wire: Wire, subject: Subject, params: NoParams, at: datetime) -> Facts:
    """The subscription, its customer, and what the new period would bill."""
    subscription = wire.get(path("subscriptions", subject.id))
    customer = wire.get(path("customers", str(subscription["customer"])))
    facts = Facts(at, subscription, {"customer": customer})
    if subject.intended_at is not None or refusal(facts, params):
        return facts
    asked: dict[str, Any] = {"subscription": subject.id, "subscription_details": {"resume_at": "now"}}
    told = wire.ask(Request("post", path("invoices", "create_preview"), asked))[0]
    return Facts(at, subscription, {"customer": customer, "preview": told})


def refusal(facts: Facts, params: NoParams) -> str | None:
    """Only what is paused is resumed, and only where its first invoice can be charged."""
    subscription = facts.object
    if subscription["status"] != "paused":
        return f"subscription_is_{subscription['status']}"
    default = (facts.more["customer"].get("invoice_settings") or {}).get("default_payment_method")
    is_charged = subscription["collection_method"] == "charge_automatically"
    has_one = subscription["default_payment_method"] or default or facts.more["customer"].get("default_source")
    return "customer_has_no_payment_method" if is_charged and not has_one else None


def preview(facts: Facts, params: NoParams) -> Effect:
    """The new period's invoice."""
    told = facts.more["preview"]
    details = {"total": int(told["total"])}
    return Effect("resume the subscription, with a new period", int(told["amount_due"]), 0, told["currency"], details)


def request(subject: Subject, facts: Facts, params: NoParams) -> Request:
    """From now on."""
    return Request("post", path("subscriptions", subject.id, "resume"), {"billing_cycle_anchor": {"type": "now"}})


def trace(subject: Subject, facts: Facts, params: NoParams) -> Trace:
    """By its status."""
    return Trace.ABSENT if facts.object["status"] == "paused" else Trace.SEEN


ACTION = Action(
    "resume_subscription",
    "resume a subscription that is paused itself",
    "subscription",
    NoParams,
    look,
    refusal,
    preview,
    request,
    trace,
    kept,
    by_rule=False,
)
