"""MRR by product and by currency: exactly what the company's own books say of every month, any seed."""

from collections import defaultdict
from datetime import date
from typing import Any

import pytest

from tests.models.grown import SEEDS, Grown, grown
from tests.models.test_books_metrics import last_day, months_of

pytestmark = pytest.mark.parametrize("seed", SEEDS)


def by_the_books(company: Grown, about: str) -> dict[tuple[date, str], int]:
    """Micros in the reporting currency by month and value, each item rounded once at the month's last rate."""
    found: dict[tuple[date, str], int] = {}
    for month in months_of(company):
        day = min(last_day(month), company.terms.as_of_day)
        worth: dict[str, Any] = {}
        for one in company.books.changes:
            if company.day(one.at) <= day:
                worth[one.subscription_item_id] = (getattr(one, about), one.currency, one.after)
        totals: dict[str, int] = defaultdict(int)
        for value, currency, micros in worth.values():
            totals[value] += company.reporting(micros, currency, day)
        found |= {(month, value): micros for value, micros in totals.items() if micros}
    return found


@pytest.mark.parametrize(
    ("dimension", "about"), [("product", "product_id"), ("price", "price_id"), ("currency", "currency")]
)
def test_every_month_closes_in_each_value_as_the_books_say(seed: int, dimension: str, about: str) -> None:
    company = grown(seed)
    rows: Any = company.rows("mrr_by_month_slice", "dimension", "month", "value", "closing_mrr")
    shown = {(month, value): int(mrr * 1_000_000) for each, month, value, mrr in rows if each == dimension and mrr}
    assert shown == by_the_books(company, about)


def test_who_stays_and_changes_plans_leaves_no_slice_by_churn(seed: int) -> None:
    """Churn of a dimension is the company's churn, to the last millionth; what else left a value was transferred."""
    company = grown(seed)
    columns = ("dimension", "month", "churn_mrr", "transfer_in_mrr", "transfer_out_mrr")
    churned: dict[Any, Any] = defaultdict(int)
    transferred: dict[Any, Any] = defaultdict(int)
    rows: Any = company.rows("mrr_by_month_slice", *columns)
    for dimension, month, churn, into, out in rows:
        churned[dimension, month] += churn
        transferred[dimension, month] += into + out
    months: Any = company.rows("mrr_by_month_reporting", "month", "churn_mrr")
    whole = dict(months)
    assert all(amount == whole[month] for (_, month), amount in churned.items())
    assert set(transferred.values()) == {0}
