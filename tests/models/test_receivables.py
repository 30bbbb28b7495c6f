"""What is owed and for how long: ages of open invoices, and days sales outstanding of sent ones."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import polars as pl
import pytest

from models import receivables
from models.contracts import staging
from tests.models.rows import TERMS, at, daily_rates, only, rows


def by_age(*invoices: dict[str, Any], eur: tuple[int, int] = (1, 1)) -> pl.LazyFrame:
    told = receivables.open_by_due_day(rows(staging.Invoices, *invoices), daily_rates(eur=eur), TERMS)
    return receivables.open_invoices_by_age(told, TERMS)


def by_month(*invoices: dict[str, Any], payments: Sequence[dict[str, Any]] = ()) -> pl.LazyFrame:
    summed = receivables.sent_by_month(
        rows(staging.Invoices, *invoices), rows(staging.InvoicePayments, *payments), daily_rates(), TERMS
    )
    return receivables.days_sales_outstanding_by_month(summed, TERMS)


def sent(name: str, day: str, amount: int, paid: str | None = None, **more: Any) -> dict[str, Any]:
    return {
        "id": name,
        "status": "paid" if paid else "open",
        "collection_method": "send_invoice",
        "currency": "usd",
        "amount_due": amount,
        "amount_remaining": 0 if paid else amount,
        "finalized_at": at(day),
        "due_at": at("2026-06-20"),
        "paid_at": at(paid) if paid else None,
        **more,
    }


@pytest.mark.parametrize(
    ("bucket", "due"),
    [
        ("current", "2026-07-20"),
        ("current", "2026-07-01"),
        ("1-30", "2026-06-30"),
        ("1-30", "2026-06-01"),
        ("31-60", "2026-05-31"),
        ("61-90", "2026-04-30"),
        ("91+", "2026-04-01"),
    ],
)
def test_an_open_invoice_is_as_old_as_it_is_overdue(bucket: str, due: str) -> None:
    """On 1 July: 1 June is 30 days ago, 31 May 31, 30 April 62, 1 April 91."""
    row = only(by_age(sent("in_1", "2026-03-01", 700, due_at=at(due))))
    assert (row["bucket"], row["invoices"], row["amount"], row["oldest_due_on"]) == (bucket, 1, 700, at(due).date())


def test_what_is_left_to_pay_is_owed_in_its_own_currency_and_what_is_charged_from_its_finalisation_on() -> None:
    """Of 1,000 eur 400 are left, worth 440; the charged one was finalised on 1 June, 30 days ago."""
    found = by_age(
        sent("in_1", "2026-06-01", 1_000, currency="eur", amount_remaining=400),
        sent("in_2", "2026-06-01", 50, collection_method="charge_automatically", due_at=None),
        sent("in_3", "2026-06-01", 60, "2026-06-05"),
        sent("in_4", "2026-06-01", 70, status="void", voided_at=at("2026-06-05")),
        sent("in_5", "2026-06-01", 80, status="draft", finalized_at=None),
        eur=(11, 10),
    )
    assert found.collect().height == 2
    assert only(found, currency="eur")["amount_reporting"] == 440
    assert only(found, collection_method="charge_automatically")["bucket"] == "1-30"


def test_what_was_paid_after_the_instant_was_owed_then() -> None:
    row = only(by_age(sent("in_1", "2026-06-01", 90, "2026-07-05")))
    assert row["amount"] == 90


def test_days_sales_outstanding_is_what_was_open_over_three_months_of_billing() -> None:
    """April billed 3,000, May 1,000, June 2,000. Open at the end of May: 500 of May, as April was paid on 3 May.

    April: 3,000 open ÷ 3,000 × 30 days = 30. May: 500 ÷ 4,000 × 61 = 7.625. June: 2,000 ÷ 6,000 × 91 = 30.333.
    """
    told = [
        sent("in_1", "2026-04-10", 3_000, "2026-05-03"),
        sent("in_2", "2026-05-05", 500, "2026-05-15"),
        sent("in_3", "2026-05-21", 500, "2026-06-25"),
        sent("in_4", "2026-06-01", 2_000),
        sent("in_5", "2026-05-05", 900, collection_method="charge_automatically"),
    ]
    found = by_month(*told)
    april, may, june, july = (only(found, month=date(2026, month, 1)) for month in (4, 5, 6, 7))
    assert (april["open_reporting"], april["days_3m"], april["days_sales_outstanding"]) == (3_000, 30, 30)
    assert (may["open_reporting"], may["billed_3m_reporting"], may["days_3m"]) == (500, 4_000, 61)
    assert may["days_sales_outstanding"] == 7.625
    assert (may["paid_invoices"], may["paid_late_invoices"], may["days_to_pay"]) == (2, 1, 45)
    assert may["mean_days_to_pay"] == 22.5
    assert june["days_sales_outstanding"] == pytest.approx(30.3333, abs=1e-4)
    assert (july["is_partial"], july["days_3m"], july["open_reporting"]) == (True, 62, 2_000)
    assert july["mean_days_to_pay"] is None


def paid(of: str, day: str, amount: int) -> dict[str, Any]:
    return {"id": f"inpay_{of}_{day}", "invoice_id": of, "status": "paid", "amount_paid": amount, "paid_at": at(day)}


def test_nine_tenths_paid_leave_a_tenth_open() -> None:
    """1,000 sent on 1 May, 300 paid on 20 May and 600 on 10 June: 700 were open at the end of May, 100 are in June.

    May: 700 ÷ 1,000 x 31 days = 21.7. June: 100 ÷ 1,000 x 61 = 6.1.
    """
    told = sent("in_1", "2026-05-01", 1_000, amount_remaining=100)
    found = by_month(told, payments=[paid("in_1", "2026-05-20", 300), paid("in_1", "2026-06-10", 600)])
    assert only(by_age(told))["amount"] == 100
    may, june = (only(found, month=date(2026, month, 1)) for month in (5, 6))
    assert (may["open_reporting"], may["days_sales_outstanding"]) == (700, 21.7)
    assert (june["open_reporting"], june["days_sales_outstanding"]) == (100, 6.1)


def test_what_was_paid_by_payments_that_are_not_held_was_never_open() -> None:
    """1,000 sent on 1 June, of which 100 are left: 100 ÷ 1,000 x 30 days = 3."""
    june = only(by_month(sent("in_1", "2026-06-01", 1_000, amount_remaining=100)), month=date(2026, 6, 1))
    assert (june["open_reporting"], june["days_sales_outstanding"]) == (100, 3)


def test_parts_and_the_rest_of_a_paid_invoice_leave_nothing_open() -> None:
    told = sent("in_1", "2026-05-01", 1_000, "2026-06-10")
    found = by_month(told, payments=[paid("in_1", "2026-05-20", 300), paid("in_1", "2026-06-10", 700)])
    assert found.sort("month").collect()["open_reporting"].to_list() == [700, 0, 0]


def test_what_was_given_up_and_paid_after_all_was_paid_when_it_was_paid() -> None:
    """Sent on 1 April, given up on 1 May, paid on 30 June: 90 days. It was no longer open from May on."""
    found = by_month(sent("in_1", "2026-04-01", 1_000, "2026-06-30", marked_uncollectible_at=at("2026-05-01")))
    april = only(found, month=date(2026, 4, 1))
    assert (april["paid_invoices"], april["mean_days_to_pay"]) == (1, 90)
    assert found.sort("month").collect()["open_reporting"].to_list() == [1_000, 0, 0, 0]


def test_what_was_given_up_before_and_paid_after_the_instant_is_not_paid() -> None:
    found = by_month(sent("in_1", "2026-04-01", 1_000, "2026-07-30", marked_uncollectible_at=at("2026-05-01")))
    april = only(found, month=date(2026, 4, 1))
    assert (april["paid_invoices"], april["paid_reporting"], april["mean_days_to_pay"]) == (0, 0, None)
