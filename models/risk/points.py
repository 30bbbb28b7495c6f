"""The points of each level of each feature, so that they add up to a score: an expert's, or fitted to the account.

A score is points: an even chance to leave within 90 days is 100, and every 10 more double the odds. With 200 churns
that a score should have foretold, its points are fitted to them by logistic regression, held near the expert's by a
ridge (the posterior mode under a normal prior); with fewer they are the expert's. The base, what somebody has of whom
nothing is known, is such that chances add up to the churns that the account saw, weighed with an expert's guess.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from models.risk.features import DOUBLES, FEATURES, KINDS, PAYMENT, VOLUNTARY, chance, held
from models.risk.snapshots import LOST_BITS

ENOUGH_TO_FIT = 200
"""Churns below which points are an expert's."""
LEADING = 90
"""Days within which leaving is meant by a score."""
EXPERT_CHANCE = {(PAYMENT, 30): 0.005, (PAYMENT, 90): 0.012, (VOLUNTARY, 30): 0.02, (VOLUNTARY, 90): 0.055}
"""Chance to leave that an expert gives a customer of whom nothing is known."""
GUESSED_CUSTOMERS = 50
"""Customers that the expert's guess of the base counts for."""
LOWEST_BASE, HIGHEST_BASE = -100, 200
EXPERT, FITTED = "expert prior", "fitted"

_PLACES = {key: place for place, key in enumerate(LOST_BITS)}
Weights = Mapping[tuple[int, int], int]
"""Points by feature and level."""


@dataclass(frozen=True)
class Seen:
    """Customers who looked alike at scoring dates before: how many, and how many left by each bit of `LOST_BITS`."""

    code: int
    customers: int
    lost: tuple[int, ...]

    def left(self, kind: str, days: int) -> int:
        """How many left so within so many days."""
        return self.lost[_PLACES[kind, days]]


@dataclass(frozen=True)
class Card:
    """The points of one score."""

    kind: str
    bases: Mapping[int, int]
    """Points that everybody has, by days within which leaving is meant."""
    weights: Weights
    basis: str
    churns: int
    """Churns that it could have learnt from."""

    def points(self, code: int) -> int:
        """The points of the levels of a code, the base left out."""
        return points_of(code, self.weights)

    def score(self, code: int, days: int = LEADING) -> int:
        """The score of a code."""
        return self.bases[days] + self.points(code)

    def chance(self, code: int, days: int = LEADING) -> float:
        """The probability that a customer of a code leaves within so many days."""
        return chance(self.score(code, days))


def cards(seen: Mapping[int, Sequence[Seen]]) -> dict[str, Card]:
    """The points of both scores; `seen` are the snapshots, by days, whose churns within so many days are known."""
    return {kind: card(kind, seen) for kind in KINDS}


def card(kind: str, seen: Mapping[int, Sequence[Seen]]) -> Card:
    """The points of one score."""
    churns = sum(one.left(kind, 30) for one in seen[30])
    weights, basis = expert(kind), EXPERT
    if churns >= ENOUGH_TO_FIT:
        # NumPy takes longer to import than a small account takes to score.
        from models.risk.logistic import fitted

        weights, basis = fitted(kind, seen[LEADING], weights), FITTED
    points = {one.code: points_of(one.code, weights) for rows in seen.values() for one in rows}
    bases = {days: _base(kind, days, points, rows) for days, rows in seen.items()}
    return Card(kind, bases, weights, basis, churns)


@cache
def expert(kind: str) -> Weights:
    """An expert's points."""
    return {
        (place, level): words.points(kind)
        for place, feature in enumerate(FEATURES)
        for level, words in enumerate(feature.levels, start=1)
    }


def points_of(code: int, weights: Weights) -> int:
    """The points of the levels of a code."""
    return sum(weights.get(one, 0) for one in _held(code))


def _base(kind: str, days: int, points_of_code: Mapping[int, int], seen: Iterable[Seen]) -> int:
    """The base with which chances add up to the churns there were, an expert's guess of some customers among them."""
    by_points: dict[int, int] = {0: GUESSED_CUSTOMERS}
    left = GUESSED_CUSTOMERS * EXPERT_CHANCE[kind, days]
    for one in seen:
        points = points_of_code[one.code]
        by_points[points] = by_points.get(points, 0) + one.customers
        left += one.left(kind, days)
    low, high = LOWEST_BASE, HIGHEST_BASE
    while low < high:
        middle = (low + high) // 2
        expected = sum(customers * chance(middle + points) for points, customers in sorted(by_points.items()))
        low, high = (middle + 1, high) if expected < left else (low, middle)
    return low


@cache
def _held(code: int) -> tuple[tuple[int, int], ...]:
    return tuple(held(code))


LOG_ODDS = DOUBLES / 0.6931471805599453
"""Points of one unit of natural log odds."""
