"""Which objects a list request answers: conditions, the window of a cursor, newest first. Knows slots, not objects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from operator import eq
from typing import Any

from sandbox.api.errors import ApiError, invalid, no_line, no_such
from sandbox.api.filters import EVERYTHING, Between, Condition, Equal, Passing
from sandbox.api.parameters import Value, integer, text
from sandbox.store import Shelf

PAGING = ("limit", "starting_after", "ending_before", "expand")


@dataclass(frozen=True)
class Window:
    """Where a page starts and how long it is."""

    limit: int
    starting_after: str | None
    ending_before: str | None

    @property
    def cursor(self) -> tuple[str, str] | None:
        """The parameter and the id, when one is given."""
        if self.starting_after is not None:
            return "starting_after", self.starting_after
        return None if self.ending_before is None else ("ending_before", self.ending_before)


def window(given: dict[str, Value]) -> Window:
    """Reads limit and cursor. Errors: 400 for a limit outside 1..100 or two cursors at once."""
    limit = integer("limit", given["limit"]) if "limit" in given else 10
    if limit > 100:
        raise invalid("This value must be less than or equal to 100.", "limit", "parameter_invalid_integer")
    if limit < 1:
        raise invalid("This value must be greater than or equal to 1.", "limit", "parameter_invalid_integer")
    after, before = (text(name, given[name]) if name in given else None for name in PAGING[1:3])
    if after is not None and before is not None:
        message = "Received both starting_after and ending_before parameters. Please pass in only one."
        raise ApiError(400, message, "parameters_exclusive", "starting_after")
    return Window(limit, after, before)


def page(shelf: Shelf, kind: str, conditions: Sequence[Condition], window: Window) -> tuple[list[int], bool]:
    """Slots of one page, newest first, and whether more follow in the direction walked.

    Errors: 400 `resource_missing` when the cursor names nothing.
    """
    slots, rest = _narrowest(shelf, conditions)
    created = _within(conditions)
    low, high = shelf.place(slots, created.first), shelf.place(slots, created.end)
    if window.cursor is None:
        return _taken(_passing(shelf, rest, slots, range(high - 1, low - 1, -1)), window.limit)
    param, id = window.cursor  # noqa: A001 - Stripe's word
    cursor = shelf.slots.get(id)
    if cursor is None:
        raise no_such(kind, id, param, status=400)
    at = shelf.place(slots, shelf.created[cursor], cursor)
    if param == "starting_after":
        return _taken(_passing(shelf, rest, slots, range(min(at, high) - 1, low - 1, -1)), window.limit)
    after = at + 1 if at < len(slots) and slots[at] == cursor else at
    found, more = _taken(_passing(shelf, rest, slots, range(max(after, low), high)), window.limit)
    return found[::-1], more


def page_of_nested(
    entries: Sequence[dict[str, Any]], kind: str, window: Window
) -> tuple[Sequence[dict[str, Any]], bool]:
    """One page of a nested list, which keeps the parent's order. Errors: as `page`."""
    if window.cursor is None:
        return entries[: window.limit], len(entries) > window.limit
    param, id = window.cursor  # noqa: A001
    at = next((place for place, entry in enumerate(entries) if entry["id"] == id), None)
    if at is None:
        raise no_line(entries[0]["invoice"], id) if kind == "line_item" and entries else no_such(kind, id, param, 400)
    if param == "starting_after":
        return entries[at + 1 : at + 1 + window.limit], len(entries) > at + 1 + window.limit
    first = max(at - window.limit, 0)
    return entries[first:at], first > 0


def _narrowest(shelf: Shelf, conditions: Sequence[Condition]) -> tuple[list[int], list[Equal | Passing]]:
    """The shortest ordered list of slots that an equality gives, and the conditions still to be tested."""
    equals = [condition for condition in conditions if isinstance(condition, Equal)]
    tests: list[Equal | Passing] = [condition for condition in conditions if isinstance(condition, Passing)]
    if not equals:
        return shelf.order(), tests
    found = [(shelf.where(equal.column, equal.value), equal) for equal in equals]
    slots, used = min(found, key=lambda pair: len(pair[0]))
    return slots, tests + [equal for equal in equals if equal is not used]


def _within(conditions: Iterable[Condition]) -> Between:
    ranges = [condition for condition in conditions if isinstance(condition, Between)]
    first = max((each.first for each in ranges), default=EVERYTHING.first)
    end = min((each.end for each in ranges), default=EVERYTHING.end)
    return Between(first, max(first, end))


def _passing(shelf: Shelf, rest: Sequence[Equal | Passing], slots: list[int], places: range) -> Iterator[int]:
    if not rest:
        return (slots[place] for place in places)
    tests = [
        (shelf.column(each.column), partial(eq, each.value) if isinstance(each, Equal) else each.test) for each in rest
    ]
    return (slot for slot in (slots[place] for place in places) if all(test(column[slot]) for column, test in tests))


def _taken(slots: Iterator[int], limit: int) -> tuple[list[int], bool]:
    found: list[int] = []
    for slot in slots:
        if len(found) == limit:
            return found, True
        found.append(slot)
    return found, False
