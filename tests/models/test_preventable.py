"""Preventable churn: what the card was like when it was refused, and which causes a policy calls preventable."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from models import churn, preventable
from models.contracts import marts, staging
from models.failures import payment_attempts
from models.policy import MetricPolicy, changed
from tests.models.rows import TERMS, at, changes, charge, customer_changes, movements, only, rows

INVOICE = {
    "id": "in_1",
    "subscription_id": "sub_a",
    "status": "open",
    "created_at": at("2026-03-01"),
    "amount_due": 100,
    "attempt_count": 1,
}
PAYMENT = {"id": "inpay_1", "invoice_id": "in_1", "payment_intent_id": "pi_1"}
INTENT = {"id": "pi_1", "payment_method_id": "pm_1"}
METHOD = {"id": "pm_1", "card_exp_month": 2, "card_exp_year": 2026}
UNPAID = {"status": "unpaid"}


def refused(
    *charges: dict[str, Any],
    invoice: dict[str, Any] | None = None,
    intents: tuple[dict[str, Any], ...] = (),
    methods: tuple[dict[str, Any], ...] = (),
) -> pl.LazyFrame:
    payments, charged = rows(staging.InvoicePayments, PAYMENT), rows(staging.Charges, *charges)
    return preventable.refused_cards(
        rows(staging.Invoices, {**INVOICE, **(invoice or {})}),
        payments,
        payment_attempts(payments, charged, TERMS),
        charged,
        rows(staging.PaymentIntents, *intents),
        rows(staging.PaymentMethods, *methods),
        TERMS,
    )


def declined(moment: str, **more: Any) -> dict[str, Any]:
    return charge(f"ch_{moment}", moment, 100, status="failed", payment_intent_id="pi_1", **more)


@pytest.mark.parametrize(
    ("card", "told"),
    [
        ("expired", {"outcome_reason": "expired_card"}),
        ("expired", {"outcome_reason": "generic_decline", "card_exp_month": 2, "card_exp_year": 2026}),
        ("refused", {"outcome_reason": "generic_decline", "card_exp_month": 3, "card_exp_year": 2026}),
        ("refused", {"outcome_reason": "insufficient_funds"}),
    ],
)
def test_a_card_is_good_to_the_end_of_its_month(card: str, told: dict[str, Any]) -> None:
    assert only(refused(declined("2026-03-02", **told)))["card"] == card


@pytest.mark.parametrize(
    ("card", "intent", "invoice"),
    [
        ("missing", {"payment_method_id": None}, {}),
        ("expired", {}, {}),
        ("refused", {}, {"created_at": at("2026-02-20")}),
    ],
)
def test_an_invoice_tried_without_a_charge_is_told_by_its_intent_and_payment_method(
    card: str, intent: dict[str, Any], invoice: dict[str, Any]
) -> None:
    assert only(refused(invoice=invoice, intents=({**INTENT, **intent},), methods=(METHOD,)))["card"] == card


@pytest.mark.parametrize(
    "invoice",
    [{"attempt_count": 0}, {"amount_due": 0}, {"collection_method": "send_invoice"}, {"subscription_id": None}],
)
def test_an_invoice_that_no_card_was_asked_for_tells_of_none(invoice: dict[str, Any]) -> None:
    assert refused(invoice=invoice, intents=({**INTENT, "payment_method_id": None},)).collect().is_empty()


def test_no_card_is_called_missing_where_payment_intents_are_not_read() -> None:
    assert refused().collect().is_empty()


def churned(cards: pl.LazyFrame, policy: MetricPolicy | None = None, cause: str = "end", **subscription: Any) -> Any:
    """Customer a, who pays 100 from 1 January and falls to nothing on 10 March."""
    steps = (("a", "2026-01-01", 0, 100), ("a", "2026-03-10", 100, 0))
    told = {"id": "sub_a", "customer_id": "a", "status": "canceled", "ended_at": at("2026-03-10"), **subscription}
    nothing = rows(staging.InvoicePayments), rows(staging.Charges)
    return only(
        churn.churned_customers(
            movements(*steps),
            changes(*steps, cause=cause),
            customer_changes(movements(*steps)),
            rows(staging.Subscriptions, told),
            rows(staging.Customers, {"id": "a", "deleted": False}),
            rows(staging.Invoices),
            payment_attempts(*nothing, TERMS),
            cards,
            replace(TERMS, policy=policy or MetricPolicy()),
        )
    )


FAILED: dict[str, Any] = {"cancellation_reason": "payment_failed"}
ASKED: dict[str, Any] = {"cancellation_reason": "cancellation_requested"}


@pytest.mark.parametrize(
    ("because", "charges", "subscription"),
    [
        ("expired_card", [declined("2026-03-02", outcome_reason="expired_card")], FAILED),
        ("failed_payment", [declined("2026-03-02", outcome_reason="lost_card")], FAILED),
        # The customer had a new card by the last attempt, and that one was refused for another reason.
        (
            "failed_payment",
            [declined("2026-03-02", outcome_reason="expired_card"), declined("2026-03-05", outcome_reason="lost_card")],
            FAILED,
        ),
        # 20 January is 49 days before the churn, more than 35.
        ("failed_payment", [declined("2026-01-20", outcome_reason="expired_card")], FAILED),
        ("too_expensive", [], {**ASKED, "cancellation_feedback": "too_expensive"}),
        (None, [], {**ASKED, "cancellation_feedback": "unused"}),
        (None, [], ASKED),
        (None, [declined("2026-03-02", outcome_reason="expired_card")], ASKED),
        (None, [], {"cancellation_reason": "payment_disputed"}),
    ],
)
def test_a_churn_is_preventable_for_the_first_cause_of_the_policy_that_holds(
    because: str | None, charges: list[dict[str, Any]], subscription: dict[str, Any]
) -> None:
    row = churned(refused(*charges), **subscription)
    assert (row["preventable_because"], row["preventable"]) == (because, because is not None)


def test_a_policy_names_other_causes() -> None:
    ours = changed(MetricPolicy(), preventable_causes=["unused", "dispute"])
    told = {**ASKED, "cancellation_feedback": "unused"}
    assert churned(refused(), ours, **told)["preventable_because"] == "unused"
    assert churned(refused(), ours, cancellation_reason="payment_disputed")["preventable_because"] == "dispute"
    assert churned(refused(), ours, **FAILED)["preventable_because"] is None
    assert churned(refused(), changed(ours, preventable_causes=[]), **told)["preventable"] is False


def test_a_policy_may_name_every_cause_and_no_other() -> None:
    causes = [name for name, _ in preventable.CAUSES]
    assert changed(MetricPolicy(), preventable_causes=causes).preventable_causes == tuple(causes)


def lost(customer: str, day: str, amount: int, because: str | None, kind: str = "voluntary") -> dict[str, Any]:
    return {
        "customer_id": customer,
        "churned_at": at(day),
        "churned_on": at(day).date(),
        "currency": "usd",
        "kind": kind,
        "mrr_lost_reporting": Decimal(amount),
        "left": True,
        "preventable": because is not None,
        "preventable_because": because,
    }


def test_the_share_of_a_month_counts_customers_once_and_leaves_pauses_apart() -> None:
    """March: a leaves twice (300 preventable, 100 not), b once (600 not): 1 of 2 customers, 300 of 1,000."""
    found = preventable.preventable_churn_by_month(
        rows(
            marts.ChurnedCustomers,
            lost("a", "2026-03-02", 300, "failed_payment"),
            lost("a", "2026-03-20", 100, None),
            lost("b", "2026-03-03", 600, None),
            lost("c", "2026-03-03", 900, None, "paused"),
            lost("d", "2026-03-03", 900, None, "administrative"),
            lost("e", "2026-04-03", 0, None),
        ),
        TERMS,
    )
    row = only(found, month=date(2026, 3, 1))
    assert (row["churned_customers"], row["preventable_customers"], row["preventable_customer_rate"]) == (2, 1, 0.5)
    assert (row["mrr_lost_reporting"], row["preventable_mrr_lost_reporting"]) == (1_000, 300)
    assert row["preventable_mrr_rate"] == 0.3
    assert only(found, month=date(2026, 4, 1))["preventable_mrr_rate"] is None
