"""Rows that Stripe should not send, or sends in another order: no crash, no other figure."""

from datetime import datetime

import polars as pl
import pytest

from models import marts
from tests.models.grown import Grown, grown

SEED = 11
FAMILIES = (
    "refunds refund_rates_by_month disputes dispute_rates_by_month payment_failures recovery_by_month trials "
    "subscriptions cash_by_day balance_reconciliation cohort_retention churned_customers metrics_by_month"
)


def hollow(frame: pl.LazyFrame, created_at: datetime) -> pl.LazyFrame:
    """The frame with one more row of which nothing is known but its id and when it was created."""
    schema = frame.collect_schema()
    known = {"account_id": frame.select("account_id").first().collect().item(), "created_at": created_at}
    keys = [name for name in ("id", "subscription_id", "version_hash") if name in schema][:1]
    row = {name: known.get(name, "hollow" if name in keys else None) for name in schema.names()}
    return pl.concat([frame, pl.DataFrame([row], schema=schema).lazy()])


def differing(company: Grown, built: dict[str, pl.LazyFrame]) -> list[str]:
    return [name for name, frame in built.items() if not frame.collect().equals(company.marts[name].collect())]


@pytest.mark.parametrize(
    "table",
    [
        "refunds",
        "disputes",
        "charges",
        "invoices",
        "invoice_payments",
        "subscriptions",
        "balance_transactions",
        "payouts",
        "customers",
    ],
)
def test_a_row_of_which_nothing_is_known_changes_no_figure(table: str) -> None:
    company = grown(SEED)
    middle = datetime.fromtimestamp(company.business.end - 40 * 86_400, tz=company.terms.as_of.tzinfo)
    staged = {**company.staging, table: hollow(company.staging[table], middle)}
    built = marts.build_on(company.spine, staged, company.terms, only=FAMILIES.split())
    assert differing(company, built) == []


def test_the_order_in_which_objects_arrive_changes_nothing() -> None:
    company = grown(SEED)
    shuffled = {
        name: frame.collect().sample(fraction=1, shuffle=True, seed=5).lazy() for name, frame in company.staging.items()
    }
    rates = company.rates.sample(fraction=1, shuffle=True, seed=5).lazy()
    assert differing(company, marts.build(shuffled, rates, company.terms)) == []


def test_a_currency_without_any_rate_is_told_and_never_taken_at_one() -> None:
    company = grown(SEED)
    unknown = company.staging["refunds"].with_columns(currency=pl.lit("xts"))
    staged = {**company.staging, "refunds": unknown}
    built = marts.build_on(company.spine, staged, company.terms)
    assert built["refunds"].collect()["amount_reporting"].null_count() == unknown.collect().height
    failed = marts.verify(built, company.spine, staged, company.terms).filter(passed=False).collect()
    assert "money_has_an_exchange_rate" in failed["check_name"].to_list()


def test_two_accounts_are_kept_apart() -> None:
    """Two companies in one build: each has the rows that it has alone."""
    company, other = grown(SEED), grown(7)
    both = {name: pl.concat([frame, other.staging[name]]) for name, frame in company.staging.items()}
    built = marts.build(both, company.rates.lazy(), company.terms)
    of_other = marts.build(other.staging, company.rates.lazy(), company.terms)
    for name, frame in built.items():
        apart = pl.concat([company.marts[name], of_other[name]]).collect()
        if name == "exchange_rates":  # which belong to no account
            apart = apart.unique()
        assert sorted(frame.collect().rows(), key=repr) == sorted(apart.rows(), key=repr), name
