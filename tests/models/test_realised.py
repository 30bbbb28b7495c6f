"""Realised value: whose each cent is, and what a cohort has brought by when."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import polars as pl

from models.contracts import staging
from models.realised import cash_by_age, customer_cash, customer_value_by_age
from tests.models.rows import ACCOUNT, TERMS, at, charge, daily_rates, rows


def moved(name: str, day: str, amount: int, fee: int, category: str, source: str | None, **more: Any) -> dict[str, Any]:
    return {
        "id": name,
        "created_at": at(day),
        "amount": amount,
        "fee": fee,
        "currency": "usd",
        "reporting_category": category,
        "source_id": source,
        **more,
    }


def cash(*entries: Mapping[str, Any], rates: pl.LazyFrame | None = None) -> list[tuple[str, date, int]]:
    """Net cash by customer and month; ada has charge ch_1 with refund re_1 and dispute dp_1, ben ch_2."""
    found = customer_cash(
        rows(staging.BalanceTransactions, *entries),
        rows(
            staging.Charges,
            charge("ch_1", "2026-01-05", 5000, customer_id="ada"),
            charge("ch_2", "2026-01-06", 900, customer_id="ben"),
        ),
        rows(staging.Refunds, {"id": "re_1", "charge_id": "ch_1"}),
        rows(staging.Disputes, {"id": "dp_1", "charge_id": "ch_1"}),
        daily_rates() if rates is None else rates,
        TERMS,
    )
    return found.sort("customer_id", "month").select("customer_id", "month", "net_reporting").collect().rows()


def test_cash_is_what_is_left_of_payments_after_fees_refunds_and_disputes() -> None:
    """ada: 5,000 − 175 in January, −1,000 in February, −4,000 − 1,500 in March; ben 900 − 56. Stripe's monthly fee and
    a payout are nobody's."""
    assert cash(
        moved("txn_1", "2026-01-05", 5000, 175, "charge", "ch_1"),
        moved("txn_2", "2026-02-10", -1000, 0, "refund", "re_1"),
        moved("txn_3", "2026-03-10", -4000, 1500, "dispute", "dp_1"),
        moved("txn_4", "2026-01-06", 900, 56, "charge", "ch_2"),
        moved("txn_5", "2026-01-31", -700, 0, "fee", None),
        moved("txn_6", "2026-01-31", -3000, 0, "payout", "po_1"),
    ) == [
        ("ada", date(2026, 1, 1), 4825),
        ("ada", date(2026, 2, 1), -1000),
        ("ada", date(2026, 3, 1), -5500),
        ("ben", date(2026, 1, 1), 844),
    ]


def test_cash_in_another_currency_is_worth_what_it_was_on_its_day() -> None:
    """900 and a fee of 56 euro cents at 1.10: 990 − 61.6, the fee rounded to 62."""
    euros = moved("txn_1", "2026-01-06", 900, 56, "charge", "ch_2", currency="eur")
    assert cash(euros, rates=daily_rates(eur=(11, 10))) == [("ben", date(2026, 1, 1), 928)]


def test_a_cohort_is_followed_through_the_months_that_are_over() -> None:
    """January: ada and cy; February: ben. It is July 2026. ada paid 100 before her first paid day: that is in age 0.
    January brings 100 + 500 = 600, nothing in February, 7 in March: 607 of 2, 303.5 each, half to even 304."""
    people = {"ada": date(2026, 1, 5), "cy": date(2026, 1, 9), "ben": date(2026, 2, 1), "new": date(2026, 7, 1)}
    spells = pl.LazyFrame({"account_id": ACCOUNT, "customer_id": list(people), "first_paid_on": list(people.values())})
    received = [
        ("ada", date(2025, 12, 1), 100),
        ("ada", date(2026, 1, 1), 500),
        ("cy", date(2026, 3, 1), 7),
        ("ben", date(2026, 7, 1), 9),
        ("guest", date(2026, 1, 1), 999),
    ]
    schema = {"customer_id": pl.String, "month": pl.Date, "net_reporting": pl.Int64}
    paid = pl.LazyFrame(received, schema=schema, orient="row").with_columns(account_id=pl.lit(ACCOUNT))
    found = customer_value_by_age(spells, cash_by_age(spells, paid, TERMS), TERMS).drop("account_id").collect().rows()
    january, february = date(2026, 1, 1), date(2026, 2, 1)
    assert found == [
        (january, 0, 2, 600, 300),
        (january, 1, 2, 600, 300),
        *((january, age, 2, 607, 304) for age in (2, 3, 4, 5)),
        *((february, age, 1, 0, 0) for age in (0, 1, 2, 3, 4)),
    ]
