"""Where numbers and names lie on an axis, and what its ticks say. Pure arithmetic."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from dashboards.values import MINUS

STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True)
class Linear:
    """Numbers from `low` to `high` laid from pixel `start` to pixel `end`."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """The pixel of a number."""
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


@dataclass(frozen=True)
class Bands:
    """`count` equal bands from pixel `start` to pixel `end`."""

    count: int
    start: float
    end: float

    @property
    def step(self) -> float:
        """The width of a band."""
        return (self.end - self.start) / max(self.count, 1)

    def left(self, index: int) -> float:
        """Where a band begins."""
        return self.start + index * self.step

    def middle(self, index: int) -> float:
        """The middle of a band."""
        return self.left(index) + self.step / 2


def ticks(low: float, high: float, about: int, *, whole: bool = False) -> list[float]:
    """Round numbers that cover `low` to `high`, about so many; of things that are counted, whole ones."""
    if high <= low:
        high = low + (abs(low) or 1.0)
    step = _step((high - low) / max(about, 1))
    if whole:
        step = float(math.ceil(step))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(index * step, 12) for index in range(first, last + 1)]


def extent(values: Iterable[float], *, with_zero: bool) -> tuple[float, float]:
    """The lowest and highest of the values; (0, 1) where there are none."""
    known = list(values)
    if with_zero:
        known.append(0.0)
    return (min(known), max(known)) if known and (min(known) != max(known)) else (0.0, max([*known, 1.0]))


def compact(value: float, step: float) -> str:
    """A tick's number in as few characters as tell it from its neighbours: `120k`, `−1.5M`."""
    size = abs(value)
    for unit, name in ((1e9, "bn"), (1e6, "M"), (1e3, "k")):
        if size >= unit and step >= unit / 1000:
            return f"{MINUS if value < 0 else ''}{_trimmed(size / unit, step / unit)}{name}"
    return f"{MINUS if value < 0 else ''}{_trimmed(size, step)}"


def percent_tick(value: float, step: float) -> str:
    """A tick's share as a percentage."""
    return f"{MINUS if value < 0 else ''}{_trimmed(abs(value) * 100, step * 100)}%"


def thinned(count: int, most: int) -> list[int]:
    """Which of `count` labels to print where only `most` have room: evenly spaced, the last one among them."""
    every = max(1, math.ceil(count / max(most, 1)))
    return [index for index in range(count) if (count - 1 - index) % every == 0]


def path(points: Sequence[tuple[float, float]]) -> str:
    """The points as an SVG path."""
    return "".join(f"{'M' if index == 0 else 'L'}{x:.1f} {y:.1f}" for index, (x, y) in enumerate(points))


def _step(rough: float) -> float:
    magnitude = 10.0 ** math.floor(math.log10(rough))
    return next(step * magnitude for step in STEPS if step * magnitude >= rough - 1e-12)


def _trimmed(size: float, step: float) -> str:
    """With as many decimals as the step has."""
    decimals = next((places for places in range(6) if math.isclose(round(step, places), step, rel_tol=1e-9)), 6)
    text = f"{size:,.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
