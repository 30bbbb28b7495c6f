"""What the page of revenue says, on tables whose figures are known."""

from datetime import date
from typing import Any

from dashboards.page import Page, Table, TableBlock, charts_of, tables_of
from dashboards.values import shown
from reports import revenue
from reports.terms import Terms
from tests.reports.company import marts

SEPTEMBER, OCTOBER, NOVEMBER = (date(2026, month, 1) for month in (9, 10, 11))
DECEMBER, NEXT_NOVEMBER = date(2026, 12, 1), date(2027, 11, 1)


def month(
    of: date, currency: str, opening: int, billed: int, earned: int, back: int = 0, **more: Any
) -> dict[str, Any]:
    recognised = earned + back
    return {
        "month": of,
        "currency": currency,
        "deferred_opening": opening,
        "billed": billed,
        "recognized": recognised,
        "deferred_closing": opening + billed - recognised,
        "earned": earned,
        "contra_revenue": back,
        "bad_debt": 0,
        "is_partial": False,
    } | more


def due(billed: date, earned: date, deferred: int, recognized: int = 0, unbilled: int = 0) -> dict[str, Any]:
    return {
        "billed_month": billed,
        "recognition_month": earned,
        "currency": "usd",
        "recognized": recognized,
        "unbilled": unbilled,
        "deferred": deferred,
    }


def page_of(months: list[dict[str, Any]], waiting: list[dict[str, Any]]) -> Page:
    """As of 15 November 2026, in USD."""
    tables = marts({"revenue_recognition_by_month": months, "deferred_revenue": waiting})
    return revenue.page(tables, Terms(tables.publication))


def table(page: Page, name: str) -> Table:
    return next(one for one in tables_of(page) if one.name == name)


def test_the_triangle_adds_up_by_row_by_column_and_to_what_is_deferred_now() -> None:
    """Of what was billed in September 60.00 is left for this November, 100.00 for December, 740.00 for next October and
    100.00 for the November after, which is later than twelve months. 90.00 billed in November: 40.00 and 50.00. In all
    1,000.00 + 90.00 = 1,090.00; 15.00 is earned and waits for its invoice: 1,075.00 is deferred."""
    page = page_of(
        [month(NOVEMBER, "usd", 117_500, 9_000, 19_000, is_partial=True)],
        [
            due(SEPTEMBER, OCTOBER, 0, recognized=10_000),
            due(SEPTEMBER, NOVEMBER, 6_000, recognized=4_000),
            due(SEPTEMBER, DECEMBER, 10_000),
            due(SEPTEMBER, date(2027, 10, 1), 74_000),
            due(SEPTEMBER, NEXT_NOVEMBER, 10_000),
            due(NOVEMBER, NOVEMBER, 4_000, recognized=1_500, unbilled=1_500),
            due(NOVEMBER, DECEMBER, 5_000),
        ],
    )
    triangle = table(page, "deferred-usd")
    assert [column.label for column in triangle.columns[1:3]] == ["Rest of Nov 2026", "Dec 2026"]
    said = {shown(row.cells[0]): [shown(cell) for cell in row.cells[1:]] for row in triangle.rows}
    empty = ["–"] * 9
    assert said["Sep 2026"] == ["60.00", "100.00", *empty, "740.00", "100.00", "1,000.00"]
    assert said["Nov 2026"] == ["40.00", "50.00", *empty, "–", "–", "90.00"]
    assert said["In all"] == ["100.00", "150.00", *empty, "740.00", "100.00", "1,090.00"]
    assert said["Less earned, not yet billed"][-1] == "−15.00"
    assert said["Deferred, closing"][-1] == "1,075.00"
    assert "1,090.00 USD is billed and still to be earned, 990.00 USD of it before Nov 2027." in page.findings
    file = triangle.download
    assert file is not None
    assert [shown(cell) for cell in list(file.rows)[1]] == ["Sep 2026", "Nov 2026", "40.00", "–", "60.00"]


def test_revenue_is_what_was_earned_less_what_was_taken_back_and_the_reporting_currency_comes_first() -> None:
    page = page_of(
        [
            month(SEPTEMBER, "usd", 0, 100_000, 40_000),
            month(OCTOBER, "usd", 60_000, 20_000, 50_000, back=-6_000),
            month(OCTOBER, "jpy", 0, 9_000, 3_000),
        ],
        [],
    )
    assert page.findings[:2] == (
        "440.00 USD was recognised in Oct 2026, up 10.0% on Sep 2026; 200.00 USD was billed, less what was credited.",
        "3,000 JPY was recognised in Oct 2026; 9,000 JPY was billed, less what was credited.",
    )
    assert [chart.name for chart in charts_of(page)] == ["recognised-usd", "recognised-jpy"]
    rolled = table(page, "deferred-by-month")
    assert [shown(cell) for cell in rolled.rows[1].cells] == ["Oct 2026", "USD", "600.00", "200.00", "440.00", "360.00"]


def test_without_an_invoice_the_page_says_what_it_waits_for() -> None:
    page = page_of([], [])
    assert page.findings == (revenue.NOTHING,)
    assert [chart.empty for chart in charts_of(page)] == [revenue.NOTHING]
    blocks = [block for section in page.sections for block in section.blocks if isinstance(block, TableBlock)]
    assert [block.table.rows for block in blocks] == [(), ()]
