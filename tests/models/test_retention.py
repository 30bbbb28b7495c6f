"""Retention: cohorts and endpoints, exact at one exchange rate."""

from dataclasses import replace
from datetime import date, timedelta

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from models import retention
from models.stock import items_by_month
from models.terms import Terms
from tests.models.rows import TERMS, at, changes, daily_rates, movements


def cohorts(*steps: tuple[str, str, int, int]) -> pl.DataFrame:
    return of_movements(movements(*steps)).collect()


def of_movements(moved: pl.LazyFrame, rates: pl.LazyFrame | None = None, terms: Terms = TERMS) -> pl.LazyFrame:
    kept = retention.kept_by_cohort(moved, daily_rates() if rates is None else rates, terms)
    return retention.cohort_retention(kept, terms)


def test_a_cohort_is_followed_to_the_end_of_every_full_month() -> None:
    """January: a joins at 100, b at 50. a doubles on 10 February; b leaves on 5 March and is back at 30 on 2 May.
    End of Feb 200+50, March 200, April 200, May and June 200+30. July is not over."""
    found = cohorts(
        ("a", "2026-01-05", 0, 100),
        ("b", "2026-01-20", 0, 50),
        ("a", "2026-02-10", 100, 200),
        ("b", "2026-03-05", 50, 0),
        ("b", "2026-05-02", 0, 30),
    )
    assert found["months_since"].to_list() == [0, 1, 2, 3, 4, 5]
    assert found["customers"].to_list() == [2, 2, 1, 1, 2, 2]
    assert found["mrr_reporting"].to_list() == [150, 250, 200, 200, 230, 230]
    assert found["mrr_retention_rate"].to_list()[2] == 200 / 150
    assert set(found["cohort_customers"]) == {2}


def test_column_0_is_the_first_paid_day_not_the_end_of_the_month() -> None:
    found = cohorts(("a", "2026-01-05", 0, 100), ("a", "2026-01-09", 100, 300))
    assert found["mrr_reporting"].to_list() == [100, 300, 300, 300, 300, 300]


def test_a_cohort_that_is_still_joining_is_not_shown_and_a_lost_one_shows_zero() -> None:
    found = cohorts(("a", "2026-05-05", 0, 100), ("a", "2026-06-09", 100, 0), ("b", "2026-07-01", 0, 10))
    assert found.select("cohort_month", "months_since", "customers").rows() == [
        (date(2026, 5, 1), 0, 1),
        (date(2026, 5, 1), 1, 0),
    ]


def test_exchange_rates_keep_no_customer_and_lose_none() -> None:
    """EUR at 1.10 on the first paid day and 1.30 later: 100 EUR stay 100 EUR, so retention stays 1."""
    early = daily_rates(last="2026-01-31", eur=(11, 10))
    late = daily_rates(first="2026-02-01", eur=(13, 10))
    moved = movements(("a", "2026-01-05", 0, 100), currency="eur")
    found = of_movements(moved, pl.concat([early, late])).collect()
    assert set(found["mrr_reporting"]) == {110}
    assert set(found["mrr_retention_rate"]) == {1.0}


def retained(*steps: tuple[str, str, int, int], months: int = 1) -> dict[date, tuple[int, int, int]]:
    found = retention.revenue_retention(items_by_month(changes(*steps), TERMS), daily_rates(), TERMS, months).collect()
    million = 1_000_000
    return {
        row["month"]: (row["base_micros"] // million, row["kept_micros"] // million, row["end_micros"] // million)
        for row in found.iter_rows(named=True)
    }


def test_retention_is_by_endpoints_so_a_dip_within_the_window_costs_nothing() -> None:
    """a falls from 100 to 40 and is back at 100 in February; b grows from 50 to 80; c joins and is not in the base."""
    months = retained(
        ("a", "2026-01-05", 0, 100),
        ("b", "2026-01-05", 0, 50),
        ("a", "2026-02-05", 100, 40),
        ("a", "2026-02-15", 40, 100),
        ("b", "2026-02-15", 50, 80),
        ("c", "2026-02-15", 0, 999),
    )
    assert months[date(2026, 2, 1)] == (150, 150, 180)


def test_twelve_months_are_needed_before_a_twelve_month_retention() -> None:
    months = retained(("a", "2025-06-15", 0, 100), ("a", "2026-03-01", 100, 70), months=12)
    assert months == {date(2026, 6, 1): (100, 70, 70), date(2026, 7, 1): (100, 70, 70)}


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 180), st.integers(0, 500)), min_size=1, max_size=25))
def test_gross_retention_never_exceeds_net_nor_the_base(steps: list[tuple[str, int, int]]) -> None:
    worth: dict[str, int] = {}
    story = []
    for place, (customer, day, after) in enumerate(sorted(steps, key=lambda step: step[1])):
        moment = at("2026-01-01") + timedelta(days=day, minutes=place)
        story.append((customer, f"{moment:%Y-%m-%d %H:%M}", worth.get(customer, 0), after))
        worth[customer] = after
    for base, kept, end in retained(*story).values():
        assert 0 <= kept <= min(base, end)


def test_the_zone_of_the_terms_decides_what_the_last_full_month_is() -> None:
    """1 July 02:00 UTC is still 30 June in New York: June is not over there."""
    terms = replace(TERMS, as_of=at("2026-07-01 02:00"), timezone="America/New_York")
    found = of_movements(movements(("a", "2026-05-05", 0, 100)), terms=terms).collect()
    assert found["months_since"].to_list() == [0]
