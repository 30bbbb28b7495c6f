"""A figure held against an earlier one, as a tile shows it and as a sentence says it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Literal

from dashboards.page import Comparison
from dashboards.values import Cell, Count, Missing, Money, Points, Rate, month_text, shown
from reports.months import earlier

Direction = Literal["up", "down", "level", "none"]


def comparisons(cell_of: Callable[[date], Cell], month: date, unit: str) -> tuple[Comparison, ...]:
    """The month's figure against the month before and the same month of the year before."""
    return tuple(
        compared(cell_of(month), cell_of(earlier(month, back)), f"on {month_text(earlier(month, back))}", unit)
        for back in (1, 12)
    )


def compared(now: Cell, before: Cell, against: str, unit: str) -> Comparison:
    """One figure against another; not available where either is missing."""
    change = difference(now, before)
    if change is None:
        reason = next((cell.reason for cell in (before, now) if isinstance(cell, Missing)), "nothing to compare with")
        return Comparison(against, Missing(reason))
    return Comparison(
        against, change, growth(now, before), direction(change), unit if isinstance(change, Money) else ""
    )


def difference(now: Cell, before: Cell) -> Cell:
    """`now` less `before`; None where they cannot be compared."""
    match now, before:
        case Money(), Money():
            return replace(now, minor=now.minor - before.minor, signed=True)
        case Count(), Count():
            return Count(now.value - before.value, signed=True)
        case Rate(), Rate():
            return Points(now.value - before.value)
        case _:
            return None


def growth(now: Cell, before: Cell) -> Cell:
    """The difference as a share of `before`; None where `before` is not above zero or is a share itself."""
    match now, before:
        case Money(), Money():
            start, end = Decimal(before.minor), Decimal(now.minor)
        case Count(), Count():
            start, end = Decimal(before.value), Decimal(now.value)
        case _:
            return None
    return Rate(end - start, start, signed=True) if start > 0 else None


def direction(change: Cell) -> Direction:
    """Which way a difference points."""
    match change:
        case Money():
            size = Decimal(change.minor)
        case Count() | Points():
            size = Decimal(change.value)
        case _:
            return "none"
    return "up" if size > 0 else "down" if size < 0 else "level"


def verb(change: Cell, words: tuple[str, str, str] = ("up", "down", "level")) -> str:
    """The direction as a word."""
    return {"up": words[0], "down": words[1]}.get(direction(change), words[2])


def change_words(now: Cell, before: Cell, against: str) -> str:
    """`up 2.1% on Sep 2026`, `level with Sep 2026`; empty where they cannot be compared."""
    change, share = difference(now, before), growth(now, before)
    if change is None:
        return ""
    if direction(change) == "level":
        return f"level with {against}"
    if isinstance(change, Points):
        size = shown(Points(abs(change.value))).lstrip("+")
        return f"level with {against}" if size.startswith("0.0 ") else f"{verb(change)} {size} on {against}"
    if isinstance(share, Rate):
        size = shown(Rate(abs(Decimal(share.numerator)), share.denominator))
        return f"{verb(change)} {size} on {against}"
    return f"{verb(change)} on {against}"
