"""What the account's owner changes of a subscription: items, rhythm, trial, discounts, pauses, end.

Acts only; what may be asked is checked by who asks. The simulated customers' own changes are in `changes.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from sandbox.world import cancellations, changes, invoicing, payments, standing, subscriptions
from sandbox.world.books import Leaving
from sandbox.world.business import Coupon, Price
from sandbox.world.pricing import nets
from sandbox.world.stage import Stage
from sandbox.world.state import Discount, Invoice, Item, Subscription

BILLED = ("active", "past_due", "unpaid")
"""Statuses in which the running period was billed, so that a change in it is settled."""


@dataclass(frozen=True)
class ItemChange:
    """One item as it is to be: `item` None is a new one, `deleted` takes it away."""

    item: Item | None
    price: Price
    quantity: int | None
    deleted: bool = False


@dataclass(frozen=True)
class Settlement:
    """How a change in mid-period is settled: whether by prorations, as of when, and whether they are billed at once."""

    prorates: bool
    at_once: bool
    at: int


def change_items(
    stage: Stage, sub: Subscription, wanted: Sequence[ItemChange], settlement: Settlement
) -> Invoice | None:
    """The items are as wanted; gives the draft that bills it now, if one does: `bill` sends it off.

    Another rhythm begins a new period, which is billed at once. Whoever pays nothing yet settles nothing.
    """
    sub.wish = ""
    sub.changed_at = stage.now
    before = _amounts(sub)
    held, rhythm = list(sub.items), sub.interval
    prices = {item.id: (item.price, item.quantity) for item in held}
    _set(stage, sub, wanted)
    new_period = sub.interval != rhythm and sub.status in BILLED
    if settlement.prorates and sub.status in BILLED:
        _credit(stage, sub, held, prices, before, settlement.at, everything=new_period)
        if not new_period:
            _debit(stage, sub, prices, settlement.at)
    cause = "interval" if new_period else _cause(prices, sub)
    if new_period:
        return _new_period(stage, sub, held, cause)
    for item in held:
        if item not in sub.items:
            standing.note(stage, sub, settlement.at, cause, removed=item)
    standing.note(stage, sub, settlement.at, cause)
    if settlement.at_once and sub.pending:
        window = (sub.period_start, stage.now)
        invoice = invoicing.subscription_invoice(stage, sub, "subscription_update", [], window=window)
        invoice.proration_date = settlement.at
        return invoice
    return None


def bill(stage: Stage, sub: Subscription, invoice: Invoice | None) -> None:
    """A draft made by a change is collected at once, unless collection is paused: then it goes the way of the pause."""
    if invoice is None:
        return
    if not subscriptions.put_by(stage, sub, invoice):
        payments.collect(stage, invoice)


def extend_trial(stage: Stage, sub: Subscription, until: int) -> Invoice:
    """The trial lasts until then, and its bill of nothing says so."""
    sub.turn += 1
    sub.trial_end = sub.period_end = sub.anchor = until
    if sub.trial is not None:
        stage.books.trials[sub.trial].ends_at = until
    lines = invoicing.trial_lines(stage, sub)
    window = (stage.now, stage.now)
    invoice = invoicing.subscription_invoice(stage, sub, "subscription_update", lines, window=window)
    subscriptions.schedule_renewal(stage, sub)
    return invoice


def end_trial(stage: Stage, sub: Subscription) -> Invoice:
    """The trial is over now: the first period begins and is billed."""
    sub.trial_end = stage.now
    if sub.trial is not None:
        stage.books.trials[sub.trial].ends_at = stage.now
    sub.status = "active"
    changes.new_anchor(stage, sub)
    standing.note(stage, sub, stage.now, "new")
    invoice = invoicing.subscription_invoice(
        stage,
        sub,
        "subscription_update",
        invoicing.regular_lines(stage, sub),
        window=(sub.period_start, stage.now),
    )
    subscriptions.schedule_renewal(stage, sub)
    return invoice


def discount(stage: Stage, sub: Subscription, kept: list[Discount], added: Sequence[Coupon]) -> None:
    """Other discounts from the next bill on: the running period was billed, and stays worth what it was billed for."""
    if sub.billed_discounts is None and sub.status in BILLED:
        sub.billed_discounts = list(sub.discounts)
    sub.discounts = kept
    if added:
        sub.customer.pleased_at = stage.now
    for coupon in added:
        subscriptions.attach(stage, sub, coupon, stage.now)


def pause_collection(stage: Stage, sub: Subscription, behavior: str, resumes_at: int | None) -> None:
    """Bills from now on are kept as drafts, called off or given up, until then or until it is taken back."""
    sub.pause, sub.resumes_at = behavior, resumes_at
    sub.wish = ""
    if resumes_at is not None:
        stage.later(resumes_at, "amendments.collect_when_due", sub)


def collect_when_due(stage: Stage, sub: Subscription) -> None:
    """The instant at which collection was to go on."""
    if sub.resumes_at is not None and sub.resumes_at <= stage.now and sub.live:
        collect_again(stage, sub)
        stage.touch(sub, "customer.subscription.updated")


def collect_again(stage: Stage, sub: Subscription) -> None:
    """Bills are collected again. Drafts that were kept stay drafts, to be finalised by hand, as at Stripe."""
    sub.pause, sub.resumes_at = None, None


def cancel(
    stage: Stage, sub: Subscription, feedback: str | None, comment: str | None, *, prorate: bool, invoice_now: bool
) -> None:
    """The subscription ends now; the time that is not used is given back, and what waits is billed, if so wished."""
    invoice = final_invoice(stage, sub, unused_from=stage.now if prorate else None, invoice_now=invoice_now)
    bill(stage, sub, invoice)
    cancellations.cancel_now(stage, sub, feedback, comment)


def final_invoice(stage: Stage, sub: Subscription, *, unused_from: int | None, invoice_now: bool) -> Invoice | None:
    """What an end now would bill: the draft, when there is anything to bill and it is wanted.

    Time not used since `unused_from` is given back; None: it is kept.
    """
    if unused_from is not None and sub.status in BILLED:
        amounts = _amounts(sub)
        prices = {item.id: (item.price, item.quantity) for item in sub.items}
        _credit(stage, sub, list(sub.items), prices, amounts, unused_from, everything=True)
    if not invoice_now:
        return None
    usage = invoicing.usage_lines(stage, sub, sub.period_start, stage.now)
    if not sub.pending and not usage:
        return None
    window = (sub.period_start, stage.now)
    return invoicing.subscription_invoice(stage, sub, "subscription_update", usage, window=window)


def cancel_at_period_end(stage: Stage, sub: Subscription) -> None:
    """The running period is the last one."""
    cancellations.ask(stage, sub, sub.feedback, sub.comment)
    sub.cancel_at, sub.cancel_at_period_end = sub.period_end, True


def cancel_at(stage: Stage, sub: Subscription, at: int) -> None:
    """The subscription ends at that instant, be it in mid-period."""
    cancellations.ask(stage, sub, sub.feedback, sub.comment)
    sub.cancel_at, sub.cancel_at_period_end = at, False
    stage.later(at, "amendments.end_when_due", sub, at)


def end_when_due(stage: Stage, sub: Subscription, at: int) -> None:
    """The instant at which it was to end."""
    if sub.cancel_at == at and sub.status not in ("canceled", "incomplete_expired"):
        subscriptions.end_trial(stage, sub, "canceled_in_trial")
        standing.end(stage, sub)


def go_on(stage: Stage, sub: Subscription) -> None:
    """A cancellation that has not come yet is taken back."""
    sub.cancel_at, sub.cancel_at_period_end, sub.canceled_at = None, False, None
    sub.reason = sub.feedback = sub.comment = None
    sub.in_dunning = False


def pause(stage: Stage, sub: Subscription, unused_from: int | None, *, invoice_now: bool) -> Invoice | None:
    """The subscription stands still from now on: nothing is billed until it is resumed.

    What was paid for and is not used, since an instant, is given back: with the bill that resumes it or, as the draft
    that this gives, at once.
    """
    invoice = final_invoice(stage, sub, unused_from=unused_from, invoice_now=invoice_now)
    sub.turn += 1
    sub.wish = ""
    sub.status, sub.paused_type, sub.paused_at = "paused", "pause_requested", stage.now
    standing.note(stage, sub, stage.now, "pause", Leaving("paused"))
    return invoice


def resume(stage: Stage, sub: Subscription) -> Invoice:
    """A subscription that stood still goes on: a new period begins now, and gives the draft that bills it."""
    after_trial = sub.paused_type == "trial_end_without_payment_method"
    sub.status, sub.paused_type, sub.paused_at = "active", None, None
    subscriptions.expire_discounts(stage, sub)
    subscriptions.begin_discounts(stage, sub)
    began = sub.period_start
    changes.new_anchor(stage, sub)
    standing.note(stage, sub, stage.now, "new" if after_trial else "resume")
    invoice = invoicing.subscription_invoice(
        stage,
        sub,
        "subscription_update",
        invoicing.regular_lines(stage, sub, metered_from=began),
        window=(began, stage.now),
    )
    subscriptions.schedule_renewal(stage, sub)
    return invoice


def _set(stage: Stage, sub: Subscription, wanted: Sequence[ItemChange]) -> None:
    for change in wanted:
        if change.item is None:
            sub.items.append(subscriptions.new_item(stage, sub, change.price, change.quantity))
        elif change.deleted:
            sub.items.remove(change.item)
        else:
            change.item.price, change.item.quantity = change.price, change.quantity


def _amounts(sub: Subscription) -> dict[str, Fraction]:
    return dict(zip((item.id for item in sub.items), nets(sub.items, sub.coupons), strict=True))


def _credit(
    stage: Stage,
    sub: Subscription,
    held: Sequence[Item],
    prices: dict[str, tuple[Price, int | None]],
    amounts: dict[str, Fraction],
    at: int,
    *,
    everything: bool,
) -> None:
    """The unused time of what changed or went, or of everything, is given back."""
    for item in held:
        price, quantity = prices[item.id]
        stays = item in sub.items and _same(prices[item.id], item)
        if price.usage_type == "licensed" and (everything or not stays):
            invoicing.proration(stage, sub, item, price, quantity or 0, amounts[item.id], credit=True, at=at)


def _debit(stage: Stage, sub: Subscription, prices: dict[str, tuple[Price, int | None]], at: int) -> None:
    """The remaining time of what changed or came is charged."""
    amounts = _amounts(sub)
    for item in sub.items:
        if item.price.usage_type == "licensed" and not (item.id in prices and _same(prices[item.id], item)):
            invoicing.proration(stage, sub, item, item.price, item.quantity or 0, amounts[item.id], credit=False, at=at)


def _same(before: tuple[Price, int | None], item: Item) -> bool:
    return (before[0].id, before[1]) == (item.price.id, item.quantity)


def _cause(before: dict[str, tuple[Price, int | None]], sub: Subscription) -> str:
    """What the books call it: items came or went, a plan was changed, or only a quantity."""
    if before.keys() != {item.id for item in sub.items}:
        return "add_on"
    return "quantity" if all(before[item.id][0].id == item.price.id for item in sub.items) else "plan"


def _new_period(stage: Stage, sub: Subscription, held: Sequence[Item], cause: str) -> Invoice:
    subscriptions.expire_discounts(stage, sub)
    subscriptions.begin_discounts(stage, sub)
    began = sub.period_start
    changes.new_anchor(stage, sub)
    for item in held:
        if item not in sub.items:
            standing.note(stage, sub, stage.now, cause, removed=item)
    standing.note(stage, sub, stage.now, cause)
    lines = invoicing.regular_lines(stage, sub, metered_from=began)
    window = (sub.period_start, stage.now)
    invoice = invoicing.subscription_invoice(stage, sub, "subscription_update", lines, window=window)
    subscriptions.schedule_renewal(stage, sub)
    return invoice
