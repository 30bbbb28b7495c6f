"""From an account to a file: each object in the file's own words. What is compared and what is written is this."""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from pydantic import ValidationError

from billing.actions.action import MARK
from billing.catalog.account import CATALOG_KEY, REPLACES, Account, Kind, is_active, key_of, metadata_of
from billing.catalog.entries import (
    Cancelling,
    Catalog,
    Chosen,
    Coupon,
    Meter,
    Minimum,
    Option,
    Package,
    Pausing,
    Portal,
    Price,
    Product,
    PromotionCode,
    Quantity,
    Switchable,
    Tier,
    Updating,
)
from billing.errors import UsageError
from billing.wire import Body

OWN_KEYS = frozenset({MARK, REPLACES, CATALOG_KEY})
"""Keys of metadata that are this program's, and no part of a file."""
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,62}")


def catalog_of(account: Account) -> Catalog:
    """All that an account has for sale, as a file: what is active, and what that rests on."""
    products = _entries("product", _in_use(account), account)
    meters = _meters_in_use(account, products)
    codes = [each for each in account.promotion_codes if each["active"]]
    portals = [each for each in account.portals if each["active"]]
    prices = [price for product in products.values() for price in product.prices.values()]
    return Catalog(
        tiers=_words([each.tier for each in products.values()] + [each.tier for each in prices]),
        features=_words(feature for each in products.values() for feature in each.features),
        meters=_entries("meter", meters, account),
        products=products,
        coupons=_entries("coupon", _oldest_first(account.coupons), account),
        promotion_codes=_entries("promotion_code", _oldest_first(codes), account),
        portals=_entries("portal", _oldest_first(portals), account),
    )


def entry_of(kind: Kind, body: Body, account: Account) -> Any:
    """An object in the file's words, as the class of its kind.

    Raises:
        UsageError: it has something that a file has no words for.
    """
    try:
        return _MADE[kind](body, account)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise UsageError(f"{body['id']} has what a catalogue file has no words for ({faults}).") from None


def product_of(body: Body, account: Account) -> Product:
    """A product with its prices that are for sale."""
    default = body["default_price"]
    default_key = account.key_of_id("price", default) if default else None
    for_sale = [each for each in account.prices_of.get(body["id"], ()) if each["active"]]
    prices = _entries("price", _oldest_first(for_sale), account)
    noted = _noted(body, "tier", "features")
    return Product(
        name=body["name"],
        description=body["description"],
        unit_label=body["unit_label"],
        tax_code=body["tax_code"],
        statement_descriptor=body["statement_descriptor"],
        url=body["url"],
        images=tuple(body["images"]),
        marketing_features=tuple(each["name"] for each in body["marketing_features"]),
        tier=noted["tier"],
        features=tuple(noted["features"].split(",")) if noted["features"] else (),
        default_price=default_key if default_key in prices else None,
        metadata=noted["rest"],
        archived=not body["active"],
        prices=prices,
    )


def price_of(body: Body, account: Account) -> Price:
    """A price."""
    recurring = body["recurring"] or {}
    package = body["transform_quantity"]
    noted = _noted(body, "tier")
    meter = recurring.get("meter")
    others = {code: each for code, each in (body.get("currency_options") or {}).items() if code != body["currency"]}
    return Price(
        **_amounts(body),
        currency=body["currency"],
        every=every_of(recurring),
        tiers_mode=body["tiers_mode"],
        package=Package(size=package["divide_by"], round=package["round"]) if package else None,
        meter=account.key_of_id("meter", meter) if meter else None,
        metered=recurring.get("usage_type") == "metered" and not meter,
        trial_days=recurring.get("trial_period_days"),
        tax_behavior=body["tax_behavior"] or "unspecified",
        currencies={code: _option(each, body) for code, each in sorted(others.items())},
        nickname=body["nickname"],
        tier=noted["tier"],
        metadata=noted["rest"],
        archived=not body["active"],
    )


def meter_of(body: Body, account: Account) -> Meter:
    """A meter."""
    return Meter(
        name=body["display_name"],
        formula=body["default_aggregation"]["formula"],
        customer_key=body["customer_mapping"]["event_payload_key"],
        value_key=body["value_settings"]["event_payload_key"],
        window=body["event_time_window"],
        archived=not is_active("meter", body),
    )


def coupon_of(body: Body, account: Account) -> Coupon:
    """A coupon."""
    others = {code: each for code, each in (body.get("currency_options") or {}).items() if code != body["currency"]}
    months = body["duration_in_months"]
    duration = body["duration"]
    return Coupon(
        name=body["name"],
        percent_off=None if body["percent_off"] is None else Decimal(str(body["percent_off"])),
        amount_off=body["amount_off"],
        currency=body["currency"],
        currencies={code: each["amount_off"] for code, each in sorted(others.items())},
        duration=every_of({"interval": "month", "interval_count": months}) if duration == "repeating" else duration,
        products=tuple((body.get("applies_to") or {}).get("products", ())),
        max_redemptions=body["max_redemptions"],
        redeem_by=_instant(body["redeem_by"]),
        metadata=_noted(body)["rest"],
    )


def promotion_code_of(body: Body, account: Account) -> PromotionCode:
    """A promotion code."""
    restrictions = body["restrictions"]
    minimum = restrictions["minimum_amount"]
    return PromotionCode(
        coupon=body["promotion"]["coupon"],
        max_redemptions=body["max_redemptions"],
        expires_at=_instant(body["expires_at"]),
        first_purchase_only=restrictions["first_time_transaction"],
        minimum=Minimum(amount=minimum, currency=restrictions["minimum_amount_currency"]) if minimum else None,
        metadata=_noted(body)["rest"],
        archived=not body["active"],
    )


def portal_of(body: Body, account: Account) -> Portal:
    """A set-up of the portal. What is off is as if it had never been set."""
    features, profile = body["features"], body["business_profile"]
    details = features["customer_update"]
    return Portal(
        name=body.get("name"),
        headline=profile["headline"],
        privacy_policy_url=profile["privacy_policy_url"],
        terms_of_service_url=profile["terms_of_service_url"],
        return_url=body["default_return_url"],
        login_page=body["login_page"]["enabled"],
        invoice_history=features["invoice_history"]["enabled"],
        payment_method_update=features["payment_method_update"]["enabled"],
        customer_update=tuple(sorted(details["allowed_updates"])) if details["enabled"] else (),
        subscription_cancel=_cancelling(features["subscription_cancel"]),
        subscription_pause=_pausing(features["subscription_pause"]),
        subscription_update=_updating(features["subscription_update"], account),
        metadata=_noted(body)["rest"],
        archived=not body["active"],
    )


def every_of(recurring: Mapping[str, Any]) -> str:
    """How often, in the file's words."""
    if not recurring:
        return "once"
    interval, count = recurring["interval"], recurring.get("interval_count") or 1
    return interval if count == 1 else f"{count} {interval}s"


def _amounts(body: Mapping[str, Any]) -> dict[str, Any]:
    """What it costs, of a price or one of its currency options."""
    chosen = body.get("custom_unit_amount")
    if chosen:
        told = {name: chosen.get(name) for name in ("minimum", "maximum", "preset")}
        return {"customer_chooses": Chosen(**told)}
    if body.get("tiers"):
        return {"tiers": tuple(_tier(each) for each in body["tiers"])}
    return {"amount": _exact(body, "unit_amount")}


def _tier(body: Mapping[str, Any]) -> Tier:
    return Tier(up_to=body["up_to"] or "inf", unit=_exact(body, "unit_amount"), flat=_exact(body, "flat_amount"))


def _option(body: Mapping[str, Any], price: Body) -> Option:
    behavior: Any = body.get("tax_behavior") or "unspecified"
    return Option(
        **_amounts(body), tax_behavior=None if behavior == (price["tax_behavior"] or "unspecified") else behavior
    )


def _exact(body: Mapping[str, Any], name: str) -> Decimal:
    exact = body.get(f"{name}_decimal")
    return Decimal(str(exact if exact is not None else body.get(name) or 0))


def _cancelling(feature: Mapping[str, Any]) -> Cancelling | None:
    if not feature["enabled"]:
        return None
    reason = feature["cancellation_reason"]
    reasons = tuple(sorted(reason["options"])) if reason["enabled"] else ()
    return Cancelling(mode=feature["mode"], proration=feature["proration_behavior"], reasons=reasons)


def _pausing(feature: Mapping[str, Any]) -> Pausing | None:
    if not feature["enabled"]:
        return None
    duration = feature.get("duration") or {}
    options = duration.get("interval_options") or () if duration.get("type") == "interval_options" else ()
    return Pausing(durations=tuple(every_of(each) for each in options))


def _updating(feature: Mapping[str, Any], account: Account) -> Updating | None:
    if not feature["enabled"] or not feature["default_allowed_updates"]:
        return None
    return Updating(
        allow=tuple(sorted(feature["default_allowed_updates"])),
        products={each["product"]: _switchable(each, account) for each in feature.get("products") or ()},
        proration=feature["proration_behavior"],
        billing_cycle_anchor=feature.get("billing_cycle_anchor") or "unchanged",
        trial=feature.get("trial_update_behavior") or "end_trial",
        at_period_end=tuple(sorted(each["type"] for each in feature["schedule_at_period_end"]["conditions"])),
    )


def _switchable(body: Mapping[str, Any], account: Account) -> Switchable:
    quantity = body.get("adjustable_quantity") or {}
    bounds = Quantity(minimum=quantity.get("minimum") or 0, maximum=quantity.get("maximum"))
    prices = tuple(account.key_of_id("price", each) for each in body["prices"])
    return Switchable(prices=prices, quantity=bounds if quantity.get("enabled") else None)


def _noted(body: Body, *words: str) -> dict[str, Any]:
    """The metadata, with those of the words taken out of it that the file has a place for."""
    told = {key: str(value) for key, value in metadata_of(body).items() if key not in OWN_KEYS}
    found: dict[str, Any] = dict.fromkeys(words)
    for word in words:
        parts = told[word].split(",") if word in told else []
        is_plain = all(_WORD.fullmatch(part) for part in parts) and (word != "tier" or len(parts) == 1)
        if parts and is_plain:
            found[word] = told.pop(word)
    return found | {"rest": told}


def _instant(epoch: int | None) -> datetime | None:
    return None if epoch is None else datetime.fromtimestamp(epoch, UTC)


def _in_use(account: Account) -> list[Body]:
    """Products that are for sale, or of which a price is."""
    return [
        each
        for each in _oldest_first(account.products)
        if each["active"] or any(price["active"] for price in account.prices_of.get(each["id"], ()))
    ]


def _meters_in_use(account: Account, products: Mapping[str, Product]) -> list[Body]:
    """Meters that count, and those of prices that are for sale."""
    named = {price.meter for product in products.values() for price in product.prices.values()}
    found = [(key, body) for (kind, key), body in account.by_key.items() if kind == "meter"]
    return [body for key, body in sorted(found, key=lambda each: each[0]) if is_active("meter", body) or key in named]


def _entries(kind: Kind, bodies: Iterable[Body], account: Account) -> dict[str, Any]:
    return {key_of(kind, body): entry_of(kind, body, account) for body in bodies}


def _oldest_first(bodies: Iterable[Body]) -> list[Body]:
    found = [*bodies]
    found.reverse()
    return sorted(found, key=lambda body: int(body["created"]))


def _words(found: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(sorted({each for each in found if each}))


_MADE: Mapping[Kind, Callable[[Body, Account], Any]] = {
    "meter": meter_of,
    "product": product_of,
    "price": price_of,
    "coupon": coupon_of,
    "promotion_code": promotion_code_of,
    "portal": portal_of,
}
