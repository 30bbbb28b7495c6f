"""What a state of a subscription is worth a month, rounded once: half to even, to a millionth of a minor unit.

Values only: a state is one item's price, quantity, discounts and tax; items billed together share amounts off.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property

import polars as pl

from models.discounts import Coupon, Discountable, coupon_from_row, net_amounts
from models.plans import collected
from models.policy import MetricPolicy
from models.pricing import Price, list_amount, price_from_row

MICROS = 1_000_000
TOO_MANY = 10**12 * MICROS
"""What no item may be worth a month, for MRR is published as DECIMAL(18,6) of minor units."""
PERIOD_DAYS = {"day": 1, "week": 7, "month": 30, "year": 365}

ITEM_STATE = (
    "account_id",
    "price_id",
    "quantity",
    "currency",
    "item_coupons",
    "invoice_coupons",
    "kept",
    "taxed",
    "line_amount",
    "line_count",
)
"""Columns that an item's worth depends on. Coupons are ids separated by commas, counted ones alone; `kept` of `taxed`
minor units is what inclusive tax leaves; `line_amount` is what the item's last `line_count` lines came to, for metered
prices and those that do not say."""


class TooLargeError(ValueError):
    """An item is worth more a month than MRR can be published of; says its price and quantity."""


@dataclass(frozen=True)
class State:
    """One item's state, the values of `ITEM_STATE`."""

    account_id: str
    price_id: str | None
    quantity: int
    currency: str
    item_coupons: str
    invoice_coupons: str
    kept: int
    taxed: int
    line_amount: int | None
    line_count: int


@dataclass(frozen=True)
class Worth:
    """What an item is worth a month, in micros, before and after discounts; `is_known`: whether its price says so."""

    list_micros: int
    mrr_micros: int
    is_known: bool


Factors = tuple[Fraction, Fraction, bool]
"""The rules that a worth depends on besides the state: those of weeks, days and months."""


@dataclass(frozen=True)
class Catalogue:
    """Prices and coupons by account and id, with the policy that says how long a month is. It remembers worths."""

    prices: Mapping[tuple[str, str], Price]
    coupons: Mapping[tuple[str, str], Coupon]
    policy: MetricPolicy
    _by_factors: dict[Factors, dict[tuple[State, ...], list[Worth]]] = field(default_factory=dict, repr=False)

    @cached_property
    def shared(self) -> frozenset[tuple[str, str]]:
        """Coupons that take an amount off an invoice, so that what one item gets depends on the others."""
        return frozenset(key for key, coupon in self.coupons.items() if coupon.percent_off is None)

    def under(self, policy: MetricPolicy) -> "Catalogue":
        """The same prices and coupons under another policy; what is remembered is shared."""
        return replace(self, policy=policy)

    def worths(self, items: tuple[State, ...]) -> list[Worth]:
        """`subscription_worth`, worked out once."""
        known = self._known
        if items not in known:
            known[items] = subscription_worth(items, self)
        return known[items]

    @cached_property
    def _known(self) -> dict[tuple[State, ...], list[Worth]]:
        policy = self.policy
        factors = (policy.week_factor, policy.day_factor, policy.treat_28_31_day_as_month)
        return self._by_factors.setdefault(factors, {})


def catalogue(prices: pl.LazyFrame, coupons: pl.LazyFrame, policy: MetricPolicy) -> Catalogue:
    """The catalogue from staging.prices and staging.coupons."""
    return Catalogue(
        {(row["account_id"], row["id"]): price_from_row(row) for row in prices.pipe(collected).iter_rows(named=True)},
        {(row["account_id"], row["id"]): coupon_from_row(row) for row in coupons.pipe(collected).iter_rows(named=True)},
        policy,
    )


def subscription_worth(items: Sequence[State], catalogue: Catalogue) -> list[Worth]:
    """Each item's worth a month among the items that are billed with it."""
    prices = [catalogue.prices.get((item.account_id, item.price_id or "")) for item in items]
    amounts = [_amount(item, price) for item, price in zip(items, prices, strict=True)]
    billed = [
        Discountable(
            amount or Fraction(0),
            price.product_id if price else None,
            _coupons(item.account_id, item.item_coupons, catalogue),
            PERIOD_DAYS.get(price.interval or "month", 30) * price.interval_count if price else 30,
        )
        for item, price, amount in zip(items, prices, amounts, strict=True)
    ]
    nets = net_amounts(billed, _coupons(items[0].account_id, items[0].invoice_coupons, catalogue), items[0].currency)
    return [
        Worth(
            _monthly(one.amount, item, price, catalogue.policy),
            _monthly(net, item, price, catalogue.policy),
            amount is not None and price is not None and price.interval is not None,
        )
        for item, price, amount, one, net in zip(items, prices, amounts, billed, nets, strict=True)
    ]


def _amount(item: State, price: Price | None) -> Fraction | None:
    amount = None if price is None or price.is_metered else list_amount(price, item.quantity, item.currency)
    if amount is None and item.line_amount is not None:
        return Fraction(item.line_amount, item.line_count)
    return amount


def _coupons(account_id: str, ids: str, catalogue: Catalogue) -> tuple[Coupon, ...]:
    coupons = (catalogue.coupons.get((account_id, one)) for one in ids.split(",") if one)
    return tuple(one for one in coupons if one is not None)


def _monthly(amount: Fraction, item: State, price: Price | None, policy: MetricPolicy) -> int:
    if price is None or price.interval is None:
        return 0
    periods = policy.periods_a_month(price.interval, price.interval_count)
    micros = round(amount * Fraction(item.kept, item.taxed) * periods * MICROS)
    if abs(micros) >= TOO_MANY:
        raise TooLargeError(f"price {item.price_id} of quantity {item.quantity:,}")
    return micros
