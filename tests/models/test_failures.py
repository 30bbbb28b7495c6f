"""Failed payments: what an attempt is, what became of the invoice, how much came in after all."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import polars as pl
import pytest

from models import failures
from models.contracts import staging
from tests.models.rows import TERMS, at, charge, daily_rates, only, rows

Frames = tuple[pl.LazyFrame, pl.LazyFrame, pl.LazyFrame, pl.LazyFrame, pl.LazyFrame]
"""Invoices, credit notes, attempts, subscriptions and rates."""


def invoice(name: str, status: str = "open", amount: int = 1_000, **more: Any) -> dict[str, Any]:
    return {
        "id": name,
        "status": status,
        "created_at": at("2026-03-01"),
        "subscription_id": "sub_1",
        "customer_id": "cus_1",
        "amount_due": amount,
        "total": amount,
        "currency": "usd",
        **more,
    }


def payment(of: str, intent: str | None = None, charge_id: str | None = None) -> dict[str, Any]:
    return {"id": f"inpay_{of}", "invoice_id": of, "payment_intent_id": intent or f"pi_{of}", "charge_id": charge_id}


def tried(of: str, moment: str, status: str = "failed", **more: Any) -> dict[str, Any]:
    paid = {"payment_intent_id": f"pi_{of}", "status": status, "outcome_reason": "insufficient_funds", **more}
    return charge(f"ch_{of}_{moment}", moment, 1_000, **paid)


def story(
    invoices: list[dict[str, Any]],
    charges: list[dict[str, Any]],
    status: str = "active",
    notes: Sequence[dict[str, Any]] = (),
    **subscription: Any,
) -> Frames:
    return (
        rows(staging.Invoices, *invoices),
        rows(staging.CreditNotes, *notes),
        failures.payment_attempts(
            rows(staging.InvoicePayments, *(payment(one["id"]) for one in invoices)),
            rows(staging.Charges, *charges),
            TERMS,
        ),
        rows(staging.Subscriptions, {"id": "sub_1", "customer_id": "cus_1", "status": status, **subscription}),
        daily_rates(),
    )


def test_an_invoice_that_failed_twice_and_was_paid_at_the_third_try_is_recovered() -> None:
    """1 March 10:00 and 4 March fail, 6 March 09:00 succeeds: three attempts, four whole days."""
    found = failures.payment_failures(
        *story(
            [invoice("in_1", "paid", paid_at=at("2026-03-06 09:00"))],
            [
                tried("in_1", "2026-03-04", outcome_reason="expired_card"),
                tried("in_1", "2026-03-01 10:00"),
                tried("in_1", "2026-03-06 09:00", "succeeded"),
            ],
        ),
        TERMS,
    )
    row = only(found)
    assert (row["outcome"], row["attempts"], row["failed_attempts"]) == ("recovered", 3, 2)
    assert (row["decline_code"], row["days_to_recover"]) == ("insufficient_funds", 4)
    assert (row["first_failed_at"], row["recovered_at"]) == (at("2026-03-01 10:00"), at("2026-03-06 09:00"))


@pytest.mark.parametrize(
    ("invoice_status", "subscription", "outcome"),
    [
        ("paid", {"status": "canceled"}, "recovered"),
        ("open", {"status": "past_due"}, "open"),
        ("open", {"status": "canceled"}, "lost"),
        ("open", {"status": "unpaid"}, "lost"),
        ("open", {"status": "paused", "paused_type": "final_payment_failure"}, "lost"),
        ("open", {"status": "paused", "paused_type": "pause_requested"}, "open"),
        ("void", {"status": "active"}, "lost"),
        ("uncollectible", {"status": "active"}, "lost"),
    ],
)
def test_what_became_of_a_failed_invoice(invoice_status: str, subscription: dict[str, Any], outcome: str) -> None:
    paid_at = at("2026-03-20") if invoice_status == "paid" else None
    found = failures.payment_failures(
        *story([invoice("in_1", invoice_status, paid_at=paid_at)], [tried("in_1", "2026-03-01")], **subscription), TERMS
    )
    assert only(found)["outcome"] == outcome


@pytest.mark.parametrize(
    ("invoice_status", "dated", "subscription"),
    [
        ("void", {"voided_at": at("2026-08-15")}, {"status": "active"}),
        ("uncollectible", {"marked_uncollectible_at": at("2026-08-15")}, {"status": "active"}),
        ("open", {}, {"status": "canceled", "ended_at": at("2026-08-15")}),
        ("open", {}, {"status": "paused", "paused_type": "final_payment_failure", "paused_at": at("2026-08-15")}),
    ],
)
def test_a_failure_that_is_lost_in_august_is_open_on_1_july(
    invoice_status: str, dated: dict[str, Any], subscription: dict[str, Any]
) -> None:
    found = failures.payment_failures(
        *story([invoice("in_1", invoice_status, **dated)], [tried("in_1", "2026-06-20")], **subscription), TERMS
    )
    assert only(found)["outcome"] == "open"


@pytest.mark.parametrize(
    ("invoice_status", "later"), [("paid", {"paid_at": at("2026-08-15")}), ("void", {"voided_at": at("2026-08-15")})]
)
def test_what_was_given_up_in_june_is_lost_on_1_july_whatever_became_of_it_later(
    invoice_status: str, later: dict[str, Any]
) -> None:
    given_up = invoice("in_1", invoice_status, marked_uncollectible_at=at("2026-06-25"), **later)
    found = failures.payment_failures(*story([given_up], [tried("in_1", "2026-06-20")]), TERMS)
    assert only(found)["outcome"] == "lost"


def test_uncaptured_and_pending_payments_are_no_failures() -> None:
    found = failures.payment_failures(
        *story(
            [invoice("in_1"), invoice("in_2")],
            [
                tried("in_1", "2026-03-01", "succeeded", captured=False, amount_captured=0),
                tried("in_2", "2026-03-01", "pending"),
            ],
        ),
        TERMS,
    )
    assert found.collect().is_empty()


def test_recovery_rate_is_by_volume_of_the_month_that_failed() -> None:
    """March: 1000 failed, of that 620 paid since, 80 still open, 300 written off: 62 % recovered."""
    found = failures.payment_failures(
        *story(
            [
                invoice("in_1", "paid", 620, paid_at=at("2026-04-02")),
                invoice("in_2", "open", 80),
                invoice("in_3", "uncollectible", 300),
            ],
            [tried(name, "2026-03-01") for name in ("in_1", "in_2", "in_3")],
        ),
        TERMS,
    )
    row = only(failures.recovery_by_month(found, TERMS))
    assert (row["month"], row["failed_amount_reporting"], row["recovery_rate"]) == (date(2026, 3, 1), 1_000, 0.62)
    assert (row["failed_invoices"], row["recovered_invoices"], row["open_amount_reporting"]) == (3, 1, 80)


def credited(amount: int, day: str) -> dict[str, Any]:
    return {"id": f"cn_{day}", "invoice_id": "in_1", "amount": amount, "created_at": at(day), "type": "pre_payment"}


def test_what_was_credited_after_the_failure_was_not_recovered() -> None:
    """Of 1,100, 100 are credited before the attempt: 1,000 fail. 400 of them are credited and 600 paid: 60 %."""
    paid = invoice("in_1", "paid", 600, pre_payment_credit_notes_amount=500, paid_at=at("2026-03-06"))
    told = story(
        [paid],
        [tried("in_1", "2026-03-02"), tried("in_1", "2026-03-06", "succeeded")],
        notes=[credited(100, "2026-03-01"), credited(400, "2026-03-04")],
    )
    row = only(failures.recovery_by_month(failures.payment_failures(*told, TERMS), TERMS))
    assert (row["failed_amount_reporting"], row["recovered_amount_reporting"]) == (1_000, 600)
    assert row["recovery_rate"] == 0.6
    assert only(failures.first_attempts_by_month(*told, TERMS))["first_failed_amount_reporting"] == 1_000


def test_what_was_credited_in_full_is_lost_though_stripe_calls_it_paid() -> None:
    """Nothing was left to pay of 1,000 that failed: none of it was recovered, and its first attempt failed."""
    gone = invoice("in_1", "paid", 0, pre_payment_credit_notes_amount=1_000, paid_at=at("2026-03-04"))
    told = story([gone], [tried("in_1", "2026-03-02")], notes=[credited(1_000, "2026-03-04")])
    found = failures.payment_failures(*told, TERMS)
    assert only(found)["outcome"] == "lost"
    row = only(failures.recovery_by_month(found, TERMS))
    assert (row["failed_amount_reporting"], row["recovered_invoices"], row["open_invoices"]) == (1_000, 0, 0)
    assert only(failures.first_attempts_by_month(*told, TERMS))["first_failed_amount_reporting"] == 1_000


def test_the_failure_rate_looks_at_first_attempts_and_leaves_first_invoices_after_trials_out() -> None:
    """in_1 (trial over on 1 March) is left out; in_2 failed at first, in_3 did not: 500 of 2000 failed."""
    found = failures.first_attempts_by_month(
        *story(
            [
                invoice("in_1", created_at=at("2026-03-01")),
                invoice("in_2", "paid", 500, created_at=at("2026-03-09")),
                invoice("in_3", "paid", 1_500, created_at=at("2026-03-10")),
            ],
            [
                tried("in_1", "2026-03-01"),
                tried("in_2", "2026-03-09"),
                tried("in_2", "2026-03-12", "succeeded"),
                tried("in_3", "2026-03-10", "succeeded"),
                tried("in_3", "2026-03-11"),
            ],
            trial_start_at=at("2026-02-15"),
            trial_end_at=at("2026-03-01"),
        ),
        TERMS,
    )
    row = only(found)
    assert (row["attempted_amount_reporting"], row["first_failed_amount_reporting"]) == (2_000, 500)


def test_a_payment_that_names_its_charge_alone_is_an_attempt_too() -> None:
    found = failures.payment_attempts(
        rows(staging.InvoicePayments, {"id": "inpay_1", "invoice_id": "in_1", "charge_id": "ch_1"}),
        rows(staging.Charges, charge("ch_1", "2026-03-01", 1_000, status="failed")),
        TERMS,
    )
    row = only(found)
    assert (row["invoice_id"], row["charge_id"], row["attempted_at"]) == ("in_1", "ch_1", at("2026-03-01"))
