"""MRR by dimension on the MRR page, on tables whose figures are known."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from dashboards.downloads import write_all
from dashboards.page import Page, charts_of, tables_of
from dashboards.values import Link, shown
from reports import mrr
from reports.slices import SHOWN
from reports.terms import Terms
from tests.reports.company import marts

OCT = date(2026, 10, 1)
FLOWS = ("new", "expansion", "contraction", "churn", "reactivation", "transfer_in", "transfer_out", "fx")


def sliced(dimension: str, value: str, opening: int, closing: int, customers: int = 1, **flows: int) -> dict[str, Any]:
    return {
        "month": OCT,
        "dimension": dimension,
        "value": value,
        "value_name": value.title(),
        "currency": "usd",
        "opening_mrr": Decimal(opening),
        **{f"{kind}_mrr": Decimal(flows.get(kind, 0)) for kind in FLOWS},
        "closing_mrr": Decimal(closing),
        "closing_customers": customers,
        "is_partial": False,
    }


def month() -> dict[str, Any]:
    nothing = {f"{kind}_mrr": Decimal(0) for kind in FLOWS[:5]}
    counts = {"new_customers": 0, "churned_customers": 0, "reactivated_customers": 0, "closing_customers": 3}
    whole = {"opening_mrr": Decimal(5_000), "closing_mrr": Decimal(5_500), "fx_mrr": Decimal(0)}
    return {
        "month": OCT,
        "currency": "usd",
        **nothing,
        **whole,
        **counts,
        "is_partial": False,
        "expansion_mrr": Decimal(500),
    }


def built(*rows: dict[str, Any]) -> Page:
    tables = marts({"mrr_by_month_reporting": [month()], "mrr_by_month_slice": list(rows)})
    return mrr.page(tables, Terms(tables.publication))


def lines(page: Page, name: str) -> list[tuple[str, ...]]:
    found = next(one for one in tables_of(page) if one.name == name)
    return [tuple(shown(cell) for cell in row.cells) for row in found.rows]


PRODUCTS = (
    sliced("product", "basic", 4_000, 3_000, 2, transfer_out=-1_000),
    sliced("product", "pro", 1_000, 2_500, 1, transfer_in=1_000, expansion=500),
)


def test_a_dimension_shows_its_values_the_largest_first_with_what_moved_between_them() -> None:
    page = built(*PRODUCTS)
    assert lines(page, "mrr-by-product") == [
        ("Basic", "40.00", "–", "–", "−10.00", "30.00", "54.5%", "2"),
        ("Pro", "10.00", "5.00", "10.00", "–", "25.00", "45.5%", "1"),
        ("All", "50.00", "5.00", "10.00", "−10.00", "55.00", "100.0%", ""),
    ]
    chart = next(one for one in charts_of(page) if one.name == "mrr-by-product")
    assert chart.finding == "Basic: 30.00 USD at the end of Oct 2026, 54.5% of all."


def test_the_choice_of_dimensions_leads_to_each_and_metadata_comes_last() -> None:
    page = built(sliced("customer.segment", "smb", 5_000, 5_500), *PRODUCTS, sliced("country", "de", 5_000, 5_500))
    found = next(one for one in tables_of(page) if one.name == "mrr-dimensions")
    assert [row.cells[0] for row in found.rows] == [
        Link("Product", "#chart-mrr-by-product"),
        Link("Country", "#chart-mrr-by-country"),
        Link("Customer: segment", "#chart-mrr-by-customer-segment"),
    ]
    assert lines(page, "mrr-dimensions")[0] == ("Product", "2", "Basic", "54.5%", "10.00")


def test_many_values_are_shown_as_others_and_lose_nothing() -> None:
    """Twenty-five values of 100: twenty by themselves, five as one of 500; 2,500 in all."""
    page = built(*(sliced("price", f"p{place:02d}", 100, 100) for place in range(SHOWN + 5)))
    found = lines(page, "mrr-by-price")
    assert len(found) == SHOWN + 2
    assert found[-2][0] == "5 others"
    assert [row[-3] for row in found[-2:]] == ["5.00", "25.00"]


def test_bars_are_of_the_largest_and_of_all_others_together_and_say_so() -> None:
    """Twenty-five values of 100: five bars of 1.00 and one of 20.00."""
    page = built(*(sliced("price", f"p{place:02d}", 100, 100) for place in range(SHOWN + 5)))
    chart = next(one for one in charts_of(page) if one.name == "mrr-by-price")
    assert list(chart.figure.data[0].y)[-2:] == ["P04", "20 others"]
    assert list(chart.figure.data[0].x) == [1.0] * 5 + [20.0]
    assert chart.finding.endswith("The 5 largest of 25 have a bar each.")


def test_keys_of_metadata_that_differ_in_case_alone_have_files_of_their_own() -> None:
    page = built(*(sliced(key, "smb", 5_000, 5_500) for key in ("customer.Tier", "customer.tier", "customer_tier")))
    names = [one.name for one in tables_of(page) if one.name.startswith("mrr-by-")]
    assert names == ["mrr-by-customer-tier", "mrr-by-customer-tier-2", "mrr-by-customer-tier-3"]


def test_the_table_of_all_currencies_and_the_dimension_of_currencies_are_two_files(tmp_path: Path) -> None:
    tables = tables_of(built(sliced("currency", "usd", 5_000, 5_500)))
    assert {"mrr-in-each-currency", "mrr-by-currency"} <= {table.name for table in tables}
    assert len(write_all(tables, tmp_path)) == len(tables)
