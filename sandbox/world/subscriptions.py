"""What can happen to a subscription: it starts, renews, changes in mid-period, pauses, resumes, is asked to end.

Each act leaves a trace from which its second can be told: lines, invoice items, fields. Who does what when is decided
elsewhere.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sandbox.world import invoicing, payments, standing
from sandbox.world.books import Leaving, Trial
from sandbox.world.business import Coupon, Price
from sandbox.world.periods import DAY, add_months, edge
from sandbox.world.pricing import nets
from sandbox.world.stage import Stage
from sandbox.world.state import Customer, Discount, Invoice, Item, Line, Subscription


@dataclass(frozen=True, slots=True)
class Order:
    """What a customer signs up for: prices and quantities (None: metered); `item_coupons` go to the last item."""

    items: tuple[tuple[Price, int | None], ...]
    coupons: tuple[Coupon, ...] = ()
    item_coupons: tuple[Coupon, ...] = ()
    trial_days: int = 0
    trial_without_card: str = "create_invoice"
    backdated_days: int = 0
    flexible: bool = True
    days_until_due: int | None = None
    contract_periods: int = 0
    first_payment_fails: bool = False


def start(stage: Stage, customer: Customer, order: Order) -> Subscription:
    """A subscription begins: with a trial, a first payment, or a bill."""
    sub = _opened(stage, customer, order)
    stage.subscriptions.append(sub)
    customer.subscriptions.append(sub)
    customer.left_at = None
    if order.trial_days:
        _begin_trial(stage, sub)
    elif order.days_until_due is None and order.first_payment_fails:
        sub.status = "incomplete"
    else:
        standing.note(stage, sub, sub.start, "new")
    stage.touch(customer, "customer.updated")
    _first_invoice(stage, sub, order)
    _schedule(stage, sub)
    return sub


def renew(stage: Stage, sub: Subscription, turn: int) -> None:
    """A period is over: the subscription ends if it was to; else what waited for this moment happens, and it bills."""
    if sub.turn != turn or not (sub.live or sub.status == "unpaid"):
        return
    if sub.cancel_at is not None and sub.cancel_at <= stage.now:
        _end_of_trial(stage, sub, "canceled_in_trial")
        standing.end(stage, sub)
        return
    if sub.status == "trialing" and not _leave_trial(stage, sub):
        return
    if _wish(stage, sub):
        return
    before = sub.period_start
    expire_discounts(stage, sub)
    sub.cycle += 1
    sub.period_start, sub.period_end = sub.period_end, edge(sub.anchor, *sub.interval, sub.cycle + 1)
    lines = invoicing.regular_lines(stage, sub, metered_from=before)
    invoice = invoicing.subscription_invoice(stage, sub, "subscription_cycle", lines, window=(before, stage.now))
    _send_off(stage, sub, invoice)
    stage.touch(sub, "customer.subscription.updated")
    _schedule(stage, sub)


def expire_discounts(stage: Stage, sub: Subscription) -> None:
    """Discounts whose time is over are gone from the period that begins now."""
    over = [each for each in _all_discounts(sub) if each.end is not None and each.end <= stage.now]
    if not over:
        return
    sub.discounts = [each for each in sub.discounts if each not in over]
    for item in sub.items:
        item.discounts = [each for each in item.discounts if each not in over]
    sub.customer.shocked_at = stage.now
    standing.note(stage, sub, stage.now, "discount_end")


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
    item = _item(stage, sub, price, quantity)
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
    expire_discounts(stage, sub)
    _new_anchor(stage, sub)
    standing.note(stage, sub, stage.now, "interval")
    _bill_now(stage, sub, invoicing.regular_lines(stage, sub))


def resume(stage: Stage, sub: Subscription) -> None:
    """A paused subscription goes on: a new period begins now and is billed at once."""
    if sub.status != "paused" or sub.paused_type != "pause_requested":
        return
    sub.status, sub.paused_type, sub.paused_at = "active", None, None
    expire_discounts(stage, sub)
    _new_anchor(stage, sub)
    standing.note(stage, sub, stage.now, "resume")
    _bill_now(stage, sub, invoicing.regular_lines(stage, sub), "customer.subscription.resumed")


def pause_collection(stage: Stage, sub: Subscription, until: int) -> None:
    """Bills are kept as drafts until then; revenue counts on."""
    sub.pause, sub.resumes_at = "keep_as_draft", until
    stage.touch(sub, "customer.subscription.updated")
    stage.later(until, "subscriptions.collect_again", sub)


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


def cancel_now(stage: Stage, sub: Subscription, feedback: str | None, comment: str | None) -> None:
    """The customer leaves at once."""
    _ask(stage, sub, feedback, comment)
    _end_of_trial(stage, sub, "canceled_in_trial")
    standing.end(stage, sub)


def cancel_at_period_end(stage: Stage, sub: Subscription, feedback: str | None, comment: str | None) -> None:
    """The customer will leave when the period is over."""
    _ask(stage, sub, feedback, comment)
    sub.cancel_at = sub.period_end
    sub.cancel_at_period_end = not (sub.flexible and sub.customer.no % 2)
    stage.touch(sub, "customer.subscription.updated")


def keep(stage: Stage, sub: Subscription) -> None:
    """The customer takes the cancellation back."""
    if not sub.live or sub.cancel_at is None or sub.contract or sub.cancel_at <= stage.now:
        return
    sub.cancel_at, sub.cancel_at_period_end, sub.canceled_at = None, False, None
    sub.reason = sub.feedback = sub.comment = None
    sub.in_dunning = False
    stage.touch(sub, "customer.subscription.updated")


def cancel_for_dispute(stage: Stage, sub: Subscription) -> None:
    """A lost dispute ends the subscription."""
    if not sub.live or sub.status == "incomplete":
        return
    if stage.now < sub.period_start + 2 * 3_600 or stage.now > sub.period_end - 3_600:
        stage.later(stage.now + 4 * 3_600, "subscriptions.cancel_for_dispute", sub)
        return
    sub.reason = "payment_disputed"
    _end_of_trial(stage, sub, "canceled_in_trial")
    standing.end(stage, sub)


def attach(stage: Stage, sub: Subscription, coupon: Coupon, since: int, item: Item | None = None) -> None:
    """A discount that counts its months from `since`."""
    sub.customer.counters["discount"] = place = sub.customer.counters.get("discount", 0) + 1
    months = coupon.months if coupon.duration == "repeating" else None
    discount = Discount(
        id=stage.business.id("di_1", 23, sub.customer.no, place),
        coupon=coupon,
        start=since,
        end=None if months is None else add_months(since, months),
        customer=sub.customer.id,
        subscription=sub.id,
        item=item.id if item else None,
    )
    (item.discounts if item else sub.discounts).append(discount)


def _opened(stage: Stage, customer: Customer, order: Order) -> Subscription:
    customer.counters["sub"] = place = customer.counters.get("sub", 0) + 1
    begun = stage.now - order.backdated_days * DAY
    price = order.items[0][0]
    trial_end = begun + order.trial_days * DAY if order.trial_days else None
    sub = Subscription(
        id=stage.business.id("sub_1", 23, customer.no, place),
        customer=customer,
        created=stage.now,
        start=begun,
        status="trialing" if trial_end else "active",
        currency=customer.currency,
        flexible=order.flexible,
        collection="charge_automatically" if order.days_until_due is None else "send_invoice",
        anchor=trial_end or begun,
        period_start=begun,
        period_end=trial_end or edge(begun, price.interval, price.interval_count, 1),
        days_until_due=order.days_until_due,
        metadata={"plan": stage.names[price.product]} if customer.no % 7 == 0 else {},
        trial_start=begun if trial_end else None,
        trial_end=trial_end,
        trial_without_card=order.trial_without_card,
    )
    sub.items = [_item(stage, sub, each, quantity) for each, quantity in order.items]
    for coupon in order.coupons:
        attach(stage, sub, coupon, begun)
    for coupon in order.item_coupons:
        attach(stage, sub, coupon, begun, sub.items[-1])
    if order.contract_periods:
        sub.contract = True
        sub.cancel_at = edge(sub.anchor, price.interval, price.interval_count, order.contract_periods)
        sub.canceled_at = stage.now
    return sub


def _item(stage: Stage, sub: Subscription, price: Price, quantity: int | None) -> Item:
    sub.customer.counters["si"] = place = sub.customer.counters.get("si", 0) + 1
    return Item(stage.business.id("si_", 14, sub.customer.no, place), stage.now, price, quantity)


def _begin_trial(stage: Stage, sub: Subscription) -> None:
    sub.trial = len(stage.books.trials)
    stage.books.trials.append(Trial(sub.id, sub.customer.id, sub.trial_start or 0, sub.trial_end or 0))


def _first_invoice(stage: Stage, sub: Subscription, order: Order) -> None:
    lines = invoicing.trial_lines(stage, sub) if sub.trial_end else invoicing.regular_lines(stage, sub)
    window = (stage.now, stage.now)
    invoice = invoicing.subscription_invoice(stage, sub, "subscription_create", lines, window=window)
    if order.first_payment_fails and sub.status == "incomplete" and sub.customer.card is not None:
        sub.customer.card.fate = "generic_decline"
    stage.touch(sub, "customer.subscription.created")
    payments.collect(stage, invoice)
    if sub.status == "incomplete" and invoice.status == "paid":
        raise ValueError(f"{sub.id} was to fail its first payment, but nothing was due")


def _schedule(stage: Stage, sub: Subscription) -> None:
    if sub.live or sub.status == "unpaid":
        stage.later(sub.period_end, "subscriptions.renew", sub, sub.turn)


def _leave_trial(stage: Stage, sub: Subscription) -> bool:
    """The trial is over: whether the subscription goes on."""
    if sub.customer.card is None and sub.trial_without_card != "create_invoice":
        _end_of_trial(stage, sub, "no_payment_method")
        if sub.trial_without_card == "cancel":
            standing.end(stage, sub)
        else:
            sub.turn += 1
            sub.status, sub.paused_type, sub.paused_at = "paused", "trial_end_without_payment_method", stage.now
            stage.touch(sub, "customer.subscription.paused", "customer.subscription.updated")
        return False
    sub.status = "active"
    sub.cycle = -1
    standing.note(stage, sub, stage.now, "new")
    return True


def _end_of_trial(stage: Stage, sub: Subscription, how: str) -> None:
    if sub.trial is None or sub.status != "trialing":
        return
    trial = stage.books.trials[sub.trial]
    trial.outcome, trial.how = "canceled", how


def _wish(stage: Stage, sub: Subscription) -> bool:
    """What was to happen at this renewal happens; whether that leaves nothing to bill."""
    wish, sub.wish = sub.wish, ""
    if not wish or sub.status != "active" or sub.overdue:
        return False
    name, _, argument = wish.partition(":")
    return _WISHES[name](stage, sub, argument)


def _wish_pause(stage: Stage, sub: Subscription, days: str) -> bool:
    sub.turn += 1
    sub.status, sub.paused_type, sub.paused_at = "paused", "pause_requested", stage.now
    standing.note(stage, sub, stage.now, "pause", Leaving("paused"))
    stage.touch(sub, "customer.subscription.paused", "customer.subscription.updated")
    stage.later(stage.now + int(days) * DAY + sub.customer.chance.randrange(DAY), "subscriptions.resume", sub)
    return True


def _wish_void(stage: Stage, sub: Subscription, periods: str) -> bool:
    sub.pause, sub.resumes_at = "void", edge(sub.anchor, *sub.interval, sub.cycle + 1 + int(periods))
    standing.note(stage, sub, stage.now, "pause", Leaving("paused"))
    return False


def _wish_coupon(stage: Stage, sub: Subscription, key: str) -> bool:
    attach(stage, sub, stage.coupons[key], stage.now)
    standing.note(stage, sub, stage.now, "discount_start")
    return False


def _wish_price(stage: Stage, sub: Subscription, key: str) -> bool:
    dearer = stage.for_sale(key) or stage.prices[key]
    item = sub.items[0]
    same_rhythm = (dearer.interval, dearer.interval_count) == sub.interval
    item.price = dearer
    if not same_rhythm:
        sub.anchor, sub.cycle = sub.period_end, -1
    sub.customer.shocked_at = stage.now
    standing.note(stage, sub, stage.now, "price" if same_rhythm else "interval")
    return False


_WISHES: dict[str, Callable[[Stage, Subscription, str], bool]] = {
    "pause": _wish_pause,
    "void": _wish_void,
    "coupon": _wish_coupon,
    "price": _wish_price,
}


def _send_off(stage: Stage, sub: Subscription, invoice: Invoice) -> None:
    """A renewal's draft: collected within the hour, voided or kept if collection is paused."""
    if sub.pause == "void" and sub.resumes_at is not None and stage.now >= sub.resumes_at:
        sub.pause, sub.resumes_at = None, None
        standing.note(stage, sub, stage.now, "resume")
    if sub.pause == "void":
        invoicing.void(stage, invoice)
    elif sub.pause == "keep_as_draft" or sub.status == "unpaid":
        invoice.advance = False
        sub.drafts.append(invoice)
        stage.touch(invoice)
    else:
        invoice.finalizes_at = stage.now + invoicing.FINALIZES_AFTER
        stage.later(invoice.finalizes_at, "payments.collect", invoice)
        stage.touch(invoice)


def _changed(stage: Stage, sub: Subscription, cause: str, *, at_once: bool, removed: Item | None = None) -> None:
    sub.changed_at = stage.now
    standing.note(stage, sub, stage.now, cause, removed=removed)
    if at_once:
        window = (sub.period_start, stage.now)
        invoice = invoicing.subscription_invoice(stage, sub, "subscription_update", [], window=window)
        payments.collect(stage, invoice)
    stage.touch(sub, "customer.subscription.updated")


def _new_anchor(stage: Stage, sub: Subscription) -> None:
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
    _schedule(stage, sub)


def _ask(stage: Stage, sub: Subscription, feedback: str | None, comment: str | None) -> None:
    sub.reason, sub.feedback, sub.comment = "cancellation_requested", feedback, comment
    sub.canceled_at = stage.now
    sub.in_dunning = any(invoice.attempts for invoice in sub.overdue)


def _all_discounts(sub: Subscription) -> list[Discount]:
    return [*sub.discounts, *(discount for item in sub.items for discount in item.discounts)]
