"""Who left and why, trials, failures, refunds, disputes and cash: exactly what the company's own books say, any seed."""

from collections import Counter, defaultdict
from datetime import date

import pytest

from tests.models.grown import SEEDS, Grown, grown, instant

pytestmark = pytest.mark.parametrize("seed", SEEDS)


def test_every_churn_has_its_moment_kind_and_words(seed: int) -> None:
    company = grown(seed)
    columns = ("customer_id", "subscription_id", "currency", "churned_at", "kind", "reason", "feedback", "comment")
    assert Counter(company.rows("churned_customers", *columns)) == Counter(
        (one.customer_id, one.subscription_id, one.currency, instant(one.at), one.kind)
        + (one.reason, one.feedback, one.comment)
        for one in company.books.churns
    )


def test_every_trial_ends_as_it_did(seed: int) -> None:
    company = grown(seed)
    columns = ("subscription_id", "customer_id", "started_at", "ends_at", "outcome", "converted_at", "first_paid_at")
    assert Counter(company.rows("trials", *columns)) == Counter(
        (one.subscription_id, one.customer_id, instant(one.started_at), instant(one.ends_at), one.outcome)
        + (instant(one.converted_at), instant(one.first_paid_at))
        for one in company.books.trials
    )


def test_every_failed_invoice_has_its_attempts_and_outcome(seed: int) -> None:
    company = grown(seed)
    columns = (
        "invoice_id customer_id subscription_id amount_due currency first_failed_at attempts decline_code outcome "
        "recovered_at"
    )
    assert Counter(company.rows("payment_failures", *columns.split())) == Counter(
        (one.invoice_id, one.customer_id, one.subscription_id, one.amount, one.currency, instant(one.first_failed_at))
        + (one.attempts, one.decline_code, one.outcome, instant(one.recovered_at))
        for one in company.books.failures
    )


def test_every_refund_and_dispute_is_listed(seed: int) -> None:
    company = grown(seed)
    refunds = ("refund_id", "charge_id", "customer_id", "amount", "currency", "status", "reason", "created_at")
    assert Counter(company.rows("refunds", *refunds)) == Counter(
        (one.refund_id, one.charge_id, one.customer_id, one.amount, one.currency, one.status, one.reason)
        + (instant(one.created_at),)
        for one in company.books.refunds
    )
    disputes = ("dispute_id", "charge_id", "customer_id", "amount", "currency", "reason", "status", "outcome")
    assert Counter(company.rows("disputes", *disputes, "created_at")) == Counter(
        (one.dispute_id, one.charge_id, one.customer_id, one.amount, one.currency, one.reason, one.status, one.outcome)
        + (instant(one.created_at),)
        for one in company.books.disputes
    )


COLUMN_OF = {
    "charge": "charges",
    "charge_failure": "charges",
    "refund": "refunds",
    "refund_failure": "refunds",
    "dispute": "disputes",
    "dispute_reversal": "disputes",
    "fee": "fees",
    "payout": "payouts",
    "payout_reversal": "payouts",
}


def cash_by_the_books(company: Grown) -> dict[tuple[date, str, str], int]:
    """Minor units by day, currency and column."""
    cash: dict[tuple[date, str, str], int] = defaultdict(int)
    for entry in company.books.cash:
        day = company.day(entry.at)
        cash[day, entry.currency, COLUMN_OF.get(entry.category, "adjustments")] += entry.amount
        cash[day, entry.currency, "fees"] -= entry.fee
    return {key: amount for key, amount in cash.items() if amount}


def test_every_cent_of_the_balance_is_on_its_day(seed: int) -> None:
    company = grown(seed)
    columns = ("charges", "refunds", "disputes", "fees", "adjustments", "payouts")
    found = {
        (day, currency, column): amount
        for day, currency, *amounts in company.rows("cash_by_day", "date", "currency", *columns)
        for column, amount in zip(columns, amounts, strict=True)
        if amount
    }
    assert found == cash_by_the_books(company)


def test_the_balance_reconciles_and_closes_with_what_the_account_holds(seed: int) -> None:
    company = grown(seed)
    assert {row[0] for row in company.rows("balance_reconciliation", "difference")} == {0}
    closing = company.marts["cash_by_day"].filter(date=company.terms.as_of_day).collect()
    held = {currency: amount for currency, amount in closing.select("currency", "closing_balance").iter_rows()}
    assert held == company.books.balance_at(company.business.end)


def test_all_checks_pass_on_a_sound_account(seed: int) -> None:
    company = grown(seed)
    failed = company.checks.filter(passed=False).select("check_name", "table_name", "detail")
    assert failed.is_empty(), failed.rows()
