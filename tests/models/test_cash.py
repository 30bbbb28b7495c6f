"""The Stripe balance: what each category does to it, and that a lost transaction is noticed."""

from datetime import date
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import cash
from models.contracts import staging
from models.terms import Terms
from tests.models.rows import TERMS, at, charge, only, rows


def transaction(name: str, moment: str, amount: int, category: str, fee: int = 0, **more: Any) -> dict[str, Any]:
    return {
        "id": name,
        "created_at": at(moment),
        "amount": amount,
        "fee": fee,
        "net": amount - fee,
        "currency": "usd",
        "reporting_category": category,
        **more,
    }


BOOKS = (
    transaction("txn_1", "2026-05-30", 10_000, "charge", fee=320),
    transaction("txn_2", "2026-05-31", -2_500, "refund"),
    transaction("txn_3", "2026-05-31", -10_000, "dispute", fee=1_500),
    transaction("txn_4", "2026-06-02", 10_000, "dispute_reversal"),
    transaction("txn_5", "2026-06-03", -45, "fee"),
    transaction("txn_6", "2026-06-03", 70, "other_adjustment"),
    transaction("txn_7", "2026-06-04", -5_000, "payout"),
)
PAYOUT = {
    "id": "po_1",
    "created_at": at("2026-06-04"),
    "amount": 5_000,
    "currency": "usd",
    "status": "paid",
    "balance_transaction_id": "txn_7",
}
CHARGE = charge("ch_1", "2026-05-30", 10_000, balance_transaction_id="txn_1")
REFUND = {
    "id": "re_1",
    "created_at": at("2026-05-31"),
    "amount": 2_500,
    "currency": "usd",
    "balance_transaction_id": "txn_2",
}


def reconciled(*transactions: dict[str, Any], payouts: tuple[dict[str, Any], ...] = (PAYOUT,)) -> pl.DataFrame:
    beside = cash.beside_the_ledger(
        rows(staging.BalanceTransactions, *transactions),
        rows(staging.Payouts, *payouts),
        rows(staging.Charges, CHARGE),
        rows(staging.Refunds, REFUND),
        TERMS,
    )
    return cash.balance_reconciliation(by_day(*transactions), beside, TERMS).collect()


def by_day(*transactions: dict[str, Any], terms: Terms = TERMS) -> pl.LazyFrame:
    return cash.cash_by_day(cash.moved_by_day(rows(staging.BalanceTransactions, *transactions), terms), terms)


def test_a_day_of_the_balance_adds_up_and_every_day_is_there() -> None:
    """30 May: 10000 charged less 320 fee = 9680. 31 May: -2500 - 10000 - 1500 = -14000, so -4320. 1 June: nothing.
    2 June: +10000 = 5680. 3 June: -45 fee + 70 adjustment = 5705. 4 June: 5000 to the bank = 705."""
    days = by_day(*BOOKS)
    closing = dict(days.select("date", "closing_balance").collect().iter_rows())
    assert [closing[date(2026, 5, day)] for day in (30, 31)] == [9_680, -4_320]
    assert [closing[date(2026, 6, day)] for day in (1, 2, 3, 4, 5)] == [-4_320, 5_680, 5_705, 705, 705]
    assert len(closing) == 33  # 30 May to 1 July
    assert only(days, date=date(2026, 5, 31)) | {"net": -14_000} == {
        "account_id": "acct_1",
        "date": date(2026, 5, 31),
        "currency": "usd",
        "charges": 0,
        "refunds": -2_500,
        "disputes": -10_000,
        "fees": -1_500,
        "adjustments": 0,
        "net": -14_000,
        "payouts": 0,
        "closing_balance": -4_320,
    }


def test_a_day_is_a_day_of_the_reporting_zone() -> None:
    from dataclasses import replace

    late = transaction("txn_1", "2026-06-01 03:30", 100, "charge")
    in_new_york = replace(TERMS, timezone="America/New_York")
    days = by_day(late, terms=in_new_york).collect()
    assert days["date"][0] == date(2026, 5, 31)


def test_sound_books_reconcile_month_by_month() -> None:
    """May: 0 + (9680 - 14000) = -4320. June: -4320 + 10025 - 5000 = 705. July: nothing."""
    months = reconciled(*BOOKS)
    assert months.select("opening_balance", "activity", "payouts", "closing_balance", "difference").rows() == [
        (0, -4_320, 0, -4_320, 0),
        (-4_320, 10_025, -5_000, 705, 0),
        (705, 0, 0, 705, 0),
    ]
    assert months["is_partial"].to_list() == [False, False, True]


@pytest.mark.parametrize(("lost", "difference"), [("txn_1", -10_000), ("txn_2", 2_500), ("txn_7", 5_000)])
def test_a_missing_transaction_of_a_charge_a_refund_or_a_payout_leaves_a_difference(lost: str, difference: int) -> None:
    months = reconciled(*(row for row in BOOKS if row["id"] != lost))
    assert months["difference"].sum() == difference


def test_an_instant_payout_with_its_fee_reconciles_like_an_automatic_one() -> None:
    """No transaction names the payout that it left with: 9,680 less 5,000 sent, less 50 for sending them at once."""
    instant = transaction("txn_7", "2026-06-04", -5_000, "payout", fee=50)
    june = only(reconciled(BOOKS[0], instant, payouts=({**PAYOUT, "automatic": False},)).lazy(), month=date(2026, 6, 1))
    assert (june["opening_balance"], june["activity"], june["payouts"]) == (9_680, -50, -5_000)
    assert (june["closing_balance"], june["difference"]) == (4_630, 0)


def test_a_payout_that_failed_came_back_on_the_day_of_its_own_transaction() -> None:
    back = transaction("txn_8", "2026-07-01", 5_000, "payout_reversal")
    failed = {**PAYOUT, "status": "failed", "failure_balance_transaction_id": "txn_8"}
    months = reconciled(*BOOKS, back, payouts=(failed,))
    assert months["payouts"].to_list() == [0, -5_000, 5_000]
    assert months["difference"].to_list() == [0, 0, 0]


def test_a_payout_that_the_bank_sends_back_on_3_july_is_paid_out_on_1_july() -> None:
    """5,000 of 5,705 were sent on 4 June: 705 are left on 1 July, though the payout says by now that it failed."""
    back = transaction("txn_8", "2026-07-03", 5_000, "payout_reversal")
    failed = {**PAYOUT, "status": "failed", "failure_balance_transaction_id": "txn_8"}
    months = reconciled(*BOOKS, back, payouts=(failed,))
    assert months["payouts"].to_list() == [0, -5_000, 0]
    assert months["difference"].to_list() == [0, 0, 0]


def test_a_category_that_stripe_adds_later_is_an_adjustment() -> None:
    days = by_day(transaction("txn_1", "2026-07-01", 9, "moon_tax"))
    assert only(days)["adjustments"] == 9


@given(
    st.lists(
        st.tuples(
            st.integers(-(10**9), 10**9),
            st.integers(0, 10**6),
            st.sampled_from([*cash.CATEGORY_COLUMNS, "transfer", "topup"]),
            st.integers(1, 28),
            st.sampled_from(["usd", "eur"]),
        ),
        min_size=1,
        max_size=30,
    )
)
def test_whatever_happened_the_closing_balance_is_all_net_so_far(entries: list[tuple[int, int, str, int, str]]) -> None:
    given = [
        transaction(f"txn_{place}", f"2026-06-{day:02}", amount, category, fee, currency=currency)
        for place, (amount, fee, category, day, currency) in enumerate(entries)
    ]
    last = by_day(*given).filter(date=date(2026, 7, 1)).collect()
    net: dict[str, int] = {}
    for row in given:
        net[row["currency"]] = net.get(row["currency"], 0) + row["net"]
    assert dict(last.select("currency", "closing_balance").iter_rows()) == net
