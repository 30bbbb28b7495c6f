"""The formulas that billing scripts are full of, and what each gets wrong: a customer a defect.

The formulas: MRR as the sum of `unit_amount × quantity` of active subscriptions, a year by 12, all by 100; lifetime
value as the last hundred charges by the months; churn as subscriptions created in the last thirty days that are
canceled.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from itertools import pairwise
from typing import Any

import polars as pl
import pytest

from models import marts
from models.terms import Terms
from tests.models.rows import only
from tests.models.story import Account, instant, rate_frame

MONTHS = ("2026-01-01", "2026-02-01", "2026-03-01", "2026-04-01", "2026-05-01")
AS_OF = "2026-04-15"
RATES = [("2026-04-10", "eur", "usd", "1.1"), ("2026-04-10", "jpy", "usd", "0.01"), ("2026-04-10", "kwd", "usd", "3")]
GRADUATED = [(5, 700, 0), (10, 650, 0), (None, 600, 0)]


def tiers(steps: Sequence[tuple[int | None, int, int]]) -> list[dict[str, Any]]:
    return [
        {
            "up_to": up_to,
            "unit_amount_decimal": Decimal(unit),
            "unit_amount": unit,
            "flat_amount_decimal": Decimal(flat),
        }
        | {"flat_amount": flat}
        for up_to, unit, flat in steps
    ]


def sell(account: Account, name: str, *items: tuple[str, int | None], since: str = MONTHS[0], **more: Any) -> None:
    sold: list[Any] = [(f"{name}_{place}", *item) for place, item in enumerate(items)]
    account.subscription(f"sub_{name}", f"cus_{name}", since, sold, **more)


@cache
def worths() -> dict[str, Decimal]:
    """MRR of each customer in its own currency as of 15 April 2026, in minor units."""
    account = Account()
    account.price("quarter", 30_000, "month", 3)
    account.price("week", 1_000, "week")
    account.price("year", 120_000, "year")
    account.price("month", 1_000)
    account.price("daily", 100, "day")
    account.price("tiered", None, tiers_mode="graduated", tiers=tiers(GRADUATED))
    account.price("fraction", Decimal("0.25"))
    account.price("packs", 1_000, transform_quantity_divide_by=5, transform_quantity_round="up")
    account.price("used", 500)
    account.rows["prices"][-1]["recurring_usage_type"] = "metered"
    for code in ("jpy", "kwd", "eur"):
        account.price(code, 1_200)
        account.rows["prices"][-1]["currency"] = code
    account.coupon("half", percent_off=Decimal(50))
    account.coupon("gift", percent_off=Decimal(100))
    for name in ("quarter", "week", "year", "daily"):
        sell(account, name, (name, 1))
    sell(account, "tiers", ("tiered", 20))
    sell(account, "subcent", ("fraction", 1_000))
    sell(account, "packages", ("packs", 6))
    sell(account, "metered", ("used", None))
    sell(account, "discounted", ("month", 1), discounts=["half"])
    sell(account, "free", ("month", 1), discounts=["gift"])
    sell(account, "late", ("month", 1), status="past_due")
    sell(account, "paused", ("month", 1), pause_collection_behavior="void")
    sell(account, "trying", ("month", 1), status="trialing", trial_start_at=MONTHS[3], trial_end_at=MONTHS[4])
    sell(account, "several", ("month", 1), ("year", 1))
    for code in ("jpy", "kwd", "eur"):
        sell(account, code, (code, 1), currency=code)
    sell(account, "taxed", ("month", 1))
    for start, end in pairwise(MONTHS):
        account.invoice("sub_taxed", [("taxed_0", "month", 1, start, end)], taxed=(1_000, 160))
    customers = account.spine(AS_OF, rates=RATES).changes.group_by("customer_id").agg(pl.col("delta_micros").sum())
    return {name.removeprefix("cus_"): Decimal(micros).scaleb(-6) for name, micros in customers.collect().iter_rows()}


@pytest.mark.parametrize(
    ("customer", "worth"),
    [
        ("quarter", "10000"),  # not 30,000: 300.00 every three months; the count of months is left out
        ("week", "4333.333333"),  # not 1,000: 10.00 × 52 ÷ 12; weeks and days are taken for months
        ("daily", "3041.666667"),  # not 100: 1.00 × 365 ÷ 12
        ("year", "10000"),  # the one interval that is not forgotten
        ("tiers", "12750"),  # not 0: 5 × 7.00 + 5 × 6.50 + 10 × 6.00; a tiered price has no unit amount
        ("subcent", "250"),  # not 0: 1,000 × a quarter of a cent; nor has one below a cent
        ("packages", "2000"),  # not 6,000: six in packages of five are two packages, not six
        ("metered", "0"),  # not 500: no quantity is taken for one
        ("discounted", "500"),  # not 1,000
        ("free", "0"),  # not 1,000
        ("late", "1000"),  # not 0: past due, and left out as not active
        ("paused", "0"),  # not 1,000: collection is waived, the status is active
        ("trying", "0"),  # as theirs
        ("several", "11000"),  # not 1,000: the first item alone is looked at
        ("taxed", "840"),  # not 1,000: 1.60 of the 10.00 are tax
        ("jpy", "1200"),  # not 12: yen have no hundredths
        ("kwd", "1200"),  # not 12: dinars have thousandths: 1.200, not 12.00
        ("eur", "1200"),  # not 12
    ],
)
def test_each_defect_of_unit_amount_times_quantity(customer: str, worth: str) -> None:
    assert worths().get(customer, Decimal(0)) == Decimal(worth)


def test_quarters_weeks_and_years_together() -> None:
    """100.00 + 43.33 + 100.00 = 243.33; the formula makes 300.00 + 10.00 + 100.00 = 410.00 of them."""
    three = sum(worths()[name] for name in ("quarter", "week", "year"))
    assert round(three) == 24_333


def test_currencies_are_converted_and_never_added() -> None:
    """1,200 yen at 0.01 are 12.00, 1.200 dinars at 3 are 3.60, 12.00 euros at 1.1 are 13.20: 28.80 dollars. Added up as
    they come, by 100, they are 36.00 of nothing."""
    account = Account()
    for code in ("jpy", "kwd", "eur"):
        account.price(code, 1_200)
        account.rows["prices"][-1]["currency"] = code
        sell(account, code, (code, 1), currency=code)
    months = account.spine(AS_OF, rates=RATES).marts["mrr_by_month_reporting"]
    assert only(months, month=date(2026, 4, 1))["closing_mrr"] == 1_200 + 360 + 1_320


def test_history_is_what_was_billed_then_and_not_todays_price() -> None:
    """10.00 a month until March, a year of 1,200.00 since: January was 10.00, and not 100.00."""
    account = Account()
    account.price("month", 1_000)
    account.price("year", 120_000, "year")
    sell(account, "grown", ("year", 1))
    for start, end in pairwise(MONTHS[:3]):
        account.invoice("sub_grown", [("grown_0", "month", 1, start, end)])
    account.invoice("sub_grown", [("grown_0", "year", 1, MONTHS[2], "2027-03-01")])
    months = account.spine(AS_OF).marts["mrr_by_month"]
    closing = dict(months.select("month", "closing_mrr").collect().iter_rows())
    assert [closing[date(2026, month, 1)] for month in (1, 2, 3)] == [1_000, 1_000, 10_000]


def built(account: Account, *only_these: str, as_of: str = AS_OF) -> dict[str, pl.LazyFrame]:
    terms = Terms(instant(as_of), "UTC", "usd")
    return marts.build(account.staging(), rate_frame(RATES), terms, only=only_these)


def charge(account: Account, customer: str, at: str, amount: int = 1_000, **more: Any) -> None:
    told = {"status": "succeeded", "amount_captured": amount, "currency": "usd", **more}
    number = len(account.rows["charges"])
    account._add("charges", id=f"ch_{number}", customer_id=customer, amount=amount, created_at=instant(at), **told)


def test_lifetime_revenue_does_not_end_at_a_hundred_charges() -> None:
    """240 charges of 10.00 are 2,400.00. Of the last hundred alone, ÷ 240 months, the formula makes 4.17, and less with
    every month; a customer of today it divides by no month."""
    account = Account()
    for number in range(240):
        charge(account, "cus_old", (date(2006, 1, 1) + timedelta(days=30 * number)).isoformat())
    charge(account, "cus_new", "2026-04-14")
    customers = built(account, "customers")["customers"]
    assert only(customers, customer_id="cus_old")["lifetime_revenue_reporting"] == 240_000
    assert only(customers, customer_id="cus_new")["lifetime_revenue_reporting"] == 1_000


def test_lifetime_revenue_is_what_was_received_in_one_currency() -> None:
    """10.00 captured, 5.00 of 10.00 captured, 10.00 lost to a dispute, 10.00 that failed, 4.00 refunded, 10.00 euros at
    1.10: 10.00 + 5.00 + 10.00 − 10.00 − 4.00 + 11.00 = 22.00."""
    account = Account()
    charge(account, "cus_1", "2026-04-11")
    charge(account, "cus_1", "2026-04-11", amount_captured=500)
    charge(account, "cus_1", "2026-04-11")
    charge(account, "cus_1", "2026-04-11", status="failed", amount_captured=0)
    charge(account, "cus_1", "2026-04-11", currency="eur")
    account._add(
        "disputes",
        id="du_1",
        charge_id="ch_2",
        amount=1_000,
        currency="usd",
        status="lost",
        created_at=instant("2026-04-12"),
    )
    account._add(
        "refunds",
        id="re_1",
        charge_id="ch_0",
        amount=400,
        currency="usd",
        status="succeeded",
        created_at=instant("2026-04-12"),
    )
    customers = built(account, "customers")["customers"]
    assert only(customers, customer_id="cus_1")["lifetime_revenue_reporting"] == 2_200


@cache
def leaving() -> dict[str, pl.LazyFrame]:
    """Ten customers of January. In March one leaves and says why, one says nothing, one can't pay; one switches plans
    by cancelling and starting anew; one begins and ends a trial."""
    account = Account()
    account.price("month", 1_000)
    account.price("more", 2_000)
    for number in range(6):
        sell(account, f"stays{number}", ("month", 1))
    gone = {"status": "canceled", "canceled_at": "2026-03-10", "ended_at": "2026-03-10"}
    asked = {"cancellation_reason": "cancellation_requested"}
    for name, plan, more in (
        ("says", "more", {**asked, "cancellation_feedback": "too_expensive"}),
        ("silent", "month", asked),
        ("unable", "month", {"cancellation_reason": "payment_failed"}),
        ("switches", "month", asked),
    ):
        sell(account, name, (plan, 1), **gone, **more)
        for start, end in pairwise(MONTHS[:4]):
            account.invoice(f"sub_{name}", [(f"{name}_0", plan, 1, start, end)])
    account.subscription("sub_again", "cus_switches", "2026-03-10", [("again_0", "more", 1)])
    sell(
        account,
        "tries",
        ("month", 1),
        since="2026-03-02",
        **gone,
        trial_start_at="2026-03-02",
        trial_end_at="2026-03-16",
    )
    return built(account, "churned_customers", "churn_reasons_by_month", "metrics_by_month")


def test_churn_is_of_who_left_in_the_month_and_not_of_who_joined_in_it() -> None:
    """Three left: created in January, so the formula, which looks at what was created since February, finds the trial
    alone. Not among them are the switch of plans (an expansion) and the trial (which never paid)."""
    left = leaving()["churned_customers"].select("customer_id", "kind", "mrr_lost").sort("customer_id").collect().rows()
    assert left == [
        ("cus_says", "voluntary", 2_000),
        ("cus_silent", "voluntary", 1_000),
        ("cus_unable", "involuntary_payment", 1_000),
    ]


def test_a_churn_rate_has_a_base_and_a_weight() -> None:
    """3 of 10 customers; 20.00 + 10.00 + 10.00 of the 9 × 10.00 + 20.00 = 110.00 at the start."""
    metrics = leaving()["metrics_by_month"].filter(month=date(2026, 3, 1))
    customers, mrr = (only(metrics, metric=name) for name in ("customer_churn_rate", "gross_mrr_churn_rate"))
    assert (customers["numerator"], customers["denominator"]) == (3, 10)
    assert (mrr["numerator"], mrr["denominator"]) == (4_000, 11_000)


def test_who_gives_no_feedback_is_counted_and_who_could_not_pay_is_told_apart() -> None:
    reasons = leaving()["churn_reasons_by_month"].select("kind", "feedback", "customers", "mrr_lost_reporting")
    assert sorted(reasons.collect().rows()) == [
        ("involuntary_payment", "not_given", 1, 1_000),
        ("voluntary", "not_given", 1, 1_000),
        ("voluntary", "too_expensive", 1, 2_000),
    ]
