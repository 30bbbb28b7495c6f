"""Simple forecasts that any better one must beat: last value, drift, three-month means, Theta.

Each gives a point and a standard deviation for every month ahead; its P10 and P90 lie 1.2816 standard deviations off.
Hyndman & Athanasopoulos, Forecasting: Principles and Practice (3rd ed.), 5.2 and 5.5, for the first two and all bands.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from models.forecast.history import History, mean

Z_80 = 1.2815515655446004
"""Standard deviations of a normal distribution to either side that hold 80 % of it."""
RECENT = 3
"""Months that Baremetrics' means are of."""
ALPHAS = tuple(step / 10 for step in range(1, 11))


@dataclass(frozen=True)
class Outcome:
    """A forecast: by months ahead, 1 first, the point and its standard deviation, in minor units."""

    points: tuple[float, ...]
    deviations: tuple[float, ...]

    def quantiles(self, ahead: int) -> tuple[float, float, float]:
        """P10, P50 and P90 so many months ahead."""
        point, off = self.points[ahead - 1], Z_80 * self.deviations[ahead - 1]
        return point - off, point, point + off


def naive(history: History, months: int) -> Outcome:
    """The last value. One step's error is a month's change; errors add up: sd(h) = sd(1) √h."""
    deviation = _deviation(history.steps, 0)
    return Outcome((history.closing[-1],) * months, tuple(deviation * math.sqrt(ahead) for ahead in _ahead(months)))


def drift(history: History, months: int) -> Outcome:
    """The last value and the mean change of all months: y + h (y − y₁) / (T − 1).

    sd(h) = sd(1) √(h (1 + h / (T − 1))).
    """
    steps = history.steps
    slope = (history.closing[-1] - history.closing[0]) / len(steps)
    deviation = _deviation([step - slope for step in steps], 1)
    return Outcome(
        tuple(history.closing[-1] + slope * ahead for ahead in _ahead(months)),
        tuple(deviation * math.sqrt(ahead * (1 + ahead / len(steps))) for ahead in _ahead(months)),
    )


def recent_means(history: History, months: int) -> Outcome:
    """As Baremetrics forecasts: every month loses a share c and gains an amount g, MRR' = MRR (1 − c) + g.

    c is the mean share of MRR lost (contraction and churn) and g the mean gain (new, expansion, reactivation) of the
    last three months. One step's errors are those it would have made in the months before; sd(h) = sd(1) √h.
    """
    errors = [
        history.closing[end] - _after(history.closing[end - 1], *_means(history, end))
        for end in range(RECENT, len(history))
    ]
    lost, gained = _means(history, len(history))
    points, value = [], history.closing[-1]
    for _ in _ahead(months):
        value = _after(value, lost, gained)
        points.append(value)
    deviation = _deviation(errors, 0)
    return Outcome(tuple(points), tuple(deviation * math.sqrt(ahead) for ahead in _ahead(months)))


def theta(history: History, months: int) -> Outcome:
    """The Theta method: simple exponential smoothing with half the slope of a straight line as drift.

    ℓ + b/2 (h − 1 + (1 − (1 − α)ᵀ) / α): Assimakopoulos & Nikolopoulos 2000 in the form of Hyndman & Billah 2003,
    Unmasking the Theta method. α, of 0.1, 0.2 ... 1, is that with the least squared errors. sd(h) = sd(1)
    √(1 + (h − 1) α²).
    """
    values = history.closing
    half = _slope(values) / 2
    alpha = min(ALPHAS, key=lambda one: math.fsum(error * error for error in _smoothed(values, one, half)[1]))
    level, errors = _smoothed(values, alpha, half)
    remembered = 1.0
    for _ in values:
        remembered *= 1 - alpha
    return Outcome(
        tuple(level + half * (ahead - 1 + (1 - remembered) / alpha) for ahead in _ahead(months)),
        tuple(_deviation(errors, 2) * math.sqrt(1 + (ahead - 1) * alpha * alpha) for ahead in _ahead(months)),
    )


BENCHMARKS: Mapping[str, Callable[[History, int], Outcome]] = {
    "naive": naive,
    "drift": drift,
    "recent_means": recent_means,
    "theta": theta,
}


def _ahead(months: int) -> range:
    return range(1, months + 1)


def _deviation(errors: Sequence[float], estimated: int) -> float:
    """The root of the mean square of one step's errors, less a degree of freedom for each number estimated."""
    return math.sqrt(math.fsum(error * error for error in errors) / max(1, len(errors) - estimated))


def _means(history: History, end: int) -> tuple[float, float]:
    """Mean share lost, at most all, and mean gain of the three months before a place; a month that opens without MRR
    loses none."""
    recent = range(end - RECENT, end)
    shares = [min(1.0, -history.lost[at] / history.opening[at]) if history.opening[at] > 0 else 0.0 for at in recent]
    return mean(shares), mean([history.new[at] + history.gained[at] for at in recent])


def _after(value: float, lost: float, gained: float) -> float:
    return value * (1 - lost) + gained


def _slope(values: Sequence[float]) -> float:
    """The slope of the straight line of least squares."""
    middle, level = (len(values) - 1) / 2, mean(values)
    off = [(place - middle, value - level) for place, value in enumerate(values)]
    return math.fsum(x * y for x, y in off) / math.fsum(x * x for x, _ in off)


def _smoothed(values: Sequence[float], alpha: float, drifted: float) -> tuple[float, list[float]]:
    """The level at the end, from the first value on, and the error of each step."""
    level, errors = values[0], []
    for _, value in pairwise(values):
        errors.append(value - level - drifted)
        level = alpha * value + (1 - alpha) * level
    return level, errors
