"""Resume collection of a subscription that was paused; https://docs.stripe.com/billing/subscriptions/pause-payment."""

from billing.actions import subscriptions
from billing.actions.action import Action, Effect, Facts, NoParams, Subject
from billing.wire import Request


def refusal(facts: Facts, params: NoParams) -> str | None:
    """Only what lives and is paused is resumed."""
    paused = facts.object["pause_collection"]
    return subscriptions.not_living(facts) or (None if paused else "collection_is_not_paused")


def preview(facts: Facts, params: NoParams) -> Effect:
    """No money moves at once: the next invoice is collected again."""
    return Effect("collect the subscription's invoices again", currency=str(facts.object["currency"]))


def request(subject: Subject, facts: Facts, params: NoParams) -> Request:
    """An empty value unsets a parameter."""
    return subscriptions.updated(subject, pause_collection="")


ACTION = Action(
    "resume_collection",
    "collect a paused subscription's invoices again",
    "subscription",
    NoParams,
    subscriptions.look,
    refusal,
    preview,
    request,
    subscriptions.traced(lambda subscription: not subscription["pause_collection"]),
    subscriptions.kept,
)
