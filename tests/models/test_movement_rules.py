"""Movements of any history whatever: they add up, and each is of the kind that its neighbours make it."""

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from models.movements import movements
from models.mrr import by_day, by_month
from models.policy import MetricPolicy
from models.presence import payers
from models.terms import Terms

TERMS = Terms(datetime(2026, 6, 30, 12, tzinfo=UTC), "UTC", "usd")
DEFAULT = MetricPolicy()
LOSSES = {"contraction", "churn"}

History = list[tuple[str, str, int, int]]
histories = st.lists(
    st.tuples(
        st.sampled_from(["cus_1", "cus_2"]), st.sampled_from(["si_1", "si_2"]), st.integers(0, 170), st.integers(0, 3)
    ),
    max_size=40,
)
"""(customer, item, day, worth from then on)"""


def changes(history: History) -> pl.LazyFrame:
    """A ledger of those worths: before and after of every day on which an item's worth changed."""
    worth: dict[str, int] = defaultdict(int)
    rows = []
    for (customer, item, day), after in sorted({(c, f"{c}-{i}", d): worth for c, i, d, worth in history}.items()):
        if after != worth[item]:
            delta = after - worth[item]
            on = date(2026, 1, 1) + timedelta(days=day)
            at = datetime(on.year, on.month, on.day, tzinfo=UTC)
            rows.append(("acct", customer, "usd", item, at, on, delta, delta, "quantity"))
            worth[item] = after
    schema: dict[str, Any] = {
        "account_id": pl.String,
        "customer_id": pl.String,
        "currency": pl.String,
        "subscription_item_id": pl.String,
        "changed_at": pl.Datetime("us", "UTC"),
        "changed_on": pl.Date,
        "delta_micros": pl.Int64,
        "delta_reporting_micros": pl.Int64,
        "cause": pl.String,
    }
    return pl.DataFrame(rows, schema=schema, orient="row").lazy()


@settings(max_examples=60)
@given(histories)
def test_movements_add_up_to_the_changes_of_each_customer(history: History) -> None:
    ledger = changes(history)
    moved = movements(ledger, DEFAULT).collect()
    by_customer = dict(ledger.group_by("customer_id").agg(pl.col("delta_micros").sum()).collect().iter_rows())
    assert {c: d for c, d in by_customer.items() if d} == {
        c: d for c, d in moved.group_by("customer_id").agg(pl.col("delta_micros").sum()).iter_rows() if d
    }
    assert moved.filter(pl.col("after_micros") - pl.col("before_micros") != pl.col("delta_micros")).is_empty()
    assert moved.filter(pl.min_horizontal("before_micros", "after_micros") < 0).is_empty()
    assert moved.select("customer_id", "currency", "moved_on").is_unique().all()


@settings(max_examples=60)
@given(histories)
def test_a_customer_is_new_once_and_back_once_after_each_churn(history: History) -> None:
    for _, rows in movements(changes(history), DEFAULT).collect().group_by("customer_id"):
        kinds = rows.sort("moved_on")["movement_type"].to_list()
        assert kinds[0] == "new" and kinds.count("new") == 1
        turns = [kind for kind in kinds if kind in ("churn", "reactivation")]
        assert turns == ["churn", "reactivation"] * (len(turns) // 2) + ["churn"] * (len(turns) % 2)


@settings(max_examples=60)
@given(histories)
def test_losses_fall_and_gains_rise(history: History) -> None:
    for kind, delta in (
        movements(changes(history), DEFAULT).select("movement_type", "delta_micros").collect().iter_rows()
    ):
        assert (delta < 0) == (kind in LOSSES)


@settings(max_examples=60)
@given(histories)
def test_each_day_and_month_opens_as_the_one_before_closed_and_counts_its_customers(history: History) -> None:
    moved = movements(changes(history), DEFAULT)
    days = by_day(moved, payers(moved), TERMS)
    for frame, key in ((days.collect(), "date"), (by_month(days, payers(moved), TERMS).collect(), "month")):
        kinds = ("new_mrr", "expansion_mrr", "contraction_mrr", "churn_mrr", "reactivation_mrr")
        rows = frame.sort(key).to_dicts()
        closing = 0
        for row in rows:
            assert row["opening_mrr"] == closing
            closing = row["opening_mrr"] + sum(row[kind] for kind in kinds)
            assert row["closing_mrr"] == closing >= 0
    last = days.collect().sort("date").tail(1)
    if last.height:
        active = moved.group_by("customer_id").agg(pl.col("after_micros").sort_by("moved_on").last()).collect()
        assert last["customers"].item() == active.filter(pl.col("after_micros") > 0).height


def test_the_roll_forward_that_stripe_prints() -> None:
    """docs.stripe.com/billing/subscriptions/analytics: 1,000 + 100 + 50 - 40 - 60 = 1,050, then FX."""
    start = [("cus_a", "si", 0, 840), ("cus_b", "si", 0, 60), ("cus_c", "si", 0, 100)]
    moves = [("cus_d", "si", 40, 100), ("cus_a", "si", 41, 890), ("cus_b", "si", 42, 0), ("cus_c", "si", 43, 60)]
    moved = movements(changes(start + moves), DEFAULT)
    row = by_month(by_day(moved, payers(moved), TERMS), payers(moved), TERMS).collect().row(1, named=True)
    assert [row[name] for name in ("opening_mrr", "new_mrr", "expansion_mrr", "contraction_mrr", "churn_mrr")] == [
        1000,
        100,
        50,
        -40,
        -60,
    ]
    assert row["closing_mrr"] == 1050
