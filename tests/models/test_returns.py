"""Losses and their return: net churn gives back what it took, and only what it did not take stays out of it."""

from typing import Any

from models.policy import PRESETS
from tests.models.monthly import company, metrics, monthly


def test_who_pays_at_last_gives_back_what_net_churn_had_taken() -> None:
    """By the rules of baremetrics, of 1,000 + 1,000: c owes the invoice of 1 February, is out 30 days later, on
    3 March, and pays in April. March: 1,000 of 2,000 lost. April: −1,000 of 1,000. Nothing was paused."""
    account = company()
    account.subscription("s", "c", "2026-01-01", [("i", "usd-m", 1)])
    account.invoice("s", [("i", "usd-m", 1, "2026-01-01", "2026-02-01")], paid_at="2026-01-01")
    for month in (2, 3, 4):
        line = ("i", "usd-m", 1, f"2026-{month:02}-01", f"2026-{month + 1:02}-01")
        account.failed_charge(account.invoice("s", [line], paid_at="2026-04-20"), f"2026-{month:02}-01")
    account.invoice("s", [("i", "usd-m", 1, "2026-05-01", "2026-06-01")], paid_at="2026-05-01")
    found = metrics(account, "2026-05-20", PRESETS["baremetrics"])
    assert found["net_mrr_churn_rate", "2026-03"] == (1000, 2000)
    assert found["net_mrr_churn_rate", "2026-04"] == (-1000, 1000)
    assert found["paused_mrr", "2026-03"] == found["resumed_mrr", "2026-04"] == (0, None)


def test_a_request_taken_back_within_the_month_is_no_net_churn_where_requests_are_churn() -> None:
    """By the rules of stripe: asked for on 10 March, −1,000, and taken back on 25 March, +1,000: 0 of 2,000."""
    account = company()
    monthly(account, "s", "c")
    facts = {"customer_id": "c", "currency": "usd", "status": "active", "seen_at": "2026-01-02"}
    facts["created_at"] = "2026-01-01"
    account.version("s", "2026-01-02", [("i_s", "usd-m", 1)], **facts)
    account.version("s", "2026-03-10", [("i_s", "usd-m", 1)], canceled_at="2026-03-10", cancel_at="2026-04-01", **facts)
    account.version("s", "2026-03-25", [("i_s", "usd-m", 1)], **facts)
    found = metrics(account, "2026-05-20", PRESETS["stripe"])
    assert found["gross_mrr_churn_rate", "2026-03"] == (1000, 2000)
    assert found["net_mrr_churn_rate", "2026-03"] == (0, 2000)
    assert found["resumed_mrr", "2026-03"] == (0, None)


def test_a_pause_that_ends_is_neither_lost_nor_won() -> None:
    """Collection is waived in March and goes on in April: 1,000 paused, 1,000 resumed, net churn 0 of 2,000 and of
    1,000."""
    account = company()
    account.subscription("s", "c", "2026-01-01", [("i", "usd-m", 1)])
    for month in range(1, 6):
        waived: dict[str, Any] = {"status": "void", "voided_at": "2026-03-01"} if month == 3 else {}
        account.invoice("s", [("i", "usd-m", 1, f"2026-{month:02}-01", f"2026-{month + 1:02}-01")], **waived)
    found = metrics(account, "2026-05-20")
    assert found["paused_mrr", "2026-03"] == found["resumed_mrr", "2026-04"] == (1000, None)
    assert found["net_mrr_churn_rate", "2026-03"] == (0, 2000)
    assert found["net_mrr_churn_rate", "2026-04"] == (0, 1000)
