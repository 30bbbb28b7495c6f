"""What a forecast of MRR goes by: an account's full months in the reporting currency, as plain numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from math import fsum

import polars as pl

READ = (
    "opening_mrr",
    "new_mrr",
    "expansion_mrr",
    "reactivation_mrr",
    "contraction_mrr",
    "churn_mrr",
    "fx_mrr",
    "closing_mrr",
)


@dataclass(frozen=True)
class History:
    """The full months of one account, oldest first; amounts in minor units of the reporting currency."""

    account_id: str
    currency: str
    months: tuple[date, ...]
    opening: tuple[float, ...]
    new: tuple[float, ...]
    gained: tuple[float, ...]
    """Expansion and reactivation."""
    lost: tuple[float, ...]
    """Contraction and churn; not above zero."""
    fx: tuple[float, ...]
    closing: tuple[float, ...]
    churn: tuple[float, ...]
    """Of `lost`, churn alone."""
    reactivation: tuple[float, ...]
    """Of `gained`, reactivation alone."""

    def __len__(self) -> int:
        return len(self.months)

    def until(self, length: int) -> "History":
        """What was known when the history was so many months long."""
        return History(
            self.account_id,
            self.currency,
            self.months[:length],
            self.opening[:length],
            self.new[:length],
            self.gained[:length],
            self.lost[:length],
            self.fx[:length],
            self.closing[:length],
            self.churn[:length],
            self.reactivation[:length],
        )

    @property
    def steps(self) -> tuple[float, ...]:
        """How much each month's closing was above the one before."""
        return tuple(after - before for before, after in zip(self.closing, self.closing[1:], strict=False))


def histories(mrr_by_month_reporting: pl.DataFrame) -> list[History]:
    """Each account's full months, from the rows of `marts.mrr_by_month_reporting`; the accounts by id."""
    full = mrr_by_month_reporting.filter(~pl.col("is_partial")).sort("account_id", "month")
    return [_history(rows) for rows in full.partition_by("account_id", maintain_order=True)]


def mean(values: Sequence[float]) -> float:
    """The mean, summed exactly and rounded once, so that no order of summing shows in it."""
    return fsum(values) / len(values)


def _history(rows: pl.DataFrame) -> History:
    amounts = {name: [float(value) for value in rows[name]] for name in READ}
    return History(
        rows["account_id"][0],
        rows["currency"][0],
        tuple(rows["month"]),
        tuple(amounts["opening_mrr"]),
        tuple(amounts["new_mrr"]),
        _sums(amounts["expansion_mrr"], amounts["reactivation_mrr"]),
        _sums(amounts["contraction_mrr"], amounts["churn_mrr"]),
        tuple(amounts["fx_mrr"]),
        tuple(amounts["closing_mrr"]),
        tuple(amounts["churn_mrr"]),
        tuple(amounts["reactivation_mrr"]),
    )


def _sums(one: Sequence[float], other: Sequence[float]) -> tuple[float, ...]:
    return tuple(a + b for a, b in zip(one, other, strict=True))
