"""What coupons leave of the items of one subscription: exact, in minor units.

Item coupons first, then the subscription's, each list in its order (docs.stripe.com/billing/subscriptions/coupons). A
percentage lowers every eligible item; an amount is per invoice, so it is shared among the items billed together.
Plain values, no frames.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any


@dataclass(frozen=True)
class Coupon:
    """A coupon as discounting sees it: `percent_off`, or `amounts_off` by currency."""

    id: str
    duration: str = "forever"
    percent_off: Fraction | None = None
    amounts_off: tuple[tuple[str, int], ...] = ()
    products: frozenset[str] = frozenset()
    """Products it is restricted to; empty: all."""

    def off_in(self, currency: str) -> int:
        """The amount off in a currency; 0 where it has none."""
        return dict(self.amounts_off).get(currency, 0)


@dataclass(frozen=True)
class Discountable:
    """One item with what it costs for a billing period, in minor units."""

    amount: Fraction
    product_id: str | None
    coupons: tuple[Coupon, ...] = ()
    period_days: Fraction | int = 30
    """About how long its billing period is: an amount off goes to the items that are billed most often."""


def net_amounts(items: Sequence[Discountable], coupons: Sequence[Coupon], currency: str) -> list[Fraction]:
    """What is left of each item after its own coupons and then the subscription's.

    Coupons take nothing below zero. An item that costs less than nothing, as some merchants sell a rebate, stays as it
    is: no coupon is for it.
    """
    left = [item.amount for item in items]
    for place, item in enumerate(items):
        for coupon in item.coupons:
            left[place] -= _reductions([left[place]], [item], coupon, currency)[0]
    for coupon in coupons:
        left = [amount - off for amount, off in zip(left, _reductions(left, items, coupon, currency), strict=True)]
    return left


def coupon_from_row(row: Mapping[str, Any]) -> Coupon:
    """A coupon from its row of staging.coupons."""
    amounts = {}
    for currency, option in json.loads(row["currency_options"] or "{}").items():
        amounts[currency] = int(option["amount_off"])
    if row["amount_off"] is not None and row["currency"]:
        amounts[row["currency"]] = row["amount_off"]
    return Coupon(
        id=row["id"],
        duration=row["duration"] or "forever",
        percent_off=None if row["percent_off"] is None else Fraction(row["percent_off"]),
        amounts_off=tuple(sorted(amounts.items())),
        products=frozenset(row["applies_to_products"] or ()),
    )


def _reductions(
    left: Sequence[Fraction], items: Sequence[Discountable], coupon: Coupon, currency: str
) -> list[Fraction]:
    """What one coupon takes off each item."""
    eligible = [
        max(amount, Fraction(0)) if not coupon.products or item.product_id in coupon.products else Fraction(0)
        for amount, item in zip(left, items, strict=True)
    ]
    if coupon.percent_off is not None:
        return [amount * coupon.percent_off / 100 for amount in eligible]
    shortest = min((item.period_days for item, amount in zip(items, eligible, strict=True) if amount), default=0)
    together = [
        amount if item.period_days == shortest else Fraction(0) for item, amount in zip(items, eligible, strict=True)
    ]
    return _shares(coupon.off_in(currency), together)


def _shares(amount_off: int, amounts: Sequence[Fraction]) -> list[Fraction]:
    """`amount_off` in whole minor units pro rata to the amounts, the odd ones to the largest remainders."""
    total = sum(amounts, Fraction(0))
    if total <= amount_off:
        return list(amounts)
    exact = [amount * amount_off / total for amount in amounts]
    shares = [int(share) for share in exact]
    odd = amount_off - sum(shares)
    for place in sorted(range(len(exact)), key=lambda place: (shares[place] - exact[place], place))[:odd]:
        shares[place] += 1
    return [min(Fraction(share), amount) for share, amount in zip(shares, amounts, strict=True)]
