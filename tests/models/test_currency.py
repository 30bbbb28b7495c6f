"""Stripe's own exponents."""

import pytest

from models.currency import minor_exponent


@pytest.mark.parametrize(
    ("currency", "exponent"),
    [
        ("usd", 2),
        ("JPY", 0),
        ("krw", 0),
        ("kwd", 3),
        ("isk", 2),  # docs.stripe.com/currencies, special cases: 500 charges 5 ISK, and 5 UGX
        ("ugx", 2),
        ("huf", 2),  # without decimals in payouts alone
        ("twd", 2),
        ("mga", 0),  # two in ISO 4217
        ("xts", 2),
    ],
)
def test_decimals_are_stripes_not_isos(currency: str, exponent: int) -> None:
    assert minor_exponent(currency) == exponent
