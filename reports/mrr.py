"""MRR and its movements: month by month, in one bridge, and in each billing currency."""

from collections.abc import Sequence
from typing import Any

from dashboards import figures
from dashboards.figures import Series
from dashboards.page import Chart, Column, Download, Page, Row, Section, Table, TableBlock
from dashboards.values import Cell, Count, Counted, Missing, Money
from reports import committed, movements, slices
from reports.comparisons import change_words
from reports.glossary import SHORT
from reports.marts import Marts
from reports.months import CLASSES, MrrMonth, currency_months, earlier, full, last_full, reporting_months
from reports.terms import Terms, counted

SHOWN_MONTHS = 24
TABLE_MONTHS = 13
NO_MONTHS = "No month has MRR yet: the chart begins with the first subscription that counts."
NO_FULL_MONTH = "No month is over yet: the bridge appears once the first one is."


def page(marts: Marts, terms: Terms) -> Page:
    """MRR and its movements."""
    months, by_currency = reporting_months(marts), currency_months(marts)
    sections = [
        Section("Movements", (movement_chart(months, terms),)),
        Section("One month", (bridge_chart(months, terms, name="mrr-bridge"),)),
        Section("MRR over time", (line_chart(months, terms, name="mrr-history"),)),
        committed.section(marts, terms),
        slices.section(marts, months, terms),
        Section(
            "By billing currency",
            (
                *(_currency_chart(code, own, terms) for code, own in by_currency.items()),
                _currency_table(by_currency, terms),
            ),
            ("Each currency by itself, without conversion; amounts of different currencies are never added.",),
        ),
        Section("The log", movements.log(marts, months, terms)),
    ]
    return Page("mrr", "MRR", findings(months, by_currency, terms), tuple(sections))


def findings(months: Sequence[MrrMonth], by_currency: dict[str, list[MrrMonth]], terms: Terms) -> tuple[str, ...]:
    """What the numbers say, in sentences."""
    last = last_full(months)
    if last is None:
        return ("No month is over yet.",) if months else ("No subscription has counted in MRR yet.",)
    said = [closing_words(last, months, terms), bridge_words(last, terms)]
    year = full(months)[-12:]
    gained = [month for month in year if month.net_new > 0]
    if len(year) > 1:
        said.append(f"Net new MRR was above zero in {len(gained)} of the last {len(year)} full months.")
    if len(by_currency) > 1:
        said.append(
            f"Customers are billed in {len(by_currency)} currencies; exchange rates stand as their own movement."
        )
    return tuple(said)


def closing_words(month: MrrMonth, months: Sequence[MrrMonth], terms: Terms) -> str:
    """`MRR closed Oct 2026 at 104,500.00 USD, up 2.1% on Sep 2026 and up 31.0% on Oct 2025.`"""
    by_first = {one.first: one for one in months}
    changes = []
    for back in (1, 12):
        before = by_first.get(earlier(month.first, back))
        if before is not None:
            changes.append(change_words(_closing(month, terms), _closing(before, terms), before.name))
    changes = [words for words in changes if words]
    return f"MRR closed {month.name} at {terms.words(month.closing)}{', ' + ' and '.join(changes) if changes else ''}."


def bridge_words(month: MrrMonth, terms: Terms) -> str:
    """What a month's gains and losses were, in one sentence."""
    gains = sum(amount for amount in month.moves.values() if amount > 0)
    losses = sum(amount for amount in month.moves.values() if amount < 0)
    return (
        f"{month.name} opened at {terms.words(month.opening)}, gained {terms.words(gains)}, "
        f"lost {terms.words(-losses)} and closed at {terms.words(month.closing)}."
    )


def line_chart(months: Sequence[MrrMonth], terms: Terms, name: str = "mrr-line") -> Chart:
    """MRR at each month's end; the month that is not over is dashed."""
    shown_months = months[-SHOWN_MONTHS - 1 :]
    values = [_closing(month, terms) for month in shown_months]
    series = Series("MRR", "main", values, _provisional(shown_months))
    rows = tuple(
        Row(
            (month.month, _closing(month, terms), terms.money(month.net_new, signed=True), Count(month.customers)),
            _weight(month),
        )
        for month in shown_months
    )
    return Chart(
        name,
        _over(len(full(shown_months))),
        figures.lines([month.name for month in shown_months], [series], from_zero=True),
        _line_words(months, terms),
        f"{terms.unit} a month, at month end",
        _dashed(shown_months, SHORT["mrr"]),
        "mrr",
        Table(
            name,
            f"MRR at month end, {terms.unit}",
            (
                Column("Month"),
                Column("MRR", unit=terms.unit),
                Column("Net new MRR", unit=terms.unit),
                Column("Customers"),
            ),
            rows,
            empty=NO_MONTHS,
            download=Download(
                name,
                ("month", "mrr", "net_new_mrr", "currency", "customers", "is_partial"),
                [
                    (
                        m.month,
                        terms.money(m.exact["closing_mrr"]),
                        terms.money(_exact_net_new(m)),
                        terms.unit,
                        Count(m.customers),
                        _flag(m),
                    )
                    for m in months
                ],
            ),
        ),
        empty="" if shown_months else NO_MONTHS,
    )


def _line_words(months: Sequence[MrrMonth], terms: Terms) -> str:
    """How the last full month closed; where there is none yet, how the month that runs stands."""
    last = last_full(months)
    if last is not None:
        return closing_words(last, months, terms)
    if not months:
        return NO_MONTHS
    now = months[-1]
    return f"{now.name} is the first month and not over: MRR stands at {terms.words(now.closing)}."


def bridge_chart(months: Sequence[MrrMonth], terms: Terms, name: str) -> Chart:
    """From the opening to the closing of the last full month."""
    last = last_full(months)
    steps = _steps(last, terms) if last else []
    table = Table(
        name,
        f"MRR bridge of {last.name}, {terms.unit}" if last else "MRR bridge",
        (Column("Step"), Column("MRR", unit=terms.unit), Column("Customers")),
        tuple(
            Row((label, value, _count(last, role)), "total" if total else "")
            for label, value, role, total in steps
            if last
        ),
        empty=NO_FULL_MONTH,
        sortable=False,
    )
    return Chart(
        name,
        f"MRR bridge of {last.name}" if last else "MRR bridge",
        figures.bridge(
            [label for label, *_ in steps],
            [value for _, value, *_ in steps],
            [role for *_, role, _ in steps],
            [total for *_, total in steps],
        ),
        bridge_words(last, terms) if last else NO_FULL_MONTH,
        f"{terms.unit} a month",
        SHORT["mrr_movements"],
        "mrr_movements",
        table,
        empty="" if last else NO_FULL_MONTH,
    )


def movement_chart(months: Sequence[MrrMonth], terms: Terms) -> Chart:
    """Gains up and losses down, a column a month, with net new MRR on top; told of the months that are drawn."""
    shown_months = months[-SHOWN_MONTHS - 1 :]
    start = _provisional(shown_months)
    stacked = [
        Series(label, kind, [terms.money(month.moves[kind], signed=True) for month in shown_months], start)
        for kind, label in CLASSES
        if any(month.moves[kind] for month in shown_months)
    ]
    net = Series("Net new MRR", "net", [terms.money(month.net_new, signed=True) for month in shown_months], start)
    return Chart(
        "mrr-movements",
        "Movements by month",
        figures.columns([month.name for month in shown_months], stacked, line=net),
        _movement_words(shown_months, terms),
        f"{terms.unit} a month",
        _dashed(shown_months, SHORT["mrr_movements"]),
        "mrr_movements",
        _movement_table(months, terms),
        empty="" if stacked else NO_MONTHS,
        open_table=True,
    )


def _movement_words(months: Sequence[MrrMonth], terms: Terms) -> str:
    complete = full(months)
    if not complete:
        return NO_MONTHS if not months else "The first month is not over."
    best, worst = max(complete, key=lambda m: m.net_new), min(complete, key=lambda m: m.net_new)
    if best is worst:
        return f"Net new MRR of {best.name} was {terms.words(best.net_new, signed=True)}."
    return (
        f"Net new MRR ran from {terms.words(worst.net_new, signed=True)} in {worst.name} "
        f"to {terms.words(best.net_new, signed=True)} in {best.name}."
    )


def _movement_table(months: Sequence[MrrMonth], terms: Terms) -> Table:
    """Classes by months: amount, and how many customers made it."""
    chosen = months[-TABLE_MONTHS:]

    def row(label: str, term: str, cell_of: Any, weight: Any = "") -> Row:
        return Row((label, *(cell_of(month) for month in chosen)), weight, term)

    def moved(kind: str) -> Any:
        if kind == "fx":
            return lambda month: terms.money(month.moves[kind])
        return lambda month: Counted(terms.money(month.moves[kind]), month.counts[kind])

    rows = [
        row(
            "Opening MRR",
            "opening_mrr",
            lambda month: Counted(terms.money(month.opening), month.opening_customers),
            "total",
        ),
        *(row(label, f"{kind}_mrr", moved(kind)) for kind, label in CLASSES),
        row("Closing MRR", "mrr", lambda month: Counted(terms.money(month.closing), month.customers), "total"),
        row("Net new MRR", "net_new_mrr", lambda month: terms.money(month.net_new, signed=True), "part"),
    ]
    return Table(
        "mrr-movements",
        f"Movements by month, {terms.unit}; beneath each amount the customers who made it",
        (Column("Movement"), *(Column(month.name, month.is_partial) for month in chosen)),
        tuple(rows) if chosen else (),
        notes=("Every column adds up from opening to closing",),
        empty=NO_MONTHS,
        sortable=False,
        download=_tidy("mrr-movements", months, terms),
    )


def _tidy(name: str, months: Sequence[MrrMonth], terms: Terms) -> Download:
    """Every month and class as a row of its own, with exact amounts."""
    header = ("month", "movement", "amount", "currency", "customers", "is_partial")
    steps = (("opening", "opening_mrr"), *((kind, f"{kind}_mrr") for kind, _ in CLASSES), ("closing", "closing_mrr"))
    return Download(
        name,
        header,
        [
            (month.month, kind, terms.money(month.exact[column]), terms.unit, _tidy_count(month, kind), _flag(month))
            for month in months
            for kind, column in steps
        ],
    )


def _tidy_count(month: MrrMonth, kind: str) -> Cell:
    if kind in month.counts:
        return Count(month.counts[kind])
    return {"opening": Count(month.opening_customers), "closing": Count(month.customers)}.get(kind)


def _currency_chart(code: str, months: Sequence[MrrMonth], terms: Terms) -> Chart:
    shown_months = months[-SHOWN_MONTHS - 1 :]
    unit = code.upper()
    values = [terms.money(month.closing, code) for month in shown_months]
    last = last_full(months)
    name = f"mrr-{code}"
    kinds = [kind for kind, _ in CLASSES if kind != "fx"]
    return Chart(
        name,
        unit,
        figures.lines(
            [m.name for m in shown_months],
            [Series(f"MRR in {unit}", "main", values, _provisional(shown_months))],
            from_zero=True,
        ),
        f"{terms.words(last.closing, code)} from {counted(last.customers, 'customer')} at the end of {last.name}."
        if last
        else "No month is over yet.",
        f"{unit} a month, at month end",
        _dashed(shown_months, "MRR of subscriptions billed in this currency."),
        "mrr",
        Table(
            name,
            f"MRR roll-forward in {unit}",
            (
                Column("Month"),
                Column("Opening", unit=unit),
                *(Column(label) for kind, label in CLASSES if kind in kinds),
                Column("Closing", unit=unit),
                Column("Customers"),
            ),
            tuple(
                Row(
                    (
                        m.month,
                        terms.money(m.opening, code),
                        *(terms.money(m.moves[kind], code) for kind in kinds),
                        terms.money(m.closing, code),
                        Count(m.customers),
                    ),
                    _weight(m),
                )
                for m in shown_months
            ),
        ),
        width="half",
        empty="" if shown_months else NO_MONTHS,
    )


def _currency_table(by_currency: dict[str, list[MrrMonth]], terms: Terms) -> TableBlock:
    rows = []
    for code, months in by_currency.items():
        last, now = last_full(months), months[-1]
        closing: Cell = terms.money(last.closing, code) if last else Missing("no month is over")
        rows.append(Row((code.upper(), closing, terms.money(now.closing, code), Count(now.customers))))
    return TableBlock(
        "All currencies",
        Table(
            "mrr-in-each-currency",
            "MRR by billing currency, each in its own",
            (Column("Currency"), Column("End of last full month"), Column("Now"), Column("Customers now")),
            tuple(rows),
            empty=NO_MONTHS,
        ),
        "Each row in its own currency",
        SHORT["mrr"],
        "mrr",
    )


def _steps(month: MrrMonth, terms: Terms) -> list[tuple[str, Money, str, bool]]:
    """A bridge's steps: label, amount, role, whether it stands on zero."""
    moves = [
        (label, terms.money(month.moves[kind], signed=True), kind, False)
        for kind, label in CLASSES
        if month.moves[kind] or kind != "fx"
    ]
    opening = ("Opening", terms.money(month.opening), "total", True)
    return [opening, *moves, ("Closing", terms.money(month.closing), "total", True)]


def _count(month: MrrMonth | None, role: str) -> Cell:
    return Count(month.counts[role]) if month is not None and role in month.counts else None


def _over(months: int) -> str:
    return f"MRR, {months} {'month' if months == 1 else 'months'}" if months else "MRR"


def _closing(month: MrrMonth, terms: Terms) -> Money:
    return terms.money(month.closing)


def _exact_net_new(month: MrrMonth) -> Any:
    return sum(month.exact[f"{kind}_mrr"] for kind, _ in CLASSES if kind != "fx")


def _provisional(months: Sequence[MrrMonth]) -> int | None:
    return next((index for index, month in enumerate(months) if month.is_partial), None)


def _weight(month: MrrMonth) -> Any:
    return "partial" if month.is_partial else ""


def _flag(month: MrrMonth) -> str:
    return "true" if month.is_partial else "false"


def _dashed(months: Sequence[MrrMonth], words: str) -> str:
    return f"{words} Dashed or pale: the month is not over." if any(month.is_partial for month in months) else words
