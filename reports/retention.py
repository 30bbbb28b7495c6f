"""Retention: what earlier customers pay now, over twelve months and by cohort."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl

from dashboards.figures import Reference
from dashboards.page import Chart, Column, Download, Page, Row, Section, Table, TableBlock
from dashboards.values import Cell, Count, Month, Rate, Shaded
from reports.glossary import SHORT
from reports.marts import Marts, total
from reports.metrics import SMALL, Metrics, metrics
from reports.rates import RateLine, rate_chart, rate_words
from reports.terms import Terms, rate, shown_rate

COHORTS = 24
AGES = (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 15, 18, 21, 24)
"""Months since the cohort's start that the page has room for; the file has all."""
DEEPEST = 9


def page(marts: Marts, terms: Terms) -> Page:
    """Retention."""
    published, cohorts = metrics(marts, terms), marts.table("cohort_retention")
    year = (
        RateLine("net_revenue_retention", "Net revenue retention", "main"),
        RateLine("gross_revenue_retention", "Gross revenue retention", "churn"),
    )
    month = (
        RateLine("net_revenue_retention_1m", "Net, one month", "main"),
        RateLine("gross_revenue_retention_1m", "Gross, one month", "churn"),
    )
    lines = (
        _lines("retention-year", "Revenue retention over twelve months", year, published),
        _lines("retention-month", "Revenue retention over one month", month, published),
    )
    return Page(
        "retention",
        "Retention",
        findings(cohorts, published, year),
        (
            Section("Revenue retention", lines),
            Section(
                "Cohorts",
                (
                    _heat("cohort-customers", "Customers kept, by cohort", cohorts, _customers_kept, terms),
                    _heat("cohort-mrr", "MRR kept, by cohort", cohorts, _mrr_kept, terms),
                ),
                ("A row is the customers who first paid in that month; a column is so many months later.",),
            ),
        ),
    )


def _lines(name: str, title: str, lines: Sequence[RateLine], published: Metrics) -> Chart:
    definition = f"Net: {SHORT[lines[0].metric]} Gross: {SHORT[lines[1].metric]}"
    level = (Reference("100%", 1.0),)
    return rate_chart(name, title, lines, published, definition=definition, references=level, from_zero=False)


def findings(cohorts: pl.DataFrame, published: Metrics, lines: Sequence[RateLine]) -> tuple[str, ...]:
    """What the numbers say, in sentences."""
    if cohorts.is_empty():
        return ("No cohort is complete yet: the first one is there once the first month is over.",)
    said = [rate_words(line, published) for line in lines if published.full_months]
    for age in (12, 3, 1):
        kept = _average(cohorts, age, "customers", "cohort_customers")
        worth = _average(cohorts, age, "mrr_reporting", "cohort_mrr_reporting")
        if kept is not None and worth is not None:
            months = "one month" if age == 1 else f"{age} months"
            said.append(
                f"After {months}, {shown_rate(kept)} of customers and {shown_rate(worth)} of first MRR were there."
            )
            break
    return tuple(said)


def _customers_kept(row: dict[str, Any]) -> Cell:
    return rate(row["customers"], row["cohort_customers"], "the cohort is empty")


def _mrr_kept(row: dict[str, Any]) -> Cell:
    return rate(row["mrr_reporting"], row["cohort_mrr_reporting"], "the cohort began without MRR")


def _heat(name: str, title: str, cohorts: pl.DataFrame, share_of: Any, terms: Terms) -> TableBlock:
    chosen = sorted(cohorts["cohort_month"].unique().to_list())[-COHORTS:]
    rows_by = {
        (row["cohort_month"], row["months_since"]): row
        for row in cohorts.filter(pl.col("cohort_month").is_in(chosen)).to_dicts()
    }
    ages = [age for age in AGES if any((month, age) in rows_by for month in chosen)]
    shares = {key: share_of(row) for key, row in rows_by.items() if key[1] in ages}
    low, high = _range([share for (_, age), share in shares.items() if age and isinstance(share, Rate)])

    def cell(month: date, age: int) -> Cell:
        share = shares.get((month, age))
        return _shaded(share, low, high) if isinstance(share, Rate) else share

    body = [
        Row((Month(month), Count(rows_by[month, 0]["cohort_customers"]), *(cell(month, age) for age in ages)))
        for month in reversed(chosen)
        if (month, 0) in rows_by
    ]
    average = Row(
        ("All cohorts", Count(_joined(cohorts)), *(_average_cell(cohorts, age, name) for age in ages)), "total"
    )
    small = sum(1 for month in chosen if (month, 0) in rows_by and rows_by[month, 0]["cohort_customers"] < SMALL)
    notes = [f"{small} of {len(body)} cohorts have fewer than {SMALL} customers: read them with care"] if small else []
    return TableBlock(
        title,
        Table(
            name,
            f"{title}: share of the start, by months since",
            (Column("Cohort"), Column("Customers"), *(Column(f"+{age}" if age else "start") for age in ages)),
            (average, *body) if body else (),
            notes=tuple(notes),
            empty="No cohort yet: the first month is not over.",
            sortable=False,
            heat=True,
            download=_download(name, cohorts, terms),
        ),
        "Percent of the cohort's start; deeper is more",
        SHORT["cohort_retention"],
        "cohort_retention",
        "The first row divides sums by sums over all cohorts old enough; months that are not over are blank.",
    )


def _download(name: str, cohorts: pl.DataFrame, terms: Terms) -> Download:
    header = (
        "cohort_month",
        "months_since",
        "cohort_customers",
        "customers",
        "customer_retention_rate",
        "cohort_mrr",
        "mrr",
        "mrr_retention_rate",
        "currency",
    )
    rows = [
        (
            Month(row["cohort_month"]),
            Count(row["months_since"]),
            Count(row["cohort_customers"]),
            Count(row["customers"]),
            _customers_kept(row),
            terms.money(row["cohort_mrr_reporting"]),
            terms.money(row["mrr_reporting"]),
            _mrr_kept(row),
            terms.unit,
        )
        for row in cohorts.sort("cohort_month", "months_since").to_dicts()
    ]
    return Download(name, header, rows)


def _joined(cohorts: pl.DataFrame) -> int:
    return int(cohorts.filter(pl.col("months_since") == 0)["cohort_customers"].sum())


def _average(cohorts: pl.DataFrame, age: int, part: str, whole: str) -> Rate | None:
    reached = cohorts.filter(pl.col("months_since") == age)
    base = total(reached, whole)
    return Rate(total(reached, part), base) if base else None


def _average_cell(cohorts: pl.DataFrame, age: int, name: str) -> Cell:
    if name == "cohort-customers":
        return _average(cohorts, age, "customers", "cohort_customers")
    return _average(cohorts, age, "mrr_reporting", "cohort_mrr_reporting")


def _range(shares: Sequence[Rate]) -> tuple[Decimal, Decimal]:
    """The middle nine tenths of the shares, so that one odd cohort does not wash out the others."""
    values = sorted(share.value for share in shares)
    return (values[len(values) // 20], values[-1 - len(values) // 20]) if values else (Decimal(0), Decimal(1))


def _shaded(share: Rate, low: Decimal, high: Decimal) -> Shaded:
    spread = high - low if high > low else Decimal(1)
    level = int((share.value - low) / spread * DEEPEST)
    return Shaded(share, max(0, min(DEEPEST, level)))
