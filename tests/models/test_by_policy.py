"""MRR by other rules beside the default's, and why: parts worked by hand, and figures held against whole builds."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models import marts
from models.policy import GROUPS, PRESETS, MetricPolicy, changed
from models.spine import Spine, build_spine
from models.terms import Terms
from tests.models.grown import grown
from tests.models.story import Account, instant, rate_frame
from tests.models.test_any_history import AS_OF, RATES, Sold, account_of, histories

PARTS = [f"{group}_reporting" for group in GROUPS]
ODD = (
    replace(
        changed(
            PRESETS["stripe"],
            trials_count=True,
            active_from="first_payment",
            metered_counts=True,
            fx_mode="constant",
            day_factor=30,
            past_due_max_days=20,
            paused_status_counts=True,
        ),
        name="odd",
    ),
    replace(changed(PRESETS["maxio"], fx_mode="native", invoice_gap_days=0, free_customers="active"), name="native"),
    replace(changed(PRESETS["profitwell"], trials_count=True, grace_days=3), name="late"),
)

pytestmark = pytest.mark.long
"""Policies of one's own that no preset is like."""


def company() -> Account:
    """Four customers in February 2026; a euro is 1.10 dollars on 1 January and 1.20 on 1 February.

    ann: 1,000 a month, half of it given away for two months, and on 10 February she asks to leave on 1 March.
    bob: 2,000 a month; collection is waived in February.
    cat: 3,000 a month; the payment of 1 February failed and is owed.
    dee: 4,000 euros a month.
    """
    account = Account()
    for name, amount in (("ann", 1000), ("bob", 2000), ("cat", 3000), ("dee", 4000)):
        account.price(name, amount)
    account.rows["prices"][-1]["currency"] = "eur"
    account.coupon("half", "repeating", percent_off=Decimal(50), duration_in_months=2)
    account.subscription("sub_ann", "ann", "2026-01-01", [("si_ann", "ann", 1)], canceled_at="2026-02-10")
    account.subscription("sub_bob", "bob", "2026-01-01", [("si_bob", "bob", 1)], pause_collection_behavior="void")
    account.subscription("sub_cat", "cat", "2026-01-01", [("si_cat", "cat", 1)], status="past_due")
    account.subscription("sub_dee", "dee", "2026-01-01", [("si_dee", "dee", 1)], currency="eur")
    february: dict[str, dict[str, Any]] = {"bob": {"status": "void"}, "cat": {"status": "open", "attempt_count": 1}}
    for start, end, told in (("2026-01-01", "2026-02-01", {}), ("2026-02-01", "2026-03-01", february)):
        for name in ("ann", "bob", "cat", "dee"):
            line = (f"si_{name}", name, 1, start, end)
            account.invoice(f"sub_{name}", [line], discounts=["half"] if name == "ann" else [], **told.get(name, {}))
    account.failed_charge("in_7", "2026-02-01")
    return account


def compared(account: Account, month: date, policy: MetricPolicy | None = None) -> dict[str, dict[str, Any]]:
    """The rows of a month by policy, the parts of nothing left out."""
    rates = [("2026-01-01", "eur", "usd", "1.1"), ("2026-02-01", "eur", "usd", "1.2")]
    spine = account.spine("2026-02-28T12:00", rates=rates, policy=policy)
    rows = spine.marts["mrr_by_policy"].filter(month=month).collect().iter_rows(named=True)
    return {
        row["policy"]: {
            "closing": row["closing_mrr_reporting"],
            **{group: row[f"{group}_reporting"] for group in GROUPS if row[f"{group}_reporting"]},
        }
        for row in rows
    }


def test_each_preset_closes_with_the_default_and_the_parts_of_its_rules() -> None:
    """Default in February: ann 500, bob 0, cat 3,000, dee 4,000 x 1.20 = 4,800: 8,300.

    stripe: ann is gone by request, so that no coupon matters any more: -500.
    chartmogul: bob + 2,000; dee at January's 1.10: 4,400, -400.
    baremetrics: cat has been past due for 27 days, less than 30.
    profitwell: dee as with chartmogul.
    maxio: ann -500, bob + 2,000, cat - 3,000.
    """
    assert compared(company(), date(2026, 2, 1)) == {
        "default": {"closing": 8300},
        "stripe": {"closing": 7800, "cancel_timing": -500},
        "chartmogul": {"closing": 9900, "pauses": 2000, "fx": -400},
        "baremetrics": {"closing": 8300},
        "profitwell": {"closing": 7900, "fx": -400},
        "maxio": {"closing": 6800, "cancel_timing": -500, "pauses": 2000, "dunning": -3000},
    }


def test_a_group_is_told_what_it_changes_after_those_before_it() -> None:
    """In January ann is there: 500, bob 2,000, cat 3,000, dee 4,400. Stripe counts no repeating coupon: + 500."""
    months = compared(company(), date(2026, 1, 1))
    assert months["default"] == {"closing": 9900}
    assert months["stripe"] == {"closing": 10400, "discounts": 500}
    assert months["chartmogul"] == months["maxio"] == {"closing": 9900}


def test_a_policy_of_ones_own_stands_beside_the_presets() -> None:
    """Euros are at today's 1.20 throughout, so that January's 4,400 are 4,800: + 400."""
    own = replace(changed(PRESETS["default"], fx_mode="constant", churn_moment="requested"), name="board")
    assert compared(company(), date(2026, 1, 1), own)["board"] == {"closing": 10300, "fx": 400}
    assert compared(company(), date(2026, 2, 1), own)["board"] == {"closing": 7800, "cancel_timing": -500}
    assert compared(company(), date(2026, 2, 1), own)["default"] == {"closing": 8300}


def test_the_default_differs_from_itself_in_nothing_and_parts_always_add_up() -> None:
    rows = grown(7).marts["mrr_by_policy"].collect()
    default = rows.filter(policy="default")
    assert default.select(pl.all_horizontal(pl.col("difference_reporting", *PARTS) == 0)).to_series().all()
    assert rows.filter(pl.sum_horizontal(PARTS) != pl.col("difference_reporting")).is_empty()
    closings = dict(default.select("month", "closing_mrr_reporting").iter_rows())
    for month, closing, difference in rows.select("month", "closing_mrr_reporting", "difference_reporting").iter_rows():
        assert closing - closings[month] == difference


def test_months_and_policies_are_all_there_and_a_hash_says_by_which_rules() -> None:
    company = grown(7)
    rows = company.marts["mrr_by_policy"].collect()
    assert rows.height == company.marts["mrr_by_month_reporting"].collect().height * len(PRESETS)
    hashes = dict(rows.select("policy", "policy_hash").unique().iter_rows())
    assert hashes == {name: policy.hash for name, policy in PRESETS.items()}


@pytest.mark.parametrize("policy", [*PRESETS.values(), *ODD], ids=lambda policy: policy.name)
def test_a_grown_company_closes_as_a_whole_build_by_those_rules_does(policy: MetricPolicy) -> None:
    company = grown(7)
    terms = replace(company.terms, policy=policy)
    spine = build_spine(company.staging, company.rates.lazy(), terms)
    compared = (spine if policy in ODD else company.spine).marts["mrr_by_policy"]
    assert _closings(compared, policy) == _months(spine)


@pytest.mark.parametrize("name", PRESETS)
def test_a_build_by_another_preset_passes_every_check_and_makes_the_same_comparison(name: str) -> None:
    company = grown(7)
    terms = replace(company.terms, policy=PRESETS[name])
    spine = build_spine(company.staging, company.rates.lazy(), terms)
    built = marts.build_on(spine, company.staging, terms)
    checks = marts.verify(built, spine, company.staging, terms).collect()
    assert checks.filter(~pl.col("passed"))["check_name"].to_list() == []
    assert built["mrr_by_policy"].collect().equals(company.marts["mrr_by_policy"].collect())


@settings(max_examples=4, suppress_health_check=[HealthCheck.too_slow])
@given(histories, st.sampled_from(ODD))
def test_any_history_closes_as_a_whole_build_by_those_rules_does(history: list[Sold], odd: MetricPolicy) -> None:
    account = account_of(history)
    own = account.spine(AS_OF, rates=RATES, policy=odd)
    compared = own.marts["mrr_by_policy"].collect().lazy()
    assert _closings(compared, odd) == _months(own)
    for policy in PRESETS.values():
        assert _closings(compared, policy) == _months(account.spine(AS_OF, rates=RATES, policy=policy))


def test_two_accounts_are_compared_each_by_itself() -> None:
    """The second account is the first without its euros: its presets differ by no exchange rate."""
    account, other = company(), company()
    for table, rows in other.rows.items():
        kept = [row for row in rows if "dee" not in (row.get("id", ""), row.get("customer_id"), row.get("price_id"))]
        account.rows[table].extend({**row, "account_id": "acct_2"} for row in kept)
    rates = [("2026-01-01", "eur", "usd", "1.1"), ("2026-02-01", "eur", "usd", "1.2")]
    spine = account.spine("2026-02-28T12:00", rates=rates)
    february = spine.marts["mrr_by_policy"].filter(month=date(2026, 2, 1)).collect()
    closings = {
        name: dict(own.select("policy", "closing_mrr_reporting").iter_rows())
        for (name,), own in february.group_by("account_id")
    }
    assert closings["acct_1"] == {name: row["closing"] for name, row in compared(company(), date(2026, 2, 1)).items()}
    assert closings["acct_2"]["default"] == 8300 - 4800
    assert closings["acct_2"]["chartmogul"] == 9900 - 4400


def test_an_account_without_subscriptions_has_no_rows() -> None:
    terms = Terms(instant("2026-02-28"), "UTC", "usd")
    built = marts.build(Account().staging(), rate_frame([]), terms, only=["mrr_by_policy"])
    assert built["mrr_by_policy"].collect().is_empty()


def _closings(compared: pl.LazyFrame, policy: MetricPolicy) -> dict[date, Decimal]:
    rows = compared.filter(pl.col("policy") == policy.name, pl.col("closing_mrr_reporting") != 0)
    return dict(rows.select("month", "closing_mrr_reporting").collect().iter_rows())


def _months(spine: Spine) -> dict[date, Decimal]:
    rows = spine.marts["mrr_by_month_reporting"].filter(pl.col("closing_mrr") != 0)
    return dict(rows.select("month", "closing_mrr").collect().iter_rows())
