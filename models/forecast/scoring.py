"""How wrong a method was at forecasts it would have made: scaled error, pinball loss, coverage; and which one is best.

Hyndman & Koehler 2006, Another look at measures of forecast accuracy (MASE); Gneiting & Raftery 2007, Strictly proper
scoring rules (the quantile score, or pinball loss).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from models.forecast.history import mean
from models.forecast.paths import QUANTILES

CHOSEN_BY = 3
"""Months ahead at which methods are compared."""
DRIFT = "drift"


class Trial(NamedTuple):
    """One forecast of the past and what came: minor units; `scale` is the mean size of a month's change before it."""

    p10: float
    p50: float
    p90: float
    actual: float
    scale: float


@dataclass(frozen=True)
class Score:
    """What a method did at one number of months ahead."""

    origins: int
    mase: float | None
    absolute_error: float
    error: float
    actual: float
    pinball: float
    covered: int


def score(trials: Sequence[Trial]) -> Score:
    """The score of at least one trial.

    MASE is the mean absolute error over the mean scale; None where MRR had never changed. The error is forecast less
    actual: above zero where the method promised too much. A band covers what lies on its edges too.
    """
    scale, off = mean([one.scale for one in trials]), mean([abs(one.p50 - one.actual) for one in trials])
    return Score(
        origins=len(trials),
        mase=off / scale if scale > 0 else None,
        absolute_error=off,
        error=mean([one.p50 - one.actual for one in trials]),
        actual=mean([one.actual for one in trials]),
        pinball=mean([mean([pinball(q, one.actual, share) for q, share in _edges(one)]) for one in trials]),
        covered=sum(one.p10 <= one.actual <= one.p90 for one in trials),
    )


def pinball(quantile: float, actual: float, share: float) -> float:
    """The loss of a quantile: a shortfall counts `share`, an excess 1 − share.

    Example:
        >>> pinball(90.0, 100.0, 0.9), pinball(110.0, 100.0, 0.9)
        (9.0, 1.0)
    """
    short = actual - quantile
    return share * short if short >= 0 else (1 - share) * -short


def best(scaled_errors: dict[str, float | None]) -> str:
    """The method with the least scaled error; drift unless one is less than drift's own."""
    known = {name: error for name, error in scaled_errors.items() if error is not None}
    if DRIFT not in known:
        return DRIFT
    first = min(known, key=lambda name: (known[name], name != DRIFT))
    return first if known[first] < known[DRIFT] else DRIFT


def _edges(one: Trial) -> list[tuple[float, float]]:
    return list(zip((one.p10, one.p50, one.p90), QUANTILES, strict=True))
