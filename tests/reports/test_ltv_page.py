"""What the page of lifetime value says, on tables whose figures are known."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from dashboards.drawing import FULL, draw, legend
from dashboards.page import Chart, Page, Table, Tiles, charts_of, tables_of
from dashboards.values import Missing, Money, plain, shown
from reports import ltv
from reports.marts import Marts
from reports.survival import Tenure, hazard_words, survival_words
from reports.terms import Terms
from tests.reports.company import marts


def page_of(tables: Marts) -> Page:
    return ltv.page(tables, Terms(tables.publication))


def table(page: Page, name: str) -> Table:
    return next(one for one in tables_of(page) if one.name == name)


def chart(page: Page, name: str) -> Chart:
    return next(one for one in charts_of(page) if one.name == name)


def headline(segment: str = "all", value: str = "all", **more: Any) -> dict[str, Any]:
    return {
        "segment": segment,
        "segment_value": value,
        "segment_name": value,
        "customers": 40,
        "mrr_reporting": Decimal(400_000),
        "arpa_reporting": Decimal(10_000),
        "paid_customers": 60,
        "churned_customers": 20,
        "lost_customers": 5,
        "at_risk_customer_months": 200,
        "followed_months": 36,
        "median_months": 30.04,
        "median_low_months": 21.0,
        "horizon_months": 36,
        "lifetime_months": Decimal("24.5"),
        "ltv_reporting": 245_000,
        "ltv_low_reporting": 200_000,
        "ltv_high_reporting": 290_000,
        "break_even_cac_reporting": 81_667,
        "gross_margin": 0.8,
        "annual_discount_rate": 0.1,
        "method": "km_rmst_36",
    } | more


def valued(method: str, amount: int | None, reason: str | None = None, **more: Any) -> dict[str, Any]:
    return {
        "segment": "all",
        "segment_value": "all",
        "method": method,
        "customers": 40,
        "ltv_reporting": amount,
        "reason": reason,
    } | more


def month(tenure_month: int, at_risk: int, survival: float | None, **more: Any) -> dict[str, Any]:
    return {
        "segment": "all",
        "segment_value": "all",
        "tenure_month": tenure_month,
        "at_risk": at_risk,
        "churned": 0,
        "churned_voluntary": 0,
        "churned_involuntary": 0,
        "churned_other": 0,
        "last_seen": 0,
        "survival": survival,
    } | more


def test_the_headline_says_value_horizon_interval_and_what_it_is_made_of() -> None:
    tables = marts({"customer_ltv": [headline()], "ltv_by_method": [valued("realised", 150_050, customers=60)]})
    assert page_of(tables).findings == (
        "A customer is worth 2,450.00 USD within 36 months (95% interval 2,000.00 USD to 2,900.00 USD): "
        "100.00 USD a month for 24.5 months.",
        "Half of the customers have left after 30.0 months (95% interval 21.0 or more).",
        "So far 60 customers have brought 1,500.50 USD each, after refunds, disputes and fees.",
    )


def test_margin_and_discount_are_said_beside_the_values() -> None:
    section = page_of(marts({"customer_ltv": [headline()]})).sections[0]
    assert section.words[0].startswith("By the policy's rules: 80.0% of MRR is margin, and a year takes 10.0% off")


def test_every_formula_has_its_tile_and_what_can_not_be_said_says_why() -> None:
    rows = [
        valued("km_rmst_36", 245_000, ltv_low_reporting=200_000, ltv_high_reporting=290_000),
        valued("simple", 400_000),
        valued("discounted", 300_000),
        valued("sbg_residual", None, "the renewal model could not be fitted for any of today's customers"),
        valued("realised", 150_000),
    ]
    block = page_of(marts({"customer_ltv": [headline()], "ltv_by_method": rows})).sections[0].blocks[0]
    assert isinstance(block, Tiles)
    told = {tile.label: (tile.value, tile.now) for tile in block.tiles}
    assert told["Lifetime value, 36 months"] == (
        Money(245_000, "usd"),
        "95% interval 2,000.00 USD to 2,900.00 USD",
    )
    assert told["Still to come of today's customers"][0] == Missing(
        "the renewal model could not be fitted for any of today's customers"
    )
    assert told["Break-even cost of winning one"][0] == Money(81_667, "usd")


def test_where_nothing_can_be_said_the_page_says_why() -> None:
    unsaid = headline(ltv_reporting=None, reason="nobody has left yet")
    assert page_of(marts({"customer_ltv": [unsaid]})).findings == (
        "Lifetime value can't be said yet: nobody has left yet.",
    )


def test_an_account_without_the_tables_has_an_empty_page(nothing: Marts) -> None:
    page = page_of(nothing)
    assert page.findings == ("Lifetime value is not published yet.",)
    assert all(one.empty for one in charts_of(page))
    assert all(not one.rows for one in tables_of(page))


def test_a_young_company_names_the_months_that_it_can_see() -> None:
    young = headline(horizon_months=1, method="km_rmst_followed")
    rows = [valued("km_rmst_followed", 9_000)]
    page = page_of(marts({"customer_ltv": [young], "ltv_by_method": rows}))
    block = page.sections[0].blocks[0]
    assert isinstance(block, Tiles)
    assert (block.tiles[0].label, block.tiles[0].value) == ("Lifetime value, 1 month", Money(9_000, "usd"))
    assert page.findings[0].startswith("A customer is worth 2,450.00 USD within 1 month (")


def test_segments_stand_under_their_headings_largest_first_and_the_file_has_every_formula() -> None:
    countries = [headline("country", f"C{place:02}", paid_customers=place) for place in range(15)]
    rows = [valued("simple", 1_000), valued("realised", 500, segment="country", segment_value="C03")]
    segments = table(page_of(marts({"customer_ltv": [headline(), *countries], "ltv_by_method": rows})), "ltv-segments")
    assert [row.cells[0] for row in segments.rows][:4] == ["Everyone", "Country", "C14", "C13"]
    assert (len(segments.rows), segments.more) == (2 + 12, 3)
    assert segments.download is not None
    told = [[plain(cell) for cell in row] for row in segments.download.rows]
    assert [row[:4] for row in told] == [["all", "all", "all", "simple"], ["country", "C03", "C03", "realised"]]
    assert told[1][7] == "5"


def test_the_curve_ends_where_fewer_than_ten_were_followed_and_the_model_goes_on() -> None:
    rows = [
        month(0, 30, 1.0, survival_projected=1.0),
        month(1, 30, 0.9, survival_low=0.72, survival_high=0.97, survival_projected=0.91),
        month(2, 10, 0.8, survival_low=0.6, survival_high=0.9, survival_projected=0.84),
        month(3, 9, 0.7, survival_low=0.5, survival_high=0.85, survival_projected=0.78),
    ]
    drawing = draw(chart(page_of(marts({"survival_by_month": rows})), "survival").figure, FULL[0])
    assert drawing.bands[2].words == "2: 95% interval 60.0% to 90.0%; Still there 80.0%; Expected 84.0%"
    assert drawing.bands[3].words == "3: Expected 78.0%"
    assert [stroke.dashed for stroke in drawing.strokes] == [False, True]
    assert len(drawing.areas) == 1


def test_the_interval_has_its_place_in_the_legend() -> None:
    rows = [month(0, 30, 1.0), month(1, 30, 0.9, survival_low=0.72, survival_high=0.97, survival_projected=0.91)]
    keys = legend(chart(page_of(marts({"survival_by_month": rows})), "survival").figure, "full")
    assert [(key.name, key.form) for key in keys] == [
        ("95% interval", "area"),
        ("Still there", "line"),
        ("Expected", "dashes"),
    ]


def test_the_words_of_survival_name_the_years_that_were_seen() -> None:
    """.64 after a year is .64^(1/12) = .96349 a month, 3.65 % gone; .48 / .64 = .75 in the second, 2.4 % a month."""
    shares = [1.0, *([0.8] * 11), 0.64, *([0.5] * 11), 0.48]
    whole = Tenure("", [month(place, 50, share) for place, share in enumerate(shares)])
    assert survival_words(whole) == "Still there: 64.0% after 12 months, 48.0% after 24."
    assert hazard_words(whole) == (
        "Of the customers still there, a month takes 3.7% in their first year and 2.4% in their second year."
    )
    young = Tenure("", whole.rows[:4])
    assert survival_words(young) == "Customers have not been followed for a year yet."
    assert hazard_words(young) == "A month has taken 7.2% of customers so far."
    assert hazard_words(Tenure("", [])) == "Fewer than 10 customers have paid so far."


def value_row(cohort: date, age: int, customers: int, cash: int) -> Mapping[str, Any]:
    return {
        "cohort_month": cohort,
        "months_since": age,
        "cohort_customers": customers,
        "net_cash_reporting": cash,
        "net_cash_per_customer_reporting": cash // customers,
    }


def test_a_years_line_divides_sums_by_sums_and_ends_with_its_youngest_cohort() -> None:
    """2025: (900 + 100) / (9 + 1) = 1.00 at age 0, (1,800 + 400) / 10 = 2.20 at age 1; December has no age 2 yet."""
    first, last = date(2025, 1, 1), date(2025, 12, 1)
    rows = [value_row(first, 0, 9, 900), value_row(first, 1, 9, 1_800), value_row(first, 2, 9, 9_000)]
    rows += [value_row(last, 0, 1, 100), value_row(last, 1, 1, 400)]
    page = page_of(marts({"customer_value_by_age": [dict(row) for row in rows]}))
    assert [[shown(cell) for cell in row.cells] for row in table(page, "realised").rows] == [
        ["0", "1.00"],
        ["1", "2.20"],
    ]
    assert [shown(cell) for cell in table(page, "realised-cohorts").rows[1].cells] == [
        *("Jan 2025", "9", "1.00", "2.00", "10.00")
    ]


def test_the_made_up_company_fills_every_chart_that_it_has_segments_for(example: Marts) -> None:
    page = page_of(example)
    assert [one.name for one in charts_of(page) if not one.empty] == ["survival", "hazard", "realised"]
    assert table(page, "ltv-segments").rows
