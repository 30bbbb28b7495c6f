"""Cash: what came in, what was taken from it, what went to the bank, whether the books agree, and failed payments."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import polars as pl

from dashboards import figures
from dashboards.figures import Series
from dashboards.page import Block, Chart, Column, Page, Row, Section, Table, TableBlock
from dashboards.values import Count, Month, Verdict, month_text
from reports import payouts
from reports.comparisons import change_words
from reports.glossary import SHORT
from reports.marts import Marts
from reports.metrics import metrics
from reports.months import earlier, month_of
from reports.rates import RateLine, rate_chart, rate_words
from reports.terms import Terms, rate

SHOWN_MONTHS = 24
PARTS: tuple[tuple[str, str, str], ...] = (
    ("charges", "Payments", "new"),
    ("refunds", "Refunds", "contraction"),
    ("disputes", "Disputes", "churn"),
    ("fees", "Fees", "fx"),
    ("adjustments", "Adjustments", "fifth"),
)
"""What net is the sum of: column, label, role."""
NO_CASH = "No money has moved yet."


def page(marts: Marts, terms: Terms) -> Page:
    """Cash."""
    months = _months(marts, terms)
    failures = (
        RateLine("payment_failure_rate", "Payment failure rate", "churn"),
        RateLine("recovery_rate", "Recovery rate", "main"),
    )
    published = metrics(marts, terms)
    rate_charts = tuple(
        rate_chart(
            f"cash-{line.metric.replace('_', '-')}", line.label, (line,), published, definition=SHORT[line.metric]
        )
        for line in failures
    )
    return Page(
        "cash",
        "Cash",
        findings(marts, months, terms),
        (
            Section("Gross to net", _per_currency(months, _bridge, terms), ("Each settlement currency by itself.",)),
            Section("Cash by month", _per_currency(months, _columns, terms)),
            Section("Reconciliation", (_reconciliation(marts, terms),)),
            Section("Payouts", (payouts.block(marts, terms),)),
            Section("Failed payments", (*rate_charts, _recovery(marts, terms))),
        ),
    )


def findings(marts: Marts, months: dict[str, list[dict[str, Any]]], terms: Terms) -> tuple[str, ...]:
    """What the numbers say, in sentences."""
    said = []
    for code, rows in months.items():
        complete = [row for row in rows if not row["is_partial"]]
        if complete:
            said.append(_net_words(code, complete, terms))
    reconciliation = marts.table("balance_reconciliation")
    if not reconciliation.is_empty():
        said.append(_reconciliation_words(reconciliation))
    if paid_out := payouts.words(marts.table("payout_reconciliation")):
        said.append(paid_out)
    published = metrics(marts, terms)
    if published.full_months:
        said.append(rate_words(RateLine("payment_failure_rate", "The payment failure rate", ""), published))
    return tuple(said) or (NO_CASH,)


def _net_words(code: str, complete: Sequence[dict[str, Any]], terms: Terms) -> str:
    last = complete[-1]
    before = next((row for row in complete if row["month"] == earlier(last["month"], 1)), None)
    now = terms.money(last["net"], code)
    change = change_words(now, terms.money(before["net"], code), month_text(before["month"])) if before else ""
    return (
        f"{terms.words(last['charges'], code)} came in during {month_text(last['month'])} and "
        f"{terms.words(last['net'], code)} was left after refunds, disputes and fees{', ' + change if change else ''}."
    )


def _reconciliation_words(reconciliation: pl.DataFrame) -> str:
    off = reconciliation.filter(pl.col("difference") != 0)
    months = reconciliation.height
    if off.is_empty():
        if months == 1:
            return "The balance agrees with the payouts in the one month there is."
        return f"The balance agrees with the payouts in all {months:,} months and currencies."
    return f"The balance does not agree with the payouts in {off.height:,} of {months:,} months and currencies."


def _months(marts: Marts, terms: Terms) -> dict[str, list[dict[str, Any]]]:
    """Cash by settlement currency and month, oldest first."""
    this_month = month_of(terms.publication.as_of_day)
    summed = (
        marts.table("cash_by_day")
        .sort("currency", "date")
        .group_by("currency", month=pl.col("date").dt.truncate("1mo"), maintain_order=True)
        .agg(
            pl.col(*(column for column, *_ in PARTS), "net", "payouts").sum(),
            pl.col("closing_balance").last(),
        )
        .with_columns(is_partial=pl.col("month") == this_month)
    )
    found: dict[str, list[dict[str, Any]]] = {}
    for row in summed.to_dicts():
        found.setdefault(row["currency"], []).append(row)
    return found


def _per_currency(months: dict[str, list[dict[str, Any]]], chart: Any, terms: Terms) -> tuple[Block, ...]:
    if not months:
        return (chart(terms.publication.currency, [], terms, "full"),)
    width = "full" if len(months) == 1 else "half"
    return tuple(chart(code, rows, terms, width) for code, rows in months.items())


def _bridge(code: str, rows: Sequence[dict[str, Any]], terms: Terms, width: Any) -> Chart:
    unit = code.upper()
    complete = [row for row in rows if not row["is_partial"]]
    last = complete[-1] if complete else None
    steps = []
    if last is not None:
        first, *others = PARTS
        steps = [(first[1], terms.money(last[first[0]], code), "total", True)]
        steps += [(label, terms.money(last[part], code, signed=True), role, False) for part, label, role in others]
        steps.append(("Net", terms.money(last["net"], code), "total", True))
    title = f"Gross to net, {month_text(last['month'])}, {unit}" if last else f"Gross to net, {unit}"
    return Chart(
        f"gross-to-net-{code}",
        title,
        figures.bridge([s[0] for s in steps], [s[1] for s in steps], [s[2] for s in steps], [s[3] for s in steps]),
        _net_words(code, complete, terms) if last else "No month is over yet.",
        unit,
        SHORT["net_volume"],
        "net_volume",
        Table(
            f"gross-to-net-{code}",
            title,
            (Column("Step"), Column("Amount", unit=unit)),
            tuple(Row((label, value), "total" if is_total else "") for label, value, _, is_total in steps),
            empty=NO_CASH,
            sortable=False,
        ),
        width,
        empty="" if steps else "No month is over yet: the bridge appears once the first one is.",
    )


def _columns(code: str, rows: Sequence[dict[str, Any]], terms: Terms, width: Any) -> Chart:
    unit, chosen = code.upper(), rows[-SHOWN_MONTHS - 1 :]
    start = next((index for index, row in enumerate(chosen) if row["is_partial"]), None)
    stacked = [
        Series(label, role, [terms.money(row[part], code, signed=True) for row in chosen], start)
        for part, label, role in PARTS
        if any(row[part] for row in chosen)
    ]
    net = Series("Net", "net", [terms.money(row["net"], code, signed=True) for row in chosen], start)
    complete = [row for row in chosen if not row["is_partial"]]
    table_rows = tuple(
        Row(
            (
                Month(row["month"], row["is_partial"]),
                *(terms.money(row[part], code) for part, *_ in PARTS),
                terms.money(row["net"], code),
                terms.money(row["payouts"], code),
                terms.money(row["closing_balance"], code),
            ),
            "partial" if row["is_partial"] else "",
        )
        for row in chosen
    )
    labels = (*(label for _, label, _ in PARTS), "Net", "Payouts", "Closing balance")
    return Chart(
        f"cash-{code}",
        f"Cash by month, {unit}",
        figures.columns([month_text(row["month"]) for row in chosen], stacked, line=net),
        _net_words(code, complete, terms) if complete else "No month is over yet.",
        unit,
        SHORT["cash"],
        "cash",
        Table(
            f"cash-{code}",
            f"Cash by month, {unit}",
            (Column("Month"), *(Column(label, unit=unit) for label in labels)),
            table_rows,
            empty=NO_CASH,
        ),
        width,
        empty="" if stacked else NO_CASH,
    )


def _reconciliation(marts: Marts, terms: Terms) -> TableBlock:
    frame = marts.table("balance_reconciliation").sort("month", "currency", descending=[True, False])
    this_month: date = month_of(terms.publication.as_of_day)
    rows = tuple(
        Row(
            (
                Month(row["month"], row["month"] == this_month),
                row["currency"].upper(),
                *(
                    terms.money(row[column], row["currency"])
                    for column in ("opening_balance", "activity", "payouts", "closing_balance", "difference")
                ),
                Verdict(row["difference"] == 0),
            ),
            "partial" if row["month"] == this_month else "",
        )
        for row in frame.to_dicts()
    )
    columns = ("Month", "Currency", "Opening", "Activity", "Payouts", "Closing", "Difference", "Check")
    return TableBlock(
        "The Stripe balance, rolled forward",
        Table(
            "reconciliation",
            "Balance by month and currency, newest first",
            tuple(map(Column, columns)),
            rows,
            empty=NO_CASH,
        ),
        "Each row in its own settlement currency",
        SHORT["balance_reconciliation"],
        "balance_reconciliation",
        _reconciliation_words(frame) if not frame.is_empty() else "",
    )


def _recovery(marts: Marts, terms: Terms) -> TableBlock:
    frame = marts.table("recovery_by_month").sort("month", descending=True)
    this_month = month_of(terms.publication.as_of_day)
    rows = tuple(
        Row(
            (
                Month(row["month"], row["month"] == this_month),
                Count(row["failed_invoices"]),
                terms.money(row["failed_amount_reporting"]),
                Count(row["recovered_invoices"]),
                terms.money(row["recovered_amount_reporting"]),
                rate(
                    row["recovered_amount_reporting"], row["failed_amount_reporting"], "no payment failed in the month"
                ),
            ),
            "partial" if row["month"] == this_month else "",
        )
        for row in frame.to_dicts()
    )
    columns = (
        Column("First failed in"),
        Column("Invoices failed"),
        Column("Amount", unit=terms.unit),
        Column("Invoices recovered"),
        Column("Amount recovered", unit=terms.unit),
        Column("Recovery rate"),
    )
    return TableBlock(
        "Recovery by the month of first failure",
        Table(
            "recovery",
            "Failed invoices and what was recovered since",
            columns,
            rows,
            empty="No payment has failed so far.",
        ),
        f"{terms.unit} at the first failure's rate",
        SHORT["recovery_rate"],
        "recovery_rate",
    )
