"""Churn: its kind by the first rule that matches, its moment, and who came back."""

from datetime import date
from typing import Any

import polars as pl
import pytest

from models import churn
from models.contracts import staging
from models.failures import payment_attempts
from tests.models.rows import TERMS, at, changes, charge, customer_changes, movements, only, rows

DUNNED = {
    "id": "in_1",
    "subscription_id": "sub_a",
    "status": "open",
    "created_at": at("2026-03-01"),
    "total": 100,
    "amount_due": 100,
}
UNCHARGED = {**DUNNED, "id": "in_no_card", "attempt_count": 1}
"""Tried once, without a charge: there was no card."""
FAILED = charge("ch_1", "2026-03-02", 100, status="failed", payment_intent_id="pi_1")
PAYMENT = {"id": "inpay_1", "invoice_id": "in_1", "payment_intent_id": "pi_1"}
NO_REFUSALS = pl.LazyFrame(
    schema={
        "account_id": pl.String(),
        "subscription_id": pl.String(),
        "refused_at": pl.Datetime("us", "UTC"),
        "card": pl.String(),
    }
)
ASKED: dict[str, Any] = {"cancellation_reason": "cancellation_requested", "canceled_at": at("2026-03-05")}
SET_AT_ONCE: dict[str, Any] = {"created_at": at("2026-01-01"), "canceled_at": at("2026-01-01")}


def churned(cause: str = "end", invoice: dict[str, Any] | None = None, **subscription: Any) -> dict[str, Any]:
    """Customer a pays 100 from 1 January and falls to nothing on 10 March, for `cause`."""
    ended_at = at("2026-03-10") if cause == "end" else None
    facts = {"id": "sub_a", "customer_id": "a", "status": "canceled", "ended_at": ended_at, **subscription}
    deleted = bool(facts.pop("customer_deleted", False))
    moved = movements(("a", "2026-01-01", 0, 100), ("a", "2026-03-10", 100, 0))
    found = churn.churned_customers(
        moved,
        changes(("a", "2026-01-01", 0, 100), ("a", "2026-03-10", 100, 0), cause=cause),
        customer_changes(moved),
        rows(staging.Subscriptions, facts),
        rows(staging.Customers, {"id": "a", "deleted": deleted}),
        rows(staging.Invoices, *([invoice] if invoice else [])),
        payment_attempts(rows(staging.InvoicePayments, PAYMENT), rows(staging.Charges, FAILED), TERMS),
        NO_REFUSALS,
        TERMS,
    )
    return only(found)


@pytest.mark.parametrize(
    ("kind", "story"),
    [
        ("paused", {"cause": "pause", "status": "active", "pause_collection_behavior": "void"}),
        ("paused", {"cause": "pause", "status": "paused", "paused_type": "pause_requested"}),
        ("involuntary_payment", {"cause": "pause", "status": "paused", "paused_type": "final_payment_failure"}),
        ("involuntary_payment", {"cause": "unpaid", "status": "unpaid"}),
        ("involuntary_payment", {"cancellation_reason": "payment_failed"}),
        ("involuntary_dispute", {"cancellation_reason": "payment_disputed"}),
        ("voluntary", ASKED),
        ("voluntary_in_dunning", {**ASKED, "invoice": DUNNED}),
        ("voluntary_in_dunning", {**ASKED, "invoice": {**DUNNED, "status": "paid", "paid_at": at("2026-03-06")}}),
        ("voluntary", {**ASKED, "invoice": {**DUNNED, "status": "paid", "paid_at": at("2026-03-04")}}),
        ("voluntary", {**ASKED, "canceled_at": at("2026-03-01"), "invoice": DUNNED}),
        ("voluntary_in_dunning", {**ASKED, "invoice": UNCHARGED}),
        ("voluntary", {**ASKED, "invoice": {**UNCHARGED, "collection_method": "send_invoice"}}),
        ("contract_end", {"cancel_at": at("2026-03-10")}),
        ("contract_end", {**SET_AT_ONCE, "cancel_at": at("2026-03-10")}),
        ("voluntary_unknown", {**SET_AT_ONCE, "canceled_at": at("2026-02-20"), "cancel_at": at("2026-03-10")}),
        ("contract_end", {"schedule_id": "sub_sched_1"}),
        ("administrative", {"cancellation_reason": "canceled_by_retention_policy"}),
        ("administrative", {"test_clock_id": "clock_1"}),
        ("administrative", {"customer_deleted": True}),
        ("involuntary_payment", {"invoice": DUNNED}),
        ("involuntary_payment", {"invoice": UNCHARGED}),
        ("voluntary_unknown", {"invoice": {**DUNNED, "status": "paid", "paid_at": at("2026-03-04")}}),
        ("voluntary_unknown", {}),
        ("voluntary_unknown", {"cause": "discount_start", "status": "active"}),
    ],
)
def test_the_kind_of_a_churn_is_the_first_rule_that_matches(kind: str, story: dict[str, Any]) -> None:
    assert churned(**story)["kind"] == kind


def test_a_churn_carries_what_was_lost_how_long_it_lasted_and_what_was_said() -> None:
    """1 January to 10 March 2026: 31 + 28 + 9 = 68 days."""
    said: dict[str, Any] = {"cancellation_feedback": "too_expensive", "cancellation_comment": "Sorry."}
    row = churned(**ASKED, **said)
    assert (row["tenure_days"], row["mrr_lost"], row["mrr_lost_reporting"]) == (68, 100, 100)
    assert (row["reason"], row["feedback"], row["comment"]) == ("cancellation_requested", "too_expensive", "Sorry.")
    assert (row["churned_at"], row["returned_on"], row["left"]) == (at("2026-03-10"), None, True)


def test_what_was_said_of_a_later_cancellation_is_not_said_of_an_earlier_pause() -> None:
    row = churned(cause="pause", **ASKED)
    assert (row["kind"], row["reason"]) == ("paused", None)


def test_the_type_of_a_pause_is_that_of_the_last_one_alone() -> None:
    """Paused on 10 March; for want of a payment since 10 May, or since that very day."""
    told: dict[str, Any] = {"cause": "pause", "status": "paused", "paused_type": "final_payment_failure"}
    assert churned(**told, paused_at=at("2026-05-10"))["kind"] == "paused"
    assert churned(**told, paused_at=at("2026-03-10"))["kind"] == "involuntary_payment"


def test_what_resumes_ends_a_pause_only_where_the_churn_was_one() -> None:
    steps = (("a", "2026-01-01", 0, 100), ("a", "2026-03-10", 100, 0), ("a", "2026-04-20", 0, 100))
    moved = movements(*steps).with_columns(cause=pl.lit("resume"))
    for cause, days in (("pause", [date(2026, 4, 20)]), ("unpaid", [])):
        found = churn.resumed(moved, unexplained(moved, changes(*steps, cause=cause))).collect()
        assert found["moved_on"].to_list() == days


def story_of(*steps: tuple[str, str, int, int]) -> pl.LazyFrame:
    return unexplained(movements(*steps), changes(*steps))


def unexplained(moved: pl.LazyFrame, changed: pl.LazyFrame) -> pl.LazyFrame:
    """Churns of customers of whom nothing else is held."""
    nothing = rows(staging.Subscriptions), rows(staging.Customers), rows(staging.Invoices)
    attempts = payment_attempts(rows(staging.InvoicePayments), rows(staging.Charges), TERMS)
    return churn.churned_customers(moved, changed, customer_changes(moved), *nothing, attempts, NO_REFUSALS, TERMS)


def test_a_customer_who_left_twice_has_two_churns_and_the_day_of_each_return() -> None:
    found = story_of(
        ("a", "2026-01-01", 0, 100),
        ("a", "2026-02-01", 100, 0),
        ("a", "2026-03-01", 0, 50),
        ("a", "2026-04-01", 50, 0),
    ).collect()
    assert found["churned_on"].to_list() == [date(2026, 2, 1), date(2026, 4, 1)]
    assert found["returned_on"].to_list() == [date(2026, 3, 1), None]
    assert found["tenure_days"].to_list() == [31, 90]


def test_the_last_fall_of_the_day_says_which_subscription_did_it() -> None:
    steps = changes(("a", "2026-01-01", 0, 60), ("a", "2026-03-10 08:00", 60, 0))
    other = changes(("a", "2026-01-01", 0, 40), ("a", "2026-03-10 09:00", 40, 0)).with_columns(
        subscription_id=pl.lit("sub_late"), subscription_item_id=pl.lit("si_late")
    )
    moved = movements(("a", "2026-01-01", 0, 100), ("a", "2026-03-10", 100, 0))
    found = unexplained(moved, pl.concat([steps, other]))
    row = only(found)
    assert (row["subscription_id"], row["churned_at"]) == ("sub_late", at("2026-03-10 09:00"))


def test_churn_reasons_add_up_and_silence_has_its_own_row() -> None:
    found = story_of(
        ("a", "2026-01-01", 0, 100), ("a", "2026-03-10", 100, 0), ("b", "2026-01-01", 0, 30), ("b", "2026-03-11", 30, 0)
    )
    row = only(churn.churn_reasons_by_month(found, TERMS))
    assert (row["kind"], row["reason"], row["feedback"]) == ("voluntary_unknown", "not_given", "not_given")
    assert (row["month"], row["customers"], row["mrr_lost_reporting"]) == (date(2026, 3, 1), 2, 130)
