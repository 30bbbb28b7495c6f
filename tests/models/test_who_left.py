"""Who left: a customer of several currencies, or of something for nothing, as every count of customers has it."""

from datetime import date
from typing import Any

from models.policy import PRESETS
from tests.models.monthly import ASKED, EVEN, company, made, metrics, monthly
from tests.models.story import Account

MARCH = date(2026, 3, 1)
CHURN = ("mrr_by_month_reporting", "churned_customers", "churn_reasons_by_month", "preventable_churn_by_month")


def moving(until: str, start: str) -> Account:
    """c pays 1,000 eur until a day of March, and 1,000 usd from another; d pays 1,000. A euro is a dollar."""
    account = company()
    said = {"currency": "eur", "cancellation_feedback": "too_expensive", **ASKED}
    monthly(account, "s1", "c", price="eur-m", end=until, **said)
    account.subscription("s2", "c", start, [("i2", "usd-m", 1)])
    account.invoice("s2", [("i2", "usd-m", 1, start, f"2026-04-{start[-2:]}")])
    return account


def counted(account: Account) -> dict[str, object]:
    """Customers lost in March, by each table that counts them."""
    found = made(account, "2026-04-05", CHURN, rates=EVEN)
    of_march = {name: frame.filter(month=MARCH) for name, frame in found.items() if "month" in frame.columns}
    return {
        "month": of_march["mrr_by_month_reporting"]["churned_customers"].sum(),
        "left": found["churned_customers"]["left"].sum(),
        "reasons": of_march["churn_reasons_by_month"]["customers"].sum(),
        "preventable": of_march["preventable_churn_by_month"]["churned_customers"].sum(),
        "rate": metrics(account, "2026-04-05", rates=EVEN)["customer_churn_rate", "2026-03"][0],
    }


def test_who_is_back_within_the_days_of_grace_in_another_currency_never_left() -> None:
    """eur until 10 March, usd from 12 March: two days. From 20 March, ten days: one customer of two."""
    assert set(counted(moving("2026-03-10", "2026-03-12")).values()) == {0}
    assert set(counted(moving("2026-03-10", "2026-03-20")).values()) == {1}


def test_who_gives_up_one_of_two_currencies_has_not_left() -> None:
    """1,000 eur and 1,000 usd, and eur ends on 10 March: 1,000 eur were lost, for a reason, but no customer."""
    account = moving("2026-03-10", "2026-03-01")
    assert set(counted(account).values()) == {0}
    reasons = made(account, "2026-04-05", CHURN, rates=EVEN)["churn_reasons_by_month"]
    assert reasons.select("feedback", "customers", "mrr_lost_reporting").rows() == [("too_expensive", 0, 1000)]


def freed(end: str | None = None, months: int = 5) -> Account:
    """c pays 1,000 in January and February, has all for nothing by a coupon from 1 March on, and maybe ends."""
    account = company()
    account.coupon("free", percent_off=100)
    ended: dict[str, Any] = {"status": "canceled", "ended_at": end, "canceled_at": end, **ASKED} if end else {}
    account.subscription("s", "c", "2026-01-01", [("i", "usd-m", 1)], discounts=["free"], **ended)
    for month in range(1, months + 1):
        line = ("i", "usd-m", 1, f"2026-{month:02}-01", f"2026-{month + 1:02}-01")
        account.invoice("s", [line], discounts=["free"] if month >= 3 else [])
    return account


def test_where_the_free_are_customers_one_who_leaves_is_lost() -> None:
    """By the rules of chartmogul, of two at the start of May one leaves on the first: 1 of 2, in survival as well. It
    lived from 1 January to 1 May: 120 days."""
    account = freed("2026-05-01", months=4)
    found = made(account, "2026-05-20", ["mrr_by_month_reporting", "survival_by_month"], PRESETS["chartmogul"])
    assert found["mrr_by_month_reporting"].filter(month=date(2026, 5, 1))["churned_customers"].item() == 1
    assert metrics(account, "2026-05-20", PRESETS["chartmogul"])["customer_churn_rate", "2026-05"] == (1, 2)
    left = found["survival_by_month"].filter(segment="all").filter(churned=1)
    assert left.select("tenure_month", "at_risk", "churned").rows() == [(4, 2, 1)]


def test_where_the_free_are_customers_to_become_free_is_not_to_leave() -> None:
    """The same, but c stays: nobody of two was lost. By the default c is lost in March."""
    found = made(freed(), "2026-05-20", ["survival_by_month"], PRESETS["chartmogul"])["survival_by_month"]
    assert found.filter(segment="all")["churned"].sum() == 0
    by_default = made(freed(), "2026-05-20", ["survival_by_month"])["survival_by_month"]
    assert by_default.filter(segment="all")["churned"].sum() == 1
