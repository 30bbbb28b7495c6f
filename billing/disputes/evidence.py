"""Writes evidence for a dispute: texts from what is known of the payment, for the fields that its reason asks for.

Nothing is made up: a field of which nothing is known stays away, and is named among what is missing. A person reads the
draft before anything is sent.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from billing.disputes.needs import Needs, needs

LONGEST = 20_000
"""Characters that Stripe takes in one text."""
MOST_EARLIER = 12
MOST_VISITS = 200


@dataclass(frozen=True)
class Payment:
    """A payment. `amount` is minor units; `written` is it as a person reads it, such as `12.00 USD`."""

    charge_id: str
    at: datetime
    written: str
    same_card: bool = False


@dataclass(frozen=True)
class Line:
    """A line of the invoice that was paid: what for, from when to when."""

    description: str | None
    start: datetime | None
    end: datetime | None


@dataclass(frozen=True)
class Visit:
    """A use of the service, as the company's own logs have it."""

    at: datetime
    what: str
    ip: str | None = None


@dataclass(frozen=True)
class Words:
    """What the company says of itself: product and policies, as customers are shown them."""

    product_description: str | None = None
    refund_policy_disclosure: str | None = None
    refund_refusal_explanation: str | None = None
    cancellation_policy_disclosure: str | None = None


@dataclass(frozen=True)
class Case:
    """A dispute and what is known of the payment.

    Attributes:
        earlier: payments of the customer before this one that went through and were neither disputed nor refunded.
        others: payments of the same amount within a month of this one, for a dispute that calls it a duplicate.
        canceled_at: when the subscription was asked to end, where it was.
    """

    dispute_id: str
    reason: str | None
    due_at: datetime | None
    payment: Payment
    customer_id: str | None
    customer_since: datetime | None = None
    name: str | None = None
    email: str | None = None
    country: str | None = None
    invoice_number: str | None = None
    lines: Sequence[Line] = ()
    earlier: Sequence[Payment] = ()
    others: Sequence[Payment] = ()
    subscribed_since: datetime | None = None
    canceled_at: datetime | None = None
    visits: Sequence[Visit] = ()


@dataclass(frozen=True)
class Draft:
    """Evidence by Stripe's fields, what it must show, fields of which nothing is known, and files to add by hand."""

    evidence: Mapping[str, str]
    needs: Needs
    missing: tuple[str, ...] = field(default=())


def draft(case: Case, words: Words) -> Draft:
    """The evidence for a case."""
    wanted = needs(case.reason)
    texts = {name: _WRITERS[name](case, words) for name in wanted.fields}
    told = {name: text[:LONGEST] for name, text in texts.items() if text}
    return Draft(told, wanted, tuple(name for name in wanted.fields if name not in told))


def _activity(case: Case, words: Words) -> str | None:
    shown = sorted(case.visits, key=lambda visit: visit.at)[-MOST_VISITS:]
    lines = (f"{_instant(each.at)}  {each.what}{f'  from {each.ip}' if each.ip else ''}" for each in shown)
    return "\n".join(lines) or None


def _ip(case: Case, words: Words) -> str | None:
    before = [each for each in case.visits if each.ip and each.at <= case.payment.at]
    return max(before, key=lambda visit: visit.at).ip if before else None


def _service_dates(case: Case, words: Words) -> str | None:
    spans = [(line.start, line.end) for line in case.lines if line.start and line.end]
    return f"{min(s for s, _ in spans):%Y-%m-%d} to {max(e for _, e in spans):%Y-%m-%d}" if spans else None


def _product(case: Case, words: Words) -> str | None:
    bought = "\n".join(dict.fromkeys(line.description for line in case.lines if line.description))
    return "\n\n".join(part for part in (words.product_description, bought) if part) or None


def _cancellation(case: Case, words: Words) -> str | None:
    if case.subscribed_since is None:
        return None
    since = f"The customer subscribed on {case.subscribed_since:%Y-%m-%d}. "
    if case.canceled_at is None:
        return since + "No cancellation was asked for, before this payment or since."
    if case.canceled_at > case.payment.at:
        return since + f"Cancellation was first asked for on {_instant(case.canceled_at)}, after this payment."
    return None


def _duplicates(case: Case, words: Words) -> str | None:
    if not case.others:
        return "No other payment of this amount was taken from the customer within a month of this one."
    told = "\n".join(f"{_instant(each.at)}  {each.written}  {each.charge_id}" for each in case.others)
    return f"These payments of the same amount are for other invoices:\n{told}"


def _summary(case: Case, words: Words) -> str:
    invoice = f", invoice {case.invoice_number}" if case.invoice_number else ""
    since = f" Customer since {case.customer_since:%Y-%m-%d}." if case.customer_since else ""
    first = f"Payment of {case.payment.written} on {_instant(case.payment.at)}{invoice}.{since}"
    if not case.earlier:
        return first
    same = sum(each.same_card for each in case.earlier)
    shown = sorted(case.earlier, key=lambda each: each.at)[-MOST_EARLIER:]
    told = "\n".join(f"{_instant(each.at)}  {each.written}  {each.charge_id}" for each in shown)
    card = f", {same} of them with the same card" if same else ""
    return (
        f"{first}\n\n{len(case.earlier)} earlier payments went through and were not disputed{card}. The last:\n{told}"
    )


_Writer = Callable[[Case, Words], str | None]
_WRITERS: Mapping[str, _Writer] = {
    "access_activity_log": _activity,
    "billing_address": lambda case, words: case.country,
    "cancellation_policy_disclosure": lambda case, words: words.cancellation_policy_disclosure,
    "cancellation_rebuttal": _cancellation,
    "customer_email_address": lambda case, words: case.email,
    "customer_name": lambda case, words: case.name,
    "customer_purchase_ip": _ip,
    "duplicate_charge_explanation": _duplicates,
    "duplicate_charge_id": lambda case, words: case.others[0].charge_id if case.others else None,
    "product_description": _product,
    "refund_policy_disclosure": lambda case, words: words.refund_policy_disclosure,
    "refund_refusal_explanation": lambda case, words: words.refund_refusal_explanation,
    "service_date": _service_dates,
    "uncategorized_text": _summary,
}
"""How each field is written."""


def _instant(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
