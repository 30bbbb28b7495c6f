"""Paths that MRR may take: months drawn at random from those that were, the same on every machine and in every run.

The draws are the bytes of SHAKE-256 over a fixed seed; values come of additions, products and comparisons of single
elements, which are exact to the bit by IEEE 754 whatever the number of threads. Nothing is summed across paths.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import shake_256

import polars as pl

PATHS = 2_000
SEED = b"mrr forecast"
QUANTILES = (0.1, 0.5, 0.9)
DRAW_BITS = 32

Quantiles = tuple[float, float, float]


@dataclass(frozen=True)
class Case:
    """One forecast to be drawn: MRR at its start, and the months that it draws from.

    By month drawn from: the rates `gained`, `lost` (not above zero) and `fx`, and, by month ahead, `new` MRR; `lost_by`
    is what is lost besides, by month ahead, where that differs from month to month. By month
    ahead, where something is set already: at least `sure_gains` are gained and `sure_losses` (not above zero) lost.
    """

    start: float
    gained: tuple[float, ...]
    lost: tuple[float, ...]
    fx: tuple[float, ...]
    new: tuple[tuple[float, ...], ...]
    sure_gains: tuple[float, ...] = ()
    sure_losses: tuple[float, ...] = ()
    lost_by: tuple[tuple[float, ...], ...] = ()

    def losses(self, month: int) -> tuple[float, ...]:
        """The rates lost in a month ahead; none loses more than there is."""
        if not self.lost_by:
            return self.lost
        both = zip(self.lost, self.lost_by[month - 1], strict=True)
        return tuple(max(-1.0, lost + besides) for lost, besides in both)

    def rates(self, month: int) -> tuple[float, ...]:
        """What a month ahead wins, loses and has of exchange rates, over what there is."""
        parts = zip(self.gained, self.losses(month), self.fx, strict=True)
        return tuple(won + lost + fx for won, lost, fx in parts)


def quantiles(cases: Sequence[Case], ahead: Sequence[int]) -> list[dict[int, Quantiles]]:
    """P10, P50 and P90 of each case so many months ahead: of its paths in order, the 200th, 1,000th and 1,800th.

    A path is not below zero, nor below its start where that is below zero.
    """
    if not cases:
        return []
    places = [round(PATHS * share) - 1 for share in QUANTILES]
    in_order = (pl.col(_after(month)).reshape((len(cases), PATHS)).arr.sort() for month in ahead)
    edges = (pl.col(_after(month)).arr.get(place).alias(f"{month}_{place}") for month in ahead for place in places)
    found = _paths(cases, max(ahead)).select(*in_order).select(*edges).collect()
    by_month = {month: found.select(f"{month}_{place}" for place in places).rows() for month in ahead}
    return [{month: by_month[month][case] for month in ahead} for case in range(len(cases))]


@cache
def draws(month: int) -> pl.Series:
    """A number of 32 bits a path, for one month ahead."""
    drawn = shake_256(SEED + b" %d" % month).digest(PATHS * DRAW_BITS // 8)
    return pl.Series(struct.unpack(f"<{PATHS}I", drawn), dtype=pl.Int64)


def _paths(cases: Sequence[Case], months: int) -> pl.LazyFrame:
    """Values of all paths, case by case, after each month: one plan, so that it is run at one go."""
    rows = pl.int_range(len(cases) * PATHS)
    lengths = pl.Series([len(case.lost) for case in cases], dtype=pl.Int64)
    start = [case.start for case in cases]
    paths = (
        pl.LazyFrame()
        .select(case=rows // PATHS, path=rows % PATHS)
        .with_columns(
            length=pl.lit(lengths).gather("case"),
            first=pl.lit(lengths.cum_sum() - lengths).gather("case"),
            lowest=_of_case([min(0.0, one) for one in start]),
            **{_after(0): _of_case(start)},
        )
    )
    for month in range(1, months + 1):
        drawn = pl.lit(draws(month)).gather("path")
        at = pl.col("first") + drawn * pl.col("length") // 2**DRAW_BITS
        paths = paths.with_columns(at=at).with_columns(_step(cases, month).alias(_after(month)))
    return paths


def _step(cases: Sequence[Case], month: int) -> pl.Expr:
    """What a month makes of the value before it; with one rate for all where nothing is sure."""
    before = pl.col(_after(month - 1))
    base = pl.when(before > 0).then(before).otherwise(0.0)
    new = _drawn([case.new[month - 1] for case in cases])
    if not any(any(case.sure_gains) or any(case.sure_losses) for case in cases):
        return pl.max_horizontal(before + base * _drawn([case.rates(month) for case in cases]) + new, "lowest")
    gain = base * _drawn([case.gained for case in cases]) + new
    loss = base * _drawn([case.losses(month) for case in cases])
    gain = pl.max_horizontal(gain, _of_case([_sure(case.sure_gains, month) for case in cases]))
    loss = pl.min_horizontal(loss, _of_case([_sure(case.sure_losses, month) for case in cases]))
    return pl.max_horizontal(before + gain + loss + base * _drawn([case.fx for case in cases]), "lowest")


def _after(month: int) -> str:
    return f"after_{month}"


def _of_case(values: Sequence[float]) -> pl.Expr:
    return pl.lit(pl.Series(values, dtype=pl.Float64)).gather("case")


def _drawn(lists: Sequence[Sequence[float]]) -> pl.Expr:
    return pl.lit(pl.Series([value for values in lists for value in values], dtype=pl.Float64)).gather("at")


def _sure(amounts: Sequence[float], month: int) -> float:
    return amounts[month - 1] if amounts else 0.0
