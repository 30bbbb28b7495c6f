"""MRR forecast from what moves it: what new customers bring, and the shares of MRR that are won and lost each month.

New MRR is an amount a month, the same whatever there is; the rest is in proportion to what there is. A month ahead
draws one of the last twelve months whole: its rates, and how far its new MRR was off the level, so that what happened
together stays together. From 24 months on new MRR has seasons.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from itertools import combinations
from statistics import median

from models.forecast.exposure import Exposure, expected, hazards, shares_ahead
from models.forecast.history import History, mean
from models.forecast.paths import Case

WINDOW = 12
SEASONAL_FROM = 24
"""Months of history from which on months of the year are told apart."""
YEARS = 3
DAMPING = 0.9
"""What a trend keeps of itself each month: Gardner & McKenzie 1985, Forecasting trends in time series."""
SHRINKAGE = 0.5
"""What is believed of a season: few years have shown it. Miller & Williams 2003, Shrinkage estimators of seasonal
factors."""


def levelled(history: History, months: int) -> Case:
    """New MRR stays at its robust mean: that of the last twelve months but the highest and the lowest."""
    level = robust_mean(_unseasoned(history))
    return _case(history, [level] * months)


def trending(history: History, months: int) -> Case:
    """New MRR goes on with the trend of the last twelve months, which fades by a tenth a month."""
    return _case(history, damped_trend(_unseasoned(history), months))


def renewing(history: History, exposure: Exposure, months: int) -> Case:
    """New MRR as in `levelled`; churn by how long customers have paid and when they renew; those who left come back by
    the rate at which those before them did.

    A month ahead loses what its hazards say × how far the month drawn was off what its own said, and wins back a share
    of all that has ever left.
    """
    level = robust_mean(_unseasoned(history))
    case = _case(history, [level] * months)
    window = slice(max(0, len(history) - WINDOW), len(history))
    chances = hazards(exposure)
    shares = shares_ahead(exposure, chances, [history.new[-1], *[level] * (months - 1)])
    off = _off([expected(month, chances) for month in exposure.months[window]], history.churn[window])
    kept = [lost - churn for lost, churn in zip(history.lost, history.churn, strict=True)]
    grown = [gained - back for gained, back in zip(history.gained, history.reactivation, strict=True)]
    back = _won_back(history, shares, months)
    return replace(
        case,
        gained=tuple(max(0.0, rate) for rate in _rates(history, grown)),
        lost=tuple(min(0.0, rate) for rate in _rates(history, kept)),
        lost_by=tuple(tuple(-share * each for each in off) for share in shares),
        new=tuple(
            tuple(new + more for new, more in zip(came, returned, strict=True))
            for came, returned in zip(case.new, back, strict=True)
        ),
    )


def _off(told: Sequence[float], churn: Sequence[float]) -> list[float]:
    """How many times what the hazards say the months lost: all together, and how far each was off that; 1 where they
    say nothing. As in `_rates`, a month of little is no month of huge misses."""
    usual = mean(told)
    if usual <= 0:
        return [1.0 for _ in told]
    whole = -mean(churn) / usual
    return [max(0.0, whole + (-gone - whole * each) / usual) for each, gone in zip(told, churn, strict=True)]


def _won_back(history: History, shares: Sequence[float], months: int) -> list[list[float]]:
    """What comes back in each month ahead, by month drawn: rates over what had left and not come back, times that."""
    pool, pools = 0.0, []
    for gone, back in zip(history.churn, history.reactivation, strict=True):
        pools.append(pool)
        pool = max(0.0, pool - gone - back)
    recent = [max(0.0, one) for one in pools[-WINDOW:]]
    usual = mean(recent)
    counted = [back if base else 0.0 for base, back in zip(recent, history.reactivation[-WINDOW:], strict=True)]
    rate = mean(counted) / usual if usual else 0.0
    rates = [
        max(0.0, rate + (back - rate * base) / usual) if usual else 0.0
        for base, back in zip(recent, counted, strict=True)
    ]
    found, stock = [], history.closing[-1]
    for share in shares[:months]:
        found.append([min(1.0, each) * pool for each in rates])
        pool = max(0.0, pool + stock * share - rate * pool)
    return found


def robust_mean(values: Sequence[float]) -> float:
    """The mean without the highest and the lowest value, of three values or more.

    Example:
        >>> robust_mean([100.0, 900.0, 120.0, 110.0])
        115.0
    """
    return mean(sorted(values)[1:-1] if len(values) > 2 else values)


def damped_trend(values: Sequence[float], months: int) -> list[float]:
    """The values to come by the median slope between any two (Theil 1950, Sen 1968), damped; never below zero.

    Example:
        >>> [round(value, 2) for value in damped_trend([100.0, 110.0, 120.0], 2)]
        [129.0, 137.1]
    """
    last = len(values) - 1
    slope = median((after - before) / (j - i) for (i, before), (j, after) in combinations(enumerate(values), 2))
    value = median(value - slope * (place - last) for place, value in enumerate(values))
    levels = []
    for _ in range(months):
        slope *= DAMPING
        value += slope
        levels.append(max(0.0, value))
    return levels


def seasons(history: History) -> dict[int, float]:
    """By month of the year, new MRR over that of a mean month of its year, half believed; 1 with under two years."""
    index = dict.fromkeys(range(1, 13), 1.0)
    years = min(len(history) // 12, YEARS)
    if years * 12 < SEASONAL_FROM:
        return index
    seen: dict[int, list[float]] = {month: [] for month in index}
    for year in range(years):
        end = len(history) - 12 * year
        usual = mean(history.new[end - 12 : end])
        for month, amount in zip(history.months[end - 12 : end], history.new[end - 12 : end], strict=True):
            seen[month.month].append(amount / usual if usual > 0 else 1.0)
    return {month: 1 + (mean(ratios) - 1) * SHRINKAGE for month, ratios in seen.items()}


def months_after(last: date, months: int) -> list[date]:
    """The first days of the months after one."""
    first = last.year * 12 + last.month
    return [date((first + ahead) // 12, (first + ahead) % 12 + 1, 1) for ahead in range(months)]


def _unseasoned(history: History) -> list[float]:
    index = seasons(history)
    recent = zip(history.months[-WINDOW:], history.new[-WINDOW:], strict=True)
    return [amount / index[month.month] for month, amount in recent]


def _case(history: History, levels: Sequence[float]) -> Case:
    index, new = seasons(history), _unseasoned(history)
    off = [amount - mean(new) for amount in new]
    ahead = months_after(history.months[-1], len(levels))
    rates = _rates(history, history.fx)
    return Case(
        start=history.closing[-1],
        gained=tuple(max(0.0, rate) for rate in _rates(history, history.gained)),
        lost=tuple(min(0.0, rate) for rate in _rates(history, history.lost)),
        fx=tuple(rate - mean(rates) for rate in rates),
        new=tuple(
            tuple(max(0.0, index[month.month] * (level + each)) for each in off)
            for month, level in zip(ahead, levels, strict=True)
        ),
    )


def _rates(history: History, amounts: Sequence[float]) -> list[float]:
    """Rates of the last months: that of all together, and how far each month was off it.

    The rate of all is their amounts over the MRR that they began with; what a month was off by that is taken over the
    mean of what they began with, so that a month that began with next to nothing does not make a huge rate. The rates'
    mean is the rate of all. Months that began without MRR have no amounts; none wins or loses more than there was.
    """
    openings = [max(0.0, opening) for opening in history.opening[-WINDOW:]]
    counted = [amount if base else 0.0 for base, amount in zip(openings, amounts[-WINDOW:], strict=True)]
    usual = mean(openings)
    if not usual:
        return [0.0 for _ in openings]
    rate = mean(counted) / usual
    rates = [rate + (amount - rate * base) / usual for base, amount in zip(openings, counted, strict=True)]
    return [min(1.0, max(-1.0, one)) for one in rates]
