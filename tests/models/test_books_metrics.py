"""Metrics, retention and cohorts against plain Python on the company's own books, to the last digit, any seed."""

from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.models.grown import SEEDS, Grown, grown

pytestmark = pytest.mark.parametrize("seed", SEEDS)

Stock = dict[tuple[str, str, str], int]
"""Micros by customer, currency and subscription item."""


def months_of(company: Grown) -> list[date]:
    """First days of the months from the first movement to the as-of month."""
    month = min(company.day(one.at) for one in company.books.changes).replace(day=1)
    months = []
    while month <= company.terms.as_of_day:
        months.append(month)
        month = after(month, 1)
    return months


def after(month: date, months: int) -> date:
    """The month so many months later."""
    year, index = divmod(month.year * 12 + month.month - 1 + months, 12)
    return date(year, index + 1, 1)


def last_day(month: date) -> date:
    return after(month, 1) - timedelta(days=1)


def stock_at(company: Grown, last: date) -> Stock:
    """What every item is worth at the end of a day."""
    stock: Stock = defaultdict(int)
    for one in company.books.changes:
        if company.day(one.at) <= last:
            stock[one.customer_id, one.currency, one.subscription_item_id] += one.after - one.before
    return {key: micros for key, micros in stock.items() if micros}


def by_customer(company: Grown, stock: Stock, day: date) -> dict[str, int]:
    """Micros in the reporting currency by customer, at a day's rate, each item rounded once."""
    worth: dict[str, int] = defaultdict(int)
    for (customer, currency, _), micros in stock.items():
        worth[customer] += company.reporting(micros, currency, day)
    return worth


def metric(company: Grown, name: str) -> dict[date, dict[str, Any]]:
    rows = company.marts["metrics_by_month"].filter(metric=name).collect().iter_rows(named=True)
    return {row["month"]: row for row in rows}


def micros(amount: Decimal | None) -> int:
    assert amount is not None
    return int(amount * 1_000_000)


@pytest.mark.parametrize(("months", "suffix"), [(12, ""), (1, "_1m")])
def test_retention_is_what_the_same_customers_are_worth_at_the_rates_of_then(
    seed: int, months: int, suffix: str
) -> None:
    company = grown(seed)
    net, gross = metric(company, f"net_revenue_retention{suffix}"), metric(company, f"gross_revenue_retention{suffix}")
    for month in months_of(company):
        then = after(month, -months)
        base = by_customer(company, stock_at(company, last_day(then)), last_day(then))
        end = by_customer(company, stock_at(company, last_day(month)), last_day(then)) if base else {}
        kept = {customer: end.get(customer, 0) for customer in base}
        assert micros(net[month]["denominator"]) == sum(base.values())
        assert micros(net[month]["numerator"]) == sum(kept.values())
        assert micros(gross[month]["numerator"]) == sum(min(base[one], kept[one]) for one in base)
        assert (net[month]["value"] is None) == (not base)


def test_customers_lost_were_there_at_the_start_and_did_not_pause(seed: int) -> None:
    company = grown(seed)
    found = metric(company, "customer_churn_rate")
    left = [(company.day(one.at), one.customer_id) for one in company.books.churns if one.kind != "paused"]
    for month in months_of(company):
        there = {customer for customer, _, _ in stock_at(company, month - timedelta(days=1))}
        lost = {customer for day, customer in left if day.replace(day=1) == month} & there
        assert (found[month]["numerator"], found[month]["denominator"]) == (len(lost), len(there))


def test_cohorts_are_followed_from_the_first_paid_day(seed: int) -> None:
    company = grown(seed)
    joined: dict[str, date] = {}
    for one in company.books.movements(company.terms.timezone):
        joined[one.customer_id] = min(one.day, joined.get(one.customer_id, one.day))
    full = [month for month in months_of(company) if last_day(month) < company.terms.as_of_day]
    expected = {}
    for cohort in full:
        members = {customer for customer, day in joined.items() if day.replace(day=1) == cohort}
        for since, month in enumerate([one for one in full if one >= cohort] if members else []):
            worth = {customer: worth_on(company, customer, joined[customer], month, since) for customer in members}
            expected[cohort, since] = (len(members), sum(1 for one in worth.values() if one), sum(worth.values()))
    columns = ("cohort_month", "months_since", "cohort_customers", "customers", "mrr_reporting")
    found: Any = company.rows("cohort_retention", *columns)
    assert {(row[0], row[1]): (row[2], row[3], micros(row[4])) for row in found} == expected


def worth_on(company: Grown, customer: str, joined: date, month: date, since: int) -> int:
    """A customer's micros at the end of a month (of the first paid day, where 0 months since), at that day's rates."""
    worth: dict[str, int] = defaultdict(int)
    until = last_day(month) if since else joined
    for one in company.books.changes:
        if one.customer_id == customer and company.day(one.at) <= until:
            worth[one.currency] += one.after - one.before
    return sum(company.reporting(amount, currency, joined) for currency, amount in worth.items())


def test_customers_and_subscriptions_are_worth_what_their_items_are(seed: int) -> None:
    company = grown(seed)
    today = company.terms.as_of_day
    stock = stock_at(company, today)
    found: Any = company.rows("customers", "customer_id", "mrr_reporting")
    assert {row[0]: micros(row[1]) for row in found if row[1]} == by_customer(company, stock, today)
    subscription_of = {one.subscription_item_id: one.subscription_id for one in company.books.changes}
    worth: dict[str, int] = defaultdict(int)
    for (_, _, item), amount in stock.items():
        worth[subscription_of[item]] += amount
    found = company.rows("subscriptions", "subscription_id", "mrr")
    assert {row[0]: micros(row[1]) for row in found if row[1]} == worth


def test_volume_and_fees_are_the_balance_in_the_reporting_currency(seed: int) -> None:
    company = grown(seed)
    gross: dict[date, int] = defaultdict(int)
    fees: dict[date, int] = defaultdict(int)
    net: dict[date, int] = defaultdict(int)
    for entry in company.books.cash:
        day = company.day(entry.at)
        month = day.replace(day=1)
        amount, fee = (company.reporting(one, entry.currency, day) for one in (entry.amount, entry.fee))
        is_fee = entry.category == "fee"
        gross[month] += amount if entry.category in ("charge", "charge_failure") else 0
        fees[month] += fee - (amount if is_fee else 0)
        moved = entry.category in (
            "charge",
            "charge_failure",
            "refund",
            "refund_failure",
            "dispute",
            "dispute_reversal",
        )
        net[month] += (amount if moved or is_fee else 0) - fee
    for name, expected in (("gross_volume", gross), ("fees", fees), ("net_volume", net)):
        found = metric(company, name)
        assert {month: row["numerator"] for month, row in found.items()} == {month: expected[month] for month in found}


def test_trials_and_recoveries_are_rated_by_the_month_they_began(seed: int) -> None:
    company = grown(seed)
    trials, failed = metric(company, "trial_conversion_rate"), metric(company, "recovery_rate")
    for month in months_of(company):
        begun = [one for one in company.books.trials if company.day(one.started_at).replace(day=1) == month]
        converted = sum(one.outcome == "converted" for one in begun)
        assert (trials[month]["numerator"], trials[month]["denominator"]) == (converted, len(begun))
        amounts = [
            (one.outcome, company.reporting(one.amount, one.currency, company.day(one.first_failed_at)))
            for one in company.books.failures
            if company.day(one.first_failed_at).replace(day=1) == month
        ]
        recovered = sum(amount for outcome, amount in amounts if outcome == "recovered")
        assert (failed[month]["numerator"], failed[month]["denominator"]) == (recovered, sum(one for _, one in amounts))
