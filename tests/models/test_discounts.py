"""What coupons leave, by published examples and by hand."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.discounts import Coupon, Discountable, net_amounts


def off(percent: str = "", amount: int = 0, *products: str) -> Coupon:
    exact = Fraction(percent) if percent else None
    return Coupon(
        "coupon", percent_off=exact, amounts_off=(("usd", amount),) if amount else (), products=frozenset(products)
    )


def left(amounts: list[int], *coupons: Coupon) -> list[Fraction]:
    items = [Discountable(Fraction(amount), f"product-{place}") for place, amount in enumerate(amounts)]
    return net_amounts(items, coupons, "usd")


@pytest.mark.parametrize(
    ("amount", "coupons", "net"),
    [
        (50, [off("20"), off(amount=5)], 35),  # docs.stripe.com/billing/subscriptions/coupons: the order matters
        (50, [off(amount=5), off("20")], 36),
        (100, [off("10"), off("10")], 81),  # docs.flexprice.io, billing calculation order
        (10, [off("50")], 5),  # help.baremetrics.com, Monthly Recurring Revenue
        (100, [off("50")], 50),  # support.stripe.com, understanding MRR
        (10, [off(amount=25)], 0),
        (10, [off("100")], 0),
    ],
)
def test_coupons_in_their_order(amount: int, coupons: list[Coupon], net: int) -> None:
    assert left([amount], *coupons) == [net]


def test_an_amount_off_is_shared_in_whole_units_and_the_odd_one_goes_to_the_first() -> None:
    assert left([1_000, 1_000, 1_000], off(amount=1_000)) == [666, 667, 667]


def test_an_amount_off_is_shared_by_what_the_coupons_before_left() -> None:
    """30.00 less 50 % and 15.00: 15.00 each, so 5.00 off each."""
    half_of_first = off("50", 0, "product-0")
    assert left([3_000, 1_500], half_of_first, off(amount=1_000)) == [1_000, 1_000]


def test_a_coupon_for_one_product_leaves_the_others_alone() -> None:
    assert left([100, 50], off("10", 0, "product-0")) == [90, 50]


def test_an_items_own_coupons_come_before_the_subscriptions() -> None:
    items = [Discountable(Fraction(100), None, (off("50"),)), Discountable(Fraction(100), None)]
    assert sum(net_amounts(items, [off("10")], "usd")) == 135


def test_an_amount_off_goes_to_the_items_that_are_billed_most_often() -> None:
    items = [Discountable(Fraction(12_000), None, period_days=365), Discountable(Fraction(1_000), None, period_days=30)]
    assert net_amounts(items, [off(amount=300)], "usd") == [12_000, 700]


def test_an_amount_in_another_currency_takes_nothing() -> None:
    assert net_amounts([Discountable(Fraction(100), None)], [off(amount=10)], "eur") == [100]


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=8), st.integers(1, 20_000))
def test_shares_of_an_amount_off_add_up_to_it_and_none_is_more_than_its_item(
    amounts: list[int], amount_off: int
) -> None:
    nets = left(amounts, off(amount=amount_off))
    assert sum(nets) == max(sum(amounts) - amount_off, 0)
    assert all(0 <= net <= amount for net, amount in zip(nets, amounts, strict=True))
