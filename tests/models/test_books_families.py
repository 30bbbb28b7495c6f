"""Who left and why, trials, failures, refunds, disputes, cash: exactly what the company's own books say, any seed."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import date
from typing import Any

import pytest

from tests.models.grown import SEEDS, Grown, grown, instant

pytestmark = pytest.mark.parametrize("seed", SEEDS)

INSTANTS = (
    "at",
    "started_at",
    "ends_at",
    "converted_at",
    "first_paid_at",
    "first_failed_at",
    "recovered_at",
    "created_at",
)


def noted(entries: Iterable[object], fields: str) -> "Counter[tuple[Any, ...]]":
    """Fields of entries of the books, epochs as instants."""
    names = fields.split()
    values = ((name, getattr(entry, name)) for entry in entries for name in names)
    flat = [instant(value) if name in INSTANTS else value for name, value in values]
    return Counter(tuple(flat[place : place + len(names)]) for place in range(0, len(flat), len(names)))


def shown(company: Grown, mart: str, columns: str) -> "Counter[tuple[Any, ...]]":
    return Counter(company.rows(mart, *columns.split()))


def test_every_churn_has_its_moment_kind_and_words(seed: int) -> None:
    company = grown(seed)
    columns = "customer_id subscription_id currency churned_at kind reason feedback comment"
    falls = {
        (move.customer_id, move.currency, move.day)
        for move in company.books.movements(company.terms.timezone)
        if move.kind == "churn"
    }
    churns = [one for one in company.books.churns if (one.customer_id, one.currency, company.day(one.at)) in falls]
    assert shown(company, "churned_customers", columns) == noted(churns, columns.replace("churned_at", "at"))
    assert len(churns) == len(falls)


def test_a_churn_is_preventable_where_the_books_say_payment_or_price(seed: int) -> None:
    company = grown(seed)
    by_rule: dict[Any, bool] = {
        (one.customer_id, instant(one.at)): one.kind == "involuntary_payment" or one.feedback == "too_expensive"
        for one in company.books.churns
    }
    found = company.rows("churned_customers", "customer_id", "churned_at", "preventable", "preventable_because")
    assert [could_be for *_, could_be, _ in found] == [by_rule[customer, at] for customer, at, *_ in found]
    assert {"failed_payment", "too_expensive"} <= {because for *_, because in found}


def test_every_trial_ends_as_it_did(seed: int) -> None:
    company = grown(seed)
    columns = "subscription_id customer_id started_at ends_at outcome converted_at first_paid_at"
    assert shown(company, "trials", columns) == noted(company.books.trials, columns)


def test_every_failed_invoice_has_its_attempts_and_outcome(seed: int) -> None:
    company = grown(seed)
    columns = (
        "invoice_id customer_id subscription_id currency first_failed_at attempts decline_code outcome recovered_at"
    )
    assert shown(company, "payment_failures", f"{columns} amount_due") == noted(
        company.books.failures, f"{columns} amount"
    )


def test_failures_add_up_by_decline_code_and_by_what_became_of_them(seed: int) -> None:
    company = grown(seed)
    rows = company.rows("recovery_by_dimension", "dimension", "month", "value", "failed_invoices")
    by_code = {(month, value): count for dimension, month, value, count in rows if dimension == "decline_code"}
    failures = company.books.failures
    assert by_code == Counter((company.day(one.first_failed_at).replace(day=1), one.decline_code) for one in failures)
    recovered = [one for one in company.marts["payment_failures"].collect().to_dicts() if one["stage"] == "recovered"]
    assert len(recovered) == sum(one.outcome == "recovered" for one in failures)
    elsewhere = {one["invoice_id"] for one in recovered if one["recovery_channel"] == "out_of_band"}
    assert elsewhere == {one.invoice_id for one in failures if one.out_of_band}
    assert {one["recovery_channel"] for one in recovered} - {"out_of_band"} == {"automatic_retry", "card_updated"}


def test_every_refund_is_listed(seed: int) -> None:
    company = grown(seed)
    columns = "refund_id charge_id customer_id amount currency status reason created_at"
    assert shown(company, "refunds", columns) == noted(company.books.refunds, columns)


def test_every_dispute_is_listed_with_its_outcome(seed: int) -> None:
    company = grown(seed)
    columns = "dispute_id charge_id customer_id amount currency reason status outcome created_at"
    assert shown(company, "disputes", columns) == noted(company.books.disputes, columns)


def test_monitoring_counts_every_dispute_that_was_received(seed: int) -> None:
    company = grown(seed)
    rows = company.rows("dispute_monitoring_by_month", "programme", "month", "counted")
    found: Counter[date] = Counter()
    for programme, month, counted in rows:
        if programme == "Stripe's advice":
            found[month] += counted  # type: ignore[index,operator]
    received = (one for one in company.books.disputes if one.outcome in ("won", "lost", "open"))
    assert +found == Counter(company.day(one.created_at).replace(day=1) for one in received)


def test_monitoring_by_visa_s_programme_counts_early_fraud_warnings_too(seed: int) -> None:
    company = grown(seed)
    rows = company.rows("dispute_monitoring_by_month", "programme", "month", "counted")
    found = Counter({month: counted for programme, month, counted in rows if programme == "Visa VAMP, excessive"})
    visa = {row[0] for row in company.rows("disputes", "dispute_id", "network") if row[1] == "visa"}
    received = [
        company.day(one.created_at).replace(day=1)
        for one in company.books.disputes
        if one.dispute_id in visa and one.outcome in ("won", "lost", "open")
    ]
    warned = [
        company.day(one.created_at).replace(day=1) for one in company.books.fraud_warnings if one.network == "visa"
    ]
    assert company.books.fraud_warnings
    assert +found == Counter([*received, *warned])


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
    held = dict(closing.select("currency", "closing_balance").iter_rows())
    assert held == company.books.balance_at(company.business.end)


def test_all_checks_pass_on_a_sound_account(seed: int) -> None:
    company = grown(seed)
    failed = company.checks.filter(passed=False).select("check_name", "table_name", "detail")
    assert failed.is_empty(), failed.rows()


def test_every_payout_is_what_the_books_say_that_it_carried(seed: int) -> None:
    company = grown(seed)
    carried = {payout.payout_id: len(payout.entries) for payout in company.books.payouts}
    found = company.rows("payout_reconciliation", "payout_id", "amount", "transactions", "carried", "outcome")
    assert {payout: transactions for payout, _, transactions, _, _ in found} == carried
    assert {amount - sent for _, amount, _, sent, _ in found} == {0}  # type: ignore[operator]
    assert {outcome for *_, outcome in found} == {"reconciled"}
    assert len(found) > 100
