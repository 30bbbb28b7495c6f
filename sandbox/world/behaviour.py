"""What customers do and why: at each visit they may change, pause or end what they have.

Leaving depends on what can be seen in the account: failed payments, shrinking, price shocks, refunds and disputes,
time; and on what the account's owner does for a customer. Draws from the customer's own stream; the acts themselves are
elsewhere.
"""

from sandbox.world import aftermath, cancellations, changes, farewells, metering, plans, signups
from sandbox.world.business import MODULES
from sandbox.world.periods import DAY, HOUR
from sandbox.world.stage import Stage
from sandbox.world.state import Item, Offer, Subscription


def visit(stage: Stage, sub: Subscription) -> None:
    """About once a month the customer thinks about the subscription, and sometimes does something."""
    if not sub.live:
        return
    chance = sub.customer.chance
    stage.later(stage.now + chance.randrange(20 * DAY, 40 * DAY), "behaviour.visit", sub)
    _use(stage, sub)
    if sub.status == "past_due" and any(invoice.attempts for invoice in sub.overdue):
        if chance.random() < 0.45 and _calm(stage, sub):
            cancellations.cancel_now(stage, sub, *farewells.why(stage, sub))
        return
    if sub.status != "active" or sub.pause or not _calm(stage, sub) or (sub.cancel_at and not sub.contract):
        return
    if chance.random() < hazard(stage, sub):
        _leave(stage, sub)
    else:
        _act(stage, sub)


def hazard(stage: Stage, sub: Subscription) -> float:
    """How likely the customer is to leave at this visit, from what can be seen of them."""
    customer, now = sub.customer, stage.now
    if sub.items[0].price.unit == 0 and not sub.items[0].price.tiers:
        return 0.02
    tenure = now - sub.start
    risk = 0.017 / customer.patience
    risk *= 1.7 if tenure < 90 * DAY else 1.0 if tenure < 365 * DAY else 0.6
    risk *= 2.2 if now - customer.failed_at < 120 * DAY else 1.0
    risk *= 2.6 if now - customer.shrunk_at < 100 * DAY else 1.0
    risk *= 2.3 if now - customer.shocked_at < 75 * DAY else 1.0
    risk *= 3.0 if now - customer.upset_at < 60 * DAY else 1.0
    risk *= 0.6 if sub.interval[0] == "year" else 1.0
    risk *= 0.4 if now - customer.pleased_at < 90 * DAY else 1.0
    return min(0.6, risk)


def raise_prices(stage: Stage, month: int) -> None:
    """Prices whose time is over are archived; whoever pays them is asked to move at a coming renewal."""
    over = {price.id: price for price in stage.prices.values() if price.until_month == month}
    for price in over.values():
        stage.touch(Offer(price, stage.business.start, active=False), "price.updated", "plan.updated")
    stage.write()
    for sub in stage.subscriptions:
        if any(item.price.id in over for item in sub.items):
            stage.touch(sub)
            if sub.live and not sub.wish and sub.customer.chance.random() < 0.6:
                sub.wish = f"price:{sub.items[0].price.key}-2"


def _leave(stage: Stage, sub: Subscription) -> None:
    chance = sub.customer.chance
    how = chance.random()
    if how < 0.12 and not sub.contract and not sub.trial:
        _switch(stage, sub)
    elif how < 0.36 or sub.contract:
        cancellations.cancel_now(stage, sub, *farewells.why(stage, sub))
    else:
        cancellations.cancel_at_period_end(stage, sub, *farewells.why(stage, sub))
        if chance.random() < 0.12 and sub.period_end - stage.now > 3 * DAY:
            stage.later(chance.randrange(stage.now + HOUR, sub.period_end - DAY), "cancellations.keep", sub)


def _switch(stage: Stage, sub: Subscription) -> None:
    """Another plan by way of a new subscription: at once, later that day, or the next."""
    customer, chance = sub.customer, sub.customer.chance
    product = "team" if sub.items[0].price.product == "starter" else "starter"
    cancellations.cancel_now(stage, sub, "other", "switching plans")
    wait = chance.choice((0, 0, 2 * HOUR, 20 * HOUR))
    if wait:
        stage.later(stage.now + wait, "signups.begin_other", customer, product)
    else:
        signups.begin_other(stage, customer, product)


def _act(stage: Stage, sub: Subscription) -> None:
    wishes = [(act, likely) for act, likely in _ACTS if _able(stage, sub, act)]
    dice = sub.customer.chance.random()
    for act, likely in wishes:
        dice -= likely
        if dice < 0:
            _DO[act](stage, sub)
            return


_ACTS = (
    ("more_seats", 0.11),
    ("fewer_seats", 0.05),
    ("upgrade", 0.035),
    ("downgrade", 0.014),
    ("add_module", 0.035),
    ("drop_module", 0.025),
    ("go_yearly", 0.02),
    ("go_monthly", 0.03),
    ("pause", 0.02),
    ("pause_void", 0.012),
    ("pause_drafts", 0.008),
    ("pay_once", 0.02),
    ("second", 0.006),
    ("coupon", 0.012),
)


def _able(stage: Stage, sub: Subscription, act: str) -> bool:
    price = sub.items[0].price
    plain = not sub.contract and sub.collection == "charge_automatically" and not sub.overdue
    if act in ("pay_once", "second"):
        return sub.customer.card is not None
    if act in ("more_seats", "fewer_seats"):
        return price.product in plans.QUANTITIES
    if act in ("upgrade", "downgrade"):
        return plans.neighbour(stage, sub, 1 if act == "upgrade" else -1) is not None
    if act in ("add_module", "drop_module"):
        paying = sub.interval == ("month", 1) and price.product != "free"
        return paying and (act == "add_module" or len(sub.items) > 1)
    if act in ("go_yearly", "go_monthly"):
        return plain and len(sub.items) == 1 and plans.other_interval(stage, sub, act) is not None
    if act == "coupon":
        return not sub.discounts and not any(item.discounts for item in sub.items) and not sub.wish
    return plain and price.interval in ("month", "year") and not sub.wish and (act != "pause" or sub.flexible)


def _more_seats(stage: Stage, sub: Subscription) -> None:
    item = sub.items[0]
    quantity = item.quantity or 1
    more = max(1, quantity * sub.customer.chance.randint(5, 60) // 100)
    changes.change_item(stage, sub, item, item.price, quantity + more, at_once=_at_once(sub))


def _fewer_seats(stage: Stage, sub: Subscription) -> None:
    item = sub.items[0]
    quantity = item.quantity or 1
    less = max(1, quantity * sub.customer.chance.randint(10, 60) // 100)
    if quantity > less:
        sub.customer.shrunk_at = stage.now
        changes.change_item(stage, sub, item, item.price, quantity - less, at_once=_at_once(sub))


def _upgrade(stage: Stage, sub: Subscription) -> None:
    _move(stage, sub, 1)


def _downgrade(stage: Stage, sub: Subscription) -> None:
    sub.customer.shrunk_at = stage.now
    _move(stage, sub, -1)


def _move(stage: Stage, sub: Subscription, step: int) -> None:
    price = plans.neighbour(stage, sub, step)
    if price is not None:
        sub.wish = ""
        quantity = plans.quantity(sub.customer, price.product) if step > 0 else min(sub.items[0].quantity or 1, 3)
        quantity = quantity if price.product in plans.QUANTITIES else 1
        changes.change_item(stage, sub, sub.items[0], price, quantity, at_once=_at_once(sub))


def _add_module(stage: Stage, sub: Subscription) -> None:
    held = {item.price.product for item in sub.items}
    free = [key for key in MODULES if key not in held]
    if free:
        price = stage.prices[f"{sub.customer.chance.choice(free)}-{sub.currency}-month"]
        changes.add_item(stage, sub, price, sub.customer.chance.randint(1, 3), at_once=_at_once(sub))


def _drop_module(stage: Stage, sub: Subscription) -> None:
    items = [item for item in sub.items[1:] if item.price.usage_type == "licensed"]
    if items:
        sub.customer.shrunk_at = stage.now
        changes.remove_item(stage, sub, sub.customer.chance.choice(items), at_once=_at_once(sub))


def _go_yearly(stage: Stage, sub: Subscription) -> None:
    price = plans.other_interval(stage, sub, "go_yearly")
    if price is not None:
        sub.wish = ""
        changes.change_interval(stage, sub, price)


def _go_monthly(stage: Stage, sub: Subscription) -> None:
    price = plans.other_interval(stage, sub, "go_monthly")
    if price is not None:
        sub.wish = f"price:{price.key}"


def _pause(stage: Stage, sub: Subscription) -> None:
    sub.wish = f"pause:{sub.customer.chance.randint(12, 90)}"


def _pause_void(stage: Stage, sub: Subscription) -> None:
    if sub.interval == ("month", 1):
        sub.wish = f"void:{sub.customer.chance.randint(1, 3)}"


def _pause_drafts(stage: Stage, sub: Subscription) -> None:
    if sub.interval == ("month", 1):
        changes.pause_collection(stage, sub, stage.now + sub.customer.chance.randint(20, 60) * DAY)


def _pay_once(stage: Stage, sub: Subscription) -> None:
    aftermath.pay_once(stage, sub.customer)


def _second(stage: Stage, sub: Subscription) -> None:
    signups.begin_other(stage, sub.customer, "starter")


def _coupon(stage: Stage, sub: Subscription) -> None:
    sub.wish = "coupon:stay"


_DO = {
    "more_seats": _more_seats,
    "fewer_seats": _fewer_seats,
    "upgrade": _upgrade,
    "downgrade": _downgrade,
    "add_module": _add_module,
    "drop_module": _drop_module,
    "go_yearly": _go_yearly,
    "go_monthly": _go_monthly,
    "pause": _pause,
    "pause_void": _pause_void,
    "pause_drafts": _pause_drafts,
    "pay_once": _pay_once,
    "second": _second,
    "coupon": _coupon,
}


def _at_once(sub: Subscription) -> bool:
    return sub.collection == "charge_automatically" and sub.customer.chance.random() < 0.45


def _calm(stage: Stage, sub: Subscription) -> bool:
    """Whether nothing else of the subscription happens near this second."""
    return (
        sub.period_start + 2 * HOUR < stage.now < sub.period_end - 2 * HOUR
        and stage.now != sub.changed_at
        and sub.interval[0] != "day"
    ) or (sub.interval == ("day", 1) and stage.now > sub.period_start + 2 * HOUR)


def _use(stage: Stage, sub: Subscription) -> None:
    for item in sub.items:
        if item.price.usage_type == "metered" and item.price.key in stage.prices:
            calls = _calls(sub, item)
            item.usage += calls
            metering.count(stage, sub.customer.id, item.price.product, calls)


def _calls(sub: Subscription, item: Item) -> int:
    """Calls since the last visit: those who are about to shrink call less."""
    busy = sub.customer.chance.randint(500, 20_000)
    return busy // 4 if sub.customer.shrunk_at or sub.customer.failed_at else busy
