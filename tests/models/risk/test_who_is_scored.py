"""Who is scored, who is leaving already, and what is known of the next renewal: companies told by hand."""

from datetime import date
from typing import Any

from models.risk.features import BY_NAME, level_of
from tests.models.monthly import ASKED, company, made, monthly, step
from tests.models.rows import ACCOUNT
from tests.models.story import Account, instant

RENEWAL = BY_NAME["renewal"]


def of_c(account: Account, as_of: str, day: str | None = None) -> list[dict[str, Any]]:
    """The snapshots of customer c, of all scoring dates or of one."""
    found = [row for row in step(account, as_of, "snapshots") if row["customer_id"] == "c"]
    return [row for row in found if day is None or row["scored_on"] == date.fromisoformat(day)]


def contract() -> Account:
    """c pays 1,000 a month from 1 January 2026, and is bound to end on 1 January 2027: Stripe dates that as asked for
    when the subscription was created."""
    account = company()
    monthly(account, "s", "c", cancel_at="2027-01-01", canceled_at="2026-01-01", **ASKED)
    return account


def test_a_contract_that_ends_in_seven_months_has_announced_nothing() -> None:
    """20 May to 1 January: 226 days, more than 90."""
    assert {row["leaving"] for row in of_c(contract(), "2026-05-20")} == {False}
    assert made(contract(), "2026-05-20", ["at_risk_accounts"])["at_risk_accounts"].is_empty()


def test_a_contract_has_announced_its_end_90_days_before() -> None:
    """3 October + 90 days = 1 January."""
    announced = [row for row in step(contract(), "2026-10-20", "announced_ends") if row["level"] == 2]
    assert [row["from_at"] for row in announced] == [instant("2026-10-03")]


def scheduled(end: str, **schedule: Any) -> Account:
    """c pays 1,000 a month; since 10 February a schedule says what becomes of it after its last phase."""
    account = company()
    monthly(account, "s", "c", schedule_id="sched")
    named = {"account_id": ACCOUNT, "subscription_id": "s", "customer_id": "c", "created_at": instant("2026-02-10")}
    account.rows["subscription_schedules"].append(
        named | {"id": "sched", "status": "active", "end_behavior": "cancel"} | schedule
    )
    account.rows["subscription_schedule_items"].append(
        {"account_id": ACCOUNT, "id": "sched/0/0", "subscription_schedule_id": "sched", "phase_position": 0}
        | {"position": 0, "start_at": instant("2026-02-01"), "end_at": instant(end), "price_id": "usd-m"}
    )
    return account


def test_whom_a_schedule_ends_soon_is_leaving_as_scheduled_churn_says_too() -> None:
    """1 August − 90 days = 3 May; on 2 May nobody has said anything, on 20 May c is leaving."""
    built = made(scheduled("2026-08-01"), "2026-05-20", ["at_risk_accounts", "scheduled_churn"])
    assert built["scheduled_churn"]["leaves"].to_list() == [True]
    assert built["at_risk_accounts"].select("customer_id", "score_kind").rows() == [("c", "leaving")]
    early = made(scheduled("2026-08-01"), "2026-05-02", ["at_risk_accounts"])["at_risk_accounts"]
    assert early.filter(score_kind="leaving").is_empty()


def test_a_schedule_that_goes_on_afterwards_or_was_let_go_ends_nobody() -> None:
    for schedule in ({"end_behavior": "release"}, {"released_at": instant("2026-04-01"), "status": "released"}):
        rows = step(scheduled("2026-08-01", **schedule), "2026-05-20", "announced_ends")
        assert [row for row in rows if row["level"] == 2] == []


def test_who_ends_at_the_scoring_instant_is_no_customer_at_it() -> None:
    """The last paid day ends on 1 March at midnight: of February's snapshot c is lost within 30 days, March has none;
    whether the end was asked for before or not."""
    announcements: tuple[dict[str, Any], ...] = ({}, {"canceled_at": "2026-02-10", "cancel_at": "2026-03-01"})
    for asked in announcements:
        account = company()
        monthly(account, "s", "c", end="2026-03-01", **ASKED, **asked)
        assert of_c(account, "2026-06-20", "2026-03-01") == []
        assert [row["lost"] > 0 for row in of_c(account, "2026-06-20", "2026-02-01")] == [True]


def switching() -> Account:
    """Billed by the year from 1 January 2025, by the month from 1 January 2026, by the year again from 1 March 2026."""
    account = Account()
    account.price("plan-y", 12_000, "year")
    account.price("plan-m", 1_200)
    account.subscription("s", "c", "2025-01-01", [("i", "plan-y", 1)], billing_cycle_anchor_at="2026-03-01")
    for price, start, end in (
        ("plan-y", "2025-01-01", "2026-01-01"),
        ("plan-m", "2026-01-01", "2026-02-01"),
        ("plan-m", "2026-02-01", "2026-03-01"),
        ("plan-y", "2026-03-01", "2027-03-01"),
    ):
        account.invoice("s", [("i", price, 1, start, end)])
    return account


def renews(as_of: str, scored_on: str) -> int:
    """The level of `renewal`: none, later, in 90 days, in 30 days."""
    return level_of(of_c(switching(), as_of, scored_on)[0]["code"], RENEWAL)


def test_a_renewal_is_not_known_before_the_interval_to_which_one_comes_back() -> None:
    """On 1 February it is billed by the month, as seen then and as seen in May."""
    assert renews("2026-02-01T00:00", "2026-02-01") == renews("2026-05-20", "2026-02-01") == 0


def test_who_comes_back_to_an_interval_renews_by_the_day_it_came_back() -> None:
    """1 March 2027 is 101 days from 20 November 2026, more than 90: later. 1 January would be 42 days away."""
    assert renews("2026-11-20", "2026-11-20") == 1
    holding = [
        row["detail"]
        for row in step(switching(), "2026-11-20", "change_windows")
        if row["feature"] == RENEWAL and row["from_at"] <= instant("2026-11-20") < row["until_at"]
    ]
    assert holding == ["2027-03-01"]


def test_a_pause_moves_no_renewal() -> None:
    """By the year from 1 January 2024; the invoice of 2025 is voided while collection is paused, and 2026 is billed
    again: on 20 November 2026 it renews in 42 days, on 1 January 2027, and in 2025 it renews at no time."""
    account = Account()
    account.price("plan-y", 12_000, "year")
    account.subscription("s", "c", "2024-01-01", [("i", "plan-y", 1)])
    waived: dict[str, Any] = {"status": "void", "voided_at": "2025-01-01"}
    for year, state in ((2024, {}), (2025, waived), (2026, {})):
        account.invoice("s", [("i", "plan-y", 1, f"{year}-01-01", f"{year + 1}-01-01")], **state)
    told = [row for row in step(account, "2026-11-20", "change_windows") if row["feature"] == RENEWAL]
    assert {row["detail"] for row in told} == {"2025-01-01", "2027-01-01"}
