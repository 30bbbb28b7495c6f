"""From a file to Stripe's parameters: an entry as it is made, and what of it is sent where it has changed.

Parameters: https://docs.stripe.com/api/products, /prices, /billing/meter, /coupons, /promotion_codes,
/customer_portal/configurations. Ids that are not known yet are references (`change.py`).
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from billing.catalog.account import CATALOG_KEY, DEFAULT, REPLACES, Account, Kind, is_active
from billing.catalog.change import reference
from billing.catalog.entries import (
    Amounts,
    Coupon,
    Meter,
    Option,
    Portal,
    Price,
    Product,
    PromotionCode,
    Tier,
    Updating,
    written_exactly,
)

Values = dict[str, Any]
UNSET = ""
"""What takes a value away at Stripe."""


@dataclass(frozen=True)
class Ids:
    """Which ids keys stand for: those of the account, and references for what is yet to be made.

    Attributes:
        new: prices that are made, or made anew, by the same plan.
    """

    account: Account
    new: frozenset[str] = frozenset()

    def price(self, key: str) -> Any:
        """The id of a price."""
        return self._of("price", key, is_new=key in self.new)

    def meter(self, key: str) -> Any:
        """The id of a meter."""
        held = self.account.by_key.get(("meter", key))
        return self._of("meter", key, is_new=held is None or not is_active("meter", held))

    def _of(self, kind: Kind, key: str, *, is_new: bool) -> Any:
        held = self.account.by_key.get((kind, key))
        return reference(kind, key) if held is None or is_new else str(held["id"])


def product(key: str, entry: Product, ids: Ids) -> Values:
    """A product as it is made; its default price comes once that is there."""
    told: Values = {
        "id": key,
        "name": entry.name,
        "description": entry.description,
        "unit_label": entry.unit_label,
        "tax_code": entry.tax_code,
        "statement_descriptor": entry.statement_descriptor,
        "url": entry.url,
        "images": list(entry.images),
        "marketing_features": [{"name": each} for each in entry.marketing_features],
    }
    return _said(told) | {"metadata": metadata(entry)}


def price(key: str, entry: Price, ids: Ids, product_id: str, replaces: str | None = None) -> Values:
    """A price as it is made, with the lookup key of the one that it replaces."""
    told: Values = {
        "product": product_id,
        "currency": entry.currency,
        "lookup_key": key,
        "nickname": entry.nickname,
        "recurring": _recurring(entry, ids),
        "tiers_mode": entry.tiers_mode,
        "currency_options": {code: _option(option, entry) for code, option in entry.currencies.items()},
        "transform_quantity": {"divide_by": entry.package.size, "round": entry.package.round}
        if entry.package
        else None,
        **_behavior(entry.tax_behavior),
        **_amounts(entry),
    }
    noted = metadata(entry)
    if entry.tiers:
        told["billing_scheme"] = "tiered"
    if replaces:
        told["transfer_lookup_key"] = True
        noted[REPLACES] = replaces
    return _said(told) | {"metadata": noted}


def meter(key: str, entry: Meter, ids: Ids) -> Values:
    """A meter as it is made."""
    told: Values = {
        "display_name": entry.name,
        "event_name": key,
        "default_aggregation": {"formula": entry.formula},
        "customer_mapping": {"event_payload_key": entry.customer_key, "type": "by_id"},
        "value_settings": {"event_payload_key": entry.value_key},
        "event_time_window": entry.window,
    }
    return _said(told)


def coupon(key: str, entry: Coupon, ids: Ids) -> Values:
    """A coupon as it is made."""
    months = {} if entry.duration in ("once", "forever") else {"duration_in_months": int(_counted(entry.duration)[0])}
    told: Values = {
        "id": key,
        "name": entry.name,
        "percent_off": None if entry.percent_off is None else written_exactly(entry.percent_off),
        "amount_off": entry.amount_off,
        "currency": entry.currency,
        "currency_options": {code: {"amount_off": amount} for code, amount in entry.currencies.items()},
        "duration": "repeating" if months else entry.duration,
        **months,
        "applies_to": {"products": list(entry.products)} if entry.products else None,
        "max_redemptions": entry.max_redemptions,
        "redeem_by": _epoch(entry.redeem_by),
    }
    return _said(told) | {"metadata": metadata(entry)}


def promotion_code(key: str, entry: PromotionCode, ids: Ids) -> Values:
    """A promotion code as it is made."""
    restrictions: Values = {"first_time_transaction": True} if entry.first_purchase_only else {}
    if entry.minimum:
        restrictions |= {
            "minimum_amount": entry.minimum.amount,
            "minimum_amount_currency": entry.minimum.currency,
        }
    told: Values = {
        "code": key,
        "promotion": {"type": "coupon", "coupon": entry.coupon},
        "max_redemptions": entry.max_redemptions,
        "expires_at": _epoch(entry.expires_at),
        "restrictions": restrictions,
    }
    return _said(told) | {"metadata": metadata(entry)}


def portal(key: str, entry: Portal, ids: Ids) -> Values:
    """A set-up of the portal, whole; a made one carries its key."""
    told: Values = {
        "name": entry.name or UNSET,
        "business_profile": {
            "headline": entry.headline or UNSET,
            "privacy_policy_url": entry.privacy_policy_url,
            "terms_of_service_url": entry.terms_of_service_url,
        },
        "default_return_url": entry.return_url or UNSET,
        "login_page": {"enabled": entry.login_page},
        "features": _features(entry, ids),
    }
    told["business_profile"] = _said(told["business_profile"])
    own = {} if key == DEFAULT or key.startswith("bpc_") else {CATALOG_KEY: key}
    return told | {"metadata": metadata(entry) | own}


def metadata(entry: Product | Price | Coupon | PromotionCode | Portal) -> dict[str, str]:
    """Metadata as it is sent, with tier and features in it."""
    own = {"tier": getattr(entry, "tier", None), "features": ",".join(getattr(entry, "features", ()))}
    return {**entry.metadata, **{name: value for name, value in own.items() if value}}


MADE: Mapping[Kind, Callable[[str, Any, Ids], Values]] = {
    "meter": meter,
    "product": product,
    "coupon": coupon,
    "promotion_code": promotion_code,
    "portal": portal,
}
"""How an entry of each kind is made; a price besides needs its product."""

_PROFILE = ("headline", "privacy_policy_url", "terms_of_service_url")
_FEATURES = (
    "invoice_history",
    "payment_method_update",
    "customer_update",
    "subscription_cancel",
    "subscription_pause",
    "subscription_update",
)
_AS_THEY_ARE = ("name", "description", "unit_label", "tax_code", "statement_descriptor", "url", "images")
_NOTED = {"metadata": "metadata", "tier": "metadata"}
SENT: Mapping[Kind, Mapping[str, str]] = {
    "meter": {"name": "display_name"},
    "product": {
        **{name: name for name in (*_AS_THEY_ARE, "marketing_features")},
        **_NOTED,
        "features": "metadata",
    },
    "price": {**_NOTED, "nickname": "nickname", "tax_behavior": "tax_behavior", "currencies": "currency_options"},
    "coupon": {"name": "name", "metadata": "metadata", "currencies": "currency_options"},
    "promotion_code": {"metadata": "metadata"},
    "portal": {
        "name": "name",
        **dict.fromkeys(_PROFILE, "business_profile"),
        "return_url": "default_return_url",
        "login_page": "login_page",
        "metadata": "metadata",
        **dict.fromkeys(_FEATURES, "features"),
    },
}
"""What can be changed of each kind, and the parameter that says it; all else is for good."""


def changed(kind: Kind, whole: Values, fields: Collection[str], was: Any, now: Any) -> Values:
    """The parameters that say those fields anew; those that are taken away are sent empty."""
    values: Values = {}
    for name in fields:
        parameter = SENT[kind][name]
        values[parameter] = whole.get(parameter, UNSET)
    if "features" in values and kind == "portal":
        values["features"] = {name: whole["features"][name] for name in whole["features"] if name in fields}
    if "business_profile" in values:
        profile = {name: getattr(now, name) or UNSET for name in _PROFILE}
        values["business_profile"] = {name: value for name, value in profile.items() if name in fields}
    if "currency_options" in values:
        values["currency_options"] = {
            code: option for code, option in values["currency_options"].items() if code not in was.currencies
        }
    if "metadata" in values:
        values["metadata"] = _metadata_changes(was, now)
    return values


def metadata_differs(was: Any, now: Any) -> bool:
    """Whether a key of metadata that the file names is another in the account."""
    return any((was.metadata.get(key) or "") != value for key, value in now.metadata.items())


def _metadata_changes(was: Any, now: Any) -> dict[str, str]:
    before, wanted = metadata(was), metadata(now)
    taken_away = {name: UNSET for name in ("tier", "features") if name in before and name not in wanted}
    return taken_away | {key: value for key, value in wanted.items() if (before.get(key) or "") != value}


def _recurring(entry: Price, ids: Ids) -> Values | None:
    if entry.every == "once":
        return None
    count, interval = _counted(entry.every)
    return _said(
        {
            "interval": interval,
            "interval_count": int(count),
            "usage_type": "metered" if entry.meter or entry.metered else "licensed",
            "meter": ids.meter(entry.meter) if entry.meter else None,
            "trial_period_days": entry.trial_days,
        }
    )


def _counted(every: str) -> tuple[str, str]:
    match = re.fullmatch(r"(?:(\d+) )?(\w+?)s?", every)
    return (match[1] or "1", match[2]) if match else ("1", every)


def _amounts(entry: Amounts) -> Values:
    if entry.customer_chooses is not None:
        return {"custom_unit_amount": _said({"enabled": True, **entry.customer_chooses.model_dump()})}
    if entry.tiers:
        return {"tiers": [_tier(each) for each in entry.tiers]}
    return _amount("unit_amount", entry.amount or Decimal(0))


def _tier(tier: Tier) -> Values:
    flat = _amount("flat_amount", tier.flat) if tier.flat else {}
    return {"up_to": tier.up_to, **_amount("unit_amount", tier.unit), **flat}


def _amount(name: str, amount: Decimal) -> Values:
    told = written_exactly(amount)
    return {name: told} if isinstance(told, int) else {f"{name}_decimal": told}


def _option(option: Option, entry: Price) -> Values:
    return {**_amounts(option), **_behavior(option.tax_behavior or entry.tax_behavior)}


def _behavior(tax_behavior: str) -> Values:
    return {} if tax_behavior == "unspecified" else {"tax_behavior": tax_behavior}


def _features(entry: Portal, ids: Ids) -> Values:
    details, cancel, pause = entry.customer_update, entry.subscription_cancel, entry.subscription_pause
    return {
        "invoice_history": {"enabled": entry.invoice_history},
        "payment_method_update": {"enabled": entry.payment_method_update},
        "customer_update": {"enabled": bool(details), "allowed_updates": _list(details)},
        "subscription_cancel": {"enabled": False}
        if cancel is None
        else {
            "enabled": True,
            "mode": cancel.mode,
            "proration_behavior": cancel.proration,
            "cancellation_reason": {"enabled": bool(cancel.reasons), "options": _list(cancel.reasons)},
        },
        "subscription_pause": {"enabled": False}
        if pause is None
        else {"enabled": True, "duration": _duration(pause.durations)},
        "subscription_update": _updating(entry.subscription_update, ids),
    }


def _duration(durations: Sequence[str]) -> Values:
    if not durations:
        return {"type": "indefinite"}
    counted = [_counted(each) for each in durations]
    options = [{"interval": interval, "interval_count": int(count)} for count, interval in counted]
    return {"type": "interval_options", "interval_options": options}


def _updating(update: Updating | None, ids: Ids) -> Values:
    if update is None:
        return {"enabled": False}
    products = [
        _said(
            {
                "product": product_id,
                "prices": [ids.price(key) for key in each.prices],
                "adjustable_quantity": _said({"enabled": True, **each.quantity.model_dump()})
                if each.quantity
                else None,
            }
        )
        for product_id, each in update.products.items()
    ]
    told = {
        "enabled": True,
        "default_allowed_updates": list(update.allow),
        "products": _list(products),
        "proration_behavior": update.proration,
        "billing_cycle_anchor": update.billing_cycle_anchor,
        "trial_update_behavior": update.trial,
        "schedule_at_period_end": {"conditions": _list([{"type": each} for each in update.at_period_end])},
    }
    return _said(told)


def _list(values: Sequence[Any]) -> Any:
    """A list; an empty one is sent as an empty text, since nothing at all would leave it as it is."""
    return list(values) or UNSET


def _said(told: Values) -> Values:
    """Only what is said."""
    return {name: value for name, value in told.items() if value is not None and value != [] and value != {}}


def _epoch(at: datetime | None) -> int | None:
    return None if at is None else int(at.timestamp())
