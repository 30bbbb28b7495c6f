"""How long customers have paid and how often they are billed: the MRR that could have left each month, and what did.

Someone who is billed by the year can leave at a renewal, once in twelve months; someone who has stayed for long leaves
less often. So the MRR of a month is told by billing interval and months since the first paid day, with the chance that
such MRR leaves, as seen before. Amounts add up: those of parts of the customers are sums.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import fsum

import polars as pl

from models.forecast.history import History
from models.movements import CUSTOMER
from models.periods import month_end, month_of, months_between
from models.reporting import in_reporting
from models.stock import customers_by_month
from models.terms import Terms

KEY = ("account_id", "month", "interval_months", "age_months")
MICROS = 1_000_000
BANDS = (1, 2, 3, 6, 12, 24)
"""Renewals up to which MRR is told apart: the first, the second, the third, to the sixth ..., and all beyond."""
BEYOND = len(BANDS)
BETWEEN = -1
"""The band of the months of a longer interval in which nothing renews."""

Cell = tuple[int, int]
"""Months of the billing interval, months since the first paid day."""
Hazards = Mapping[tuple[int, int], float]
"""By interval and band, the share of MRR that leaves in a month."""


def exposed(movements: pl.LazyFrame, first_lives: pl.LazyFrame, rates: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """account_id, month, interval_months, age_months, opening and churned, in micros of the reporting currency.

    `movements` is the spine's, `first_lives` of `spells.first_lives`, `rates` those of MRR. What each month opened with
    is the stock at the end of the month before, at the rate of then; churned is at that of its day, and positive.
    """
    stock = customers_by_month(movements, terms).with_columns(valued_on=month_end("month"))
    worth = in_reporting(
        stock.filter(pl.col("valued_on") <= terms.as_of_day), rates, amount="micros", on="valued_on"
    ).select(*CUSTOMER, pl.col("month").dt.offset_by("1mo"), opening="micros_reporting", churned=pl.lit(0, pl.Int64))
    left = movements.filter(pl.col("movement_type") == "churn").select(
        *CUSTOMER,
        month_of("moved_on").alias("month"),
        opening=pl.lit(0, pl.Int64),
        churned=-pl.col("delta_reporting_micros"),
    )
    age = months_between(month_of("first_paid_on"), pl.col("month"))
    return (
        pl.concat([worth, left])
        .join(_began(movements), on=CUSTOMER)
        .join(_last(first_lives).select(*CUSTOMER, _interval().alias("interval_months")), on=CUSTOMER, how="left")
        .with_columns(pl.col("interval_months").fill_null(1), age_months=age)
        .group_by(KEY)
        .agg(pl.col("opening", "churned").sum())
    )


def _last(first_lives: pl.LazyFrame) -> pl.LazyFrame:
    return first_lives.sort(*CUSTOMER, "from_age").unique(CUSTOMER, keep="last", maintain_order=True)


def _began(movements: pl.LazyFrame) -> pl.LazyFrame:
    return movements.group_by(CUSTOMER).agg(first_paid_on=pl.col("moved_on").min())


def _interval() -> pl.Expr:
    """Months of the billing interval; weeks and days renew every month or more often."""
    months = pl.col("recurring_interval").replace_strict({"month": 1, "year": 12}, default=None, return_dtype=pl.Int64)
    return pl.col("recurring_interval_count") * months


@dataclass(frozen=True)
class Exposure:
    """The months of one account, oldest first, each with what its cells opened with and what of them left."""

    months: tuple[Mapping[Cell, tuple[float, float]], ...]

    def until(self, length: int) -> "Exposure":
        """What was known when the history was so many months long."""
        return Exposure(self.months[:length])


def exposures(exposed: pl.DataFrame, histories: Iterable[History]) -> dict[str, Exposure]:
    """By account, the months of its history. What no cell tells of, such as MRR by rules that count it for another
    customer, is of the oldest."""
    told: dict[str, dict[date, dict[Cell, tuple[float, float]]]] = {}
    for account_id, month, interval, age, opening, churned in (
        exposed.select(*KEY, "opening", "churned").sort(KEY).iter_rows()
    ):
        told.setdefault(account_id, {}).setdefault(month, {})[interval, age] = (opening / MICROS, churned / MICROS)
    return {one.account_id: _of_history(one, told.get(one.account_id, {})) for one in histories}


def _of_history(history: History, told: Mapping[date, Mapping[Cell, tuple[float, float]]]) -> Exposure:
    oldest = (1, BANDS[-1] + 1)
    months = zip(history.months, history.opening, history.churn, strict=True)
    return Exposure(tuple(told.get(month) or {oldest: (opening, -churn)} for month, opening, churn in months))


def band(cell: Cell) -> int:
    """Which renewals the month is: the place in `BANDS` of the renewals since the start, or `BETWEEN` two of them.

    Example:
        >>> [band((1, age)) for age in (1, 5, 30)], [band((12, age)) for age in (11, 12, 24)]
        ([0, 3, 6], [-1, 0, 1])
    """
    interval, age = cell
    if age % interval or not age:
        return BETWEEN if interval > 1 else 0
    renewals = age // interval
    return next((place for place, upto in enumerate(BANDS) if renewals <= upto), BEYOND)


def hazards(exposure: Exposure) -> dict[tuple[int, int], float]:
    """The share of MRR that left, by interval and band, over all months of an exposure.

    Of little is believed little: to each band of renewals are added as many months' MRR of the interval as one, leaving
    as all bands of renewals together (Bühlmann's credibility). Between renewals everything is one band.
    """
    openings: dict[tuple[int, int], list[float]] = {}
    for month in exposure.months:
        for cell, (opening, churned) in month.items():
            sums = openings.setdefault((cell[0], band(cell)), [0.0, 0.0])
            sums[0] += max(0.0, opening)
            sums[1] += max(0.0, churned)
    found = {}
    for interval in sorted({interval for interval, _ in openings}):
        renewing = [sums for (of, at), sums in openings.items() if of == interval and at != BETWEEN]
        of_all, gone = fsum(sums[0] for sums in renewing), fsum(sums[1] for sums in renewing)
        usual = gone / of_all if of_all else 0.0
        for place in range(BETWEEN, BEYOND + 1):
            opening, churned = openings.get((interval, place), (0.0, 0.0))
            added = 0.0 if place == BETWEEN else of_all / len(exposure.months)
            base = opening + added
            found[interval, place] = min(1.0, (churned + added * usual) / base) if base else 0.0
    return found


def expected(month: Mapping[Cell, tuple[float, float]], chances: Hazards) -> float:
    """What of a month's MRR leaves by the hazards: an amount."""
    return fsum(max(0.0, opening) * chances.get((cell[0], band(cell)), 0.0) for cell, (opening, _) in month.items())


def shares_ahead(exposure: Exposure, chances: Hazards, new: Sequence[float]) -> list[float]:
    """The share of MRR that leaves in each month ahead by the hazards, as the MRR that is there grows older and `new`
    MRR comes, that of the last month first, billed in the intervals in which that of the last twelve months was."""
    mix = _mix(exposure)
    stock = _carried(exposure.months[-1])
    shares = []
    for amount in new:
        for interval, share in mix.items():
            stock[interval, 1] = stock.get((interval, 1), 0.0) + amount * share
        there = fsum(stock.values())
        leaving = {cell: worth * chances.get((cell[0], band(cell)), 0.0) for cell, worth in stock.items()}
        shares.append(fsum(leaving.values()) / there if there > 0 else 0.0)
        stock = {(interval, age + 1): worth - leaving[interval, age] for (interval, age), worth in stock.items()}
    return shares


def _carried(last: Mapping[Cell, tuple[float, float]]) -> dict[Cell, float]:
    """The MRR of the last month's end by what it is in the month after: what opened and did not leave."""
    return {(interval, age + 1): max(0.0, opening - churned) for (interval, age), (opening, churned) in last.items()}


def _mix(exposure: Exposure) -> dict[int, float]:
    """How the MRR of those who came in the last twelve months is billed: shares by interval."""
    came: dict[int, float] = {}
    for month in exposure.months[-12:]:
        for (interval, age), (opening, _) in month.items():
            if age == 1:
                came[interval] = came.get(interval, 0.0) + max(0.0, opening)
    whole = fsum(came.values())
    return {interval: amount / whole for interval, amount in came.items()} if whole else {1: 1.0}
