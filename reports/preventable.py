"""Preventable churn on the churn page: its share by month, and the causes that the policy calls preventable."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

import polars as pl

from dashboards import figures
from dashboards.figures import Series
from dashboards.page import Chart, Column, Download, Row, Section, Table
from dashboards.values import Cell, Count, Month, Rate, month_text
from reports.glossary import SHORT
from reports.marts import Marts
from reports.months import every_month, month_of
from reports.names import APART, sentence_case
from reports.terms import Terms, rate, shown_rate

SHOWN_MONTHS = 24
NOBODY = "nobody left in the month"
NONE_YET = "No customer has left yet."
SHARES = (
    ("Share of MRR lost", "main", "preventable_mrr_lost_reporting", "mrr_lost_reporting"),
    ("Share of customers lost", "fourth", "preventable_customers", "churned_customers"),
)
"""What a share is of: what is counted, role, part and whole."""
CAUSES: Mapping[str, str] = {"canceled_in_dunning": "Cancelled in dunning"}
"""Causes whose code alone would not read well."""


def section(marts: Marts, window: tuple[date, date] | None, terms: Terms) -> Section:
    """The share by month, and what it was in the window's months."""
    return Section("Preventable churn", (_share_chart(marts, terms), _cause_chart(marts, window, terms)))


def words(marts: Marts, window: tuple[date, date] | None, terms: Terms) -> str:
    """How much of the window's churn was preventable; nothing where none was lost."""
    if window is None:
        return ""
    months = marts.table("preventable_churn_by_month").filter(pl.col("month").is_between(*window))
    part, whole = (sum(months[name], Decimal(0)) for name in SHARES[0][2:])
    if not whole:
        return ""
    return f"{terms.words(part)} of it, {shown_rate(Rate(part, whole))}, had a cause that counts as preventable."


def because(code: str | None) -> str:
    """A cause in words; `No` for a churn that had none that counts."""
    return "No" if code is None else CAUSES.get(code, sentence_case(code))


def _share_chart(marts: Marts, terms: Terms) -> Chart:
    frame = marts.table("preventable_churn_by_month").sort("month")
    shown = every_month(frame).tail(SHOWN_MONTHS + 1).to_dicts()
    this_month = month_of(terms.publication.as_of_day)
    start = next((index for index, row in enumerate(shown) if row["month"] == this_month), None)
    series = [
        Series(label, role, [rate(row[part], row[whole], NOBODY) for row in shown], start)
        for label, role, part, whole in SHARES
    ]
    rows = tuple(
        Row(
            (
                Month(row["month"], index == start),
                *(one.values[index] for one in series),
                terms.money(row["preventable_mrr_lost_reporting"]),
                terms.money(row["mrr_lost_reporting"]),
                Count(row["preventable_customers"]),
                Count(row["churned_customers"]),
            ),
            "partial" if index == start else "",
        )
        for index, row in enumerate(shown)
    )
    return Chart(
        "preventable-churn",
        "Share of churn that was preventable",
        figures.lines([month_text(row["month"]) for row in shown], series, form="percent", from_zero=True),
        _share_words(shown[-1 if start is None else start - 1] if len(shown) > (start is not None) else None),
        "Percent of churn",
        SHORT["preventable_churn"],
        "preventable_churn",
        Table(
            "preventable-churn",
            "Preventable churn by month",
            (
                Column("Month"),
                *(Column(label) for label, *_ in SHARES),
                Column("Preventable MRR", unit=terms.unit),
                Column("MRR lost", unit=terms.unit),
                Column("Preventable customers"),
                Column("Customers lost"),
            ),
            rows,
            empty=NONE_YET,
            download=_download(frame, terms),
        ),
        "half",
        empty="" if shown else NONE_YET,
    )


def _share_words(last: dict[str, object] | None) -> str:
    if last is None:
        return "No month with churn is over yet."
    said = [
        f"{shown_rate(cell)} of {label.removeprefix('Share of ')}"
        for label, _, part, whole in SHARES
        if isinstance(cell := rate(last[part], last[whole], NOBODY), Rate)  # type: ignore[arg-type]
    ]
    month = last["month"]
    return f"{month_text(month)}: {', '.join(said)}." if isinstance(month, date) and said else "Nothing was lost."


def _download(frame: pl.DataFrame, terms: Terms) -> Download:
    header = (
        "month",
        "preventable_mrr_lost",
        "mrr_lost",
        "currency",
        "preventable_customers",
        "churned_customers",
        "is_partial",
    )
    rows: list[tuple[Cell, ...]] = [
        (
            Month(row["month"]),
            terms.money(row["preventable_mrr_lost_reporting"]),
            terms.money(row["mrr_lost_reporting"]),
            terms.unit,
            Count(row["preventable_customers"]),
            Count(row["churned_customers"]),
            "true" if row["month"] == month_of(terms.publication.as_of_day) else "false",
        )
        for row in frame.to_dicts()
    ]
    return Download("preventable-churn", header, rows)


def _cause_chart(marts: Marts, window: tuple[date, date] | None, terms: Terms) -> Chart:
    causes = _causes(marts, window)
    lost = sum((amount for _, amount, _ in causes), Decimal(0))
    when = f"{month_text(window[0])} to {month_text(window[1])}" if window else "no month yet"
    named = [(because(cause), amount, customers) for cause, amount, customers in causes if cause is not None]
    title = "What might have prevented it"
    return Chart(
        "preventable-causes",
        title,
        figures.bars(
            [label for label, *_ in named],
            Series("MRR lost", "churn", [terms.money(amount) for _, amount, _ in named]),
        ),
        _cause_words(named, lost, when, terms),
        f"{terms.unit} of MRR lost",
        SHORT["preventable_churn"],
        "preventable_churn",
        Table(
            "preventable-causes",
            f"Preventable churn by cause, {when}",
            (Column("Cause"), Column("MRR lost", unit=terms.unit), Column("Share of all churn"), Column("Customers")),
            tuple(
                Row((label, terms.money(amount), rate(amount, lost, NOBODY), Count(customers)))
                for label, amount, customers in named
            ),
            empty="No churn had a cause that counts as preventable.",
        ),
        "half",
        empty="" if named else "No churn had a cause that counts as preventable.",
    )


def _cause_words(named: list[tuple[str, Decimal, int]], lost: Decimal, when: str, terms: Terms) -> str:
    if not named or not lost:
        return f"No churn had a cause that counts as preventable, {when}."
    label, amount, _ = named[0]
    return f"{label}: {terms.words(amount)}, {shown_rate(Rate(amount, lost))} of what was lost, {when}."


def _causes(marts: Marts, window: tuple[date, date] | None) -> list[tuple[str | None, Decimal, int]]:
    """Cause, MRR lost and customers of the window's churn, the largest first; None for what was not preventable."""
    churned = marts.table("churned_customers").filter(~pl.col("kind").is_in(APART))
    within = churned.filter(pl.col("churned_on").dt.truncate("1mo").is_between(*window)) if window else churned.clear()
    return (
        within.group_by("preventable_because")
        .agg(pl.col("mrr_lost_reporting").sum(), pl.col("customer_id").filter("left").n_unique())
        .sort("mrr_lost_reporting", "preventable_because", descending=[True, False])
        .rows()
    )
