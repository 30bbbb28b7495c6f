"""Churn: how much leaves, by whose choice, for what reasons, and who."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl

from dashboards import figures
from dashboards.figures import Reference, Series
from dashboards.page import Chart, Column, Download, Page, Row, Section, Table, TableBlock
from dashboards.values import Cell, Count, Counted, Month, Rate, month_text
from reports import leaving, preventable
from reports.glossary import SHORT
from reports.marts import Marts, total
from reports.metrics import Metrics, metrics
from reports.months import month_of
from reports.names import APART, INVOLUNTARY, NOT_GIVEN, churn_kind, customer_names, sentence_case
from reports.rates import RateLine, pooled, rate_chart, rate_words
from reports.rows import Rows
from reports.terms import Terms, counted, shown_rate

SHOWN_MONTHS = 24
WINDOW = 12
LIST_ROWS = 200
GROUPS: tuple[tuple[str, frozenset[str], str], ...] = (
    ("Voluntary", frozenset({"voluntary", "voluntary_in_dunning"}), "churn"),
    ("Involuntary", INVOLUNTARY, "contraction"),
    ("Unexplained", frozenset({"voluntary_unknown"}), "fx"),
    ("Contract end", frozenset({"contract_end"}), "fifth"),
    ("Paused or administrative", APART, "total"),
)
"""Kinds of churn as the charts group them: label, kinds, role."""
UNSAID = {
    "involuntary_payment": "Payment failed",
    "involuntary_dispute": "Payment disputed",
    "contract_end": "Contract ended",
}
"""Why a customer left that gave no reason because nobody asked it."""
NONE_YET = "No customer has left yet."


def page(marts: Marts, terms: Terms) -> Page:
    """Churn."""
    published = metrics(marts, terms)
    reasons = marts.table("churn_reasons_by_month")
    mrr_lines = (
        RateLine("gross_mrr_churn_rate", "Gross MRR churn", "churn"),
        RateLine("net_mrr_churn_rate", "Net MRR churn", "main"),
    )
    rates = (
        rate_chart(
            "churn-mrr-rates",
            "MRR churn rates",
            mrr_lines,
            published,
            definition=f"Gross: {SHORT['gross_mrr_churn_rate']} Net: {SHORT['net_mrr_churn_rate']}",
            references=(Reference("", 0.0),),
        ),
        rate_chart(
            "churn-customer-rate",
            "Customer churn rate",
            (RateLine("customer_churn_rate", "Customer churn", "churn"),),
            published,
            definition=SHORT["customer_churn_rate"],
        ),
    )
    window = _window(published, terms)
    return Page(
        "churn",
        "Churn",
        (
            *findings(reasons, published, window, terms),
            *filter(None, [preventable.words(marts, window, terms), leaving.words(marts, terms)]),
        ),
        (
            Section("Rates", rates),
            Section("By whose choice", (_kind_chart(reasons, published, terms),)),
            Section("Reasons", _reason_charts(reasons, window, terms)),
            preventable.section(marts, window, terms),
            leaving.section(marts, terms),
            Section("Customers who left", (_list(marts, terms),)),
        ),
    )


def findings(
    reasons: pl.DataFrame, published: Metrics, window: tuple[date, date] | None, terms: Terms
) -> tuple[str, ...]:
    """What the numbers say, in sentences."""
    if not published.full_months:
        return ("No month is over yet.",)
    said = [rate_words(RateLine("gross_mrr_churn_rate", "Gross MRR churn", ""), published)]
    said.append(rate_words(RateLine("customer_churn_rate", "Customer churn", ""), published))
    months = published.full_months[-WINDOW:]
    average = pooled(published.series("customer_churn_rate", months))
    if average is not None and len(months) > 1:
        said.append(f"Over the last {len(months)} full months, {shown_rate(average)} of customers left a month.")
    counted = _counting(reasons, window)
    lost = total(counted, "mrr_lost_reporting")
    if lost:
        against_will = total(counted.filter(pl.col("kind").is_in(INVOLUNTARY)), "mrr_lost_reporting")
        said.append(
            f"{terms.words(lost)} of MRR churned in them, {shown_rate(Rate(against_will, lost))} of it involuntarily."
        )
        said.append(_top_reason_words(counted))
    return tuple(said)


def _top_reason_words(counted: pl.DataFrame) -> str:
    totals = _by_reason(counted)
    given = [(reason, count, lost) for reason, count, lost in totals if reason != "Not given"]
    unsaid = sum(count for reason, count, _ in totals if reason == "Not given")
    base = sum(count for _, count, _ in totals)
    if not given:
        return "None of those who left gave a reason."
    reason, count, _ = max(given, key=lambda one: (one[1], one[2]))
    silent = f"; {shown_rate(Rate(unsaid, base))} gave none" if unsaid else ""
    return f"The most frequent reason was “{reason.lower()}” ({count:,} of {base:,} customers){silent}."


def _window(published: Metrics, terms: Terms) -> tuple[date, date] | None:
    """The last twelve full months, first and last; before any is over, the month that runs."""
    months = published.full_months[-WINDOW:]
    if months:
        return months[0], months[-1]
    return (month_of(terms.publication.as_of_day),) * 2 if published.months else None


def _counting(reasons: pl.DataFrame, window: tuple[date, date] | None) -> pl.DataFrame:
    """Churn of the window that counts in churn rates: pauses and administrative ends apart."""
    if window is None:
        return reasons.clear()
    return reasons.filter(pl.col("month").is_between(*window), ~pl.col("kind").is_in(APART))


def _kind_chart(reasons: pl.DataFrame, published: Metrics, terms: Terms) -> Chart:
    months = list(published.months)[-SHOWN_MONTHS - 1 :]
    start = next((index for index, month in enumerate(months) if month in published.partial), None)
    totals = {
        (row["month"], row["kind"]): (row["customers"], row["mrr_lost_reporting"])
        for row in reasons.group_by("month", "kind").agg(pl.col("customers", "mrr_lost_reporting").sum()).to_dicts()
    }

    def cell(kinds: frozenset[str], month: date) -> Counted:
        found = [totals[month, kind] for kind in kinds if (month, kind) in totals]
        return Counted(terms.money(sum((lost for _, lost in found), Decimal(0))), sum(count for count, _ in found))

    present = [group for group in GROUPS if any(cell(group[1], month).count for month in months)]
    return Chart(
        "churn-kinds",
        "MRR lost by kind of churn",
        figures.columns(
            [month_text(month) for month in months],
            [Series(label, role, [cell(kinds, month) for month in months], start) for label, kinds, role in present],
        ),
        _kind_words(reasons, published, terms),
        f"{terms.unit} of MRR lost in the month",
        SHORT["churn_kind"],
        "churn_kind",
        Table(
            "churn-kinds",
            f"MRR lost by kind, {terms.unit}; beneath each amount the customers",
            (Column("Month"), *(Column(label) for label, *_ in present)),
            tuple(
                Row(
                    (Month(month, month in published.partial), *(cell(kinds, month) for _, kinds, _ in present)),
                    "partial" if month in published.partial else "",
                )
                for month in months
            )
            if present
            else (),
            empty=NONE_YET,
            download=_kind_download(reasons, terms),
        ),
        empty="" if present else NONE_YET,
    )


def _kind_download(reasons: pl.DataFrame, terms: Terms) -> Download:
    header = ("month", "kind", "reason", "feedback", "customers", "mrr_lost", "currency")
    return Download(
        "churn-kinds",
        header,
        [
            (
                Month(row["month"]),
                row["kind"],
                row["reason"],
                row["feedback"],
                Count(row["customers"]),
                terms.money(row["mrr_lost_reporting"]),
                terms.unit,
            )
            for row in reasons.sort("month", "kind", "reason", "feedback").to_dicts()
        ],
    )


def _kind_words(reasons: pl.DataFrame, published: Metrics, terms: Terms) -> str:
    if not published.full_months:
        return "No month is over yet."
    last = published.full_months[-1]
    own = reasons.filter(pl.col("month") == last)
    if own.is_empty():
        return f"Nobody left in {month_text(last)}."
    parts = []
    for label, kinds, _ in GROUPS:
        found = own.filter(pl.col("kind").is_in(kinds))
        if not found.is_empty():
            parts.append(f"{label.lower()} {terms.words(total(found, 'mrr_lost_reporting'))}")
    return f"{month_text(last)}: {', '.join(parts)}."


def _reason_charts(reasons: pl.DataFrame, window: tuple[date, date] | None, terms: Terms) -> tuple[Chart, ...]:
    totals = _by_reason(_counting(reasons, window))
    when = f"{month_text(window[0])} to {month_text(window[1])}" if window else "no month yet"
    by_count = sorted(totals, key=lambda one: (-one[1], one[0]))
    by_mrr = sorted(totals, key=lambda one: (-one[2], one[0]))
    customers = sum(count for _, count, _ in totals)
    lost = sum((amount for *_, amount in totals), Decimal(0))
    return (
        _reason_chart(
            "churn-reasons-customers",
            "Reasons by customers",
            [(reason, Count(count), Rate(count, customers)) for reason, count, _ in by_count],
            Column("Customers"),
            f"{counted(customers, 'customer')} left, {when}." if totals else NONE_YET,
            "Customers",
        ),
        _reason_chart(
            "churn-reasons-mrr",
            "Reasons by MRR lost",
            [(reason, terms.money(amount), Rate(amount, lost)) for reason, _, amount in by_mrr],
            Column("MRR lost", unit=terms.unit),
            f"{terms.words(lost)} of MRR left, {when}." if totals else NONE_YET,
            f"{terms.unit} of MRR lost",
        ),
    )


def _reason_chart(
    name: str, title: str, rows: Sequence[tuple[str, Cell, Rate]], column: Column, finding: str, unit: str
) -> Chart:
    return Chart(
        name,
        title,
        figures.bars([reason for reason, *_ in rows], Series(column.label, "churn", [cell for _, cell, _ in rows])),
        finding,
        unit,
        "What the customer said when cancelling; where payment or a dispute ended it, that. Pauses apart.",
        "churn_kind",
        Table(
            name,
            title,
            (Column("Reason"), column, Column("Share")),
            tuple(Row(row) for row in rows),
            empty=NONE_YET,
        ),
        "half",
        empty="" if rows else NONE_YET,
    )


def _by_reason(counted: pl.DataFrame) -> list[tuple[str, int, Decimal]]:
    totals: dict[str, tuple[int, Decimal]] = {}
    for row in counted.to_dicts():
        reason = _reason(row)
        count, lost = totals.get(reason, (0, Decimal(0)))
        totals[reason] = (count + row["customers"], lost + row["mrr_lost_reporting"])
    return [(reason, count, lost) for reason, (count, lost) in sorted(totals.items())]


def _reason(row: dict[str, Any]) -> str:
    if row["feedback"] and row["feedback"] != NOT_GIVEN:
        return sentence_case(row["feedback"])
    return UNSAID.get(row["kind"], "Not given")


def _list(marts: Marts, terms: Terms) -> TableBlock:
    frame = marts.table("churned_customers").sort("churned_at", "customer_id", descending=[True, False])
    names = customer_names(marts)
    columns = (
        "Customer",
        "Left on",
        "Kind",
        "Feedback",
        "Comment",
        "MRR lost",
        "Currency",
        "Days a customer",
        "Back on",
        "Preventable",
    )
    rows = tuple(
        Row(
            (
                names.get(row["customer_id"], row["customer_id"]),
                row["churned_on"],
                churn_kind(row["kind"]),
                sentence_case(row["feedback"]) or "Not given",
                row["comment"],
                terms.money(row["mrr_lost"], row["currency"], worth=row["mrr_lost_reporting"]),
                row["currency"].upper(),
                Count(row["tenure_days"]),
                row["returned_on"],
                preventable.because(row["preventable_because"]),
            )
        )
        for row in frame.head(LIST_ROWS).to_dicts()
    )
    back = frame.filter(pl.col("returned_on").is_not_null()).height
    return TableBlock(
        "Churned customers, newest first",
        Table(
            "churned-customers",
            "Churned customers, newest first",
            tuple(map(Column, columns)),
            rows,
            empty=NONE_YET,
            more=max(0, frame.height - LIST_ROWS),
            download=_list_download(frame, names, terms),
        ),
        "MRR in the billing currency",
        SHORT["churn_kind"],
        "churn_kind",
        f"{counted(frame.height, 'churn')} so far; {back:,} came back." if frame.height else "",
    )


def _list_download(frame: pl.DataFrame, names: dict[str, str], terms: Terms) -> Download:
    header = (
        "customer_id",
        "customer",
        "subscription_id",
        "churned_at",
        "churned_on",
        "kind",
        "reason",
        "feedback",
        "comment",
        "mrr_lost",
        "currency",
        "mrr_lost_reporting",
        "reporting_currency",
        "tenure_days",
        "returned_on",
        "preventable",
        "preventable_because",
    )

    def cells(row: dict[str, Any]) -> tuple[Cell, ...]:
        return (
            row["customer_id"],
            names.get(row["customer_id"]),
            row["subscription_id"],
            terms.moment(row["churned_at"]),
            row["churned_on"],
            row["kind"],
            row["reason"],
            row["feedback"],
            row["comment"],
            terms.money(row["mrr_lost"], row["currency"]),
            row["currency"].upper(),
            terms.money(row["mrr_lost_reporting"]),
            terms.unit,
            Count(row["tenure_days"]),
            row["returned_on"],
            "true" if row["preventable"] else "false",
            row["preventable_because"],
        )

    return Download("churned-customers", header, Rows(frame, cells))
