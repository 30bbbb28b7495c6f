"""Rows that Stripe should not send, or sends in another order: no crash, no other figure."""

from collections.abc import Sequence
from datetime import date, datetime
from functools import cache
from itertools import pairwise
from typing import Any

import polars as pl
import pytest

from models import marts
from models.spine import build_spine
from models.terms import Terms
from tests.models.grown import Grown, grown
from tests.models.rows import only
from tests.models.story import Account, instant, rate_frame

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


MONTHS = ("2026-01-01", "2026-02-01", "2026-03-01", "2026-04-01", "2026-05-01")


class Odd(Account):
    """An account of odd subscriptions, each of a customer of its own unless told otherwise."""

    def sell(self, name: str, *items: tuple[str, int | None], since: str = MONTHS[0], **more: Any) -> None:
        """A subscription `sub_<name>` of `cus_<name>` to items `<name>_1`, … of (price, quantity)."""
        sold: list[Any] = [(f"{name}_{place}", *item) for place, item in enumerate(items, 1)]
        self.subscription(f"sub_{name}", more.pop("customer", f"cus_{name}"), since, sold, **more)

    def bill(self, name: str, *items: tuple[str, int], months: Sequence[str] = MONTHS) -> None:
        """Its invoices, one a month for the items: 10.00 a line, or less 4.00."""
        for start, end in pairwise(months):
            lines = [(f"{name}_{place}", *item, start, end) for place, item in enumerate(items, 1)]
            self.invoice(f"sub_{name}", lines, currency="usd")
        for line in self.rows["invoice_lines"]:
            line["amount"] = -400 if line["price_id"] == "less" else 1000


@cache
def odd() -> tuple[dict[str, pl.LazyFrame], pl.DataFrame]:
    """The tables of an account in which nothing is as it should be, and its checks, as of 15 April 2026."""
    account = Odd()
    for name, amount, currency in (
        ("team", 1000, "usd"),
        ("less", -400, "usd"),
        ("coin", 500, "xts"),
        ("euro", 400, "eur"),
        ("stray", 700, "zzz"),
    ):
        account.price(name, amount)
        account.rows["prices"][-1]["currency"] = currency
    for name, *items in (
        ("unpriced", ("gone", 2)),
        ("foreign", ("coin", 2)),
        ("adrift", ("stray", 1)),
        ("rebated", ("team", 1), ("less", 1)),
        ("below", ("less", 1)),
        ("twice", ("team", 1)),
        ("empty", ("team", 0)),
    ):
        account.sell(name, *items, currency={"foreign": "xts", "adrift": "zzz"}.get(name, "usd"))
        if name != "twice":
            account.bill(name, *items)
    account.sell("unbilled", ("team", 3))
    account.sell("over", ("team", 3), status="canceled", canceled_at=MONTHS[1], ended_at=MONTHS[1])
    account.bill("twice", ("team", 1), months=("2026-01-01", "2026-02-01"))
    account.bill("twice", ("team", 2), months=("2026-01-16", "2026-02-16", "2026-05-16"))
    account.sell("both", ("team", 1))
    account.bill("both", ("team", 1))
    account.sell("both_too", ("euro", 1), since=MONTHS[1], customer="cus_both", currency="eur")
    account.bill("both_too", ("euro", 1), months=MONTHS[1:])
    account.sell("moved", ("team", 1), since="2025-11-01", created_at="2026-02-01")
    account.bill("moved", ("team", 1), months=("2025-11-01", *MONTHS[1:]))
    account.rows["invoices"][-3]["created_at"] = instant("2026-02-01")
    days = [f"2026-{month:02}-{day:02}" for month in range(1, 5) for day in (1, 8, 15, 22, 28)]
    rates = rate_frame([(day, code, "usd", "2") for day in ("2025-12-31", *days) for code in ("xts", "eur")])
    staged, terms = account.staging(), Terms(instant("2026-04-15"), "UTC", "usd")
    spine = build_spine(staged, rates, terms)
    built = marts.build_on(spine, staged, terms)
    return built, marts.verify(built, spine, staged, terms).collect()


TREATED: dict[str, tuple[list[str], str, str, str]] = {
    # what came of it in mrr_changes: day, item, MRR before and after; then the check that tells, how gravely, of what
    "a price that is not held": ([], "prices_say_their_amount", "blocking", "unpriced_1: price gone is not held"),
    "a currency that Stripe does not have": (
        ["2026-01-01 foreign_1 0 -> 1000"],
        "currency_is_known",
        "warning",
        "xts: currency xts is not in Stripe's list",
    ),
    "a currency without any exchange rate": (
        ["2026-01-01 adrift_1 0 -> 700"],
        "mrr_has_an_exchange_rate",
        "blocking",
        "zzz: its MRR is in no reporting figure",
    ),
    "a running subscription without invoices": (
        ["2026-01-01 unbilled_1 0 -> 3000"],
        "subscriptions_were_billed",
        "warning",
        "sub_over; sub_unbilled",
    ),
    "an ended subscription without invoices": ([], "subscriptions_were_billed", "warning", "sub_over; sub_unbilled"),
    "a price below zero beside others": (
        ["2026-01-01 rebated_1 0 -> 1000", "2026-01-01 rebated_2 0 -> -400"],
        "recurring_lines_are_not_negative",
        "note",
        "in_13_1; in_14_1; in_15_1; in_16_1; in_17_0; ...",
    ),
    "a customer below zero": (
        ["2026-01-01 below_1 0 -> -400"],
        "no_negative_mrr",
        "blocking",
        "cus_below 2026-01-01 usd",
    ),
    # billed 1 from 1 January, then 2 from 16 January, though the first period goes on to 1 February
    "overlapping periods": (
        ["2026-01-01 twice_1 0 -> 1000", "2026-01-16 twice_1 1000 -> 2000"],
        "billed_periods_do_not_overlap",
        "warning",
        "twice_1: billed again from 2026-01-16 00:00:00 on",
    ),
    "a customer in two currencies": (
        ["2026-01-01 both_1 0 -> 1000", "2026-02-01 both_too_1 0 -> 400"],
        "customers_pay_in_one_currency",
        "note",
        "cus_both",
    ),
    "a backdated start": (["2025-11-01 moved_1 0 -> 1000"], "starts_are_not_backdated", "note", "sub_moved"),
    "an item of no quantity": ([], "items_have_a_quantity", "note", "empty_1"),
}


@pytest.mark.parametrize("kind", TREATED)
def test_what_is_odd_is_treated_by_its_rule_and_told(kind: str) -> None:
    built, checks = odd()
    changed, check, severity, subjects = TREATED[kind]
    items = {line.split()[1] for line in changed} or {subjects.split(":")[0]}
    rows = built["mrr_changes"].filter(pl.col("subscription_item_id").is_in(list(items))).sort("changed_at").collect()
    assert [
        f"{row['changed_on']} {row['subscription_item_id']} {row['mrr_before'].normalize():f} -> "
        f"{row['mrr_after'].normalize():f}"
        for row in rows.iter_rows(named=True)
    ] == changed
    told = only(checks.lazy(), check_name=check)
    assert told["severity"] == severity
    assert told["passed"] is (severity == "note")
    assert subjects in (told["detail"] or "")


def test_what_is_odd_adds_up_all_the_same() -> None:
    """usd: 1,000 − 400 − 400 + 2,000 + 3,000 + 1,000 + 1,000 = 7,200. In dollars at 2: 7,200 + 2 × 1,000 xts + 2 × 400
    eur = 10,000, and nothing for the zzz. Nobody else fails a check: only who is named above."""
    built, checks = odd()
    closing = built["mrr_by_month"].filter(month=date(2026, 4, 1)).select("currency", "closing_mrr").collect().rows()
    assert dict(closing) == {"usd": 7200, "xts": 1000, "eur": 400, "zzz": 700}
    assert only(built["mrr_by_month_reporting"], month=date(2026, 4, 1))["closing_mrr"] == 10_000
    customer = only(built["customers"], customer_id="cus_both")
    assert (customer["mrr"], customer["currency"], customer["mrr_reporting"]) == (1000, "usd", 1800)
    assert only(built["mrr_exclusions"], subscription_item_id="empty_1")["reason"] == "no_quantity"
    assert only(built["customers"], customer_id="cus_below")["status"] == "lead"
    failed = set(checks.filter(~pl.col("passed"))["check_name"]) - {"lines_sum_to_invoices"}
    assert failed == {
        "prices_say_their_amount",
        "live_subscriptions_have_a_price",
        "currency_is_known",
        "mrr_has_an_exchange_rate",
        "subscriptions_have_an_exchange_rate",
        "subscriptions_were_billed",
        "no_negative_mrr",
        "billed_periods_do_not_overlap",
    }
