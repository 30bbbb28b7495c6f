"""What is set already and has still to come: ends, pauses, phases, coupons, trials; and MRR with all of it done."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from models import marts
from models.policy import MetricPolicy, changed
from models.terms import Terms
from tests.models.rows import only
from tests.models.story import Account, instant, rate_frame

AS_OF = "2026-03-15"
MONTH = ("2026-03-01", "2026-04-01")
NAMES = ("scheduled_changes", "scheduled_churn", "scheduled_churn_by_month", "committed_mrr", "known_mrr_by_month")


def account(coupons: tuple[str, ...] = (), **subscription: Any) -> Account:
    """sub_1 of cus_1: ten seats at 100 from 1 March, billed to 1 April."""
    told = Account()
    told.price("seat", 100)
    told.price("plus", 300)
    told.price("year", 12_000, "year")
    told.coupon("half", percent_off=50)
    told.coupon("three", "repeating", percent_off=25)
    told.subscription("sub_1", "cus_1", MONTH[0], [("si_1", "seat", 10)], **subscription)
    told.rows["subscription_items"][-1]["current_period_end_at"] = instant(MONTH[1])
    told.rows["subscriptions"][-1]["discounts"] = list(coupons)
    told.invoice("sub_1", [("si_1", "seat", 10, *MONTH)], discounts=coupons)
    return told


def ends(told: Account, discount: str, at: str) -> Account:
    row = next(row for row in told.rows["discounts"] if row["id"] == discount)
    row["end_at"] = instant(at)
    return told


def built(told: Account, policy: MetricPolicy | None = None, **rates: str) -> Mapping[str, pl.LazyFrame]:
    days = [(AS_OF, currency, "usd", rate) for currency, rate in rates.items()]
    terms = Terms(instant(AS_OF), "UTC", "usd", policy or MetricPolicy())
    return marts.build(told.staging(), rate_frame(days), terms, NAMES)


def coming(told: Account, policy: MetricPolicy | None = None) -> list[tuple[str, str, int, int]]:
    """When, what, and MRR before and after."""
    rows = built(told, policy)["scheduled_changes"].collect().iter_rows(named=True)
    return [
        (row["effective_at"].date().isoformat(), row["kind"], int(row["mrr_before"]), int(row["mrr_after"]))
        for row in rows
    ]


def test_nothing_is_known_of_a_subscription_that_just_runs() -> None:
    assert coming(account()) == []


@pytest.mark.parametrize(
    ("day", "told"),
    [
        ("2026-04-01", {"cancel_at_period_end": True, "canceled_at": "2026-03-10"}),
        ("2026-04-20", {"cancel_at": "2026-04-20", "canceled_at": "2026-03-10"}),
        ("2026-04-01", {"cancel_at": "2026-04-01", "cancel_at_period_end": True, "canceled_at": "2026-03-10"}),
    ],
)
def test_a_cancellation_takes_the_mrr_when_it_is_set_to(day: str, told: dict[str, Any]) -> None:
    assert coming(account(**told)) == [(day, "cancellation", 1_000, 0)]


def test_a_request_that_counts_already_is_nothing_to_come() -> None:
    """By the rule that MRR goes when a cancellation is asked for, nothing is left to go."""
    told = account(cancel_at_period_end=True, canceled_at="2026-03-10")
    assert coming(told, changed(MetricPolicy(), churn_moment="requested")) == []


@pytest.mark.parametrize(
    ("end", "renewal"), [("2026-03-20", "2026-04-01"), ("2026-04-01", "2026-04-01"), ("2026-06-10", "2026-07-01")]
)
def test_a_coupon_ends_with_the_first_renewal_that_is_billed_without_it(end: str, renewal: str) -> None:
    """1,000 less 25 % is 750."""
    assert coming(ends(account(("three",)), "three", end)) == [(renewal, "discount", 750, 1_000)]


def test_a_coupon_that_was_taken_off_still_holds_for_the_period_billed_and_one_put_on_waits_for_the_next() -> None:
    told = account(("half",))
    told.rows["subscriptions"][-1]["discounts"] = ["three"]
    assert coming(ends(told, "three", "2026-06-01")) == [
        ("2026-04-01", "discount", 500, 750),
        ("2026-06-01", "discount", 750, 1_000),
    ]


def test_a_coupon_that_the_policy_does_not_count_changes_nothing_when_it_ends() -> None:
    told = ends(account(("three",)), "three", "2026-06-01")
    assert coming(told, changed(MetricPolicy(), counted_discounts=["forever"])) == []


def test_a_free_customer_whose_coupon_ends_will_pay() -> None:
    told = account(("three",))
    next(row for row in told.rows["coupons"] if row["id"] == "three")["percent_off"] = 100
    assert coming(ends(told, "three", "2026-05-01")) == [("2026-05-01", "discount", 0, 1_000)]


def test_inclusive_tax_is_left_out_of_what_will_be_paid_as_it_is_now() -> None:
    """Of 1,200 with tax 1,000 are kept; at half price of 600, 500: MRR is 500 ÷ 600 × 500 and will be 833.333333."""
    told = account()
    told.rows["invoices"], told.rows["invoice_lines"] = [], []
    told.invoice("sub_1", [("si_1", "seat", 10, *MONTH)], discounts=["half"], taxed=(600, 100))
    told.rows["subscriptions"][-1]["discounts"] = ["half"]
    row = only(built(ends(told, "half", "2026-04-01"))["scheduled_changes"])
    assert (row["mrr_before"], row["mrr_after"]) == (Decimal("416.666667"), Decimal("833.333334"))


def phase(schedule: str, place: int, start: str, end: str, price: str, quantity: int, **more: Any) -> dict[str, Any]:
    return {
        "account_id": "acct_1",
        "id": f"{schedule}/{place}/0",
        "subscription_schedule_id": schedule,
        "phase_position": place,
        "position": 0,
        "start_at": instant(start),
        "end_at": instant(end),
        "price_id": price,
        "quantity": quantity,
        "currency": "usd",
        **more,
    }


def scheduled(told: Account, *phases: dict[str, Any], **schedule: Any) -> Account:
    row = {"account_id": "acct_1", "id": "sub_sched_1", "status": "active", "end_behavior": "release", **schedule}
    told.rows["subscription_schedules"].append(row)
    told.rows["subscription_schedule_items"] += phases
    return told


PHASES = (
    phase("sub_sched_1", 0, "2026-03-01", "2026-05-01", "seat", 10),
    phase("sub_sched_1", 1, "2026-05-01", "2026-07-01", "plus", 5),
    phase("sub_sched_1", 2, "2026-07-01", "2026-09-01", "plus", 4, phase_coupon_ids=["half"]),
)


def test_phases_of_a_schedule_change_price_quantity_and_coupons_and_may_end_it() -> None:
    """10 × 100, then 5 × 300, then 4 × 300 at half price."""
    steps = [("2026-05-01", "phase", 1_000, 1_500), ("2026-07-01", "phase", 1_500, 600)]
    assert coming(scheduled(account(schedule_id="sub_sched_1"), *PHASES)) == steps
    ending = scheduled(account(schedule_id="sub_sched_1"), *PHASES, end_behavior="cancel")
    assert coming(ending) == [*steps, ("2026-09-01", "cancellation", 600, 0)]


def test_a_phase_without_coupons_of_its_own_keeps_those_of_the_subscription() -> None:
    told = scheduled(account(("half",), schedule_id="sub_sched_1"), *PHASES[:2])
    assert coming(told) == [("2026-05-01", "phase", 500, 750)]


def test_a_schedule_that_has_not_begun_starts_a_subscription() -> None:
    rows = built(
        scheduled(
            account(),
            phase("sub_sched_1", 0, "2026-04-10", "2026-07-10", "plus", 2),
            status="not_started",
            customer_id="cus_2",
        )
    )["scheduled_changes"]
    row = only(rows)
    assert (row["scheduled_id"], row["subscription_id"], row["customer_id"]) == ("sub_sched_1", None, "cus_2")
    assert (row["kind"], row["effective_on"], row["mrr_after"]) == ("start", date(2026, 4, 10), 600)


def test_collection_that_was_paused_stops_with_the_period_and_goes_on_with_a_later_one() -> None:
    told = account(pause_collection_behavior="void", pause_resumes_at="2026-05-20")
    assert coming(told) == [("2026-04-01", "pause", 1_000, 0), ("2026-06-01", "resume", 0, 1_000)]
    assert coming(account(pause_collection_behavior="keep_as_draft", pause_resumes_at="2026-05-20")) == []


def test_what_does_not_count_for_a_reason_of_its_own_is_not_foretold() -> None:
    """An unpaid subscription counts for nothing; that it will be canceled takes nothing away."""
    told = account(cancel_at="2026-04-20", canceled_at="2026-03-10", status="unpaid")
    told.rows["invoices"][-1]["status"] = "open"
    assert coming(told) == []


def test_the_kind_of_churn_is_told_as_far_as_it_is_known() -> None:
    said: dict[str, Any] = {"cancellation_reason": "cancellation_requested", "cancellation_feedback": "unused"}
    told = account(cancel_at_period_end=True, canceled_at="2026-03-10", **said)
    row = only(built(told)["scheduled_churn"])
    assert (row["kind"], row["feedback"], row["ends_on"], row["leaves"]) == (
        "voluntary",
        "unused",
        date(2026, 4, 1),
        True,
    )
    assert (row["mrr_lost"], row["mrr_lost_reporting"], row["asked_at"]) == (1_000, 1_000, instant("2026-03-10"))
    contract = only(built(account(cancel_at="2026-06-01"))["scheduled_churn"])
    assert (contract["kind"], contract["reason"]) == ("contract_end", None)
    paused = only(built(account(pause_collection_behavior="void"))["scheduled_churn"])
    assert (paused["kind"], paused["reason"]) == ("paused", None)


def test_who_asked_while_a_payment_was_failing_is_in_dunning() -> None:
    told = account(cancel_at_period_end=True, canceled_at="2026-03-10", cancellation_reason="cancellation_requested")
    told.rows["invoices"][-1]["status"] = "open"
    told.failed_charge("in_1", "2026-03-02")
    assert only(built(told)["scheduled_churn"])["kind"] == "voluntary_in_dunning"


def test_a_customer_leaves_with_the_last_of_its_subscriptions() -> None:
    told = account(cancel_at="2026-04-20")
    told.subscription("sub_2", "cus_1", MONTH[0], [("si_2", "plus", 1)], cancel_at="2026-05-20")
    told.invoice("sub_2", [("si_2", "plus", 1, *MONTH)])
    churn = built(told)["scheduled_churn"]
    assert only(churn, subscription_id="sub_1")["leaves"] is False
    assert only(churn, subscription_id="sub_2")["leaves"] is True
    by_month = built(told)["scheduled_churn_by_month"]
    may = only(by_month, month=date(2026, 5, 1))
    assert (may["kind"], may["subscriptions"], may["leaving_customers"]) == ("contract_end", 1, 1)
    assert may["mrr_lost_reporting"] == 300


def test_a_pause_and_the_end_of_one_subscription_are_not_the_ends_of_two() -> None:
    """sub_1 pauses in April, goes on in June and ends on 1 September; sub_2 just runs."""
    told = account(cancel_at="2026-09-01", pause_collection_behavior="void", pause_resumes_at="2026-05-20")
    told.subscription("sub_2", "cus_1", MONTH[0], [("si_2", "plus", 1)])
    told.invoice("sub_2", [("si_2", "plus", 1, *MONTH)])
    churn = built(told)["scheduled_churn"].sort("ends_at").collect()
    assert churn.select("subscription_id", "kind", "leaves").rows() == [
        ("sub_1", "paused", False),
        ("sub_1", "contract_end", False),
    ]


def with_trials() -> Account:
    """sub_1 ends on 20 April; its coupon ends on 1 April; sub_2 is in trial at 300 to 20 March; two of three trials of
    the year before converted, and one of the year before that did not."""
    told = ends(account(("half",), cancel_at="2026-04-20"), "half", "2026-04-01")
    trial = {"trial_start_at": "2026-03-06", "trial_end_at": "2026-03-20"}
    told.subscription("sub_2", "cus_2", "2026-03-06", [("si_2", "plus", 1)], status="trialing", **trial)
    for place, (month, was_paid) in enumerate(
        (("2026-01", True), ("2025-06", True), ("2025-05", False), ("2025-02", False))
    ):
        name, start, end = f"sub_old_{place}", f"{month}-01", f"{month}-08"
        told.subscription(
            name, f"cus_old_{place}", start, [], status="canceled", trial_start_at=start, trial_end_at=end,
            canceled_at=f"{month}-20", ended_at=f"{month}-20",
        )  # fmt: skip
        paid_at = f"{month}-09" if was_paid else None
        told._add(
            "invoices",
            id=f"in_old_{place}",
            subscription_id=name,
            status="paid" if was_paid else "void",
            total=100,
            created_at=instant(f"{month}-09"),
            paid_at=instant(paid_at) if paid_at else None,
        )
    return told


def test_committed_mrr_is_mrr_with_everything_done_that_is_set_and_trials_apart() -> None:
    """MRR 500. By 15 April +500 for the coupon: 1,000. By 15 June −1,000 for the end: 0. Trial: 300 × 2 ÷ 3 = 200."""
    committed = built(with_trials())["committed_mrr"]
    one, three = (only(committed, horizon_months=months) for months in (1, 3))
    assert (one["until"], one["mrr"], one["discount_mrr"], one["cancellation_mrr"]) == (date(2026, 4, 15), 500, 500, 0)
    assert (one["committed_mrr"], three["committed_mrr"]) == (1_000, 0)
    assert three["cancellation_mrr"] == -1_000
    assert (one["trials_mrr"], one["converted_trials"], one["decided_trials"]) == (300, 2, 3)
    assert (one["expected_trials_mrr"], one["committed_with_trials_mrr"]) == (200, 1_200)


def test_without_a_trial_that_was_decided_nothing_is_expected_of_trials() -> None:
    told = account()
    trial = {"trial_start_at": "2026-03-06", "trial_end_at": "2026-03-20"}
    told.subscription("sub_2", "cus_2", "2026-03-06", [("si_2", "plus", 1)], status="trialing", **trial)
    row = only(built(told)["committed_mrr"], horizon_months=12)
    assert (row["trials_mrr"], row["expected_trials_mrr"], row["committed_with_trials_mrr"]) == (300, 0, 1_000)


def test_a_trial_that_is_canceled_already_brings_nothing() -> None:
    told = account()
    trial = {"trial_start_at": "2026-03-06", "trial_end_at": "2026-03-20", "cancel_at": "2026-03-20"}
    told.subscription("sub_2", "cus_2", "2026-03-06", [("si_2", "plus", 1)], status="trialing", **trial)
    assert coming(told) == []


def test_other_currencies_are_worth_what_they_are_worth_now() -> None:
    """1,000 eur at 1.10 are 1,100; half of it goes, so 550."""
    told = account(("half",))
    for table in ("subscriptions", "prices"):
        for row in told.rows[table]:
            row["currency"] = "eur"
    told.rows["invoices"][-1]["discounts"] = []
    row = only(built(told, eur="1.10")["scheduled_changes"])
    assert (row["mrr_delta"], row["mrr_delta_reporting"], row["currency"]) == (-500, -550, "eur")


def test_known_mrr_is_committed_mrr_at_the_ends_of_twelve_months() -> None:
    """1,000 until 20 April: still there on 15 April, a month from the as-of day, and gone by the end of April."""
    made = built(account(cancel_at="2026-04-20", canceled_at="2026-03-10"))
    known = made["known_mrr_by_month"].collect()
    assert known.select("month", "until").row(0) == (date(2026, 3, 1), date(2026, 3, 31))
    assert (known.height, known["month"].max()) == (12, date(2027, 2, 1))
    assert known["committed_mrr"].to_list() == [1_000, *[0] * 11]
    assert known["cancellation_mrr"].to_list() == [0, *[-1_000] * 11]
    assert only(made["committed_mrr"], horizon_months=1)["committed_mrr"] == 1_000
