"""What the first page says, on tables whose figures are known."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from dashboards.page import Tile, Tiles, tables_of
from dashboards.values import Missing, Points, Rate, shown
from reports import overview, retention
from reports.comparisons import change_words, compared
from reports.marts import Marts
from reports.terms import Terms
from tests.reports.company import company, marts


def tiles(tables: Marts) -> dict[str, Tile]:
    page = overview.page(tables, Terms(tables.publication))
    block = page.sections[0].blocks[0]
    assert isinstance(block, Tiles)
    return {tile.label: tile for tile in block.tiles}


def test_six_tiles_have_value_unit_date_both_comparisons_and_thirteen_months(example: Marts) -> None:
    found = tiles(example)
    assert len(found) == 6
    for tile in found.values():
        assert tile.as_of.endswith("as of 31 Oct 2026")
        assert [one.against for one in tile.comparisons] == ["on Sep 2026", "on Oct 2025"]
        assert len(tile.trend) == 13


def test_the_running_month_stands_beside_the_headline_and_is_compared_with_nothing(example: Marts) -> None:
    tile = tiles(example)["Monthly recurring revenue"]
    assert tile.now.startswith("Nov 2026 so far, to 15 Nov 2026: ")
    assert all("Nov" not in one.against for one in tile.comparisons)


def test_a_company_in_its_first_month_shows_it_as_running_and_compares_nothing() -> None:
    young = company(customers=3, months=1)
    tile = tiles(young)["Customers"]
    assert tile.as_of == "Nov 2026 so far, to 15 Nov 2026"
    assert tile.comparisons == ()


def test_an_account_with_nothing_says_why_each_figure_is_missing(nothing: Marts) -> None:
    assert {tile.value for tile in tiles(nothing).values()} == {Missing("nothing has counted yet")}


def test_an_account_with_one_charge_and_no_subscription_shows_its_cash() -> None:
    row = {
        "month": date(2026, 11, 1),
        "metric": "net_volume",
        "value": 941.0,
        "unit": "minor_units",
        "numerator": Decimal(941),
        "is_partial": True,
    }
    found = tiles(marts({"metrics_by_month": [row]}))
    cash = found["Net cash volume"]
    assert (shown(cash.value), cash.as_of) == ("9.41", "Nov 2026 so far, to 15 Nov 2026")
    assert found["Customers"].value == Missing("nothing has counted yet")


def retained(base: int, month: date = date(2026, 10, 1)) -> list[dict[str, Any]]:
    """A retention of four fifths in a month, and so many customers at the end of that month a year before."""
    common = {"is_partial": False}
    return [
        common
        | {
            "month": month.replace(year=month.year - 1),
            "metric": "customers",
            "value": float(base),
            "unit": "count",
            "numerator": Decimal(base),
        },
        common
        | {
            "month": month,
            "metric": "net_revenue_retention",
            "value": 0.8,
            "unit": "ratio",
            "numerator": Decimal(80),
            "denominator": Decimal(100),
        },
    ]


@pytest.mark.parametrize(("base", "note"), [(3, "Small base, 3 customers: read with care"), (20, "")])
def test_a_rate_of_few_customers_is_marked_in_its_tile_and_tables(base: int, note: str) -> None:
    given = marts({"metrics_by_month": retained(base)})
    assert tiles(given)["Net revenue retention"].note == note
    terms = Terms(given.publication)
    said = "Small base in Oct 2026: rates of fewer than 20 customers, read them with care"
    for page, name in (
        (overview.page(given, terms), "overview-metrics"),
        (retention.page(given, terms), "retention-year"),
    ):
        notes = next(table for table in tables_of(page) if table.name == name).notes
        assert (said in notes) == bool(note)


def test_refunds_are_told_with_the_month_that_they_are_counted_in(example: Marts, terms: Terms) -> None:
    said = " ".join(overview.page(example, terms).findings)
    assert "of the month's charges is refunded so far (by charge month, still ripening)" in said


def test_shares_change_by_points_and_amounts_by_percent() -> None:
    churn = compared(Rate(3, 100), Rate(25, 1000), "on Sep 2026", "")
    assert shown(churn.change) == "+0.5 pp"
    assert churn.relative is None
    assert change_words(Rate(3, 100), Rate(25, 1000), "Sep 2026") == "up 0.5 pp on Sep 2026"
    assert change_words(Rate(3, 100), Rate(301, 10000), "Sep 2026") == "level with Sep 2026"


def test_a_missing_month_before_makes_the_comparison_not_available_with_its_reason() -> None:
    comparison = compared(Rate(3, 100), Missing("before the first month"), "on Oct 2025", "")
    assert comparison.change == Missing("before the first month")


def test_the_largest_loss_is_named_with_what_stripe_knows_of_it() -> None:
    day = date(2026, 10, 7)
    lost = {
        "customer_id": "cus_1",
        "moved_on": day,
        "movement_type": "churn",
        "cause": "voluntary",
        "currency": "usd",
        "mrr_before": Decimal(120000),
        "mrr_after": Decimal(0),
        "mrr_delta": Decimal(-120000),
        "mrr_delta_reporting": Decimal(-120000),
    }
    churned = {
        "customer_id": "cus_1",
        "churned_on": day,
        "currency": "usd",
        "kind": "voluntary",
        "feedback": "too_expensive",
    }
    october = {"month": date(2026, 10, 1), "currency": "usd", "is_partial": False, "churn_mrr": Decimal(-120000)}
    amounts = (
        "opening_mrr",
        "new_mrr",
        "expansion_mrr",
        "contraction_mrr",
        "reactivation_mrr",
        "fx_mrr",
        "closing_mrr",
    )
    counts = ("new_customers", "churned_customers", "reactivated_customers", "closing_customers")
    month = dict.fromkeys(amounts, Decimal(0)) | {"opening_mrr": Decimal(120000)} | dict.fromkeys(counts, 0) | october
    tables = marts(
        {
            "mrr_movements": [lost],
            "churned_customers": [churned],
            "mrr_by_month_reporting": [month],
            "customers": [{"customer_id": "cus_1", "name": "Acme"}],
        }
    )
    page = overview.page(tables, Terms(tables.publication))
    assert "The largest loss was Acme (−1,200.00 USD, voluntary, too expensive)." in page.findings


def test_points_are_written_with_sign_and_unit() -> None:
    assert shown(Points(Decimal("-0.0042"))) == "−0.4 pp"
