"""The world's exchange rates."""

import datetime as dt
import itertools
from decimal import Decimal

import pytest

from sandbox.world.rates import FIRST_DAY, Rates, converted

DAY = dt.date(2026, 11, 15)


def test_rates_are_the_same_whatever_was_asked_before() -> None:
    asked_late, asked_early = Rates(seed=7), Rates(seed=7)
    asked_early.rate_on(dt.date(2016, 1, 1), "eur")
    asked_early.rate_on(DAY, "gbp")
    assert asked_early.rate_on(DAY, "eur") == asked_late.rate_on(DAY, "eur")
    assert Rates(seed=8).rate_on(DAY, "eur") != asked_late.rate_on(DAY, "eur")


def test_a_currency_moves_by_less_than_a_percent_a_day_and_stays_near_its_start() -> None:
    rates = Rates(seed=7)
    days = [FIRST_DAY + dt.timedelta(days=offset) for offset in range(365 * 15)]
    for currency, start in [("eur", "1.09"), ("gbp", "1.27"), ("jpy", "0.0071"), ("kwd", "3.26")]:
        series = [rates.rate_on(day, currency) / Decimal(start) for day in days]
        assert Decimal("0.7") < min(series) < max(series) < Decimal("1.4")
        assert max(abs(after - before) for before, after in itertools.pairwise(series)) < Decimal("0.015")


def test_the_dollar_is_one_and_what_has_no_rate_is_refused_by_name() -> None:
    rates = Rates(seed=7)
    assert rates.rate_on(DAY, "usd") == 1
    with pytest.raises(KeyError, match="no rate of chf on 2026-11-15"):
        rates.rate_on(DAY, "chf")
    with pytest.raises(KeyError, match="no rate of eur on 2014-12-31"):
        rates.rate_on(dt.date(2014, 12, 31), "eur")


def test_the_file_has_a_line_a_day_and_currency_with_the_rates_themselves() -> None:
    rates = Rates(seed=7)
    header, *lines = rates.as_csv(DAY, DAY + dt.timedelta(days=1)).splitlines()
    assert header == "date,from_currency,to_currency,rate"
    assert len(lines) == 2 * len(rates.currencies)
    for line in lines:
        date, currency, into, rate = line.split(",")
        assert into == "usd"
        assert Decimal(rate) == rates.rate_on(dt.date.fromisoformat(date), currency)


@pytest.mark.parametrize(
    ("amount", "currency", "rate", "cents"),
    [
        (1000, "gbp", "1.25", 1250),
        (1000, "jpy", "0.0071", 710),
        (1230, "kwd", "3.25", 400),  # 1.230 dinars are 3.9975 dollars
        (1, "gbp", "0.5", 1),  # half a cent goes up
        (-1000, "jpy", "0.0071", -710),
    ],
)
def test_amounts_convert_between_currencies_of_different_exponents(
    amount: int, currency: str, rate: str, cents: int
) -> None:
    assert converted(amount, currency, "usd", Decimal(rate)) == cents
