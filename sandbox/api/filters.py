"""What each kind of list filter accepts, and which objects it lets through. Data for the routes; knows no endpoint."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from sandbox.api.errors import invalid, no_such, unknown_parameter
from sandbox.api.parameters import Value, flag, integer, text, texts
from sandbox.store import Store


@dataclass(frozen=True)
class Equal:
    """The column holds the value: answered by an index."""

    column: str
    value: Any


@dataclass(frozen=True)
class Passing:
    """The column's value passes the test: answered by looking at each."""

    column: str
    test: Callable[[Any], bool]


@dataclass(frozen=True)
class Between:
    """`created` from `first` up to, not including, `end`."""

    first: int
    end: int


Condition = Equal | Passing | Between
EVERYTHING = Between(0, 1 << 62)


class Filter(Protocol):
    """Turns one parameter into conditions, or refuses it with a 400 that names it."""

    def read(self, name: str, value: Value, store: Store) -> list[Condition]: ...


@dataclass(frozen=True)
class Text:
    """Equality; `kind` makes it the id of an object that must have existed."""

    column: str
    kind: str | None = None

    def read(self, name: str, value: Value, store: Store) -> list[Condition]:
        said = text(name, value)
        if self.kind and said not in store.shelf(self.kind).slots and store.deleted(self.kind, said) is None:
            raise no_such(self.kind, said, name, status=400)
        return [Equal(self.column, said)]


@dataclass(frozen=True)
class Flag:
    column: str

    def read(self, name: str, value: Value, store: Store) -> list[Condition]:
        return [Equal(self.column, flag(name, value))]


@dataclass(frozen=True)
class Choice:
    """One of the listed words; a word may stand for several (`sets`), or for everything (an empty set)."""

    column: str
    words: tuple[str, ...]
    sets: tuple[tuple[str, frozenset[str]], ...] = ()

    def read(self, name: str, value: Value, store: Store) -> list[Condition]:
        said = text(name, value)
        several = dict(self.sets)
        if said in several:
            members = several[said]
            return [Passing(self.column, members.__contains__)] if members else []
        if said not in self.words:
            raise invalid(f"Invalid {name}: must be one of {_either([*self.words, *several])}", name)
        return [Equal(self.column, said)]


@dataclass(frozen=True)
class Contains:
    """The column is a tuple that holds the value (a subscription's prices)."""

    column: str

    def read(self, name: str, value: Value, store: Store) -> list[Condition]:
        said = text(name, value)
        return [Passing(self.column, lambda members: said in members)]


@dataclass(frozen=True)
class AnyOf:
    """The column holds one of the listed texts, at most `most`."""

    column: str
    most: int

    def read(self, name: str, value: Value, store: Store) -> list[Condition]:
        said = texts(name, value)
        if len(said) > self.most:
            raise invalid(f"Invalid {name}: at most {self.most} values are allowed", name)
        return [Passing(self.column, frozenset(said).__contains__)]


@dataclass(frozen=True)
class Wildcard:
    """Equality, or a family with a `*` at the end (`invoice.*`, `*`)."""

    column: str

    def read(self, name: str, value: Value, store: Store) -> list[Condition]:
        said = text(name, value)
        if not said.endswith("*"):
            return [Equal(self.column, said)]
        family = said[:-1]
        return [Passing(self.column, lambda word: word.startswith(family))]


@dataclass(frozen=True)
class Range:
    """An instant, or `gt`, `gte`, `lt`, `lte`; of `created` when no column is named."""

    column: str | None = None

    def read(self, name: str, value: Value, store: Store) -> list[Condition]:
        first, end = EVERYTHING.first, EVERYTHING.end
        given = value if isinstance(value, dict) else {"": text(name, value)}
        for bound, said in given.items():
            if bound not in _BOUNDS:
                raise unknown_parameter(f"{name}[{bound}]")
            at = integer(f"{name}[{bound}]" if bound else name, said)
            low, high = _BOUNDS[bound](at)
            first, end = max(first, low), min(end, high)
        if self.column is None:
            return [Between(first, end)]
        return [Passing(self.column, lambda at: at is not None and first <= at < end)]


_BOUNDS: dict[str, Callable[[int], tuple[int, int]]] = {
    "": lambda at: (at, at + 1),
    "gt": lambda at: (at + 1, EVERYTHING.end),
    "gte": lambda at: (at, EVERYTHING.end),
    "lt": lambda at: (EVERYTHING.first, at),
    "lte": lambda at: (EVERYTHING.first, at + 1),
}


@dataclass(frozen=True)
class Since:
    """The column's instant is not before the given one, which is the start of a day."""

    column: str

    def read(self, name: str, value: Value, store: Store) -> list[Condition]:
        first = _start_of_day(name, value)
        return [Passing(self.column, lambda at: at >= first)]


@dataclass(frozen=True)
class Until:
    """The column's instant is not after the given one, which is the start of a day."""

    column: str

    def read(self, name: str, value: Value, store: Store) -> list[Condition]:
        last = _start_of_day(name, value)
        return [Passing(self.column, lambda at: at <= last)]


def _start_of_day(name: str, value: Value) -> int:
    at = integer(name, text(name, value))
    if at % 86_400:
        raise invalid(f"Invalid {name}: must be aligned with the daily boundaries of value_grouping_window", name)
    return at


@dataclass(frozen=True)
class Fields:
    """A map of further filters (`payment[type]`, `recurring[interval]`)."""

    members: dict[str, Filter]

    def read(self, name: str, value: Value, store: Store) -> list[Condition]:
        if not isinstance(value, dict):
            raise invalid("Invalid object", name)
        found: list[Condition] = []
        for member, said in value.items():
            if member not in self.members:
                raise unknown_parameter(f"{name}[{member}]")
            found += self.members[member].read(f"{name}[{member}]", said, store)
        return found


@dataclass(frozen=True)
class Ignored:
    """Accepted, and true of every object here (`delivery_success`, `customer_account`)."""

    def read(self, name: str, value: Value, store: Store) -> list[Condition]:
        return []


def _either(words: list[str]) -> str:
    return f"{', '.join(words[:-1])}, or {words[-1]}" if len(words) > 1 else words[0]
