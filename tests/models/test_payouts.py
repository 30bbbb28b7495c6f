"""Payouts and what they carried: worked by hand."""

from datetime import UTC, date, datetime
from typing import Any

import polars as pl

from models import payouts
from models.contracts import marts, staging
from models.terms import Terms
from tests.models.rows import TERMS, at, rows


def payout(name: str, amount: int, **more: Any) -> dict[str, Any]:
    return {
        "id": name,
        "created_at": at("2026-06-04"),
        "arrival_at": at("2026-06-05"),
        "amount": amount,
        "currency": "usd",
        "status": "paid",
        "method": "standard",
        "automatic": True,
        "reconciliation_status": "completed",
        **more,
    }


def carried(of: str, name: str, amount: int, category: str, fee: int = 0, **more: Any) -> dict[str, Any]:
    return {
        "id": f"{of}/{name}",
        "payout_id": of,
        "balance_transaction_id": name,
        "amount": amount,
        "fee": fee,
        "net": amount - fee,
        "currency": "usd",
        "reporting_category": category,
        **more,
    }


OWN = carried("po_1", "txn_own", -15_825, "payout", source_id="po_1")
"""The transaction by which the payout left: listed among what it carried, and no part of it."""
CARRIED = (
    carried("po_1", "txn_1", 10_000, "charge", fee=320),
    carried("po_1", "txn_2", 20_000, "charge", fee=610),
    carried("po_1", "txn_3", -2_500, "refund"),
    carried("po_1", "txn_4", -10_000, "dispute", fee=1_500),
    carried("po_1", "txn_5", -245, "fee"),
    carried("po_1", "txn_6", 1_000, "payout_reversal", source_id="po_0"),
    OWN,
)


def reconciled(
    made: tuple[dict[str, Any], ...], transactions: tuple[dict[str, Any], ...], terms: Terms = TERMS
) -> list[dict[str, Any]]:
    sums = payouts.carried(rows(staging.PayoutTransactions, *transactions), terms)
    of_payouts = payouts.payouts_made(rows(staging.Payouts, *made), terms)
    found = payouts.payout_reconciliation(of_payouts, sums, terms).collect()
    return marts.PayoutReconciliation.validate(found).to_dicts()


def test_a_payout_is_itemised_by_what_it_carried() -> None:
    # charges 10,000 + 20,000 = 30,000; refunds -2,500; disputes -10,000; what came back 1,000
    # fees -(320 + 610 + 1,500) - 245 = -2,675
    # 30,000 - 2,500 - 10,000 - 2,675 + 1,000 = 15,825
    (row,) = reconciled((payout("po_1", 15_825),), CARRIED)
    told = ("transactions", "charges", "refunds", "disputes", "fees", "adjustments", "returned", "carried")
    assert [row[name] for name in told] == [6, 30_000, -2_500, -10_000, -2_675, 0, 1_000, 15_825]
    assert (row["difference"], row["outcome"]) == (0, "reconciled")


def test_a_transaction_that_is_missing_shows_as_the_difference() -> None:
    (row,) = reconciled((payout("po_1", 15_825),), CARRIED[1:])
    assert (row["difference"], row["outcome"]) == (9_680, "differs")  # 10,000 - 320 is not there


def test_what_stripe_does_not_itemise_is_told_and_no_difference() -> None:
    made = (
        payout("po_hand", 500, automatic=False, reconciliation_status="not_applicable"),
        payout("po_late", 500, reconciliation_status="in_progress"),
        payout("po_new", 500),
    )
    found = {row["payout_id"]: (row["difference"], row["outcome"]) for row in reconciled(made, ())}
    assert found == {"po_hand": (None, "not_itemised"), "po_late": (None, "settling"), "po_new": (None, "not_read")}


def test_money_that_stripe_takes_from_the_bank_is_a_payout_below_zero() -> None:
    (row,) = reconciled((payout("po_2", -700),), (carried("po_2", "txn_7", -700, "refund"),))
    assert (row["refunds"], row["difference"], row["outcome"]) == (-700, 0, "reconciled")


def test_the_day_of_arrival_is_the_one_that_stripe_states_in_every_zone() -> None:
    # Stripe states 5 June as midnight UTC, when it is still 4 June in New York
    in_new_york = Terms(TERMS.as_of, "America/New_York", TERMS.currency)
    stated = payout("po_1", 500, arrival_at=datetime(2026, 6, 5, tzinfo=UTC), created_at=at("2026-06-04T02:00"))
    (row,) = reconciled((stated,), (), in_new_york)
    assert (row["created_on"], row["arrives_on"]) == (date(2026, 6, 3), date(2026, 6, 5))


def test_payouts_after_the_as_of_instant_are_left_out() -> None:
    assert reconciled((payout("po_1", 500, created_at=TERMS.as_of.replace(year=TERMS.as_of.year + 1)),), ()) == []


def test_sums_of_parts_of_the_transactions_add_up_to_those_of_all() -> None:
    parts = [payouts.carried(rows(staging.PayoutTransactions, *some), TERMS) for some in (CARRIED[:3], CARRIED[3:])]
    of_payouts = payouts.payouts_made(rows(staging.Payouts, payout("po_1", 15_825)), TERMS)
    found = payouts.payout_reconciliation(of_payouts, pl.concat(parts), TERMS).collect().to_dicts()
    assert found == reconciled((payout("po_1", 15_825),), CARRIED)
