"""How long customers stay and when they leave: survival curves and hazards by month of tenure, as charts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import polars as pl

from dashboards import figures
from dashboards.figures import Interval, Series
from dashboards.page import Chart, Column, Download, Row, Table
from dashboards.values import Cell, Count, Rate
from reports.glossary import SHORT
from reports.marts import Marts
from reports.rows import Rows
from reports.terms import joined, shown_rate

STILL_FOLLOWED = 10
"""Customers at risk below which a month of tenure is not drawn."""
COMPARED = ("main", "fourth", "fifth", "third", "second")
"""Roles of the lines that are compared: as many segments as there are."""
FEWEST = 20
"""Customers below which a segment is not compared."""
YEARS = ("first year", "second year", "third year", "fourth year", "fifth year")
TOO_FEW = f"Fewer than {STILL_FOLLOWED} customers have paid so far."
WAYS = (("voluntary", "Voluntary", "churn"), ("involuntary", "Involuntary", "contraction"), ("other", "Other", "fifth"))
"""Class of ends: name in the tables, label, role."""


@dataclass(frozen=True)
class Tenure:
    """The months of tenure of one segment, month 0 first."""

    name: str
    rows: Sequence[dict[str, Any]]

    @property
    def seen(self) -> int:
        """How many of the months, from 0 on, enough customers were followed through."""
        return max((place + 1 for place, row in enumerate(self.rows) if row["at_risk"] >= STILL_FOLLOWED), default=0)

    def cells(self, column: str, until: int) -> list[Cell]:
        """A column of shares, months up to `until`; nothing where there is none or too few were followed."""
        return [share(row[column]) if place < until else None for place, row in enumerate(self.rows)]


def share(value: float | None) -> Rate | None:
    """A share as a cell."""
    return None if value is None else Rate(Decimal(str(value)), 1)


def tenure(marts: Marts, segment: str = "all", value: str = "all", name: str = "") -> Tenure:
    """The months of tenure of one segment."""
    frame = marts.table("survival_by_month").filter(segment=segment, segment_value=value)
    return Tenure(name, frame.sort("tenure_month").to_dicts())


def curve_chart(marts: Marts) -> Chart:
    """The share still there by month of tenure, with its interval and what the renewal model expects."""
    whole = tenure(marts)
    seen = whole.seen
    low, high = (_with_start(whole.cells(f"survival_{end}", seen)) for end in ("low", "high"))
    expected = whole.cells("survival_projected", len(whole.rows))
    lines = [Series("Still there", "main", whole.cells("survival", seen))]
    if any(expected):
        lines.append(Series("Expected", "fourth", expected, dashed=True))
    return Chart(
        "survival",
        "Customers still there, by months since the first paid day",
        figures.lines(
            [str(row["tenure_month"]) for row in whole.rows],
            lines,
            form="percent",
            from_zero=True,
            interval=Interval("95% interval", "main", low, high),
        ),
        survival_words(whole),
        "Percent of those who ever paid",
        SHORT["survival"],
        "survival",
        _table(
            "survival",
            "Customers still there, by month of tenure",
            (
                ("Month of tenure", lambda row: Count(row["tenure_month"]) if row["tenure_month"] else "0"),
                ("At risk", lambda row: Count(row["at_risk"])),
                ("Left", lambda row: Count(row["churned"])),
                ("Last seen", lambda row: Count(row["last_seen"])),
                ("Still there", lambda row: share(row["survival"])),
                ("Low", lambda row: share(row["survival_low"])),
                ("High", lambda row: share(row["survival_high"])),
                ("Expected", lambda row: share(row["survival_projected"])),
            ),
            whole.rows,
            _download(marts),
        ),
        empty="" if seen else TOO_FEW,
    )


def compared_chart(marts: Marts, segment: str, title: str) -> Chart:
    """The share still there by month of tenure, a line a value of a segment that has enough customers."""
    ltv = marts.table("customer_ltv").filter(pl.col("segment") == segment, pl.col("paid_customers") >= FEWEST)
    largest = ltv.sort("paid_customers", "segment_value", descending=[True, False]).head(len(COMPARED)).to_dicts()
    found = [tenure(marts, segment, row["segment_value"], row["segment_name"]) for row in largest]
    months = max((one.seen for one in found), default=0)
    lines = [
        Series(one.name, role, _padded(one.cells("survival", one.seen), months))
        for one, role in zip(found, COMPARED, strict=False)
    ]
    rows = tuple(
        Row((Count(month) if month else "0", *(line.values[month] for line in lines))) for month in range(months)
    )
    name = f"survival-{segment.replace('_', '-')}"
    return Chart(
        name,
        title,
        figures.lines([str(month) for month in range(months)], lines, form="percent", from_zero=True),
        _compared_words(found),
        "Percent of those who ever paid, by months since the first paid day",
        f"By what a customer began with; segments of at least {FEWEST} customers.",
        "survival",
        Table(
            name,
            f"{title}, by month of tenure",
            (Column("Month of tenure"), *(Column(line.name) for line in lines)),
            rows,
            empty=f"No segment has {FEWEST} customers yet.",
        ),
        "half",
        empty="" if months else f"No segment has {FEWEST} customers yet.",
    )


def hazard_chart(marts: Marts) -> Chart:
    """The share of those there before who left in each month of tenure, by the way they left."""
    whole = tenure(marts)
    months = whole.rows[1 : whole.seen]
    present = [way for way in WAYS if any(row[f"churned_{way[0]}"] for row in months)]
    return Chart(
        "hazard",
        "When customers leave: share of those there before, by month of tenure",
        figures.columns(
            [str(row["tenure_month"]) for row in months],
            [Series(label, role, [share(row[f"hazard_{way}"]) for row in months]) for way, label, role in present],
            form="percent",
        ),
        hazard_words(whole),
        "Percent of the customers who were there before the month",
        SHORT["hazard"],
        "hazard",
        _table(
            "hazard",
            "Who left in each month of tenure, and how",
            (
                ("Month of tenure", lambda row: Count(row["tenure_month"])),
                ("At risk", lambda row: Count(row["at_risk"])),
                *((label, _count_of(f"churned_{way}")) for way, label, _ in WAYS),
                ("Left, share", lambda row: share(row["hazard"])),
                *((f"{label}, of all so far", _share_of(f"incidence_{way}")) for way, label, _ in WAYS),
            ),
            [row for row in whole.rows[1:] if row["at_risk"]],
        ),
        empty="" if present else "Nobody has left yet.",
    )


def survival_words(whole: Tenure) -> str:
    """`70.8% of customers are still there after 12 months and 53.6% after 24.`"""
    told = [(month, share(whole.rows[month]["survival"])) for month in (12, 24, 36, 48) if month < whole.seen]
    known = [(month, found) for month, found in told if found]
    if not known:
        return "Customers have not been followed for a year yet." if whole.seen else TOO_FEW
    first, *others = [f"{shown_rate(found)} after {month}" for month, found in known]
    return f"Still there: {first} months{''.join(f', {other}' for other in others)}."


def hazard_words(whole: Tenure) -> str:
    """`Of the customers still there, a month takes 3.1% in their first year and 1.9% in their second year.`"""
    if whole.seen < 2:
        return TOO_FEW
    last = whole.seen - 1
    if last < 12:
        return f"A month has taken {_a_month(whole, 0, last)} of customers so far."
    years = [(12 * year, name) for year, name in enumerate(YEARS) if 12 * year + 12 <= last]
    told = [f"{_a_month(whole, start, start + 12)} in their {name}" for start, name in years]
    return f"Of the customers still there, a month takes {joined(told)}."


def _a_month(whole: Tenure, start: int, end: int) -> str:
    """The share that leaves in a month, the same each month, to come from one month of tenure to another."""
    before, after = whole.rows[start]["survival"], whole.rows[end]["survival"]
    if not before:
        return "nothing"
    return shown_rate(Rate(Decimal(str(1 - (after / before) ** (1 / (end - start)))), 1))


def _compared_words(found: Sequence[Tenure]) -> str:
    at_year = [(one.name, one.rows[12]["survival"]) for one in found if one.seen > 12]
    if not at_year:
        return "No segment has been followed for a year yet."
    said = [f"{name} {shown_rate(kept)}" for name, value in at_year if (kept := share(value))]
    return f"Still there after 12 months: {', '.join(said)}."


def _with_start(cells: list[Cell]) -> list[Cell]:
    """An edge of an interval that begins where the curve does, at everyone."""
    return [Rate(1, 1), *cells[1:]] if cells else cells


def _padded(cells: list[Cell], months: int) -> list[Cell]:
    return [*cells[:months], *([None] * (months - len(cells)))]


def _count_of(column: str) -> Callable[[dict[str, Any]], Cell]:
    return lambda row: Count(row[column])


def _share_of(column: str) -> Callable[[dict[str, Any]], Cell]:
    return lambda row: share(row[column])


def _table(
    name: str,
    caption: str,
    columns: Sequence[tuple[str, Callable[[dict[str, Any]], Cell]]],
    rows: Sequence[dict[str, Any]],
    download: Download | None = None,
) -> Table:
    return Table(
        name,
        caption,
        tuple(Column(label) for label, _ in columns),
        tuple(Row(tuple(make(row) for _, make in columns)) for row in rows),
        notes=(f"months with fewer than {STILL_FOLLOWED} customers at risk are not drawn",),
        empty=TOO_FEW,
        download=download,
    )


def _download(marts: Marts) -> Download:
    """Every segment's months, every column."""
    frame = marts.table("survival_by_month").drop("account_id").sort("segment", "segment_value", "tenure_month")

    def cells(row: dict[str, Any]) -> tuple[Cell, ...]:
        return tuple(
            share(value) if isinstance(value, float) else Count(value) if isinstance(value, int) else value
            for value in row.values()
        )

    return Download("survival", tuple(frame.columns), Rows(frame, cells))
