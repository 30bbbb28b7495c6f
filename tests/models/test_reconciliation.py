"""Our MRR by Stripe's rules against someone else's figures: what matches, and which rule makes the difference."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from models.known import Known
from models.policy import PRESETS
from models.reconciliation import GUESSES, reconciled
from models.spine import daily_rates
from models.terms import Terms
from models.worth import catalogue
from tests.models.story import Account, instant, rate_frame

FEB = date(2026, 2, 1)
MICROS = 1_000_000
RATES = [("2026-01-01", "eur", "usd", "1.1")]


def compared(
    account: Account, *theirs: tuple[str, int], currency: str | None = "usd", month: date = FEB, allowed: int = 1
) -> list[tuple[Any, ...]]:
    """customer, theirs, ours, matches, cause and words, as of 20 April, of (customer, minor units) in a month."""
    terms = Terms(instant("2026-04-20"), "UTC", "usd", PRESETS["stripe"])
    known = Known(account.staging(), terms)
    export = pl.DataFrame(
        [(name, currency, month, amount * MICROS) for name, amount in theirs],
        schema={"customer_id": pl.String, "currency": pl.String, "month": pl.Date, "micros": pl.Int64},
        orient="row",
    )
    rows = reconciled(
        export,
        known,
        catalogue(known.staging["prices"], known.staging["coupons"], terms.policy),
        daily_rates(known, ["eur"], rate_frame(RATES), terms).collect().lazy(),
        terms,
        {"usd": allowed * MICROS, "eur": allowed * MICROS},
    )
    return [
        (row["customer_id"], row["theirs_micros"] / MICROS, row["ours_micros"] / MICROS, row["matches"], row["cause"])
        for row in rows.iter_rows(named=True)
    ]


def one(told: Callable[[Account], None] | None = None, price: int = 1200, **now: Any) -> Account:
    """cus_1 at 1,200 a month from 1 January 2026, billed each month to the end of March."""
    account = Account()
    account.price("team", price)
    account.subscription("sub_1", "cus_1", "2026-01-01", [("si_1", "team", 1)], **now)
    for month in (1, 2, 3):
        line = ("si_1", "team", 1, f"2026-{month:02}-01", f"2026-{month + 1:02}-01")
        account.invoice("sub_1", [line], paid_at=line[3], total=price)
    if told is not None:
        told(account)
    return account


def test_what_agrees_to_the_tolerance_matches_and_has_no_cause() -> None:
    assert compared(one(), ("cus_1", 1200)) == [("cus_1", 1200, 1200, True, None)]
    assert compared(one(), ("cus_1", 1201)) == [("cus_1", 1201, 1200, True, None)]
    assert compared(one(), ("cus_1", 1202)) == [("cus_1", 1202, 1200, False, "unexplained")]
    assert compared(one(), ("cus_1", 1202), allowed=2)[0][3]


def test_a_customer_of_one_side_alone_is_told_as_that() -> None:
    account = one()
    assert compared(account, ("cus_1", 1200), ("cus_9", 700)) == [
        ("cus_1", 1200, 1200, True, None),
        ("cus_9", 700, 0, False, "unknown_customer"),
    ]
    assert compared(account, ("cus_1", 0)) == [("cus_1", 0, 1200, False, "missing_there")]
    later = one(status="canceled", ended_at="2026-02-10", canceled_at="2026-02-10")
    assert compared(later, ("cus_1", 1200)) == [("cus_1", 1200, 0, False, "missing_here")]


def test_nothing_on_both_sides_is_no_row() -> None:
    assert compared(one(status="canceled", ended_at="2026-02-10", canceled_at="2026-02-10"), ("cus_1", 0)) == []


def coupon(duration: str) -> Callable[[Account], None]:
    def told(account: Account) -> None:
        account.coupon("half", duration, percent_off=Decimal(50), duration_in_months=3)
        for invoice in account.rows["invoices"]:
            invoice["discounts"] = ["half"]

    return told


def voided(account: Account) -> None:
    account.rows["invoices"][1].update(status="void", attempt_count=0)


def late(account: Account) -> None:
    account.rows["invoices"][1].update(status="open", paid_at=None)
    account.rows["invoices"][2].update(status="open", paid_at=None)
    account.failed_charge("in_2", "2026-02-01")


def unpaid_first(account: Account) -> None:
    account.rows["invoices"][0].update(status="open", paid_at=None)
    for invoice in account.rows["invoices"][1:]:
        invoice.update(paid_at=instant("2026-03-05"))


@pytest.mark.parametrize(
    ("account", "theirs", "cause"),
    [
        (one(canceled_at="2026-02-10", cancel_at="2026-06-01"), 1200, "cancel_timing"),
        (one(coupon("repeating")), 600, "discounts"),
        (one(coupon("once")), 600, "discounts"),
        (one(coupon("forever")), 1200, "discounts"),
        (one(voided), 1200, "pauses"),
        (one(status="paused", paused_at="2026-02-10", paused_type="pause_requested"), 1200, "pauses"),
        (one(late, status="past_due"), 0, "dunning"),
        (one(trial_start_at="2026-01-01", trial_end_at="2026-03-01", status="active"), 1200, "trials"),
        (one(unpaid_first), 0, "other"),
        (one(coupon("repeating"), canceled_at="2026-02-10", cancel_at="2026-06-01"), 600, "several"),
    ],
)
def test_the_rule_by_which_our_figure_becomes_theirs_is_the_cause(account: Account, theirs: int, cause: str) -> None:
    ((_, _, ours, matches, told),) = compared(account, ("cus_1", theirs))
    assert ours != theirs
    assert (matches, told) == (False, cause)


def test_a_change_on_the_edge_of_a_month_is_a_matter_of_days() -> None:
    """It starts on 1 March; the export has it in February."""
    account = Account()
    account.price("team", 1200)
    account.subscription("sub_1", "cus_1", "2026-03-01", [("si_1", "team", 1)])
    account.invoice("sub_1", [("si_1", "team", 1, "2026-03-01", "2026-04-01")])
    assert compared(account, ("cus_1", 1200)) == [("cus_1", 1200, 0, False, "timing")]
    ended = one(status="canceled", ended_at="2026-02-28T18:00", canceled_at="2026-02-28T18:00")
    assert compared(ended, ("cus_1", 1200)) == [("cus_1", 1200, 0, False, "timing")]


def test_each_currency_is_compared_in_itself_or_all_in_the_accounts_own() -> None:
    """1,200 euros are 1,320 dollars at 1.10. Another rate, 1.12, gives 1,344; half as much is no rate."""
    account = one(currency="eur")
    account.rows["prices"][0]["currency"] = "eur"
    assert compared(account, ("cus_1", 1200), currency="eur") == [("cus_1", 1200, 1200, True, None)]
    assert compared(account, ("cus_1", 1320), currency=None) == [("cus_1", 1320, 1320, True, None)]
    assert compared(account, ("cus_1", 1344), currency=None) == [("cus_1", 1344, 1320, False, "fx")]
    assert compared(account, ("cus_1", 660), currency=None) == [("cus_1", 660, 1320, False, "unexplained")]


def test_every_guess_is_a_rule_that_a_policy_can_have_and_differs_from_the_others() -> None:
    assert len({(guess.cause, guess.words) for guess in GUESSES}) == len(GUESSES)
