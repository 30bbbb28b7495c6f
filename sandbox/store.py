"""The account's objects, by kind and id: what the simulation writes and the API reads.

Each object is held as the JSON bytes the API answers by default, with what that form hides beside it, so that a page is
a join of bytes and millions of objects fit in memory. Knows nothing of HTTP or of the simulation.
"""

from __future__ import annotations

import sys
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import orjson

from sandbox.forms import Hidden, join, split

Columns = dict[str, list[Any]]
FORGOTTEN = frozenset({"event", "test_helpers.test_clock"})
"""Kinds that nothing refers to, or nothing that outlives them: once deleted they leave no trace."""

PREVIEWS = 100
"""How many previews are remembered."""


class Store:
    """Objects of one account.

    `put` takes complete objects (nested lists whole, includable fields present, discounts as objects, every other
    reference an id); `get` gives them back complete. Ids are ordered by (created, first insertion).
    """

    def __init__(self) -> None:
        self._shelves: dict[str, Shelf] = {}
        self._previews: dict[str, dict[str, Any]] = {}

    def put(self, obj: dict[str, Any]) -> None:
        """Insert the object, or replace the one of the same kind and id. Errors: KeyError without object or id."""
        self.shelf(obj["object"]).put(obj)

    def show(self, kind: str, id: str, body: bytes) -> None:  # noqa: A002
        """Have the API answer these bytes for an object, whatever they are. Errors: KeyError when unknown."""
        self.shelf(kind).show(id, body)

    def get(self, kind: str, id: str) -> dict[str, Any] | None:  # noqa: A002 - Stripe's word
        """A fresh complete copy, or None when there is none or it was deleted."""
        shelf = self.shelf(kind)
        slot = shelf.slots.get(id)
        return None if slot is None else shelf.complete(slot)

    def delete(self, kind: str, id: str) -> None:  # noqa: A002
        """Take the object out of lists and reads; what it was is remembered. Errors: KeyError when unknown."""
        self.shelf(kind).delete(id, remember=kind not in FORGOTTEN)

    def preview(self, obj: dict[str, Any]) -> None:
        """Remember what was previewed, and can be read by its id though it is not there: the last hundred."""
        self._previews.pop(obj["id"], None)
        self._previews[obj["id"]] = obj
        while len(self._previews) > PREVIEWS:
            del self._previews[next(iter(self._previews))]

    def previewed(self, kind: str, id: str) -> dict[str, Any] | None:  # noqa: A002
        """What was previewed under that id; None where it was not, or long ago."""
        found = self._previews.get(id)
        return found if found is not None and found["object"] == kind else None

    def deleted(self, kind: str, id: str) -> dict[str, Any] | None:  # noqa: A002
        """What a deleted object last was, complete; None when it is there or never was."""
        return self.shelf(kind).last_seen(id)

    def ids(self, kind: str) -> Sequence[str]:
        """Ids of what is there, oldest first: by (created, first insertion)."""
        shelf = self.shelf(kind)
        return [shelf.id_at[slot] for slot in shelf.order()]

    def kinds(self) -> Sequence[str]:
        return sorted(kind for kind, shelf in self._shelves.items() if shelf.slots)

    def count(self, kind: str) -> int:
        return len(self.shelf(kind).slots)

    def shelf(self, kind: str) -> Shelf:
        """The place of one kind; made empty when asked for the first time."""
        shelf = self._shelves.get(kind)
        if shelf is None:
            shelf = self._shelves[kind] = Shelf(COLUMNS.get(kind, {}))
        return shelf


class Shelf:
    """All objects of one kind. An object keeps its slot (a small int) for life; columns and order speak of slots."""

    def __init__(self, columns: dict[str, Callable[[dict[str, Any]], Any]]) -> None:
        self.slots: dict[str, int] = {}
        self.id_at: list[str] = []
        self.created = array("q")
        self.columns: Columns = {name: [] for name in columns}
        self._read = list(columns.items())
        self._shown: list[bytes] = []
        self._hidden: dict[int, bytes] = {}
        self._deleted: dict[str, bytes] = {}
        self._order: list[int] = []
        self._sorted = True
        self._indexes: dict[str, dict[Any, list[int]]] = {}

    def put(self, obj: dict[str, Any]) -> None:
        shown, hidden = split(obj)
        body = _fitting(orjson.dumps(shown))
        created = obj.get("created") or obj.get("date") or 0
        slot = self.slots.get(obj["id"])
        if slot is None:
            slot = self._open(obj["id"], created)
        elif created != self.created[slot]:
            self.created[slot] = created
            self._sorted = False
            self._indexes.clear()
        self._shown[slot] = body
        if hidden:
            self._hidden[slot] = _fitting(orjson.dumps([hidden.values, hidden.tails]))
        else:
            self._hidden.pop(slot, None)
        self._note_columns(slot, obj)

    def delete(self, id: str, *, remember: bool = True) -> None:  # noqa: A002
        slot = self.slots[id]
        if remember:
            self._deleted[id] = orjson.dumps(self.complete(slot))
        del self.slots[id]
        self.order().remove(slot)
        for name, index in self._indexes.items():
            index[self.columns[name][slot]].remove(slot)
        self._shown[slot] = b""
        self._hidden.pop(slot, None)

    def show(self, id: str, body: bytes) -> None:  # noqa: A002
        slot = self.slots[id]
        self._shown[slot] = body
        self._hidden.pop(slot, None)

    def shown(self, slot: int) -> bytes:
        """The bytes the API answers by default."""
        return self._shown[slot]

    def hides(self, slot: int, mark: bytes) -> bool:
        """Whether the bytes the default form leaves out hold the mark: a quick look before parsing anything."""
        return mark in self._hidden.get(slot, b"")

    def last_seen(self, id: str) -> dict[str, Any] | None:  # noqa: A002
        body = self._deleted.get(id)
        return None if body is None else orjson.loads(body)

    def complete(self, slot: int) -> dict[str, Any]:
        obj: dict[str, Any] = orjson.loads(self._shown[slot])
        hidden = self._hidden.get(slot)
        return obj if hidden is None else join(obj, Hidden(*orjson.loads(hidden)))

    def order(self) -> list[int]:
        """Slots of what is there, by (created, slot). Not to be changed by the caller."""
        if not self._sorted:
            self._order.sort()
            self._order.sort(key=self.created.__getitem__)
            self._sorted = True
        return self._order

    def column(self, name: str) -> Sequence[Any]:
        """The column's values by slot; empty for a kind that keeps none, because it has no objects."""
        return self.columns.get(name, ())

    def where(self, column: str, value: Any) -> list[int]:
        """Slots whose column holds the value, in `order()`. The index is built at the first question."""
        index = self._indexes.get(column)
        if index is None:
            index = self._indexes[column] = {}
            values = self.column(column)
            for slot in self.order():
                index.setdefault(values[slot], []).append(slot)
        return index.get(value, [])

    def place(self, slots: list[int], created: int, slot: int = -1) -> int:
        """How many of the ordered slots come before (created, slot)."""
        return bisect_left(slots, (created, slot), key=self._key)

    def _key(self, slot: int) -> tuple[int, int]:
        return self.created[slot], slot

    def _open(self, id: str, created: int) -> int:  # noqa: A002
        slot = len(self.id_at)
        name = sys.intern(id)
        self.slots[name] = slot
        self._deleted.pop(id, None)
        self.id_at.append(name)
        self._shown.append(b"")
        for column in self.columns.values():
            column.append(_UNSET)
        if self._order and created < self.created[self._order[-1]]:
            self._sorted = False
        self.created.append(created)
        self._order.append(slot)
        return slot

    def _note_columns(self, slot: int, obj: dict[str, Any]) -> None:
        for name, read in self._read:
            value = read(obj)
            if type(value) is str:
                value = sys.intern(value)
            before = self.columns[name][slot]
            self.columns[name][slot] = value
            if name in self._indexes and value != before:
                self._reindex(self._indexes[name], slot, before, value)

    def _reindex(self, index: dict[Any, list[int]], slot: int, before: Any, after: Any) -> None:
        if before is not _UNSET:
            index[before].remove(slot)
        there = index.setdefault(after, [])
        there.insert(self.place(there, self.created[slot], slot), slot)


def _fitting(body: bytes) -> bytes:
    """The same bytes in memory of their own size: orjson cuts its own from larger blocks, four times the need."""
    return bytes(memoryview(body))


class _Unset:
    """Marks a column of an object that is just being inserted."""


_UNSET = _Unset()


def _field(path: str) -> Callable[[dict[str, Any]], Any]:
    """Reads one value; a missing or null step gives None."""
    first, *rest = path.split(".")

    def read(obj: dict[str, Any]) -> Any:
        value = obj.get(first)
        for step in rest:
            if value is None:
                return None
            value = value.get(step)
        return value

    return read


def _fields(*paths: str) -> dict[str, Callable[[dict[str, Any]], Any]]:
    return {path: _field(path) for path in paths}


def _item_prices(subscription: dict[str, Any]) -> tuple[str, ...]:
    return tuple(sys.intern(item["price"]["id"]) for item in subscription["items"]["data"])


def _period(edge: str, choose: Callable[[Iterable[int]], int]) -> Callable[[dict[str, Any]], int | None]:
    def read(subscription: dict[str, Any]) -> int | None:
        items = subscription["items"]["data"]
        return choose(item[edge] for item in items) if items else None

    return read


COLUMNS: dict[str, dict[str, Callable[[dict[str, Any]], Any]]] = {
    "balance_transaction": _fields("currency", "source", "type") | {"payout": _field("_payout")},
    "billing.credit_grant": _fields("customer"),
    "billing.meter": _fields("status"),
    "billing.meter_event_summary": _fields("_customer", "end_time", "meter", "start_time"),
    "billing_portal.configuration": _fields("active", "is_default"),
    "charge": _fields("customer", "payment_intent", "transfer_group"),
    "checkout.session": _fields("customer", "payment_intent", "status", "subscription"),
    "credit_note": _fields("customer", "invoice"),
    "customer": _fields("email", "test_clock"),
    "customer_balance_transaction": _fields("customer", "invoice"),
    "dispute": _fields("charge", "payment_intent"),
    "event": _fields("type"),
    "invoice": _fields("collection_method", "customer", "due_date", "status")
    | {"subscription": _field("parent.subscription_details.subscription")},
    "invoice_payment": _fields("invoice", "payment.payment_intent", "payment.payment_record", "payment.type", "status"),
    "invoiceitem": _fields("customer", "invoice") | {"pending": lambda item: item.get("invoice") is None},
    "payment_intent": _fields("customer"),
    "payment_method": _fields("allow_redisplay", "customer", "type"),
    "payout": _fields("arrival_date", "destination", "status"),
    "price": _fields("active", "currency", "lookup_key", "product", "type")
    | _fields("recurring.interval", "recurring.meter", "recurring.usage_type")
    | {"inline": _field("_inline")},
    "product": _fields("active", "id", "shippable", "type", "url"),
    "promotion_code": _fields("active", "code", "customer") | {"coupon": _field("promotion.coupon")},
    "quote": _fields("customer", "status", "test_clock"),
    "radar.early_fraud_warning": _fields("charge", "payment_intent"),
    "refund": _fields("charge", "payment_intent"),
    "setup_intent": _fields("customer", "payment_method"),
    "subscription_schedule": _fields("canceled_at", "completed_at", "customer", "released_at", "test_clock")
    | {"scheduled": lambda schedule: schedule.get("status") == "not_started"},
    "subscription": _fields("automatic_tax.enabled", "collection_method", "customer", "status", "test_clock")
    | {
        "current_period_end": _period("current_period_end", min),
        "current_period_start": _period("current_period_start", max),
        "items": lambda subscription: tuple(item["id"] for item in subscription["items"]["data"]),
        "prices": _item_prices,
    },
    "tax.registration": _fields("status"),
    "tax_rate": _fields("active", "inclusive"),
    "transfer": _fields("destination", "transfer_group"),
}
"""The values by kind that list filters ask for, read from the complete object when it is put."""
