"""What movements are called and who is a customer, by one policy and by another."""

from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from models import marts
from models.policy import PRESETS, MetricPolicy, changed
from models.spine import Spine
from models.terms import Terms
from tests.models.story import Account, instant, movements, rate_frame

OURS = PRESETS["default"]
STRIPE, CHARTMOGUL, PROFITWELL, MAXIO = (PRESETS[name] for name in ("stripe", "chartmogul", "profitwell", "maxio"))


def stays(*stays: tuple[str, str, int], currency: str = "usd") -> Account:
    """One customer with a subscription for each (from, to, amount), billed in one piece."""
    account = Account()
    for place, (start, end, amount) in enumerate(stays):
        account.price(f"plan{place}", amount)
        account.rows["prices"][-1]["currency"] = currency
        ended = {"status": "canceled", "ended_at": end, "canceled_at": end, "currency": currency}
        account.subscription(f"sub_{place}", "cus_1", start, [(f"si_{place}", f"plan{place}", 1)], **ended)
        account.invoice(f"sub_{place}", [(f"si_{place}", f"plan{place}", 1, start, end)])
    return account


def kinds(account: Account, policy: MetricPolicy, as_of: str = "2026-12-31") -> list[str]:
    return [f"{line.split()[0]} {line.split()[2]}" for line in movements(account.spine(as_of, policy=policy))]


def counts(spine: Spine, mart: str = "mrr_by_month_reporting") -> list[tuple[Any, ...]]:
    """New, churned, reactivated and closing customers of each month."""
    columns = ("new_customers", "churned_customers", "reactivated_customers", "closing_customers")
    return spine.marts[mart].select(columns).collect().rows()


def add(account: Account, other: Account, customer: str) -> None:
    """The other account's subscriptions as a customer's, under ids of their own."""
    for table, rows in other.rows.items():
        renamed = ({name: _apart(name, value) for name, value in row.items()} for row in rows)
        account.rows[table].extend(
            {**row, **({"customer_id": customer} if "customer_id" in row else {})} for row in renamed
        )


def _apart(name: str, value: Any) -> Any:
    is_id = name == "id" or (name.endswith("_id") and name not in ("account_id", "product_id"))
    return f"other_{value}" if is_id else value


# Away from 15 to 18 March: three days.

THREE_DAYS = (("2026-01-01", "2026-03-15", 100), ("2026-03-18", "2026-06-01", 300))


def test_back_within_the_days_of_grace_is_no_churn_and_without_any_it_is() -> None:
    assert kinds(stays(*THREE_DAYS), OURS)[1:3] == ["2026-03-15 contraction", "2026-03-18 expansion"]
    assert kinds(stays(*THREE_DAYS), STRIPE)[1:3] == ["2026-03-15 churn", "2026-03-18 reactivation"]
    assert kinds(stays(*THREE_DAYS), changed(OURS, grace_days=2))[1:3] == [
        "2026-03-15 churn",
        "2026-03-18 reactivation",
    ]


def test_a_plan_switched_within_a_day_is_never_a_churn() -> None:
    account = stays(("2026-01-01", "2026-03-15T09:00", 100), ("2026-03-15T12:00", "2026-06-01", 300))
    for policy in PRESETS.values():
        assert kinds(account, policy)[1] == "2026-03-15 expansion"


# Away from 1 March to 30 May, 90 days, or to 31 May, 91 days.


@pytest.mark.parametrize(("back", "kind"), [("2026-05-30", "reactivation"), ("2026-05-31", "new")])
def test_who_was_away_for_longer_than_ninety_days_is_new_again_or_never(back: str, kind: str) -> None:
    account = stays(("2026-01-01", "2026-03-01", 100), (back, "2026-09-01", 100))
    assert kinds(account, OURS)[2] == f"{back} reactivation"
    assert kinds(account, MAXIO)[2] == f"{back} {kind}"


def test_a_customer_who_is_new_again_is_counted_so() -> None:
    account = stays(("2026-01-01", "2026-03-01", 100), ("2026-07-01", "2026-09-01", 100))
    spine = account.spine("2026-07-20", policy=MAXIO)
    assert counts(spine)[6] == (1, 0, 0, 1)
    assert counts(account.spine("2026-07-20", policy=OURS))[6] == (0, 0, 1, 1)


def test_who_fell_within_the_days_of_grace_never_left_however_long_ago_the_limit() -> None:
    account = stays(("2026-01-01", "2026-03-01", 100), ("2026-03-05", "2026-09-01", 100))
    policy = changed(OURS, reactivation_max_days=2)
    assert kinds(account, policy)[1:3] == ["2026-03-01 contraction", "2026-03-05 expansion"]


# Came on 3 March and left on the 20th; came again on 10 April and left on 5 May.

TWO_STAYS = (("2026-03-03", "2026-03-20", 100), ("2026-04-10", "2026-05-05", 100))


def test_who_came_and_went_within_a_month_shows_both_or_neither() -> None:
    account = stays(*TWO_STAYS)
    assert kinds(account, OURS) == [
        "2026-03-03 new",
        "2026-03-20 churn",
        "2026-04-10 reactivation",
        "2026-05-05 churn",
    ]
    assert kinds(account, PROFITWELL) == ["2026-04-10 new", "2026-05-05 churn"]


def test_neither_leaves_no_trace_in_days_and_months_nor_in_the_ledger() -> None:
    spine = stays(*TWO_STAYS).spine("2026-05-31", policy=PROFITWELL)
    assert spine.marts["mrr_by_day"].select(pl.col("date").min()).collect().item() == date(2026, 4, 10)
    assert spine.marts["mrr_changes"].collect()["subscription_item_id"].unique().to_list() == ["si_1"]
    assert counts(spine) == [(1, 0, 0, 1), (0, 1, 0, 0)]


def test_who_is_still_there_has_not_gone() -> None:
    account = stays(("2026-03-03", "2026-03-20", 100))
    assert kinds(account, PROFITWELL, "2026-03-10") == ["2026-03-03 new"]
    assert kinds(account, PROFITWELL, "2026-03-25") == []


def test_a_plan_switched_within_the_month_is_the_same_stay() -> None:
    account = stays(("2026-03-03", "2026-03-20", 100), ("2026-03-20", "2026-04-20", 200))
    assert kinds(account, PROFITWELL) == ["2026-03-03 new", "2026-03-20 expansion", "2026-04-20 churn"]


def test_a_return_of_less_than_a_month_shows_neither_too() -> None:
    account = stays(("2026-01-01", "2026-02-15", 100), ("2026-03-03", "2026-03-20", 100))
    assert kinds(account, PROFITWELL) == ["2026-01-01 new", "2026-02-15 churn"]


def test_each_currency_is_a_stay_of_its_own() -> None:
    account = stays(("2026-01-01", "2026-06-01", 100))
    add(account, stays(("2026-03-03", "2026-03-20", 100), currency="eur"), customer="cus_1")
    rates = [("2026-01-01", "eur", "usd", "1.1")]
    told = movements(account.spine("2026-12-31", rates=rates, policy=PROFITWELL))
    assert [line.split()[0] for line in told] == ["2026-01-01", "2026-06-01"]


# 1,000 a month from January; February is given away; paid again in March; gone with April.


def given_away(*free: int) -> Account:
    account = Account()
    account.price("team", 1000)
    account.coupon("gift", "repeating", percent_off=Decimal(100), duration_in_months=1)
    ended = {"status": "canceled", "ended_at": "2026-04-01", "canceled_at": "2026-04-01"}
    account.subscription("sub_1", "cus_1", "2026-01-01", [("si_1", "team", 1)], **ended)
    for month in (1, 2, 3):
        period = (f"2026-{month:02}-01", f"2026-{month + 1:02}-01")
        account.invoice("sub_1", [("si_1", "team", 1, *period)], discounts=["gift"] if month in free else [])
    return account


def test_what_becomes_free_is_a_churn_or_a_contraction() -> None:
    account = given_away(2)
    assert kinds(account, OURS) == [
        "2026-01-01 new",
        "2026-02-01 churn",
        "2026-03-01 reactivation",
        "2026-04-01 churn",
    ]
    assert kinds(account, CHARTMOGUL) == [
        "2026-01-01 new",
        "2026-02-01 contraction",
        "2026-03-01 expansion",
        "2026-04-01 churn",
    ]


@pytest.mark.parametrize("mart", ["mrr_by_month", "mrr_by_month_reporting"])
def test_who_has_it_for_nothing_is_a_customer_or_is_not(mart: str) -> None:
    account = given_away(2)
    ours, theirs = (account.spine("2026-04-20", policy=policy) for policy in (OURS, CHARTMOGUL))
    assert counts(ours, mart) == [(1, 0, 0, 1), (0, 1, 0, 0), (0, 0, 1, 1), (0, 1, 0, 0)]
    assert counts(theirs, mart) == [(1, 0, 0, 1), (0, 0, 0, 1), (0, 0, 0, 1), (0, 1, 0, 0)]


def test_who_starts_for_nothing_is_a_customer_before_it_pays() -> None:
    """Free in January and February, paid in March: the customer is new in January, its MRR in March."""
    spine = given_away(1, 2).spine("2026-03-20", policy=CHARTMOGUL)
    assert movements(spine) == ["2026-03-01 cus_1 new +1000 usd"]
    assert counts(spine) == [(1, 0, 0, 1), (0, 0, 0, 1), (0, 0, 0, 1)]
    days = spine.marts["mrr_by_day"].collect()
    assert (days["date"].min(), days["customers"].unique().to_list()) == (date(2026, 1, 1), [1])


def test_who_leaves_while_it_costs_nothing_churns_no_mrr() -> None:
    """Paid in January, free in February and March: one contraction; the customer is gone in April."""
    spine = given_away(2, 3).spine("2026-04-20", policy=CHARTMOGUL)
    assert [line.split()[2] for line in movements(spine)] == ["new", "contraction"]
    assert counts(spine)[-1] == (0, 1, 0, 0)


def test_a_free_customer_is_active_in_the_list_of_customers() -> None:
    account = given_away(2)
    account.rows["subscriptions"][0].update(status="active", ended_at=None, canceled_at=None)
    for policy, status in ((OURS, "churned"), (CHARTMOGUL, "active")):
        terms = Terms(instant("2026-02-20"), "UTC", "usd", policy)
        built = marts.build(account.staging(), rate_frame([]), terms, only=["customers"])
        assert built["customers"].collect()["status"].to_list() == [status]


def test_what_comes_back_lowers_net_churn_or_does_not() -> None:
    """March: 100 of 200 are lost. April: nothing is lost, and 100 are back on 100 at the start, or nothing counts."""
    account = stays(("2026-01-01", "2026-03-10", 100), ("2026-04-10", "2026-09-01", 100))
    add(account, stays(("2026-01-01", "2026-09-01", 100)), customer="cus_2")
    assert net_churn(account, OURS) == [(100, 200), (-100, 100)]
    assert net_churn(account, changed(OURS, reactivation_in_net=False)) == [(100, 200), (0, 100)]


def net_churn(account: Account, policy: MetricPolicy) -> list[tuple[Any, Any]]:
    account.rows["accounts"] = [{"account_id": "acct_1", "id": "acct_1", "default_currency": "usd"}]
    terms = Terms(instant("2026-04-30T12:00"), "UTC", "usd", policy)
    built = marts.build(account.staging(), rate_frame([]), terms, only=["metrics_by_month"])
    rows = built["metrics_by_month"].filter(metric="net_mrr_churn_rate").sort("month").collect()
    return rows.select("numerator", "denominator").rows()[2:4]
