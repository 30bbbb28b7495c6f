"""The catalogue of marts: whole, in order, and able to make a part of itself."""

import pytest

from models import marts
from models.contracts import marts as contracts
from models.contracts import staging
from tests.models.grown import grown
from tests.models.rows import TERMS, charge, rows
from tests.models.story import rate_frame

SPINE = ("stretches", "changes", "movements", "rates", "mrr_rates", "items")
MADE_ELSEWHERE = {"data_checks", "pipeline_runs", "publication", "billing_actions", "action_results_by_month"}


def test_every_public_table_has_one_recipe() -> None:
    assert set(marts.names()) == {table.table_name for table in contracts.TABLES} - MADE_ELSEWHERE
    assert all(recipe.table is None or name == recipe.table.qualified_name() for name, recipe in marts.RECIPES.items())


def test_every_recipe_stands_after_what_it_is_made_from() -> None:
    there = {f"staging.{name}" for name in marts.complete({})} | {f"spine.{name}" for name in SPINE}
    there |= {f"spine.{name}" for name in grown(7).spine.marts}
    for name, recipe in marts.RECIPES.items():
        assert set(recipe.inputs) <= there, name
        there.add(name)


def test_a_table_depends_on_whatever_the_steps_before_it_read() -> None:
    """Recognised revenue is made of shares, which are made of postings, which read credit notes."""
    assert "staging.credit_notes" in marts.made_from("revenue_recognition_by_month")
    assert {"staging.balance_transactions", "staging.invoices", "marts.renewal_fits"} <= set(
        marts.made_from("customer_ltv")
    )
    assert not [one for name in marts.names() for one in marts.made_from(name) if one.startswith(("steps.", "spine."))]


def test_a_part_is_the_same_as_in_the_whole_and_nothing_else_is_returned() -> None:
    company = grown(7)
    part = marts.build_on(company.spine, company.staging, company.terms, only=["churn_reasons_by_month", "trials"])
    assert list(part) == ["churn_reasons_by_month", "trials"]
    assert all(frame.collect().equals(company.marts[name].collect()) for name, frame in part.items())


def test_a_table_that_is_not_in_the_catalogue_is_refused_by_name() -> None:
    company = grown(7)
    with pytest.raises(KeyError, match="mrr_by_moon"):
        marts.build_on(company.spine, company.staging, company.terms, only=["mrr_by_moon"])


def test_an_account_of_which_nothing_was_read_has_empty_tables_and_no_error() -> None:
    company = grown(7)
    built = marts.build({}, company.rates.lazy(), company.terms)
    one_is_one = {"exchange_rates": 1}
    assert {name: frame.collect().height for name, frame in built.items() if frame.collect().height} == one_is_one


def test_charges_of_nobody_make_no_customer() -> None:
    """Six guest payments in three currencies: no row without a customer, and their money is in the balance alone."""
    guests = [
        charge(f"ch_{number}", "2026-06-01", 100, currency=currency)
        for number, currency in enumerate(("usd", "eur", "gbp") * 2)
    ]
    rates = rate_frame([("2026-06-01", "eur", "usd", "1.1"), ("2026-06-01", "gbp", "usd", "1.3")])
    built = marts.build({"charges": rows(staging.Charges, *guests)}, rates, TERMS, only=["customers"])
    assert built["customers"].collect().is_empty()


def test_no_key_stands_twice() -> None:
    company = grown(7)
    by_name = {table.table_name: table for table in contracts.TABLES}
    for name, frame in company.marts.items():
        rows = frame.collect()
        key = [column for column in by_name[name].primary_key() if column != "account_id"]
        assert not rows.select("account_id", *key).is_duplicated().any(), name
