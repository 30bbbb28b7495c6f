"""Bands widened by what they missed: a method that was further off than it said says so from then on.

Split conformal prediction, one number of months ahead at a time: of the misses known when a forecast is made, each over
the half of its band that it lay on, the one of rank ⌈0.8 (n + 1)⌉ is what the band is stretched by. Vovk, Gammerman &
Shafer 2005, Algorithmic Learning in a Random World. Never narrower.
"""

from bisect import bisect_right, insort
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from itertools import groupby
from typing import NamedTuple

FEWEST = 4
"""Misses below which nothing is learned of a horizon: a rank of 80 % is then above them all."""


class Made(NamedTuple):
    """One forecast, in the order of the columns of `models.forecast.mrr.FORECAST`."""

    account_id: str
    method: str
    origin_month: date
    horizon_months: int
    month: date
    currency: str
    p10: int
    p50: int
    p90: int
    actual: int | None
    scale: float


def widened(made: Iterable[Made]) -> Iterator[Made]:
    """The forecasts, each with its band as wide as those of its method had to be by the end of its origin's month.

    Months ahead that were never tried lie between those that were, and go on from the last that was tried enough.
    """
    for _, group in groupby(sorted(made), key=lambda one: (one.account_id, one.method)):
        own = list(group)
        known = {
            ahead: _stretches(ahead, own) for ahead in sorted({one.horizon_months for one in own if _is_tried(one)})
        }
        for one in own:
            yield _stretched(one, _stretch(one, known))


def stretch(misses: Sequence[float]) -> float:
    """What a band is stretched by after so many misses, in order: at least 1.

    Example:
        >>> stretch([0.2, 0.5, 1.2, 3.0]), stretch([0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.5, 9.0]), stretch([7.0])
        (3.0, 1.5, 1.0)
    """
    if len(misses) < FEWEST:
        return 1.0
    rank = -(-8 * (len(misses) + 1) // 10)
    return max(1.0, misses[rank - 1])


def _is_tried(one: Made) -> bool:
    return one.actual is not None


def _stretches(ahead: int, own: Sequence[Made]) -> tuple[list[date], list[float]]:
    """By month, from when on a band so many months ahead is stretched by how much; 0 while too little is known."""
    months, found, misses = [], [], list[float]()
    tried = sorted((one for one in own if one.horizon_months == ahead and _is_tried(one)), key=lambda one: one.month)
    for one in tried:
        miss = _miss(one)
        if miss is not None:
            insort(misses, miss)
        months.append(one.month)
        found.append(stretch(misses) if len(misses) >= FEWEST else 0.0)
    return months, found


def _miss(one: Made) -> float | None:
    """How far what came was off, over the half of the band on its side; None where that half has no width."""
    if one.actual is None or one.actual == one.p50:
        return 0.0
    half = one.p90 - one.p50 if one.actual > one.p50 else one.p50 - one.p10
    return abs(one.actual - one.p50) / half if half else None


def _stretch(one: Made, known: dict[int, tuple[list[date], list[float]]]) -> float:
    """The stretch of its months ahead, or between those of the nearest that are known by the end of its origin."""
    learned = {}
    for ahead, (months, found) in known.items():
        there = bisect_right(months, one.origin_month)
        if there and found[there - 1]:
            learned[ahead] = found[there - 1]
    below = max((ahead for ahead in learned if ahead <= one.horizon_months), default=None)
    above = min((ahead for ahead in learned if ahead >= one.horizon_months), default=None)
    if below is None or above is None:
        nearest = above if below is None else below
        return 1.0 if nearest is None else learned[nearest]
    if below == above:
        return learned[below]
    return learned[below] + (learned[above] - learned[below]) * (one.horizon_months - below) / (above - below)


def _stretched(one: Made, by: float) -> Made:
    """No edge goes below zero that was not there before."""
    low = round(one.p50 - (one.p50 - one.p10) * by)
    high = round(one.p50 + (one.p90 - one.p50) * by)
    return one._replace(p10=max(min(0, one.p10), low), p90=high)
