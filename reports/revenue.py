"""Revenue: what was earned month by month, and what is billed and still to be earned."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import polars as pl

from dashboards import figures
from dashboards.figures import Series
from dashboards.page import Block, Chart, Column, Download, Page, Row, Section, Table, TableBlock
from dashboards.values import Cell, Month, month_text
from reports.comparisons import change_words
from reports.glossary import SHORT
from reports.marts import Marts
from reports.months import earlier, month_of
from reports.terms import Terms

SHOWN_MONTHS = 24
MONTHS_AHEAD = 12
"""Months of earning that the triangle has a column for; what is later is one column."""

EARNED: tuple[tuple[str, str, str], ...] = (
    ("earned", "Earned", "new"),
    ("contra_revenue", "Taken back", "contraction"),
    ("bad_debt", "Bad debt", "churn"),
)
"""What recognised revenue is the sum of: column, label, role."""

ROLLED: tuple[tuple[str, str], ...] = (
    ("deferred_opening", "Deferred, opening"),
    ("billed", "Billed"),
    ("recognized", "Recognised"),
    ("deferred_closing", "Deferred, closing"),
)
SPLIT: tuple[tuple[str, str], ...] = (
    ("recognized", "Earned"),
    ("unbilled", "Of it waits for its invoice"),
    ("deferred", "To be earned"),
)
ESTIMATE = "A management estimate, without tax; no audit. Each currency by itself."
NOTHING = "Nothing has been billed yet: revenue appears with the first invoice that is finalised."
NOTHING_DEFERRED = "Nothing that was billed is still to be earned."
Currency = Callable[[str, list[dict[str, Any]]], Block]


def page(marts: Marts, terms: Terms) -> Page:
    """Revenue."""
    months = _by_currency(marts.table("revenue_recognition_by_month").sort("month"), terms)
    waiting = _by_currency(marts.table("deferred_revenue").sort("billed_month", "recognition_month"), terms)
    width = "full" if len(months) < 2 else "half"
    return Page(
        "revenue",
        "Revenue",
        findings(months, waiting, terms),
        (
            Section(
                "Recognised revenue",
                _each(months, terms, lambda code, rows: _recognised(code, rows, terms, width)),
                (ESTIMATE,),
            ),
            Section("Deferred revenue, rolled forward", (_rolled(months, terms),)),
            Section(
                "Deferred revenue by month of billing",
                _each(waiting, terms, lambda code, rows: _triangle(code, rows, terms)),
                ("What was billed in the month of the row and is to be earned in the month of the column.",),
            ),
        ),
    )


def findings(
    months: dict[str, list[dict[str, Any]]], waiting: dict[str, list[dict[str, Any]]], terms: Terms
) -> tuple[str, ...]:
    """What the numbers say, in sentences."""
    said = [_recognised_words(code, rows, terms) for code, rows in months.items()]
    said += [_deferred_words(code, rows, terms) for code, rows in waiting.items()]
    return tuple(said) or (NOTHING,)


def _each(held: dict[str, list[dict[str, Any]]], terms: Terms, block: Currency) -> tuple[Block, ...]:
    return tuple(block(code, rows) for code, rows in (held or {terms.publication.currency: []}).items())


def _by_currency(frame: pl.DataFrame, terms: Terms) -> dict[str, list[dict[str, Any]]]:
    """The rows of each currency in their order, the reporting currency first."""
    own = terms.publication.currency
    codes = sorted(frame["currency"].unique(), key=lambda code: (code != own, code))
    return {code: frame.filter(pl.col("currency") == code).to_dicts() for code in codes}


def _recognised_words(code: str, rows: Sequence[dict[str, Any]], terms: Terms) -> str:
    complete = [row for row in rows if not row["is_partial"]]
    if not complete:
        return f"No month of {code.upper()} is over yet."
    last = complete[-1]
    before = next((row for row in complete if row["month"] == earlier(last["month"], 1)), None)
    now = terms.money(last["recognized"], code)
    change = change_words(now, terms.money(before["recognized"], code), month_text(before["month"])) if before else ""
    return (
        f"{terms.words(last['recognized'], code)} was recognised in {month_text(last['month'])}"
        f"{', ' + change if change else ''}; {terms.words(last['billed'], code)} was billed, less "
        "what was credited."
    )


def _deferred_words(code: str, rows: Sequence[dict[str, Any]], terms: Terms) -> str:
    within = earlier(month_of(terms.publication.as_of_day), -MONTHS_AHEAD)
    whole = sum(row["deferred"] for row in rows)
    soon = sum(row["deferred"] for row in rows if row["recognition_month"] < within)
    return (
        f"{terms.words(whole, code)} is billed and still to be earned, {terms.words(soon, code)} of it before "
        f"{month_text(within)}."
    )


def _recognised(code: str, rows: Sequence[dict[str, Any]], terms: Terms, width: Any) -> Chart:
    unit, chosen = code.upper(), rows[-SHOWN_MONTHS - 1 :]
    start = next((index for index, row in enumerate(chosen) if row["is_partial"]), None)
    stacked = [
        Series(label, role, [terms.money(row[part], code, signed=True) for row in chosen], start)
        for part, label, role in EARNED
        if any(row[part] for row in chosen)
    ]
    net = Series("Recognised", "net", [terms.money(row["recognized"], code, signed=True) for row in chosen], start)
    title = f"Recognised revenue, {unit}"
    columns = (Column("Month"), *(Column(label, unit=unit) for _, label, _ in EARNED), Column("Recognised", unit=unit))
    return Chart(
        f"recognised-{code}",
        title,
        figures.columns([month_text(row["month"]) for row in chosen], stacked, line=net),
        _recognised_words(code, rows, terms) if rows else "No month is over yet.",
        unit,
        SHORT["recognised_revenue"],
        "recognised_revenue",
        Table(
            f"recognised-{code}",
            title,
            columns,
            tuple(
                Row(
                    (
                        Month(row["month"], row["is_partial"]),
                        *(terms.money(row[part], code) for part, *_ in EARNED),
                        terms.money(row["recognized"], code),
                    ),
                    "partial" if row["is_partial"] else "",
                )
                for row in chosen
            ),
            empty=NOTHING,
        ),
        width,
        empty="" if stacked else NOTHING,
    )


def _rolled(months: dict[str, list[dict[str, Any]]], terms: Terms) -> TableBlock:
    every = [row for rows in months.values() for row in rows]
    newest = sorted(every, key=lambda row: (-row["month"].toordinal(), row["currency"]))
    rows = tuple(
        Row(
            (
                Month(row["month"], row["is_partial"]),
                row["currency"].upper(),
                *(terms.money(row[column], row["currency"]) for column, _ in ROLLED),
            ),
            "partial" if row["is_partial"] else "",
        )
        for row in newest
    )
    return TableBlock(
        "Deferred revenue by month",
        Table(
            "deferred-by-month",
            "Opening + billed − recognised = closing, newest first",
            (Column("Month"), Column("Currency"), *(Column(label) for _, label in ROLLED)),
            rows,
            empty=NOTHING,
        ),
        "Each row in its own currency",
        SHORT["deferred_revenue"],
        "deferred_revenue",
    )


def _triangle(code: str, rows: Sequence[dict[str, Any]], terms: Terms) -> TableBlock:
    """Rows of billing, columns of earning; the file has every month of earning, past ones too."""
    unit, first = code.upper(), month_of(terms.publication.as_of_day)
    ahead = [earlier(first, -number) for number in range(MONTHS_AHEAD)]
    cells = {(row["billed_month"], row["recognition_month"]): row["deferred"] for row in rows if row["deferred"]}
    billed = sorted({one for one, _ in cells})
    whole, unbilled = sum(cells.values()), sum(row["unbilled"] for row in rows)

    def amounts(of: Sequence[date]) -> tuple[Cell, ...]:
        by_month = [sum(cells.get((one, month), 0) for one in of) for month in ahead]
        all_of_it = sum(amount for (one, _), amount in cells.items() if one in of)
        return tuple(terms.money(amount, code) for amount in (*by_month, all_of_it - sum(by_month), all_of_it))

    def at_the_end(label: str, amount: int) -> Row:
        return Row((label, *([None] * (len(ahead) + 1)), terms.money(amount, code)), "total")

    title = f"To be earned, {unit}"
    rest, *others = (month_text(month) for month in ahead)
    names = (f"Rest of {rest}", *others, "Later", "In all")
    shown = [Row((Month(one), *amounts([one]))) for one in billed]
    name = f"deferred-{code}"
    return TableBlock(
        title,
        Table(
            name,
            f"{title}, by month of billing and of earning",
            (Column("Billed in"), *map(Column, names)),
            (
                *shown,
                Row(("In all", *amounts(billed)), "total"),
                at_the_end("Less earned, not yet billed", -unbilled),
                at_the_end("Deferred, closing", whole - unbilled),
            )
            if rows
            else (),
            empty=NOTHING_DEFERRED,
            sortable=False,
            download=Download(
                name,
                ("Billed in", "Earned in", *(f"{label} ({unit})" for _, label in SPLIT)),
                tuple(
                    (
                        Month(row["billed_month"]),
                        Month(row["recognition_month"]),
                        *(terms.money(row[column], code) for column, _ in SPLIT),
                    )
                    for row in rows
                ),
            ),
        ),
        unit,
        SHORT["deferred_revenue"],
        "deferred_revenue",
        _deferred_words(code, rows, terms) if rows else "",
    )
