"""Forecast: where MRR is heading, how wrong such forecasts were before, what is set already, and the cash to come.

Cash is told by reports/cash_forecast.py.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import polars as pl

from dashboards import figures
from dashboards.figures import Interval, Series
from dashboards.page import Block, Chart, Column, Download, Page, Row, Section, Table, TableBlock
from dashboards.values import Cell, Count, Missing, Month, Rate, Ratio, month_text
from reports import cash_forecast
from reports.committed import STEPS, footed
from reports.glossary import SHORT
from reports.marts import Marts
from reports.months import MrrMonth, full, reporting_months
from reports.rows import Rows
from reports.terms import Terms, shown_rate

METHODS: Mapping[str, tuple[str, str]] = {
    "components": ("Components", "what moves MRR, new MRR at its recent level"),
    "components_renewals": ("Components by renewal", "what moves MRR, churn by how long customers have paid and renew"),
    "components_trend": ("Components with trend", "what moves MRR, new MRR with its recent trend"),
    "naive": ("Last value", "MRR stays where it is"),
    "drift": ("Drift", "MRR goes on by its mean monthly change"),
    "recent_means": ("Three-month means", "the gains and the churn rate of the last three months go on"),
    "theta": ("Theta", "smoothed MRR with half its long-run slope"),
}
"""Name and words of each method, as it is shown."""
SHOWN_MONTHS = 24
COMPARED_AHEAD = 3
FARTHEST = 12
ENOUGH_TRIES = 5
TOO_NARROW = Decimal("0.65")
"""Share of tries below which a band of 80 % is called too narrow."""
NO_MONTH = "No month is over yet: a forecast goes by full months."
PAST = "These pages end with a past month; a forecast is made from the present and stands on the pages of now."
NO_BACKTEST = "No forecast of the past can be held against what came yet."


@dataclass(frozen=True)
class Outlook:
    """The forecast that is shown: its method, why that one, its months, and what is set already."""

    choice: dict[str, Any] | None
    months: Sequence[dict[str, Any]]
    known: Sequence[dict[str, Any]]
    scores: Mapping[int, dict[str, Any]]
    """The backtest of the method by months ahead."""

    @property
    def method(self) -> str:
        """Its name, inside a sentence."""
        name = self.choice["method"] if self.choice else None
        return METHODS[name][0] if name else ""

    @property
    def absence(self) -> str:
        """Why there is no forecast; empty where there is one."""
        if self.months:
            return ""
        if self.choice is None:
            return NO_MONTH
        if self.choice["method"] is None:
            return f"There is no forecast: {self.choice['reason']} ({self.choice['full_months']} so far)."
        return PAST


def page(marts: Marts, terms: Terms) -> Page:
    """Forecast."""
    found, history = outlook(marts), full(reporting_months(marts))
    cash = cash_forecast.months(marts)
    return Page(
        "forecast",
        "Forecast",
        findings(found, cash, terms),
        (
            Section("MRR to come", (_fan(found, history, marts, terms), *_trust(found, marts, terms))),
            Section("What is set already", (_known(found, terms),)),
            Section("Cash from what is signed", (cash_forecast.chart(cash, marts, terms),)),
        ),
    )


def outlook(marts: Marts) -> Outlook:
    """The forecast that is shown."""
    choice = marts.table("mrr_forecast_choice").to_dicts()
    scores = marts.table("mrr_forecast_backtest").filter("is_shown").to_dicts()
    return Outlook(
        choice[0] if choice else None,
        marts.table("mrr_forecast").filter("is_shown").sort("month").to_dicts(),
        marts.table("known_mrr_by_month").sort("month").to_dicts(),
        {row["horizon_months"]: row for row in scores},
    )


def findings(found: Outlook, cash: Sequence[dict[str, Any]], terms: Terms) -> tuple[str, ...]:
    """What the numbers say, in sentences."""
    said = [found.absence] if found.absence else _forecast_words(found, terms)
    if found.known:
        first, last = found.known[0], found.known[-1]
        said.append(
            f"What is set already, trials at the rate that converts, takes MRR from {terms.words(first['mrr'])} now to "
            f"{terms.words(last['committed_with_trials_mrr'])} by the end of {month_text(last['month'])}."
        )
    if cash:
        said.append(cash_forecast.words(cash, terms))
    return tuple(said)


def _forecast_words(found: Outlook, terms: Terms) -> list[str]:
    last = found.months[-1]
    said = [
        f"By the end of {month_text(last['month'])} MRR is expected at {terms.words(last['p50_mrr_reporting'])}, eight "
        f"times in ten between {terms.words(last['p10_mrr_reporting'])} and {terms.words(last['p90_mrr_reporting'])}.",
        method_words(found),
    ]
    score = found.scores.get(COMPARED_AHEAD)
    if score is not None:
        said.append(score_words(score, terms))
    farthest = found.scores.get(FARTHEST)
    if farthest is not None and _is_too_narrow(farthest["covered"], farthest["origins"]):
        said.append(
            f"The band {FARTHEST} months ahead would have held {farthest['covered']} of {farthest['origins']} times: "
            "that far it has been too narrow."
        )
    return said


def method_words(found: Outlook) -> str:
    """Which method it is, and why."""
    choice = found.choice or {}
    words = METHODS[choice["method"]][1]
    if choice["reason"] is None:
        return f"The method is {found.method} ({words}): of six, the least wrong three months ahead in this history."
    return f"The method is {found.method} ({words}): {choice['reason']}."


def score_words(score: Mapping[str, Any], terms: Terms) -> str:
    """How wrong it was, and how often the band held."""
    tries, held = score["origins"], score["covered"]
    months = score["horizon_months"]
    share = score["absolute_error_rate"]
    off = terms.words(score["mean_absolute_error_reporting"])
    by = f"{shown_rate(_share(share))} of MRR ({off})" if share is not None else off
    ahead = f"{months} month{'s' if months > 1 else ''}"
    return (
        f"Forecasts of {ahead} ahead would have been off by {by} on average over {tries} "
        f"{'try' if tries == 1 else 'tries'}, and the band would have held {held} of {tries} times; it promises "
        f"eight in ten{_verdict(held, tries)}."
    )


def _verdict(held: int, tries: int) -> str:
    if tries < ENOUGH_TRIES:
        return ", and so few tries prove little"
    return ", so it has been too narrow: expect to be further off" if _is_too_narrow(held, tries) else ""


def _is_too_narrow(held: int, tries: int) -> bool:
    return tries >= ENOUGH_TRIES and held < TOO_NARROW * tries


def _fan(found: Outlook, history: Sequence[MrrMonth], marts: Marts, terms: Terms) -> Chart:
    """MRR so far, the forecast with its band, and what is set already."""
    past = history[-SHOWN_MONTHS:]
    names = [month.name for month in past] + [month_text(row["month"]) for row in found.months]
    before: list[Cell] = [None] * max(0, len(past) - 1)
    joint: list[Cell] = [terms.money(past[-1].closing)] if past else []
    known = {row["month"]: row["committed_with_trials_mrr"] for row in found.known}

    def line(column: str) -> list[Cell]:
        return [*before, *joint, *(terms.money(row[column]) for row in found.months)]

    series = [
        Series(f"Forecast: {found.method}", "main", line("p50_mrr_reporting"), dashed=True),
        Series("MRR", "net", [*(terms.money(month.closing) for month in past), *(None for _ in found.months)]),
        Series(
            "Set already",
            "fourth",
            [*(None for _ in past), *(_known_money(known.get(row["month"]), terms) for row in found.months)],
        ),
    ]
    band = Interval("P10 to P90", "main", line("p10_mrr_reporting"), line("p90_mrr_reporting"))
    return Chart(
        "forecast",
        "MRR, and where it is heading",
        figures.lines(names, series if found.months else [], from_zero=True, interval=band if found.months else None),
        " ".join(_forecast_words(found, terms)[:1]) if found.months else found.absence,
        f"{terms.unit} a month, at month end",
        SHORT["mrr_forecast"],
        "mrr_forecast",
        Table(
            "forecast",
            f"MRR forecast by month, {terms.unit}",
            (
                Column("Month"),
                Column("Low (P10)", unit=terms.unit),
                Column("Forecast (P50)", unit=terms.unit),
                Column("High (P90)", unit=terms.unit),
                Column("Set already", unit=terms.unit),
            ),
            tuple(
                Row(
                    (
                        Month(row["month"]),
                        *(terms.money(row[f"p{edge}_mrr_reporting"]) for edge in (10, 50, 90)),
                        _known_money(known.get(row["month"]), terms),
                    )
                )
                for row in found.months
            ),
            notes=("Estimates, in the exchange rates of now", "The file has every method"),
            empty=found.absence,
            download=_forecast_file(marts, terms),
        ),
        empty=found.absence,
        open_table=True,
    )


def _known_money(amount: Decimal | None, terms: Terms) -> Cell:
    return None if amount is None else terms.money(amount)


def _trust(found: Outlook, marts: Marts, terms: Terms) -> tuple[Block, ...]:
    """The backtest: of the method shown by months ahead, and of all methods."""
    backtest = marts.table("mrr_forecast_backtest")
    if found.absence:
        return ()
    own = [found.scores[ahead] for ahead in sorted(found.scores)]
    finding = score_words(found.scores[COMPARED_AHEAD], terms) if COMPARED_AHEAD in found.scores else NO_BACKTEST
    blocks: list[Block] = [
        TableBlock(
            f"How wrong {found.method} would have been",
            Table(
                "forecast-backtest",
                f"Backtest of {found.method}, by months ahead",
                (
                    Column("Months ahead"),
                    Column("Tries"),
                    Column("Off by, on average"),
                    Column("Off by", unit=terms.unit),
                    Column("Too high (+) or low (−)", unit=terms.unit),
                    Column("Band held, times"),
                    Column("Band held"),
                ),
                tuple(Row(_score_cells(row, terms)) for row in own),
                notes=("A band of 80% should hold eight times in ten", "The file has every method and forecast"),
                empty=NO_BACKTEST,
                sortable=False,
                download=_origins_file(marts, terms),
            ),
            "Forecasts at past month ends",
            SHORT["mrr_forecast_backtest"],
            "mrr_forecast_backtest",
            finding,
        )
    ]
    compared = backtest.filter(horizon_months=COMPARED_AHEAD)
    if compared.height > 1:
        blocks.append(_methods(found, compared, terms))
    return tuple(blocks)


def _score_cells(row: Mapping[str, Any], terms: Terms) -> tuple[Cell, ...]:
    share = row["absolute_error_rate"]
    return (
        str(row["horizon_months"]),
        Count(row["origins"]),
        Missing("there was no MRR") if share is None else _share(share),
        terms.money(row["mean_absolute_error_reporting"]),
        terms.money(row["mean_error_reporting"], signed=True),
        Count(row["covered"]),
        Rate(row["covered"], row["origins"]),
    )


def _methods(found: Outlook, compared: pl.DataFrame, terms: Terms) -> TableBlock:
    """Every method three months ahead, the least wrong first."""
    rows = compared.sort("mase", "method", nulls_last=True).to_dicts()
    return TableBlock(
        "All methods, three months ahead",
        Table(
            "forecast-methods",
            "Every method three months ahead, the least wrong first",
            (
                Column("Method"),
                Column("What it says"),
                Column("Off by, on average"),
                Column("Off by, in monthly changes"),
                Column("Pinball loss", unit=terms.unit),
                Column("Band held"),
                Column("Shown"),
            ),
            tuple(
                Row(
                    (
                        METHODS[row["method"]][0],
                        METHODS[row["method"]][1],
                        _share(row["absolute_error_rate"] or 0),
                        Missing("MRR has never changed") if row["mase"] is None else _ratio(row["mase"]),
                        terms.money(row["pinball_loss_reporting"]),
                        Rate(row["covered"], row["origins"]),
                        "shown" if row["is_shown"] else "",
                    ),
                    "total" if row["is_shown"] else "",
                )
                for row in rows
            ),
            notes=("Off by, in monthly changes, is MASE: 1 is the mean size of a month's change",),
            sortable=False,
        ),
        f"{rows[0]['origins']} forecasts each" if rows else "",
        SHORT["mrr_forecast_backtest"],
        "mrr_forecast_backtest",
        method_words(found),
    )


def _known(found: Outlook, terms: Terms) -> TableBlock:
    """What is set already, month by month."""
    steps = [(column, label) for column, label, _ in STEPS if any(row[column] for row in found.known)]
    rows = []
    for row in found.known:
        whole = footed(row)
        cells = [whole["mrr"], *(whole[column] for column, _ in steps), whole["committed_mrr"]]
        trials = [whole["expected_trials_mrr"], whole["committed_with_trials_mrr"]]
        rows.append(Row((Month(row["month"]), *(terms.money(cell) for cell in (*cells, *trials)))))
    return TableBlock(
        "Known MRR by month",
        Table(
            "known-mrr",
            f"What is set already, by the end of each month, {terms.unit}",
            (
                Column("Month"),
                Column("MRR now"),
                *(Column(label) for _, label in steps),
                Column("Committed MRR"),
                Column("Trials, at the rate that converts"),
                Column("With trials"),
            ),
            tuple(rows),
            notes=("Every row adds up", "A kind of change that is nowhere set has no column"),
            empty=NO_MONTH if found.choice is None else PAST,
            sortable=False,
        ),
        f"{terms.unit} a month",
        SHORT["committed_mrr"],
        "committed_mrr",
    )


def _share(value: float) -> Rate:
    return Rate(Decimal(str(value)), 1)


def _ratio(value: float) -> Ratio:
    return Ratio(Decimal(str(value)))


def _forecast_file(marts: Marts, terms: Terms) -> Download:
    edges = ("p10", "p50", "p90")

    def cells(row: dict[str, Any]) -> tuple[Cell, ...]:
        return (
            Month(row["month"]),
            row["method"],
            str(row["horizon_months"]),
            *(terms.money(row[f"{edge}_mrr_reporting"]) for edge in edges),
            terms.unit,
            "true" if row["is_shown"] else "false",
        )

    header = ("month", "method", "horizon_months", *edges, "currency", "is_shown")
    return Download("forecast", header, Rows(marts.table("mrr_forecast").sort("month", "method"), cells))


def _origins_file(marts: Marts, terms: Terms) -> Download:
    edges = ("p10", "p50", "p90", "actual")

    def cells(row: dict[str, Any]) -> tuple[Cell, ...]:
        return (
            row["method"],
            Month(row["origin_month"]),
            str(row["horizon_months"]),
            Month(row["month"]),
            *(terms.money(row[f"{edge}_mrr_reporting"]) for edge in edges),
            terms.unit,
        )

    header = ("method", "origin_month", "horizon_months", "month", *edges, "currency")
    frame = marts.table("mrr_forecast_origins").sort("method", "origin_month", "horizon_months")
    return Download("forecast-backtest", header, Rows(frame, cells))
