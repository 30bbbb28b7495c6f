"""Extend a trial by some days; https://docs.stripe.com/billing/subscriptions/trials."""

from typing import Annotated

from pydantic import Field

from billing.actions import subscriptions
from billing.actions.action import Action, Effect, Facts, Params, Subject
from billing.wire import Request

DAY = 86_400


class Extension(Params):
    """By how many days."""

    days: Annotated[int, Field(ge=1, le=365)]


def refusal(facts: Facts, params: Extension) -> str | None:
    """Only a running trial is extended."""
    return subscriptions.not_living(facts, {"trialing"}) or (None if facts.object["trial_end"] else "trial_has_no_end")


def preview(facts: Facts, params: Extension) -> Effect:
    """No money moves at once: the first paid period begins later."""
    ends = int(facts.object["trial_end"]) + params.days * DAY
    return Effect(f"extend the trial by {params.days} days", currency=facts.object["currency"], details={"ends": ends})


def request(subject: Subject, facts: Facts, params: Extension) -> Request:
    """The trial's new end; nothing is prorated, since nothing was charged."""
    ends = int(facts.object["trial_end"]) + params.days * DAY
    return subscriptions.updated(subject, trial_end=ends, proration_behavior="none")


ACTION = Action(
    "extend_trial",
    "let a trial last longer",
    "subscription",
    Extension,
    subscriptions.look,
    refusal,
    preview,
    request,
    subscriptions.traced(lambda subscription: False),
    subscriptions.kept,
)
