"""Plain lives of subscriptions: they start, renew, end. Each story says what was billed; figures are done by hand."""

import pytest

from tests.models.story import Account, ledger, movements


def test_a_monthly_subscription_is_one_start_however_often_it_renews() -> None:
    """1,200 a month from 1 January, renewed on 1 February and 1 March, still running."""
    account = Account()
    account.price("team", 1200)
    account.subscription("sub_1", "cus_1", "2026-01-01", [("si_1", "team", 1)])
    for start, end in (("2026-01-01", "2026-02-01"), ("2026-02-01", "2026-03-01"), ("2026-03-01", "2026-04-01")):
        account.invoice("sub_1", [("si_1", "team", 1, start, end)])
    spine = account.spine("2026-03-15")
    assert ledger(spine) == ["2026-01-01 si_1 0 -> 1200 start"]
    assert movements(spine) == ["2026-01-01 cus_1 new +1200 usd"]


@pytest.mark.parametrize(
    ("amount", "interval", "count", "worth"),
    [
        (120_000, "year", 1, "10000"),  # / 12
        (240_000, "year", 2, "10000"),  # / 24
        (30_000, "month", 3, "10000"),  # / 3
        (10_000, "week", 1, "43333.333333"),  # x 52 / 12
        (3_000, "day", 30, "3041.666667"),  # x 365 / 12 / 30
        (100, "year", 1, "8.333333"),
        (50, "year", 1, "4.166667"),  # 4.1666666… goes up
    ],
)
def test_every_billing_interval_is_a_monthly_worth(amount: int, interval: str, count: int, worth: str) -> None:
    account = Account()
    account.price("plan", amount, interval, count)
    account.subscription("sub_1", "cus_1", "2026-01-01", [("si_1", "plan", 1)])
    account.invoice("sub_1", [("si_1", "plan", 1, "2026-01-01", "2026-02-01")])
    assert ledger(account.spine("2026-01-02")) == [f"2026-01-01 si_1 0 -> {worth} start"]


def test_a_subscription_that_ends_with_its_period_ends_then() -> None:
    """Asked for on 10 January, ended on 1 February: it counts until 1 February."""
    account = Account()
    account.price("team", 1200)
    ended = {"status": "canceled", "canceled_at": "2026-01-10", "ended_at": "2026-02-01"}
    account.subscription("sub_1", "cus_1", "2026-01-01", [("si_1", "team", 2)], **ended)
    account.invoice("sub_1", [("si_1", "team", 2, "2026-01-01", "2026-02-01")])
    spine = account.spine("2026-03-01")
    assert ledger(spine) == ["2026-01-01 si_1 0 -> 2400 start", "2026-02-01 si_1 2400 -> 0 end"]
    assert movements(spine) == ["2026-01-01 cus_1 new +2400 usd", "2026-02-01 cus_1 churn -2400 usd"]
    assert ledger(account.spine("2026-01-31")) == ["2026-01-01 si_1 0 -> 2400 start"]


def test_a_subscription_that_is_canceled_at_once_ends_in_mid_period() -> None:
    account = Account()
    account.price("team", 1200)
    ended = {"status": "canceled", "canceled_at": "2026-01-10T15:00", "ended_at": "2026-01-10T15:00"}
    account.subscription("sub_1", "cus_1", "2026-01-01", [("si_1", "team", 1)], **ended)
    account.invoice("sub_1", [("si_1", "team", 1, "2026-01-01", "2026-02-01")])
    assert ledger(account.spine("2026-03-01"))[-1] == "2026-01-10T15:00 si_1 1200 -> 0 end"


def test_a_yearly_plan_that_is_canceled_at_once_counts_no_longer_though_it_was_paid_for_the_year() -> None:
    """120.00 for 2026, canceled on 10 March: 10.00 a month until then, nothing from then on."""
    account = Account()
    account.price("team", 12_000, "year")
    ended = {"status": "canceled", "canceled_at": "2026-03-10", "ended_at": "2026-03-10"}
    account.subscription("sub_1", "cus_1", "2026-01-01", [("si_1", "team", 1)], **ended)
    account.invoice("sub_1", [("si_1", "team", 1, "2026-01-01", "2027-01-01")])
    spine = account.spine("2026-11-30")
    assert ledger(spine) == ["2026-01-01 si_1 0 -> 1000 start", "2026-03-10 si_1 1000 -> 0 end"]
    closing = spine.marts["mrr_by_month"].collect()["closing_mrr"].to_list()
    assert closing == [1000, 1000] + 9 * [0]  # January, February; March to November


@pytest.mark.parametrize("as_of", ["2026-11-01", "2026-11-10", "2026-11-27T23:59", "2026-11-28T00:30"])
def test_a_customer_who_renews_late_in_the_month_has_not_churned_before_it(as_of: str) -> None:
    """Periods run from the 28th to the 28th; the last one billed ends on 28 November."""
    account = Account()
    account.price("team", 1200)
    account.subscription("sub_1", "cus_1", "2026-09-28", [("si_1", "team", 1)])
    for start, end in (("2026-09-28", "2026-10-28"), ("2026-10-28", "2026-11-28")):
        account.invoice("sub_1", [("si_1", "team", 1, start, end)])
    november = account.spine(as_of).marts["mrr_by_month"].collect().row(-1, named=True)
    assert str(november["month"]) == "2026-11-01"
    assert (november["opening_mrr"], november["churn_mrr"], november["closing_mrr"]) == (1200, 0, 1200)


def test_no_invoice_for_months_is_no_churn_while_stripe_says_the_subscription_is_active() -> None:
    """Billed in January and never again, and still active in June: only the subscription says when it ends."""
    account = Account()
    account.price("team", 1200)
    account.subscription("sub_1", "cus_1", "2026-01-01", [("si_1", "team", 1)])
    account.invoice("sub_1", [("si_1", "team", 1, "2026-01-01", "2026-02-01")])
    assert ledger(account.spine("2026-06-15")) == ["2026-01-01 si_1 0 -> 1200 start"]


def test_past_due_counts_until_the_cancellation() -> None:
    """The February invoice is never paid; the subscription is canceled on 17 February when the last retry failed."""
    account = Account()
    account.price("team", 1200)
    ended = {"status": "canceled", "ended_at": "2026-02-17", "cancellation_reason": "payment_failed"}
    account.subscription("sub_1", "cus_1", "2026-01-01", [("si_1", "team", 1)], **ended)
    account.invoice("sub_1", [("si_1", "team", 1, "2026-01-01", "2026-02-01")])
    account.invoice("sub_1", [("si_1", "team", 1, "2026-02-01", "2026-03-01")], status="open", attempt_count=4)
    assert ledger(account.spine("2026-03-01")) == [
        "2026-01-01 si_1 0 -> 1200 start",
        "2026-02-17 si_1 1200 -> 0 end",
    ]


def test_unpaid_is_worth_nothing_from_the_last_failed_attempt() -> None:
    """Attempts on 1, 4 and 9 February fail; from March on Stripe makes drafts, which bill nothing."""
    account = Account()
    account.price("team", 1200)
    account.subscription("sub_1", "cus_1", "2026-01-01", [("si_1", "team", 1)], status="unpaid")
    account.invoice("sub_1", [("si_1", "team", 1, "2026-01-01", "2026-02-01")])
    failing = account.invoice(
        "sub_1", [("si_1", "team", 1, "2026-02-01", "2026-03-01")], status="open", attempt_count=3
    )
    account.invoice("sub_1", [("si_1", "team", 1, "2026-03-01", "2026-04-01")], status="draft")
    for day in ("2026-02-01T01:00", "2026-02-04T01:00", "2026-02-09T01:00"):
        account.failed_charge(failing, day)
    assert ledger(account.spine("2026-03-20"))[1:] == ["2026-02-09T01:00 si_1 1200 -> 0 unpaid"]


def test_a_customer_who_comes_back_is_reactivated_and_never_new_again() -> None:
    account = Account()
    account.price("team", 1200)
    account.subscription(
        "sub_1", "cus_1", "2026-01-01", [("si_1", "team", 1)], status="canceled", ended_at="2026-02-01"
    )
    account.invoice("sub_1", [("si_1", "team", 1, "2026-01-01", "2026-02-01")])
    account.subscription("sub_2", "cus_1", "2026-04-10", [("si_2", "team", 2)])
    account.invoice("sub_2", [("si_2", "team", 2, "2026-04-10", "2026-05-10")])
    assert movements(account.spine("2026-04-20")) == [
        "2026-01-01 cus_1 new +1200 usd",
        "2026-02-01 cus_1 churn -1200 usd",
        "2026-04-10 cus_1 reactivation +2400 usd",
    ]


@pytest.mark.parametrize(
    ("returns", "types"),
    [
        ("2026-02-01", ["new", "expansion"]),  # the same day: one movement, 2400 - 1200
        ("2026-02-02", ["new", "contraction", "expansion"]),
        ("2026-02-08", ["new", "contraction", "expansion"]),  # seven days: still no churn
        ("2026-02-09", ["new", "churn", "reactivation"]),
    ],
)
def test_a_plan_switched_by_cancelling_and_starting_anew_is_no_churn_within_a_week(
    returns: str, types: list[str]
) -> None:
    account = Account()
    account.price("team", 1200)
    account.subscription(
        "sub_1", "cus_1", "2026-01-01", [("si_1", "team", 1)], status="canceled", ended_at="2026-02-01"
    )
    account.invoice("sub_1", [("si_1", "team", 1, "2026-01-01", "2026-02-01")])
    account.subscription("sub_2", "cus_1", returns, [("si_2", "team", 2)])
    account.invoice("sub_2", [("si_2", "team", 2, returns, "2026-03-09")])
    assert [line.split()[2] for line in movements(account.spine("2026-02-28"))] == types


def test_losing_one_of_two_subscriptions_is_a_contraction() -> None:
    account = Account()
    account.price("team", 1200)
    account.price("support", 5000)
    account.subscription("sub_1", "cus_1", "2026-01-01", [("si_1", "team", 1)])
    account.invoice("sub_1", [("si_1", "team", 1, "2026-01-01", "2026-02-01")])
    account.invoice("sub_1", [("si_1", "team", 1, "2026-02-01", "2026-03-01")])
    account.subscription(
        "sub_2", "cus_1", "2026-01-05", [("si_2", "support", 1)], status="canceled", ended_at="2026-02-05"
    )
    account.invoice("sub_2", [("si_2", "support", 1, "2026-01-05", "2026-02-05")])
    assert movements(account.spine("2026-02-20")) == [
        "2026-01-01 cus_1 new +1200 usd",
        "2026-01-05 cus_1 expansion +5000 usd",
        "2026-02-05 cus_1 contraction -5000 usd",
    ]


def test_three_days_between_two_invoices_are_no_gap() -> None:
    account = Account()
    account.price("team", 3000)
    account.subscription("sub_1", "cus_1", "2026-01-01", [("si_1", "team", 1)])
    account.invoice("sub_1", [("si_1", "team", 1, "2026-01-01", "2026-02-01")])
    account.invoice("sub_1", [("si_1", "team", 1, "2026-02-04", "2026-03-04")])
    assert ledger(account.spine("2026-02-20")) == ["2026-01-01 si_1 0 -> 3000 start"]


def test_a_backdated_subscription_counts_from_the_date_it_was_given() -> None:
    """Made on 20 January, billed from 1 January; on 10 January nobody knew of it."""
    account = Account()
    account.price("team", 1200)
    account.subscription("sub_1", "cus_1", "2026-01-01", [("si_1", "team", 1)], created_at="2026-01-20")
    account.invoice("sub_1", [("si_1", "team", 1, "2026-01-01", "2026-02-01")], created_at="2026-01-20")
    assert ledger(account.spine("2026-01-25")) == ["2026-01-01 si_1 0 -> 1200 start"]
    assert ledger(account.spine("2026-01-10")) == []


def test_a_first_payment_that_never_came_was_never_a_customer() -> None:
    account = Account()
    account.price("team", 1200)
    account.subscription("sub_1", "cus_1", "2026-01-01", [("si_1", "team", 1)], status="incomplete_expired")
    account.invoice("sub_1", [("si_1", "team", 1, "2026-01-01", "2026-02-01")], status="void", attempt_count=1)
    spine = account.spine("2026-01-25")
    assert ledger(spine) == []
    assert spine.items.collect()["reason"].to_list() == ["incomplete"]


def test_an_unpaid_subscription_that_ends_later_ended_when_it_became_unpaid() -> None:
    """Unpaid since 9 February, which the draft of March still tells after the contract ended on 1 May."""
    account = Account()
    account.price("team", 1200)
    account.subscription(
        "sub_1", "cus_1", "2026-01-01", [("si_1", "team", 1)], status="canceled", ended_at="2026-05-01"
    )
    account.invoice("sub_1", [("si_1", "team", 1, "2026-01-01", "2026-02-01")])
    failing = account.invoice("sub_1", [("si_1", "team", 1, "2026-02-01", "2026-03-01")], status="open")
    account.invoice("sub_1", [("si_1", "team", 1, "2026-03-01", "2026-04-01")], status="draft")
    account.failed_charge(failing, "2026-02-09")
    assert ledger(account.spine("2026-05-20"))[1:] == ["2026-02-09 si_1 1200 -> 0 unpaid"]


def test_a_subscription_that_lacks_its_customer_is_left_out_and_told() -> None:
    account = Account()
    account.price("team", 1200)
    account.subscription("sub_1", "cus_1", "2026-01-01", [("si_1", "team", 1)])
    account.rows["subscriptions"][0]["customer_id"] = None
    account.invoice("sub_1", [("si_1", "team", 1, "2026-01-01", "2026-02-01")])
    spine = account.spine("2026-01-20")
    assert ledger(spine) == []
    assert spine.findings.collect()["check_name"].to_list() == ["subscriptions_are_whole"]


def test_a_price_that_we_do_not_hold_counts_nothing_and_is_told() -> None:
    account = Account()
    account.subscription("sub_1", "cus_1", "2026-01-01", [("si_1", "gone", 1)])
    account.invoice("sub_1", [("si_1", "gone", 1, "2026-01-01", "2026-02-01")])
    spine = account.spine("2026-01-20")
    assert ledger(spine) == []
    assert spine.findings.collect()["check_name"].to_list() == ["prices_say_their_amount"]
    assert spine.marts["mrr_exclusions"].collect()["reason"].to_list() == ["unknown_amount"]


def test_a_price_that_the_buyer_names_is_worth_what_was_billed() -> None:
    account = Account()
    account.price("tip", None)
    account.subscription("sub_1", "cus_1", "2026-01-01", [("si_1", "tip", 1)])
    account.invoice("sub_1", [("si_1", "tip", 1, "2026-01-01", "2026-02-01")])
    account.rows["invoice_lines"][0]["amount"] = 700
    assert ledger(account.spine("2026-01-20")) == ["2026-01-01 si_1 0 -> 700 start"]
