"""Committed MRR on the MRR page: what MRR comes to if nothing happens but what is set already."""

from collections.abc import Mapping
from typing import Any

from dashboards import figures
from dashboards.footing import footed_months
from dashboards.page import Chart, Column, Download, Row, Section, Table
from dashboards.values import Cell, Money, Rate, day_text
from reports.glossary import SHORT
from reports.marts import Marts
from reports.rows import Rows
from reports.terms import Terms, shown_rate

BRIDGE_MONTHS = 3
STEPS = (
    ("cancellation_mrr", "Scheduled cancellations", "churn"),
    ("pause_mrr", "Scheduled pauses", "contraction"),
    ("resume_mrr", "Pauses that end", "reactivation"),
    ("phase_mrr", "Schedule phases", "expansion"),
    ("discount_mrr", "Coupons that end or begin", "expansion"),
    ("start_mrr", "Subscriptions that will start", "new"),
)
"""Columns of `committed_mrr`, what they are called and the role of their colour."""
NOTHING = "No subscription has counted in MRR yet."


def section(marts: Marts, terms: Terms) -> Section:
    """The bridge of the middle horizon, and the table of all."""
    return Section("Committed MRR", (_chart(marts, terms),))


def _chart(marts: Marts, terms: Terms) -> Chart:
    rows = marts.table("committed_mrr").sort("horizon_months").to_dicts()
    whole = [footed(row) for row in rows]
    place = next((place for place, row in enumerate(rows) if row["horizon_months"] == BRIDGE_MONTHS), None)
    steps = _steps(whole[place], terms) if place is not None else []
    title = f"From MRR now to committed MRR in {BRIDGE_MONTHS} months"
    return Chart(
        "committed-mrr",
        title,
        figures.bridge(
            [label for label, *_ in steps],
            [value for _, value, *_ in steps],
            [role for *_, role, _ in steps],
            [total for *_, total in steps],
        ),
        _words(rows[place], whole[place], terms) if place is not None else NOTHING,
        f"{terms.unit} a month",
        SHORT["committed_mrr"],
        "committed_mrr",
        _table(rows, whole, marts, terms),
        empty="" if steps else NOTHING,
        open_table=True,
    )


def footed(row: Mapping[str, Any]) -> dict[str, int]:
    """The row in whole minor units that add up as they are printed."""
    parts = [row[column] for column, *_ in STEPS]
    opening, moves, closing = footed_months([row["mrr"]], [parts], [row["committed_mrr"]])
    names = [column for column, *_ in STEPS]
    committed = {"mrr": opening[0], **dict(zip(names, moves[0], strict=True)), "committed_mrr": closing[0]}
    _, trials, whole = footed_months([closing[0]], [[row["expected_trials_mrr"]]], [row["committed_with_trials_mrr"]])
    return committed | {"expected_trials_mrr": trials[0][0], "committed_with_trials_mrr": whole[0]}


def _steps(footed: Mapping[str, int], terms: Terms) -> list[tuple[str, Money, str, bool]]:
    """A bridge's steps: label, amount, role, whether it stands on zero."""
    moves = [
        (label, terms.money(footed[column], signed=True), role, False)
        for column, label, role in STEPS
        if footed[column]
    ]
    opening = ("MRR now", terms.money(footed["mrr"]), "total", True)
    return [opening, *moves, ("Committed MRR", terms.money(footed["committed_mrr"]), "total", True)]


def _words(row: Mapping[str, Any], footed: Mapping[str, int], terms: Terms) -> str:
    now, then = footed["mrr"], footed["committed_mrr"]
    said = (
        f"By {day_text(row['until'])}, what is set already takes MRR from {terms.words(now)} to {terms.words(then)} "
        f"({terms.words(then - now, signed=True)})."
    )
    if not row["trials_mrr"]:
        return said
    if not row["decided_trials"]:
        return f"{said} Trials could add {terms.words(row['trials_mrr'])}; none was decided in the last twelve months."
    share = shown_rate(Rate(row["converted_trials"], row["decided_trials"]))
    return (
        f"{said} Trials could add {terms.words(row['trials_mrr'])}; with the {share} that converted in the last twelve "
        f"months, {terms.words(row['expected_trials_mrr'])}."
    )


def _table(rows: list[dict[str, Any]], footed: list[dict[str, int]], marts: Marts, terms: Terms) -> Table:
    def row(label: str, column: str, weight: Any = "") -> Row:
        return Row((label, *(terms.money(one[column]) for one in footed)), weight)

    lines = [
        row("MRR now", "mrr", "total"),
        *(row(label, column) for column, label, _ in STEPS),
        row("Committed MRR", "committed_mrr", "total"),
        row("Trials, at the rate that converts", "expected_trials_mrr", "part"),
        row("Committed MRR with trials", "committed_with_trials_mrr", "total"),
    ]
    return Table(
        "committed-mrr",
        f"Committed MRR by horizon, {terms.unit}",
        (Column("Step"), *(Column(_horizon(one)) for one in rows)),
        tuple(lines) if rows else (),
        notes=("Every column adds up", "The file has each change by itself"),
        empty=NOTHING,
        sortable=False,
        download=_download(marts, terms),
    )


def _horizon(row: Mapping[str, Any]) -> str:
    months = row["horizon_months"]
    return f"{months} month{'s' if months > 1 else ''}, to {day_text(row['until'])}"


def _download(marts: Marts, terms: Terms) -> Download:
    header = (
        "effective_at",
        "effective_on",
        "customer_id",
        "subscription_id",
        "kind",
        "is_trial",
        "mrr_before",
        "mrr_after",
        "mrr_delta",
        "currency",
        "mrr_delta_reporting",
        "reporting_currency",
    )

    def cells(row: dict[str, Any]) -> tuple[Cell, ...]:
        return (
            terms.moment(row["effective_at"]),
            row["effective_on"],
            row["customer_id"],
            row["subscription_id"],
            row["kind"],
            "true" if row["is_trial"] else "false",
            terms.money(row["mrr_before"], row["currency"]),
            terms.money(row["mrr_after"], row["currency"]),
            terms.money(row["mrr_delta"], row["currency"]),
            row["currency"].upper(),
            terms.money(row["mrr_delta_reporting"]),
            terms.unit,
        )

    frame = marts.table("scheduled_changes").sort("effective_at", "scheduled_id")
    return Download("committed-mrr", header, Rows(frame, cells))
