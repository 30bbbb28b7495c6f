"""Payouts: each line of the bank statement, itemised by what it carried, and whether the two agree."""

from typing import Any

import polars as pl

from dashboards.page import Column, Download, Row, Table, TableBlock
from dashboards.values import Cell, Count, Missing
from reports.glossary import SHORT
from reports.marts import Marts
from reports.names import sentence_case
from reports.rows import Rows
from reports.terms import Terms, counted

LIST_ROWS = 100
PARTS: tuple[tuple[str, str], ...] = (
    ("charges", "Payments"),
    ("refunds", "Refunds"),
    ("disputes", "Disputes"),
    ("fees", "Fees"),
    ("adjustments", "Adjustments"),
    ("returned", "Came back"),
)
"""What a payout carried: column and label."""
OUTCOMES = {
    "reconciled": "Agrees",
    "differs": "Differs",
    "settling": "Stripe is settling it",
    "not_read": "Not read yet",
    "not_itemised": "Made by hand",
}
WHY_UNKNOWN = {
    "settling": "Stripe has not said yet what it carried",
    "not_read": "what it carried was not read yet",
    "not_itemised": "Stripe does not say what a payout carried that was made by hand or at once",
}


def block(marts: Marts, terms: Terms) -> TableBlock:
    """The list of payouts, newest first, with all of them to take away."""
    frame = marts.table("payout_reconciliation").sort("created_on", "payout_id", descending=[True, False])
    everything = Rows(frame, lambda row: _cells(row, terms))
    parts = (label for _, label in PARTS)
    columns = (
        "At the bank",
        "Currency",
        "Sent",
        "Outcome",
        "Difference",
        "Transactions",
        *parts,
        "Status",
        "Made on",
        "Payout",
    )
    return TableBlock(
        "Payouts and what they carried",
        Table(
            "payouts",
            "Payouts, newest first",
            tuple(map(Column, columns)),
            tuple(map(Row, Rows(frame.head(LIST_ROWS), everything.make))),
            empty="No payout has been made so far.",
            more=max(0, frame.height - LIST_ROWS),
            download=Download("payouts", columns, everything),
        ),
        "Each in its own settlement currency",
        SHORT["payout_reconciliation"],
        "payout_reconciliation",
        words(frame),
    )


def words(frame: pl.DataFrame) -> str:
    """Whether payouts agree with what they carried, in a sentence; empty without payouts."""
    counts = dict(frame.group_by("outcome").len().iter_rows())
    known = counts.get("reconciled", 0) + counts.get("differs", 0)
    if not frame.height:
        return ""
    others = frame.height - known
    rest = f" Of {others:,} it is not known what they carried." if others else ""
    if not known:
        return f"Of {counted(frame.height, 'payout')} it is not known what they carried."
    if differing := counts.get("differs", 0):
        return f"{differing:,} of {known:,} payouts differ from the transactions that they carried.{rest}"
    whose = "The one payout" if known == 1 else f"All {known:,} payouts"
    return f"{whose} whose transactions are known {'is' if known == 1 else 'are'} their sum, to the cent.{rest}"


def _cells(row: dict[str, Any], terms: Terms) -> tuple[Cell, ...]:
    why = WHY_UNKNOWN.get(row["outcome"])

    def amount(column: str) -> Cell:
        return Missing(why) if why else terms.money(row[column], row["currency"])

    return (
        row["arrives_on"],
        row["currency"].upper(),
        terms.money(row["amount"], row["currency"]),
        OUTCOMES[row["outcome"]],
        amount("difference"),
        Missing(why) if why else Count(row["transactions"]),
        *(amount(column) for column, _ in PARTS),
        sentence_case(row["status"]),
        row["created_on"],
        row["payout_id"],
    )
