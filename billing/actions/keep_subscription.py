"""Take a cancellation back that has not come yet; https://docs.stripe.com/billing/subscriptions/cancel#reactivating."""

from billing.actions import subscriptions
from billing.actions.action import Action, Effect, Facts, NoParams, Subject
from billing.wire import Body, Request


def refusal(facts: Facts, params: NoParams) -> str | None:
    """Only what lives and is set to end."""
    if why := subscriptions.not_living(facts):
        return why
    return None if _ends(facts.object) else "no_cancellation_is_set"


def preview(facts: Facts, params: NoParams) -> Effect:
    """No money moves at once: it is renewed."""
    return Effect("let the subscription go on", currency=str(facts.object["currency"]))


def request(subject: Subject, facts: Facts, params: NoParams) -> Request:
    """The way back from the way that it was set."""
    if facts.object["cancel_at_period_end"]:
        return subscriptions.updated(subject, cancel_at_period_end=False)
    return subscriptions.updated(subject, cancel_at="")


def _ends(subscription: Body) -> bool:
    return bool(subscription["cancel_at_period_end"] or subscription["cancel_at"])


ACTION = Action(
    "keep_subscription",
    "take back a cancellation that has not come yet",
    "subscription",
    NoParams,
    subscriptions.look,
    refusal,
    preview,
    request,
    subscriptions.traced(lambda subscription: not _ends(subscription)),
    subscriptions.kept,
    by_rule=False,
)
