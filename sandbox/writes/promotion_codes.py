"""Promotion codes: words that customers type to get a coupon. https://docs.stripe.com/api/promotion_codes."""

from __future__ import annotations

from sandbox.api.errors import invalid, no_such, refused
from sandbox.world import shapes
from sandbox.world.stage import Stage
from sandbox.writes.parameters import (
    ByCurrency,
    Choice,
    Currency,
    Fields,
    Flag,
    Given,
    Instant,
    Notes,
    Parameter,
    Text,
    Whole,
    noted,
)
from sandbox.writes.write import Shape, Write

KIND = "promotion_code"


def create(stage: Stage, ids: tuple[str, ...], given: Given) -> Shape:
    """`POST /v1/promotion_codes`. Errors: 400 for a coupon that is not there, and for a code that is in use."""
    coupon = given["promotion"].get("coupon", "")
    if stage.store.get("coupon", coupon) is None:
        raise no_such("coupon", coupon, "promotion[coupon]", 400)
    place = stage.count(KIND)
    code = given.get("code") or stage.business.id("", 8, "promotion code", place).upper()
    _check(stage, given, code)
    shape = shapes.promotion_code(
        id=stage.business.id("promo_1", 23, "made", place),
        created=stage.now,
        code=code,
        coupon=coupon,
        active=given.get("active", True),
        expires_at=given.get("expires_at"),
        max_redemptions=given.get("max_redemptions"),
        restrictions=given.get("restrictions"),
        metadata=noted(None, given.get("metadata")),
    )
    stage.put(shape, "promotion_code.created")
    return shape


def update(stage: Stage, ids: tuple[str, ...], given: Given) -> Shape:
    """`POST /v1/promotion_codes/{id}`. Errors: 404, and 400 for one that can't be active again."""
    shape = stage.store.get(KIND, ids[0])
    if shape is None:
        raise no_such(KIND, ids[0], KIND)
    if given.get("active") and not shape["active"]:
        if stage.store.get("coupon", shape["promotion"]["coupon"]) is None:
            raise refused("This promotion code cannot be activated because its coupon was deleted.")
        _check(stage, {}, shape["code"])
    if "active" in given:
        shape["active"] = given["active"]
    if "metadata" in given:
        shape["metadata"] = noted(shape["metadata"], given["metadata"])
    stage.put(shape, "promotion_code.updated")
    return shape


def _check(stage: Stage, given: Given, code: str) -> None:
    shelf = stage.store.shelf(KIND)
    in_use = (shelf.complete(slot) for slot in shelf.where("active", True))
    if any(each["code"].casefold() == code.casefold() for each in in_use):
        raise invalid(
            f"An active promotion code with `code: {code}` already exists.", "code", "resource_already_exists"
        )
    if not code.replace("-", "").replace("_", "").isalnum():
        raise invalid("A promotion code may hold letters, digits, `-` and `_`.", "code")
    restrictions = given.get("restrictions") or {}
    if ("minimum_amount" in restrictions) != ("minimum_amount_currency" in restrictions):
        name = "restrictions[minimum_amount_currency]"
        raise invalid("A minimum amount and its currency go together.", name, "parameter_missing")
    if given.get("expires_at", stage.now + 1) <= stage.now:
        raise invalid("A promotion code must expire in the future.", "expires_at")


_MINIMUM: dict[str, Parameter] = {"minimum_amount": Whole(least=1)}
WRITES = (
    Write(
        "POST",
        "/v1/promotion_codes",
        "promotion_code_write",
        KIND,
        create,
        {
            "active": Flag(),
            "code": Text(longest=500),
            "expires_at": Instant(),
            "max_redemptions": Whole(least=1),
            "metadata": Notes(),
            "promotion": Fields({"coupon": Text(), "type": Choice(("coupon",))}, required=("coupon", "type")),
            "restrictions": Fields(
                {
                    **_MINIMUM,
                    "currency_options": ByCurrency(Fields(_MINIMUM)),
                    "first_time_transaction": Flag(),
                    "minimum_amount_currency": Currency(),
                }
            ),
        },
        required=("promotion",),
    ),
    Write(
        "POST",
        "/v1/promotion_codes/{id}",
        "promotion_code_write",
        KIND,
        update,
        {"active": Flag(), "metadata": Notes()},
    ),
)
