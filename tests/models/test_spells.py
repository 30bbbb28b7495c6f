"""First lives: when a customer is at risk of leaving, how its life ends, what it began with, how often it renewed."""

from dataclasses import replace
from datetime import date
from typing import Any

import polars as pl
import pytest

from models.contracts import marts, staging
from models.spells import SEGMENTS, first_lives, segmented, spells
from models.terms import Terms
from tests.models.rows import TERMS, at, changes, customer_changes, movements, rows

AS_OF = date(2026, 7, 1)
Step = tuple[str, str, int, int]


def churned(customer: str, day: str, kind: str = "voluntary", currency: str = "usd", lost: int = 1) -> dict[str, Any]:
    return {
        "customer_id": customer,
        "churned_on": date.fromisoformat(day),
        "churned_at": at(day),
        "kind": kind,
        "currency": currency,
        "mrr_lost_reporting": lost,
    }


def lived(
    *steps: Step,
    churns: tuple[dict[str, Any], ...] = (),
    created: dict[str, str] | None = None,
    interval: tuple[str, int] = ("month", 1),
    terms: Terms = TERMS,
    moved: pl.LazyFrame | None = None,
) -> list[dict[str, Any]]:
    """The stretches of customers who move so; each was created on its first day unless told."""
    began = {customer: day for customer, day, *_ in reversed(steps)} | (created or {})
    moved = movements(*steps) if moved is None else moved
    lives = first_lives(
        moved,
        customer_changes(moved, terms),
        rows(marts.ChurnedCustomers, *churns),
        changes(*((customer, day, before, after) for customer, day, before, after in steps)).with_columns(
            price_id=pl.lit("price_1"), product_id=pl.lit("prod_1")
        ),
        rows(
            staging.Subscriptions,
            *({"id": f"sub_{one}", "customer_id": one, "created_at": at(day)} for one, day in began.items()),
        ),
        rows(
            staging.Prices,
            {"id": "price_1", "recurring_interval": interval[0], "recurring_interval_count": interval[1]},
        ),
        rows(marts.Customers, *({"customer_id": one, "country": "DE"} for one in began)),
        terms,
    )
    return spells(lives, terms).collect().to_dicts()


def ages(found: list[dict[str, Any]]) -> list[tuple[str, int, int, str | None]]:
    return [(row["customer_id"], row["from_age"], row["to_age"], row["ended_as"]) for row in found]


def test_a_life_runs_from_the_first_paid_day_to_the_churn_or_the_as_of_day() -> None:
    """1 January to 11 March 2026 are 31 + 28 + 10 = 69 days; 1 June to 1 July are 30."""
    found = lived(
        ("a", "2026-01-01", 0, 10),
        ("a", "2026-03-11", 10, 0),
        ("b", "2026-06-01", 0, 10),
        churns=(churned("a", "2026-03-11"),),
    )
    assert ages(found) == [("a", 0, 69, "voluntary"), ("b", 0, 30, None)]


def test_who_came_back_has_had_a_first_life_and_the_second_is_not_counted() -> None:
    found = lived(
        ("a", "2026-01-01", 0, 10),
        ("a", "2026-02-01", 10, 0),
        ("a", "2026-05-01", 0, 10),
        churns=(churned("a", "2026-02-01"),),
    )
    assert ages(found) == [("a", 0, 31, "voluntary")]


def test_who_is_back_within_the_days_of_grace_never_left() -> None:
    steps: list[Step] = [("a", "2026-01-01", 0, 10), ("a", "2026-02-01", 10, 0), ("a", "2026-02-08", 0, 10)]
    assert ages(lived(*steps)) == [("a", 0, 181, None)]
    strict = replace(TERMS, policy=replace(TERMS.policy, grace_days=0))
    left = lived(*steps, churns=(churned("a", "2026-02-01"),), terms=strict)
    assert ages(left) == [("a", 0, 31, "voluntary")]


def test_a_pause_is_no_end_and_who_is_paused_is_not_at_risk() -> None:
    """Paused from day 31 to day 90, left on day 120: 1 January + 120 days is 1 May."""
    found = lived(
        ("a", "2026-01-01", 0, 10),
        ("a", "2026-02-01", 10, 0),
        ("a", "2026-04-01", 0, 10),
        ("a", "2026-05-01", 10, 0),
        churns=(churned("a", "2026-02-01", "paused"), churned("a", "2026-05-01", "involuntary_payment")),
    )
    assert ages(found) == [("a", 0, 31, None), ("a", 90, 120, "involuntary_payment")]


def test_who_is_paused_still_was_last_seen_when_it_paused() -> None:
    found = lived(
        ("a", "2026-01-01", 0, 10), ("a", "2026-02-01", 10, 0), churns=(churned("a", "2026-02-01", "paused"),)
    )
    assert ages(found) == [("a", 0, 31, None)]


def test_a_backdated_customer_counts_from_the_age_at_which_stripe_came_to_know_of_it() -> None:
    """Began on 1 January, entered into Stripe on 15 April, 104 days later: until then it could not be seen to leave."""
    found = lived(("a", "2026-01-01", 0, 10), created={"a": "2026-04-15"})
    assert ages(found) == [("a", 104, 181, None)]
    assert [(row["from_renewal"], row["to_renewal"]) for row in found] == [(4, 5)]


def test_a_customer_of_two_currencies_has_left_when_the_last_is_gone() -> None:
    """Euros from 1 March to 1 June, dollars from 1 January to 1 April: one life of 151 days."""
    dollars = movements(("a", "2026-01-01", 0, 10), ("a", "2026-04-01", 10, 0))
    euros = movements(("a", "2026-03-01", 0, 10), ("a", "2026-06-01", 10, 0), currency="eur")
    found = lived(
        ("a", "2026-01-01", 0, 10),
        churns=(churned("a", "2026-04-01"), churned("a", "2026-06-01", "contract_end", "eur")),
        moved=pl.concat([dollars, euros]),
    )
    assert ages(found) == [("a", 0, 151, "contract_end")]


def test_of_two_currencies_lost_on_a_day_a_pause_is_believed_only_if_both_paused() -> None:
    moves = [
        movements(("a", "2026-01-01", 0, 10), ("a", "2026-04-01", 10, 0), currency=currency)
        for currency in ("usd", "eur")
    ]

    def ended_as(euro: str) -> object:
        churns = (churned("a", "2026-04-01", "paused", lost=9), churned("a", "2026-04-01", euro, "eur"))
        return lived(("a", "2026-01-01", 0, 10), churns=churns, moved=pl.concat(moves))[0]["ended_as"]

    assert (ended_as("voluntary"), ended_as("paused")) == ("voluntary", None)


def test_a_customer_belongs_to_what_it_began_with() -> None:
    """Of two items bought on the first day the one worth more; what it changes to later moves it nowhere."""
    steps = [
        ("si_1", "small", 100, "2026-01-01"),
        ("si_2", "big", 300, "2026-01-01"),
        ("si_3", "huge", 999, "2026-03-01"),
    ]
    bought = pl.concat(
        changes(("a", day, 0, worth)).with_columns(
            subscription_item_id=pl.lit(item), price_id=pl.lit(f"{product}-price"), product_id=pl.lit(product)
        )
        for item, product, worth, day in steps
    )
    prices = rows(
        staging.Prices,
        {"id": "small-price", "recurring_interval": "month", "recurring_interval_count": 1},
        {"id": "big-price", "recurring_interval": "month", "recurring_interval_count": 12},
    )
    moved = movements(("a", "2026-01-01", 0, 400), ("a", "2026-03-01", 400, 1399))
    lives = first_lives(
        moved,
        customer_changes(moved),
        rows(marts.ChurnedCustomers),
        bought,
        rows(staging.Subscriptions),
        prices,
        rows(marts.Customers, {"customer_id": "a"}),
        TERMS,
    )
    values = dict(segmented(spells(lives, TERMS)).select("segment", "segment_value").collect().iter_rows())
    assert values == {
        "all": "all",
        "product": "big",
        "billing_interval": "year",
        "currency": "usd",
        "country": "unknown",
        "cohort_year": "2026",
    }
    assert list(values) == list(SEGMENTS)


MONTH, QUARTER, YEAR, WEEK, TEN_DAYS = ("month", 1), ("month", 3), ("year", 1), ("week", 1), ("day", 10)


@pytest.mark.parametrize(
    ("interval", "began", "left", "kind", "renewal"),
    [
        (MONTH, "2026-01-31", "2026-02-28", "voluntary", 1),  # the first month ends on the month's last day
        (MONTH, "2026-01-31", "2026-03-31", "voluntary", 2),
        (MONTH, "2026-01-15", "2026-01-20", "voluntary", 1),  # left at once: it would not have renewed
        (MONTH, "2026-01-15", "2026-02-20", "voluntary", 2),  # paid for a second month, and not for a third
        (MONTH, "2026-01-15", "2026-02-16", "voluntary", 1),  # a day late: the end of the first month in another zone
        (MONTH, "2026-01-15", "2026-03-02", "involuntary_payment", 1),  # the payment of 15 February failed for good
        (MONTH, "2026-01-15", "2026-01-29", "involuntary_payment", 1),  # the first payment did
        (QUARTER, "2026-01-15", "2026-04-15", "contract_end", 1),
        (YEAR, "2024-02-29", "2026-02-28", "voluntary", 2),
        (WEEK, "2026-01-01", "2026-01-22", "voluntary", 3),
        (TEN_DAYS, "2026-01-01", "2026-01-24", "voluntary", 3),
    ],
)
def test_a_customer_left_at_the_renewal_that_it_did_not_make(
    interval: tuple[str, int], began: str, left: str, kind: str, renewal: int
) -> None:
    steps: list[Step] = [("a", began, 0, 10), ("a", left, 10, 0)]
    found = lived(*steps, churns=(churned("a", left, kind),), interval=interval)
    assert (found[0]["from_renewal"], found[0]["to_renewal"]) == (1, renewal)


@pytest.mark.parametrize(
    ("interval", "began", "renewals"),
    [
        (MONTH, "2026-06-02", 0),
        (MONTH, "2026-06-01", 0),  # due today: not known yet
        (MONTH, "2026-05-31", 1),  # renewed on 30 June
        (MONTH, "2026-01-31", 5),
        (QUARTER, "2026-01-01", 1),  # 1 April; 1 July is today
        (YEAR, "2024-02-29", 2),
        (WEEK, "2026-06-16", 2),  # 23 and 30 June
        (TEN_DAYS, "2026-06-11", 1),  # 21 June; 1 July is today
    ],
)
def test_who_still_pays_has_made_the_renewals_that_are_past(
    interval: tuple[str, int], began: str, renewals: int
) -> None:
    assert lived(("a", began, 0, 10), interval=interval)[0]["to_renewal"] == renewals
