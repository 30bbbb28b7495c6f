"""When a subscription counts, by one policy and by another: trials, pauses, dunning, cancellations, first payments."""

from typing import Any

import pytest

from models.policy import PRESETS, MetricPolicy, changed
from tests.models.story import Account, ledger, movements

OURS = PRESETS["default"]
STRIPE, CHARTMOGUL, BAREMETRICS, PROFITWELL, MAXIO = (
    PRESETS[name] for name in ("stripe", "chartmogul", "baremetrics", "profitwell", "maxio")
)
MONTHS = ("2026-01-01", "2026-02-01", "2026-03-01", "2026-04-01", "2026-05-01", "2026-06-01", "2026-07-01")
STARTED = "2026-01-01 si_1 0 -> 1200 start"


def billed(*bills: dict[str, Any], **now: Any) -> Account:
    """1,200 a month from 1 January 2026, with an invoice for each month: paid at once, but for what is said of it."""
    account = Account()
    account.price("team", 1200)
    account.subscription("sub_1", "cus_1", "2026-01-01", [("si_1", "team", 1)], **now)
    for bill, start, end in zip(bills, MONTHS, MONTHS[1:], strict=False):
        told = {"status": "paid", "paid_at": start, "total": 1200, "attempt_count": 1, **bill}
        account.invoice("sub_1", [("si_1", "team", 1, start, end)], **told)
    return account


def told(account: Account, as_of: str, policy: MetricPolicy) -> list[str]:
    return ledger(account.spine(as_of, policy=policy))


# Asked for on 10 February, for the end of the period on 1 March.

ASKED = {"canceled_at": "2026-02-10", "cancel_at": "2026-03-01", "cancel_at_period_end": True}
ENDED = {**ASKED, "status": "canceled", "ended_at": "2026-03-01"}


def test_a_cancellation_counts_to_its_end_or_to_the_request() -> None:
    account = billed({}, {}, **ENDED)
    assert told(account, "2026-03-20", OURS) == [STARTED, "2026-03-01 si_1 1200 -> 0 end"]
    assert told(account, "2026-03-20", STRIPE) == [STARTED, "2026-02-10 si_1 1200 -> 0 end"]
    assert movements(account.spine("2026-03-20", policy=STRIPE))[1] == "2026-02-10 cus_1 churn -1200 usd"


def test_one_that_is_scheduled_is_out_of_mrr_by_the_request_and_says_so() -> None:
    account = billed({}, {}, **ASKED)
    assert told(account, "2026-02-20", OURS) == [STARTED]
    spine = account.spine("2026-02-20", policy=STRIPE)
    assert ledger(spine) == [STARTED, "2026-02-10 si_1 1200 -> 0 end"]
    assert spine.marts["mrr_exclusions"].collect()["reason"].to_list() == ["cancel_requested"]


def test_one_that_was_taken_back_is_a_churn_and_a_reactivation_where_versions_tell_of_it() -> None:
    account = billed({}, {}, {})
    account.version("sub_1", "2026-02-10", [("si_1", "team", 1)], **ASKED)
    account.version("sub_1", "2026-02-14", [("si_1", "team", 1)], **ASKED)
    account.version("sub_1", "2026-02-20", [("si_1", "team", 1)])
    assert told(account, "2026-03-20", OURS) == [STARTED]
    assert told(account, "2026-03-20", STRIPE) == [
        STARTED,
        "2026-02-10 si_1 1200 -> 0 end",
        "2026-02-20 si_1 0 -> 1200 resume",
    ]
    assert [line.split()[2] for line in movements(account.spine("2026-03-20", policy=STRIPE))] == [
        "new",
        "churn",
        "reactivation",
    ]
    assert told(account, "2026-02-16", STRIPE)[1:] == ["2026-02-10 si_1 1200 -> 0 end"]


def test_one_that_was_taken_back_and_asked_for_again_is_out_of_mrr_twice() -> None:
    again = {"canceled_at": "2026-03-15", "cancel_at": "2026-04-01", "cancel_at_period_end": True}
    account = billed({}, {}, {}, **again, status="canceled", ended_at="2026-04-01")
    account.version("sub_1", "2026-02-10", [("si_1", "team", 1)], **ASKED)
    account.version("sub_1", "2026-02-20", [("si_1", "team", 1)])
    account.version("sub_1", "2026-03-15", [("si_1", "team", 1)], **again)
    assert [line.split()[0] for line in told(account, "2026-04-20", STRIPE)] == [
        "2026-01-01",
        "2026-02-10",
        "2026-02-20",
        "2026-03-15",
    ]
    assert [line.split()[0] for line in told(account, "2026-04-20", OURS)] == ["2026-01-01", "2026-04-01"]


def test_an_end_that_was_agreed_at_the_start_is_a_contract_and_no_request() -> None:
    contract = {"canceled_at": "2026-01-01", "cancel_at": "2026-04-01"}
    account = billed({}, {}, {}, **contract)
    assert told(account, "2026-03-20", STRIPE) == [STARTED]
    account = billed({}, {}, {}, **contract, status="canceled", ended_at="2026-04-01")
    assert told(account, "2026-04-20", STRIPE) == [STARTED, "2026-04-01 si_1 1200 -> 0 end"]


# The payment of 1 February fails and comes in on 20 March, with that of 1 March.


def late() -> Account:
    late = {"paid_at": "2026-03-20", "attempt_count": 3}
    account = billed({}, late, late, {})
    for invoice, day in (("in_2", "2026-02-01"), ("in_2", "2026-02-04"), ("in_3", "2026-03-01")):
        account.failed_charge(invoice, day)
    return account


def test_past_due_counts_always_for_thirty_days_or_never() -> None:
    """1 February + 30 days = 3 March."""
    account = late()
    assert told(account, "2026-04-20", OURS) == [STARTED]
    assert told(account, "2026-04-20", BAREMETRICS) == [
        STARTED,
        "2026-03-03 si_1 1200 -> 0 unpaid",
        "2026-03-20 si_1 0 -> 1200 resume",
    ]
    assert told(account, "2026-04-20", MAXIO) == [
        STARTED,
        "2026-02-01 si_1 1200 -> 0 unpaid",
        "2026-03-20 si_1 0 -> 1200 resume",
    ]


def test_a_later_invoice_that_is_paid_ends_it_though_the_older_one_is_open() -> None:
    """Stripe looks at the latest invoice: that of March is paid on 1 March."""
    account = billed({}, {"status": "open", "paid_at": None}, {})
    account.failed_charge("in_2", "2026-02-01")
    assert told(account, "2026-03-20", MAXIO)[1:] == [
        "2026-02-01 si_1 1200 -> 0 unpaid",
        "2026-03-01 si_1 0 -> 1200 resume",
    ]


def test_a_sent_invoice_is_past_due_from_its_due_date() -> None:
    """Due on 15 February, + 30 days = 17 March, paid on the 25th."""
    sent = {"collection_method": "send_invoice", "due_at": "2026-02-15", "paid_at": "2026-03-25"}
    account = billed({}, sent)
    account.rows["invoices"][0]["collection_method"] = "send_invoice"
    assert told(account, "2026-03-30", BAREMETRICS)[1:3] == [
        "2026-03-17 si_1 1200 -> 0 unpaid",
        "2026-03-25 si_1 0 -> 1200 resume",
    ]
    assert told(account, "2026-03-30", OURS) == [STARTED]


def test_an_attempt_without_a_charge_is_known_by_its_count() -> None:
    """No payment method: nothing was charged, the invoice was finalised and tried on 1 February."""
    account = billed({}, {"status": "open", "paid_at": None}, status="past_due")
    assert told(account, "2026-02-20", MAXIO)[1:] == ["2026-02-01 si_1 1200 -> 0 unpaid"]
    assert account.spine("2026-02-20", policy=MAXIO).marts["mrr_exclusions"].collect()["reason"].to_list() == [
        "past_due"
    ]


def test_where_no_invoice_tells_of_it_versions_do() -> None:
    account = billed({}, {}, status="past_due")
    for day, status in (("2026-01-01", "active"), ("2026-02-03", "past_due"), ("2026-02-05", "past_due")):
        account.version("sub_1", day, [("si_1", "team", 1)], status=status)
    assert told(account, "2026-02-20", MAXIO)[1:] == ["2026-02-03 si_1 1200 -> 0 unpaid"]


def test_a_first_payment_that_fails_is_no_past_due() -> None:
    account = billed({"billing_reason": "subscription_create", "paid_at": "2026-01-01T20:00"})
    account.failed_charge("in_1", "2026-01-01")
    assert told(account, "2026-01-20", MAXIO) == [STARTED]


def unpaid(**now: Any) -> Account:
    """Tried on 1, 4 and 10 February in vain; the invoices of March and April stay drafts."""
    drafts = {"status": "draft", "paid_at": None, "attempt_count": 0}
    account = billed({}, {"status": "open", "paid_at": None, "attempt_count": 3}, drafts, drafts, **now)
    for day in ("2026-02-01", "2026-02-04", "2026-02-10"):
        account.failed_charge("in_2", day)
    return account


def test_unpaid_falls_with_the_last_attempt_after_thirty_days_or_not_at_all() -> None:
    account = unpaid(status="unpaid")
    assert told(account, "2026-04-20", OURS)[1:] == ["2026-02-10 si_1 1200 -> 0 unpaid"]
    assert told(account, "2026-04-20", BAREMETRICS)[1:] == ["2026-03-03 si_1 1200 -> 0 unpaid"]
    assert told(account, "2026-04-20", CHARTMOGUL) == [STARTED]


def test_one_that_counts_while_unpaid_ends_when_it_is_canceled() -> None:
    account = unpaid(status="canceled", ended_at="2026-04-12")
    assert told(account, "2026-04-20", OURS)[1:] == ["2026-02-10 si_1 1200 -> 0 unpaid"]
    assert told(account, "2026-04-20", CHARTMOGUL)[1:] == ["2026-04-12 si_1 1200 -> 0 end"]


# A fortnight for nothing, then 1,200 a month.

COUNTING = changed(OURS, trials_count=True)


def trial(*bills: tuple[str, str], **now: Any) -> Account:
    account = Account()
    account.price("team", 1200)
    trialed = {"trial_start_at": "2026-01-01", "trial_end_at": "2026-01-15"}
    account.subscription("sub_1", "cus_1", "2026-01-01", [("si_1", "team", 1)], **trialed, **now)
    for start, end in (("2026-01-01", "2026-01-15"), *bills):
        account.invoice("sub_1", [("si_1", "team", 1, start, end)])
    return account


def test_a_trial_counts_from_its_end_or_from_its_start() -> None:
    account = trial(("2026-01-15", "2026-02-15"))
    assert told(account, "2026-02-01", OURS) == ["2026-01-15 si_1 0 -> 1200 start"]
    assert told(account, "2026-02-01", COUNTING) == [STARTED]


def test_one_that_is_running_counts_too() -> None:
    account = trial(status="trialing")
    assert told(account, "2026-01-10", OURS) == []
    assert told(account, "2026-01-10", COUNTING) == [STARTED]


def test_one_that_is_not_taken_up_is_a_churn_where_it_counted() -> None:
    account = trial(status="canceled", ended_at="2026-01-09", canceled_at="2026-01-09")
    assert told(account, "2026-02-01", OURS) == []
    assert told(account, "2026-02-01", COUNTING) == [STARTED, "2026-01-09 si_1 1200 -> 0 end"]


def paused_in_february(how: dict[str, Any], *later: dict[str, Any], **now: Any) -> Account:
    return billed({}, {"paid_at": None, "attempt_count": 0, **how}, *later, **now)


@pytest.mark.parametrize(
    "how", [{"status": "void"}, {"status": "uncollectible", "uncollectible_reason": "subscription_paused"}]
)
def test_collection_that_is_waived_is_a_pause_or_goes_on_counting(how: dict[str, Any]) -> None:
    account = paused_in_february(how, {})
    assert told(account, "2026-03-10", OURS)[1:] == [
        "2026-02-01 si_1 1200 -> 0 pause",
        "2026-03-01 si_1 0 -> 1200 resume",
    ]
    for policy in (CHARTMOGUL, MAXIO):
        assert told(account, "2026-03-10", policy) == [STARTED]


@pytest.mark.parametrize("behavior", ["void", "mark_uncollectible"])
def test_while_collection_is_waived_it_counts_or_not(behavior: str) -> None:
    how = {"status": "void"} if behavior == "void" else {"status": "uncollectible"}
    why = {} if behavior == "void" else {"uncollectible_reason": "subscription_paused"}
    account = paused_in_february({**how, **why}, pause_collection_behavior=behavior)
    assert told(account, "2026-02-10", OURS)[1:] == ["2026-02-01 si_1 1200 -> 0 pause"]
    assert told(account, "2026-02-10", MAXIO) == [STARTED]


def test_collection_that_is_postponed_counts_or_is_a_pause() -> None:
    """Kept as a draft from 1 February on."""
    account = paused_in_february({"status": "draft"}, pause_collection_behavior="keep_as_draft")
    assert told(account, "2026-02-20", OURS) == [STARTED]
    assert told(account, "2026-02-20", PROFITWELL)[1:] == ["2026-02-01 si_1 1200 -> 0 pause"]


def test_a_draft_left_behind_tells_of_a_pause_that_is_over() -> None:
    account = paused_in_february({"status": "draft"}, {})
    assert told(account, "2026-03-10", OURS) == [STARTED]
    assert told(account, "2026-03-10", PROFITWELL)[1:] == [
        "2026-02-01 si_1 1200 -> 0 pause",
        "2026-03-01 si_1 0 -> 1200 resume",
    ]


def test_the_hour_before_a_renewal_is_final_is_no_pause() -> None:
    account = paused_in_february({"status": "draft"})
    assert told(account, "2026-02-01T00:40", PROFITWELL) == [STARTED]


def test_the_status_paused_stops_or_goes_on_counting() -> None:
    """Paused on 1 February on request, billed again from 20 April on, paused again since 20 May."""
    account = billed({}, status="paused", paused_at="2026-05-20", paused_type="pause_requested")
    account.invoice("sub_1", [("si_1", "team", 1, "2026-04-20", "2026-05-20")])
    assert told(account, "2026-06-10", OURS)[1:] == [
        "2026-02-01 si_1 1200 -> 0 pause",
        "2026-04-20 si_1 0 -> 1200 resume",
        "2026-05-20 si_1 1200 -> 0 pause",
    ]
    assert told(account, "2026-06-10", MAXIO) == [STARTED]


def test_one_that_counted_while_paused_ends_when_it_is_canceled() -> None:
    account = billed({}, status="canceled", ended_at="2026-04-12")
    assert told(account, "2026-06-10", OURS)[1:] == ["2026-02-01 si_1 1200 -> 0 end"]
    assert told(account, "2026-06-10", MAXIO)[1:] == ["2026-04-12 si_1 1200 -> 0 end"]


@pytest.mark.parametrize(
    ("why", "counts"),
    [("trial_end_without_payment_method", False), ("first_payment_failure", False), ("system", True)],
)
def test_no_rule_counts_a_pause_of_one_who_never_paid(why: str, counts: bool) -> None:
    account = billed({}, status="paused", paused_at="2026-02-01", paused_type=why)
    assert (told(account, "2026-02-10", MAXIO) == [STARTED]) == counts


def test_a_pause_after_the_final_payment_failed_is_as_good_as_unpaid() -> None:
    account = billed({}, status="paused", paused_at="2026-02-01", paused_type="final_payment_failure")
    assert told(account, "2026-02-10", MAXIO)[1:] == ["2026-02-01 si_1 1200 -> 0 pause"]
    assert told(account, "2026-02-10", CHARTMOGUL) == [STARTED]


def test_a_trial_that_paused_for_want_of_a_card_counts_from_its_first_bill() -> None:
    account = Account()
    account.price("team", 1200)
    trialed = {"trial_start_at": "2026-01-01", "trial_end_at": "2026-01-15"}
    account.subscription("sub_1", "cus_1", "2026-01-01", [("si_1", "team", 1)], **trialed)
    for start, end in (("2026-01-01", "2026-01-15"), ("2026-03-10", "2026-04-10")):
        account.invoice("sub_1", [("si_1", "team", 1, start, end)])
    assert told(account, "2026-03-20", MAXIO) == ["2026-03-10 si_1 0 -> 1200 start"]


BY_PAYMENT = changed(OURS, active_from="first_payment")


def test_it_counts_from_its_start_or_from_its_first_payment() -> None:
    """Billed on 1 January, paid by transfer on the 20th."""
    account = billed({"paid_at": "2026-01-20"}, {})
    assert told(account, "2026-02-10", OURS) == [STARTED]
    assert told(account, "2026-02-10", BY_PAYMENT) == ["2026-01-20 si_1 0 -> 1200 start"]


def test_one_that_nobody_paid_does_not_count_and_says_so() -> None:
    account = billed({"status": "open", "paid_at": None})
    assert told(account, "2026-01-20", OURS) == [STARTED]
    spine = account.spine("2026-01-20", policy=BY_PAYMENT)
    assert ledger(spine) == []
    assert spine.marts["mrr_exclusions"].collect()["reason"].to_list() == ["awaiting_payment"]


def test_an_invoice_of_nothing_is_no_payment() -> None:
    account = billed({"total": 0}, {"paid_at": "2026-02-03"})
    assert told(account, "2026-02-10", BY_PAYMENT) == ["2026-02-03 si_1 0 -> 1200 start"]


def test_absences_that_overlap_are_one() -> None:
    """Past due from 1 February to 20 March; a cancellation asked for on 10 March, for 1 April."""
    late = {"paid_at": "2026-03-20", "attempt_count": 3}
    asked = {"canceled_at": "2026-03-10", "cancel_at": "2026-04-01"}
    account = billed({}, late, late, **asked, status="canceled", ended_at="2026-04-01")
    account.failed_charge("in_2", "2026-02-01")
    account.failed_charge("in_3", "2026-03-01")
    assert told(account, "2026-04-20", MAXIO)[1:] == ["2026-02-01 si_1 1200 -> 0 unpaid"]


def test_a_trial_given_later_in_life_is_a_pause() -> None:
    account = Account()
    account.price("team", 1200)
    trialed = {"trial_start_at": "2026-02-01", "trial_end_at": "2026-02-15"}
    account.subscription("sub_1", "cus_1", "2026-01-01", [("si_1", "team", 1)], **trialed)
    for start, end in (("2026-01-01", "2026-02-01"), ("2026-02-01", "2026-02-15"), ("2026-02-15", "2026-03-15")):
        account.invoice("sub_1", [("si_1", "team", 1, start, end)])
    assert told(account, "2026-03-01", OURS)[1:] == [
        "2026-02-01 si_1 1200 -> 0 pause",
        "2026-02-15 si_1 0 -> 1200 resume",
    ]
