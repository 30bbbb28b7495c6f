"""Scheduled churn on the churn page: who is known to leave and when, and how many took a cancellation back."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import polars as pl

from dashboards import figures
from dashboards.figures import Series
from dashboards.page import Block, Chart, Column, Download, Row, Section, Table, TableBlock
from dashboards.values import Cell, Count, Month, Rate, month_text
from reports.glossary import SHORT
from reports.marts import Marts, total
from reports.months import month_of
from reports.names import churn_kind, customer_names, sentence_case
from reports.rows import Rows
from reports.terms import Terms, rate, shown_rate

LIST_ROWS = 100
SHOWN_MONTHS = 12
NOBODY = "No subscription that counts is known to end."
NO_REQUEST = "No cancellation was scheduled since the first load."
PAUSED = "paused"


def section(marts: Marts, terms: Terms) -> Section:
    """By month, one by one, and what became of earlier requests."""
    blocks: tuple[Block, ...] = (_chart(marts, terms), _list(marts, terms), _saves(marts, terms))
    return Section("Known to leave", blocks)


def words(marts: Marts, terms: Terms) -> str:
    """What is known to be lost; nothing where nothing is."""
    frame = marts.table("scheduled_churn").filter(pl.col("kind") != PAUSED)
    if frame.is_empty():
        return ""
    noun = "subscription is" if frame.height == 1 else "subscriptions are"
    lost = terms.words(total(frame, "mrr_lost_reporting"))
    return f"{frame.height:,} {noun} known to end, with {lost} of MRR."


def _chart(marts: Marts, terms: Terms) -> Chart:
    frame = marts.table("scheduled_churn")
    months = _months(frame)
    kinds = [kind for kind in ("voluntary", "contract_end", PAUSED) if _of(frame, kind).height]
    roles = {"voluntary": "churn", "contract_end": "fifth", PAUSED: "total"}
    labels = {"voluntary": "Cancelled", "contract_end": "Contract end", PAUSED: "Paused"}

    def amount(kind: str, month: date) -> Cell:
        own = _of(frame, kind).filter(pl.col("ends_on").dt.truncate("1mo") == month)
        return terms.money(total(own, "mrr_lost_reporting"))

    def count(month: date) -> Cell:
        return Count(frame.filter(pl.col("ends_on").dt.truncate("1mo") == month).height)

    series = [Series(labels[kind], roles[kind], [amount(kind, month) for month in months]) for kind in kinds]
    return Chart(
        "scheduled-churn",
        "MRR that is known to go, by month",
        figures.columns([month_text(month) for month in months], series),
        _chart_words(frame, terms),
        f"{terms.unit} of MRR",
        SHORT["scheduled_churn"],
        "scheduled_churn",
        Table(
            "scheduled-churn-by-month",
            f"MRR that is known to go by month, {terms.unit}",
            (Column("Month"), *(Column(one.name) for one in series), Column("Subscriptions")),
            tuple(
                Row((Month(month), *(one.values[place] for one in series), count(month)))
                for place, month in enumerate(months)
            ),
            notes=(f"At most {SHOWN_MONTHS} months from the first in which any goes",),
            empty=NOBODY,
        ),
        empty="" if months else NOBODY,
    )


def _of(frame: pl.DataFrame, kind: str) -> pl.DataFrame:
    """The rows of one of the chart's groups; what is no contract end and no pause was cancelled."""
    groups = ("contract_end", PAUSED)
    is_other = ~pl.col("kind").is_in(groups)
    return frame.filter(pl.col("kind") == kind if kind in groups else is_other)


def _months(frame: pl.DataFrame) -> list[date]:
    """From the first month in which any goes to the last, at most a year of them."""
    first, last = frame["ends_on"].min(), frame["ends_on"].max()
    if not isinstance(first, date) or not isinstance(last, date):
        return []
    return pl.date_range(month_of(first), month_of(last), "1mo", eager=True).to_list()[:SHOWN_MONTHS]


def _chart_words(frame: pl.DataFrame, terms: Terms) -> str:
    if frame.is_empty():
        return NOBODY
    first = frame.sort("ends_at", "subscription_id").to_dicts()[0]
    leaving = frame.filter("leaves")["customer_id"].n_unique()
    noun = "customer" if leaving == 1 else "customers"
    is_later = pl.col("ends_on").dt.truncate("1mo") > _months(frame)[-1]
    later = frame.filter(is_later)
    rest = f" {_worth(later, terms)} later than is shown." if later.height else ""
    return (
        f"{_worth(frame.filter(~is_later), terms)}, the first in "
        f"{month_text(month_of(first['ends_on']))}.{rest} {leaving:,} {noun} will have none left in all."
    )


def _worth(frame: pl.DataFrame, terms: Terms) -> str:
    noun = "subscription" if frame.height == 1 else "subscriptions"
    return f"{terms.words(total(frame, 'mrr_lost_reporting'))} in {frame.height:,} {noun}"


def _list(marts: Marts, terms: Terms) -> TableBlock:
    frame = marts.table("scheduled_churn").sort("ends_at", "subscription_id")
    names = customer_names(marts)
    columns = ("Customer", "Ends on", "Kind", "Feedback", "Comment", "Asked on", "MRR", "Currency", "Leaves")

    def row(one: dict[str, Any]) -> Row:
        return Row(
            (
                names.get(one["customer_id"], one["customer_id"]),
                one["ends_on"],
                churn_kind(one["kind"]),
                sentence_case(one["feedback"]) or "Not given",
                one["comment"],
                terms.day(one["asked_at"]),
                terms.money(one["mrr_lost"], one["currency"], worth=one["mrr_lost_reporting"]),
                one["currency"].upper(),
                "Yes" if one["leaves"] else "Keeps another",
            )
        )

    return TableBlock(
        "Subscriptions that are known to end or to be paused, soonest first",
        Table(
            "scheduled-churn",
            "Subscriptions that are known to end or to be paused, soonest first",
            tuple(map(Column, columns)),
            tuple(map(row, frame.head(LIST_ROWS).to_dicts())),
            empty=NOBODY,
            more=max(0, frame.height - LIST_ROWS),
            download=_list_download(frame, names, terms),
        ),
        "MRR in the billing currency",
        SHORT["scheduled_churn"],
        "scheduled_churn",
    )


def _list_download(frame: pl.DataFrame, names: dict[str, str], terms: Terms) -> Download:
    header = (
        "customer_id",
        "customer",
        "subscription_id",
        "ends_at",
        "ends_on",
        "kind",
        "reason",
        "feedback",
        "comment",
        "asked_at",
        "mrr_lost",
        "currency",
        "mrr_lost_reporting",
        "reporting_currency",
        "leaves",
    )

    def cells(row: dict[str, Any]) -> tuple[Cell, ...]:
        return (
            row["customer_id"],
            names.get(row["customer_id"]),
            row["subscription_id"],
            terms.moment(row["ends_at"]),
            row["ends_on"],
            row["kind"],
            row["reason"],
            row["feedback"],
            row["comment"],
            terms.moment(row["asked_at"]),
            terms.money(row["mrr_lost"], row["currency"]),
            row["currency"].upper(),
            terms.money(row["mrr_lost_reporting"]),
            terms.unit,
            "true" if row["leaves"] else "false",
        )

    return Download("scheduled-churn", header, Rows(frame, cells))


def _saves(marts: Marts, terms: Terms) -> TableBlock:
    rows = marts.table("cancellation_saves_by_month").sort("month", descending=True).to_dicts()
    this_month = month_of(terms.publication.as_of_day)

    def row(one: dict[str, Any]) -> Row:
        is_now = one["month"] == this_month
        return Row(
            (
                Month(one["month"], is_now),
                Count(one["requests"]),
                Count(one["saved"]),
                rate(one["saved"], one["requests"], NO_REQUEST),
                Count(one["scheduled"]),
                terms.money(one["requested_mrr_reporting"]),
                terms.money(one["saved_mrr_reporting"]),
                rate(one["saved_mrr_reporting"], one["requested_mrr_reporting"], "nothing of worth was asked to end"),
            ),
            "partial" if is_now else "",
        )

    columns = (
        Column("Month"),
        Column("Cancellations scheduled"),
        Column("Taken back"),
        Column("Save rate"),
        Column("Still scheduled"),
        Column("MRR asked to end", unit=terms.unit),
        Column("MRR saved", unit=terms.unit),
        Column("Save rate by MRR"),
    )
    return TableBlock(
        "Cancellations taken back",
        Table(
            "cancellation-saves", "Cancellations taken back, by month", columns, tuple(map(row, rows)), empty=NO_REQUEST
        ),
        f"Subscriptions, and {terms.unit} of MRR at the rate of the request's day",
        SHORT["save_rate"],
        "save_rate",
        _save_words(rows),
    )


def _save_words(rows: Sequence[dict[str, Any]]) -> str:
    requests, saved = (sum(one[name] for one in rows) for name in ("requests", "saved"))
    if not requests:
        return ""
    return f"{saved:,} of {requests:,} were taken back so far ({shown_rate(Rate(saved, requests))})."
