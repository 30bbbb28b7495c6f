"""MRR month by month as it is printed: whole minor units that foot, with the exact figures beside them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import polars.selectors as cs

from dashboards.footing import footed_months
from dashboards.values import Month, month_text
from reports.marts import Marts

CLASSES: tuple[tuple[str, str], ...] = (
    ("new", "New"),
    ("reactivation", "Reactivation"),
    ("expansion", "Expansion"),
    ("contraction", "Contraction"),
    ("churn", "Churn"),
    ("fx", "Exchange rates"),
)
"""Every class of movement and its name, gains first: the order of tables, legends and bridges."""
LABELS = dict(CLASSES)
FX = "fx"


@dataclass(frozen=True)
class MrrMonth:
    """One month of one currency: `opening`, `moves` and `closing` in whole minor units that foot. `exact`: the row."""

    first: date
    currency: str
    is_partial: bool
    opening: int
    moves: dict[str, int]
    closing: int
    opening_customers: int
    customers: int
    counts: dict[str, int]
    exact: dict[str, Any]

    @property
    def month(self) -> Month:
        """The month as a cell."""
        return Month(self.first, self.is_partial)

    @property
    def name(self) -> str:
        """`Oct 2026`."""
        return month_text(self.first)

    @property
    def net_new(self) -> int:
        """What customers did, exchange rates apart."""
        return sum(amount for kind, amount in self.moves.items() if kind != "fx")


def reporting_months(marts: Marts) -> list[MrrMonth]:
    """The months of the reporting currency, oldest first."""
    frame = marts.table("mrr_by_month_reporting")
    return _months(frame, _movers(marts, ["month"]))


def currency_months(marts: Marts) -> dict[str, list[MrrMonth]]:
    """The months of each billing currency, oldest first; the currencies by name."""
    frame = marts.table("mrr_by_month")
    movers = _movers(marts, ["currency", "month"])
    found: dict[str, list[MrrMonth]] = {}
    for currency in sorted(frame["currency"].unique().to_list()):
        own = {key[1:]: count for key, count in movers.items() if key[0] == currency}
        found[currency] = _months(frame.filter(pl.col("currency") == currency), own)
    return found


def full(months: Sequence[MrrMonth]) -> list[MrrMonth]:
    """The months that are over."""
    return [month for month in months if not month.is_partial]


def last_full(months: Sequence[MrrMonth]) -> MrrMonth | None:
    """The last month that is over."""
    return full(months)[-1] if full(months) else None


def month_of(day: date) -> date:
    """The first day of a day's month."""
    return day.replace(day=1)


def earlier(first: date, months: int) -> date:
    """The first day of the month so many months before."""
    index = first.year * 12 + first.month - 1 - months
    return date(index // 12, index % 12 + 1, 1)


def every_month(frame: pl.DataFrame) -> pl.DataFrame:
    """The rows by month, with one of zeros and true flags for each month between that has none."""
    first, last = frame["month"].min(), frame["month"].max()
    if not isinstance(first, date) or not isinstance(last, date):
        return frame
    months = pl.DataFrame({"month": pl.date_range(first, last, "1mo", eager=True)})
    filled = months.join(frame, on="month", how="left").sort("month")
    return filled.with_columns(cs.numeric().fill_null(0), cs.boolean().fill_null(value=True))


def _months(frame: pl.DataFrame, movers: dict[tuple[Any, ...], int]) -> list[MrrMonth]:
    rows = frame.sort("month").to_dicts()
    kinds = [kind for kind, _ in CLASSES if kind != FX]
    has_fx = "fx_mrr" in frame.columns
    openings, moves, closings = footed_months(
        [row["opening_mrr"] for row in rows],
        [[row[f"{kind}_mrr"] for kind in kinds] for row in rows],
        [row["closing_mrr"] for row in rows],
        [row["fx_mrr"] for row in rows] if has_fx else None,
    )
    shown_kinds = [*kinds, FX] if has_fx else kinds
    return [
        MrrMonth(
            first=row["month"],
            currency=row["currency"],
            is_partial=row["is_partial"],
            opening=openings[index],
            moves=dict(zip(shown_kinds, moves[index], strict=True)),
            closing=closings[index],
            opening_customers=rows[index - 1]["closing_customers"] if index else 0,
            customers=row["closing_customers"],
            counts={
                "new": row["new_customers"],
                "reactivation": row["reactivated_customers"],
                "churn": row["churned_customers"],
                "expansion": movers.get((row["month"], "expansion"), 0),
                "contraction": movers.get((row["month"], "contraction"), 0),
            },
            exact=row,
        )
        for index, row in enumerate(rows)
    ]


def _movers(marts: Marts, by: list[str]) -> dict[tuple[Any, ...], int]:
    """Customers with a movement of each type, by month (and currency)."""
    counted = (
        marts.table("mrr_movements")
        .with_columns(month=pl.col("moved_on").dt.truncate("1mo"))
        .group_by(*by, "movement_type")
        .agg(customers=pl.col("customer_id").n_unique())
    )
    return {tuple(row[:-1]): row[-1] for row in counted.rows()}


def exact_net_new(month: MrrMonth) -> Decimal:
    """`net_new` before rounding."""
    return sum((month.exact[f"{kind}_mrr"] for kind, _ in CLASSES if kind != "fx"), Decimal(0))
