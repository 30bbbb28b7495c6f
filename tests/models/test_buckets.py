"""One batch, several batches and any split of buckets make the same tables, to the last digit."""

from collections.abc import Mapping
from dataclasses import replace

import duckdb
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models import marts
from models.marts import ACCOUNT, CUSTOMERS, RECIPES, REFERENCE
from models.policy import PRESETS
from models.spine import build_spine
from models.terms import Terms
from pipelines.warehouse import buckets
from pipelines.warehouse.buckets import COUNT
from tests.models.batched import in_batches, rows_of
from tests.models.grown import grown
from tests.models.story import instant, rate_frame
from tests.models.test_any_history import AS_OF, RATES, Sold, account_of, histories

pytestmark = pytest.mark.long

splits = st.lists(st.integers(1, COUNT - 1), max_size=2)


def assert_same(made: Mapping[str, pl.LazyFrame], whole: Mapping[str, pl.LazyFrame]) -> None:
    assert set(made) == set(whole)
    rows, expected = rows_of(made), rows_of(whole)
    differing = [name for name in rows if not rows[name].equals(expected[name])]
    assert not differing


def with_amounts(staging: Mapping[str, pl.LazyFrame]) -> dict[str, pl.LazyFrame]:
    """The tables with what stories leave out and public tables need: ten dollars asked for, nothing captured."""
    currency, nothing = pl.col("currency").fill_null("usd"), pl.col("amount_captured").fill_null(0)
    invoices = staging["invoices"].with_columns(currency, pl.col("amount_due", "total", "subtotal").fill_null(1000))
    charges = staging["charges"].with_columns(currency, nothing, pl.col("amount").fill_null(1000))
    return {**staging, "invoices": invoices, "charges": charges}


def whole_of(staging: Mapping[str, pl.LazyFrame], rates: pl.LazyFrame, terms: Terms) -> dict[str, pl.LazyFrame]:
    """The tables as they are made without any batches."""
    spine = build_spine(marts.complete(staging), rates, terms)
    made = marts.build_on(spine, staging, terms)
    return made | {"data_checks": marts.verify(made, spine, staging, terms)}


@pytest.mark.parametrize("policy", ["default", "maxio"])
def test_a_company_in_batches_is_the_company_in_one(policy: str) -> None:
    """A quarter of the buckets, then one bucket alone, then the rest."""
    company = grown(7)
    terms = replace(company.terms, policy=PRESETS[policy])
    rates = company.rates.lazy()
    expected = whole_of(company.staging, rates, terms)
    assert_same(in_batches(company.staging, rates, terms, []), expected)
    assert_same(in_batches(company.staging, rates, terms, [COUNT // 4, COUNT // 4 + 1]), expected)


@settings(max_examples=4, suppress_health_check=[HealthCheck.too_slow])
@given(history=histories, cuts=splits, policy=st.sampled_from(sorted(PRESETS)))
def test_any_history_in_any_split_is_the_same(history: list[Sold], cuts: list[int], policy: str) -> None:
    """The customers of the histories lie in different buckets, and their invoices name them by their subscription."""
    staging = with_amounts(account_of(history).staging())
    rates = rate_frame(RATES)
    terms = Terms(instant(AS_OF), "UTC", "usd", PRESETS[policy])
    assert_same(in_batches(staging, rates, terms, cuts), whole_of(staging, rates, terms))


def test_the_bucket_of_a_customer_is_the_same_in_the_database_and_outside() -> None:
    """It is on disk and in other processes too, so it never changes: md5 of `acct_1`, chr(31), `cus_1` begins with
    `798c3cd1`, which is 2039233745 and leaves 209 of 1024."""
    with duckdb.connect() as connection:
        buckets.define(connection)
        found = connection.execute("select bucket_of('acct_1', 'cus_1'), bucket_of('acct_1', 'zoë')").fetchall()
    assert found == [(buckets.bucket_of("acct_1", "cus_1"), buckets.bucket_of("acct_1", "zoë"))]
    assert buckets.bucket_of("acct_1", "cus_1") == 209


def test_what_is_made_of_some_customers_needs_nothing_of_all() -> None:
    of_account = {name for name, recipe in RECIPES.items() if recipe.grain is ACCOUNT}
    for name, recipe in RECIPES.items():
        if recipe.grain is CUSTOMERS:
            assert not of_account & set(recipe.inputs), name


def test_what_is_made_of_all_reads_no_table_that_is_divided() -> None:
    for name, recipe in RECIPES.items():
        staged = {one.removeprefix("staging.") for one in recipe.inputs if one.startswith("staging.")}
        assert recipe.grain is CUSTOMERS or staged <= set(REFERENCE), name


def test_batches_are_sized_by_their_lines() -> None:
    """Buckets of 3, 3 and 5 lines, 11 in all, about 6 at once: two batches of 5.5, the first up to its sixth line."""
    found = list(buckets.cut({0: 3, 10: 3, 500: 5}, 6))
    assert [(one.number, one.first, one.end) for one in found] == [(0, 0, 11), (1, 11, COUNT)]


def test_a_bucket_of_more_lines_than_a_batch_is_not_cut() -> None:
    """Of 4 + 40 + 4 lines in batches of 10, five would do: the large one holds the lines of four of them."""
    found = list(buckets.cut({0: 4, 1: 40, 2: 4}, 10))
    assert [(one.first, one.end) for one in found] == [(0, 2), (2, COUNT)]


def test_an_account_without_lines_is_one_batch() -> None:
    assert [(one.first, one.end) for one in buckets.cut({}, 10)] == [(0, COUNT)]
