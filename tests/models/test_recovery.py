"""How failed payments were won back: class of decline, channel, stage and age, and what adds up to what."""

from datetime import date
from typing import Any

import polars as pl
import pytest

from models import failures, recovery
from models.contracts import staging
from tests.models.rows import TERMS, at, changes, charge, daily_rates, only, rows


def invoice(name: str, status: str = "open", amount: int = 1_000, **more: Any) -> dict[str, Any]:
    return {
        "id": name,
        "status": status,
        "created_at": at("2026-03-01"),
        "subscription_id": "sub_1",
        "customer_id": "cus_1",
        "amount_due": amount,
        "currency": "usd",
        "attempt_count": 1,
        **more,
    }


def tried(of: str, moment: str, status: str = "failed", **more: Any) -> dict[str, Any]:
    told = {
        "payment_intent_id": f"pi_{of}",
        "status": status,
        "outcome_reason": "insufficient_funds" if status == "failed" else None,
        "payment_method_id": "pm_1",
        "card_brand": "visa",
        "card_exp_month": 5,
        "card_exp_year": 2028,
    }
    return charge(f"ch_{of}_{moment}", moment, 1_000, **told | more)


def told(
    invoices: list[dict[str, Any]],
    charges: list[dict[str, Any]],
    payments: list[dict[str, Any]] | None = None,
    **subscription: Any,
) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    """The failures, and the attempts that they are told by."""
    paid_by = [
        {"id": f"p_{one['id']}", "invoice_id": one["id"], "payment_intent_id": f"pi_{one['id']}"} for one in invoices
    ]
    held, made = rows(staging.InvoicePayments, *paid_by, *(payments or [])), rows(staging.Charges, *charges)
    attempts = failures.payment_attempts(held, made, TERMS)
    subscriptions = rows(staging.Subscriptions, {"id": "sub_1", "status": "active", "currency": "usd", **subscription})
    found = recovery.payment_failures(
        rows(staging.Invoices, *invoices),
        rows(staging.CreditNotes),
        attempts,
        subscriptions,
        daily_rates(),
        made,
        held,
        TERMS,
    )
    return found, attempts


@pytest.mark.parametrize(
    ("decline_class", "failure"),
    [
        ("soft", {"outcome_reason": "insufficient_funds"}),
        ("soft", {"outcome_reason": "expired_card"}),
        ("hard", {"outcome_reason": "stolen_card"}),
        ("hard", {"outcome_reason": "generic_decline", "outcome_advice_code": "do_not_try_again"}),
        ("soft", {"outcome_reason": "generic_decline", "outcome_advice_code": "try_again_later"}),
        ("authentication", {"outcome_reason": "authentication_required"}),
        ("unknown", {"outcome_reason": None}),
    ],
)
def test_the_class_of_a_decline_is_that_of_the_first_failure(decline_class: str, failure: dict[str, Any]) -> None:
    charges = [tried("in_1", "2026-03-02", **failure), tried("in_1", "2026-03-05", outcome_reason="lost_card")]
    row = only(told([invoice("in_1")], charges)[0])
    assert (row["decline_class"], row["card_brand"]) == (decline_class, "visa")


PAID: dict[str, Any] = {"status": "paid", "paid_at": at("2026-03-05")}


@pytest.mark.parametrize(
    ("channel", "attempt_count", "paying"),
    [
        ("automatic_retry", 2, {}),
        ("card_updated", 2, {"payment_method_id": "pm_2"}),
        ("card_updated", 2, {"card_exp_year": 2031}),
        # Two attempts were made and Stripe counts one: the second was no automatic retry.
        ("paid_by_hand", 1, {"payment_method_id": "pm_2"}),
    ],
)
def test_a_recovered_invoice_says_through_what_it_was_paid(
    channel: str, attempt_count: int, paying: dict[str, Any]
) -> None:
    charges = [tried("in_1", "2026-03-02"), tried("in_1", "2026-03-05", "succeeded", **paying)]
    row = only(told([invoice("in_1", **PAID, attempt_count=attempt_count)], charges)[0])
    assert (row["stage"], row["recovery_channel"]) == ("recovered", channel)


def test_what_was_paid_outside_stripe_or_without_a_payment_says_so() -> None:
    record = {"id": "p_2", "invoice_id": "in_1", "payment_record_id": "pr_1", "status": "paid"}
    failed = [tried("in_1", "2026-03-02")]
    assert only(told([invoice("in_1", **PAID)], failed, [record])[0])["recovery_channel"] == "out_of_band"
    assert only(told([invoice("in_1", **PAID)], failed)[0])["recovery_channel"] == "without_payment"
    assert only(told([invoice("in_1")], failed)[0])["recovery_channel"] is None


@pytest.mark.parametrize(
    ("stage", "status", "more", "subscription"),
    [
        ("retrying", "open", {"next_payment_attempt_at": at("2026-07-03")}, {"status": "past_due"}),
        ("open", "open", {}, {"status": "past_due"}),
        ("canceled", "uncollectible", {}, {"status": "canceled", "cancellation_reason": "payment_failed"}),
        (
            "canceled_by_customer",
            "open",
            {"next_payment_attempt_at": at("2026-07-03")},
            {"status": "canceled", "cancellation_reason": "cancellation_requested"},
        ),
        ("unpaid", "open", {}, {"status": "unpaid"}),
        ("unpaid", "open", {}, {"status": "paused", "paused_type": "final_payment_failure"}),
        ("uncollectible", "uncollectible", {}, {"status": "active"}),
        ("void", "void", {}, {"status": "active"}),
        ("void", "void", {"marked_uncollectible_at": at("2026-05-01")}, {"status": "active"}),
        ("void", "paid", {"amount_due": 0, "paid_at": at("2026-05-01")}, {"status": "active"}),
        # Neither had happened on 1 July.
        ("open", "void", {"voided_at": at("2026-08-15")}, {"status": "active"}),
        ("open", "uncollectible", {"marked_uncollectible_at": at("2026-08-15")}, {"status": "active"}),
        ("open", "open", {}, {"status": "canceled", "ended_at": at("2026-08-15")}),
    ],
)
def test_a_failed_invoice_stands_at_one_stage(
    stage: str, status: str, more: dict[str, Any], subscription: dict[str, Any]
) -> None:
    row = only(told([invoice("in_1", status, **more)], [tried("in_1", "2026-03-02")], **subscription)[0])
    assert row["stage"] == stage
    assert (row["next_attempt_at"] is not None) == (stage == "retrying")


def split(**more: Any) -> pl.LazyFrame:
    """Failed in March: 600 paid by the second attempt after 3 days, 300 by the third after 30 days, 100 never."""
    invoices = [
        invoice("in_1", "paid", 600, paid_at=at("2026-03-05"), attempt_count=2),
        invoice("in_2", "paid", 300, paid_at=at("2026-04-01"), attempt_count=3),
        invoice("in_3", "open", 100, attempt_count=2),
    ]
    charges = [
        tried("in_1", "2026-03-02"),
        tried("in_1", "2026-03-05", "succeeded"),
        tried("in_2", "2026-03-02", outcome_reason="lost_card", card_brand="amex"),
        tried("in_2", "2026-03-05"),
        tried("in_2", "2026-04-01", "succeeded", payment_method_id="pm_2"),
        tried("in_3", "2026-03-03"),
        tried("in_3", "2026-03-06"),
    ]
    found, attempts = told(invoices, charges, **more)
    return recovery.recovery_by_dimension(recovery.split_failures(found, attempts, TERMS), TERMS)


@pytest.mark.parametrize(
    ("dimension", "expected"),
    [
        ("decline_code", {"insufficient_funds": (2, 700, 600), "lost_card": (1, 300, 300)}),
        ("decline_class", {"soft": (2, 700, 600), "hard": (1, 300, 300)}),
        ("card_brand", {"visa": (2, 700, 600), "amex": (1, 300, 300)}),
        ("failed_attempts", {"1": (1, 600, 600), "2": (2, 400, 300)}),
        ("days_to_recover", {"2-3": (1, 600, 600), "29-60": (1, 300, 300), "not_recovered": (1, 100, 0)}),
        (
            "recovery_channel",
            {"automatic_retry": (1, 600, 600), "card_updated": (1, 300, 300), "not_recovered": (1, 100, 0)},
        ),
        ("stage", {"recovered": (2, 900, 900), "open": (1, 100, 0)}),
        # The second attempt was made on all three and paid 600 of 1,000; the third on in_2 alone.
        ("attempt", {"2": (3, 1_000, 600), "3": (1, 300, 300)}),
    ],
)
def test_every_dimension_says_what_failed_and_what_was_recovered(
    dimension: str, expected: dict[str, tuple[int, int, int]]
) -> None:
    found = split().filter(dimension=dimension).collect()
    columns = ("value", "failed_invoices", "failed_amount_reporting", "recovered_amount_reporting")
    assert {value: tuple(rest) for value, *rest in found.select(columns).iter_rows()} == expected


def test_recovery_within_a_window_is_counted_once_it_can_be_full() -> None:
    """In_1 took 3 days, in_2 30: within 28 days 600, within 60 days 900. On 1 July March is 92 days past its end."""
    recovered = only(split(), dimension="stage", value="recovered")
    assert (recovered["recovered_28d_amount_reporting"], recovered["recovered_60d_amount_reporting"]) == (600, 900)
    assert (recovered["is_mature_28d"], recovered["is_mature_60d"]) == (True, True)
    soft = only(split(), dimension="decline_class", value="soft")
    assert (soft["recovery_rate"], soft["recovery_count_rate"]) == (600 / 700, 0.5)


@pytest.mark.parametrize(("day", "is_mature"), [("2026-06-02", False), ("2026-05-31", True)])
def test_a_month_is_mature_when_its_last_day_is_28_days_past(day: str, is_mature: bool) -> None:
    """On 1 July 2026 the month of May ended 31 days ago, June has not had a day."""
    found, attempts = told([invoice("in_1")], [tried("in_1", day)])
    row = only(
        recovery.recovery_by_dimension(recovery.split_failures(found, attempts, TERMS), TERMS), dimension="stage"
    )
    assert (row["month"].month, row["is_mature_28d"], row["is_mature_60d"]) == (at(day).month, is_mature, False)


def test_mrr_in_dunning_is_that_of_subscriptions_with_a_failed_invoice_that_is_open() -> None:
    """Failed on 2 and 20 March, 1 July is 121 days after the first; the subscription counts for 250."""
    invoices = [
        invoice("in_1", next_payment_attempt_at=at("2026-07-05")),
        invoice("in_2", amount=300),
        invoice("in_3", "paid", paid_at=at("2026-03-05")),
    ]
    charges = [
        tried("in_1", "2026-03-02"),
        tried("in_2", "2026-03-20", outcome_reason="lost_card"),
        tried("in_3", "2026-03-02"),
    ]
    found, _ = told(invoices, charges, status="past_due")
    subscriptions = rows(staging.Subscriptions, {"id": "sub_1", "status": "past_due", "currency": "usd"})
    paying = changes(("1", "2026-01-01", 0, 250))
    failing = recovery.in_dunning(found, subscriptions, paying, daily_rates(), TERMS)
    row = only(recovery.dunning_now(failing, TERMS))
    assert (row["failed_invoices"], row["amount_due_reporting"], row["days_in_dunning"]) == (2, 1_300, 121)
    assert (row["mrr"], row["mrr_reporting"], row["status"]) == (250, 250, "past_due")
    assert (row["decline_code"], row["decline_class"]) == ("lost_card", "hard")
    assert row["next_attempt_at"] == at("2026-07-05")
    assert date(2026, 7, 1) == TERMS.as_of_day
