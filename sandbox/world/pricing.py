"""What a quantity of a price costs, what discounts take off, what a change in mid-period is worth: exact fractions.

Owns the arithmetic of invoices and of the books. Knows values only: no clock, no customers, no API objects.
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import Protocol

from sandbox.world.business import Coupon, Price, Tier

MONTHLY = {"month": Fraction(1), "year": Fraction(1, 12), "week": Fraction(52, 12), "day": Fraction(365, 12)}
MICROS = 1_000_000


class Discounted(Protocol):
    """An item as discounts see it."""

    @property
    def price(self) -> Price: ...
    @property
    def quantity(self) -> int | None: ...
    @property
    def coupons(self) -> Sequence[Coupon]: ...


def cost(price: Price, quantity: int) -> Fraction:
    """What `quantity` of a price costs for one billing interval, in minor units, before discounts."""
    if price.tiers:
        return _graduated(price.tiers, quantity) if price.tiers_mode == "graduated" else _volume(price.tiers, quantity)
    if price.divide_by:
        whole, rest = divmod(quantity, price.divide_by)
        return price.unit * (whole + (1 if rest and price.round == "up" else 0))
    return price.unit * quantity


def worths(items: Sequence[Discounted], coupons: Sequence[Coupon], kept: Fraction = Fraction(1)) -> list[int]:
    """Each item's monthly worth in micros of a minor unit, after discounts that recur.

    `coupons` are the subscription's, in order; `kept` is the share left once tax inside the price is taken out.
    Metered items are worth 0.
    """
    net = nets(items, coupons)
    return [
        half_even(amount * kept * MONTHLY[item.price.interval] / item.price.interval_count * MICROS)
        for item, amount in zip(items, net, strict=True)
    ]


def nets(items: Sequence[Discounted], coupons: Sequence[Coupon]) -> list[Fraction]:
    """Each item's cost for one billing interval in minor units, less recurring discounts: its own first."""
    left = [
        Fraction(0) if item.price.usage_type == "metered" else cost(item.price, item.quantity or 0) for item in items
    ]
    products = [item.price.product for item in items]
    for index, item in enumerate(items):
        for coupon in item.coupons:
            left[index] -= taken([left[index]], [products[index]], coupon, item.price.currency)[0]
    for coupon in coupons:
        shares = taken(left, products, coupon, items[0].price.currency)
        left = [amount - share for amount, share in zip(left, shares, strict=True)]
    return left


def taken(left: Sequence[Fraction], products: Sequence[str], coupon: Coupon, currency: str) -> list[Fraction]:
    """What one recurring coupon takes off each remaining amount; coupons that apply once take nothing."""
    if coupon.duration == "once":
        return [Fraction(0)] * len(left)
    return reduction(left, products, coupon, currency)


def reduction(left: Sequence[Fraction], products: Sequence[str], coupon: Coupon, currency: str) -> list[Fraction]:
    """What a coupon takes off each remaining amount: a percentage of each, or whole units shared pro rata."""
    eligible = [
        amount if amount > 0 and (not coupon.products or product in coupon.products) else Fraction(0)
        for amount, product in zip(left, products, strict=True)
    ]
    if coupon.percent_off is not None:
        return [amount * coupon.percent_off / 100 for amount in eligible]
    return shared(coupon.off_in(currency), eligible)


def shared(amount: int, weights: Sequence[Fraction]) -> list[Fraction]:
    """`amount` whole units shared pro rata, left-over units to the largest remainders; never more than the weight."""
    total = sum(weights, Fraction(0))
    if total <= amount:
        return list(weights)
    exact = [weight * amount / total for weight in weights]
    units = [share.numerator // share.denominator for share in exact]
    by_remainder = sorted(range(len(exact)), key=lambda index: (units[index] - exact[index], index))
    for index in by_remainder[: amount - sum(units)]:
        units[index] += 1
    return [min(Fraction(unit), weight) for unit, weight in zip(units, weights, strict=True)]


def prorated(amount: Fraction, at: int, start: int, end: int, step: int = 1) -> int:
    """The part of a period's amount that lies in [at, end), in whole minor units (multiples of `step`)."""
    return half_up(amount * (end - at) / (end - start), step)


def half_up(amount: Fraction, step: int = 1) -> int:
    """The nearest multiple of `step`; halves go away from zero, as on invoices."""
    doubled = abs(amount) * 2 / step
    rounded = (doubled.numerator // doubled.denominator + 1) // 2 * step
    return rounded if amount >= 0 else -rounded


def half_even(amount: Fraction) -> int:
    """The nearest integer; halves go to the even one."""
    return round(amount)


def _graduated(tiers: Sequence[Tier], quantity: int) -> Fraction:
    total, below = Fraction(0), 0
    for tier in tiers:
        if quantity <= below:
            break
        upper = quantity if tier.up_to is None else min(quantity, tier.up_to)
        total += (upper - below) * tier.unit + tier.flat
        below = upper
    return total


def _volume(tiers: Sequence[Tier], quantity: int) -> Fraction:
    if quantity <= 0:
        return Fraction(0)
    tier = next(tier for tier in tiers if tier.up_to is None or quantity <= tier.up_to)
    return quantity * tier.unit + tier.flat
