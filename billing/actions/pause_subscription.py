"""Pause a subscription itself, and not only its collection: it is `paused`, and no period begins until it is resumed.

https://docs.stripe.com/api/subscriptions/pause, for subscriptions in flexible billing mode. It takes no metadata.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from billing.actions import previews, subscriptions
from billing.actions.action import Action, Effect, Facts, Params, Subject, Trace
from billing.canonical import Json
from billing.wire import Body, Request, Wire, path


class Stop(Params):
    """Whether the unused time is given back, with the invoice that resumes it, or kept."""

    unused_time: Literal["credit", "keep"] = "credit"


def look(wire: Wire, subject: Subject, params: Stop, at: datetime) -> Facts:
    """The subscription, and what its unused time is worth as of the plan."""
    subscription = wire.get(path("subscriptions", subject.id))
    facts = Facts(at, subscription)
    if subject.intended_at is not None or refusal(facts, params):
        return facts
    if params.unused_time == "keep":
        return facts
    since = previews.proration_date(subscription, subject.planned_at)
    return Facts(at, subscription, {"unused": previews.unused(wire, subscription, since)})


def refusal(facts: Facts, params: Stop) -> str | None:
    """Only what runs is paused, and only in flexible billing mode."""
    if why := subscriptions.not_living(facts, {"active", "past_due"}):
        return why
    mode = (facts.object.get("billing_mode") or {}).get("type")
    return None if mode == "flexible" else "billing_mode_is_not_flexible"


def preview(facts: Facts, params: Stop) -> Effect:
    """What is given back becomes less by the second until it is paused: it is no more than what it costs here."""
    unused = facts.more.get("unused", 0)
    details: dict[str, Json] = {"unused_time_amount": unused}
    return Effect(
        "pause the subscription until it is resumed", cost=unused, currency=facts.object["currency"], details=details
    )


def request(subject: Subject, facts: Facts, params: Stop) -> Request:
    """What is given back waits for the invoice that resumes it."""
    since = "now" if params.unused_time == "credit" else "none"
    told = {"type": "subscription", "bill_for": {"unused_time_from": {"type": since}}}
    return Request("post", path("subscriptions", subject.id, "pause"), told)


def trace(subject: Subject, facts: Facts, params: Stop) -> Trace:
    """By its status."""
    return Trace.SEEN if facts.object["status"] == "paused" else Trace.ABSENT


def kept(subscription: Body) -> Mapping[str, Json]:
    """Where it stands."""
    return {"subscription": subscription["id"], "status": subscription["status"]}


ACTION = Action(
    "pause_subscription",
    "pause a subscription itself until it is resumed",
    "subscription",
    Stop,
    look,
    refusal,
    preview,
    request,
    trace,
    kept,
    by_rule=False,
)
