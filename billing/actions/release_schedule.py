"""Take back what was planned for the next period: the subscription stays as it is, and its schedule lets it go.

https://docs.stripe.com/api/subscription_schedules/release. It takes no metadata.
"""

from datetime import datetime

from billing.actions.action import Action, Effect, Facts, NoParams, Subject, Trace
from billing.actions.next_period import kept
from billing.wire import Request, Wire, path


def look(wire: Wire, subject: Subject, params: NoParams, at: datetime) -> Facts:
    """The subscription."""
    return Facts(at, wire.get(path("subscriptions", subject.id)))


def refusal(facts: Facts, params: NoParams) -> str | None:
    """What has no schedule."""
    return None if facts.object.get("schedule") else "subscription_has_no_schedule"


def preview(facts: Facts, params: NoParams) -> Effect:
    """No money moves at once."""
    return Effect("take back what is planned for the next period", currency=str(facts.object["currency"]))


def request(subject: Subject, facts: Facts, params: NoParams) -> Request:
    """The schedule that the subscription has."""
    return Request("post", path("subscription_schedules", str(facts.object["schedule"]), "release"))


def trace(subject: Subject, facts: Facts, params: NoParams) -> Trace:
    """By the subscription."""
    return Trace.ABSENT if facts.object.get("schedule") else Trace.SEEN


ACTION = Action(
    "release_schedule",
    "take back what is planned for the next period of a subscription",
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
