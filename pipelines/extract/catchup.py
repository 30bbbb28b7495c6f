"""Decides how objects that changed are read again with the fewest requests: by their list where they lie close
together, else one by one.

Pure: when they were made in, ranges and ids out. A page of a list shows a hundred neighbours for the price of one
object.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

PAGE = 100
NEVER = float("inf")


@dataclass(frozen=True)
class CatchUp:
    """Ranges of creation, [start, end) in epoch seconds, to be read by list, and ids to be read one by one."""

    ranges: tuple[tuple[int, int], ...] = ()
    ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Choice:
    """How an object is best read, either way: whether the one before it is then listed, and whether a range that it is
    in goes on from there."""

    follows_listed: bool
    goes_on: bool


def cheapest(made_at: Mapping[str, int], held_before: Mapping[str, int], listings: int = 1) -> CatchUp:
    """The way that costs the fewest requests, as far as can be told.

    Args:
        made_at: when each object that changed was made, epoch seconds.
        held_before: how many held objects of the stream were made before each of them; empty where it is not known.
        listings: how many lists show the stream's objects together, each of which must be read.

    Each object is read alone, begins a range, or goes on with the range of the one before it; what lies between two of
    a range is read with them. One pass keeps the cheapest way to have read everything up to an object, either way.
    """
    ids = sorted(made_at, key=lambda each: (made_at[each], each))
    choices: list[_Choice] = []
    alone, listed = 0.0, NEVER
    for place, id_ in enumerate(ids):
        between = held_before.get(id_, 0) - held_before.get(ids[max(place - 1, 0)], 0)
        begins = min(alone, listed) + listings * (1 + 1 / PAGE)
        goes_on = listed + listings * (1 + between) / PAGE
        choices.append(_Choice(listed < alone, goes_on < begins))
        alone, listed = min(alone, listed) + 1, min(begins, goes_on)
    return _traced(ids, made_at, choices, is_listed=listed < alone)


def _traced(ids: Sequence[str], made_at: Mapping[str, int], choices: Sequence[_Choice], *, is_listed: bool) -> CatchUp:
    """The choices that led to the cheapest end, from the last object to the first."""
    ranges: list[tuple[int, int]] = []
    single: list[str] = []
    newest: int | None = None
    for id_, choice in zip(reversed(ids), reversed(choices), strict=True):
        if not is_listed:
            single.append(id_)
            is_listed = choice.follows_listed
            continue
        newest = made_at[id_] if newest is None else newest
        if not choice.goes_on:
            ranges.append((made_at[id_], newest + 1))
            newest, is_listed = None, choice.follows_listed
    return CatchUp(_disjoint(reversed(ranges)), tuple(reversed(single)))


def _disjoint(ranges: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Ranges in order, those that share an instant made one."""
    found: list[tuple[int, int]] = []
    for start, end in ranges:
        if found and start < found[-1][1]:
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return tuple(found)
