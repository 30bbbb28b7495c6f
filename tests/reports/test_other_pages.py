"""What the other pages say, on tables whose figures are known."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from dashboards.page import Block, Chart, Page, Table, TableBlock, charts_of, tables_of
from dashboards.values import Count, Missing, Shaded, Verdict, shown
from models.metrics import METRICS
from reports import cash, churn, customers, definitions, ltv, refunds_and_disputes, retention, site
from reports.glossary import SHORT
from reports.marts import Marts
from reports.metrics import REASONS
from reports.terms import Terms
from tests.reports.company import company, marts

OCT = date(2026, 10, 1)


def table(page: Page, name: str) -> Table:
    return next(one for one in tables_of(page) if one.name == name)


def blocks(page: Page) -> Sequence[Block]:
    return [block for section in page.sections for block in section.blocks]


def reason(kind: str, feedback: str, count: int, lost: int) -> dict[str, Any]:
    return {
        "month": OCT,
        "kind": kind,
        "reason": "not_given",
        "feedback": feedback,
        "customers": count,
        "mrr_lost_reporting": Decimal(lost),
    }


def rate_row(metric: str, numerator: int, denominator: int, month: date = OCT) -> dict[str, Any]:
    return {
        "month": month,
        "metric": metric,
        "value": numerator / denominator if denominator else None,
        "unit": "rate",
        "numerator": Decimal(numerator),
        "denominator": Decimal(denominator),
        "is_partial": False,
    }


def test_churn_reasons_include_those_who_gave_none_and_leave_pauses_apart() -> None:
    tables = marts(
        {
            "metrics_by_month": [rate_row("customer_churn_rate", 6, 100)],
            "churn_reasons_by_month": [
                reason("voluntary", "too_expensive", 2, 3000),
                reason("voluntary", "not_given", 1, 9000),
                reason("involuntary_payment", "not_given", 3, 1000),
                reason("paused", "not_given", 5, 77777),
            ],
        }
    )
    page = churn.page(tables, Terms(tables.publication))
    by_customers = [(row.cells[0], shown(row.cells[1])) for row in table(page, "churn-reasons-customers").rows]
    assert by_customers == [("Payment failed", "3"), ("Too expensive", "2"), ("Not given", "1")]
    by_mrr = [row.cells[0] for row in table(page, "churn-reasons-mrr").rows]
    assert by_mrr == ["Not given", "Too expensive", "Payment failed"]
    assert page.findings[-2] == "130.00 USD of MRR churned in them, 7.7% of it involuntarily."
    assert page.findings[-1] == "The most frequent reason was “payment failed” (3 of 6 customers); 16.7% gave none."


def test_a_rate_without_a_base_is_not_available_and_says_why() -> None:
    tables = marts({"metrics_by_month": [rate_row("customer_churn_rate", 0, 0)]})
    page = churn.page(tables, Terms(tables.publication))
    cell = table(page, "churn-customer-rate").rows[0].cells[1]
    assert cell == Missing("no customers at the start of the month")


def cohort(month: date, since: int, start: int, kept: int) -> dict[str, Any]:
    return {
        "cohort_month": month,
        "months_since": since,
        "cohort_customers": start,
        "customers": kept,
        "cohort_mrr_reporting": Decimal(start * 1000),
        "mrr_reporting": Decimal(kept * 1500),
    }


def test_the_average_row_of_cohorts_divides_sums_by_sums_over_cohorts_old_enough() -> None:
    big, small = date(2026, 8, 1), date(2026, 9, 1)
    rows = [cohort(big, 0, 90, 90), cohort(big, 1, 90, 45), cohort(big, 2, 90, 9)]
    tables = marts({"cohort_retention": [*rows, cohort(small, 0, 10, 10), cohort(small, 1, 10, 10)]})
    heat = table(retention.page(tables, Terms(tables.publication)), "cohort-customers")
    average = heat.rows[0]
    assert [shown(cell) for cell in average.cells] == ["All cohorts", "100", "100.0%", "55.0%", "10.0%"]


def test_months_that_are_not_over_are_blank_in_the_cohort_table() -> None:
    rows = [cohort(date(2026, 8, 1), 0, 9, 9), cohort(date(2026, 8, 1), 1, 9, 8), cohort(date(2026, 9, 1), 0, 4, 4)]
    tables = marts({"cohort_retention": rows})
    heat = table(retention.page(tables, Terms(tables.publication)), "cohort-customers")
    newest = heat.rows[1]
    assert isinstance(newest.cells[2], Shaded)
    assert newest.cells[3] is None


def test_both_bases_of_the_refund_rate_stand_side_by_side() -> None:
    def row(basis: str, refunds: int, amount: int) -> dict[str, Any]:
        return {
            "month": OCT,
            "basis": basis,
            "currency": "usd",
            "charges": 100,
            "charge_amount": 100000,
            "refunds": refunds,
            "refund_amount": amount,
            "charge_amount_reporting": 100000,
            "refund_amount_reporting": amount,
        }

    tables = marts({"refund_rates_by_month": [row("charge_month", 1, 1000), row("refund_month", 3, 2500)]})
    page = refunds_and_disputes.page(tables, Terms(tables.publication))
    assert [shown(cell) for cell in table(page, "refund-volume-rate").rows[0].cells[1:3]] == ["1.0%", "2.5%"]
    assert [shown(cell) for cell in table(page, "refund-count-rate").rows[0].cells[1:3]] == ["1.0%", "3.0%"]
    assert page.findings[:2] == (
        "25.00 USD was refunded in Oct 2026, whenever it was charged: 2.5% of the month's charges by refund month.",
        "Of what was charged in Oct 2026, 1.0% is refunded so far: by charge month, still ripening.",
    )


def dispute_month(network: str, month: date, charges: int, disputes: int) -> dict[str, Any]:
    return {"month": month, "network": network, "charges": charges, "disputes": disputes, "won": 0, "lost": 0}


def monitored(network: str, programme: str, counted: int, payments: int, **more: Any) -> dict[str, Any]:
    return {
        "month": OCT,
        "network": network,
        "programme": programme,
        "disputes": counted,
        "fraud_reports": 0,
        "counted": counted,
        "payments": payments,
        "payments_month": OCT,
        "limit_rate": 0.015,
        "limit_count": 100,
        "headroom": 0,
        "level": "ok",
        "limit_valid_from": date(2020, 1, 1),
        "source": "https://docs.stripe.com/disputes/monitoring-programs",
        **more,
    }


def test_the_distance_to_each_limit_is_shown_and_what_is_near_is_said() -> None:
    tables = marts(
        {
            "dispute_rates_by_month": [
                dispute_month("visa", OCT, 2000, 20),
                dispute_month("mastercard", OCT, 1000, 120),
            ],
            "dispute_monitoring_by_month": [
                monitored("mastercard", "Mastercard ECM", 120, 1000, level="above"),
                monitored("visa", "Visa VAMP, excessive", 25, 2000, disputes=20, limit_count=1500, headroom=1475),
                monitored("visa", "Stripe's advice", 20, 2000, limit_rate=0.0075, limit_count=0, level="above"),
            ],
        }
    )
    page = refunds_and_disputes.page(tables, Terms(tables.publication))
    found = [[shown(cell) for cell in row.cells] for row in table(page, "dispute-limits").rows]
    assert found == [
        ["Visa VAMP, excessive", "1.2%", "1.5%", "25", "5", "1,500", "2,000", "1,475", "Below"],
        ["Stripe's advice, Visa", "1.0%", "0.75%", "20", "–", "None", "2,000", "–", "Limit reached"],
        ["Mastercard ECM", "12.0%", "1.5%", "120", "–", "100", "1,000", "–", "Limit reached"],
    ]
    assert page.findings[-2:] == (
        "Stripe's advice, Visa: 1.0% against a limit of 0.75%: limit reached.",
        "Mastercard ECM: 12.0% against a limit of 1.5%, 120 against a count of 100: limit reached.",
    )


def test_customers_fall_into_steps_of_one_two_five() -> None:
    worths = [Decimal(900), Decimal(1000), Decimal(4999), Decimal(5000)]
    assert [(int(low), int(high), count) for low, high, count, _ in customers.bins(worths, 2)] == [
        (5, 10, 1),
        (10, 20, 1),
        (20, 50, 1),
        (50, 100, 1),
    ]


def test_no_customer_is_lost_between_two_steps(example: Marts, terms: Terms) -> None:
    histogram = table(customers.page(example, terms), "mrr-distribution")
    paying = [row for row in example.table("customers").to_dicts() if row["mrr_reporting"] > 0]
    assert sum(cell.value for row in histogram.rows if isinstance(cell := row.cells[1], Count)) == len(paying)


def test_a_balance_that_does_not_agree_is_said_and_marked() -> None:
    row = {
        "month": OCT,
        "currency": "usd",
        "opening_balance": 0,
        "activity": 500,
        "payouts": 0,
        "closing_balance": 480,
        "difference": -20,
    }
    page = cash.page(marts({"balance_reconciliation": [row]}), Terms(marts({}).publication))
    assert "The balance does not agree with the payouts in 1 of 1 months and currencies." in page.findings
    assert table(page, "reconciliation").rows[0].cells[-1] == Verdict(passed=False)


def test_failed_checks_come_first_and_are_counted() -> None:
    checks = [
        {"check_name": "a", "table_name": "t", "passed": True, "failing_rows": 0},
        {"check_name": "b", "table_name": "t", "passed": False, "failing_rows": 4, "detail": "four rows"},
    ]
    page = definitions.page(marts({"data_checks": checks}), Terms(marts({}).publication))
    assert page.findings[-1] == "1 of 2 data checks failed."
    assert table(page, "data-checks-list").rows[0].cells[2] == Verdict(passed=False)


@pytest.mark.parametrize("fixture", ["example", "nothing"])
def test_every_chart_and_table_says_unit_definition_and_a_known_term(
    fixture: str, request: pytest.FixtureRequest
) -> None:
    tables: Marts = request.getfixturevalue(fixture)
    names: list[str] = []
    for page in site.pages(tables):
        for block in blocks(page):
            if isinstance(block, Chart | TableBlock):
                assert block.unit
                assert block.definition
                assert block.term in SHORT or (page.name == "definitions" and not block.term)
        names += [one.name for one in tables_of(page)]
        assert all(chart.finding for chart in charts_of(page))
        assert page.findings
    assert len(names) == len(set(names)), "two tables would write one file"


def test_every_published_metric_has_a_definition() -> None:
    assert {metric.name for metric in METRICS} | set(REASONS) <= set(SHORT)


def test_one_of_anything_is_told_in_the_singular() -> None:
    tables = company(customers=1, months=1)
    said = customers.page(tables, Terms(tables.publication)).findings
    said += ltv.page(tables, Terms(tables.publication)).findings
    assert not any("1 customers" in one or "Half of today" in one for one in said)
