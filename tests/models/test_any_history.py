"""Any history, under every preset: the invariants of movements, held against plain Python on the rows."""

import itertools
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.movements import GRAIN
from models.policy import PRESETS, MetricPolicy
from models.spine import Spine
from tests.models.story import Account

AS_OF = "2026-08-20"
MOVED = ("new_mrr", "expansion_mrr", "contraction_mrr", "churn_mrr", "reactivation_mrr")
RATES = [(f"2026-{month:02}-01", "eur", "usd", f"1.{month}") for month in range(1, 9)]
BILLS: dict[str, dict[str, Any]] = {
    "paid": {},
    "void": {"status": "void", "attempt_count": 0, "paid_at": None},
    "draft": {"status": "draft", "attempt_count": 0, "paid_at": None},
    "waived": {"status": "uncollectible", "uncollectible_reason": "subscription_paused", "paid_at": None},
    "open": {"status": "open", "paid_at": None},
    "late": {},
    "gift": {},
    "half": {},
    "once": {},
}
ENDS = ("runs", "canceled", "leaving", "unpaid", "paused", "past_due")


@dataclass(frozen=True)
class Sold:
    """One subscription: whose, from which day of 2026, at how much a month, how each month was billed, how it ends."""

    customer: str
    start: int
    amount: int
    currency: str
    trial: bool
    bills: tuple[str, ...]
    end: str


sold = st.builds(
    Sold,
    customer=st.sampled_from(["cus_1", "cus_2"]),
    start=st.integers(0, 90),
    amount=st.sampled_from([1000, 1001, 2500]),
    currency=st.sampled_from(["usd", "usd", "eur"]),
    trial=st.booleans(),
    bills=st.lists(st.sampled_from(list(BILLS)), min_size=1, max_size=4).map(tuple),
    end=st.sampled_from(ENDS),
)
histories = st.lists(sold, min_size=1, max_size=5)


def account_of(history: list[Sold]) -> Account:
    account = Account()
    for name, duration, percent in (("gift", "repeating", 100), ("half", "repeating", 50), ("once", "once", 20)):
        account.coupon(name, duration, percent_off=Decimal(percent))
    for place, one in enumerate(history):
        _sell(account, f"{place}", one)
    return account


def _sell(account: Account, name: str, one: Sold) -> None:
    account.price(f"plan{name}", one.amount)
    account.rows["prices"][-1]["currency"] = one.currency
    item = (f"si_{name}", f"plan{name}", 1)
    days = [date(2026, 1, 1) + timedelta(days=one.start + 30 * month) for month in range(len(one.bills) + 2)]
    trial = {"trial_start_at": days[0].isoformat(), "trial_end_at": days[1].isoformat()} if one.trial else {}
    periods = list(itertools.pairwise(days))[: len(one.bills) + one.trial]
    end = periods[-1][1].isoformat()
    asked = (periods[-1][1] - timedelta(days=12)).isoformat()
    states: dict[str, dict[str, Any]] = {
        "canceled": {"status": "canceled", "canceled_at": asked, "ended_at": end},
        "leaving": {"canceled_at": asked, "cancel_at": end},
        "unpaid": {"status": "unpaid"},
        "paused": {"status": "paused", "paused_at": end, "paused_type": "pause_requested"},
        "past_due": {"status": "past_due"},
    }
    told = {"currency": one.currency, **trial, **states.get(one.end, {})}
    account.subscription(f"sub_{name}", one.customer, days[0].isoformat(), [item], **told)
    for kind, (start, until) in zip((*(["paid"] * one.trial), *one.bills), periods, strict=True):
        _bill(account, f"sub_{name}", item, kind, start, until)


def _bill(account: Account, subscription: str, item: tuple[str, str, int], kind: str, start: date, until: date) -> None:
    late = (start + timedelta(days=35)).isoformat() if kind == "late" else start.isoformat()
    told: dict[str, Any] = {"attempt_count": 1 + (kind == "late"), "paid_at": late, "total": 1000, **BILLS[kind]}
    names = [kind] if kind in ("gift", "half", "once") else []
    line = (*item, start.isoformat(), until.isoformat())
    invoice = account.invoice(subscription, [line], discounts=names, **told)
    if kind in ("late", "open"):
        account.failed_charge(invoice, start.isoformat())


@pytest.mark.parametrize("name", PRESETS)
@settings(max_examples=8, suppress_health_check=[HealthCheck.too_slow])
@given(histories)
def test_movements_hold_together_under_every_preset(name: str, history: list[Sold]) -> None:
    policy = PRESETS[name]
    spine = account_of(history).spine(AS_OF, rates=RATES, policy=policy)
    _days_and_months_add_up(spine)
    _customers_come_and_go_in_turn(spine, policy)
    _customers_are_counted(spine, policy)
    _rates_move_the_rest(spine, policy)


def _rows(spine: Spine, mart: str, *by: str) -> Iterator[dict[str, Any]]:
    return spine.marts[mart].sort(*by).collect().iter_rows(named=True)


def _days_and_months_add_up(spine: Spine) -> None:
    """I1, I2 and I7, and the days against the ledger."""
    for mart, on in (("mrr_by_day", "date"), ("mrr_by_month", "month")):
        closing: dict[str, Decimal] = defaultdict(Decimal)
        for row in _rows(spine, mart, "currency", on):
            assert row["opening_mrr"] == closing[row["currency"]]
            closing[row["currency"]] = row["opening_mrr"] + sum(row[kind] for kind in MOVED)
            assert row["closing_mrr"] == closing[row["currency"]] >= 0
    changed = dict(spine.changes.group_by("currency").agg(pl.col("delta_micros").sum()).collect().iter_rows())
    last = {row["currency"]: row["closing_mrr"] for row in _rows(spine, "mrr_by_day", "currency", "date")}
    assert {code: Decimal(changed.get(code, 0)).scaleb(-6) for code in last} == last
    assert set(changed) <= set(last)


def _customers_come_and_go_in_turn(spine: Spine, policy: MetricPolicy) -> None:
    """I3, I4 and I5; a customer is new again only where the policy forgets."""
    moved = spine.movements.sort(*GRAIN, "moved_on").collect()
    assert moved.select(*GRAIN, "moved_on").is_unique().all()
    assert moved.filter(pl.col("after_micros") < 0).is_empty()
    for _, rows in moved.group_by(GRAIN, maintain_order=True):
        kinds = rows["movement_type"].to_list()
        turns = [kind for kind in kinds if kind in ("new", "churn", "reactivation")]
        assert kinds[0] == turns[0] == "new"
        assert all((one == "churn") != (other == "churn") for one, other in itertools.pairwise(turns))
        assert turns.count("new") == 1 or policy.reactivation_max_days is not None


def _customers_are_counted(spine: Spine, policy: MetricPolicy) -> None:
    """I6: customers + new + reactivated - churned = customers, but for those who fell and are back soon."""
    columns = ("new_customers", "reactivated_customers", "churned_customers", "closing_customers")
    customers = 0
    for row in _rows(spine, "mrr_by_month_reporting", "month"):
        new, returned, left, closing = (row[column] for column in columns)
        if not policy.grace_days:
            assert closing == customers + new + returned - left
        customers = closing
        assert closing >= 0
    paying = spine.movements.sort("moved_on").group_by(GRAIN).agg(pl.col("after_micros").last()).collect()
    payers = paying.filter(pl.col("after_micros") > 0)["customer_id"].n_unique()
    assert customers == payers if policy.free_customers == "inactive" else customers >= payers


def _rates_move_the_rest(spine: Spine, policy: MetricPolicy) -> None:
    """I1 and I2 in the reporting currency; where nothing is revalued, rates move a rounding of a millionth at most."""
    closing = Decimal(0)
    for row in _rows(spine, "mrr_by_month_reporting", "month"):
        assert row["opening_mrr"] == closing
        closing = row["opening_mrr"] + sum(row[kind] for kind in (*MOVED, "fx_mrr"))
        assert row["closing_mrr"] == closing >= 0
        if policy.fx_mode != "daily_stock":
            assert abs(row["fx_mrr"]) <= Decimal("0.00001")


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(histories)
def test_an_item_told_as_two_of_its_quantity_changes_no_total(history: list[Sold]) -> None:
    """One of twice the price, and two items of the price each: the months are the same, to the millionth."""
    whole, parts = account_of([replace(one, amount=one.amount * 2) for one in history]), account_of(history)
    for table in ("subscription_items", "invoice_lines"):
        more = [{**row, **_second(row, table)} for row in parts.rows[table]]
        parts.rows[table] += more
    one, other = (account.spine(AS_OF, rates=RATES) for account in (whole, parts))
    for mart in ("mrr_by_day", "mrr_by_month", "mrr_by_month_reporting", "mrr_movements"):
        assert (
            one.marts[mart]
            .collect()
            .drop("cause", strict=False)
            .equals(other.marts[mart].collect().drop("cause", strict=False))
        ), mart


def _second(row: dict[str, Any], table: str) -> dict[str, Any]:
    if table == "subscription_items":
        return {"id": f"{row['id']}_too", "position": 1}
    return {"id": f"{row['id']}_too", "subscription_item_id": f"{row['subscription_item_id']}_too", "position": 1}


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(histories)
def test_another_zone_moves_days_and_changes_no_sum(history: list[Sold]) -> None:
    """What changed in all, and what there is in the end, do not depend on where a day begins."""
    account = account_of(history)
    ends = []
    for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago"):
        spine = account.spine(AS_OF, timezone=zone, rates=RATES)
        moved = spine.movements.group_by("customer_id", "currency").agg(pl.col("delta_micros").sum())
        last = spine.movements.sort("moved_on").group_by("customer_id", "currency").agg(pl.col("after_micros").last())
        ends.append(sorted(moved.join(last, on=["customer_id", "currency"]).collect().rows()))
    assert ends[0] == ends[1]


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(histories)
def test_where_all_rates_are_one_currencies_add_up_as_they_are(history: list[Sold]) -> None:
    even = [(day, "eur", "usd", "1") for day, *_ in RATES]
    spine = account_of(history).spine(AS_OF, rates=even)
    months: dict[date, Decimal] = defaultdict(Decimal)
    for row in _rows(spine, "mrr_by_month", "currency", "month"):
        months[row["month"]] += row["closing_mrr"]
    for row in _rows(spine, "mrr_by_month_reporting", "month"):
        assert (row["closing_mrr"], row["fx_mrr"]) == (months[row["month"]], 0)
