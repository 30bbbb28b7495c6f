"""Who signs up for what: roles, gifts and oddities handed out by number, so that every kind of customer exists.

Draws from the customer's own stream; what customers do later is elsewhere.
"""

from dataclasses import replace

from sandbox.world import cancellations, farewells, payments, people, plans, subscriptions
from sandbox.world.business import MODULES
from sandbox.world.periods import DAY, HOUR
from sandbox.world.randomness import stream
from sandbox.world.stage import Stage
from sandbox.world.state import Customer, Offer, Subscription
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
_GIFTS = (
    ("welcome",), ("welcome",), ("launch",), ("launch",), ("launch",), ("half",), ("half",), ("gift",), ("fiver",),
    ("partner",), ("partner",), ("quarter",), ("loyal",), ("team-only",), ("odd",), ("tenner",), ("quarter", "loyal"),
    ("loyal", "partner"), ("betatest",), ("partner", "quarter"), *((),) * 22,
)  # fmt: skip
_IN_MONEY = {"fiver", "loyal", "tenner"}


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


def give_up_trial(stage: Stage, sub: Subscription, at_end: bool) -> None:
    """The customer cancels while trying, at once or for the end of the trial."""
    if sub.status == "trialing":
        leave = cancellations.cancel_at_period_end if at_end else cancellations.cancel_now
        leave(stage, sub, *farewells.why(stage, sub))


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
        stage.later(when, "signups.give_up_trial", sub, False)
    elif fate < 0.24:
        stage.later(when, "signups.give_up_trial", sub, True)


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
    return Order(((price, plans.quantity(customer, price.product)),))


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
    rhythm, no = plans.rhythm(order.items[0][0]), customer.no
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
