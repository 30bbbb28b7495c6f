"""How near the card networks' limits are, each by its own count and in the months in which it held."""

from datetime import date
from fractions import Fraction
from typing import Any

import polars as pl
import pytest

from models import monitoring
from models.contracts import marts, staging
from models.network_limits import LIMITS, Limit, in_force
from tests.models.rows import TERMS, at, charge, only, rows

MARCH, APRIL, MAY = (date(2026, month, 1) for month in (3, 4, 5))


def month(first: date, network: str, charges: int, disputes: int) -> dict[str, Any]:
    return {"month": first, "network": network, "charges": charges, "disputes": disputes}


def monitored(*months: dict[str, Any], warnings: int = 0, limits: tuple[Limit, ...] = LIMITS) -> pl.LazyFrame:
    """With so many fraud warnings in April, on a Visa charge of March."""
    told = [{"id": f"issfr_{n}", "charge_id": "ch_1", "created_at": at("2026-04-10")} for n in range(warnings)]
    reported = monitoring.fraud_reports(
        rows(staging.EarlyFraudWarnings, *told), rows(staging.Charges, charge("ch_1", "2026-03-10", 100)), TERMS
    )
    return monitoring.dispute_monitoring_by_month(rows(marts.DisputeRatesByMonth, *months), reported, TERMS, limits)


def test_visa_adds_fraud_reports_and_divides_by_the_payments_of_the_same_month() -> None:
    """1,000 disputes and 500 reports over 100,000 payments: 1,500 ÷ 100,000 = 1.5 %, both limits reached."""
    found = monitored(month(MARCH, "visa", 7, 0), month(APRIL, "visa", 100_000, 1_000), warnings=500)
    row = only(found, month=APRIL, programme="Visa VAMP, excessive")
    assert (row["counted"], row["disputes"], row["fraud_reports"], row["payments"]) == (1_500, 1_000, 500, 100_000)
    assert (row["dispute_ratio"], row["level"], row["headroom"]) == (0.015, "above", 0)
    assert (row["payments_month"], row["limit_count"]) == (APRIL, 1_500)


def test_one_less_is_an_early_warning_and_says_that_one_is_left() -> None:
    found = monitored(month(APRIL, "visa", 100_000, 999), warnings=500)
    row = only(found, month=APRIL, programme="Visa VAMP, excessive")
    assert (row["counted"], row["level"], row["headroom"]) == (1_499, "early_warning", 1)


def test_mastercard_divides_by_the_payments_of_the_month_before() -> None:
    """120 chargebacks of April over 8,000 payments of March are 1.5 %; over April's 20,000 they would be 0.6 %."""
    found = monitored(month(MARCH, "mastercard", 8_000, 0), month(APRIL, "mastercard", 20_000, 120))
    row = only(found, month=APRIL, programme="Mastercard ECM")
    assert (row["counted"], row["payments"], row["payments_month"]) == (120, 8_000, MARCH)
    assert (row["dispute_ratio"], row["level"]) == (0.015, "above")
    high = only(found, month=APRIL, programme="Mastercard HECM")
    assert (high["level"], high["headroom"]) == ("ok", 180)


def test_a_month_without_payments_of_its_own_still_has_those_of_the_month_before() -> None:
    found = monitored(month(MARCH, "mastercard", 1_000, 0), month(MAY, "mastercard", 10, 1))
    assert only(found, month=APRIL, programme="Mastercard ECM")["payments"] == 1_000
    may = only(found, month=MAY, programme="Mastercard ECM")
    assert (may["payments"], may["level"], may["dispute_ratio"], may["headroom"]) == (0, "no_payments", None, None)


@pytest.mark.parametrize(
    ("disputes", "level", "headroom"),
    [
        (74, "ok", 76),  # three quarters of the count of 100 are 75
        (75, "ok", 75),  # and three quarters of the rate, 1.125 % of 10,000, are 112.5
        (112, "ok", 38),
        (113, "early_warning", 37),
        (149, "early_warning", 1),
        (150, "above", 0),
    ],
)
def test_an_early_warning_is_near_both_the_rate_and_the_count(disputes: int, level: str, headroom: int) -> None:
    """10,000 payments: the rate of 1.5 % is reached at 150, which is more than the count of 100."""
    found = monitored(month(MARCH, "mastercard", 10_000, 0), month(APRIL, "mastercard", 1, disputes))
    row = only(found, month=APRIL, programme="Mastercard ECM")
    assert (row["level"], row["headroom"]) == (level, headroom)


def test_a_high_rate_of_few_payments_is_far_from_the_count() -> None:
    found = monitored(month(MARCH, "mastercard", 10, 0), month(APRIL, "mastercard", 10, 2))
    assert (only(found, month=APRIL, programme="Mastercard ECM")["headroom"]) == 98
    assert only(found, month=APRIL, programme="Mastercard ECM")["level"] == "ok"
    assert only(found, month=APRIL, programme="Stripe's advice")["level"] == "above"


def test_stripes_advice_is_for_every_network() -> None:
    """0.75 % of 400 payments are 3."""
    found = monitored(month(APRIL, "amex", 400, 3), month(APRIL, "jcb", 400, 2))
    assert only(found, month=APRIL, network="amex")["level"] == "above"
    jcb = only(found, month=APRIL, network="jcb")
    assert (jcb["level"], jcb["headroom"]) == ("ok", 1)


def test_a_limit_holds_in_its_months_alone() -> None:
    """Visa's 2.2 % became 1.5 % on 1 April 2026."""
    found = monitored(month(MARCH, "visa", 1_000, 0), month(APRIL, "visa", 1_000, 0))
    vamp = found.filter(pl.col("programme").str.starts_with("Visa"))
    assert [only(vamp, month=one)["limit_rate"] for one in (MARCH, APRIL)] == [0.022, 0.015]


def test_every_limit_says_its_source_and_no_two_of_a_programme_hold_at_once() -> None:
    assert all(one.source.startswith("https://") for one in LIMITS)
    for first in (date(2025, 5, 1), MARCH, APRIL, date(2027, 1, 1)):
        names = [one.programme for one in in_force(first)]
        assert len(names) == len(set(names))
    assert {one.rate for one in in_force(APRIL) if one.network == "visa"} == {Fraction(3, 200)}
