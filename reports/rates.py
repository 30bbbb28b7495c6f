"""Lines of monthly rates with the table they are drawn from: one form for every page that shows rates."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from dashboards import figures
from dashboards.figures import Reference, Series
from dashboards.page import Chart, Column, Row, Table
from dashboards.values import Cell, Month, Rate, month_text
from reports.comparisons import change_words
from reports.metrics import Metrics
from reports.months import earlier
from reports.terms import shown_rate

SHOWN_MONTHS = 24


@dataclass(frozen=True)
class RateLine:
    """One metric as a line: its published name, what it is called, the role of its colour."""

    metric: str
    label: str
    role: str


def rate_chart(
    name: str,
    title: str,
    lines: Sequence[RateLine],
    published: Metrics,
    *,
    definition: str,
    references: Sequence[Reference] = (),
    width: Literal["full", "half"] = "half",
    from_zero: bool = True,
) -> Chart:
    """Monthly rates as lines; the month that is not over is dashed."""
    months = list(published.months)[-SHOWN_MONTHS - 1 :]
    start = next((index for index, month in enumerate(months) if month in published.partial), None)
    series = [Series(line.label, line.role, published.series(line.metric, months), start) for line in lines]
    has_figures = any(isinstance(cell, Rate) for one in series for cell in one.values)
    rows = tuple(
        Row(
            (Month(month, month in published.partial), *(published.cell(line.metric, month) for line in lines)),
            "partial" if month in published.partial else "",
        )
        for month in months
    )
    return Chart(
        name,
        title,
        figures.lines(
            [month_text(month) for month in months], series, form="percent", references=references, from_zero=from_zero
        ),
        rate_words(lines[0], published),
        "Percent",
        f"{definition} Dashed: the month is not over." if start is not None else definition,
        lines[0].metric,
        Table(
            name,
            f"{title}, by month",
            (Column("Month"), *(Column(line.label) for line in lines)),
            rows,
            notes=published.small_notes([line.metric for line in lines], months),
            empty="No month has figures yet.",
        ),
        width,
        empty="" if has_figures else "No month has these figures yet.",
    )


def rate_words(line: RateLine, published: Metrics) -> str:
    """`Customer churn was 2.1% in Oct 2026, down 0.4 pp on Sep 2026; 2.6% on average of twelve months.`"""
    months = published.full_months
    if not months:
        return "No month is over yet."
    last = months[-1]
    now = published.cell(line.metric, last)
    if not isinstance(now, Rate):
        return f"{line.label} is not available for {month_text(last)}."
    before = earlier(last, 1)
    change = change_words(now, published.cell(line.metric, before), month_text(before))
    return f"{line.label} was {shown_rate(now)} in {month_text(last)}{', ' + change if change else ''}."


def pooled(cells: Sequence[Cell]) -> Rate | None:
    """Several months' rates as one: sums over sums, never a mean of percentages."""
    known = [cell for cell in cells if isinstance(cell, Rate)]
    base = sum(cell.denominator for cell in known)
    return Rate(sum(cell.numerator for cell in known), base) if base else None
