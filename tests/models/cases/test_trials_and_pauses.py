"""Times that are not paid for: trials, pauses and what follows them."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from tests.models.story import Account, ledger, movements


def trial(until: str = "2026-01-15", **now: Any) -> Account:
    """1,200 a month after a free fortnight from 1 January."""
    account = Account()
    account.price("team", 1200)
    trialed = {"trial_start_at": "2026-01-01", "trial_end_at": until}
    account.subscription("sub_1", "cus_1", "2026-01-01", [("si_1", "team", 1)], **{**trialed, **now})
    account.invoice("sub_1", [("si_1", "team", 1, "2026-01-01", "2026-01-15")])
    return account


def test_a_trial_counts_from_its_end() -> None:
    account = trial()
    account.invoice("sub_1", [("si_1", "team", 1, "2026-01-15", "2026-02-15")])
    assert ledger(account.spine("2026-01-20")) == ["2026-01-15 si_1 0 -> 1200 start"]
    assert movements(account.spine("2026-01-20")) == ["2026-01-15 cus_1 new +1200 usd"]


def test_an_open_trial_counts_nothing_and_says_what_it_would_be_worth() -> None:
    spine = trial(status="trialing").spine("2026-01-10")
    assert ledger(spine) == []
    row = spine.marts["mrr_exclusions"].collect().row(0, named=True)
    assert (row["reason"], row["list_mrr"]) == ("trialing", 1200)


@pytest.mark.parametrize(
    "now",
    [
        {"status": "canceled", "ended_at": "2026-01-09"},
        {"status": "canceled", "ended_at": "2026-01-15"},
        {"status": "paused", "paused_at": "2026-01-15", "paused_type": "trial_end_without_payment_method"},
    ],
)
def test_a_trial_that_is_not_taken_up_never_counts(now: dict[str, str]) -> None:
    assert ledger(trial(**now).spine("2026-03-01")) == []


def test_a_trial_given_later_in_life_is_a_hole() -> None:
    """Paid in January, a free fortnight in February, paid again: the hole of 14 days is longer than the grace."""
    account = Account()
    account.price("team", 1200)
    trialed = {"trial_start_at": "2026-02-01", "trial_end_at": "2026-02-15"}
    account.subscription("sub_1", "cus_1", "2026-01-01", [("si_1", "team", 1)], **trialed)
    for start, end in (("2026-01-01", "2026-02-01"), ("2026-02-01", "2026-02-15"), ("2026-02-15", "2026-03-15")):
        account.invoice("sub_1", [("si_1", "team", 1, start, end)])
    assert [line.split()[:5] for line in ledger(account.spine("2026-03-01"))] == [
        ["2026-01-01", "si_1", "0", "->", "1200"],
        ["2026-02-01", "si_1", "1200", "->", "0"],
        ["2026-02-15", "si_1", "0", "->", "1200"],
    ]


def paused_in_february(billed: str, reason: str | None = None, **now: Any) -> Account:
    account = Account()
    account.price("team", 1200)
    account.subscription("sub_1", "cus_1", "2026-01-01", [("si_1", "team", 1)], **now)
    account.invoice("sub_1", [("si_1", "team", 1, "2026-01-01", "2026-02-01")])
    account.invoice(
        "sub_1", [("si_1", "team", 1, "2026-02-01", "2026-03-01")], status=billed, uncollectible_reason=reason
    )
    return account


@pytest.mark.parametrize(("status", "reason"), [("void", None), ("uncollectible", "subscription_paused")])
def test_a_month_of_paused_collection_is_a_pause_and_a_resumption(status: str, reason: str | None) -> None:
    account = paused_in_february(status, reason)
    account.invoice("sub_1", [("si_1", "team", 1, "2026-03-01", "2026-04-01")])
    spine = account.spine("2026-03-10")
    assert ledger(spine)[1:] == ["2026-02-01 si_1 1200 -> 0 pause", "2026-03-01 si_1 0 -> 1200 resume"]
    assert [line.split()[2] for line in movements(spine)] == ["new", "churn", "reactivation"]


def trialed_twice(*, first_line_to: str = "2026-02-15") -> Account:
    """Free from 1 January to 15 February, then 1,000 a month, free again from 15 April: Stripe holds the last trial."""
    account = Account()
    account.price("team", 1000)
    again = {"trial_start_at": "2026-04-15", "trial_end_at": "2026-05-15"}
    account.subscription("sub_1", "cus_1", "2026-01-01", [("si_1", "team", 1)], **again)
    periods = [
        ("01-01", first_line_to[5:], 0),
        ("02-15", "03-15", 1000),
        ("03-15", "04-15", 1000),
        ("04-15", "05-15", 0),
    ]
    for start, end, amount in periods:
        account.invoice("sub_1", [("si_1", "team", 1, f"2026-{start}", f"2026-{end}")])
        account.rows["invoice_lines"][-1]["amount"] = amount
    return account


@pytest.mark.parametrize("first_line_to", ["2026-02-15", "2026-03-01"])
def test_a_trial_before_the_one_that_stripe_holds_is_told_by_its_line_of_nothing(first_line_to: str) -> None:
    """The second line is of a trial that was ended before its time: it is over with the first line that charges."""
    account = trialed_twice(first_line_to=first_line_to)
    assert ledger(account.spine("2026-04-20")) == [
        "2026-02-15 si_1 0 -> 1000 start",
        "2026-04-15 si_1 1000 -> 0 pause",
    ]


def test_the_months_between_two_trials_do_not_change_with_the_second() -> None:
    account = trialed_twice()
    after = ledger(account.spine("2026-04-14"))
    account.rows["subscriptions"][0].update(
        trial_start_at=datetime(2026, 1, 1, tzinfo=UTC), trial_end_at=datetime(2026, 2, 15, tzinfo=UTC)
    )
    account.rows["invoices"].pop()
    account.rows["invoice_lines"].pop()
    assert ledger(account.spine("2026-04-14")) == after == ["2026-02-15 si_1 0 -> 1000 start"]


def test_a_line_of_nothing_beside_one_that_charges_is_no_trial() -> None:
    """The first five seats at 700, all more for nothing: 3,500."""
    account = Account()
    tiers = [
        {"up_to": 5, "unit_amount_decimal": Decimal(700), "flat_amount_decimal": None},
        {"up_to": None, "unit_amount_decimal": Decimal(0), "flat_amount_decimal": None},
    ]
    account.price("seat", None, tiers=tiers, tiers_mode="graduated")
    account.subscription("sub_1", "cus_1", "2026-01-01", [("si_1", "seat", 12)])
    account.invoice("sub_1", [("si_1", "seat", seats, "2026-01-01", "2026-02-01") for seats in (5, 7)])
    account.rows["invoice_lines"][0]["amount"], account.rows["invoice_lines"][1]["amount"] = 3500, 0
    assert ledger(account.spine("2026-01-20")) == ["2026-01-01 si_1 0 -> 3500 start"]


def test_while_collection_is_paused_nothing_counts() -> None:
    spine = paused_in_february("void", pause_collection_behavior="void").spine("2026-02-10")
    assert ledger(spine)[1:] == ["2026-02-01 si_1 1200 -> 0 pause"]
    assert spine.marts["mrr_exclusions"].collect()["reason"].to_list() == ["paused"]


def test_collection_that_is_waived_now_counts_nothing_though_its_invoices_do_not_say_why() -> None:
    """Billed in January, waived from February on; the subscription says so, the reason is newer than the invoices. One
    given up by hand before a month that was billed is no pause."""
    account = paused_in_february("uncollectible", pause_collection_behavior="mark_uncollectible")
    assert ledger(account.spine("2026-02-20"))[1:] == ["2026-02-01 si_1 1200 -> 0 pause"]
    account.invoice("sub_1", [("si_1", "team", 1, "2026-03-01", "2026-04-01")])
    account.invoice("sub_1", [("si_1", "team", 1, "2026-04-01", "2026-05-01")], status="uncollectible")
    assert ledger(account.spine("2026-04-20"))[1:] == ["2026-04-01 si_1 1200 -> 0 pause"]


def test_collection_kept_as_drafts_goes_on_counting() -> None:
    account = paused_in_february("draft", pause_collection_behavior="keep_as_draft")
    assert ledger(account.spine("2026-02-20")) == ["2026-01-01 si_1 0 -> 1200 start"]


def test_an_invoice_given_up_for_another_reason_counts_while_the_subscription_runs() -> None:
    assert ledger(paused_in_february("uncollectible").spine("2026-02-20")) == ["2026-01-01 si_1 0 -> 1200 start"]


def test_a_subscription_paused_by_request_stops_then_and_resumes_with_its_next_line() -> None:
    account = Account()
    account.price("team", 1200)
    account.subscription("sub_1", "cus_1", "2026-01-01", [("si_1", "team", 1)], status="paused", paused_at="2026-02-01")
    account.invoice("sub_1", [("si_1", "team", 1, "2026-01-01", "2026-02-01")])
    assert ledger(account.spine("2026-02-20"))[1:] == ["2026-02-01 si_1 1200 -> 0 pause"]
    account.rows["subscriptions"][0].update(status="active", paused_at=None)
    account.invoice("sub_1", [("si_1", "team", 1, "2026-02-25", "2026-03-25")])
    assert ledger(account.spine("2026-03-01"))[1:] == [
        "2026-02-01 si_1 1200 -> 0 pause",
        "2026-02-25 si_1 0 -> 1200 resume",
    ]


def test_the_hour_before_a_renewal_invoice_is_final_is_no_gap() -> None:
    account = Account()
    account.price("team", 1200)
    account.subscription("sub_1", "cus_1", "2026-01-01", [("si_1", "team", 1)])
    account.invoice("sub_1", [("si_1", "team", 1, "2026-01-01", "2026-02-01")])
    assert len(ledger(account.spine("2026-02-01T00:10"))) == 1
    account.invoice("sub_1", [("si_1", "team", 1, "2026-02-01", "2026-03-01")], status="draft")
    assert len(ledger(account.spine("2026-02-01T00:30"))) == 1
    ended = {"status": "canceled", "ended_at": datetime(2026, 2, 1, 0, 40, tzinfo=UTC)}
    account.rows["subscriptions"][0].update(ended)
    assert ledger(account.spine("2026-02-02"))[1:] == ["2026-02-01T00:40 si_1 1200 -> 0 end"]


def test_a_cancellation_while_invoices_are_kept_as_drafts_counts_until_then() -> None:
    account = paused_in_february(
        "draft", pause_collection_behavior="keep_as_draft", status="canceled", ended_at="2026-02-20"
    )
    assert ledger(account.spine("2026-03-20"))[1:] == ["2026-02-20 si_1 1200 -> 0 end"]
