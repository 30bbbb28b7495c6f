"""What events become: entries in the book of notices, due at once or a little later. Sends nothing.

What is heard is only that something happened; how things stand is asked again right before a notice is sent.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from billing.notices import book, kinds
from billing.notices.book import Notice
from billing.store import Store
from billing.webhooks.occasions import Fact, Occasion
from billing.webhooks.plugins import Handler

Facts = Mapping[str, Fact]
FactsOf = Callable[[Occasion], Facts]
"""Reads the facts of an occasion at Stripe, for events that hold none."""


@dataclass(frozen=True)
class About:
    """What a notice is about: the object, what tells it from others about the object, and what there is one of."""

    cause: str
    object_id: str
    occasion: str
    once: str


Rule = Callable[[Occasion, Facts], About | None]


def handlers(store: Store, causes: frozenset[str], facts_of: FactsOf, wait: timedelta) -> list[tuple[str, Handler]]:
    """What to listen for, so that notices of these causes are entered; a failed payment's is due after the wait."""

    def hear(occasion: Occasion) -> None:
        about = _RULES[occasion.type](occasion, occasion.facts or facts_of(occasion))
        if about is not None and about.cause in causes:
            notice = _notice(occasion, about, wait)
            with store.engine.begin() as connection:
                book.enter(connection, notice)

    return [(type_, hear) for type_, possible in _CAUSES.items() if possible & causes]


def _notice(occasion: Occasion, about: About, wait: timedelta) -> Notice:
    return Notice(
        notice_id=book.id_of(occasion.account_id, occasion.livemode, about.cause, about.once),
        account_id=occasion.account_id,
        livemode=occasion.livemode,
        cause=about.cause,
        object_id=about.object_id,
        occasion=about.occasion,
        happened_at=occasion.at,
        due_at=_due(occasion.at, about, wait),
        customer_id=occasion.customer_id,
    )


def _due(at: datetime, about: About, wait: timedelta) -> datetime:
    return at + wait if about.cause == kinds.FAILURE else at


def _subscription_began(occasion: Occasion, facts: Facts) -> About | None:
    if facts.get("status") not in ("active", "trialing") or not occasion.object_id:
        return None
    return _welcome(occasion, occasion.object_id)


def _first_invoice_paid(occasion: Occasion, facts: Facts) -> About | None:
    subscription = facts.get("subscription")
    is_first = facts.get("billing_reason") == "subscription_create"
    return _welcome(occasion, subscription) if is_first and isinstance(subscription, str) else None


def _welcome(occasion: Occasion, subscription: str) -> About:
    return About(kinds.WELCOME, subscription, "", occasion.customer_id or subscription)


def _trial_ending(occasion: Occasion, facts: Facts) -> About | None:
    end = facts.get("trial_end")
    if not occasion.object_id or not isinstance(end, int):
        return None
    return About(kinds.TRIAL, occasion.object_id, str(end), f"{occasion.object_id}/{end}")


def _failed(occasion: Occasion, facts: Facts) -> About | None:
    """Not a subscription's first invoice, whose payer sees the failure on the page; nor one that is only sent."""
    attempt = facts.get("attempt_count")
    is_seen = facts.get("billing_reason") == "subscription_create" or facts.get("collection_method") == "send_invoice"
    if is_seen or not occasion.object_id or not isinstance(attempt, int):
        return None
    return About(kinds.FAILURE, occasion.object_id, str(attempt), f"{occasion.object_id}/{attempt}")


def _refunded(occasion: Occasion, facts: Facts) -> About | None:
    if facts.get("status") != "succeeded" or not occasion.object_id:
        return None
    return About(kinds.REFUND, occasion.object_id, "", occasion.object_id)


def _disputed(occasion: Occasion, facts: Facts) -> About | None:
    return About(kinds.DISPUTE, occasion.object_id, "", occasion.object_id) if occasion.object_id else None


_RULES: Mapping[str, Rule] = {
    "customer.subscription.created": _subscription_began,
    "invoice.paid": _first_invoice_paid,
    "customer.subscription.trial_will_end": _trial_ending,
    "invoice.payment_failed": _failed,
    "refund.created": _refunded,
    "refund.updated": _refunded,
    "charge.dispute.created": _disputed,
}
_CAUSES: Mapping[str, frozenset[str]] = {
    "customer.subscription.created": frozenset({kinds.WELCOME}),
    "invoice.paid": frozenset({kinds.WELCOME}),
    "customer.subscription.trial_will_end": frozenset({kinds.TRIAL}),
    "invoice.payment_failed": frozenset({kinds.FAILURE}),
    "refund.created": frozenset({kinds.REFUND}),
    "refund.updated": frozenset({kinds.REFUND}),
    "charge.dispute.created": frozenset({kinds.DISPUTE}),
}
