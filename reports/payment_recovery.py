"""Payment recovery: who is in dunning now, what became of failed payments, how they were won back, what is owed."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl

from dashboards import figures
from dashboards.figures import Series
from dashboards.page import Chart, Column, Download, Page, Row, Section, Table, TableBlock, Tile, Tiles
from dashboards.values import Cell, Count, Missing, Month, Rate, Ratio, month_text
from reports.glossary import SHORT
from reports.marts import Marts, total
from reports.months import earlier, every_month, month_of
from reports.names import customer_names, sentence_case
from reports.rows import Rows
from reports.terms import Terms, counted, rate, shown_rate

SHOWN_MONTHS = 24
WINDOW = 12
SHOWN_VALUES = 12
LIST_ROWS = 100
NO_FAILURE = "No payment has failed so far."
NOTHING_FAILED = "no payment failed in the month"
NOTHING_OWED = "No invoice is open."
NEVER_SENT = "No invoice was sent so far."

STAGES = (
    "recovered",
    "retrying",
    "open",
    "canceled_by_customer",
    "canceled",
    "unpaid",
    "uncollectible",
    "void",
)
"""Where a failed invoice can stand, in the order of the funnel."""

DIMENSIONS = (
    ("decline_code", "By decline code", "Decline code"),
    ("decline_class", "By class of decline", "Class"),
    ("card_brand", "By card brand", "Brand"),
    ("attempt", "By attempt", "Attempt"),
)
"""Dimensions of which the rate is shown: name, title, what a value is called."""

SHARES = (
    ("recovery_channel", "Through what it was recovered", "Channel"),
    ("days_to_recover", "How soon it was recovered", "Days after the first failure"),
)
"""Dimensions of which it is shown what share of the recovered amount each value has."""

AGES = ("0-1", "2-3", "4-7", "8-14", "15-28", "29-60", "61+")
BUCKETS = ("current", "1-30", "31-60", "61-90", "91+")
METHODS = {"charge_automatically": "Charged automatically", "send_invoice": "Sent"}
WORDS: Mapping[str, str] = {
    "canceled_by_customer": "Cancelled by the customer",
    "canceled": "Cancelled for want of payment",
    "unpaid": "Left unpaid",
    "void": "Voided",
    "retrying": "Retrying",
    "open": "Open, no retry planned",
    "without_payment": "Without a payment (credit)",
    "out_of_band": "Out of band",
    "paid_by_hand": "Paid by the customer or by hand",
    "current": "Not due yet",
}
"""Values whose code alone would not read well."""


def page(marts: Marts, terms: Terms) -> Page:
    """Payment recovery."""
    window = _window(marts, terms)
    return Page(
        "payment-recovery",
        "Payment recovery",
        findings(marts, window, terms),
        (
            Section("In dunning now", (_tiles(marts, terms), _dunning(marts, terms))),
            Section("What became of failed payments", (_funnel(marts, window, terms), _rates(marts, terms))),
            Section("What comes back", tuple(_by(marts, one, window, terms) for one in DIMENSIONS)),
            Section("How it comes back", tuple(_shares(marts, one, window, terms) for one in SHARES)),
            Section("What is owed", (_ages(marts, terms), _outstanding(marts, terms))),
        ),
    )


def findings(marts: Marts, window: tuple[date, date] | None, terms: Terms) -> tuple[str, ...]:
    """What the numbers say, in sentences."""
    dunning = marts.table("dunning_now")
    said = []
    if dunning.height:
        noun = "subscription is" if dunning.height == 1 else "subscriptions are"
        said.append(
            f"{dunning.height:,} {noun} in dunning, with {terms.words(total(dunning, 'mrr_reporting'))} of MRR and "
            f"{terms.words(_sum(dunning, 'amount_due_reporting'))} owed."
        )
    else:
        said.append("No subscription is in dunning.")
    failed = _of(marts, "stage", window)
    amount = _sum(failed, "failed_amount_reporting")
    if window and amount:
        share = Rate(_sum(failed, "recovered_amount_reporting"), amount)
        said.append(
            f"Of {terms.words(amount)} that failed first from {month_text(window[0])} to {month_text(window[1])}, "
            f"{shown_rate(share)} was recovered."
        )
    return tuple(said)


def _window(marts: Marts, terms: Terms) -> tuple[date, date] | None:
    """The last twelve full months in which a payment failed, first and last."""
    this_month = month_of(terms.publication.as_of_day)
    months = marts.table("recovery_by_dimension")["month"].unique().to_list()
    full = [month for month in months if month < this_month]
    return (max(min(full), earlier(this_month, WINDOW)), max(full)) if full else None


def _of(marts: Marts, dimension: str, window: tuple[date, date] | None) -> pl.DataFrame:
    """A dimension's rows of the window, the months added up: by value."""
    frame = marts.table("recovery_by_dimension").filter(pl.col("dimension") == dimension)
    within = frame.filter(pl.col("month").is_between(*window)) if window else frame.clear()
    counted = [name for name in frame.columns if name.endswith(("_invoices", "_amount_reporting"))]
    return within.group_by("value").agg(pl.col(counted).sum())


def _sum(frame: pl.DataFrame, column: str) -> int:
    return int(frame[column].sum() or 0)


def _named(value: str) -> str:
    return WORDS.get(value) or sentence_case(value)


def _when(window: tuple[date, date] | None) -> str:
    return f"{month_text(window[0])} to {month_text(window[1])}" if window else "no month yet"


def _tiles(marts: Marts, terms: Terms) -> Tiles:
    frame = marts.table("dunning_now")
    retried = frame.filter(pl.col("next_attempt_at").is_not_null()).height
    as_of = f"As of {terms.as_of_day_words}"
    told: tuple[tuple[str, Cell, str, str], ...] = (
        ("MRR in dunning", terms.money(total(frame, "mrr_reporting")), terms.unit, ""),
        ("Owed by failed invoices", terms.money(_sum(frame, "amount_due_reporting")), terms.unit, ""),
        ("Subscriptions in dunning", Count(frame.height), "", f"{retried:,} to be retried" if frame.height else ""),
    )
    return Tiles(
        tuple(Tile(label, value, unit, as_of, SHORT["dunning"], "dunning", now=now) for label, value, unit, now in told)
    )


def _dunning(marts: Marts, terms: Terms) -> TableBlock:
    frame = marts.table("dunning_now").sort("mrr_reporting", "subscription_id", descending=[True, False])
    names = customer_names(marts)
    columns = (
        Column("Customer"),
        Column("MRR", unit=terms.unit),
        Column("Owed", unit=terms.unit),
        Column("Failed first"),
        Column("Days"),
        Column("Failed attempts"),
        Column("Decline code"),
        Column("Class"),
        Column("Next attempt"),
    )

    def row(one: dict[str, Any]) -> Row:
        return Row(
            (
                names.get(one["customer_id"], one["customer_id"]),
                terms.money(one["mrr_reporting"]),
                terms.money(one["amount_due_reporting"]),
                terms.day(one["first_failed_at"]),
                Count(one["days_in_dunning"]),
                Count(one["failed_attempts"]),
                sentence_case(one["decline_code"]),
                sentence_case(one["decline_class"]),
                terms.day(one["next_attempt_at"]) or "None planned",
            )
        )

    return TableBlock(
        "Subscriptions in dunning, the largest first",
        Table(
            "dunning-now",
            "Subscriptions in dunning, the largest first",
            columns,
            tuple(map(row, frame.head(LIST_ROWS).to_dicts())),
            empty="No subscription is in dunning.",
            more=max(0, frame.height - LIST_ROWS),
            download=_dunning_download(frame, names, terms),
        ),
        f"{terms.unit}; what is owed at the first failure's rate",
        SHORT["dunning"],
        "dunning",
    )


def _dunning_download(frame: pl.DataFrame, names: dict[str, str], terms: Terms) -> Download:
    header = (
        "customer_id",
        "customer",
        "subscription_id",
        "status",
        "mrr",
        "currency",
        "mrr_reporting",
        "amount_due_reporting",
        "reporting_currency",
        "failed_invoices",
        "first_failed_at",
        "days_in_dunning",
        "failed_attempts",
        "decline_code",
        "decline_class",
        "next_attempt_at",
    )

    def cells(row: dict[str, Any]) -> tuple[Cell, ...]:
        code = row["currency"]
        return (
            row["customer_id"],
            names.get(row["customer_id"]),
            row["subscription_id"],
            row["status"],
            terms.money(row["mrr"], code),
            code.upper() if code else None,
            terms.money(row["mrr_reporting"]),
            terms.money(row["amount_due_reporting"]),
            terms.unit,
            Count(row["failed_invoices"]),
            terms.moment(row["first_failed_at"]),
            Count(row["days_in_dunning"]),
            Count(row["failed_attempts"]),
            row["decline_code"],
            row["decline_class"],
            terms.moment(row["next_attempt_at"]),
        )

    return Download("dunning-now", header, Rows(frame, cells))


def _funnel(marts: Marts, window: tuple[date, date] | None, terms: Terms) -> Chart:
    by_stage = {row["value"]: row for row in _of(marts, "stage", window).to_dicts()}
    found = [(stage, by_stage[stage]) for stage in STAGES if stage in by_stage]
    amount = sum(row["failed_amount_reporting"] for _, row in found)
    invoices = sum(row["failed_invoices"] for _, row in found)
    rows = [
        Row(
            (
                _named(stage),
                Count(row["failed_invoices"]),
                rate(row["failed_invoices"], invoices, NOTHING_FAILED),
                terms.money(row["failed_amount_reporting"]),
                rate(row["failed_amount_reporting"], amount, NOTHING_FAILED),
            )
        )
        for stage, row in found
    ]
    whole = Row(("Failed", Count(invoices), None, terms.money(amount), None), "total")
    words = f"{counted(invoices, 'invoice')} over {terms.words(amount)} failed first from {_when(window)}."
    return Chart(
        "dunning-funnel",
        "Dunning funnel",
        figures.bars(
            ["Failed", *(_named(stage) for stage, _ in found)],
            Series("Amount", "main", [terms.money(one) for one in (amount, *_amounts(found))]),
        ),
        words if found else NO_FAILURE,
        f"{terms.unit} at the first failure's rate",
        SHORT["dunning_funnel"],
        "dunning_funnel",
        Table(
            "dunning-funnel",
            f"What became of invoices that failed first from {_when(window)}",
            (
                Column("Stage"),
                Column("Invoices"),
                Column("Share"),
                Column("Amount", unit=terms.unit),
                Column("Share of the amount"),
            ),
            (whole, *rows) if found else (),
            empty=NO_FAILURE,
            sortable=False,
        ),
        empty="" if found else NO_FAILURE,
    )


def _amounts(found: Sequence[tuple[str, dict[str, Any]]]) -> list[int]:
    return [row["failed_amount_reporting"] for _, row in found]


def _rates(marts: Marts, terms: Terms) -> Chart:
    frame = marts.table("recovery_by_dimension").filter(pl.col("dimension") == "stage")
    counted = [name for name in frame.columns if name.endswith("_amount_reporting")]
    flags = ("is_mature_28d", "is_mature_60d")
    months = frame.group_by("month").agg(pl.col(counted).sum(), pl.col(flags).all())
    shown = every_month(months).tail(SHOWN_MONTHS + 1).to_dicts()
    this_month = month_of(terms.publication.as_of_day)

    def cell(row: dict[str, Any], part: str, flag: str = "") -> Cell:
        if flag and not row[flag]:
            return Missing("not every failure of the month has had so many days")
        return rate(row[part], row["failed_amount_reporting"], NOTHING_FAILED)

    series = [
        Series("Within 28 days", "main", [cell(row, "recovered_28d_amount_reporting", flags[0]) for row in shown]),
        Series("Within 60 days", "fourth", [cell(row, "recovered_60d_amount_reporting", flags[1]) for row in shown]),
    ]
    rows = tuple(
        Row(
            (
                Month(row["month"], row["month"] == this_month),
                terms.money(row["failed_amount_reporting"]),
                *(one.values[place] for one in series),
                cell(row, "recovered_amount_reporting"),
            ),
            "partial" if row["month"] == this_month else "",
        )
        for place, row in enumerate(shown)
    )
    return Chart(
        "recovery-windows",
        "Recovered within 28 and 60 days",
        figures.lines([month_text(row["month"]) for row in shown], series, form="percent", from_zero=True),
        _rate_words(shown, series),
        "Percent of the amount that failed first in the month",
        SHORT["recovery_window"],
        "recovery_window",
        Table(
            "recovery-windows",
            "Recovery by the month of first failure and window",
            (
                Column("First failed in"),
                Column("Amount failed", unit=terms.unit),
                *(Column(one.name) for one in series),
                Column("So far"),
            ),
            rows,
            empty=NO_FAILURE,
            download=_split_download(marts, terms),
        ),
        empty="" if any(isinstance(cell, Rate) for one in series for cell in one.values) else NO_FAILURE,
    )


def _rate_words(shown: Sequence[dict[str, Any]], series: Sequence[Series]) -> str:
    for place in reversed(range(len(shown))):
        said = series[0].values[place]
        if isinstance(said, Rate):
            month = month_text(shown[place]["month"])
            return f"Of what failed first in {month}, {shown_rate(said)} was recovered within 28 days."
    return "No month of failures is 28 days past."


def _split_download(marts: Marts, terms: Terms) -> Download:
    counted = ("failed", "recovered", "recovered_28d", "recovered_60d")
    header = (
        "month",
        "dimension",
        "value",
        *(f"{name}_{what}" for name in counted for what in ("invoices", "amount")),
        "currency",
        "is_mature_28d",
        "is_mature_60d",
    )

    def cells(row: dict[str, Any]) -> tuple[Cell, ...]:
        pairs = [(Count(row[f"{name}_invoices"]), terms.money(row[f"{name}_amount_reporting"])) for name in counted]
        flags = ["true" if row[f"is_mature_{days}d"] else "false" for days in (28, 60)]
        return (
            Month(row["month"]),
            row["dimension"],
            row["value"],
            *(cell for pair in pairs for cell in pair),
            terms.unit,
            *flags,
        )

    frame = marts.table("recovery_by_dimension").sort("month", "dimension", "value")
    return Download("recovery-windows", header, Rows(frame, cells))


def _by(marts: Marts, about: tuple[str, str, str], window: tuple[date, date] | None, terms: Terms) -> Chart:
    dimension, title, noun = about
    order = ["value"] if dimension == "attempt" else ["failed_amount_reporting", "value"]
    frame = _of(marts, dimension, window).sort(order, descending=[name != "value" for name in order])
    shown = frame.head(SHOWN_VALUES).to_dicts()
    rates = [rate(row["recovered_amount_reporting"], row["failed_amount_reporting"], NOTHING_FAILED) for row in shown]
    labels = [f"Attempt {row['value']}" if dimension == "attempt" else _named(row["value"]) for row in shown]
    name = f"recovery-by-{dimension.replace('_', '-')}"
    return Chart(
        name,
        title,
        figures.bars(labels, Series("Recovered", "main", rates), form="percent"),
        _by_words(labels, rates, window),
        "Percent of the failed amount",
        SHORT[f"recovery_by_{'attempt' if dimension == 'attempt' else 'decline'}"],
        "recovery_by_attempt" if dimension == "attempt" else "recovery_by_decline",
        Table(
            name,
            f"Recovery {title.lower()}, {_when(window)}",
            (
                Column(noun),
                Column("Invoices failed"),
                Column("Invoices recovered"),
                Column("Amount failed", unit=terms.unit),
                Column("Amount recovered", unit=terms.unit),
                Column("Recovery rate"),
            ),
            tuple(
                Row(
                    (
                        label,
                        Count(row["failed_invoices"]),
                        Count(row["recovered_invoices"]),
                        terms.money(row["failed_amount_reporting"]),
                        terms.money(row["recovered_amount_reporting"]),
                        share,
                    )
                )
                for label, row, share in zip(labels, shown, rates, strict=True)
            ),
            empty=NO_FAILURE,
        ),
        "half",
        empty="" if shown else NO_FAILURE,
    )


def _by_words(labels: Sequence[str], rates: Sequence[Cell], window: tuple[date, date] | None) -> str:
    known = [(label, one) for label, one in zip(labels, rates, strict=True) if isinstance(one, Rate)]
    if not known:
        return NO_FAILURE
    label, share = known[0]
    return f"{label}: {shown_rate(share)} recovered, {_when(window)}."


def _shares(marts: Marts, about: tuple[str, str, str], window: tuple[date, date] | None, terms: Terms) -> Chart:
    dimension, title, noun = about
    frame = _of(marts, dimension, window).filter(pl.col("recovered_invoices") > 0)
    rows = frame.sort("recovered_amount_reporting", "value", descending=[True, False]).to_dicts()
    if dimension == "days_to_recover" and rows:
        by_age = {row["value"]: row for row in rows}
        nothing = dict.fromkeys(frame.columns, 0)
        rows = [by_age.get(age, nothing | {"value": age}) for age in AGES]
    recovered = sum(row["recovered_amount_reporting"] for row in rows)
    shares = [rate(row["recovered_amount_reporting"], recovered, NOTHING_FAILED) for row in rows]
    labels = [f"{row['value']} days" if dimension == "days_to_recover" else _named(row["value"]) for row in rows]
    name = f"recovery-by-{dimension.replace('_', '-')}"
    largest = max(zip(labels, shares, strict=True), key=_value_of, default=None)
    finding = "Nothing was recovered so far."
    if largest is not None and isinstance(largest[1], Rate):
        finding = f"{largest[0]}: {shown_rate(largest[1])} of what was recovered, {_when(window)}."
    return Chart(
        name,
        title,
        figures.bars(labels, Series("Share", "main", shares), form="percent"),
        finding,
        "Percent of the recovered amount",
        SHORT["recovery_channel"],
        "recovery_channel",
        Table(
            name,
            f"{title}, {_when(window)}",
            (Column(noun), Column("Invoices"), Column("Amount", unit=terms.unit), Column("Share of the amount")),
            tuple(
                Row((label, Count(row["recovered_invoices"]), terms.money(row["recovered_amount_reporting"]), share))
                for label, row, share in zip(labels, rows, shares, strict=True)
            ),
            empty="Nothing was recovered so far.",
        ),
        "half",
        empty="" if rows else "Nothing was recovered so far.",
    )


def _value_of(labelled: tuple[str, Cell]) -> float:
    share = labelled[1]
    return float(share.value) if isinstance(share, Rate) else -1.0


def _ages(marts: Marts, terms: Terms) -> Chart:
    frame = marts.table("open_invoices_by_age")
    methods = [method for method in METHODS if frame.filter(pl.col("collection_method") == method).height]

    def of(method: str, bucket: str) -> pl.DataFrame:
        return frame.filter(pl.col("collection_method") == method, pl.col("bucket") == bucket)

    roles = {"charge_automatically": "main", "send_invoice": "fourth"}
    series = [
        Series(
            METHODS[method],
            roles[method],
            [terms.money(_sum(of(method, bucket), "amount_reporting")) for bucket in BUCKETS],
        )
        for method in methods
    ]
    owed = _sum(frame, "amount_reporting")
    overdue = _sum(frame.filter(pl.col("bucket") != "current"), "amount_reporting")
    rows = tuple(
        Row(
            (
                _named(bucket) if bucket == "current" else f"{bucket} days",
                *(one.values[place] for one in series),
                Count(_sum(frame.filter(pl.col("bucket") == bucket), "invoices")),
            )
        )
        for place, bucket in enumerate(BUCKETS)
    )
    return Chart(
        "open-invoices",
        "Open invoices by days overdue",
        figures.columns(["Not due" if one == "current" else one for one in BUCKETS], series),
        f"{terms.words(owed)} is open, {terms.words(overdue)} of it overdue." if methods else NOTHING_OWED,
        f"{terms.unit} at the as-of day's rate",
        SHORT["open_invoices"],
        "open_invoices",
        Table(
            "open-invoices",
            f"Open invoices by days overdue, {terms.unit}",
            (Column("Overdue"), *(Column(one.name) for one in series), Column("Invoices")),
            rows if methods else (),
            empty=NOTHING_OWED,
            sortable=False,
            download=_ages_download(frame, terms),
        ),
        "half",
        empty="" if methods else NOTHING_OWED,
    )


def _ages_download(frame: pl.DataFrame, terms: Terms) -> Download:
    header = (
        "collection_method",
        "bucket",
        "invoices",
        "amount",
        "currency",
        "amount_reporting",
        "reporting_currency",
        "oldest_due_on",
    )

    def cells(row: dict[str, Any]) -> tuple[Cell, ...]:
        worth = row["amount_reporting"]
        return (
            row["collection_method"],
            row["bucket"],
            Count(row["invoices"]),
            terms.money(row["amount"], row["currency"]),
            row["currency"].upper(),
            None if worth is None else terms.money(worth),
            terms.unit,
            row["oldest_due_on"],
        )

    return Download("open-invoices", header, Rows(frame.sort("collection_method", "currency", "bucket"), cells))


def _outstanding(marts: Marts, terms: Terms) -> Chart:
    rows = marts.table("days_sales_outstanding_by_month").sort("month").tail(SHOWN_MONTHS + 1).to_dicts()
    this_month = month_of(terms.publication.as_of_day)
    start = next((place for place, row in enumerate(rows) if row["month"] == this_month), None)

    outstanding = [_days(row["open_reporting"], row["billed_3m_reporting"], row["days_3m"]) for row in rows]
    to_pay = [_days(row["days_to_pay"], row["paid_invoices"]) for row in rows]
    series = [
        Series("Days sales outstanding", "main", outstanding, start),
        Series("Mean days to pay", "fourth", to_pay, start),
    ]
    lines = tuple(
        Row(
            (
                Month(row["month"], place == start),
                outstanding[place],
                to_pay[place],
                terms.money(row["open_reporting"]),
                terms.money(row["billed_reporting"]),
                Count(row["invoices"]),
                Count(row["paid_late_invoices"]),
            ),
            "partial" if place == start else "",
        )
        for place, row in enumerate(rows)
    )
    return Chart(
        "days-sales-outstanding",
        "Days sales outstanding of sent invoices",
        figures.lines([month_text(row["month"]) for row in rows], series, from_zero=True),
        _outstanding_words(rows, outstanding, start),
        "Days",
        SHORT["days_sales_outstanding"],
        "days_sales_outstanding",
        Table(
            "days-sales-outstanding",
            "Days sales outstanding of sent invoices, by month",
            (
                Column("Month"),
                Column("Days sales outstanding"),
                Column("Mean days to pay"),
                Column("Open at month end", unit=terms.unit),
                Column("Billed", unit=terms.unit),
                Column("Invoices sent"),
                Column("Paid late"),
            ),
            lines,
            empty=NEVER_SENT,
        ),
        "half",
        empty="" if rows else NEVER_SENT,
    )


def _days(part: int, base: int, times: int = 1) -> Cell:
    return Ratio(Decimal(part * times) / base) if base else Missing("no invoice was sent or paid")


def _outstanding_words(rows: Sequence[dict[str, Any]], cells: Sequence[Cell], start: int | None) -> str:
    place = len(rows) - 1 if start is None else start - 1
    if place < 0 or not isinstance(cells[place], Ratio):
        return NEVER_SENT if not rows else "No month with sent invoices is over yet."
    value = cells[place]
    days = f"{value.value:.1f}" if isinstance(value, Ratio) else ""
    return f"{days} days at the end of {month_text(rows[place]['month'])}."
