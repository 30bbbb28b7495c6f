"""Disputes: what has become of them, and dispute activity a card network."""

from datetime import date

import polars as pl
import pytest

from models import disputes
from models.contracts import staging
from models.refunds import sales_by_month
from tests.models.rows import TERMS, at, charge, daily_rates, only, rows


def dispute(name: str, of: str, moment: str, status: str, **more: object) -> dict[str, object]:
    return {
        "id": name,
        "charge_id": of,
        "created_at": at(moment),
        "amount": 100,
        "currency": "usd",
        "reason": "fraudulent",
        "status": status,
        **more,
    }


def rates_of(charges: list[dict[str, object]], given: list[dict[str, object]]) -> pl.LazyFrame:
    sales = rows(staging.Charges, *charges)
    mart = disputes.disputes(rows(staging.Disputes, *given), sales, daily_rates(), TERMS)
    return disputes.dispute_rates_by_month(mart, sales_by_month(sales, daily_rates(), TERMS), TERMS)


def test_activity_counts_disputes_received_whenever_the_payment_was_made() -> None:
    """1000 payments and 10 disputes received, 3 of them on those payments: activity is 10/1000, not 3/1000.
    https://docs.stripe.com/disputes/measuring"""
    march = [charge(f"ch_{n}", "2026-03-10", 100) for n in range(1_000)]
    february = [charge(f"ch_old_{n}", "2026-02-10", 100) for n in range(7)]
    given = [dispute(f"dp_{n}", f"ch_{n}", "2026-03-20", "needs_response") for n in range(3)]
    given += [dispute(f"dp_old_{n}", f"ch_old_{n}", "2026-03-20", "lost") for n in range(7)]
    row = only(rates_of([*march, *february], given), month=date(2026, 3, 1))
    assert (row["charges"], row["disputes"], row["dispute_rate"]) == (1_000, 10, 0.01)
    assert (row["won"], row["lost"], row["win_rate"]) == (0, 7, 0.0)


@pytest.mark.parametrize(
    ("status", "outcome", "counts"),
    [
        ("won", "won", True),
        ("lost", "lost", True),
        ("needs_response", "open", True),
        ("under_review", "open", True),
        ("appeal_under_review", "open", True),
        ("a_status_of_tomorrow", "open", True),
        ("warning_needs_response", "inquiry", False),
        ("warning_closed", "inquiry", False),
        ("prevented", "prevented", False),
    ],
)
def test_inquiries_and_prevented_disputes_do_not_count_in_activity(status: str, outcome: str, counts: bool) -> None:
    sales = [charge("ch_1", "2026-03-10", 100)]
    given = [dispute("dp_1", "ch_1", "2026-03-20", status)]
    mart = disputes.disputes(rows(staging.Disputes, *given), rows(staging.Charges, *sales), daily_rates(), TERMS)
    assert only(mart)["outcome"] == outcome
    assert only(rates_of(sales, given))["disputes"] == int(counts)


def test_each_network_has_its_own_rate_and_bank_debits_have_none() -> None:
    sales = [
        charge("ch_1", "2026-03-10", 100),
        charge("ch_2", "2026-03-10", 100, card_network="mastercard"),
        charge("ch_3", "2026-03-10", 100, card_network=None, payment_method_type="sepa_debit"),
    ]
    given = [dispute("dp_2", "ch_2", "2026-03-20", "lost"), dispute("dp_3", "ch_3", "2026-03-20", "lost")]
    found = rates_of(sales, given).collect()
    assert found.select("network", "charges", "disputes").rows() == [("mastercard", 1, 1), ("visa", 1, 0)]
    assert found["win_rate"].to_list() == [0.0, None]
