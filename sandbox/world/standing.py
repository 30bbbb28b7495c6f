"""What a subscription's state means: whether it counts, what each item is worth, and how it comes to an end.

Writes the books. Knows nothing of invoices but that open ones are given up when their subscription ends.
"""

from fractions import Fraction

from sandbox.world.books import Leaving, Worth
from sandbox.world.business import TaxRate
from sandbox.world.periods import DAY
from sandbox.world.pricing import worths
from sandbox.world.stage import Stage
from sandbox.world.state import Invoice, Item, Subscription


def counts(sub: Subscription) -> bool:
    """Whether it is in recurring revenue now."""
    return sub.status in ("active", "past_due") and not waived(sub)


WAIVES = ("void", "mark_uncollectible")
"""Ways of pausing collection in which nothing is owed for the periods that begin meanwhile."""


def waived(sub: Subscription) -> bool:
    """Whether the running period's bill was called off, its collection being paused."""
    return sub.waiving


def note(
    stage: Stage,
    sub: Subscription,
    at: int,
    cause: str,
    leaving: Leaving | None = None,
    removed: Item | None = None,
) -> None:
    """Tell the books what the subscription's items are worth from `at` on; a removed item is worth nothing."""
    values = worths(sub.items, sub.coupons, kept(sub)) if counts(sub) else [0] * len(sub.items)
    said = [_worth(stage, sub, item, value) for item, value in zip(sub.items, values, strict=True)]
    if removed is not None:
        said.append(_worth(stage, sub, removed, 0))
    stage.books.note(at, cause, said, leaving)


def kept(sub: Subscription) -> Fraction:
    """The share of the price that is left when the tax inside it is taken out."""
    rate = sub.customer.tax_rate
    if rate is None or not rate.inclusive:
        return Fraction(1)
    return 100 / (100 + rate.percentage)


def share_of_tax(rate: TaxRate) -> Fraction:
    """The tax on one unit of an amount: added to it, or the part inside it."""
    return rate.percentage / (100 + rate.percentage if rate.inclusive else 100)


def restore(stage: Stage, sub: Subscription, invoice: Invoice) -> None:
    """An overdue invoice is settled: the subscription is active again once none is left."""
    if invoice in sub.overdue:
        sub.overdue.remove(invoice)
    if sub.status not in ("past_due", "unpaid") or sub.overdue:
        return
    was_unpaid = sub.status == "unpaid"
    sub.status = "active"
    _delinquent(stage, sub, late=False)
    stage.touch(sub, "customer.subscription.updated")
    if was_unpaid:
        sub.customer.left_at = None
        note(stage, sub, stage.now, "resume")


def fall_behind(stage: Stage, sub: Subscription, invoice: Invoice) -> None:
    """An invoice is overdue. Revenue still counts."""
    if not sub.live:
        return
    if invoice not in sub.overdue:
        sub.overdue.append(invoice)
    if sub.status == "active":
        sub.status = "past_due"
        _delinquent(stage, sub, late=True)
        stage.touch(sub, "customer.subscription.updated")


def leave_unpaid(stage: Stage, sub: Subscription) -> None:
    """All attempts failed, and the subscription stays, unpaid: it counts no more, and nothing more is tried."""
    sub.status = "unpaid"
    for invoice in sub.overdue:
        _give_up(stage, invoice)
    note(stage, sub, stage.now, "unpaid", Leaving("involuntary_payment", sub.reason, sub.feedback, sub.comment))
    stage.touch(sub, "customer.subscription.updated")
    _gone(stage, sub)


def end(stage: Stage, sub: Subscription) -> None:
    """The subscription is canceled as of now, for the reason it carries."""
    was_counted = counts(sub)
    leaving = Leaving(_kind(sub), sub.reason, sub.feedback, sub.comment)
    sub.turn += 1
    sub.status = "canceled"
    sub.ended_at = stage.now
    sub.canceled_at = stage.now if sub.canceled_at is None else sub.canceled_at
    if was_counted:
        note(stage, sub, stage.now, "cancel", leaving)
    for invoice in (*sub.overdue, *sub.drafts):
        _give_up(stage, invoice)
    if sub.schedule is not None and sub.schedule.status == "active":
        schedule = sub.schedule
        schedule.status, schedule.canceled_at, schedule.current = "canceled", stage.now, None
        stage.touch(schedule, "subscription_schedule.canceled")
    stage.touch(sub, "customer.subscription.deleted")
    _gone(stage, sub)


def _kind(sub: Subscription) -> str:
    """The class of churn this end would be."""
    if sub.reason == "payment_disputed":
        return "involuntary_dispute"
    if sub.reason == "payment_failed":
        return "involuntary_payment"
    if sub.reason == "cancellation_requested":
        return "voluntary_in_dunning" if sub.in_dunning else "voluntary"
    return "contract_end" if sub.contract else "voluntary_unknown"


def _give_up(stage: Stage, invoice: Invoice) -> None:
    invoice.advance = False
    invoice.next_attempt = None
    if invoice.failure is not None and invoice.status in ("open", "uncollectible"):
        stage.books.failures[invoice.failure].outcome = "lost"
    stage.touch(invoice, "invoice.updated")


def _gone(stage: Stage, sub: Subscription) -> None:
    customer = sub.customer
    if not any(other.live for other in customer.subscriptions):
        customer.left_at = stage.now
        stage.later(stage.now + DAY // 2, "aftermath.part", customer, stage.now)


def _delinquent(stage: Stage, sub: Subscription, *, late: bool) -> None:
    if sub.customer.delinquent != late:
        sub.customer.delinquent = late
        stage.touch(sub.customer, "customer.updated")


def _worth(stage: Stage, sub: Subscription, item: Item, micros: int) -> Worth:
    price = item.price
    return Worth(item.id, sub.id, sub.customer.id, stage.product_ids[price.product], price.id, sub.currency, micros)
