"""What is for sale, as a write names it: prices, made on the spot or held, and coupons, made, changed and deleted."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

from sandbox.api.errors import ApiError, invalid, no_such, refused
from sandbox.world.business import Coupon, Price
from sandbox.world.shapes import deleted
from sandbox.world.stage import Stage
from sandbox.world.state import Offer, Subscription
from sandbox.writes.parameters import (
    ByCurrency,
    Choice,
    Currency,
    Fields,
    Given,
    Instant,
    Many,
    Notes,
    Number,
    Text,
    Whole,
    noted,
)
from sandbox.writes.write import Shape, Write


def priced(stage: Stage, sub: Subscription, said: dict[str, Any], name: str) -> Price | None:
    """The price that an item names or makes, in the subscription's currency; None when it says none.

    Errors: 400 for one that is not there, not for sale, not recurring or in another currency.
    """
    if "price_data" in said:
        return _made(stage, sub, said["price_data"], f"{name}[price_data]")
    return for_sale(stage, said["price"], sub.currency, name) if "price" in said else None


def for_sale(stage: Stage, id: str, currency: str | None, name: str) -> Price:  # noqa: A002
    """The recurring price of that id that an item names, in a currency or (None) in its own. Errors: as `priced`."""
    price = price_of(stage, id)
    shape = stage.store.get("price", id)
    if price is None or shape is None:
        raise no_such("price", id, f"{name}[price]", 400)
    if not shape["active"]:
        raise invalid("The price specified is inactive. This field only accepts active prices.", f"{name}[price]")
    if not price.interval:
        message = (
            "The price specified is set to `type=one_time` but this field only accepts prices with `type=recurring`."
        )
        raise invalid(message, f"{name}[price]")
    try:
        return price.charged_in(currency or price.currency)
    except KeyError:
        message = (
            f"The price specified only supports `{price.currency}`. This doesn't match the expected currency: "
            f"`{currency}`."
        )
        raise invalid(message, f"{name}[price]") from None


def price_of(stage: Stage, id: str) -> Price | None:  # noqa: A002
    """The price of that id, of the catalogue or made on the spot."""
    offer = stage.things.get(id)
    if isinstance(offer, Offer):
        return offer.price
    return next((price for price in stage.prices.values() if price.id == id), None)


def the_coupon(stage: Stage, id: str, param: str, currency: str) -> Coupon:  # noqa: A002
    """A coupon that can be used in a currency. Errors: 400 when there is none, or it takes off no money in it."""
    coupon = next((each for each in stage.coupons.values() if each.id == id), None)
    if coupon is None or stage.store.get("coupon", id) is None:
        raise no_such("coupon", id, param, 400)
    if coupon.percent_off is None:
        try:
            coupon.off_in(currency)
        except KeyError:
            message = f"The coupon {id} takes nothing off in `{currency}`; use one with that currency."
            raise invalid(message, param) from None
    return coupon


def create_coupon(stage: Stage, ids: tuple[str, ...], given: Given) -> Shape:
    """`POST /v1/coupons`. Errors: 400 for an id that is taken, and for terms that do not go together."""
    coupon = _coupon(stage, given)
    stage.coupons[coupon.id] = coupon
    limits = {name: given.get(name) for name in ("max_redemptions", "redeem_by")}
    shape = {**stage.shape_coupon(coupon), **limits, "metadata": noted(None, given.get("metadata"))}
    stage.put(shape, "coupon.created")
    return shape


def update_coupon(stage: Stage, ids: tuple[str, ...], given: Given) -> Shape:
    """`POST /v1/coupons/{id}`: its name and notes, and amounts in further currencies. Errors: 404."""
    shape = stage.store.get("coupon", ids[0])
    if shape is None:
        raise no_such("coupon", ids[0], "coupon")
    if "name" in given:
        shape["name"] = given["name"]
    if "metadata" in given:
        shape["metadata"] = noted(shape["metadata"], given["metadata"])
    if "currency_options" in given:
        _offer_in(stage, shape, given["currency_options"])
    stage.put(shape, "coupon.updated")
    return shape


def _offer_in(stage: Stage, shape: Shape, options: dict[str, Given]) -> None:
    if shape["amount_off"] is None:
        raise invalid("Only coupons with amount_off have amounts in other currencies.", "currency_options")
    shape["currency_options"] |= options
    key, coupon = next((key, each) for key, each in stage.coupons.items() if each.id == shape["id"])
    others = {code: each["amount_off"] for code, each in shape["currency_options"].items() if code != coupon.currency}
    stage.coupons[key] = replace(coupon, currency_options=tuple(others.items()))


def delete_coupon(stage: Stage, ids: tuple[str, ...], given: Given) -> Shape:
    """`DELETE /v1/coupons/{id}`: who has it keeps it. Errors: 404."""
    if stage.store.get("coupon", ids[0]) is None:
        raise no_such("coupon", ids[0], "coupon")
    stage.delete("coupon", ids[0], "coupon.deleted")
    shelf = stage.store.shelf("promotion_code")
    for code in [shelf.complete(slot) for slot in shelf.where("coupon", ids[0])]:
        stage.put({**code, "active": False}, "promotion_code.updated")
    return deleted(kind="coupon", id=ids[0])


def _made(stage: Stage, sub: Subscription, said: dict[str, Any], name: str) -> Price:
    product = next((key for key, id_ in stage.product_ids.items() if id_ == said["product"]), None)
    if product is None:
        raise no_such("product", said["product"], f"{name}[product]", 400)
    if said["currency"] != sub.currency:
        raise invalid(f"The currency must be the subscription's, `{sub.currency}`.", f"{name}[currency]")
    place = stage.count("price")
    price = Price(
        key=f"made-{place}",
        product=product,
        currency=said["currency"],
        unit=Fraction(said["unit_amount"]),
        interval=said["recurring"]["interval"],
        interval_count=said["recurring"].get("interval_count", 1),
        tax_behavior=sub.items[0].price.tax_behavior,
        inline=True,
        id=stage.business.id("price_1", 23, "made", place),
    )
    stage.touch(Offer(price, stage.now), "price.created", "plan.created")
    return price


def _coupon(stage: Stage, given: Given) -> Coupon:
    if ("percent_off" in given) == ("amount_off" in given):
        raise ApiError(400, "You must pass either percent_off or amount_off", "parameter_missing", "percent_off")
    if "amount_off" in given and "currency" not in given:
        raise invalid("Must provide currency when passing amount_off", "currency", "parameter_missing")
    if "currency_options" in given and "amount_off" not in given:
        raise invalid("Only coupons with amount_off have amounts in other currencies.", "currency_options")
    if given.get("redeem_by", stage.now + 1) <= stage.now:
        raise invalid("Invalid timestamp: must be in the future.", "redeem_by")
    duration = given.get("duration", "once")
    if (duration == "repeating") != ("duration_in_months" in given):
        message = "duration_in_months goes with duration=repeating, and with nothing else"
        raise invalid(message, "duration_in_months")
    id_ = given.get("id") or stage.business.id("", 8, "coupon made", stage.count("coupon"))
    if stage.store.get("coupon", id_) is not None:
        raise refused("Coupon already exists.", "resource_already_exists")
    products = {id_: key for key, id_ in stage.product_ids.items()}
    wanted = (given.get("applies_to") or {}).get("products", [])
    for each in wanted:
        if each not in products:
            raise no_such("product", each, "applies_to[products]", 400)
    return Coupon(
        key=id_,
        duration=duration,
        name=given.get("name") or "",
        percent_off=Fraction(given["percent_off"]) if "percent_off" in given else None,
        amount_off=given.get("amount_off", 0),
        currency=given.get("currency"),
        currency_options=tuple((code, each["amount_off"]) for code, each in given.get("currency_options", {}).items()),
        months=given.get("duration_in_months"),
        products=tuple(products[each] for each in wanted),
        id=id_,
    )


_OFF = ByCurrency(Fields({"amount_off": Whole(least=1)}, required=("amount_off",)))
WRITES = (
    Write(
        "POST",
        "/v1/coupons",
        "coupon_write",
        "coupon",
        create_coupon,
        {
            "amount_off": Whole(least=1),
            "applies_to": Fields({"products": Many(Text())}),
            "currency": Currency(),
            "currency_options": _OFF,
            "duration": Choice(("forever", "once", "repeating")),
            "duration_in_months": Whole(least=1),
            "id": Text(),
            "max_redemptions": Whole(least=1),
            "metadata": Notes(),
            "name": Text(longest=40),
            "redeem_by": Instant(),
            "percent_off": Number(Decimal(100)),
        },
    ),
    Write(
        "POST",
        "/v1/coupons/{id}",
        "coupon_write",
        "coupon",
        update_coupon,
        {"currency_options": _OFF, "metadata": Notes(), "name": Text(longest=40, unset=True)},
    ),
    Write("DELETE", "/v1/coupons/{id}", "coupon_write", "coupon", delete_coupon),
)
