"""The cash that renewals of what is signed will bring, on the forecast page: in a sentence, a chart and a file."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from dashboards import figures
from dashboards.figures import Series
from dashboards.page import Chart, Column, Download, Row, Table
from dashboards.values import Cell, Count, Missing, Month, Rate, month_text
from reports.glossary import SHORT
from reports.marts import Marts
from reports.rows import Rows
from reports.terms import Terms, shown_rate

SOON = 3
"""Months that are told in a sentence."""
NO_RENEWAL = "Nothing that is signed renews in the next twelve months."
NEVER_TRIED = "no payment was tried in the last twelve full months"


def months(marts: Marts) -> list[dict[str, Any]]:
    """The cash forecast of each month, both ways of collection together; a part is null where one of its own is."""
    summed = ("renewals", "billed_reporting", "next_billed_reporting")
    told = ("first_attempt_reporting", "recovered_reporting", "expected_reporting", "haircut_reporting")
    return (
        marts.table("cash_forecast_by_month")
        .group_by("month")
        .agg(
            pl.col(summed).sum(),
            *(pl.when(pl.col(name).null_count() == 0).then(pl.col(name).sum()).alias(name) for name in told),
            pl.col("is_partial").any(),
        )
        .sort("month")
        .to_dicts()
    )


def words(cash: Sequence[Mapping[str, Any]], terms: Terms) -> str:
    """What renewals of the next months should bring, and what is taken off."""
    soon = cash[:SOON]
    billed = sum(row["billed_reporting"] for row in soon)
    until = month_text(soon[-1]["month"])
    if any(row["expected_reporting"] is None for row in soon):
        return f"Renewals of what is signed bill {terms.words(billed)} by the end of {until}; {NEVER_TRIED}."
    expected = sum(row["expected_reporting"] for row in soon)
    return (
        f"Renewals of what is signed should bring {terms.words(expected)} by the end of {until}: "
        f"{terms.words(billed)} billed, less {terms.words(billed - expected)} "
        f"({shown_rate(Rate(billed - expected, billed))}) that fails and is not recovered."
    )


def chart(cash: Sequence[dict[str, Any]], marts: Marts, terms: Terms) -> Chart:
    """What renewals will bring in, and what of them will not come."""
    parts = (
        ("first_attempt_reporting", "Paid at the first attempt", "new"),
        ("recovered_reporting", "Recovered", "reactivation"),
        ("haircut_reporting", "Not expected", "contraction"),
    )
    tried = all(row["expected_reporting"] is not None for row in cash)
    stacked = [
        Series(label, role, [terms.money(row[column]) for row in cash])
        for column, label, role in (parts if tried else (("billed_reporting", "Billed", "new"),))
    ]
    untried = Missing(NEVER_TRIED)

    def told(row: Mapping[str, Any], column: str) -> Cell:
        return untried if row[column] is None else terms.money(row[column])

    return Chart(
        "cash-forecast",
        "Renewals of what is signed, by month",
        figures.columns([month_text(row["month"]) for row in cash], stacked),
        words(cash, terms) if cash else NO_RENEWAL,
        f"{terms.unit}, without tax",
        SHORT["cash_forecast"],
        "cash_forecast",
        Table(
            "cash-forecast",
            f"Cash from renewals of what is signed, {terms.unit}",
            (
                Column("Month"),
                Column("Renewals"),
                Column("Billed"),
                Column("Of it next renewals"),
                *(Column(label) for _, label, _ in parts),
                Column("Expected"),
            ),
            tuple(
                Row(
                    (
                        Month(row["month"], row["is_partial"]),
                        Count(row["renewals"]),
                        terms.money(row["billed_reporting"]),
                        terms.money(row["next_billed_reporting"]),
                        *(told(row, column) for column, *_ in parts),
                        told(row, "expected_reporting"),
                    )
                )
                for row in cash
            ),
            notes=(
                "Of the month that is not over, what is still to come",
                "The file has each way of collection and what its rates rest on",
            ),
            empty=NO_RENEWAL,
            download=_file(marts, terms),
        ),
        empty="" if cash else NO_RENEWAL,
    )


def _file(marts: Marts, terms: Terms) -> Download:
    amounts = (
        "billed",
        "next_billed",
        "first_attempt",
        "recovered",
        "haircut",
        "expected",
        "past_attempted",
        "past_succeeded",
        "past_failed",
        "past_recovered",
    )

    def cells(row: dict[str, Any]) -> tuple[Cell, ...]:
        return (
            Month(row["month"]),
            row["collection_method"],
            Count(row["renewals"]),
            *(_amount(row[f"{name}_reporting"], terms) for name in amounts),
            terms.unit,
        )

    header = ("month", "collection_method", "renewals", *amounts, "currency")
    frame = marts.table("cash_forecast_by_month").sort("month", "collection_method")
    return Download("cash-forecast", header, Rows(frame, cells))


def _amount(minor: int | None, terms: Terms) -> Cell:
    return None if minor is None else terms.money(minor)
