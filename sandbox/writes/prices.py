"""Prices: made for a product, and from then on the same but for what is noted of them and whether they are for sale.

https://docs.stripe.com/api/prices/create and /update.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

from sandbox.api.errors import invalid, no_such, refused
from sandbox.world import shapes
from sandbox.world.business import Price, Tier
from sandbox.world.stage import Stage
from sandbox.world.state import Offer
from sandbox.writes import catalogue, products
from sandbox.writes.parameters import (
    ByCurrency,
    Choice,
    Currency,
    Exact,
    Fields,
    Flag,
    Given,
    Many,
    Notes,
    Parameter,
    Text,
    UpTo,
    Whole,
    noted,
)
from sandbox.writes.write import Shape, Write

KIND = "price"
UNSPECIFIED = "unspecified"


def create(stage: Stage, ids: tuple[str, ...], given: Given) -> Shape:
    """`POST /v1/prices`. Errors: 400 for terms that don't go together, and for a lookup key that is taken."""
    products.held(stage, given["product"], "product", 400)
    _check(stage, given)
    id_ = stage.business.id("price_1", 23, "created", stage.count(KIND))
    lookup_key = _taken_over(stage, id_, given)
    shape = _shape(stage, id_, given, lookup_key)
    events = ("price.created", *(("plan.created",) if "recurring" in given else ()))
    stage.sell(Offer(_price(stage, shape), stage.now, active=shape["active"]), shape, *events)
    return shape


def update(stage: Stage, ids: tuple[str, ...], given: Given) -> Shape:
    """`POST /v1/prices/{id}`. Errors: 404, and 400 for what can't be changed any more."""
    shape = stage.store.get(KIND, ids[0])
    if shape is None:
        raise no_such(KIND, ids[0], "price")
    _check_update(stage, shape, given)
    if "lookup_key" in given:
        shape["lookup_key"] = _taken_over(stage, ids[0], given)
    shape |= {field: given[field] for field in ("active", "nickname", "tax_behavior") if field in given}
    if "metadata" in given:
        shape["metadata"] = noted(shape["metadata"], given["metadata"])
    for code, option in (given.get("currency_options") or {}).items():
        shape["currency_options"][code] = _option(option)
    offer = Offer(_price(stage, shape), shape["created"], active=shape["active"])
    stage.sell(offer, shape, "price.updated", *(("plan.updated",) if shape["recurring"] else ()))
    return shape


def _check(stage: Stage, given: Given) -> None:
    if given.get("billing_scheme") == "tiered":
        for name in ("tiers", "tiers_mode"):
            if name not in given:
                raise invalid(f"You must specify `{name}` when `billing_scheme=tiered`.", name, "parameter_missing")
        _check_tiers(given["tiers"], "tiers")
    elif "tiers" in given:
        raise invalid("`tiers` can only be specified when `billing_scheme=tiered`.", "tiers")
    if _said(given) != 1:
        message = (
            "Prices require exactly one of: `unit_amount`, `unit_amount_decimal`, `custom_unit_amount` or, with "
            "`billing_scheme=tiered`, `tiers`."
        )
        raise invalid(message, "unit_amount")
    for code, option in (given.get("currency_options") or {}).items():
        _check_option(given, code, option, f"currency_options[{code}]")
    if "recurring" in given:
        _check_recurring(stage, given)


def _check_option(given: Given, code: str, option: Given, name: str) -> None:
    if code == given["currency"]:
        raise invalid(f"`{code}` is the price's own currency and can't be an option.", name)
    if ("tiers" in option) != ("tiers" in given) or _said(option) != 1:
        raise invalid(f"The option for `{code}` must be priced as the price is.", name)
    if "tiers" in option:
        _check_tiers(option["tiers"], f"{name}[tiers]")
        if [each["up_to"] for each in option["tiers"]] != [each["up_to"] for each in given["tiers"]]:
            raise invalid("Tiers of all currencies must have the same bounds.", f"{name}[tiers]")


def _check_tiers(tiers: Sequence[Given], name: str) -> None:
    bounds = [each["up_to"] for each in tiers]
    if not bounds or bounds[-1] is not None:
        raise invalid("The last tier must have an `up_to` value of `inf`.", name)
    if None in bounds[:-1] or bounds[:-1] != sorted(set(bounds[:-1])):
        raise invalid("Tiers must be in ascending order of `up_to`.", name)
    for place, each in enumerate(tiers):
        if not {"unit_amount", "unit_amount_decimal", "flat_amount", "flat_amount_decimal"} & set(each):
            message = "Each tier needs a unit or a flat amount."
            raise invalid(message, f"{name}[{place}][unit_amount]", "parameter_missing")


def _check_recurring(stage: Stage, given: Given) -> None:
    recurring = given["recurring"]
    is_metered = recurring.get("usage_type") == "metered"
    if is_metered != ("meter" in recurring):
        message = (
            "Prices with `recurring[usage_type]=metered` must be backed by a meter, and no others can be: "
            "https://docs.stripe.com/billing/subscriptions/usage-based"
        )
        raise invalid(message, "recurring[meter]")
    meter = stage.store.get("billing.meter", recurring["meter"]) if is_metered else None
    if is_metered and (meter is None or meter["status"] != "active"):
        raise no_such("meter", recurring["meter"], "recurring[meter]", 400)
    if recurring["interval"] == "year" and recurring.get("interval_count", 1) > 3:
        raise invalid("The maximum interval is three years.", "recurring[interval_count]")


def _check_update(stage: Stage, shape: Shape, given: Given) -> None:
    product = stage.store.get(products.KIND, shape["product"])
    if given.get("active") is False and product and product["default_price"] == shape["id"]:
        raise refused("This price cannot be archived because it is the default price of its product.", None, "active")
    if "tax_behavior" in given and shape["tax_behavior"] not in (UNSPECIFIED, given["tax_behavior"]):
        message = f"The tax behavior of a price can't be changed once it is `{shape['tax_behavior']}`."
        raise invalid(message, "tax_behavior")
    for code, option in (given.get("currency_options") or {}).items():
        name = f"currency_options[{code}]"
        tiers = {"tiers": shape["tiers"]} if shape["tiers"] else {}
        _check_option({"currency": shape["currency"], **tiers}, code, option, name)


def _taken_over(stage: Stage, id: str, given: Given) -> str | None:  # noqa: A002 - Stripe's word
    """The lookup key, taken from the price that has it where that was asked for."""
    key = given.get("lookup_key")
    if key is None:
        return None
    shelf = stage.store.shelf(KIND)
    for slot in list(shelf.where("lookup_key", key)):
        other = shelf.complete(slot)
        if other["id"] == id:
            continue
        if not given.get("transfer_lookup_key"):
            raise invalid(f"A price (`{other['id']}`) already uses that lookup key.", "lookup_key")
        shown = {**other, "lookup_key": None}
        stage.sell(Offer(_price(stage, shown), other["created"], active=other["active"]), shown, "price.updated")
    return str(key)


def _shape(stage: Stage, id: str, given: Given, lookup_key: str | None) -> Shape:  # noqa: A002
    recurring = given.get("recurring") or {}
    transform = given.get("transform_quantity") or {}
    own = _option(given)
    return shapes.price(
        id=id,
        created=stage.now,
        product=given["product"],
        currency=given["currency"],
        unit_amount_decimal=own["unit_amount_decimal"],
        interval=recurring.get("interval"),
        interval_count=recurring.get("interval_count", 1),
        usage_type=recurring.get("usage_type", "licensed"),
        meter=recurring.get("meter"),
        trial_period_days=recurring.get("trial_period_days"),
        tiers_mode=given.get("tiers_mode"),
        tiers=own.get("tiers"),
        transform_divide_by=transform.get("divide_by"),
        transform_round=transform.get("round", "up"),
        tax_behavior=given.get("tax_behavior", UNSPECIFIED),
        nickname=given.get("nickname"),
        lookup_key=lookup_key,
        active=given.get("active", True),
        custom_unit_amount=own["custom_unit_amount"],
        currency_options={code: _option(each) for code, each in (given.get("currency_options") or {}).items()},
        metadata=noted(None, given.get("metadata")),
    )


def _option(given: Given) -> Shape:
    """What a price costs in a currency, as the price shows it."""
    tiers = None
    if "tiers" in given:
        tiers = [
            shapes.tier(
                up_to=each["up_to"],
                unit_amount_decimal=_decimal(each, "unit_amount"),
                flat_amount_decimal=_decimal(each, "flat_amount"),
            )
            for each in given["tiers"]
        ]
    option = shapes.currency_option(
        unit_amount_decimal=_decimal(given, "unit_amount"),
        tiers=tiers,
        tax_behavior=given.get("tax_behavior", UNSPECIFIED),
    )
    if "custom_unit_amount" in given:
        chosen = given["custom_unit_amount"]
        option["custom_unit_amount"] = {name: chosen.get(name) for name in ("maximum", "minimum", "preset")}
    return option


def _price(stage: Stage, shape: Shape) -> Price:
    """The price as subscriptions are charged by it."""
    held = catalogue.price_of(stage, shape["id"])
    recurring, transform = shape["recurring"] or {}, shape["transform_quantity"] or {}
    others = {code: option for code, option in shape["currency_options"].items() if code != shape["currency"]}
    made = Price(
        key=shape["id"],
        product=products.key_of(stage, shape["product"]),
        currency=shape["currency"],
        unit=Fraction(shape["unit_amount_decimal"] or 0),
        interval=recurring.get("interval", ""),
        interval_count=recurring.get("interval_count", 1),
        usage_type=recurring.get("usage_type", "licensed"),
        tiers=_tiers(shape["tiers"]),
        tiers_mode=shape["tiers_mode"],
        divide_by=transform.get("divide_by"),
        round=transform.get("round", "up"),
        tax_behavior=shape["tax_behavior"],
        nickname=shape["nickname"],
        options=tuple((code, Fraction(each["unit_amount_decimal"] or 0)) for code, each in others.items()),
        option_tiers=tuple((code, _tiers(each.get("tiers"))) for code, each in others.items() if each.get("tiers")),
        id=shape["id"],
    )
    return made if held is None else replace(made, key=held.key, inline=held.inline)


def _tiers(tiers: Sequence[Mapping[str, Any]] | None) -> tuple[Tier, ...]:
    return tuple(
        Tier(
            each["up_to"], Fraction(each["unit_amount_decimal"] or 0), Fraction(each["flat_amount_decimal"] or 0)
        )
        for each in tiers or ()
    )  # fmt: skip


def _said(given: Given) -> int:
    """In how many ways it is said what it costs."""
    ways = ("unit_amount", "unit_amount_decimal", "custom_unit_amount", "tiers")
    return sum(name in given for name in ways)


def _decimal(given: Given, name: str) -> str | None:
    said = given.get(f"{name}_decimal", given.get(name))
    if said is None:
        return None
    text = f"{said:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


_BEHAVIOR = Choice(("exclusive", "inclusive", UNSPECIFIED))
_CHOSEN = Fields(
    {"enabled": Flag(), "maximum": Whole(least=0), "minimum": Whole(least=0), "preset": Whole(least=0)},
    required=("enabled",),
)
_AMOUNTS: dict[str, Parameter] = {
    "custom_unit_amount": _CHOSEN,
    "tax_behavior": _BEHAVIOR,
    "tiers": Many(
        Fields(
            {
                "flat_amount": Whole(least=0),
                "flat_amount_decimal": Exact(),
                "unit_amount": Whole(least=0),
                "unit_amount_decimal": Exact(),
                "up_to": UpTo(),
            },
            required=("up_to",),
        )
    ),
    "unit_amount": Whole(least=0),
    "unit_amount_decimal": Exact(),
}
_OPTIONS = ByCurrency(Fields(_AMOUNTS))
_NOTED: dict[str, Parameter] = {
    "active": Flag(),
    "currency_options": _OPTIONS,
    "lookup_key": Text(longest=200),
    "metadata": Notes(),
    "tax_behavior": _BEHAVIOR,
    "transfer_lookup_key": Flag(),
}
WRITES = (
    Write(
        "POST",
        "/v1/prices",
        "plan_write",
        KIND,
        create,
        {
            **_AMOUNTS,
            **_NOTED,
            "billing_scheme": Choice(("per_unit", "tiered")),
            "currency": Currency(),
            "nickname": Text(),
            "product": Text(),
            "recurring": Fields(
                {
                    "interval": Choice(("day", "week", "month", "year")),
                    "interval_count": Whole(least=1),
                    "meter": Text(),
                    "trial_period_days": Whole(least=0),
                    "usage_type": Choice(("licensed", "metered")),
                },
                required=("interval",),
            ),
            "tiers_mode": Choice(("graduated", "volume")),
            "transform_quantity": Fields(
                {"divide_by": Whole(least=1), "round": Choice(("down", "up"))}, required=("divide_by", "round")
            ),
        },
        required=("currency", "product"),
    ),
    Write("POST", "/v1/prices/{id}", "plan_write", KIND, update, {**_NOTED, "nickname": Text(unset=True)}),
)
