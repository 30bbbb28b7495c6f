"""Trials: how each ended, and when a trial counts as converted."""

from typing import Any

import pytest

from models import trials
from models.contracts import staging
from tests.models.rows import TERMS, at, only, rows


def subscription(name: str = "sub_1", status: str = "active", **more: Any) -> dict[str, Any]:
    return {
        "id": name,
        "customer_id": "cus_1",
        "status": status,
        "created_at": at("2026-03-01"),
        "trial_start_at": at("2026-03-01"),
        "trial_end_at": at("2026-03-15"),
        **more,
    }


PAID = {
    "id": "in_1",
    "subscription_id": "sub_1",
    "status": "paid",
    "total": 900,
    "created_at": at("2026-03-15"),
    "paid_at": at("2026-03-19"),
}
FREE = {**PAID, "id": "in_0", "total": 0, "created_at": at("2026-03-01"), "paid_at": at("2026-03-01")}
AT_ITS_END = {"ended_at": at("2026-03-15"), "cancel_at": at("2026-03-15")}


@pytest.mark.parametrize(
    ("status", "facts", "invoice", "ending", "outcome"),
    [
        ("active", {}, PAID, "converted", "converted"),
        ("canceled", {"ended_at": at("2026-05-01")}, PAID, "converted", "converted"),
        ("canceled", {"ended_at": at("2026-03-10")}, FREE, "canceled_in_trial", "canceled"),
        ("canceled", {"ended_at": at("2026-03-15")}, FREE, "no_payment_method", "canceled"),
        ("canceled", {**AT_ITS_END, "canceled_at": at("2026-03-15")}, FREE, "no_payment_method", "canceled"),
        ("canceled", {**AT_ITS_END, "canceled_at": at("2026-03-02")}, FREE, "canceled_in_trial", "canceled"),
        ("paused", {"paused_type": "trial_end_without_payment_method"}, FREE, "no_payment_method", "canceled"),
        ("canceled", {"ended_at": at("2026-03-25")}, FREE, "payment_failed", "canceled"),
        ("unpaid", {}, FREE, "payment_failed", "canceled"),
        ("past_due", {}, FREE, "awaiting_payment", "open"),
        ("trialing", {"trial_end_at": at("2026-07-02")}, FREE, "running", "open"),
    ],
)
def test_how_a_trial_ended(
    status: str, facts: dict[str, Any], invoice: dict[str, Any], ending: str, outcome: str
) -> None:
    found = trials.trials(
        rows(staging.Subscriptions, subscription(status=status, **facts)), rows(staging.Invoices, invoice), TERMS
    )
    row = only(found)
    assert (row["ending"], row["outcome"]) == (ending, outcome)
    assert row["converted_at"] == (at("2026-03-15") if outcome == "converted" else None)


def test_trials_are_counted_by_subscription_not_by_customer() -> None:
    """Jane starts two trials on 1 January, John one then and one on 21 January: four.
    https://docs.stripe.com/billing/subscriptions/analytics"""
    starts = {"jane_1": "2026-01-01", "jane_2": "2026-01-01", "john_1": "2026-01-01", "john_2": "2026-01-21"}
    given = [
        subscription(name, customer_id=name[:4], trial_start_at=at(start), trial_end_at=at("2026-02-01"))
        for name, start in starts.items()
    ]
    found = trials.trials(rows(staging.Subscriptions, *given), rows(staging.Invoices), TERMS).collect()
    assert dict(found["customer_id"].value_counts().iter_rows()) == {"jane": 2, "john": 2}


def test_a_subscription_without_trial_is_no_trial() -> None:
    none = subscription(trial_start_at=None, trial_end_at=None)
    assert trials.trials(rows(staging.Subscriptions, none), rows(staging.Invoices), TERMS).collect().is_empty()
