"""Single MRR movements: the largest of a month, the loss to name first, and the whole log."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import polars as pl

from dashboards.page import Column, Download, Row, Table, TableBlock
from dashboards.values import Cell, month_text
from reports.glossary import SHORT
from reports.marts import Marts
from reports.months import LABELS, MrrMonth, last_full, month_of
from reports.names import cause, churn_kind, customer_names, sentence_case, words
from reports.rows import Rows
from reports.terms import Terms, counted

TOP = 10
LOG_ROWS = 200


def largest(marts: Marts, months: Sequence[MrrMonth], terms: Terms) -> tuple[TableBlock, ...]:
    """The largest movements of the last full month and, apart, of the month that is not over."""
    last = last_full(months)
    partial = next((month for month in months if month.is_partial), None)
    blocks = []
    if last is not None:
        blocks.append(_top(marts, last.first, f"Top movements of {last.name}", "overview-movements", terms))
    if partial is not None or not blocks:
        first = partial.first if partial else month_of(terms.publication.as_of_day)
        title = f"Top movements of {month_text(first)} so far, to {terms.as_of_day_words}"
        blocks.append(_top(marts, first, title, "overview-movements-so-far", terms))
    return tuple(blocks)


def log(marts: Marts, months: Sequence[MrrMonth], terms: Terms) -> tuple[TableBlock, ...]:
    """Every movement, newest first: the newest on the page, all of them in the file."""
    frame = marts.table("mrr_movements").sort(
        "moved_on", pl.col("mrr_delta_reporting").abs(), "customer_id", descending=[True, True, False]
    )
    names = customer_names(marts)
    table = Table(
        "mrr-log",
        "MRR movements, newest first",
        COLUMNS,
        tuple(Row(_cells(row, names, terms)) for row in frame.head(LOG_ROWS).to_dicts()),
        empty="No movement yet.",
        more=max(0, frame.height - LOG_ROWS),
        download=_download("mrr-log", frame, names, terms),
    )
    return (
        TableBlock(
            "Every movement",
            table,
            f"Each in its billing currency, and in {terms.unit} at that day's rate",
            SHORT["mrr_movements"],
            "mrr_movements",
        ),
    )


def largest_loss_words(marts: Marts, month: MrrMonth, terms: Terms) -> str:
    """`The largest loss was Acme (−1,200.00 USD, voluntary, too expensive).`"""
    losses = _of_month(marts, month.first).filter(pl.col("mrr_delta_reporting") < 0)
    if losses.is_empty():
        return f"No customer paid less at the end of {month.name} than before."
    row = losses.sort("mrr_delta_reporting", "customer_id").to_dicts()[0]
    name = customer_names(marts).get(row["customer_id"], row["customer_id"])
    why = _why(marts, row)
    return f"The largest loss was {name} ({terms.words(row['mrr_delta_reporting'], signed=True)}, {why})."


COLUMNS = (
    Column("Customer"),
    Column("Day"),
    Column("Movement"),
    Column("Cause"),
    Column("Before"),
    Column("After"),
    Column("Change"),
    Column("Currency"),
    Column("Change, reporting currency"),
)


def _top(marts: Marts, first: date, title: str, name: str, terms: Terms) -> TableBlock:
    frame = _of_month(marts, first).sort(
        pl.col("mrr_delta_reporting").abs(), "moved_on", "customer_id", descending=[True, True, False]
    )
    names = customer_names(marts)
    table = Table(
        name,
        title,
        COLUMNS,
        tuple(Row(_cells(row, names, terms)) for row in frame.head(TOP).to_dicts()),
        empty="Nothing moved.",
        more=max(0, frame.height - TOP),
        download=_download(name, frame, names, terms),
    )
    gains, moved = frame.filter(pl.col("mrr_delta_reporting") > 0).height, counted(frame.height, "movement")
    return TableBlock(
        title,
        table,
        f"Each in its billing currency, and in {terms.unit} at that day's rate",
        SHORT["mrr_movements"],
        "mrr_movements",
        f"{moved}: {gains:,} up, {frame.height - gains:,} down; by size." if frame.height else "",
    )


def _of_month(marts: Marts, first: date) -> pl.DataFrame:
    return marts.table("mrr_movements").filter(pl.col("moved_on").dt.truncate("1mo") == first)


def _cells(row: dict[str, Any], names: dict[str, str], terms: Terms) -> tuple[Cell, ...]:
    code = row["currency"]
    return (
        names.get(row["customer_id"], row["customer_id"]),
        row["moved_on"],
        LABELS.get(row["movement_type"], sentence_case(row["movement_type"])),
        cause(row["cause"]),
        terms.money(row["mrr_before"], code),
        terms.money(row["mrr_after"], code),
        terms.money(row["mrr_delta"], code, signed=True, worth=row["mrr_delta_reporting"]),
        code.upper(),
        terms.money(row["mrr_delta_reporting"], signed=True),
    )


def _download(name: str, frame: pl.DataFrame, names: dict[str, str], terms: Terms) -> Download:
    header = (
        "customer_id",
        "customer",
        "moved_on",
        "movement_type",
        "cause",
        "mrr_before",
        "mrr_after",
        "mrr_delta",
        "currency",
        "mrr_delta_reporting",
        "reporting_currency",
    )

    def cells(row: dict[str, Any]) -> tuple[Cell, ...]:
        return (
            row["customer_id"],
            names.get(row["customer_id"]),
            row["moved_on"],
            row["movement_type"],
            row["cause"],
            terms.money(row["mrr_before"], row["currency"]),
            terms.money(row["mrr_after"], row["currency"]),
            terms.money(row["mrr_delta"], row["currency"]),
            row["currency"].upper(),
            terms.money(row["mrr_delta_reporting"]),
            terms.unit,
        )

    return Download(name, header, Rows(frame, cells))


def _why(marts: Marts, movement: dict[str, Any]) -> str:
    if movement["movement_type"] != "churn":
        return f"{words(movement['movement_type'])}: {cause(movement['cause']).lower()}"
    churned = marts.table("churned_customers").filter(
        pl.col("customer_id") == movement["customer_id"],
        pl.col("churned_on") == movement["moved_on"],
        pl.col("currency") == movement["currency"],
    )
    if churned.is_empty():
        return churn_kind(movement["cause"]).lower()
    row = churned.to_dicts()[0]
    feedback = [words(row["feedback"])] if row["feedback"] else []
    return ", ".join([churn_kind(row["kind"]).lower(), *feedback])
