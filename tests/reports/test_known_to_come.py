"""Preventable churn, who is known to leave and committed MRR, on tables whose figures are known."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from dashboards.page import Table, charts_of, tables_of
from dashboards.values import shown
from reports import churn, mrr
from reports.marts import Marts
from reports.terms import Terms
from tests.reports.company import marts

OCT = date(2026, 10, 1)


def table(name: str, page_of: Any, tables: Marts) -> Table:
    return next(one for one in tables_of(page_of(tables, Terms(tables.publication))) if one.name == name)


def lines(found: Table) -> list[tuple[str, ...]]:
    return [tuple(shown(cell) for cell in row.cells) for row in found.rows]


def test_committed_mrr_is_printed_so_that_every_column_adds_up() -> None:
    """In cents 1000.4 − 500.4 + 200.4 + 0.3 = 700.7, printed 1000 − 500 + 201 + 0 = 701: of the floors −501, 200 and 0
    the first two have the largest remainders, .6 and .4."""
    row = {
        "horizon_months": 3,
        "until": date(2027, 2, 15),
        "currency": "usd",
        "mrr": Decimal("1000.4"),
        "cancellation_mrr": Decimal("-500.4"),
        "pause_mrr": Decimal(0),
        "resume_mrr": Decimal(0),
        "phase_mrr": Decimal("200.4"),
        "discount_mrr": Decimal("0.3"),
        "start_mrr": Decimal(0),
        "committed_mrr": Decimal("700.7"),
        "trials_mrr": Decimal(300),
        "converted_trials": 2,
        "decided_trials": 3,
        "expected_trials_mrr": Decimal(200),
        "committed_with_trials_mrr": Decimal("900.7"),
    }
    tables = marts({"committed_mrr": [row]})
    found = {row[0]: row[1] for row in lines(table("committed-mrr", mrr.page, tables))}
    assert found["MRR now"] == "10.00"
    assert (found["Scheduled cancellations"], found["Schedule phases"]) == ("−5.00", "2.01")
    assert (found["Coupons that end or begin"], found["Committed MRR"]) == ("–", "7.01")
    assert found["Committed MRR with trials"] == "9.01"
    chart = next(one for one in charts_of(mrr.page(tables, Terms(tables.publication))) if one.name == "committed-mrr")
    assert chart.finding == (
        "By 15 Feb 2027, what is set already takes MRR from 10.00 USD to 7.01 USD (−2.99 USD). Trials could add "
        "3.00 USD; with the 66.7% that converted in the last twelve months, 2.00 USD."
    )


def leaving(name: str, day: date, kind: str, lost: int, leaves: bool = True) -> dict[str, Any]:
    return {
        "subscription_id": name,
        "customer_id": f"cus_{name}",
        "ends_at": datetime(day.year, day.month, day.day, 12, tzinfo=UTC),
        "ends_on": day,
        "kind": kind,
        "mrr_lost": Decimal(lost),
        "currency": "usd",
        "mrr_lost_reporting": Decimal(lost),
        "leaves": leaves,
    }


def test_who_is_known_to_leave_is_listed_and_summed_by_month_without_a_gap() -> None:
    tables = marts(
        {
            "scheduled_churn": [
                leaving("b", date(2027, 2, 3), "contract_end", 5_000, leaves=False),
                leaving("a", date(2026, 12, 3), "voluntary", 2_000),
                leaving("c", date(2026, 12, 9), "paused", 700),
            ]
        }
    )
    page = churn.page(tables, Terms(tables.publication))
    assert page.findings[-1] == "2 subscriptions are known to end, with 70.00 USD of MRR."
    assert lines(table("scheduled-churn-by-month", churn.page, tables)) == [
        ("Dec 2026", "20.00", "–", "7.00", "2"),
        ("Jan 2027", "–", "–", "–", "–"),
        ("Feb 2027", "–", "50.00", "–", "1"),
    ]
    assert [row[0] for row in lines(table("scheduled-churn", churn.page, tables))] == ["cus_a", "cus_c", "cus_b"]


def test_what_ends_after_the_months_shown_is_told_apart_from_what_is_drawn() -> None:
    """Twelve months from December: 27.00 is drawn, the 50.00 of February 2028 is not."""
    tables = marts(
        {
            "scheduled_churn": [
                leaving("a", date(2026, 12, 3), "voluntary", 2_000),
                leaving("b", date(2027, 11, 30), "voluntary", 700, leaves=False),
                leaving("c", date(2028, 2, 3), "contract_end", 5_000),
            ]
        }
    )
    page = churn.page(tables, Terms(tables.publication))
    chart = next(one for one in charts_of(page) if one.name == "scheduled-churn")
    assert chart.finding == (
        "27.00 USD in 2 subscriptions, the first in Dec 2026. 50.00 USD in 1 subscription later than is shown. "
        "2 customers will have none left in all."
    )


def test_the_share_of_preventable_churn_stands_beside_what_it_is_of() -> None:
    month = {
        "month": OCT,
        "churned_customers": 4,
        "preventable_customers": 1,
        "mrr_lost_reporting": Decimal(1_000),
        "preventable_mrr_lost_reporting": Decimal(600),
        "is_partial": False,
    }
    tables = marts({"preventable_churn_by_month": [month]})
    row = lines(table("preventable-churn", churn.page, tables))[0]
    assert row == ("Oct 2026", "60.0%", "25.0%", "6.00", "10.00", "1", "4")


def test_a_month_in_which_nobody_left_is_a_gap_in_the_preventable_share() -> None:
    def month(first: date) -> dict[str, Any]:
        lost = {"mrr_lost_reporting": Decimal(1_000), "preventable_mrr_lost_reporting": Decimal(600)}
        return {"month": first, "churned_customers": 4, "preventable_customers": 1, "is_partial": False, **lost}

    tables = marts({"preventable_churn_by_month": [month(date(2026, 8, 1)), month(OCT)]})
    rows = lines(table("preventable-churn", churn.page, tables))
    assert rows[1] == ("Sep 2026", "n/a", "n/a", "–", "–", "–", "–")
    assert len(rows) == 3
