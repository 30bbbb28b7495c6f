"""What a quantity costs, by published examples."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from models.pricing import Amounts, Price, Tier, list_amount, price_from_row

Tiers = list[tuple[int | None, str, int]]


def tiered(mode: str, tiers: Tiers) -> Price:
    steps = tuple(Tier(up_to, Fraction(unit), Fraction(flat)) for up_to, unit, flat in tiers)
    return Price("price", "product", "usd", {"usd": Amounts(None, steps)}, tiers_mode=mode)


# 1 to 5 at 7, 6 to 10 at 6.50, above at 6: the shape of Stripe's own example of tiers.
SEATS: Tiers = [(5, "7", 0), (10, "6.5", 0), (None, "6", 0)]
# The same with a flat fee in every tier.
WITH_FEES: Tiers = [(5, "5", 10), (10, "4", 20), (15, "3", 30), (20, "2", 40), (None, "1", 50)]
# zuplo.com/docs, pricing models; getlago.com/docs, charge models, volume; stripe-pulse, MRR calculation methodology.
ZUPLO: Tiers = [(1_000, "0.1", 0), (10_000, "0.05", 0), (None, "0.01", 0)]
LAGO: Tiers = [(10_000, "0.001", 10), (50_000, "0.0008", 10), (100_000, "0.0006", 10), (None, "0.0004", 10)]
PULSE: Tiers = [(1_000, "0.1", 0), (None, "0.08", 0)]


@pytest.mark.parametrize(
    ("mode", "tiers", "quantity", "cost"),
    [
        ("graduated", SEATS, 1, "7"),
        ("graduated", SEATS, 5, "35"),
        ("graduated", SEATS, 20, "127.5"),
        ("graduated", SEATS, 25, "157.5"),
        ("volume", SEATS, 1, "7"),
        ("volume", SEATS, 6, "39"),
        ("volume", SEATS, 20, "120"),
        ("volume", SEATS, 25, "150"),
        ("graduated", WITH_FEES, 12, "111"),  # (5x5+10) + (5x4+20) + (2x3+30)
        ("volume", WITH_FEES, 12, "66"),  # 12x3+30
        ("volume", ZUPLO, 15_000, "150"),
        ("volume", LAGO, 65_000, "49"),
        ("volume", PULSE, 500, "50"),
        ("graduated", WITH_FEES, 0, "0"),
        ("volume", WITH_FEES, 0, "0"),
    ],
)
def test_tiers(mode: str, tiers: Tiers, quantity: int, cost: str) -> None:
    assert list_amount(tiered(mode, tiers), quantity) == Fraction(cost)


@pytest.mark.parametrize(
    ("divide_by", "rounding", "unit", "quantity", "cost"),
    [  # docs.stripe.com/billing/subscriptions/quantities
        (5, "up", "10", 1, "10"),
        (5, "up", "10", 3, "10"),
        (5, "up", "10", 6, "20"),
        (5, "up", "10", 7, "20"),
        (1_000, "down", "0.1", 2_999, "0.2"),
    ],
)
def test_packages(divide_by: int, rounding: str, unit: str, quantity: int, cost: str) -> None:
    price = Price("p", None, "usd", {"usd": Amounts(Fraction(unit))}, divide_by=divide_by, round=rounding)
    assert list_amount(price, quantity) == Fraction(cost)


ROW: dict[str, Any] = {
    "id": "price_1",
    "product_id": "prod_1",
    "currency": "usd",
    "currency_options": None,
    "unit_amount": None,
    "unit_amount_decimal": Decimal("0.005"),
    "tiers": [],
    "tiers_mode": None,
    "recurring_interval": "month",
    "recurring_interval_count": 1,
    "transform_quantity_divide_by": None,
    "transform_quantity_round": None,
}


def test_a_price_below_a_minor_unit_is_exact() -> None:
    assert list_amount(price_from_row(ROW), 12_345) == Fraction("61.725")


def test_a_subscription_in_another_currency_costs_what_that_currencys_option_says() -> None:
    row = {**ROW, "currency_options": '{"eur": {"unit_amount": 900, "unit_amount_decimal": "900"}}'}
    assert list_amount(price_from_row(row), 2, "eur") == 1800
    assert list_amount(price_from_row(row), 2, "gbp") is None


# Staged as JSON text, as Stripe sends it; in minor units: 1 to 5 at 7.5, 6 to 10 at 6.25 and 300 flat, above at 0.5 and
# 100.5 flat.
IN_EUROS = """{"usd": {"unit_amount": null}, "eur": {"unit_amount": null, "unit_amount_decimal": null, "tiers": [
    {"up_to": 5, "unit_amount": null, "unit_amount_decimal": "7.5", "flat_amount": null, "flat_amount_decimal": null},
    {"up_to": 10, "unit_amount": null, "unit_amount_decimal": "6.25", "flat_amount": 300, "flat_amount_decimal": "300"},
    {"up_to": null, "unit_amount": null, "unit_amount_decimal": "0.5", "flat_amount": null,
     "flat_amount_decimal": "100.5"}
]}, "gbp": {"unit_amount": null, "unit_amount_decimal": null}}"""


@pytest.mark.parametrize(
    ("mode", "quantity", "currency", "cost"),
    [
        ("graduated", 5, "eur", "37.5"),  # 5 × 7.5
        ("graduated", 6, "eur", "343.75"),  # 5 × 7.5 + 1 × 6.25 + 300
        ("graduated", 12, "eur", "470.25"),  # 5 × 7.5 + (5 × 6.25 + 300) + (2 × 0.5 + 100.5)
        ("volume", 5, "eur", "37.5"),  # 5 × 7.5
        ("volume", 10, "eur", "362.5"),  # 10 × 6.25 + 300
        ("volume", 12, "eur", "106.5"),  # 12 × 0.5 + 100.5
        ("graduated", 12, "usd", "24"),  # 12 × 2: the price's own tiers
        ("graduated", 12, None, "24"),
        ("volume", 12, "gbp", None),  # tiers that were not shown say nothing, least of all nought
    ],
)
def test_a_subscription_in_another_currency_goes_by_that_currencys_tiers(
    mode: str, quantity: int, currency: str | None, cost: str | None
) -> None:
    own = [{"up_to": None, "unit_amount_decimal": Decimal(2), "flat_amount_decimal": None}]
    price = price_from_row(
        {**ROW, "unit_amount_decimal": None, "tiers": own, "tiers_mode": mode, "currency_options": IN_EUROS}
    )
    assert list_amount(price, quantity, currency) == (None if cost is None else Fraction(cost))


def test_a_price_that_the_buyer_names_says_nothing() -> None:
    assert list_amount(price_from_row({**ROW, "unit_amount_decimal": None}), 1) is None
