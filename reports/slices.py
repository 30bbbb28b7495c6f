"""MRR by dimension on the MRR page: what each price, product and country brought, and what moved between them."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import polars as pl

from dashboards import figures
from dashboards.figures import Series
from dashboards.footing import footed_months
from dashboards.page import Block, Chart, Column, Download, Row, Section, Table, TableBlock
from dashboards.values import Cell, Count, Link, Month, Rate
from reports.glossary import SHORT
from reports.marts import Marts, total
from reports.months import MrrMonth, last_full
from reports.names import distinct, sentence_case
from reports.rows import Rows
from reports.terms import Terms, rate, shown_rate

SHOWN = 20
"""Values that are shown by themselves; the others are one row."""
BARS = 5
FLOWS = (
    ("new", "New"),
    ("reactivation", "Reactivation"),
    ("expansion", "Expansion"),
    ("contraction", "Contraction"),
    ("churn", "Churn"),
    ("transfer_in", "From other values"),
    ("transfer_out", "To other values"),
    ("fx", "Exchange rates"),
)
AMOUNTS = ("opening_mrr", *(f"{kind}_mrr" for kind, _ in FLOWS), "closing_mrr")
DIMENSIONS = {
    "product": "Product",
    "price": "Plan (price)",
    "billing_interval": "Billing interval",
    "currency": "Billing currency",
    "country": "Country",
    "collection_method": "Collection",
}
"""Dimensions that every account has, in the order of the page; those of metadata come after them."""
UNKNOWN = "unknown"
NO_MRR = "no MRR at the end of the month"
NO_MONTH = "No month is over yet."


@dataclass(frozen=True)
class Slice:
    """One dimension in one month: its rows, the largest first, the small ones as one.

    `name` is what its chart, table and file are called.
    """

    name: str
    dimension: str
    label: str
    rows: Sequence[dict[str, Any]]
    values: int
    with_mrr: int
    closing: Decimal


def section(marts: Marts, months: Sequence[MrrMonth], terms: Terms) -> Section:
    """The choice of dimensions, and each of them."""
    last = last_full(months)
    slices = _slices(marts, last) if last else []
    when = last.name if last else "no month yet"
    blocks: tuple[Block, ...] = (_choice(slices, when, terms), *(_chart(one, marts, when, terms) for one in slices))
    words = "Choose a dimension, or open its table. Who goes from one value to another is a transfer, no churn."
    return Section("MRR by dimension", blocks, (words,))


def _slices(marts: Marts, month: MrrMonth) -> list[Slice]:
    frame = marts.table("mrr_by_month_slice").filter(pl.col("month") == month.first)
    others = sorted(set(frame["dimension"].unique()) - set(DIMENSIONS))
    labels = DIMENSIONS | {name: sentence_case(name.replace(".", ": ", 1)) for name in others}
    found: list[Slice] = []
    for name, (dimension, label) in zip(distinct(map(_name, labels)), labels.items(), strict=True):
        own = frame.filter(pl.col("dimension") == dimension)
        if own.height:
            rows = [row | {"value_name": _shown(dimension, row["value_name"])} for row in _rows(own)]
            found.append(
                Slice(
                    name,
                    dimension,
                    label,
                    rows,
                    own.height,
                    own.filter(pl.col("closing_mrr") != 0).height,
                    total(own, "closing_mrr"),
                )
            )
    return found


def _name(dimension: str) -> str:
    """The dimension as a file's name; two keys of metadata can have the same."""
    return "mrr-by-" + "".join(c if c.isalnum() else "-" for c in dimension.casefold())


def _rows(own: pl.DataFrame) -> list[dict[str, Any]]:
    ordered = own.sort("closing_mrr", "opening_mrr", "value", descending=[True, True, False])
    shown, rest = ordered.head(SHOWN).to_dicts(), ordered.slice(SHOWN)
    if rest.height:
        others = {name: total(rest, name) for name in AMOUNTS}
        shown.append(others | {"value_name": f"{rest.height:,} others", "closing_customers": None})
    return shown


def _choice(slices: Sequence[Slice], when: str, terms: Terms) -> TableBlock:
    def row(one: Slice) -> Row:
        largest = one.rows[0]
        moved = sum((each["transfer_in_mrr"] for each in one.rows), Decimal(0))
        return Row(
            (
                Link(one.label, f"#chart-{one.name}"),
                Count(one.values),
                largest["value_name"],
                rate(largest["closing_mrr"], one.closing, NO_MRR),
                terms.money(moved),
            )
        )

    return TableBlock(
        f"Dimensions, {when}",
        Table(
            "mrr-dimensions",
            f"Dimensions of MRR, {when}",
            (
                Column("Dimension"),
                Column("Values"),
                Column("Largest"),
                Column("Its share of MRR"),
                Column("Moved between values", unit=terms.unit),
            ),
            tuple(map(row, slices)),
            empty=NO_MONTH,
        ),
        f"{terms.unit} of MRR",
        SHORT["mrr_slices"],
        "mrr_slices",
    )


def _chart(one: Slice, marts: Marts, when: str, terms: Terms) -> Chart:
    bars = _bars(one)
    return Chart(
        one.name,
        f"MRR by {one.label[:1].lower()}{one.label[1:]}",
        figures.bars(
            [name for name, _ in bars],
            Series("MRR", "main", [terms.money(worth) for _, worth in bars]),
        ),
        _words(one, when, terms),
        f"{terms.unit} a month, at the end of {when}",
        SHORT["mrr_slices"],
        "mrr_slices",
        _table(one, marts, when, terms),
        empty="" if bars else "No MRR at the end of the month.",
    )


def _bars(one: Slice) -> list[tuple[str, Decimal]]:
    """The largest values, and as one what the others come to, so that the bars are all of MRR."""
    with_mrr = [row for row in one.rows if row["closing_mrr"]]
    shown = [(row["value_name"], row["closing_mrr"]) for row in with_mrr[:BARS]]
    rest = one.with_mrr - len(shown)
    if not rest:
        return shown
    worth = sum((row["closing_mrr"] for row in with_mrr[BARS:]), Decimal(0))
    return [*shown, (f"{rest:,} {'other' if rest == 1 else 'others'}", worth)]


def _words(one: Slice, when: str, terms: Terms) -> str:
    first = one.rows[0]
    share = rate(first["closing_mrr"], one.closing, NO_MRR)
    if not isinstance(share, Rate):
        return f"No MRR at the end of {when}."
    worth = terms.words(first["closing_mrr"])
    largest = f" The {BARS} largest of {one.with_mrr:,} have a bar each." if one.with_mrr > BARS else ""
    return f"{first['value_name']}: {worth} at the end of {when}, {shown_rate(share)} of all.{largest}"


def _shown(dimension: str, value: str) -> str:
    """A value's name; Stripe's own codes in words."""
    if dimension == "currency":
        return value.upper()
    if dimension in ("billing_interval", "collection_method") or value == UNKNOWN:
        return sentence_case(value)
    return value


def _table(one: Slice, marts: Marts, when: str, terms: Terms) -> Table:
    kinds = [(kind, label) for kind, label in FLOWS if any(row[f"{kind}_mrr"] for row in one.rows)]

    def row(each: dict[str, Any]) -> Row:
        parts = [each[f"{kind}_mrr"] for kind, _ in kinds]
        opening, moves, closing = footed_months([each["opening_mrr"]], [parts], [each["closing_mrr"]])
        customers = each["closing_customers"]
        return Row(
            (
                each["value_name"],
                terms.money(opening[0]),
                *(terms.money(amount) for amount in moves[0]),
                terms.money(closing[0]),
                rate(each["closing_mrr"], one.closing, NO_MRR),
                None if customers is None else Count(customers),
            )
        )

    whole = {name: sum((each[name] for each in one.rows), Decimal(0)) for name in AMOUNTS}
    footer = row(whole | {"value_name": "All", "closing_customers": None})
    return Table(
        one.name,
        f"MRR by {one.label[:1].lower()}{one.label[1:]}, {when}, {terms.unit}",
        (
            Column(one.label),
            Column("Opening"),
            *(Column(label) for _, label in kinds),
            Column("Closing"),
            Column("Share"),
            Column("Customers"),
        ),
        (*map(row, one.rows), Row(footer.cells, "total")),
        notes=("Every row adds up; the file has every month, exactly",),
        sortable=False,
        download=_download(one, marts, terms),
    )


def _download(one: Slice, marts: Marts, terms: Terms) -> Download:
    header = ("month", "dimension", "value", "value_name", *AMOUNTS, "currency", "closing_customers", "is_partial")

    def cells(row: dict[str, Any]) -> tuple[Cell, ...]:
        return (
            Month(row["month"]),
            row["dimension"],
            row["value"],
            row["value_name"],
            *(terms.money(row[name]) for name in AMOUNTS),
            terms.unit,
            Count(row["closing_customers"]),
            "true" if row["is_partial"] else "false",
        )

    frame = marts.table("mrr_by_month_slice").filter(pl.col("dimension") == one.dimension).sort("month", "value")
    return Download(one.name, header, Rows(frame, cells))
