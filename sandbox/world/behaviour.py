"""What customers do and why: who signs up for what, and how each later visit may change, pause or end it.

Leaving depends on what can be seen in the account: failed payments, shrinking, price shocks, refunds and disputes,
time. Draws from the customer's own stream; the acts themselves are elsewhere.
"""

from dataclasses import replace

from sandbox.world import aftermath, payments, people, subscriptions
from sandbox.world.business import MODULES, Price
from sandbox.world.periods import DAY, HOUR
from sandbox.world.randomness import stream
from sandbox.world.stage import Stage
from sandbox.world.state import Customer, Item, Offer, Subscription
from sandbox.world.subscriptions import Order

ROLES = (
    ("starter-month", 22),
    ("starter-year", 8),
    ("team-month", 20),
    ("team-year", 6),
    ("team-quarter", 4),
    ("business-month", 6),
    ("business-year", 4),
    ("business-quarter", 2),
    ("contacts-month", 2),
    ("support-month", 3),
    ("storage-month", 2),
    ("messages-month", 2),
    ("messages-down-usd-month", 1),
    ("support-usd-year", 1),
    ("starter-usd-week", 1),
    ("starter-eur-week", 1),
    ("starter-usd-30-days", 1),
    ("starter-usd-day", 1),
    ("starter-usd-half-year", 1),
    ("free-month", 4),
    ("inline", 2),
    ("big", 2),
    ("metered", 3),
    ("sent", 5),
    ("contract", 2),
    ("everywhere", 3),
    ("lead", 4),
)
"""What newcomers are, in parts of the whole; everyone gets a part by their number, so that none is missing."""

_CAST = tuple(role for role, parts in ROLES for _ in range(parts))
_CURRENCIES = (("usd", 52), ("eur", 24), ("gbp", 12), ("jpy", 7), ("kwd", 5))
_TWO_CURRENCIES = {"contacts-month", "support-month", "storage-month", "messages-month", "metered", "contract"}
_QUANTITIES = {
    "team": (2, 24),
    "contacts": (900, 9_000),
    "support": (1, 40),
    "storage": (40, 2_400),
    "messages": (400, 9_000),
}
_GIFTS = (
    ("welcome",), ("welcome",), ("launch",), ("launch",), ("launch",), ("half",), ("half",), ("gift",), ("fiver",),
    ("partner",), ("partner",), ("quarter",), ("loyal",), ("team-only",), ("odd",), ("tenner",), ("quarter", "loyal"),
    ("loyal", "partner"), ("betatest",), ("partner", "quarter"), *((),) * 22,
)  # fmt: skip
_IN_MONEY = {"fiver", "loyal", "tenner"}
_FEEDBACK = ("too_expensive", "missing_features", "switched_service", "unused", "customer_service", "too_complex")
_MORE_FEEDBACK = ("low_quality", "other")
_COMMENTS = (
    "We moved to a <b>competitor</b>.",
    '=HYPERLINK("http://example.com","refund me")',
    "Too many emails 😤",
    "لم نعد بحاجة إليها",
    'My boss said: "no more", sorry',
    "-1+1",
    "Great product, wrong time.",
    "The import never worked; support took 9 days\nto answer.",
)


def arrive(stage: Stage, no: int) -> None:
    """Customer number `no` signs up."""
    chance = stream(stage.business.seed, no)
    role = _CAST[no * 37 % len(_CAST)]
    currency = _currency(role, chance.choices(*_split(_CURRENCIES))[0])
    customer = people.newcomer(stage.business, no, stage.now, currency, stage.tax_rates.values(), chance)
    stage.customers.append(customer)
    order = None if role == "lead" else _order(stage, customer, role)
    if role != "lead" and not (order and order.trial_without_card != "create_invoice"):
        customer.card = people.new_card(stage.business, customer, stage.now)
        if role == "starter-usd-day":
            customer.card.exp_year += 9
            customer.trouble = 0.0
        stage.touch(customer.card, "payment_method.attached")
    stage.touch(customer, "customer.created")
    if order is not None:
        _begin(stage, customer, order)


def come_back(stage: Stage, customer: Customer) -> None:
    """A customer who left starts again."""
    if customer.deleted or any(sub.live for sub in customer.subscriptions):
        return
    payments.replace_card(stage, customer)
    product = customer.chance.choice(("starter", "team"))
    _begin(stage, customer, _simple(stage, customer, product))


def begin_other(stage: Stage, customer: Customer, product: str) -> None:
    """A customer starts a further subscription, or another one in the place of one just left."""
    if not customer.deleted:
        _begin(stage, customer, _simple(stage, customer, product))


def visit(stage: Stage, sub: Subscription) -> None:
    """About once a month the customer thinks about the subscription, and sometimes does something."""
    if not sub.live:
        return
    chance = sub.customer.chance
    stage.later(stage.now + chance.randrange(20 * DAY, 40 * DAY), "behaviour.visit", sub)
    _use(sub)
    if sub.status == "past_due" and any(invoice.attempts for invoice in sub.overdue):
        if chance.random() < 0.45 and _calm(stage, sub):
            subscriptions.cancel_now(stage, sub, *_why(stage, sub))
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
    return min(0.6, risk)


def _begin(stage: Stage, customer: Customer, order: Order) -> None:
    sub = subscriptions.start(stage, customer, order)
    chance = customer.chance
    if sub.trial_end is not None and sub.trial_start is not None:
        _plan_trial(stage, sub)
    stage.later(max(stage.now, sub.trial_end or 0) + chance.randrange(9 * DAY, 40 * DAY), "behaviour.visit", sub)


def _plan_trial(stage: Stage, sub: Subscription) -> None:
    """Some leave while they try."""
    fate, now, end = sub.customer.chance.random(), stage.now, sub.trial_end or stage.now
    when = sub.customer.chance.randrange(now + HOUR, end - 2 * HOUR)
    if fate < 0.14:
        stage.later(when, "behaviour.give_up_trial", sub, False)
    elif fate < 0.24:
        stage.later(when, "behaviour.give_up_trial", sub, True)


def give_up_trial(stage: Stage, sub: Subscription, at_end: bool) -> None:
    """The customer cancels while trying, at once or for the end of the trial."""
    if sub.status == "trialing":
        leave = subscriptions.cancel_at_period_end if at_end else subscriptions.cancel_now
        leave(stage, sub, *_why(stage, sub))


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
        subscriptions.cancel_now(stage, sub, *_why(stage, sub))
    else:
        subscriptions.cancel_at_period_end(stage, sub, *_why(stage, sub))
        if chance.random() < 0.12 and sub.period_end - stage.now > 3 * DAY:
            stage.later(chance.randrange(stage.now + HOUR, sub.period_end - DAY), "subscriptions.keep", sub)


def _switch(stage: Stage, sub: Subscription) -> None:
    """Another plan by way of a new subscription: at once, later that day, or the next."""
    customer, chance = sub.customer, sub.customer.chance
    product = "team" if sub.items[0].price.product == "starter" else "starter"
    subscriptions.cancel_now(stage, sub, "other", "switching plans")
    wait = chance.choice((0, 0, 2 * HOUR, 20 * HOUR))
    if wait:
        stage.later(stage.now + wait, "behaviour.begin_other", customer, product)
    else:
        begin_other(stage, customer, product)


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
        return price.product in _QUANTITIES
    if act in ("upgrade", "downgrade"):
        return _neighbour(stage, sub, 1 if act == "upgrade" else -1) is not None
    if act in ("add_module", "drop_module"):
        paying = sub.interval == ("month", 1) and price.product != "free"
        return paying and (act == "add_module" or len(sub.items) > 1)
    if act in ("go_yearly", "go_monthly"):
        return plain and len(sub.items) == 1 and _other_interval(stage, sub, act) is not None
    if act == "coupon":
        return not sub.discounts and not any(item.discounts for item in sub.items) and not sub.wish
    return plain and price.interval in ("month", "year") and not sub.wish and (act != "pause" or sub.flexible)


def _more_seats(stage: Stage, sub: Subscription) -> None:
    item = sub.items[0]
    quantity = item.quantity or 1
    more = max(1, quantity * sub.customer.chance.randint(5, 60) // 100)
    subscriptions.change_item(stage, sub, item, item.price, quantity + more, at_once=_at_once(sub))


def _fewer_seats(stage: Stage, sub: Subscription) -> None:
    item = sub.items[0]
    quantity = item.quantity or 1
    less = max(1, quantity * sub.customer.chance.randint(10, 60) // 100)
    if quantity > less:
        sub.customer.shrunk_at = stage.now
        subscriptions.change_item(stage, sub, item, item.price, quantity - less, at_once=_at_once(sub))


def _upgrade(stage: Stage, sub: Subscription) -> None:
    _move(stage, sub, 1)


def _downgrade(stage: Stage, sub: Subscription) -> None:
    sub.customer.shrunk_at = stage.now
    _move(stage, sub, -1)


def _move(stage: Stage, sub: Subscription, step: int) -> None:
    price = _neighbour(stage, sub, step)
    if price is not None:
        sub.wish = ""
        quantity = _quantity(sub.customer, price.product) if step > 0 else min(sub.items[0].quantity or 1, 3)
        quantity = quantity if price.product in _QUANTITIES else 1
        subscriptions.change_item(stage, sub, sub.items[0], price, quantity, at_once=_at_once(sub))


def _add_module(stage: Stage, sub: Subscription) -> None:
    held = {item.price.product for item in sub.items}
    free = [key for key in MODULES if key not in held]
    if free:
        price = stage.prices[f"{sub.customer.chance.choice(free)}-{sub.currency}-month"]
        subscriptions.add_item(stage, sub, price, sub.customer.chance.randint(1, 3), at_once=_at_once(sub))


def _drop_module(stage: Stage, sub: Subscription) -> None:
    items = [item for item in sub.items[1:] if item.price.usage_type == "licensed"]
    if items:
        sub.customer.shrunk_at = stage.now
        subscriptions.remove_item(stage, sub, sub.customer.chance.choice(items), at_once=_at_once(sub))


def _go_yearly(stage: Stage, sub: Subscription) -> None:
    price = _other_interval(stage, sub, "go_yearly")
    if price is not None:
        sub.wish = ""
        subscriptions.change_interval(stage, sub, price)


def _go_monthly(stage: Stage, sub: Subscription) -> None:
    price = _other_interval(stage, sub, "go_monthly")
    if price is not None:
        sub.wish = f"price:{price.key}"


def _pause(stage: Stage, sub: Subscription) -> None:
    sub.wish = f"pause:{sub.customer.chance.randint(12, 90)}"


def _pause_void(stage: Stage, sub: Subscription) -> None:
    if sub.interval == ("month", 1):
        sub.wish = f"void:{sub.customer.chance.randint(1, 3)}"


def _pause_drafts(stage: Stage, sub: Subscription) -> None:
    if sub.interval == ("month", 1):
        subscriptions.pause_collection(stage, sub, stage.now + sub.customer.chance.randint(20, 60) * DAY)


def _pay_once(stage: Stage, sub: Subscription) -> None:
    aftermath.pay_once(stage, sub.customer)


def _second(stage: Stage, sub: Subscription) -> None:
    begin_other(stage, sub.customer, "starter")


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
_LADDER = ("free", "starter", "team", "business")


def _neighbour(stage: Stage, sub: Subscription, step: int) -> Price | None:
    """The same rhythm of the plan above or below; nobody goes down to free."""
    price = sub.items[0].price
    if price.product not in _LADDER or price.inline:
        return None
    place = _LADDER.index(price.product) + step
    if not 1 <= place < len(_LADDER):
        return None
    return stage.for_sale(f"{_LADDER[place]}-{price.currency}-{_rhythm(price)}")


def _other_interval(stage: Stage, sub: Subscription, act: str) -> Price | None:
    price = sub.items[0].price
    wanted, held = ("year", ("month", 1)) if act == "go_yearly" else ("month", ("year", 1))
    if sub.interval != held or price.product not in _LADDER or price.inline or _expiring(stage, sub):
        return None
    return stage.for_sale(f"{price.product}-{price.currency}-{wanted}")


def _expiring(stage: Stage, sub: Subscription) -> bool:
    """Whether a discount is over already but still in the price of the running period."""
    return any(each.end is not None and each.end <= stage.now for each in sub.discounts)


def _rhythm(price: Price) -> str:
    return {("month", 3): "quarter", ("month", 1): "month", ("year", 1): "year"}.get(
        (price.interval, price.interval_count), "other"
    )


def _order(stage: Stage, customer: Customer, role: str) -> Order:
    """What a newcomer of that role signs up for, gifts and oddities included."""
    order = _ROLE_ORDERS.get(role, _listed)(stage, customer, role)
    order = replace(order, flexible=customer.no % 3 != 1)
    return _with_oddities(stage, customer, _with_gifts(stage, customer, order), role)


def _listed(stage: Stage, customer: Customer, role: str) -> Order:
    product, _, rhythm = role.partition("-")
    price = stage.prices.get(role) or stage.for_sale(f"{product}-{customer.currency}-{rhythm}")
    if price is None:
        raise KeyError(f"no price for {role} in {customer.currency}: add one to the catalogue")
    return Order(((price, _quantity(customer, price.product)),))


def _inline(stage: Stage, customer: Customer, role: str) -> Order:
    usual = stage.prices[f"business-{customer.currency}-month"]
    agreed = usual.unit * customer.chance.choice((60, 75, 90, 120)) / 100
    price = replace(
        usual,
        key=f"inline-{customer.no}",
        id=stage.business.id("price_1", 23, "inline", customer.no),
        unit=agreed,
        inline=True,
        nickname="agreed by letter",
    )
    stage.touch(Offer(price, stage.now), "price.created", "plan.created")
    stage.write()
    return Order(((price, 1),))


def _big(stage: Stage, customer: Customer, role: str) -> Order:
    chance = customer.chance
    modules = tuple((stage.prices[f"{key}-{customer.currency}-month"], chance.randint(1, 9)) for key in MODULES)
    return Order(((stage.prices[f"business-{customer.currency}-month"], 1), *modules))


def _with_meter(stage: Stage, customer: Customer, role: str) -> Order:
    base = _listed(stage, customer, "team-month")
    return replace(base, items=(*base.items, (stage.prices[f"usage-{customer.currency}-month"], None)))


def _everywhere(stage: Stage, customer: Customer, role: str) -> Order:
    return Order(((stage.prices["everywhere-usd-month"].charged_in(customer.currency), 1),))


def _sent(stage: Stage, customer: Customer, role: str) -> Order:
    rhythm = customer.chance.choice(("month", "quarter", "year"))
    base = _listed(stage, customer, f"business-{rhythm}")
    return replace(base, days_until_due=customer.chance.choice((14, 30)))


def _contract(stage: Stage, customer: Customer, role: str) -> Order:
    return replace(_listed(stage, customer, "team-month"), contract_periods=customer.chance.choice((4, 6, 12)))


_ROLE_ORDERS = {
    "inline": _inline,
    "big": _big,
    "metered": _with_meter,
    "everywhere": _everywhere,
    "sent": _sent,
    "contract": _contract,
}


def _simple(stage: Stage, customer: Customer, product: str) -> Order:
    return replace(_listed(stage, customer, f"{product}-month"), flexible=customer.no % 3 != 1)


def _with_gifts(stage: Stage, customer: Customer, order: Order) -> Order:
    gifts = _GIFTS[customer.no * 53 % len(_GIFTS)]
    metered = any(price.usage_type == "metered" for price, _ in order.items)
    in_money = any(gift in _IN_MONEY for gift in gifts)
    if order.items[0][0].product == "free" or (metered and in_money):
        return order
    if in_money and customer.currency not in ("usd", "eur"):
        return order
    if customer.currency == "gbp" and (len(gifts) > 1 or "odd" in gifts):
        return order
    coupons = tuple(stage.coupons[gift] for gift in gifts)
    if any(each.deleted_month is not None and each.deleted_month <= stage.month() for each in coupons):
        return order
    item_coupons = (stage.coupons["module-30"],) if len(order.items) > 9 and customer.currency != "gbp" else ()
    return replace(order, coupons=coupons, item_coupons=item_coupons)


def _with_oddities(stage: Stage, customer: Customer, order: Order, role: str) -> Order:
    """Trials, first payments that fail, dates in the past: by number, so that each happens."""
    rhythm, no = _rhythm(order.items[0][0]), customer.no
    due = order.days_until_due is None and role not in ("free-month", "contract", "starter-usd-day")
    used_once = any(coupon.duration == "once" or coupon.percent_off == 100 for coupon in order.coupons)
    if due and rhythm in ("month", "year") and no % 10 in (1, 4, 6, 7) and not used_once:
        without_card = {3: "pause", 4: "cancel"}.get(no // 10 % 7, "create_invoice")
        return replace(order, trial_days=(14, 30, 14, 7)[no // 10 % 4], trial_without_card=without_card)
    if due and no % 25 == 9 and not used_once:
        return replace(order, first_payment_fails=True)
    if due and rhythm in ("month", "year") and no % 37 == 11:
        return replace(order, backdated_days=12 if rhythm == "month" else 45)
    return order


def _quantity(customer: Customer, product: str) -> int:
    low, high = _QUANTITIES.get(product, (1, 1))
    return customer.chance.randint(low, high)


def _currency(role: str, drawn: str) -> str:
    """The currency drawn, unless the role's prices are in fewer."""
    named = next((code for code in ("usd", "eur") if f"-{code}-" in role), None)
    if named:
        return named
    if role == "everywhere":
        return drawn if drawn in ("eur", "jpy") else "eur"
    return drawn if role not in _TWO_CURRENCIES or drawn in ("usd", "eur") else "usd"


def _split(table: tuple[tuple[str, int], ...]) -> tuple[list[str], list[int]]:
    return [name for name, _ in table], [weight for _, weight in table]


def _at_once(sub: Subscription) -> bool:
    return sub.collection == "charge_automatically" and sub.customer.chance.random() < 0.45


def _calm(stage: Stage, sub: Subscription) -> bool:
    """Whether nothing else of the subscription happens near this second."""
    return (
        sub.period_start + 2 * HOUR < stage.now < sub.period_end - 2 * HOUR
        and stage.now != sub.changed_at
        and sub.interval[0] != "day"
    ) or (sub.interval == ("day", 1) and stage.now > sub.period_start + 2 * HOUR)


def _use(sub: Subscription) -> None:
    for item in sub.items:
        if item.price.usage_type == "metered":
            item.usage += _calls(sub, item)


def _calls(sub: Subscription, item: Item) -> int:
    """Calls since the last visit: those who are about to shrink call less."""
    busy = sub.customer.chance.randint(500, 20_000)
    return busy // 4 if sub.customer.shrunk_at or sub.customer.failed_at else busy


def _why(stage: Stage, sub: Subscription) -> tuple[str | None, str | None]:
    """Feedback, which leans to what happened, and now and then a comment."""
    customer, chance = sub.customer, sub.customer.chance
    if chance.random() < 0.25:
        return None, None
    feedback = chance.choice(_FEEDBACK + _MORE_FEEDBACK)
    if stage.now - customer.shocked_at < 75 * DAY:
        feedback = "too_expensive"
    elif stage.now - customer.shrunk_at < 100 * DAY and chance.random() < 0.6:
        feedback = "unused"
    return feedback, chance.choice(_COMMENTS) if chance.random() < 0.35 else None
