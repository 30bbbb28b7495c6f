"""Cancel a subscription, at the end of its period or now, with the feedback that the customer gave.

https://docs.stripe.com/api/subscriptions/cancel takes no metadata, so a cancellation now is known again by its instant.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from billing.actions import previews, subscriptions
from billing.actions.action import Action, Aside, Effect, Facts, Subject, Trace
from billing.canonical import Json
from billing.wire import Request, Wire, path

CLOSE = timedelta(minutes=15)
"""A cancellation this close after the intent is that intent's."""
CLOCKS = timedelta(seconds=5)


Feedback = Literal[
    "customer_service",
    "low_quality",
    "missing_features",
    "other",
    "switched_service",
    "too_complex",
    "too_expensive",
    "unused",
]
"""Why a customer leaves, in Stripe's words."""


class Cancellation(Aside):
    """When, why, and for a cancellation now whether the unused time is credited and invoiced at once.

    What the customer said in their own words (`comment`) is handed over.
    """

    when: Literal["period_end", "now"] = "period_end"
    feedback: Feedback | None = None
    prorate: bool = False
    invoice_now: bool = False


def look(wire: Wire, subject: Subject, params: Cancellation, at: datetime) -> Facts:
    """The subscription, and what its unused time is worth as of the plan, where it is credited."""
    facts = subscriptions.look(wire, subject, params, at)
    credited = params.when == "now" and params.prorate
    if not credited or subject.intended_at is not None or refusal(facts, params):
        return facts
    since = previews.proration_date(facts.object, subject.planned_at)
    return Facts(at, facts.object, {"unused": previews.unused(wire, facts.object, since)})


def refusal(facts: Facts, params: Cancellation) -> str | None:
    """Only what lives and is not about to end is cancelled; now it may be even if it is about to end."""
    if why := subscriptions.not_living(facts, subscriptions.LIVING | {"incomplete", "paused"}):
        return why
    ends = facts.object["cancel_at_period_end"] or facts.object["cancel_at"]
    return "cancellation_is_set" if ends and params.when == "period_end" else None


def preview(facts: Facts, params: Cancellation) -> Effect:
    """When it would end; what is credited becomes less by the second until then: it is no more than what it costs."""
    currency = str(facts.object["currency"])
    if params.when == "now":
        unused = facts.more.get("unused")
        details: dict[str, Json] = {} if unused is None else {"unused_time_amount": unused}
        return Effect("end the subscription at once", cost=unused, currency=currency, details=details)
    ends = min((int(item["current_period_end"]) for item in facts.object["items"]["data"]), default=None)
    return Effect("end the subscription with its period", currency=currency, details={"ends": ends})


def request(subject: Subject, facts: Facts, params: Cancellation) -> Request:
    """An update for the end of the period, a deletion for now."""
    said: dict[str, Any] = {"cancellation_details": {"feedback": params.feedback}} if params.feedback else {}
    if params.when == "period_end":
        return subscriptions.updated(subject, cancel_at_period_end=True, **said)
    how = {"prorate": params.prorate, "invoice_now": params.invoice_now}
    return Request("delete", path("subscriptions", subject.id), {**said, **how})


def trace(subject: Subject, facts: Facts, params: Cancellation) -> Trace:
    """By the mark at the end of the period; now by the instant, since a second deletion would only be refused."""
    subscription = facts.object
    if params.when == "period_end":
        set_ = bool(subscription["cancel_at_period_end"] or subscription["cancel_at"])
        return Trace.THERE if facts.marked_by == subject.action_id else Trace.SEEN if set_ else Trace.ABSENT
    if subscription["status"] != "canceled" or not subscription["canceled_at"] or not subject.intended_at:
        return Trace.ABSENT
    late = datetime.fromtimestamp(int(subscription["canceled_at"]), UTC) - subject.intended_at
    return Trace.THERE if -CLOCKS <= late <= CLOSE else Trace.SEEN


ACTION = Action(
    "cancel",
    "cancel a subscription, at the end of its period or now",
    "subscription",
    Cancellation,
    look,
    refusal,
    preview,
    request,
    trace,
    subscriptions.kept,
)
