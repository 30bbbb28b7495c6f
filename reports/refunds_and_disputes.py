"""Refunds and disputes: how much of what was charged goes back, and how near the card networks' limits are."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl

from dashboards import figures
from dashboards.figures import Reference, Series
from dashboards.page import Chart, Column, Download, Page, Row, Section, Table, TableBlock
from dashboards.values import Cell, Count, Missing, Month, Rate, month_text
from models.network_limits import ANY, LIMITS, in_force
from reports.comparisons import change_words
from reports.glossary import SHORT
from reports.marts import Marts
from reports.months import earlier, month_of
from reports.names import customer_names, sentence_case
from reports.rows import Rows
from reports.terms import Terms, rate, shown_rate

SHOWN_MONTHS = 24
LIST_ROWS = 100
BASES = (("charge_month", "Charge month", "main"), ("refund_month", "Refund month", "fourth"))
NETWORK_ROLES = ("main", "fourth", "third", "fifth", "second")
NO_CHARGES = "no charges in the month"
NO_CARDS = "no card payments in the month"
STANDING = {
    "ok": "Below",
    "early_warning": "Early warning",
    "above": "Limit reached",
    "no_payments": "No payments",
}
"""Level of a programme in words."""


def page(marts: Marts, terms: Terms) -> Page:
    """Refunds and disputes."""
    return Page(
        "refunds-and-disputes",
        "Refunds & disputes",
        findings(marts, terms),
        (
            Section("Refund rates", _refund_charts(marts, terms)),
            Section(
                "Dispute activity", (_activity_chart(marts, terms), _headroom(marts, terms), _outcomes(marts, terms))
            ),
            Section("Refunds", (_refund_list(marts, terms),)),
            Section("Disputes", (_dispute_list(marts, terms),)),
        ),
    )


def findings(marts: Marts, terms: Terms) -> tuple[str, ...]:
    """What the numbers say, in sentences."""
    last = _last_full(marts, terms)
    if last is None:
        return ("No month with charges is over yet.",)
    refunds = _refund_rates(marts)
    now, before = (_volume(refunds, first, "refund_month") for first in (last, earlier(last, 1)))
    ripening = _volume(refunds, last, "charge_month")
    said = []
    if isinstance(now, Rate):
        change = change_words(now, before, month_text(earlier(last, 1)))
        said.append(
            f"{terms.words(now.numerator)} was refunded in {month_text(last)}, whenever it was charged: "
            f"{shown_rate(now)} of the month's charges by refund month{', ' + change if change else ''}."
        )
    if isinstance(ripening, Rate):
        said.append(
            f"Of what was charged in {month_text(last)}, {shown_rate(ripening)} is refunded so far: by charge month, "
            "still ripening."
        )
    networks = _networks(marts)
    counts = [_activity(marts, network, last) for network in networks]
    received = sum(int(cell.numerator) for cell in counts if isinstance(cell, Rate))
    payments = sum(int(cell.denominator) for cell in counts if isinstance(cell, Rate))
    if payments:
        noun = "dispute" if received == 1 else "disputes"
        share = shown_rate(Rate(received, payments))
        said.append(
            f"{received:,} {noun} came in over {payments:,} card payments in {month_text(last)}: {share} activity."
        )
    said += [_nearness(row) for row in _monitored(marts, last)]
    return tuple(sentence for sentence in said if sentence)


def _monitored(marts: Marts, month: date) -> list[dict[str, Any]]:
    """The month against each programme: the networks with the most payments first, their programmes by their rate."""
    frame = marts.table("dispute_monitoring_by_month").filter(pl.col("month") == month)
    place = {network: place for place, network in enumerate(_networks(marts))}
    return sorted(
        frame.to_dicts(), key=lambda row: (place.get(row["network"], len(place)), -row["limit_rate"], row["programme"])
    )


def _nearness(row: dict[str, Any]) -> str:
    if row["level"] not in ("early_warning", "above"):
        return ""
    activity = Rate(row["counted"], row["payments"])
    against = f"{_programme(row)}: {shown_rate(activity)} against a limit of {_level_text(row['limit_rate'])}"
    if row["limit_count"]:
        against += f", {row['counted']:,} against a count of {row['limit_count']:,}"
    return f"{against}: {STANDING[row['level']].lower()}."


def _programme(row: dict[str, Any]) -> str:
    """A programme by its name; what is said of every network, with the network's."""
    name, network = row["programme"], sentence_case(row["network"])
    return name if network.lower() in name.lower() else f"{name}, {network}"


def _last_full(marts: Marts, terms: Terms) -> date | None:
    this_month = month_of(terms.publication.as_of_day)
    months = [*marts.table("refund_rates_by_month")["month"], *marts.table("dispute_rates_by_month")["month"]]
    return max((month for month in months if month < this_month), default=None)


def _refund_rates(marts: Marts) -> pl.DataFrame:
    """Refund rates of all currencies together: counts add, amounts in the reporting currency."""
    return (
        marts.table("refund_rates_by_month")
        .group_by("month", "basis")
        .agg(pl.col("charges", "refunds", "charge_amount_reporting", "refund_amount_reporting").sum())
        .sort("month", "basis")
    )


def _volume(frame: pl.DataFrame, month: date, basis: str) -> Cell:
    return _share(frame, month, basis, "refund_amount_reporting", "charge_amount_reporting")


def _share(frame: pl.DataFrame, month: date, basis: str, part: str, whole: str) -> Cell:
    rows = frame.filter(pl.col("month") == month, pl.col("basis") == basis).to_dicts()
    return rate(rows[0][part], rows[0][whole], NO_CHARGES) if rows else rate(None, None, NO_CHARGES)


def _refund_charts(marts: Marts, terms: Terms) -> tuple[Chart, ...]:
    frame = _refund_rates(marts)
    amounts = ("refund_amount_reporting", "charge_amount_reporting")
    volume = _refund_chart("refund-volume-rate", "Refund rate by volume", frame, amounts, marts, terms)
    count = _refund_chart("refund-count-rate", "Refund rate by count", frame, ("refunds", "charges"), marts, terms)
    return volume, count


def _refund_chart(
    name: str, title: str, frame: pl.DataFrame, columns: tuple[str, str], marts: Marts, terms: Terms
) -> Chart:
    months = sorted(frame["month"].unique().to_list())[-SHOWN_MONTHS - 1 :]
    start = _provisional(months, terms)
    part, whole = columns
    series = [
        Series(label, role, [_share(frame, month, basis, part, whole) for month in months], start)
        for basis, label, role in BASES
    ]
    is_money = part.endswith("reporting")

    def amount(value: int | None) -> Cell:
        if value is None:
            return None
        return terms.money(value) if is_money else Count(value)

    rows = tuple(
        Row(
            (
                Month(month, index == start),
                *(one.values[index] for one in series),
                *(amount(_sum(frame, month, basis, part)) for basis, *_ in BASES),
                amount(_sum(frame, month, BASES[0][0], whole)),
            ),
            "partial" if index == start else "",
        )
        for index, month in enumerate(months)
    )
    last = _last_full(marts, terms)
    nouns = ("Refunded", "Charged") if is_money else ("Charges refunded", "Charges")
    unit = terms.unit if is_money else ""
    return Chart(
        name,
        title,
        figures.lines([month_text(month) for month in months], series, form="percent", from_zero=True),
        _refund_words(series, months, last),
        f"Percent of charges{', amounts in ' + unit if unit else ''}",
        SHORT["refund_volume_rate" if is_money else "refund_count_rate"],
        "refund_volume_rate" if is_money else "refund_count_rate",
        Table(
            name,
            f"{title}, both bases, by month",
            (
                Column("Month"),
                *(Column(label) for _, label, _ in BASES),
                *(Column(f"{nouns[0]}, {label.lower()}", unit=unit) for _, label, _ in BASES),
                Column(nouns[1], unit=unit),
            ),
            rows,
            empty="No charge yet.",
            download=_refund_download(name, marts, terms),
        ),
        "half",
        empty="" if any(isinstance(cell, Rate) for one in series for cell in one.values) else "No charge yet.",
    )


def _refund_words(series: Sequence[Series], months: Sequence[date], last: date | None) -> str:
    if last is None or last not in months:
        return "No month with charges is over yet."
    index = months.index(last)
    said = [
        f"{shown_rate(cell)} by {one.name.lower()}"
        for one in series
        if isinstance(cell := one.values[index], Rate)
    ]  # fmt: skip
    return f"{month_text(last)}: {', '.join(said)}. Recent charge months still ripen." if said else "No charges."


def _refund_download(name: str, marts: Marts, terms: Terms) -> Download:
    header = ("month", "basis", "charges", "charge_amount", "refunds", "refund_amount", "currency", "is_partial")
    frame = marts.table("refund_rates_by_month").sort("month", "basis", "currency")
    this_month = month_of(terms.publication.as_of_day)
    return Download(
        name,
        header,
        [
            (
                Month(row["month"]),
                row["basis"],
                Count(row["charges"]),
                terms.money(row["charge_amount"], row["currency"]),
                Count(row["refunds"]),
                terms.money(row["refund_amount"], row["currency"]),
                row["currency"].upper(),
                "true" if row["month"] == this_month else "false",
            )
            for row in frame.to_dicts()
        ],
    )


def _sum(frame: pl.DataFrame, month: date, basis: str, column: str) -> int | None:
    rows = frame.filter(pl.col("month") == month, pl.col("basis") == basis)[column].to_list()
    return rows[0] if rows else None


def _networks(marts: Marts) -> list[str]:
    """Card networks, the one with the most payments first."""
    frame = marts.table("dispute_rates_by_month").group_by("network").agg(pl.col("charges").sum())
    return frame.sort("charges", "network", descending=[True, False])["network"].to_list()


def _activity(marts: Marts, network: str, month: date) -> Cell:
    rows = (
        marts.table("dispute_rates_by_month").filter(pl.col("network") == network, pl.col("month") == month).to_dicts()
    )
    return rate(rows[0]["disputes"], rows[0]["charges"], NO_CARDS) if rows else rate(None, None, NO_CARDS)


def _activity_chart(marts: Marts, terms: Terms) -> Chart:
    networks = _networks(marts)[: len(NETWORK_ROLES)]
    frame = marts.table("dispute_rates_by_month")
    months = sorted(frame["month"].unique().to_list())[-SHOWN_MONTHS - 1 :]
    start = _provisional(months, terms)
    series = [
        Series(sentence_case(network), role, [_activity(marts, network, month) for month in months], start)
        for network, role in zip(networks, NETWORK_ROLES, strict=False)
    ]
    known = [limit for limit in in_force(month_of(terms.publication.as_of_day)) if limit.programme != "Mastercard HECM"]
    levels = sorted({float(limit.rate) for limit in known if limit.network in networks})
    references = [
        Reference(f"{limit.programme}, {_level_text(float(limit.rate))}", float(limit.rate))
        for limit in known
        if limit.network == ANY
    ]
    references += [Reference(f"Network limit, {_level_text(level)}", level, "limit") for level in levels]
    rows = tuple(
        Row((Month(month, index == start), *(one.values[index] for one in series)), "partial" if index == start else "")
        for index, month in enumerate(months)
    )
    last = _last_full(marts, terms)
    return Chart(
        "dispute-activity",
        "Dispute activity by card network",
        figures.lines(
            [month_text(month) for month in months], series, form="percent", references=references, from_zero=True
        ),
        _activity_words(series, months, last),
        "Percent of card payments",
        SHORT["dispute_rate"],
        "dispute_rate",
        Table(
            "dispute-activity",
            "Dispute activity by card network and month",
            (Column("Month"), *(Column(one.name) for one in series)),
            rows,
            empty="No card payment yet.",
            download=_activity_download(frame, terms),
        ),
        empty="" if months else "No card payment yet.",
    )


def _level_text(level: float) -> str:
    """A limit with all its decimals: `0.75%`."""
    return f"{(Decimal(str(level)) * 100).normalize():f}%"


def _activity_words(series: Sequence[Series], months: Sequence[date], last: date | None) -> str:
    if last is None or last not in months:
        return "No month with card payments is over yet."
    index = months.index(last)
    said = [f"{one.name} {shown_rate(cell)}" for one in series if isinstance(cell := one.values[index], Rate)]
    return f"{month_text(last)}: {', '.join(said)}. A limit applies where the number of disputes reaches its count too."


def _activity_download(frame: pl.DataFrame, terms: Terms) -> Download:
    header = ("month", "network", "charges", "disputes", "dispute_rate", "won", "lost", "is_partial")
    this_month = month_of(terms.publication.as_of_day)
    rows = [
        (
            Month(row["month"]),
            row["network"],
            Count(row["charges"]),
            Count(row["disputes"]),
            rate(row["disputes"], row["charges"], NO_CARDS),
            Count(row["won"]),
            Count(row["lost"]),
            "true" if row["month"] == this_month else "false",
        )
        for row in frame.sort("month", "network").to_dicts()
    ]
    return Download("dispute-activity", header, rows)


def _headroom(marts: Marts, terms: Terms) -> TableBlock:
    last = _last_full(marts, terms)
    monitored = _monitored(marts, last) if last else []
    when = month_text(last) if last else "no month yet"
    columns = (
        "Programme",
        "Ratio",
        "Limit",
        "Counted",
        "Of those, fraud reports",
        "Count limit",
        "Payments",
        "How many more",
        "Standing",
    )

    def row(one: dict[str, Any]) -> Row:
        return Row(
            (
                _programme(one),
                rate(one["counted"], one["payments"], NO_CARDS),
                _level_text(one["limit_rate"]),
                Count(one["counted"]),
                Count(one["counted"] - one["disputes"]),
                Count(one["limit_count"]) if one["limit_count"] else "None",
                Count(one["payments"]),
                Missing(NO_CARDS) if one["headroom"] is None else Count(one["headroom"]),
                STANDING.get(one["level"], one["level"]),
            )
        )

    return TableBlock(
        f"How far from the networks' limits, {when}",
        Table(
            "dispute-limits",
            f"Dispute limits of the card networks, {when}",
            tuple(map(Column, columns)),
            tuple(map(row, monitored)),
            notes=_limit_notes(monitored),
            empty="No card payment on a network with a known limit yet.",
            download=_limits_download(marts),
        ),
        "Percent of card payments, and how many",
        SHORT["dispute_monitoring"],
        "dispute_monitoring",
        _headroom_words(monitored),
    )


def _headroom_words(monitored: Sequence[dict[str, Any]]) -> str:
    """The programme that is nearest."""
    known = [row for row in monitored if row["limit_count"] and row["headroom"] is not None]
    if not known:
        return ""
    nearest = min(known, key=lambda row: (row["headroom"], row["programme"]))
    if not nearest["headroom"]:
        return f"{_programme(nearest)} applies."
    return f"Nearest is {_programme(nearest)}: {nearest['headroom']:,} more in the month would have reached it."


def _limit_notes(monitored: Sequence[dict[str, Any]]) -> tuple[str, ...]:
    shown = {(row["programme"], row["limit_valid_from"]) for row in monitored}
    return tuple(one.note for one in LIMITS if one.note and (one.programme, one.valid_from) in shown)


def _limits_download(marts: Marts) -> Download:
    header = (
        "month",
        "network",
        "programme",
        "disputes",
        "fraud_reports",
        "counted",
        "payments",
        "payments_month",
        "ratio",
        "limit_rate",
        "limit_count",
        "headroom",
        "level",
        "source",
    )

    def cells(row: dict[str, Any]) -> tuple[Cell, ...]:
        return (
            Month(row["month"]),
            row["network"],
            row["programme"],
            *(Count(row[name]) for name in ("disputes", "fraud_reports", "counted", "payments")),
            Month(row["payments_month"]),
            rate(row["counted"], row["payments"], NO_CARDS),
            Rate(Decimal(str(row["limit_rate"])), 1),
            Count(row["limit_count"]),
            None if row["headroom"] is None else Count(row["headroom"]),
            row["level"],
            row["source"],
        )

    frame = marts.table("dispute_monitoring_by_month").sort("month", "network", "programme")
    return Download("dispute-limits", header, Rows(frame, cells))


def _outcomes(marts: Marts, terms: Terms) -> TableBlock:
    frame = (
        marts.table("disputes")
        .group_by("outcome")
        .agg(disputes=pl.len(), amount=pl.col("amount_reporting").sum())
        .sort("disputes", "outcome", descending=[True, False])
    )
    decided = {row["outcome"]: row["disputes"] for row in frame.to_dicts()}
    won, lost = decided.get("won", 0), decided.get("lost", 0)
    return TableBlock(
        "Outcomes",
        Table(
            "dispute-outcomes",
            "Disputes by outcome, all months",
            (Column("Outcome"), Column("Disputes"), Column("Amount", unit=terms.unit)),
            tuple(
                Row((sentence_case(row["outcome"]), Count(row["disputes"]), terms.money(row["amount"])))
                for row in frame.to_dicts()
            ),
            empty="No dispute so far.",
        ),
        f"Disputes, and {terms.unit} at each dispute's day's rate",
        "Won: the amount came back. Lost: it did not. Inquiries and prevented disputes withdraw nothing for good.",
        "dispute_rate",
        f"{shown_rate(Rate(won, won + lost))} of the {won + lost:,} decided were won." if won + lost else "",
    )


def _refund_list(marts: Marts, terms: Terms) -> TableBlock:
    frame = marts.table("refunds").sort("created_at", "refund_id", descending=[True, False])
    columns = ("Refund", "Made on", "Customer", "Amount", "Currency", "Status", "Reason", "Days after the charge")
    return _list("refunds", "Refunds, newest first", frame, columns, _refund_cells, marts, terms, "refund_volume_rate")


def _refund_cells(row: dict[str, Any], names: dict[str, str], terms: Terms) -> tuple[Cell, ...]:
    days = row["days_to_refund"]
    return (
        row["refund_id"],
        terms.day(row["created_at"]),
        names.get(row["customer_id"], row["customer_id"]),
        terms.money(row["amount"], row["currency"], worth=row["amount_reporting"]),
        row["currency"].upper(),
        sentence_case(row["status"]),
        sentence_case(row["reason"]),
        None if days is None else Count(days),
    )


def _dispute_list(marts: Marts, terms: Terms) -> TableBlock:
    frame = marts.table("disputes").sort("created_at", "dispute_id", descending=[True, False])
    columns = (
        "Dispute",
        "Opened on",
        "Customer",
        "Amount",
        "Currency",
        "Network",
        "Reason",
        "Outcome",
        "Status",
        "Evidence due",
    )
    return _list("disputes", "Disputes, newest first", frame, columns, _dispute_cells, marts, terms, "dispute_rate")


def _dispute_cells(row: dict[str, Any], names: dict[str, str], terms: Terms) -> tuple[Cell, ...]:
    return (
        row["dispute_id"],
        terms.day(row["created_at"]),
        names.get(row["customer_id"], row["customer_id"]),
        terms.money(row["amount"], row["currency"], worth=row["amount_reporting"]),
        row["currency"].upper(),
        sentence_case(row["network"]),
        sentence_case(row["reason"]),
        sentence_case(row["outcome"]),
        sentence_case(row["status"]),
        terms.day(row["evidence_due_at"]),
    )


def _list(
    name: str,
    title: str,
    frame: pl.DataFrame,
    columns: Sequence[str],
    cells: Any,
    marts: Marts,
    terms: Terms,
    term: str,
) -> TableBlock:
    names = customer_names(marts)
    everything = Rows(frame, lambda row: cells(row, names, terms))
    return TableBlock(
        title,
        Table(
            name,
            title,
            tuple(map(Column, columns)),
            tuple(map(Row, Rows(frame.head(LIST_ROWS), everything.make))),
            empty="None so far.",
            more=max(0, frame.height - LIST_ROWS),
            download=Download(name, tuple(columns), everything),
        ),
        "Each in its own currency",
        SHORT[term],
        term,
    )


def _provisional(months: Sequence[date], terms: Terms) -> int | None:
    this_month = month_of(terms.publication.as_of_day)
    return months.index(this_month) if this_month in months else None
