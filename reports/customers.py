"""Customers: how many, what they pay on average, how unevenly, and who they are."""

from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Any

import polars as pl

from dashboards import figures
from dashboards.figures import Series
from dashboards.page import Chart, Column, Download, Page, Row, Section, Table, TableBlock
from dashboards.values import Cell, Count, Missing, Money, Month, Rate, month_text
from models.currency import minor_exponent
from reports.comparisons import change_words
from reports.glossary import SHORT
from reports.marts import Marts
from reports.metrics import Metrics, metrics
from reports.months import MrrMonth, earlier, last_full, reporting_months
from reports.names import customer_names, sentence_case
from reports.rows import Rows
from reports.terms import Terms, counted, rate, shown_rate

SHOWN_MONTHS = 24
TOP = 10
LIST_ROWS = 200
STEPS = (1, 2, 5)
NOBODY = "No customer pays yet."


def page(marts: Marts, terms: Terms) -> Page:
    """Customers."""
    months, published = reporting_months(marts), metrics(marts, terms)
    paying = marts.table("customers").filter(pl.col("mrr_reporting") > 0)
    worths = sorted(paying["mrr_reporting"].to_list(), reverse=True)
    return Page(
        "customers",
        "Customers",
        findings(months, published, worths, terms),
        (
            Section("How many", (_roll_forward(months, terms),)),
            Section("What they pay", (_arpa_chart(published, terms), _histogram(worths, terms))),
            Section("Concentration", (_concentration(marts, paying, worths, terms),)),
            Section("Trials", (_trials(marts, terms),)),
            Section("All customers", (_list(marts, terms),)),
        ),
    )


def findings(
    months: Sequence[MrrMonth], published: Metrics, worths: Sequence[Decimal], terms: Terms
) -> tuple[str, ...]:
    """What the numbers say, in sentences."""
    said = []
    last = last_full(months)
    if last is not None:
        before = next((month for month in months if month.first == earlier(last.first, 1)), None)
        change = change_words(Count(last.customers), Count(before.customers), before.name) if before else ""
        said.append(
            f"{counted(last.customers, 'customer')} paid at the end of {last.name}{', ' + change if change else ''}."
        )
        arpa = published.cell("arpa", last.first)
        if isinstance(arpa, Money):
            said.append(f"They paid {terms.words(arpa.minor)} a month on average.")
    if worths:
        said.append(_share_words(worths))
        said.append(_median_words(worths, terms))
    return tuple(said) or (NOBODY,)


def _share_words(worths: Sequence[Decimal]) -> str:
    top = list(worths[:TOP])
    share = shown_rate(Rate(sum(top, Decimal(0)), sum(worths, Decimal(0))))
    if len(worths) <= TOP:
        whose = "The only customer pays" if len(worths) == 1 else f"The {len(worths):,} customers pay"
        return f"{whose} all of MRR: there are no more than {TOP}."
    return f"The ten largest of {len(worths):,} customers pay {share} of MRR."


def _median_words(worths: Sequence[Decimal], terms: Terms) -> str:
    if len(worths) == 1:
        return f"Today's one customer pays {terms.words(worths[0])}."
    return f"Half of today's {len(worths):,} customers pay {terms.words(_median(worths))} or less."


def _median(worths: Sequence[Decimal]) -> Decimal:
    ordered, middle = sorted(worths), len(worths) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def _roll_forward(months: Sequence[MrrMonth], terms: Terms) -> Chart:
    shown_months = months[-SHOWN_MONTHS - 1 :]
    start = next((index for index, month in enumerate(shown_months) if month.is_partial), None)
    signs = (("new", "New", 1), ("reactivation", "Reactivated", 1), ("churn", "Churned", -1))
    series = [
        Series(label, kind, [Count(sign * month.counts[kind], signed=True) for month in shown_months], start)
        for kind, label, sign in signs
    ]
    net = Series(
        "Net", "net", [Count(month.customers - month.opening_customers, signed=True) for month in shown_months], start
    )
    others = [_other(month) for month in shown_months]
    has_other = any(others)
    rows = tuple(
        Row(
            (
                month.month,
                Count(month.opening_customers),
                *(Count(sign * month.counts[kind], signed=True) for kind, _, sign in signs),
                *((Count(other, signed=True),) if has_other else ()),
                Count(month.customers),
            ),
            "partial" if month.is_partial else "",
        )
        for month, other in zip(shown_months, others, strict=True)
    )
    last = last_full(months)
    return Chart(
        "customers-by-month",
        "Customers, month by month",
        figures.columns([month.name for month in shown_months], series, line=net),
        f"{last.name}: {last.opening_customers:,} at the start, {last.counts['new']:,} new, "
        f"{last.counts['reactivation']:,} back, {last.counts['churn']:,} left, {last.customers:,} at the end."
        if last
        else "No month is over yet.",
        "Customers",
        SHORT["customers"],
        "customers",
        Table(
            "customers-by-month",
            "Customer roll-forward by month",
            (
                Column("Month"),
                Column("Opening"),
                *(Column(label) for _, label, _ in signs),
                *((Column("Short gaps"),) if has_other else ()),
                Column("Closing"),
            ),
            rows,
            notes=("Short gaps: customers without MRR for no longer than the days of grace",) if has_other else (),
            empty=NOBODY,
        ),
        empty="" if shown_months else NOBODY,
    )


def _other(month: MrrMonth) -> int:
    """What the roll-forward has beyond new, back and left: customers inside a gap that counts as no churn."""
    moved = month.counts["new"] + month.counts["reactivation"] - month.counts["churn"]
    return month.customers - month.opening_customers - moved


def _arpa_chart(published: Metrics, terms: Terms) -> Chart:
    months = list(published.months)[-SHOWN_MONTHS - 1 :]
    start = next((index for index, month in enumerate(months) if month in published.partial), None)
    cells = published.series("arpa", months)
    last = published.full_months[-1] if published.full_months else None
    now = published.cell("arpa", last) if last else Missing("no month is over")
    finding = "No month is over yet."
    if last and isinstance(now, Money):
        change = change_words(now, published.cell("arpa", earlier(last, 12)), month_text(earlier(last, 12)))
        finding = f"{terms.words(now.minor)} in {month_text(last)}{', ' + change if change else ''}."
    return Chart(
        "arpa",
        "Average revenue per account",
        figures.lines([month_text(m) for m in months], [Series("ARPA", "main", cells, start)], from_zero=True),
        finding,
        f"{terms.unit} a month",
        SHORT["arpa"],
        "arpa",
        Table(
            "arpa",
            f"ARPA by month, {terms.unit}",
            (Column("Month"), Column("ARPA", unit=terms.unit), Column("Customers")),
            tuple(
                Row(
                    (Month(month, month in published.partial), cell, published.cell("customers", month)),
                    "partial" if month in published.partial else "",
                )
                for month, cell in zip(months, cells, strict=True)
            ),
            empty=NOBODY,
        ),
        "half",
        empty="" if any(isinstance(cell, Money) for cell in cells) else NOBODY,
    )


def bins(worths: Sequence[Decimal], exponent: int) -> list[tuple[Decimal, Decimal, int, Decimal]]:
    """Customers by what they pay, in steps of 1-2-5: from, below (major units), how many, their MRR (minor units)."""
    if not worths:
        return []
    major = Decimal(10) ** exponent
    edges = [Decimal(0), *_edges(min(worths) / major, max(worths) / major)]
    found = []
    for low, high in pairwise(edges):
        inside = [worth for worth in worths if low * major <= worth < high * major]
        found.append((low, high, len(inside), sum(inside, Decimal(0))))
    first = next(index for index, one in enumerate(found) if one[2])
    return found[first:]


def _edges(low: Decimal, high: Decimal) -> list[Decimal]:
    power = Decimal(10) ** (low.adjusted() if low > 0 else 0)
    edges: list[Decimal] = []
    while not edges or edges[-1] <= high:
        edges += [step * power for step in STEPS]
        power *= 10
    last = next(index for index, edge in enumerate(edges) if edge > high)
    return edges[: last + 1]


def _histogram(worths: Sequence[Decimal], terms: Terms) -> Chart:
    found = bins(worths, minor_exponent(terms.publication.currency))
    labels = [f"{low:,f}–{high:,f}" for low, high, *_ in found]
    counts = [Count(count) for _, _, count, _ in found]
    total = sum(worths, Decimal(0))
    return Chart(
        "mrr-distribution",
        "Customers by what they pay a month",
        figures.columns([f"<{high:,f}" for _, high, *_ in found], [Series("Customers", "main", counts)]),
        f"The median customer pays {terms.words(_median(worths))}." if worths else NOBODY,
        f"Customers; {terms.unit} a month, steps of 1-2-5",
        "Customers with MRR now, by their MRR in the reporting currency. Each column holds those below its label.",
        "customers",
        Table(
            "mrr-distribution",
            f"Customers by MRR, {terms.unit} a month",
            (
                Column("From, below", unit=terms.unit),
                Column("Customers"),
                Column("MRR", unit=terms.unit),
                Column("Share of MRR"),
            ),
            tuple(
                Row((label, Count(count), terms.money(mrr), rate(mrr, total, "no MRR")))
                for label, (_, _, count, mrr) in zip(labels, found, strict=True)
            ),
            empty=NOBODY,
            sortable=False,
        ),
        "half",
        empty="" if found else NOBODY,
    )


def _concentration(marts: Marts, paying: pl.DataFrame, worths: Sequence[Decimal], terms: Terms) -> Chart:
    names, total = customer_names(marts), sum(worths, Decimal(0))
    top = paying.sort("mrr_reporting", "customer_id", descending=[True, False]).head(TOP).to_dicts()
    rows, running = [], Decimal(0)
    for rank, row in enumerate(top, start=1):
        running += row["mrr_reporting"]
        name = names.get(row["customer_id"], row["customer_id"])
        shares = (rate(row["mrr_reporting"], total, "no MRR"), rate(running, total, "no MRR"))
        rows.append(Row((name, Count(rank), terms.money(row["mrr_reporting"]), *shares)))
    return Chart(
        "concentration",
        "The ten largest customers",
        figures.bars(
            [_short(str(row.cells[0])) for row in rows], Series("MRR", "main", [row.cells[2] for row in rows])
        ),
        _share_words(worths) if worths else NOBODY,
        f"{terms.unit} of MRR now",
        "MRR at the as-of instant, in the reporting currency. Cumulative: this customer and all larger ones.",
        "mrr",
        Table(
            "concentration",
            "The ten largest customers by MRR",
            (Column("Customer"), Column("Rank"), Column("MRR", unit=terms.unit), Column("Share"), Column("Cumulative")),
            tuple(rows),
            empty=NOBODY,
        ),
        empty="" if rows else NOBODY,
    )


def _short(name: str) -> str:
    return name if len(name) <= 32 else f"{name[:31]}…"


def _trials(marts: Marts, terms: Terms) -> TableBlock:
    frame = marts.table("trials")
    months: dict[Any, dict[str, int]] = {}
    for row in frame.select("started_at", "outcome").iter_rows(named=True):
        started = terms.day(row["started_at"])
        if started is not None:
            counts = months.setdefault(started.replace(day=1), {})
            counts[row["outcome"]] = counts.get(row["outcome"], 0) + 1
    this_month = terms.publication.as_of_day.replace(day=1)
    rows = []
    for month, counts in sorted(months.items(), reverse=True)[:SHOWN_MONTHS]:
        begun = sum(counts.values())
        each = [Count(counts.get(outcome, 0)) for outcome in ("converted", "canceled", "open")]
        cells = (Month(month, month == this_month), Count(begun), *each, rate(counts.get("converted", 0), begun, ""))
        rows.append(Row(cells, "partial" if month == this_month else ""))
    columns = ("Begun in", "Trials", "Converted", "Ended without paying", "Open", "Conversion")
    return TableBlock(
        "Trials by the month they began",
        Table(
            "trials",
            "Trials by start month, newest first",
            tuple(map(Column, columns)),
            tuple(rows),
            empty="No trial so far.",
        ),
        "Trials",
        SHORT["trial_conversion_rate"],
        "trial_conversion_rate",
        "Months with open trials still ripen." if any(counts.get("open") for counts in months.values()) else "",
    )


def _list(marts: Marts, terms: Terms) -> TableBlock:
    frame = marts.table("customers").sort("mrr_reporting", "customer_id", descending=[True, False])
    names = customer_names(marts)
    columns = (
        "Customer",
        "Status",
        "Country",
        "MRR",
        "Currency",
        "MRR, reporting",
        "Lifetime revenue",
        "Customer since",
        "Left on",
    )
    rows = tuple(
        Row(
            (
                names.get(row["customer_id"], row["customer_id"]),
                sentence_case(row["status"]),
                row["country"],
                _own(row, terms),
                (row["currency"] or "").upper(),
                terms.money(row["mrr_reporting"]),
                terms.money(row["lifetime_revenue_reporting"]),
                row["first_paid_on"],
                row["churned_on"],
            )
        )
        for row in frame.head(LIST_ROWS).to_dicts()
    )
    return TableBlock(
        "Customers by MRR",
        Table(
            "customers",
            "Customers, the largest first",
            tuple(map(Column, columns)),
            rows,
            empty="No customer yet.",
            more=max(0, frame.height - LIST_ROWS),
            download=_list_download(frame, terms),
        ),
        f"MRR in the billing currency and in {terms.unit}; lifetime revenue in {terms.unit}",
        "Lifetime revenue: charges less refunds and lost disputes to date, each at its day's rate.",
        "customers",
    )


def _own(row: dict[str, Any], terms: Terms) -> Cell:
    return terms.money(row["mrr"], row["currency"], worth=row["mrr_reporting"]) if row["currency"] else Count(0)


def _list_download(frame: pl.DataFrame, terms: Terms) -> Download:
    header = (
        "customer_id",
        "name",
        "email",
        "country",
        "status",
        "mrr",
        "currency",
        "mrr_reporting",
        "lifetime_revenue_reporting",
        "reporting_currency",
        "first_paid_on",
        "churned_on",
    )

    def cells(row: dict[str, Any]) -> tuple[Cell, ...]:
        return (
            row["customer_id"],
            row["name"],
            row["email"],
            row["country"],
            row["status"],
            _own(row, terms),
            (row["currency"] or "").upper(),
            terms.money(row["mrr_reporting"]),
            terms.money(row["lifetime_revenue_reporting"]),
            terms.unit,
            row["first_paid_on"],
            row["churned_on"],
        )

    return Download("customers", header, Rows(frame, cells))
