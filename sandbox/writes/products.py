"""Products: what is for sale, made, changed, archived, and deleted as long as no price was made for it."""

from __future__ import annotations

from typing import Any

from sandbox.api.errors import invalid, no_such, refused
from sandbox.world import shapes
from sandbox.world.stage import Stage
from sandbox.writes.parameters import Fields, Flag, Given, Many, Notes, Parameter, Text, noted
from sandbox.writes.write import Shape, Write

KIND = "product"
PLAIN = ("active", "description", "images", "marketing_features", "name", "statement_descriptor", "unit_label", "url")


def create(stage: Stage, ids: tuple[str, ...], given: Given) -> Shape:
    """`POST /v1/products`. Errors: 400 for an id that is taken."""
    id_ = given.get("id") or stage.business.id("prod_", 14, "made", stage.count(KIND))
    if stage.store.get(KIND, id_) is not None:
        raise refused("Product already exists.", "resource_already_exists")
    shape = shapes.product(id=id_, created=stage.now, name=given["name"], metadata=noted(None, given.get("metadata")))
    shape |= {field: given[field] for field in PLAIN if field in given} | _taxed(given)
    stage.product_ids[id_], stage.names[id_] = id_, given["name"]
    stage.put(shape, "product.created")
    return shape


def update(stage: Stage, ids: tuple[str, ...], given: Given) -> Shape:
    """`POST /v1/products/{id}`. Errors: 404, and 400 for a default price that can't be one."""
    shape = held(stage, ids[0])
    if "default_price" in given:
        shape["default_price"] = _default(stage, ids[0], given["default_price"])
    shape |= {field: given[field] for field in PLAIN if field in given} | _taxed(given)
    if "metadata" in given:
        shape["metadata"] = noted(shape["metadata"], given["metadata"])
    shape["updated"] = stage.now
    stage.names[key_of(stage, ids[0])] = shape["name"]
    stage.put(shape, "product.updated")
    return shape


def delete(stage: Stage, ids: tuple[str, ...], given: Given) -> Shape:
    """`DELETE /v1/products/{id}`. Errors: 404, and 400 for one that has prices."""
    held(stage, ids[0])
    if stage.store.shelf("price").where("product", ids[0]):
        raise refused("This product cannot be deleted because it has one or more user-created prices.")
    del stage.product_ids[key_of(stage, ids[0])]
    stage.delete(KIND, ids[0], "product.deleted")
    return shapes.deleted(kind=KIND, id=ids[0])


def held(stage: Stage, id: str, param: str = "id", status: int = 404) -> dict[str, Any]:  # noqa: A002 - Stripe's word
    """The product of that id. Errors: 404 where the path names it, 400 (by `status`) where a parameter does."""
    shape = stage.store.get(KIND, id)
    if shape is None:
        raise no_such(KIND, id, param, status)
    return shape


def key_of(stage: Stage, id: str) -> str:  # noqa: A002
    """The simulation's own name of a product."""
    return next(key for key, each in stage.product_ids.items() if each == id)


def _default(stage: Stage, product: str, id: str) -> str:  # noqa: A002
    price = stage.store.get("price", id)
    if price is None:
        raise no_such("price", id, "default_price", 400)
    if price["product"] != product:
        raise invalid(f"The price `{id}` does not belong to the product `{product}`.", "default_price")
    if not price["active"]:
        raise invalid(f"The price `{id}` is inactive and can't be a default price.", "default_price")
    return id


def _taxed(given: Given) -> dict[str, Any]:
    return {"tax_code": given["tax_code"]} if "tax_code" in given else {}


_NEW: dict[str, Parameter] = {
    "active": Flag(),
    "description": Text(),
    "images": Many(Text()),
    "marketing_features": Many(Fields({"name": Text(longest=80)}, required=("name",))),
    "metadata": Notes(),
    "name": Text(),
    "statement_descriptor": Text(longest=22),
    "tax_code": Text(),
    "unit_label": Text(longest=12),
    "url": Text(),
}
_PRODUCT = "/v1/products/{id}"
WRITES = (
    Write("POST", "/v1/products", "product_write", KIND, create, {**_NEW, "id": Text()}, required=("name",)),
    Write(
        "POST",
        _PRODUCT,
        "product_write",
        KIND,
        update,
        {
            **_NEW,
            "default_price": Text(),
            "description": Text(unset=True),
            "images": Many(Text(), unset=True),
            "marketing_features": Many(Fields({"name": Text(longest=80)}, required=("name",)), unset=True),
            "tax_code": Text(unset=True),
            "unit_label": Text(unset=True, longest=12),
            "url": Text(unset=True),
        },
    ),
    Write("DELETE", _PRODUCT, "product_write", KIND, delete),
)
