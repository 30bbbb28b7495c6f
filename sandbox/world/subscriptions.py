"""How a subscription starts and renews, and what waits for a renewal: trials' ends, coupons, dearer prices, pauses.

Each act leaves a trace from which its second can be told: lines, fields. Who does what when is decided elsewhere.
"""

from collections.abc import Callable
from dataclasses import dataclass

from sandbox.world import invoicing, payments, schedules, standing
from sandbox.world.books import Leaving, Trial
from sandbox.world.business import Coupon, Price
from sandbox.world.periods import DAY, add_months, edge
from sandbox.world.stage import Stage
from sandbox.world.state import Card, Customer, Discount, Invoice, Item, Subscription


@dataclass(frozen=True, slots=True)
class Order:
    """What a customer signs up for: prices and quantities (None: metered); `item_coupons` go to the last item.

    `asks` says that the first payment is as the card answers, and not as the simulation has it; `pays_later` that
    nobody tries to collect it yet. `notes` are the metadata, where they are given.
    """

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
    asks: bool = False
    pays_later: bool = False
    card: Card | None = None
    notes: dict[str, str] | None = None


def start(stage: Stage, customer: Customer, order: Order) -> Subscription:
    """A subscription begins: with a trial, a first payment, or a bill."""
    sub = _opened(stage, customer, order)
    stage.subscriptions.append(sub)
    customer.subscriptions.append(sub)
    customer.left_at = None
    if order.trial_days:
        _begin_trial(stage, sub)
    elif order.days_until_due is None and (order.first_payment_fails or order.asks):
        sub.status = "incomplete"
    else:
        standing.note(stage, sub, sub.start, "new")
    stage.touch(customer, "customer.updated")
    _first_invoice(stage, sub, order)
    schedule_renewal(stage, sub)
    return sub


def first_bill(stage: Stage, customer: Customer, order: Order) -> Invoice:
    """What the first invoice would say, on a rehearsed stage."""
    return _first_draft(stage, _opened(stage, customer, order))


def renew(stage: Stage, sub: Subscription, turn: int) -> None:
    """A period is over: the subscription ends if it was to; else what waited for this moment happens, and it bills."""
    if sub.turn != turn or not (sub.live or sub.status == "unpaid"):
        return
    if sub.cancel_at is not None and sub.cancel_at <= stage.now:
        end_trial(stage, sub, "canceled_in_trial")
        standing.end(stage, sub)
        _bill_what_waited(stage, sub)
        return
    if sub.status == "trialing" and not _leave_trial(stage, sub):
        return
    if schedules.begin_phase(stage, sub):
        return
    if _wish(stage, sub):
        return
    send_off(stage, sub, next_bill(stage, sub, "subscription_cycle"))
    stage.touch(sub, "customer.subscription.updated")
    schedule_renewal(stage, sub)


def next_bill(stage: Stage, sub: Subscription, reason: str) -> Invoice:
    """The next period begins: its bill, as a draft."""
    before = sub.period_start
    expire_discounts(stage, sub)
    begin_discounts(stage, sub)
    sub.cycle += 1
    sub.period_start, sub.period_end = sub.period_end, edge(sub.anchor, *sub.interval, sub.cycle + 1)
    lines = invoicing.regular_lines(stage, sub, metered_from=before)
    return invoicing.subscription_invoice(stage, sub, reason, lines, window=(before, stage.now))


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


def begin_discounts(stage: Stage, sub: Subscription) -> None:
    """Discounts that were given or taken away in mid-period hold from the period that begins now."""
    if sub.billed_discounts is None:
        return
    taken_away = any(each not in sub.discounts for each in sub.billed_discounts)
    sub.billed_discounts = None
    standing.note(stage, sub, stage.now, "discount_end" if taken_away else "discount_start")


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


def new_item(stage: Stage, sub: Subscription, price: Price, quantity: int | None) -> Item:
    sub.customer.counters["si"] = place = sub.customer.counters.get("si", 0) + 1
    return Item(stage.business.id("si_", 14, sub.customer.no, place), stage.now, price, quantity)


def schedule_renewal(stage: Stage, sub: Subscription) -> None:
    if sub.live or sub.status == "unpaid":
        stage.later(sub.period_end, "subscriptions.renew", sub, sub.turn)


def end_trial(stage: Stage, sub: Subscription, how: str) -> None:
    if sub.trial is None or sub.status != "trialing":
        return
    trial = stage.books.trials[sub.trial]
    trial.outcome, trial.how = "canceled", how


def _bill_what_waited(stage: Stage, sub: Subscription) -> None:
    """Prorations that wait when a subscription ends with its period are collected then."""
    if sub.pending:
        window = (sub.period_start, stage.now)
        payments.collect(stage, invoicing.subscription_invoice(stage, sub, "subscription_cycle", [], window=window))


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
        metadata=_notes(stage, customer, price) if order.notes is None else order.notes,
        card=order.card,
        trial_start=begun if trial_end else None,
        trial_end=trial_end,
        trial_without_card=order.trial_without_card,
    )
    sub.items = [new_item(stage, sub, each, quantity) for each, quantity in order.items]
    for coupon in order.coupons:
        attach(stage, sub, coupon, begun)
    for coupon in order.item_coupons:
        attach(stage, sub, coupon, begun, sub.items[-1])
    if order.contract_periods:
        sub.contract = True
        sub.cancel_at = edge(sub.anchor, price.interval, price.interval_count, order.contract_periods)
        sub.canceled_at = stage.now
    return sub


def _notes(stage: Stage, customer: Customer, price: Price) -> dict[str, str]:
    return {"plan": stage.names[price.product]} if customer.no % 7 == 0 else {}


def _begin_trial(stage: Stage, sub: Subscription) -> None:
    sub.trial = len(stage.books.trials)
    stage.books.trials.append(Trial(sub.id, sub.customer.id, sub.trial_start or 0, sub.trial_end or 0))


def _first_invoice(stage: Stage, sub: Subscription, order: Order) -> None:
    invoice = _first_draft(stage, sub)
    fails = order.first_payment_fails and not order.asks
    if fails and sub.status == "incomplete" and sub.customer.card is not None:
        sub.customer.card.fate = "generic_decline"
    stage.touch(sub, "customer.subscription.created")
    if order.pays_later and sub.status == "incomplete":
        payments.await_first(stage, invoice)
    else:
        payments.collect(stage, invoice)
    if fails and sub.status == "incomplete" and invoice.status == "paid":
        raise ValueError(f"{sub.id} was to fail its first payment, but nothing was due")


def _first_draft(stage: Stage, sub: Subscription) -> Invoice:
    lines = invoicing.trial_lines(stage, sub) if sub.trial_end else invoicing.regular_lines(stage, sub)
    window = (stage.now, stage.now)
    return invoicing.subscription_invoice(stage, sub, "subscription_create", lines, window=window)


def _leave_trial(stage: Stage, sub: Subscription) -> bool:
    """The trial is over: whether the subscription goes on."""
    if sub.customer.card is None and sub.trial_without_card != "create_invoice":
        end_trial(stage, sub, "no_payment_method")
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
    stage.later(stage.now + int(days) * DAY + sub.customer.chance.randrange(DAY), "changes.resume", sub)
    return True


def _wish_waive(stage: Stage, sub: Subscription, periods: str) -> bool:
    sub.pause = "mark_uncollectible" if sub.customer.no % 3 == 0 else "void"
    sub.resumes_at = edge(sub.anchor, *sub.interval, sub.cycle + 1 + int(periods))
    sub.waiving = True
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
    "void": _wish_waive,
    "coupon": _wish_coupon,
    "price": _wish_price,
}


def send_off(stage: Stage, sub: Subscription, invoice: Invoice) -> None:
    """A renewal's draft: collected within the hour; voided, given up or kept while collection is paused."""
    if sub.pause in standing.WAIVES and sub.resumes_at is not None and stage.now >= sub.resumes_at:
        sub.pause, sub.resumes_at = None, None
    if sub.waiving != (sub.pause in standing.WAIVES):
        sub.waiving = not sub.waiving
        standing.note(
            stage,
            sub,
            stage.now,
            "pause" if sub.waiving else "resume",
            Leaving("paused") if sub.waiving else None,
        )
    if not put_by(stage, sub, invoice):
        invoice.finalizes_at = stage.now + invoicing.FINALIZES_AFTER
        stage.later(invoice.finalizes_at, "payments.collect", invoice)
        stage.touch(invoice)


def put_by(stage: Stage, sub: Subscription, invoice: Invoice) -> bool:
    """Whether a draft is not to be collected, but voided, given up or kept: by a pause, or for being unpaid."""
    if sub.pause == "void":
        invoicing.void(stage, invoice)
    elif sub.pause == "mark_uncollectible":
        invoicing.finalize(stage, invoice)
        payments.uncollectible(stage, invoice, "subscription_paused")
    elif sub.pause == "keep_as_draft" or sub.status == "unpaid":
        invoice.advance = False
        sub.drafts.append(invoice)
        stage.touch(invoice)
    else:
        return False
    return True


def _all_discounts(sub: Subscription) -> list[Discount]:
    return [*sub.discounts, *(discount for item in sub.items for discount in item.discounts)]
