"""What is for sale: products, prices, coupons, tax rates. Knows nothing of who buys."""
# ruff: noqa: A002 -- parameters carry the API's own field names

from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def product(
    *,
    id: str,
    created: int,
    name: str,
    description: str | None = None,
    active: bool = True,
    default_price: str | None = None,
    unit_label: str | None = None,
    updated: int | None = None,
    metadata: dict[str, str] | None = None,
) -> dict[str, Any]:
    """A service; `updated` is its creation unless said."""
    return {
        "id": id,
        "object": "product",
        "active": active,
        "created": created,
        "default_price": default_price,
        "description": description,
        "images": [],
        "livemode": False,
        "marketing_features": [],
        "metadata": metadata or {},
        "name": name,
        "package_dimensions": None,
        "shippable": None,
        "statement_descriptor": None,
        "tax_code": None,
        "tax_details": None,
        "type": "service",
        "unit_label": unit_label,
        "updated": created if updated is None else updated,
        "url": None,
    }


def tier(
    *, up_to: int | None, unit_amount_decimal: str | None = None, flat_amount_decimal: str | None = None
) -> dict[str, Any]:
    """One step of a tiered price, in minor units as decimal text; `up_to` is null for the last."""
    return {
        "flat_amount": _whole(flat_amount_decimal),
        "flat_amount_decimal": flat_amount_decimal,
        "unit_amount": _whole(unit_amount_decimal),
        "unit_amount_decimal": unit_amount_decimal,
        "up_to": up_to,
    }


def currency_option(
    *,
    unit_amount_decimal: str | None = None,
    tiers: Sequence[dict[str, Any]] | None = None,
    tax_behavior: str = "unspecified",
) -> dict[str, Any]:
    """What a price costs in one more currency, in that currency's minor units."""
    option: dict[str, Any] = {
        "custom_unit_amount": None,
        "tax_behavior": tax_behavior,
        "unit_amount": _whole(unit_amount_decimal),
        "unit_amount_decimal": unit_amount_decimal,
    }
    if tiers is not None:
        option["tiers"] = list(tiers)
    return option


def price(
    *,
    id: str,
    created: int,
    product: str,
    currency: str,
    unit_amount: int | None = None,
    unit_amount_decimal: str | None = None,
    interval: str | None = "month",
    interval_count: int = 1,
    usage_type: str = "licensed",
    meter: str | None = None,
    trial_period_days: int | None = None,
    tiers_mode: str | None = None,
    tiers: Sequence[dict[str, Any]] | None = None,
    transform_divide_by: int | None = None,
    transform_round: str = "up",
    tax_behavior: str = "unspecified",
    nickname: str | None = None,
    lookup_key: str | None = None,
    active: bool = True,
    custom_unit_amount: dict[str, Any] | None = None,
    currency_options: Mapping[str, dict[str, Any]] | None = None,
    inline: bool = False,
    metadata: dict[str, str] | None = None,
) -> dict[str, Any]:
    """A price in minor units of `currency`.

    Say `unit_amount`, or `unit_amount_decimal` when it is no whole unit, or `tiers` and `tiers_mode`. `interval` null
    makes it a one-time price. `currency_options` holds the other currencies' `currency_option`s; the price's own is
    added, as Stripe does. An `inline` price was made on the fly and is in no list (the store's note `_inline`).
    """
    decimal = unit_amount_decimal if unit_amount is None else str(unit_amount)
    own = currency_option(unit_amount_decimal=decimal, tiers=tiers, tax_behavior=tax_behavior)
    shape: dict[str, Any] = {
        "id": id,
        "object": "price",
        "active": active,
        "billing_scheme": "per_unit" if tiers is None else "tiered",
        "created": created,
        "currency": currency,
        "currency_options": {currency: own, **(currency_options or {})},
        "custom_unit_amount": custom_unit_amount,
        "livemode": False,
        "lookup_key": lookup_key,
        "metadata": metadata or {},
        "nickname": nickname,
        "product": product,
        "recurring": interval
        and {
            "interval": interval,
            "interval_count": interval_count,
            "meter": meter,
            "trial_period_days": trial_period_days,
            "usage_type": usage_type,
        },
        "tax_behavior": tax_behavior,
        "tiers": None if tiers is None else list(tiers),
        "tiers_mode": tiers_mode,
        "transform_quantity": None
        if transform_divide_by is None
        else {"divide_by": transform_divide_by, "round": transform_round},
        "type": "recurring" if interval else "one_time",
        "unit_amount": unit_amount if decimal is None or unit_amount is not None else _whole(decimal),
        "unit_amount_decimal": decimal,
    }
    if inline:
        shape["_inline"] = True
    return shape


def embedded_price(price: Mapping[str, Any]) -> dict[str, Any]:
    """The price as other objects carry it: without what must be expanded."""
    embedded = dict(price)
    embedded.pop("tiers", None)
    embedded.pop("currency_options", None)
    embedded.pop("_inline", None)
    return embedded


def plan(price: Mapping[str, Any]) -> dict[str, Any]:
    """The legacy mirror of a recurring price that subscription items still carry."""
    recurring = price["recurring"]
    return {
        "id": price["id"],
        "object": "plan",
        "active": price["active"],
        "amount": price["unit_amount"],
        "amount_decimal": price["unit_amount_decimal"],
        "billing_scheme": price["billing_scheme"],
        "created": price["created"],
        "currency": price["currency"],
        "interval": recurring["interval"],
        "interval_count": recurring["interval_count"],
        "livemode": False,
        "metadata": price["metadata"],
        "meter": recurring["meter"],
        "nickname": price["nickname"],
        "product": price["product"],
        "tiers_mode": price["tiers_mode"],
        "transform_usage": price["transform_quantity"],
        "trial_period_days": recurring["trial_period_days"],
        "usage_type": recurring["usage_type"],
    }


def coupon(
    *,
    id: str,
    created: int,
    name: str | None = None,
    percent_off: float | None = None,
    amount_off: int | None = None,
    currency: str | None = None,
    duration: str = "forever",
    duration_in_months: int | None = None,
    applies_to: Iterable[str] | None = None,
    currency_options: Mapping[str, int] | None = None,
    max_redemptions: int | None = None,
    redeem_by: int | None = None,
    times_redeemed: int = 0,
    valid: bool = True,
    metadata: dict[str, str] | None = None,
) -> dict[str, Any]:
    """A coupon: `percent_off`, or `amount_off` in minor units of `currency`.

    `currency_options` are the amounts off in other currencies, `applies_to` the ids of the products it is for.
    """
    options = {code: {"amount_off": amount} for code, amount in (currency_options or {}).items()}
    if amount_off is not None and currency is not None:
        options = {currency: {"amount_off": amount_off}, **options}
    shape: dict[str, Any] = {
        "id": id,
        "object": "coupon",
        "amount_off": amount_off,
        "created": created,
        "currency": currency,
        "currency_options": options,
        "duration": duration,
        "duration_in_months": duration_in_months,
        "livemode": False,
        "max_redemptions": max_redemptions,
        "metadata": metadata or {},
        "name": name,
        "percent_off": None if percent_off is None else float(percent_off),
        "redeem_by": redeem_by,
        "times_redeemed": times_redeemed,
        "valid": valid,
    }
    if applies_to is not None:
        shape["applies_to"] = {"products": list(applies_to)}
    return shape


def promotion_code(
    *,
    id: str,
    created: int,
    code: str,
    coupon: str,
    active: bool = True,
    customer: str | None = None,
    expires_at: int | None = None,
    max_redemptions: int | None = None,
    times_redeemed: int = 0,
    restrictions: Mapping[str, Any] | None = None,
    metadata: dict[str, str] | None = None,
) -> dict[str, Any]:
    """A word that a customer types to get a coupon."""
    said = restrictions or {}
    shown: dict[str, Any] = {
        "first_time_transaction": said.get("first_time_transaction", False),
        "minimum_amount": said.get("minimum_amount"),
        "minimum_amount_currency": said.get("minimum_amount_currency"),
    }
    if "currency_options" in said:
        shown["currency_options"] = said["currency_options"]
    return {
        "id": id,
        "object": "promotion_code",
        "active": active,
        "code": code,
        "created": created,
        "customer": customer,
        "customer_account": None,
        "expires_at": expires_at,
        "livemode": False,
        "max_redemptions": max_redemptions,
        "metadata": metadata or {},
        "promotion": {"coupon": coupon, "type": "coupon"},
        "restrictions": shown,
        "times_redeemed": times_redeemed,
    }


def tax_rate(
    *,
    id: str,
    created: int,
    display_name: str,
    percentage: float,
    inclusive: bool,
    country: str | None = None,
    state: str | None = None,
    jurisdiction: str | None = None,
    tax_type: str | None = "vat",
    description: str | None = None,
    active: bool = True,
    metadata: dict[str, str] | None = None,
) -> dict[str, Any]:
    """A manual tax rate in percent."""
    return {
        "id": id,
        "object": "tax_rate",
        "active": active,
        "country": country,
        "created": created,
        "description": description,
        "display_name": display_name,
        "effective_percentage": None,
        "flat_amount": None,
        "inclusive": inclusive,
        "jurisdiction": jurisdiction if jurisdiction is not None else country,
        "jurisdiction_level": None,
        "livemode": False,
        "metadata": metadata or {},
        "percentage": float(percentage),
        "rate_type": "percentage",
        "state": state,
        "tax_type": tax_type,
    }


def _whole(decimal: str | None) -> int | None:
    return int(decimal) if decimal is not None and decimal.lstrip("-").isdigit() else None
