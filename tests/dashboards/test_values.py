"""How figures are written: for people, and for machines."""

from datetime import date
from decimal import Decimal

import pytest

from dashboards.footing import footed, footed_months
from dashboards.values import Cell, Count, Counted, Missing, Money, Month, Points, Rate, Ratio, plain, shown, sort_keys


@pytest.mark.parametrize(
    ("cell", "seen", "written"),
    [
        (Money(123456, "usd"), "1,234.56", "1234.56"),
        (Money(-123456, "usd"), "−1,234.56", "-1234.56"),
        (Money(500, "usd", signed=True), "+5.00", "5"),
        (Money(0, "usd"), "–", "0"),
        (Money(Decimal("0.400000"), "usd"), "0.00", "0.004"),
        (Money(1500, "jpy", 0), "1,500", "1500"),
        (Money(1234, "kwd", 3), "1.234", "1.234"),
        (Money(Decimal("333.333333"), "usd"), "3.33", "3.33333333"),
        (Rate(1, 8), "12.5%", "0.125"),
        (Rate(0, 8), "–", "0"),
        (Rate(-1, 100), "−1.0%", "-0.01"),
        (Points(Decimal("0.012")), "+1.2 pp", "0.012"),
        (Ratio(Decimal("3.456")), "3.46", "3.456"),
        (Count(12345), "12,345", "12345"),
        (Counted(Money(100, "usd"), 3), "1.00", "1"),
        (Missing("no base"), "n/a", ""),
        (Month(date(2026, 10, 1)), "Oct 2026", "2026-10"),
        (date(2026, 10, 5), "5 Oct 2026", "2026-10-05"),
        (None, "", ""),
    ],
)
def test_a_figure_is_written_one_way_for_people_and_one_for_machines(cell: Cell, seen: str, written: str) -> None:
    assert (shown(cell), plain(cell)) == (seen, written)


def test_amounts_in_several_currencies_are_sorted_by_their_worth() -> None:
    column: list[Cell] = [Money(900, "jpy", 0, worth=600), Money(500, "usd", worth=500), None]
    assert [key.value for key in sort_keys(column)] == ["600", "500", ""]


def test_amounts_in_several_currencies_without_worth_are_grouped_by_currency() -> None:
    column: list[Cell] = [Money(900, "jpy", 0), Money(500, "usd"), Missing("x")]
    assert [(key.group, key.value) for key in sort_keys(column)] == [("JPY", "900"), ("USD", "5"), ("", "")]
    assert [key.group for key in sort_keys([Money(1, "usd"), Money(2, "usd")])] == ["", ""]


def test_printed_parts_sum_to_the_printed_total_by_largest_remainder() -> None:
    assert footed([Decimal("33.3"), Decimal("33.3"), Decimal("33.4")], 100) == [33, 33, 34]
    assert footed([Decimal("-0.7"), Decimal("0.7")], 0) == [-1, 1]


def test_parts_that_are_far_from_the_total_are_refused() -> None:
    with pytest.raises(ValueError, match="cannot be rounded"):
        footed([Decimal(1), Decimal(2)], 10)


def test_a_month_that_does_not_add_up_in_the_source_keeps_its_gap_in_sight() -> None:
    openings, moves, closings = footed_months([Decimal(100)], [[Decimal(10)]], [Decimal(150)])
    assert (openings, moves, closings) == ([100], [[10]], [150])


def test_halves_on_both_ends_still_foot() -> None:
    openings, moves, closings = footed_months([Decimal("1.5")], [[Decimal(1), Decimal(0)]], [Decimal("2.5")])
    assert openings[0] + sum(moves[0]) == closings[0]
    assert moves[0][1] == 0
