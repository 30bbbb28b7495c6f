"""What the actions on a subscription have in common: how it is looked at, marked, and found again."""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any

from billing.actions.action import MARK, Facts, Subject, Trace
from billing.canonical import Json
from billing.wire import Body, Request, Wire, path

LIVING = frozenset({"active", "past_due", "trialing", "unpaid"})
"""Statuses in which a subscription can still be changed."""


def look(wire: Wire, subject: Subject, params: object, at: datetime) -> Facts:
    """The subscription as it is."""
    return Facts(at, wire.get(path("subscriptions", subject.id)))


def not_living(facts: Facts, statuses: Collection[str] = LIVING) -> str | None:
    """Why a subscription can't be changed: its status, or that it belongs to a schedule, which would undo it."""
    subscription = facts.object
    if subscription["status"] not in statuses:
        return f"subscription_is_{subscription['status']}"
    return "subscription_has_a_schedule" if subscription.get("schedule") else None


def updated(subject: Subject, **params: Any) -> Request:
    """https://docs.stripe.com/api/subscriptions/update, with the action's mark in the metadata."""
    marked = {"metadata": {MARK: subject.action_id}}
    return Request("post", path("subscriptions", subject.id), {**params, **marked})


def traced(shows: Callable[[Body], bool]) -> Callable[[Subject, Facts, Any], Trace]:
    """A trace by the mark, else by whether the subscription is as it would be after the action."""

    def trace(subject: Subject, facts: Facts, params: object) -> Trace:
        if facts.marked_by == subject.action_id:
            return Trace.THERE
        return Trace.SEEN if shows(facts.object) else Trace.ABSENT

    return trace


def kept(subscription: Body) -> Mapping[str, Json]:
    """Where the subscription stands now."""
    paused = subscription.get("pause_collection") or {}
    return {
        "status": subscription["status"],
        "cancel_at": subscription.get("cancel_at"),
        "trial_end": subscription.get("trial_end"),
        "paused": paused.get("behavior"),
    }
