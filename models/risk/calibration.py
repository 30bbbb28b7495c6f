"""Platt's calibration: the chances by which what was told would have come true, where there were enough churns.

Platt 1999, Probabilistic outputs for support vector machines: the log odds are a + b x, x those that were told.
"""

from collections.abc import Mapping
from math import exp, fsum, log
from typing import NamedTuple

import polars as pl

from models.plans import collected
from models.risk import backtest
from models.risk.backtest import ENOUGH_TO_CALIBRATE, Tried
from models.terms import Terms

STEPS = 50
CLOSE = 1e-10
LONGEST_STEP = 2.0
FARTHEST = 40.0
"""Log odds beyond which a chance does not change."""
SURE = 1e-12
"""Nobody is taken to be surer than this to leave, or to stay."""
CALIBRATIONS = {
    "account_id": pl.String(),
    "score_kind": pl.String(),
    "horizon_days": pl.Int64(),
    "shift": pl.Float64(),
    "slope": pl.Float64(),
}


class Calibration(NamedTuple):
    """a and b of the log odds; 0 and 1 change nothing."""

    shift: float = 0.0
    slope: float = 1.0

    def of(self, chance: float) -> float:
        """The chance that one that was told stands for.

        >>> Calibration(0.0, 1.0).of(0.25)
        0.25
        """
        return chance if self == (0.0, 1.0) else _chance(self.shift + self.slope * _log_odds(chance))


def risk_calibrations(told: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """a and b by score and days, of those with enough churns at past dates, in the columns of `CALIBRATIONS`.

    `told` is of `backtest.risk_told`.
    """
    rows = [(*key, *fitted(tried)) for key, tried in backtest.read(told).items() if tried.churns >= ENOUGH_TO_CALIBRATE]
    return pl.LazyFrame(rows, schema=CALIBRATIONS, orient="row")


def read(calibrations: pl.LazyFrame) -> Mapping[tuple[str, str, int], Calibration]:
    """By account, score and days."""
    rows = calibrations.select(list(CALIBRATIONS)).pipe(collected).iter_rows()
    return {(account, kind, days): Calibration(shift, slope) for account, kind, days, shift, slope in rows}


def fitted(tried: Tried) -> Calibration:
    """The likeliest a and b, by Newton's method; nothing is changed where it finds none, or b turns the order over."""
    points = [(_log_odds(one.chance), one.customers, one.churned) for one in tried.groups]
    shift, slope = 0.0, 1.0
    for _ in range(STEPS):
        told = [_chance(shift + slope * x) for x, _, _ in points]
        off = [churned - customers * p for p, (_, customers, churned) in zip(told, points, strict=True)]
        weight = [customers * p * (1 - p) for p, (_, customers, _) in zip(told, points, strict=True)]
        by_x = [x for x, _, _ in points]
        g0, g1 = fsum(off), fsum(x * each for x, each in zip(by_x, off, strict=True))
        h00, h01, h11 = (fsum(each * x**power for x, each in zip(by_x, weight, strict=True)) for power in (0, 1, 2))
        determinant = h00 * h11 - h01 * h01
        if determinant <= 0:
            return Calibration()
        step = ((h11 * g0 - h01 * g1) / determinant, (h00 * g1 - h01 * g0) / determinant)
        shift, slope = shift + _bounded(step[0], LONGEST_STEP), slope + _bounded(step[1], LONGEST_STEP)
        if max(abs(step[0]), abs(step[1])) < CLOSE:
            return Calibration(shift, slope) if slope > 0 else Calibration()
    return Calibration()


def _log_odds(chance: float) -> float:
    within = min(1 - SURE, max(SURE, chance))
    return log(within / (1 - within))


def _chance(log_odds: float) -> float:
    return 1 / (1 + exp(-_bounded(log_odds, FARTHEST)))


def _bounded(value: float, by: float) -> float:
    return min(by, max(-by, value))
