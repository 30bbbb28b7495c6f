"""The monthly metrics as cells, by name and month, and why one is missing where it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from dashboards.values import Cell, Count, Missing, Rate, Ratio, month_text
from reports.marts import Marts
from reports.months import earlier
from reports.terms import Terms

REASONS: Mapping[str, str] = {
    "gross_mrr_churn_rate": "no MRR at the start of the month",
    "net_mrr_churn_rate": "no MRR at the start of the month",
    "customer_churn_rate": "no customers at the start of the month",
    "net_revenue_retention": "needs customers of twelve months before",
    "gross_revenue_retention": "needs customers of twelve months before",
    "net_revenue_retention_1m": "needs customers of the month before",
    "gross_revenue_retention_1m": "needs customers of the month before",
    "quick_ratio": "nothing was lost in the month",
    "arpa": "no customers at the end of the month",
    "ltv": "no customers to take churn from",
    "trial_conversion_rate": "no trials began in the month",
    "refund_volume_rate": "no charges in the month",
    "refund_count_rate": "no charges in the month",
    "dispute_rate": "no card payments in the month",
    "payment_failure_rate": "no invoice was charged in the month",
    "recovery_rate": "no payment failed in the month",
}
BASES: Mapping[str, int] = {
    "net_revenue_retention": 12,
    "gross_revenue_retention": 12,
    "net_revenue_retention_1m": 1,
    "gross_revenue_retention_1m": 1,
    "customer_churn_rate": 1,
    "gross_mrr_churn_rate": 1,
    "net_mrr_churn_rate": 1,
}
"""Rates of what customers of so many months before did: those customers are their base."""
SMALL = 20
"""Customers below which a base says little: one of them moves the rate by more than a twentieth."""
NOT_COMPUTED = "not among the published metrics"


@dataclass(frozen=True)
class Metrics:
    """The published metrics by (name, month)."""

    rows: Mapping[tuple[str, date], dict[str, Any]]
    months: Sequence[date]
    partial: frozenset[date]
    terms: Terms

    @property
    def full_months(self) -> list[date]:
        """The months that are over, oldest first."""
        return [month for month in self.months if month not in self.partial]

    def cell(self, name: str, month: date) -> Cell:
        """One metric of one month."""
        row = self.rows.get((name, month))
        if row is None:
            return Missing(NOT_COMPUTED if month in self.months else "before the first month")
        numerator, denominator = row["numerator"], row["denominator"]
        if row["value"] is None or numerator is None:
            return Missing(REASONS.get(name, "nothing to divide by"))
        match row["unit"]:
            case "minor_units":
                return self.terms.money(numerator)
            case "count":
                return Count(int(numerator))
            case _ if name == "quick_ratio":
                return Ratio(numerator / denominator)
            case _:
                return Rate(numerator, denominator)

    def small_base(self, name: str, month: date) -> int | None:
        """How many customers a rate is of where they are fewer than say much; None for any other figure."""
        base = self.cell("customers", earlier(month, BASES[name])) if name in BASES else None
        is_small = isinstance(base, Count) and base.value < SMALL and isinstance(self.cell(name, month), Rate)
        return base.value if is_small and isinstance(base, Count) else None

    def small_notes(self, names: Sequence[str], months: Sequence[date]) -> tuple[str, ...]:
        """A table's note on the months in which a rate has a small base; none where none has."""
        small = [month for month in months if any(self.small_base(name, month) is not None for name in names)]
        if not small:
            return ()
        which = month_text(small[-1]) if len(small) == 1 else f"{len(small)} months to {month_text(small[-1])}"
        return (f"Small base in {which}: rates of fewer than {SMALL} customers, read them with care",)

    def series(self, name: str, months: Sequence[date]) -> list[Cell]:
        """One metric over several months."""
        return [self.cell(name, month) for month in months]


def metrics(marts: Marts, terms: Terms) -> Metrics:
    """The published metrics."""
    frame = marts.table("metrics_by_month")
    rows = {(row["metric"], row["month"]): row for row in frame.to_dicts()}
    months = sorted({month for _, month in rows})
    partial = frozenset(month for (_, month), row in rows.items() if row["is_partial"])
    return Metrics(rows, months, partial, terms)
