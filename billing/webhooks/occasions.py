"""The event types that something follows from, and what they tell: a table, and the facts that it picks from an event.

Pure. Facts are whole numbers, words of Stripe's and ids, never what a person wrote; those that moved between API
versions are looked for where each version has them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

Fact = str | int | bool | None
Path = tuple[str, ...]


class Subject(StrEnum):
    """What an event is about."""

    CUSTOMER = "customer"
    SUBSCRIPTION = "subscription"
    PAYMENT_INTENT = "payment_intent"
    INVOICE = "invoice"
    DISPUTE = "dispute"
    REFUND = "refund"


@dataclass(frozen=True)
class Occasion:
    """Something that happened at Stripe, as a company's own code is told.

    `what` is our word for it (`invoice_failed`), `type` Stripe's. `facts` are those of the type; in thin events, which
    hold none, they are empty: read the object by its id, which is a good idea anyway, since it may have changed since.
    `is_late` says that something later about the same customer was told already. The same occasion may be told twice,
    always with the same `id`.
    """

    id: str
    account_id: str
    livemode: bool
    type: str
    subject: Subject
    what: str
    customer_id: str | None
    object_id: str | None
    at: datetime
    is_late: bool = False
    facts: Mapping[str, Fact] = field(default_factory=dict)


@dataclass(frozen=True)
class Kind:
    """A type of event: what it means, in a word and in words."""

    type: str
    subject: Subject
    what: str
    meaning: str


FACTS: Mapping[Subject, Mapping[str, Sequence[Path]]] = {
    Subject.CUSTOMER: {
        "currency": [("currency",)],
        "balance": [("balance",)],
        "delinquent": [("delinquent",)],
    },
    Subject.SUBSCRIPTION: {
        "status": [("status",)],
        "currency": [("currency",)],
        "trial_end": [("trial_end",)],
        "cancel_at": [("cancel_at",)],
        "cancel_at_period_end": [("cancel_at_period_end",)],
        "canceled_at": [("canceled_at",)],
        "ended_at": [("ended_at",)],
        "cancellation_reason": [("cancellation_details", "reason")],
        "latest_invoice": [("latest_invoice",), ("latest_invoice", "id")],
    },
    Subject.PAYMENT_INTENT: {
        "status": [("status",)],
        "amount": [("amount",)],
        "amount_received": [("amount_received",)],
        "currency": [("currency",)],
        "decline_code": [("last_payment_error", "decline_code")],
        "error_code": [("last_payment_error", "code")],
    },
    Subject.INVOICE: {
        "status": [("status",)],
        "billing_reason": [("billing_reason",)],
        "collection_method": [("collection_method",)],
        "currency": [("currency",)],
        "amount_due": [("amount_due",)],
        "amount_paid": [("amount_paid",)],
        "amount_remaining": [("amount_remaining",)],
        "attempt_count": [("attempt_count",)],
        "next_payment_attempt": [("next_payment_attempt",)],
        "due_date": [("due_date",)],
        "subscription": [("parent", "subscription_details", "subscription"), ("subscription",)],
    },
    Subject.DISPUTE: {
        "status": [("status",)],
        "reason": [("reason",)],
        "amount": [("amount",)],
        "currency": [("currency",)],
        "charge": [("charge",), ("charge", "id")],
        "due_by": [("evidence_details", "due_by")],
    },
    Subject.REFUND: {
        "status": [("status",)],
        "reason": [("reason",)],
        "failure_reason": [("failure_reason",)],
        "amount": [("amount",)],
        "amount_refunded": [("amount_refunded",)],
        "currency": [("currency",)],
        "charge": [("charge",), ("charge", "id")],
    },
}
"""What is told of a subject, and where events have it, the newest API version first. Amounts are minor units of the
currency, instants epoch seconds."""

_C, _S, _P = Subject.CUSTOMER, Subject.SUBSCRIPTION, Subject.PAYMENT_INTENT
_I, _D, _R = Subject.INVOICE, Subject.DISPUTE, Subject.REFUND

KINDS: tuple[Kind, ...] = (
    Kind("customer.created", _C, "customer_created", "a customer is there"),
    Kind("customer.updated", _C, "customer_changed", "something about a customer changed, such as the default card"),
    Kind("customer.deleted", _C, "customer_deleted", "a customer is gone, with subscriptions and cards"),
    Kind("customer.subscription.created", _S, "subscription_created", "a subscription is there, paid for or not yet"),
    Kind("customer.subscription.updated", _S, "subscription_changed", "status, items, trial or cancellation changed"),
    Kind("customer.subscription.deleted", _S, "subscription_ended", "a subscription ended"),
    Kind("customer.subscription.paused", _S, "subscription_paused", "a trial ended without a way to pay"),
    Kind("customer.subscription.resumed", _S, "subscription_resumed", "a paused subscription runs again"),
    Kind("customer.subscription.trial_will_end", _S, "trial_ending", "a trial ends in three days, or was cut short"),
    Kind(
        "customer.subscription.pending_update_applied", _S, "change_applied", "a change that waited for payment is made"
    ),
    Kind(
        "customer.subscription.pending_update_expired", _S, "change_expired", "a change that waited was never paid for"
    ),
    Kind("payment_intent.succeeded", _P, "payment_succeeded", "a payment went through"),
    Kind("payment_intent.payment_failed", _P, "payment_failed", "an attempt to pay failed"),
    Kind("payment_intent.processing", _P, "payment_processing", "a payment is under way, as a bank debit is for days"),
    Kind("payment_intent.requires_action", _P, "payment_needs_action", "the customer has to confirm a payment"),
    Kind("payment_intent.canceled", _P, "payment_canceled", "a payment will not happen"),
    Kind("invoice.upcoming", _I, "invoice_upcoming", "an invoice will be made in some days; it has no id yet"),
    Kind("invoice.created", _I, "invoice_created", "a draft is there"),
    Kind("invoice.finalized", _I, "invoice_finalized", "an invoice is open and can be paid"),
    Kind("invoice.finalization_failed", _I, "invoice_not_finalized", "a draft could not become an invoice"),
    Kind("invoice.sent", _I, "invoice_sent", "an invoice was sent to the customer"),
    Kind("invoice.paid", _I, "invoice_paid", "an invoice is paid, or marked so"),
    Kind("invoice.payment_failed", _I, "invoice_failed", "an attempt to pay an invoice failed: see attempt_count"),
    Kind("invoice.payment_action_required", _I, "invoice_needs_action", "the customer has to confirm its payment"),
    Kind("invoice.overdue", _I, "invoice_overdue", "an invoice is past its due date"),
    Kind("invoice.voided", _I, "invoice_voided", "an invoice does not count any more"),
    Kind("invoice.marked_uncollectible", _I, "invoice_written_off", "nobody expects an invoice to be paid"),
    Kind("charge.dispute.created", _D, "dispute_opened", "a customer disputes a charge: evidence is due by due_by"),
    Kind("charge.dispute.updated", _D, "dispute_changed", "a dispute's evidence or status changed"),
    Kind("charge.dispute.funds_withdrawn", _D, "dispute_funds_taken", "a dispute's amount was taken from the balance"),
    Kind("charge.dispute.funds_reinstated", _D, "dispute_funds_back", "a dispute's amount came back"),
    Kind("charge.dispute.closed", _D, "dispute_closed", "a dispute was won, lost or withdrawn: see status"),
    Kind("charge.refunded", _R, "charge_refunded", "a charge was given back, all or some: see amount_refunded"),
    Kind("refund.created", _R, "refund_created", "a refund is under way or done"),
    Kind("refund.updated", _R, "refund_changed", "a refund's status changed"),
    Kind("refund.failed", _R, "refund_failed", "a refund came back: the customer does not have the money"),
)

BY_TYPE: Mapping[str, Kind] = {kind.type: kind for kind in KINDS}
THIN_PREFIX = "v1."


def kind_of(type_: str) -> Kind | None:
    """The kind of an event type, thin or not; None where nothing follows from it."""
    return BY_TYPE.get(type_.removeprefix(THIN_PREFIX))


def facts_of(kind: Kind, thing: Mapping[str, Any]) -> dict[str, Fact]:
    """The facts of an event's object, None for each that it does not tell."""
    return {name: _found(thing, paths) for name, paths in FACTS[kind.subject].items()}


def _found(thing: Mapping[str, Any], paths: Sequence[Path]) -> Fact:
    for path in paths:
        value: Any = thing
        for step in path:
            value = value.get(step) if isinstance(value, Mapping) else None
        if isinstance(value, str | int):
            return value
    return None
