"""What happens to a subscription in mid-period: other prices and quantities, items added and taken, pauses ended.

Each leaves invoice items and lines from which the second of the change can be told. Who wants it is decided elsewhere.
"""

from collections.abc import Sequence

from sandbox.world import invoicing, payments, standing, subscriptions
from sandbox.world.business import Price
from sandbox.world.periods import edge
from sandbox.world.pricing import nets
from sandbox.world.stage import Stage
from sandbox.world.state import Item, Line, Subscription


def change_item(stage: Stage, sub: Subscription, item: Item, price: Price, quantity: int, *, at_once: bool) -> None:
    """Another price or quantity from now on, prorated to the second; billed at once or with the next renewal."""
    before, old_price, old_quantity = nets(sub.items, sub.coupons), item.price, item.quantity or 0
    place = sub.items.index(item)
    item.price, item.quantity = price, quantity
    after = nets(sub.items, sub.coupons)
    invoicing.proration(stage, sub, item, old_price, old_quantity, before[place], credit=True)
    invoicing.proration(stage, sub, item, price, quantity, after[place], credit=False)
    _changed(stage, sub, "quantity" if price is old_price else "plan", at_once=at_once)


def add_item(stage: Stage, sub: Subscription, price: Price, quantity: int, *, at_once: bool) -> Item:
    """One more item from now on."""
    item = subscriptions.new_item(stage, sub, price, quantity)
    sub.items.append(item)
    after = nets(sub.items, sub.coupons)
    invoicing.proration(stage, sub, item, price, quantity, after[-1], credit=False)
    _changed(stage, sub, "add_on", at_once=at_once)
    return item


def remove_item(stage: Stage, sub: Subscription, item: Item, *, at_once: bool) -> None:
    """One item less from now on."""
    before = nets(sub.items, sub.coupons)[sub.items.index(item)]
    sub.items.remove(item)
    invoicing.proration(stage, sub, item, item.price, item.quantity or 0, before, credit=True)
    _changed(stage, sub, "add_on", at_once=at_once, removed=item)


def change_interval(stage: Stage, sub: Subscription, price: Price) -> None:
    """The only item moves to a price of another interval: a new period begins now and is billed at once."""
    item = sub.items[0]
    before = nets(sub.items, sub.coupons)[0]
    invoicing.proration(stage, sub, item, item.price, item.quantity or 0, before, credit=True)
    item.price = price
    subscriptions.expire_discounts(stage, sub)
    new_anchor(stage, sub)
    standing.note(stage, sub, stage.now, "interval")
    _bill_now(stage, sub, invoicing.regular_lines(stage, sub))


def resume(stage: Stage, sub: Subscription) -> None:
    """A paused subscription goes on: a new period begins now and is billed at once."""
    if sub.status != "paused" or sub.paused_type != "pause_requested":
        return
    sub.status, sub.paused_type, sub.paused_at = "active", None, None
    subscriptions.expire_discounts(stage, sub)
    new_anchor(stage, sub)
    standing.note(stage, sub, stage.now, "resume")
    _bill_now(stage, sub, invoicing.regular_lines(stage, sub), "customer.subscription.resumed")


def pause_collection(stage: Stage, sub: Subscription, until: int) -> None:
    """Bills are kept as drafts until then; revenue counts on."""
    sub.pause, sub.resumes_at = "keep_as_draft", until
    stage.touch(sub, "customer.subscription.updated")
    stage.later(until, "changes.collect_again", sub)


def collect_again(stage: Stage, sub: Subscription) -> None:
    """The drafts that were kept are finalised and collected."""
    if sub.pause != "keep_as_draft" or not sub.live:
        return
    sub.pause, sub.resumes_at = None, None
    drafts, sub.drafts = sub.drafts, []
    stage.touch(sub, "customer.subscription.updated")
    for invoice in drafts:
        invoice.advance = True
        payments.collect(stage, invoice)


def _changed(stage: Stage, sub: Subscription, cause: str, *, at_once: bool, removed: Item | None = None) -> None:
    sub.changed_at = stage.now
    standing.note(stage, sub, stage.now, cause, removed=removed)
    if at_once:
        window = (sub.period_start, stage.now)
        invoice = invoicing.subscription_invoice(stage, sub, "subscription_update", [], window=window)
        payments.collect(stage, invoice)
    stage.touch(sub, "customer.subscription.updated")


def new_anchor(stage: Stage, sub: Subscription) -> None:
    """A period begins now, and the next ones are counted from it."""
    sub.turn += 1
    sub.anchor, sub.cycle = stage.now, 0
    sub.period_start, sub.period_end = stage.now, edge(stage.now, *sub.interval, 1)


def _bill_now(
    stage: Stage, sub: Subscription, lines: Sequence[Line], event: str = "customer.subscription.updated"
) -> None:
    sub.changed_at = stage.now
    invoice = invoicing.subscription_invoice(
        stage, sub, "subscription_update", lines, window=(sub.period_start, stage.now)
    )
    stage.touch(sub, event, *(["customer.subscription.updated"] if "resumed" in event else []))
    payments.collect(stage, invoice)
    subscriptions.schedule_renewal(stage, sub)
