"""Objects with what a request asked to expand. Reads the table of expandable fields; knows no endpoint."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from sandbox.api.errors import ApiError, invalid
from sandbox.api.expandable import (
    EXPANDABLE,
    LEAVES,
    ByCurrency,
    Discount,
    Discounts,
    Embedded,
    Gathered,
    Included,
    Inside,
    Nested,
    Node,
    Ref,
)
from sandbox.forms import INLINE_LIST_SIZE, split
from sandbox.store import Shelf, Store

MAX_DEPTH = 4
DISCOUNT_MARK = b'"object":"discount"'

Tree = dict[str, "Tree"]
"""Expansion paths as a tree of their steps; a step without branches is to be expanded itself."""


def expansion(paths: Sequence[str], kind: str, *, listed: bool) -> Tree:
    """The tree below the object, of paths that start at the response. Errors: 400 for too deep or unknown paths."""
    tree: Tree = {}
    for path in paths:
        steps = path.split(".")
        if len(steps) > MAX_DEPTH:
            message = f"You cannot expand more than {MAX_DEPTH} levels of a property. Property: {path}"
            raise invalid(message, "expand")
        if listed and (steps[0] != "data" or len(steps) == 1):
            raise _refused(path)
        below = steps[1:] if listed else steps
        _check(below, EXPANDABLE.get(kind, {}), path)
        branch = tree
        for step in below:
            branch = branch.setdefault(step, {})
    return tree


def only_discounts(tree: Tree, kind: str) -> bool:
    """Whether nothing changes on objects that hold no discount, so that most can be passed by unparsed."""
    return all(
        isinstance(node, Discounts) or (isinstance(node, Nested) and only_discounts(branch.get("data", {}), node.kind))
        for node, branch in ((EXPANDABLE[kind][field], branch) for field, branch in tree.items())
    )


class Expander:
    """Expands objects of one store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def body(self, shelf: Shelf, slot: int, kind: str, tree: Tree, *, skip: bool) -> bytes:
        """The bytes of one object; `skip` says that an object without discounts has nothing to expand."""
        if skip and not shelf.hides(slot, DISCOUNT_MARK):
            return shelf.shown(slot)
        return orjson.dumps(self.expanded(shelf.complete(slot), kind, tree))

    def expanded(self, complete: dict[str, Any], kind: str, tree: Tree) -> dict[str, Any]:
        """The default form of a complete object, with the tree's fields expanded."""
        return _Walk(self._store, complete).part(complete, kind, tree)


class _Walk:
    """One walk over one object: what its discounts are is looked up in the object itself."""

    def __init__(self, store: Store, root: dict[str, Any]) -> None:
        self._store = store
        self._root = root
        self._discounts: dict[str, dict[str, Any]] | None = None

    def part(self, complete: dict[str, Any], kind: str, tree: Tree) -> dict[str, Any]:
        shown = split(complete)[0]
        if not tree:
            return shown
        if shown is complete:
            shown = dict(complete)
        fields = EXPANDABLE.get(kind, {})
        for field, branch in tree.items():
            if field in fields:
                shown[field] = self._field(fields[field], complete, field, branch)
        return shown

    def _field(self, node: Node, owner: dict[str, Any], field: str, branch: Tree) -> Any:
        value = owner.get(field)
        if isinstance(node, Gathered):
            return self._gathered(node, owner["id"], branch)
        if isinstance(node, Included):
            return value if field in owner else self._record(owner).get(field)
        if isinstance(node, ByCurrency):
            return _options(value if field in owner else self._record(owner).get(field), branch)
        if value is None:
            return None
        match node:
            case Ref():
                return self._fetched(node, value, branch)
            case Discounts():
                return [self._discount(entry, branch) for entry in value]
            case Discount():
                return self._discount(value, branch)
            case Nested():
                return self._nested(node, value, branch)
            case _:
                return self._structure(node, value, branch)

    def _structure(self, node: Node, value: Any, branch: Tree) -> Any:
        """Goes on into what is there in full: each element of a list in turn."""
        if isinstance(value, list):
            return [self._structure(node, entry, branch) for entry in value]
        if isinstance(node, Embedded):
            return self.part(value, node.kind, branch)
        if not isinstance(node, Inside):
            return value
        inner = {name: self._field(node.fields[name], value, name, deeper) for name, deeper in branch.items()}
        return {**value, **inner}

    def _nested(self, node: Nested, value: dict[str, Any], branch: Tree) -> dict[str, Any]:
        data = value["data"]
        tree = branch.get("data", {})
        head = [self.part(entry, node.kind, tree) for entry in data[:INLINE_LIST_SIZE]]
        return {**value, "data": head, "has_more": len(data) > INLINE_LIST_SIZE}

    def _gathered(self, node: Gathered, id: str, branch: Tree) -> dict[str, Any]:  # noqa: A002 - Stripe's word
        shelf = self._store.shelf(node.kind)
        slots = shelf.where(node.column, id)
        if node.only is not None:
            column, counting = shelf.column(node.only[0]), node.only[1]
            slots = [slot for slot in slots if column[slot] in counting]
        newest = slots[: -INLINE_LIST_SIZE - 1 : -1]
        tree = branch.get("data", {})
        data = [self._object(shelf, slot, node.kind, tree) for slot in newest]
        url = node.url.format(id=id)
        return {"object": "list", "data": data, "has_more": len(slots) > INLINE_LIST_SIZE, "url": url}

    def _fetched(self, node: Ref, value: Any, branch: Tree) -> Any:
        if isinstance(value, list):
            return [self._fetched(node, entry, branch) for entry in value]
        for kind in node.kinds if isinstance(value, str) else ():
            shelf = self._store.shelf(kind)
            slot = shelf.slots.get(value)
            if slot is not None:
                return self._object(shelf, slot, kind, branch)
            gone = shelf.last_seen(value)
            if gone is not None:
                return self._gone(gone, kind, branch)
        return value

    def _object(self, shelf: Shelf, slot: int, kind: str, branch: Tree) -> Any:
        if not branch:
            return orjson.Fragment(shelf.shown(slot))
        complete = shelf.complete(slot)
        return _Walk(self._store, complete).part(complete, kind, branch)

    def _gone(self, gone: dict[str, Any], kind: str, branch: Tree) -> dict[str, Any]:
        """A deleted coupon still shows what it was, in the discounts it left; anything else only that it is gone."""
        if kind == "coupon":
            return _Walk(self._store, gone).part(gone, kind, branch)
        return deleted_stub(kind, gone["id"])

    def _discount(self, entry: Any, branch: Tree) -> Any:
        discount = self._carried().get(entry) if isinstance(entry, str) else entry
        return entry if discount is None else self.part(discount, "discount", branch)

    def _carried(self) -> dict[str, dict[str, Any]]:
        if self._discounts is None:
            self._discounts = {each["id"]: each for each in _discounts_of(self._root)}
        return self._discounts

    def _record(self, owner: dict[str, Any]) -> dict[str, Any]:
        kind = "price" if owner["object"] == "plan" else owner["object"]  # a plan mirrors the price of its id
        return self._store.get(kind, owner["id"]) or {}


def _options(options: dict[str, dict[str, Any]] | None, branch: Tree) -> dict[str, dict[str, Any]] | None:
    """What a price costs by currency: with tiers for the currencies that are named, without them for all others."""
    return options and {
        code: option if "tiers" in branch.get(code, {}) else {name: option[name] for name in option if name != "tiers"}
        for code, option in options.items()
    }


def deleted_stub(kind: str, id: str) -> dict[str, Any]:  # noqa: A002
    """What the API answers for an object that was deleted and may still be referred to."""
    return {"id": id, "object": kind, "deleted": True}


def _check(steps: Sequence[str], fields: dict[str, Node], path: str) -> None:
    node = fields.get(steps[0])
    if node is None or (len(steps) == 1 and not isinstance(node, LEAVES)):
        raise _refused(path)
    if len(steps) == 1:
        return
    below = steps[1:]
    if isinstance(node, ByCurrency):
        if len(below) != 2 or below[1] != "tiers":
            raise _refused(path)
    elif isinstance(node, Gathered | Nested):
        if below[0] != "data" or len(below) == 1:
            raise _refused(path)
        _check(below[1:], EXPANDABLE.get(node.kind, {}), path)
    else:
        _check(below, _fields_of(node), path)


def _fields_of(node: Node) -> dict[str, Node]:
    match node:
        case Inside(fields):
            return fields
        case Embedded(kind):
            return EXPANDABLE.get(kind, {})
        case Ref(kinds):
            return {name: field for kind in kinds for name, field in EXPANDABLE.get(kind, {}).items()}
        case Discounts() | Discount():
            return EXPANDABLE["discount"]
        case _:
            return {}


def _refused(path: str) -> ApiError:
    return invalid(f"This property cannot be expanded ({path}).", "expand")


def _discounts_of(part: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for entry in part.get("discounts") or ():
        if isinstance(entry, dict):
            yield entry
    for field in ("lines", "items"):
        for element in (part.get(field) or {}).get("data", ()):
            yield from _discounts_of(element)
