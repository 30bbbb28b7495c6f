"""Answers to reads: one function per sort of route, each from (ids of the path, parameters) to the body's bytes.

Knows the store and the expander; nothing of HTTP, keys or limits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import orjson

from sandbox.api.errors import invalid, missing_parameter, no_such, unknown_parameter
from sandbox.api.expansion import Expander, Tree, deleted_stub, expansion, only_discounts
from sandbox.api.filters import Between, Condition, Equal, Filter
from sandbox.api.listing import PAGING, page, page_of_nested, window
from sandbox.api.parameters import Value, text, texts
from sandbox.api.resources import PARTS, RESOURCES, SCOPES, SINGLES
from sandbox.api.routes import Part, Resource, Scope, Single
from sandbox.clock import Clock
from sandbox.store import Shelf, Store

Given = dict[str, Value]
Serve = Callable[[tuple[str, ...], Given], bytes]


@dataclass(frozen=True)
class Operation:
    """One endpoint as Stripe counts them: all ids of a path are one (`GET /v1/charges/{id}`)."""

    name: str
    permission: str | None
    serve: Serve


class Endpoints:
    """Every read of the API over one store."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._expander = Expander(store)

    def operations(self) -> dict[tuple[str, str], Operation]:
        """By method and path template. A write becomes one more entry under its method."""
        found: dict[str, tuple[str | None, Serve]] = {}
        for resource in RESOURCES:
            found[resource.path] = (resource.permission, self._lister(resource))
            found[resource.path + "/{id}"] = (resource.permission, self._retriever(resource))
        for part in PARTS:
            found[part.path] = (part.permission, self._part_lister(part))
        for scope in SCOPES:
            found[scope.path] = (scope.permission, self._scope_lister(scope))
        for single in SINGLES:
            found[single.path] = (single.permission, self._single(single))
        found["/v1/subscription_items"] = ("subscription_read", self._subscription_items)
        found["/v1/subscription_items/{id}"] = ("subscription_read", self._subscription_item)
        return {
            ("GET", path): Operation(f"GET {path}", permission, serve) for path, (permission, serve) in found.items()
        }

    def _lister(self, resource: Resource) -> Serve:
        def serve(ids: tuple[str, ...], given: Given) -> bytes:
            conditions = self._conditions(given, resource.filters, resource.unless)
            return self._page(resource.kind, resource.path, conditions, given)

        return serve

    def _scope_lister(self, scope: Scope) -> Serve:
        def serve(ids: tuple[str, ...], given: Given) -> bytes:
            parent = ids[0]
            if parent not in self._store.shelf(scope.parent).slots:
                raise no_such(scope.parent, parent, scope.parent)
            for name in scope.required:
                if name not in given:
                    raise missing_parameter(name)
            conditions = self._conditions(given, scope.filters, scope.unless)
            conditions.append(Equal(scope.column, parent))
            return self._page(scope.kind, scope.path.format(id=quote(parent, safe="")), conditions, given)

        return serve

    def _retriever(self, resource: Resource) -> Serve:
        def serve(ids: tuple[str, ...], given: Given) -> bytes:
            _only(given, ("expand",))
            tree = _tree(given, resource.kind, listed=False)
            shelf = self._store.shelf(resource.kind)
            slot = shelf.slots.get(ids[0])
            if slot is not None and self._visible(resource.kind, shelf, slot):
                return self._bodies(shelf, [slot], resource.kind, tree)[0]
            if resource.kind == "customer" and shelf.last_seen(ids[0]) is not None:
                return orjson.dumps(deleted_stub("customer", ids[0]))
            raise no_such(resource.kind, ids[0], resource.param)

        return serve

    def _part_lister(self, part: Part) -> Serve:
        def serve(ids: tuple[str, ...], given: Given) -> bytes:
            _only(given, PAGING)
            parent = self._store.get(part.parent, ids[0]) or self._store.previewed(part.parent, ids[0])
            if parent is None:
                raise no_such(part.parent, ids[0], part.parent)
            return self._nested_page(
                parent[part.field]["data"], part.kind, part.path.format(id=quote(ids[0], safe="")), given
            )

        return serve

    def _single(self, single: Single) -> Serve:
        def serve(ids: tuple[str, ...], given: Given) -> bytes:
            _only(given, ("expand",))
            shelf = self._store.shelf(single.kind)
            if not shelf.slots:
                raise no_such(single.kind, "", "id")
            return shelf.shown(shelf.order()[-1])

        return serve

    def _subscription_items(self, ids: tuple[str, ...], given: Given) -> bytes:
        _only(given, (*PAGING, "subscription"))
        if "subscription" not in given:
            raise missing_parameter("subscription")
        id = text("subscription", given["subscription"])  # noqa: A001 - Stripe's word
        subscription = self._store.get("subscription", id)
        if subscription is None:
            raise no_such("subscription", id, "subscription", status=400)
        return self._nested_page(subscription["items"]["data"], "subscription_item", "/v1/subscription_items", given)

    def _subscription_item(self, ids: tuple[str, ...], given: Given) -> bytes:
        _only(given, ("expand",))
        tree = _tree(given, "subscription_item", listed=False)
        shelf = self._store.shelf("subscription")
        for slot, items in enumerate(shelf.column("items")):
            if ids[0] in items and shelf.id_at[slot] in shelf.slots:
                data = shelf.complete(slot)["items"]["data"]
                item = next(entry for entry in data if entry["id"] == ids[0])
                return orjson.dumps(self._expander.expanded(item, "subscription_item", tree))
        raise no_such("subscription_item", ids[0], "item")

    def _page(self, kind: str, url: str, conditions: Sequence[Condition], given: Given) -> bytes:
        shelf = self._store.shelf(kind)
        tree = _tree(given, kind, listed=True)
        if kind == "event":
            conditions = [*conditions, Between(self._clock.events_since, 1 << 62)]
        slots, more = page(shelf, kind, conditions, window(given))
        return _list_object(self._bodies(shelf, slots, kind, tree), url, more=more)

    def _nested_page(self, entries: Sequence[dict[str, Any]], kind: str, url: str, given: Given) -> bytes:
        tree = _tree(given, kind, listed=True)
        found, more = page_of_nested(entries, kind, window(given))
        bodies = [orjson.dumps(self._expander.expanded(entry, kind, tree)) for entry in found]
        return _list_object(bodies, url, more=more)

    def _bodies(self, shelf: Shelf, slots: Sequence[int], kind: str, tree: Tree) -> list[bytes]:
        if not tree:
            return [shelf.shown(slot) for slot in slots]
        skip = only_discounts(tree, kind)
        return [self._expander.body(shelf, slot, kind, tree, skip=skip) for slot in slots]

    def _visible(self, kind: str, shelf: Shelf, slot: int) -> bool:
        return kind != "event" or shelf.created[slot] >= self._clock.events_since

    def _conditions(
        self,
        given: Given,
        filters: Mapping[str, Filter],
        unless: Iterable[tuple[tuple[str, ...], Condition]] = (),
    ) -> list[Condition]:
        _only(given, (*PAGING, *filters))
        if "type" in given and "types" in given:
            raise invalid("You may only specify one of these parameters: type, types.", "type", "parameters_exclusive")
        found = [
            condition
            for name, value in given.items()
            if name in filters
            for condition in filters[name].read(name, value, self._store)
        ]
        found += [condition for names, condition in unless if not any(name in given for name in names)]
        return found


def accounts_of(stores: Sequence[Store]) -> Operation:
    """The list of a platform's connected accounts, newest first."""

    def serve(ids: tuple[str, ...], given: Given) -> bytes:
        _only(given, PAGING)
        held = [store.get("account", each) for store in stores for each in store.ids("account")]
        newest = sorted((each for each in held if each), key=lambda each: (-each["created"], each["id"]))
        found, more = page_of_nested(newest, "account", window(given))
        return _list_object([orjson.dumps(each) for each in found], "/v1/accounts", more=more)

    return Operation("GET /v1/accounts", "connected_account_read", serve)


def _only(given: Given, known: Sequence[str]) -> None:
    for name in given:
        if name not in known:
            raise unknown_parameter(name)


def _tree(given: Given, kind: str, *, listed: bool) -> Tree:
    return expansion(texts("expand", given["expand"]), kind, listed=listed) if "expand" in given else {}


def _list_object(bodies: Sequence[bytes], url: str, *, more: bool) -> bytes:
    tail = b'],"has_more":%s,"url":"%s"}' % (b"true" if more else b"false", url.encode())
    return b"".join((b'{"object":"list","data":[', b",".join(bodies), tail))
