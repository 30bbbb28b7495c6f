"""What amounts are worth in the reporting currency: exact, however large, and however many digits the rates have."""

from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.currency import minor_exponent
from models.fx import converted, daily_rates
from models.terms import Terms
from tests.models.story import rate_frame

DAY = date(2026, 7, 1)
MICROS = 1_000_000
LARGEST = 2**63 - 1
Quoted = tuple[str, str, str]
"""from_currency, to_currency, rate."""


def worth(amount: int, source: str, target: str, quoted: list[Quoted]) -> int:
    terms = Terms(datetime(2026, 7, 1, 12, tzinfo=UTC), "UTC", target)
    rates = daily_rates(rate_frame([(str(DAY), *one) for one in quoted]), [source], [], DAY, terms)
    amounts = rates.filter(currency=source, date=DAY).with_columns(amount=pl.lit(amount, pl.Int64))
    return int(amounts.select(converted("amount")).collect().item())


def through_the_euro(source: str, source_rate: str, target: str, target_rate: str) -> list[Quoted]:
    return [("eur", source, source_rate), ("eur", target, target_rate)]


@pytest.mark.parametrize(
    ("micros", "source", "target", "quoted", "expected"),
    [
        # 2,000,000 JPY / 160 * 1.12 = 14,000.00 USD
        (2_000_000 * MICROS, "jpy", "usd", through_the_euro("jpy", "160", "usd", "1.12"), 1_400_000 * MICROS),
        # 2,100.00 USD / 1.12 * 1500 = 2,812,500 KRW
        (210_000 * MICROS, "usd", "krw", through_the_euro("usd", "1.12", "krw", "1500"), 2_812_500 * MICROS),
        # 11,200.00 USD / 1.12 * 160 = 1,600,000 JPY
        (1_120_000 * MICROS, "usd", "jpy", through_the_euro("usd", "1.12", "jpy", "160"), 1_600_000 * MICROS),
        # 112.00 USD / 1.12 * 17,500 = 1,750,000.00 IDR
        (11_200 * MICROS, "usd", "idr", through_the_euro("usd", "1.12", "idr", "17500"), 175_000_000 * MICROS),
        # 1,700,000.00 GBP / 0.85 * 1.12 = 2,240,000.00 USD
        (170_000_000 * MICROS, "gbp", "usd", through_the_euro("gbp", "0.85", "usd", "1.12"), 224_000_000 * MICROS),
        # 1.00 KWD has three decimals: 1,000 thousandths * 3.25 = 3.25 USD
        (1_000, "kwd", "usd", [("kwd", "usd", "3.25")], 325),
        # 1.00 EUR / 0.8 = 1.25 USD, quoted from the dollar
        (100, "eur", "usd", [("usd", "eur", "0.8")], 125),
    ],
)
def test_mrr_of_large_companies_is_converted_as_on_paper(
    micros: int, source: str, target: str, quoted: list[Quoted], expected: int
) -> None:
    assert worth(micros, source, target, quoted) == expected


@given(
    st.sampled_from(["usd", "jpy", "kwd", "gbp"]),
    st.sampled_from(["krw", "chf", "bhd"]),
    st.decimals("0.0001", "99999", places=4),
    st.decimals("0.0001", "99999", places=4),
    st.integers(-(10**12), 10**12),
)
def test_rates_as_banks_quote_them_are_exact(
    source: str, target: str, one: Decimal, other: Decimal, amount: int
) -> None:
    scale = Fraction(10) ** (minor_exponent(target) - minor_exponent(source))
    exact = amount * Fraction(other) / Fraction(one) * scale
    if abs(exact) <= LARGEST:
        assert worth(amount, source, target, through_the_euro(source, str(one), target, str(other))) == round(exact)


@given(
    st.decimals("0.000001", "1000000", places=12),
    st.decimals("0.000001", "1000000", places=12),
    st.integers(-LARGEST, LARGEST),
)
def test_rates_of_any_digits_are_right_to_one_part_in_ten_to_the_seventeenth(
    one: Decimal, other: Decimal, amount: int
) -> None:
    exact = amount * Fraction(other) / Fraction(one)
    if abs(exact) < LARGEST - 1000:
        found = worth(amount, "usd", "gbp", through_the_euro("usd", str(one), "gbp", str(other)))
        assert abs(found - exact) <= Fraction(1, 2) + abs(exact) / 10**17
