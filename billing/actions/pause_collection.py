"""Pause collection: invoices of a subscription are voided, kept as drafts or written off until it is resumed.

https://docs.stripe.com/billing/subscriptions/pause-payment: the subscription keeps its status.
"""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from billing.actions import subscriptions
from billing.actions.action import Action, Effect, Facts, Params, Subject
from billing.wire import Request


class Pause(Params):
    """What becomes of the invoices meanwhile, and after how many days it ends by itself; never, without."""

    behavior: Literal["void", "keep_as_draft", "mark_uncollectible"] = "void"
    days: Annotated[int, Field(ge=1, le=730)] | None = None


def refusal(facts: Facts, params: Pause) -> str | None:
    """Only what lives and is not paused is paused."""
    return subscriptions.not_living(facts) or ("collection_is_paused" if facts.object["pause_collection"] else None)


def preview(facts: Facts, params: Pause) -> Effect:
    """No money moves at once."""
    how = {"void": "voided", "keep_as_draft": "kept as drafts", "mark_uncollectible": "written off"}[params.behavior]
    until = f"for {params.days} days" if params.days else "until it is resumed"
    return Effect(f"pause collection {until}; invoices are {how}", currency=str(facts.object["currency"]))


def request(subject: Subject, facts: Facts, params: Pause) -> Request:
    """The pause, with its end where it has one: counted from the plan."""
    resumes = subject.planned_at + timedelta(days=params.days) if params.days else None
    end = {"resumes_at": int(resumes.timestamp())} if resumes else {}
    return subscriptions.updated(subject, pause_collection={"behavior": params.behavior, **end})


ACTION = Action(
    "pause_collection",
    "stop collecting a subscription's invoices for a while",
    "subscription",
    Pause,
    subscriptions.look,
    refusal,
    preview,
    request,
    subscriptions.traced(lambda subscription: bool(subscription["pause_collection"])),
    subscriptions.kept,
)
