"""What the page of forecasts says, on tables whose figures are known."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from dashboards.drawing import FULL, draw, legend
from dashboards.page import Chart, Page, Table, charts_of, tables_of
from dashboards.values import plain, shown
from models.contracts.marts import FORECAST_METHOD
from models.forecast.mrr import METHODS as MODELLED
from reports import cash_forecast, forecast
from reports.marts import Marts, through
from reports.terms import Terms
from tests.reports.company import marts

Row = dict[str, Any]
NOV = date(2026, 11, 1)
DEC = date(2026, 12, 1)


def page_of(tables: Marts) -> Page:
    return forecast.page(tables, Terms(tables.publication))


def table(page: Page, name: str) -> Table:
    return next(one for one in tables_of(page) if one.name == name)


def chart(page: Page, name: str) -> Chart:
    return next(one for one in charts_of(page) if one.name == name)


def lines(found: Table) -> list[tuple[str, ...]]:
    return [tuple(shown(cell) for cell in row.cells) for row in found.rows]


def history(*closings: int) -> list[Row]:
    """Full months that end with October 2026, and November so far."""
    months = [date(2026, 11 - len(closings) + place, 1) for place in range(len(closings))]
    moves = dict.fromkeys(("new", "expansion", "contraction", "churn", "reactivation", "fx"), Decimal(0))
    counts = dict.fromkeys(("new_customers", "churned_customers", "reactivated_customers", "closing_customers"), 1)
    rows = []
    for month, before, after in zip((*months, NOV), (0, *closings), (*closings, closings[-1]), strict=True):
        told = {f"{kind}_mrr": amount for kind, amount in (moves | {"new": Decimal(after - before)}).items()}
        ends = {"opening_mrr": Decimal(before), "closing_mrr": Decimal(after), "is_partial": month == NOV}
        rows.append({"month": month, "currency": "usd", **ends, **told, **counts})
    return rows


def ahead(month: date, method: str, p10: int, p50: int, p90: int, is_shown: bool) -> Row:
    return {
        "month": month,
        "method": method,
        "horizon_months": month.month - 10,
        "currency": "usd",
        "p10_mrr_reporting": p10,
        "p50_mrr_reporting": p50,
        "p90_mrr_reporting": p90,
        "is_shown": is_shown,
    }


def scored(method: str, months: int, mase: float, is_shown: bool, covered: int = 6, origins: int = 8) -> Row:
    return {
        "method": method,
        "horizon_months": months,
        "origins": origins,
        "mase": mase,
        "mean_absolute_error_reporting": 5_000,
        "mean_error_reporting": -2_000,
        "mean_actual_reporting": 100_000,
        "absolute_error_rate": 0.05,
        "pinball_loss_reporting": 1_700,
        "covered": covered,
        "coverage_rate": covered / origins,
        "is_shown": is_shown,
    }


def choice(months: int = 14, method: str | None = "theta", reason: str | None = None) -> list[Row]:
    return [{"full_months": months, "last_full_month": date(2026, 10, 1), "method": method, "reason": reason}]


def known(month: date, cancellation: int, trials: int) -> Row:
    nothing = dict.fromkeys(("pause_mrr", "resume_mrr", "phase_mrr", "discount_mrr", "start_mrr"), Decimal(0))
    return {
        "month": month,
        "until": month,
        "currency": "usd",
        "mrr": Decimal(100_000),
        "cancellation_mrr": Decimal(cancellation),
        **nothing,
        "committed_mrr": Decimal(100_000 + cancellation),
        "trials_mrr": Decimal(2 * trials),
        "converted_trials": 1,
        "decided_trials": 2,
        "expected_trials_mrr": Decimal(trials),
        "committed_with_trials_mrr": Decimal(100_000 + cancellation + trials),
    }


def renewing(method: str, expected: int | None = 9_600) -> Row:
    said = expected is not None
    return {
        "month": DEC,
        "collection_method": method,
        "currency": "usd",
        "renewals": 3,
        "billed_reporting": 10_000,
        "next_renewals": 1,
        "next_billed_reporting": 4_000,
        "first_attempt_reporting": 9_000 if said else None,
        "recovered_reporting": 600 if said else None,
        "expected_reporting": expected,
        "haircut_reporting": 400 if said else None,
        "past_attempted_reporting": 1,
        "past_succeeded_reporting": 1,
        "past_failed_reporting": 1,
        "past_recovered_reporting": 1,
        "is_partial": False,
    }


def told(**more: list[Row]) -> Marts:
    return marts(
        {
            "mrr_by_month_reporting": history(80_000, 90_000, 100_000),
            "mrr_forecast_choice": choice(),
            "mrr_forecast": [
                ahead(NOV, "theta", 95_000, 104_000, 113_000, True),
                ahead(DEC, "theta", 90_000, 108_000, 126_000, True),
                ahead(DEC, "drift", 1, 2, 3, False),
            ],
            "mrr_forecast_backtest": [
                scored("drift", 3, 1.5, False),
                scored("theta", 3, 1.25, True),
                scored("theta", 1, 0.75, True),
            ],
            "known_mrr_by_month": [known(NOV, 0, 500), known(DEC, -3_000, 500)],
            "cash_forecast_by_month": [renewing("charge_automatically"), renewing("send_invoice")],
            **more,
        }
    )


def test_the_page_says_where_mrr_is_heading_by_which_method_and_how_wrong_that_was() -> None:
    assert page_of(told()).findings == (
        "By the end of Dec 2026 MRR is expected at 1,080.00 USD, eight times in ten between 900.00 USD and "
        "1,260.00 USD.",
        "The method is Theta (smoothed MRR with half its long-run slope): of six, the least wrong three months ahead "
        "in this history.",
        "Forecasts of 3 months ahead would have been off by 5.0% of MRR (50.00 USD) on average over 8 tries, and the "
        "band would have held 6 of 8 times; it promises eight in ten.",
        "What is set already, trials at the rate that converts, takes MRR from 1,000.00 USD now to 975.00 USD by the "
        "end of Dec 2026.",
        "Renewals of what is signed should bring 192.00 USD by the end of Dec 2026: 200.00 USD billed, less 8.00 USD "
        "(4.0%) that fails and is not recovered.",
    )


@pytest.mark.parametrize(
    ("covered", "origins", "words"),
    [
        (4, 8, "held 4 of 8 times; it promises eight in ten, so it has been too narrow: expect to be further off."),
        (1, 1, "over 1 try, and the band would have held 1 of 1 times; it promises eight in ten, and so few tries"),
    ],
)
def test_a_band_that_did_not_hold_is_called_so(covered: int, origins: int, words: str) -> None:
    tables = told(mrr_forecast_backtest=[scored("theta", 3, 1.0, True, covered, origins)])
    assert words in " ".join(page_of(tables).findings)


def test_a_band_that_did_not_hold_a_year_ahead_is_called_so_too() -> None:
    tables = told(mrr_forecast_backtest=[scored("theta", 3, 1.0, True), scored("theta", 12, 4.0, True, 2, 8)])
    assert page_of(tables).findings[3] == (
        "The band 12 months ahead would have held 2 of 8 times: that far it has been too narrow."
    )


def test_the_chart_has_the_past_the_band_and_what_is_set() -> None:
    found = chart(page_of(told()), "forecast")
    drawing = draw(found.figure, FULL[0])
    assert len(drawing.areas) == 1
    assert [one.title for one in drawing.bands] == ["Aug 2026", "Sep 2026", "Oct 2026", "Nov 2026", "Dec 2026"]
    assert [name for _, name, _ in drawing.bands[-1].readings] == ["P10 to P90", "Forecast: Theta", "Set already"]
    assert [text for *_, text in drawing.bands[0].readings] == ["800.00"]
    assert len(legend(found.figure, "full")) == 4
    assert lines(found.table) == [
        ("Nov 2026", "950.00", "1,040.00", "1,130.00", "1,005.00"),
        ("Dec 2026", "900.00", "1,080.00", "1,260.00", "975.00"),
    ]


def test_the_backtest_stands_beside_it_and_the_methods_by_how_wrong_they_were() -> None:
    page = page_of(told())
    assert lines(table(page, "forecast-backtest")) == [
        ("1", "8", "5.0%", "50.00", "−20.00", "6", "75.0%"),
        ("3", "8", "5.0%", "50.00", "−20.00", "6", "75.0%"),
    ]
    methods = lines(table(page, "forecast-methods"))
    assert [(row[0], row[3], row[-1]) for row in methods] == [("Theta", "1.25", "shown"), ("Drift", "1.50", "")]


def test_what_is_set_has_a_column_for_each_kind_that_is_and_adds_up() -> None:
    found = table(page_of(told()), "known-mrr")
    assert [column.label for column in found.columns][1:4] == ["MRR now", "Scheduled cancellations", "Committed MRR"]
    assert lines(found)[1] == ("Dec 2026", "1,000.00", "−30.00", "970.00", "5.00", "975.00")


def test_cash_is_both_ways_of_collection_together_and_the_file_has_each() -> None:
    found = table(page_of(told()), "cash-forecast")
    assert lines(found) == [("Dec 2026", "6", "200.00", "80.00", "180.00", "12.00", "8.00", "192.00")]
    assert found.download is not None
    assert [[plain(cell) for cell in row][:4] for row in found.download.rows] == [
        ["2026-12", "charge_automatically", "3", "100"],
        ["2026-12", "send_invoice", "3", "100"],
    ]


def test_cash_says_where_nothing_was_ever_tried() -> None:
    page = page_of(told(cash_forecast_by_month=[renewing("charge_automatically", None)]))
    assert page.findings[-1] == (
        "Renewals of what is signed bill 100.00 USD by the end of Dec 2026; no payment was tried in the last twelve "
        "full months."
    )
    assert lines(table(page, "cash-forecast"))[0][-1] == "n/a"


def test_a_history_that_is_too_short_says_so_and_keeps_what_is_known() -> None:
    page = page_of(
        told(
            mrr_forecast=[],
            mrr_forecast_backtest=[],
            mrr_forecast_choice=choice(4, None, "fewer than 6 full months of MRR"),
        )
    )
    absence = "There is no forecast: fewer than 6 full months of MRR (4 so far)."
    assert page.findings[0] == chart(page, "forecast").empty == absence
    assert "forecast-backtest" not in [one.name for one in tables_of(page)]
    assert len(table(page, "known-mrr").rows) == 2


def test_drift_is_shown_with_the_reason() -> None:
    page = page_of(told(mrr_forecast_choice=choice(method="drift", reason="no method was better than drift")))
    assert page.findings[1] == (
        "The method is Drift (MRR goes on by its mean monthly change): no method was better than drift."
    )


def test_pages_that_end_with_a_past_month_have_no_forecast_and_say_why() -> None:
    page = page_of(through(told(), date(2026, 9, 1)))
    assert page.findings == (forecast.PAST,)


def test_an_account_with_nothing_yet(nothing: Marts) -> None:
    page = page_of(nothing)
    assert page.findings == (forecast.NO_MONTH,)
    assert chart(page, "cash-forecast").empty == cash_forecast.NO_RENEWAL


def test_every_method_has_its_words() -> None:
    assert set(forecast.METHODS) == set(MODELLED)
    assert all(name in FORECAST_METHOD for name in MODELLED)


def test_the_made_up_company_has_a_forecast(example: Marts) -> None:
    page = page_of(example)
    assert [one.name for one in charts_of(page) if not one.empty] == ["forecast"]
    assert page.findings[1].startswith("The method is Drift")
