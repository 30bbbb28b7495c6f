"""What the MRR page says, on tables whose figures are worked out beside them."""

from datetime import date
from decimal import Decimal
from typing import Any

from dashboards.page import Chart, Page, charts_of, tables_of
from dashboards.values import Counted, Money, Month, shown
from reports import mrr
from reports.marts import Marts
from reports.months import earlier, reporting_months
from reports.terms import Terms
from tests.reports.company import marts

SEP, OCT, NOV = date(2026, 9, 1), date(2026, 10, 1), date(2026, 11, 1)


def month(first: date, opening: str, moves: dict[str, str], closing: str, *, partial: bool = False) -> dict[str, Any]:
    zero = {f"{kind}_mrr": Decimal(0) for kind in ("new", "expansion", "contraction", "churn", "reactivation", "fx")}
    return {
        "month": first,
        "currency": "usd",
        "opening_mrr": Decimal(opening),
        "closing_mrr": Decimal(closing),
        "new_customers": 2,
        "churned_customers": 1,
        "reactivated_customers": 0,
        "closing_customers": 11,
        "is_partial": partial,
    } | (zero | {f"{kind}_mrr": Decimal(amount) for kind, amount in moves.items()})


def three_months() -> Marts:
    """Thirds of a cent everywhere: 1000.00 + 100.333 + 0.333 − 50.333 = 1050.333 in September, and so on."""
    september = {"new": "10033.333333", "expansion": "33.333333", "churn": "-5033.333333"}
    october = {"new": "333.333333", "contraction": "-0.333333", "fx": "0.333334"}
    rows = [
        month(SEP, "100000", september, "105033.333333"),
        month(OCT, "105033.333333", october, "105366.666667"),
        month(NOV, "105366.666667", {"new": "500"}, "105866.666667", partial=True),
    ]
    return marts({"mrr_by_month_reporting": rows})


def chart(page: Page, name: str) -> Chart:
    return next(one for one in charts_of(page) if one.name == name)


def test_every_printed_column_adds_up_from_opening_to_closing() -> None:
    for one in reporting_months(three_months()):
        assert one.opening + sum(one.moves.values()) == one.closing


def test_a_printed_opening_is_the_printed_closing_of_the_month_before() -> None:
    september, october, november = reporting_months(three_months())
    assert (september.closing, october.opening) == (105033, 105033)
    assert october.closing == november.opening == 105367


def test_the_download_carries_exact_amounts_where_the_page_rounds() -> None:
    page = mrr.page(three_months(), Terms(three_months().publication))
    rows = chart(page, "mrr-movements").table.download.rows  # type: ignore[union-attr]
    new = next(row for row in rows if row[0] == Month(OCT) and row[1] == "new")
    assert new[2] == Money(Decimal("333.333333"), "usd", 2)


def test_the_bridge_is_of_the_last_full_month() -> None:
    page = mrr.page(three_months(), Terms(three_months().publication))
    bridge = chart(page, "mrr-bridge")
    assert bridge.title == "MRR bridge of Oct 2026"
    assert bridge.finding == (
        "Oct 2026 opened at 1,050.33 USD, gained 3.34 USD, lost 0.00 USD and closed at 1,053.67 USD."
    )


def test_the_first_sentence_compares_the_last_full_month_with_the_one_before_and_never_the_running_one() -> None:
    page = mrr.page(three_months(), Terms(three_months().publication))
    assert page.findings[0] == "MRR closed Oct 2026 at 1,053.67 USD, up 0.3% on Sep 2026."


def test_the_running_month_is_marked_in_table_and_chart() -> None:
    page = mrr.page(three_months(), Terms(three_months().publication))
    movements = chart(page, "mrr-movements")
    assert [column.partial for column in movements.table.columns] == [False, False, False, True]
    assert movements.figure.data[0].meta["provisional_from"] == 2


def test_a_cell_of_the_movement_table_has_the_amount_and_how_many_customers_made_it(
    example: Marts, terms: Terms
) -> None:
    table = chart(mrr.page(example, terms), "mrr-movements").table
    new = next(row for row in table.rows if row.cells[0] == "New")
    assert all(isinstance(cell, Counted) for cell in new.cells[1:])
    october = reporting_months(example)[-2]
    assert new.cells[-2] == Counted(terms.money(october.moves["new"]), october.counts["new"])


def test_each_currency_is_shown_in_its_own_decimals(example: Marts, terms: Terms) -> None:
    page = mrr.page(example, terms)
    yen = chart(page, "mrr-jpy").table.rows[-1].cells[1]
    assert isinstance(yen, Money)
    assert yen.exponent == 0
    assert "." not in shown(yen)


def test_an_account_with_nothing_gets_a_page_that_says_so(nothing: Marts) -> None:
    page = mrr.page(nothing, Terms(nothing.publication))
    assert page.findings == ("No subscription has counted in MRR yet.",)
    assert all(not table.rows for table in tables_of(page))
    assert all(one.empty for one in charts_of(page))


def test_the_range_told_is_of_the_months_that_are_drawn() -> None:
    """The worst month ever is older than the two years and one month of the chart."""
    old = month(date(2024, 1, 1), "0", {"new": "900000"}, "900000")
    rows = [
        old,
        *(month(earlier(NOV, back), "900000", {"new": str(back * 100)}, "900000") for back in range(26, 0, -1)),
    ]
    page = mrr.page(marts({"mrr_by_month_reporting": rows}), Terms(three_months().publication))
    assert chart(page, "mrr-movements").finding == (
        "Net new MRR ran from +1.00 USD in Oct 2026 to +25.00 USD in Oct 2024."
    )


def test_a_first_month_that_is_not_over_is_told_as_it_stands() -> None:
    given = marts({"mrr_by_month_reporting": [month(NOV, "0", {"new": "500"}, "500", partial=True)]})
    page = mrr.page(given, Terms(given.publication))
    assert chart(page, "mrr-history").finding == "Nov 2026 is the first month and not over: MRR stands at 5.00 USD."
