"""Which plan is next to which: the ladder, its rhythms, the usual quantities. Knows nothing of why anyone moves."""

from sandbox.world.business import Price
from sandbox.world.stage import Stage
from sandbox.world.state import Customer, Subscription

QUANTITIES = {
    "team": (2, 24),
    "contacts": (900, 9_000),
    "support": (1, 40),
    "storage": (40, 2_400),
    "messages": (400, 9_000),
}
_LADDER = ("free", "starter", "team", "business")


def neighbour(stage: Stage, sub: Subscription, step: int) -> Price | None:
    """The same rhythm of the plan above or below; nobody goes down to free."""
    price = sub.items[0].price
    if price.product not in _LADDER or price.inline:
        return None
    place = _LADDER.index(price.product) + step
    if not 1 <= place < len(_LADDER):
        return None
    return stage.for_sale(f"{_LADDER[place]}-{price.currency}-{rhythm(price)}")


def other_interval(stage: Stage, sub: Subscription, act: str) -> Price | None:
    """The same plan by the year (`go_yearly`) or by the month (`go_monthly`), where that is sold."""
    price = sub.items[0].price
    wanted, held = ("year", ("month", 1)) if act == "go_yearly" else ("month", ("year", 1))
    if sub.interval != held or price.product not in _LADDER or price.inline or _expiring(stage, sub):
        return None
    return stage.for_sale(f"{price.product}-{price.currency}-{wanted}")


def rhythm(price: Price) -> str:
    """How often a price bills, as the catalogue's keys say it."""
    return {("month", 3): "quarter", ("month", 1): "month", ("year", 1): "year"}.get(
        (price.interval, price.interval_count), "other"
    )


def quantity(customer: Customer, product: str) -> int:
    """How many a customer usually takes of a product."""
    low, high = QUANTITIES.get(product, (1, 1))
    return customer.chance.randint(low, high)


def _expiring(stage: Stage, sub: Subscription) -> bool:
    """Whether a discount is over already but still in the price of the running period."""
    return any(each.end is not None and each.end <= stage.now for each in sub.discounts)
