"""What a quantity of a price costs for one billing period: exact, in minor units, before discounts.

Plain values, no frames. Rules: docs.stripe.com/billing/subscriptions/quantities and /products-prices/pricing-models.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any


@dataclass(frozen=True)
class Tier:
    """One step of a tiered price, up to and including `up_to` units; None: without end."""

    up_to: int | None
    unit: Fraction
    flat: Fraction


@dataclass(frozen=True)
class Amounts:
    """What a price costs in one currency; `unit` is None where tiered or not known."""

    unit: Fraction | None
    tiers: tuple[Tier, ...] = ()


@dataclass(frozen=True)
class Price:
    """A recurring price as pricing sees it."""

    id: str
    product_id: str | None
    currency: str
    amounts: Mapping[str, Amounts]
    """By currency: the price's own and those of its currency options."""
    interval: str | None = "month"
    interval_count: int = 1
    tiers_mode: str | None = None
    divide_by: int | None = None
    round: str = "up"
    is_metered: bool = False
    """What it costs is told by what was used, not by a quantity."""


def list_amount(price: Price, quantity: int, currency: str | None = None) -> Fraction | None:
    """What `quantity` costs for one billing period in minor units; None where the price does not say.

    `currency` is the subscription's, where it differs from the price's.
    """
    amounts = price.amounts.get(currency or price.currency)
    if amounts is None:
        return None
    if amounts.tiers:
        return _volume(amounts.tiers, quantity) if price.tiers_mode == "volume" else _graduated(amounts.tiers, quantity)
    if amounts.unit is None:
        return None
    return amounts.unit * _packages(quantity, price.divide_by, price.round)


def price_from_row(row: Mapping[str, Any]) -> Price:
    """A price from its row of staging.prices."""
    currency = row["currency"] or ""
    options = json.loads(row["currency_options"]) if row["currency_options"] else {}
    amounts = {code: _amounts(option) for code, option in options.items()}
    amounts[currency] = Amounts(_exact(row["unit_amount_decimal"], row["unit_amount"]), _tiers(row["tiers"] or ()))
    return Price(
        id=row["id"],
        product_id=row["product_id"],
        currency=currency,
        amounts=amounts,
        interval=row["recurring_interval"],
        interval_count=row["recurring_interval_count"] or 1,
        tiers_mode=row["tiers_mode"],
        divide_by=row["transform_quantity_divide_by"],
        round=row["transform_quantity_round"] or "up",
        is_metered=row.get("recurring_usage_type") == "metered",
    )


def _amounts(option: Mapping[str, Any]) -> Amounts:
    return Amounts(
        _exact(option.get("unit_amount_decimal"), option.get("unit_amount")), _tiers(option.get("tiers") or ())
    )


def _tiers(tiers: Sequence[Mapping[str, Any]]) -> tuple[Tier, ...]:
    return tuple(
        Tier(
            tier.get("up_to"),
            _exact(tier.get("unit_amount_decimal"), tier.get("unit_amount")) or Fraction(0),
            _exact(tier.get("flat_amount_decimal"), tier.get("flat_amount")) or Fraction(0),
        )
        for tier in tiers
    )


def _exact(with_decimals: Decimal | str | None, whole: int | None) -> Fraction | None:
    if with_decimals is not None:
        return Fraction(with_decimals)
    return None if whole is None else Fraction(whole)


def _packages(quantity: int, divide_by: int | None, rounding: str) -> int:
    if not divide_by:
        return quantity
    return quantity // divide_by if rounding == "down" else -(-quantity // divide_by)


def _graduated(tiers: Sequence[Tier], quantity: int) -> Fraction:
    """Each unit at the price of the tier it falls in, and the flat fee of every tier entered."""
    cost, below = Fraction(0), 0
    for tier in tiers:
        if quantity <= below:
            break
        upto = quantity if tier.up_to is None else min(quantity, tier.up_to)
        cost += (upto - below) * tier.unit + tier.flat
        below = upto
    return cost


def _volume(tiers: Sequence[Tier], quantity: int) -> Fraction:
    """Every unit at the price of the tier that holds the whole quantity, and that tier's flat fee."""
    if quantity <= 0:
        return Fraction(0)
    for tier in tiers:
        if tier.up_to is None or quantity <= tier.up_to:
            return quantity * tier.unit + tier.flat
    return quantity * tiers[-1].unit + tiers[-1].flat
