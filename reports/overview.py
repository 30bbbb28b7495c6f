"""The first page: are we growing, what changed since last month, and is anything wrong."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from dashboards.page import Block, Column, Page, Row, Section, Table, TableBlock, Tile, Tiles
from dashboards.values import Cell, Count, Missing, Money, Rate, day_text, month_text, number_of, shown
from reports import at_risk, movements, mrr
from reports.comparisons import change_words, comparisons
from reports.glossary import SHORT
from reports.marts import Marts
from reports.metrics import Metrics, metrics
from reports.months import LABELS, MrrMonth, earlier, full, last_full, reporting_months
from reports.terms import Terms, counted, joined, shown_rate

TREND_MONTHS = 13


@dataclass(frozen=True)
class Headline:
    """One tile: a metric by name, how it is called and said."""

    metric: str
    label: str
    says: str
    is_stock: bool = False


HEADLINES = (
    Headline("mrr", "Monthly recurring revenue", "Run rate of all counted subscriptions at month end.", is_stock=True),
    Headline("net_new_mrr", "Net new MRR", "New + reactivation + expansion − contraction − churn."),
    Headline("customers", "Customers", "Customers with MRR above zero at month end.", is_stock=True),
    Headline("customer_churn_rate", "Customer churn", "Left in the month ÷ customers at its start; pauses apart."),
    Headline("net_revenue_retention", "Net revenue retention", "MRR now of customers of a year ago ÷ theirs then."),
    Headline("net_volume", "Net cash volume", "Payments less refunds, disputes and fees."),
)

ROLL_FORWARD: Mapping[str, Callable[[MrrMonth, Terms], Cell]] = {
    "mrr": lambda month, terms: terms.money(month.closing),
    "net_new_mrr": lambda month, terms: terms.money(month.net_new, signed=True),
    "customers": lambda month, _: Count(month.customers),
}
"""Metrics taken from the roll-forward, so that tiles and tables print the same digits."""

DENSE: tuple[tuple[str, str], ...] = (
    ("mrr", "MRR"),
    ("net_new_mrr", "Net new MRR"),
    ("customers", "Customers"),
    ("arpa", "ARPA"),
    ("customer_churn_rate", "Customer churn"),
    ("gross_mrr_churn_rate", "Gross MRR churn"),
    ("net_mrr_churn_rate", "Net MRR churn"),
    ("net_revenue_retention", "Net revenue retention, 12 months"),
    ("gross_revenue_retention", "Gross revenue retention, 12 months"),
    ("quick_ratio", "Quick ratio"),
    ("gross_volume", "Gross cash volume"),
    ("fees", "Fees"),
    ("net_volume", "Net cash volume"),
    ("refund_volume_rate", "Refunds by charge month, still ripening"),
    ("dispute_rate", "Dispute activity"),
    ("payment_failure_rate", "Payment failure rate"),
    ("recovery_rate", "Recovery rate"),
)
"""What the dense table shows, a row each."""


def page(marts: Marts, terms: Terms) -> Page:
    """The overview."""
    months, figures = reporting_months(marts), metrics(marts, terms)
    sections = [
        Section("Headline figures", (Tiles(tuple(_tile(one, months, figures, terms) for one in HEADLINES)),)),
        Section(
            "Recurring revenue",
            (mrr.line_chart(months, terms), mrr.bridge_chart(months, terms, name="overview-bridge")),
        ),
        Section("What changed", movements.largest(marts, months, terms)),
        Section("Churn, retention, cash, refunds and disputes", (_dense(months, figures, terms),)),
    ]
    return Page("index", "Overview", findings(marts, months, figures, terms), tuple(sections))


def findings(marts: Marts, months: Sequence[MrrMonth], figures: Metrics, terms: Terms) -> tuple[str, ...]:
    """What the numbers say, in sentences."""
    last = last_full(months)
    if last is None:
        return (_nothing_yet(months, terms),)
    said = [
        mrr.closing_words(last, months, terms),
        _net_new_words(last, terms),
        movements.largest_loss_words(marts, last, terms),
    ]
    said += [_churn_words(last.first, figures), _cash_words(last.first, figures, terms)]
    if marts.table("at_risk_accounts").height:
        said.append(at_risk.words(marts, terms))
    return tuple(sentence for sentence in said if sentence)


def _nothing_yet(months: Sequence[MrrMonth], terms: Terms) -> str:
    if not months:
        return "No subscription has counted in MRR yet."
    now = months[-1]
    return (
        f"{now.name} is the first month and not over: MRR stands at {terms.words(now.closing)} "
        f"from {now.customers:,} {'customer' if now.customers == 1 else 'customers'}."
    )


def _net_new_words(month: MrrMonth, terms: Terms) -> str:
    parts = [
        f"{LABELS[kind].lower()} {terms.words(amount, signed=True)}"
        for kind, amount in month.moves.items()
        if amount and kind != "fx"
    ]
    if not parts:
        return f"Nothing moved in {month.name}."
    gains = {kind: amount for kind, amount in month.moves.items() if amount > 0 and kind != "fx"}
    share = ""
    if gains:
        kind, most = max(gains.items(), key=lambda item: item[1])
        share = f" {LABELS[kind]} made {shown(Rate(most, sum(gains.values())))} of the gains."
    return f"Net new MRR was {terms.words(month.net_new, signed=True)}: {joined(parts)}.{share}"


def _churn_words(month: date, figures: Metrics) -> str:
    churn = figures.cell("customer_churn_rate", month)
    if not isinstance(churn, Rate):
        return ""
    before = figures.cell("customer_churn_rate", earlier(month, 1))
    change = change_words(churn, before, month_text(earlier(month, 1)))
    retention = figures.cell("net_revenue_retention", month)
    kept = f"; net revenue retention over twelve months is {shown(retention)}" if isinstance(retention, Rate) else ""
    rate = shown_rate(churn)
    return f"Customer churn was {rate}{', ' + change if change else ''}{kept}."


def _cash_words(month: date, figures: Metrics, terms: Terms) -> str:
    gross, net = figures.cell("gross_volume", month), figures.cell("net_volume", month)
    if not isinstance(gross, Money) or not isinstance(net, Money) or not gross.minor:
        return ""
    refunds, disputes = figures.cell("refund_volume_rate", month), figures.cell("dispute_rate", month)
    rates = [
        words.format(shown_rate(cell))
        for words, cell in (
            ("{} of the month's charges is refunded so far (by charge month, still ripening)", refunds),
            ("dispute activity was {}", disputes),
        )
        if isinstance(cell, Rate)
    ]
    return (
        f"{terms.words(gross.minor)} came in and {terms.words(net.minor)} was left after refunds, disputes and fees"
        f"{'; ' + joined(rates) if rates else ''}."
    )


def _tile(headline: Headline, months: Sequence[MrrMonth], figures: Metrics, terms: Terms) -> Tile:
    cell_of = _reader(headline.metric, months, figures, terms)
    complete, running = _spans(headline.metric, months, figures)
    shown_month = complete[-1] if complete else running
    if shown_month is None:
        return Tile(headline.label, Missing("nothing has counted yet"), "", "", headline.says, headline.metric)
    value = cell_of(shown_month)
    unit = terms.unit if isinstance(value, Money) else ""
    provisional = not complete
    small = figures.small_base(headline.metric, shown_month)
    note = f"Small base, {counted(small, 'customer')}: read with care" if small is not None else ""
    trend = tuple(number_of(cell_of(month)) for month in complete[-TREND_MONTHS:])
    return Tile(
        headline.label,
        value,
        unit,
        f"{month_text(shown_month)} so far, to {terms.as_of_day_words}"
        if provisional
        else _as_of(headline, shown_month),
        headline.says,
        headline.metric,
        () if provisional else comparisons(cell_of, shown_month, terms.unit),
        trend,
        f"{headline.label}, the last {len(trend)} full months to {month_text(shown_month)}",
        _so_far(cell_of, running, unit, terms) if running is not None and complete else "",
        note,
    )


def _spans(metric: str, months: Sequence[MrrMonth], figures: Metrics) -> tuple[list[date], date | None]:
    """The full months that a metric has, and the month that runs."""
    if metric in ROLL_FORWARD:
        return [month.first for month in full(months)], next((m.first for m in months if m.is_partial), None)
    return figures.full_months, max(figures.partial, default=None)


def _reader(metric: str, months: Sequence[MrrMonth], figures: Metrics, terms: Terms) -> Callable[[date], Cell]:
    """How to read one metric of a month."""
    by_month = {month.first: month for month in months}
    take = ROLL_FORWARD.get(metric)
    if take is None:
        return lambda first: figures.cell(metric, first)
    return lambda first: take(by_month[first], terms) if first in by_month else Missing("before the first month")


def _as_of(headline: Headline, first: date) -> str:
    end = date.fromordinal(earlier(first, -1).toordinal() - 1)
    return f"as of {day_text(end)}" if headline.is_stock else f"{month_text(first)}, as of {day_text(end)}"


def _so_far(cell_of: Callable[[date], Cell], running: date, unit: str, terms: Terms) -> str:
    cell = cell_of(running)
    if isinstance(cell, Missing) or number_of(cell) is None:
        return ""
    figure = f"{shown(cell)} {unit}".rstrip() if number_of(cell) else "nothing"
    return f"{month_text(running)} so far, to {terms.as_of_day_words}: {figure}"


def _dense(history: Sequence[MrrMonth], figures: Metrics, terms: Terms) -> Block:
    months = list(figures.months)[-TREND_MONTHS:]
    columns = (Column("Metric"), *(Column(month_text(month), month in figures.partial) for month in months))
    readers = [(name, label, _reader(name, history, figures, terms)) for name, label in DENSE]
    rows = tuple(Row((label, *map(cell_of, months)), term=name) for name, label, cell_of in readers) if months else ()
    table = Table(
        "overview-metrics",
        f"The last {counted(len(months), 'month')}, month by month",
        columns,
        rows,
        notes=(f"Amounts in {terms.unit}", *figures.small_notes([name for name, _ in DENSE], months)),
        empty="No month has figures yet.",
        sortable=False,
    )
    return TableBlock(
        "The last thirteen months",
        table,
        f"Amounts in {terms.unit}, rates in percent",
        f"Customer churn: {SHORT['customer_churn_rate']} Every metric has its formula on the definitions page.",
        "customer_churn_rate",
        "Each figure for each month; the month that is not over is marked and compared with none.",
    )
