"""Prices, discounts and prorations, worked by hand in minor units."""

from dataclasses import dataclass
from fractions import Fraction

import pytest

from sandbox.world.business import PRICES, Coupon, Price, Tier
from sandbox.world.periods import add_months, edge, instant
from sandbox.world.pricing import cost, half_even, half_up, nets, prorated, shared, worths


@dataclass(frozen=True)
class Bought:
    price: Price
    quantity: int | None = 1
    coupons: tuple[Coupon, ...] = ()


def monthly(unit: object, product: str = "p", **rest: object) -> Price:
    return Price(f"{product}-{unit}", product, "usd", Fraction(str(unit)), **rest)  # type: ignore[arg-type]


TWENTY_PERCENT = Coupon("20", "forever", "20 %", Fraction(20))
FIVE_OFF = Coupon("5", "forever", "5 off", None, 500, "usd", (("eur", 450),))
STEPS = (Tier(5, Fraction(7), Fraction(1)), Tier(10, Fraction(6), Fraction(2)), Tier(None, Fraction(5), Fraction(3)))


@pytest.mark.parametrize(
    ("price", "quantity", "expected"),
    [
        (monthly(1900), 3, 5700),
        (monthly("0.85"), 2510, Fraction("2133.5")),
        (monthly(10, divide_by=5, round="up"), 6, 20),
        (monthly(10, divide_by=5, round="down"), 6, 10),
        # 5 × 7 + 1, 5 × 6 + 2, 2 × 5 + 3
        (monthly(0, tiers=STEPS, tiers_mode="graduated"), 12, 36 + 32 + 13),
        (monthly(0, tiers=STEPS, tiers_mode="graduated"), 5, 36),
        (monthly(0, tiers=STEPS, tiers_mode="volume"), 12, 12 * 5 + 3),
        (monthly(0, tiers=STEPS, tiers_mode="volume"), 10, 10 * 6 + 2),
        (monthly(0, tiers=STEPS, tiers_mode="volume"), 0, 0),
    ],
)
def test_a_quantity_costs_what_the_scheme_says(price: Price, quantity: int, expected: object) -> None:
    assert cost(price, quantity) == expected


@pytest.mark.parametrize(
    ("interval", "count", "unit", "micros"),
    [
        ("month", 1, 1900, 1_900_000_000),
        ("month", 3, 3240, 1_080_000_000),
        ("year", 1, 19_000, 1_583_333_333),
        ("week", 1, 500, 2_166_666_667),
        ("day", 30, 1900, 1_926_388_889),
        ("day", 1, 100, 3_041_666_667),
    ],
)
def test_worth_is_a_month_of_it_rounded_once(interval: str, count: int, unit: int, micros: int) -> None:
    assert worths([Bought(monthly(unit, interval=interval, interval_count=count))], []) == [micros]


def test_order_of_discounts_matters() -> None:
    bought = [Bought(monthly(5000))]
    assert nets(bought, [TWENTY_PERCENT, FIVE_OFF]) == [3500]
    assert nets(bought, [FIVE_OFF, TWENTY_PERCENT]) == [3600]


def test_own_discounts_come_before_the_subscriptions() -> None:
    bought = [Bought(monthly(5000), 1, (FIVE_OFF,))]
    assert nets(bought, [TWENTY_PERCENT]) == [3600]


def test_an_amount_off_is_shared_in_whole_units() -> None:
    # 500 over 1000, 1000 and 1000: 166.67 each, the two left-over units go to the first two
    assert nets([Bought(monthly(1000, str(n))) for n in range(3)], [FIVE_OFF]) == [833, 833, 834]


def test_an_amount_off_never_takes_more_than_there_is() -> None:
    assert nets([Bought(monthly(300))], [FIVE_OFF]) == [0]
    assert shared(500, [Fraction(300), Fraction(100)]) == [300, 100]


def test_a_coupon_for_one_product_leaves_the_others_alone() -> None:
    only = Coupon("only", "forever", "10 % off a", Fraction(10), products=("a",))
    assert nets([Bought(monthly(1000, "a")), Bought(monthly(1000, "b"))], [only]) == [900, 1000]


def test_what_applies_once_is_worth_nothing_off() -> None:
    assert nets([Bought(monthly(1000))], [Coupon("once", "once", "once", Fraction(50))]) == [1000]


def test_metered_items_are_worth_nothing_and_take_no_share() -> None:
    metered = Bought(monthly("0.4", "u", usage_type="metered"), None)
    assert worths([Bought(monthly(1000)), metered], [FIVE_OFF]) == [500_000_000, 0]


def test_tax_inside_the_price_is_not_worth() -> None:
    assert worths([Bought(monthly(1800))], [], Fraction(100, 120)) == [1_500_000_000]


def test_half_a_period_is_half_the_amount_to_the_second() -> None:
    start, end = instant(2026, 4, 1), instant(2026, 5, 1)
    assert prorated(Fraction(3000), instant(2026, 4, 16), start, end) == 1500
    assert prorated(Fraction(1200), instant(2026, 4, 11, 1), start, end) == 798  # 1200 × 479/720 = 798.33
    assert prorated(Fraction(6000), instant(2026, 4, 11, 1), start, end, step=10) == 3990  # 3991.67 in steps of ten


def test_halves_go_away_from_zero_on_invoices_and_to_even_in_the_books() -> None:
    assert [half_up(Fraction(n, 2)) for n in (1, 3, -1, -3)] == [1, 2, -1, -2]
    assert [half_even(Fraction(n, 2)) for n in (1, 3, 5)] == [0, 2, 2]


def test_periods_are_counted_from_the_anchor() -> None:
    anchor = instant(2025, 1, 31, 9)
    ends = [edge(anchor, "month", 1, periods) for periods in (1, 2, 13)]
    assert ends == [instant(2025, 2, 28, 9), instant(2025, 3, 31, 9), instant(2026, 2, 28, 9)]
    assert add_months(instant(2024, 2, 29), 12) == instant(2025, 2, 28)
    assert edge(anchor, "week", 2, 1) == anchor + 14 * 86_400


def test_prices_with_tax_inside_stay_whole_under_every_discount_they_meet() -> None:
    for price in PRICES:
        if price.tax_behavior == "inclusive":
            for percent in (0, 10, 15, 20, 25, 30, 50):
                net = price.unit * (100 - percent) / 100
                assert (net / 6).denominator == 1, (price.key, percent)
