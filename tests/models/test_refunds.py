"""Refunds and refund rates: which month they count in, and what counts."""

from datetime import date

import polars as pl
import pytest

from models import refunds
from models.contracts import staging
from tests.models.rows import TERMS, at, charge, daily_rates, only, rows


def refund(
    name: str, of: str, moment: str, amount: int, status: str = "succeeded", **more: object
) -> dict[str, object]:
    return {
        "id": name,
        "charge_id": of,
        "created_at": at(moment),
        "amount": amount,
        "currency": "usd",
        "status": status,
        **more,
    }


def rates_of(charges: pl.LazyFrame, given: pl.LazyFrame) -> pl.LazyFrame:
    mart = refunds.refunds(given, charges, daily_rates(), TERMS)
    return refunds.refund_rates_by_month(mart, refunds.sales_by_month(charges, daily_rates(), TERMS), TERMS)


def test_refund_rates_by_charge_month_and_by_refund_month_differ() -> None:
    """March: 200 charges of 100. In March 8 charges were refunded, 900 together: 3 of February (300), and 5 of March
    (600). By refund month 8/200 and 900/20000; by charge month 5/200 and 600/20000."""
    march = [charge(f"ch_{n}", "2026-03-10", 100) for n in range(200)]
    february = [charge(f"ch_old_{n}", "2026-02-10", 100) for n in range(3)]
    made = [refund(f"re_old_{n}", f"ch_old_{n}", "2026-03-15", 100) for n in range(3)]
    made += [refund(f"re_{n}", f"ch_{n}", "2026-03-16", 100) for n in range(5)]
    made += [refund("re_again", "ch_0", "2026-03-17", 100)]
    found = rates_of(rows(staging.Charges, *february, *march), rows(staging.Refunds, *made))
    by_refund = only(found, month=date(2026, 3, 1), basis="refund_month")
    by_charge = only(found, month=date(2026, 3, 1), basis="charge_month")
    assert (by_refund["refund_count_rate"], by_refund["refund_volume_rate"]) == (0.04, 0.045)
    assert (by_charge["refund_count_rate"], by_charge["refund_volume_rate"]) == (0.025, 0.03)


@pytest.mark.parametrize(
    ("status", "reason", "counts"),
    [
        ("succeeded", "duplicate", True),
        ("pending", None, True),
        ("failed", None, False),
        ("canceled", None, False),
        ("requires_action", None, False),
        ("succeeded", "expired_uncaptured_charge", False),
    ],
)
def test_only_refunds_that_move_money_count(status: str, reason: str | None, counts: bool) -> None:
    found = rates_of(
        rows(staging.Charges, charge("ch_1", "2026-03-10", 100)),
        rows(staging.Refunds, refund("re_1", "ch_1", "2026-03-11", 40, status, reason=reason)),
    )
    row = only(found, basis="charge_month")
    assert (row["refunds"], row["refund_amount"]) == ((1, 40) if counts else (0, 0))


def test_failed_and_uncaptured_charges_are_no_sales_and_an_empty_base_has_no_rate() -> None:
    found = rates_of(
        rows(
            staging.Charges,
            charge("ch_1", "2026-03-10", 100, status="failed", amount_captured=0),
            charge("ch_2", "2026-03-10", 100, captured=False, amount_captured=0),
            charge("ch_3", "2026-02-10", 100),
        ),
        rows(staging.Refunds, refund("re_1", "ch_3", "2026-03-11", 100)),
    )
    row = only(found, basis="refund_month", month=date(2026, 3, 1))
    assert (row["charges"], row["refunds"], row["refund_count_rate"], row["refund_volume_rate"]) == (0, 1, None, None)


def test_a_refund_knows_its_charges_customer_its_age_and_its_own_days_rate() -> None:
    """25.00 EUR at 1.1 is 27.50 USD; 3 January noon to 9 January 11:00 is five whole days."""
    made = refunds.refunds(
        rows(staging.Refunds, refund("re_1", "ch_1", "2026-01-09 11:00", 2_500, currency="eur")),
        rows(staging.Charges, charge("ch_1", "2026-01-03 12:00", 9_900, customer_id="cus_1", currency="eur")),
        daily_rates(eur=(11, 10)),
        TERMS,
    )
    row = only(made)
    assert (row["customer_id"], row["days_to_refund"], row["amount_reporting"]) == ("cus_1", 5, 2_750)
