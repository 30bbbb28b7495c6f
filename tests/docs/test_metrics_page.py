"""docs/metrics.md says what the models do: its example company gives its figures, and it leaves nothing out."""

import re
from collections.abc import Mapping
from dataclasses import fields
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from models.churn import KINDS
from models.marts import names
from models.metrics import METRICS
from models.policy import PRESETS, RULES, MetricPolicy
from pipelines.policies import chosen
from tests.docs.example import built

PAGE = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text()
MARCH = date(2026, 3, 1)


@pytest.fixture(scope="module")
def marts() -> Mapping[str, pl.DataFrame]:
    return built()


@pytest.mark.parametrize(
    "name", [*names(), *(metric.name for metric in METRICS), *(kind for kind, _ in KINDS), *PRESETS]
)
def test_every_table_metric_kind_of_churn_and_preset_is_on_the_page(name: str) -> None:
    assert f"`{name}`" in PAGE


def test_every_rule_of_the_policy_is_on_the_page() -> None:
    missing = [rule.name for rule in fields(MetricPolicy) if rule.name != "name" and f"`{rule.name}`" not in PAGE]
    assert missing == []


def test_the_table_of_rules_says_the_defaults_and_every_value_that_can_be_named() -> None:
    cells = {
        name: row for row in re.findall(r"^\| (`.*)$", PAGE, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)[:2]
    }
    for name, rule in RULES.items():
        named = re.findall(r"one of (.*)$", rule.expected) + re.findall(
            r"some of (.*?)(?:, active among them)?$", rule.expected
        )
        for value in (value for words in named for value in words.split(", ")):
            assert f"`{value}`" in cells[name], (name, value)


def test_the_file_of_rules_on_the_page_is_one(tmp_path: Path) -> None:
    file = tmp_path / "board.yaml"
    file.write_text(PAGE.split("```yaml\n")[1].split("```")[0])
    assert chosen(str(file)).name == "board"


def test_march_gives_the_metrics_of_the_page(marts: Mapping[str, pl.DataFrame]) -> None:
    exact = {
        "mrr": (27950, None),
        "arr": (335400, None),
        "net_new_mrr": (-5250, None),
        "fx_mrr": (-250, None),
        "customers": (4, None),
        "arpa": (Decimal("6987.5"), None),
        "gross_mrr_churn_rate": (8250, 33450),
        "net_mrr_churn_rate": (5250, 33450),
        "customer_churn_rate": (2, 6),
        "net_revenue_retention": (0, 0),
        "net_revenue_retention_1m": (28200, 33450),
        "gross_revenue_retention_1m": (27200, 33450),
        "quick_ratio": (3000, 8250),
        "ltv": (Decimal("38431.25"), None),
        "trial_conversion_rate": (0, 1),
        "refund_volume_rate": (0, 23750),
        "refund_count_rate": (0, 2),
        "dispute_rate": (1, 2),
        "payment_failure_rate": (22000, 27750),
        "recovery_rate": (18000, 22000),
        "gross_volume": (23740, None),
        "fees": (2248, None),
        "net_volume": (7242, None),
    }
    rows = marts["metrics_by_month"].filter(month=MARCH).select("metric", "numerator", "denominator").rows()
    given = {metric: (numerator, denominator) for metric, numerator, denominator in rows if metric in exact}
    assert given == exact


def test_the_months_roll_forward_as_on_the_page(marts: Mapping[str, pl.DataFrame]) -> None:
    columns = ["opening_mrr", "new_mrr", "expansion_mrr", "contraction_mrr", "churn_mrr", "reactivation_mrr"]
    reporting = marts["mrr_by_month_reporting"].filter(month=MARCH)
    assert reporting.select(*columns, "fx_mrr", "closing_mrr", "closing_customers").row(0) == (
        *(33450, 0, 3000, -2000, -6250, 0, -250, 27950),
        4,
    )
    dollars = marts["mrr_by_month"].filter(month=MARCH, currency="usd")
    assert dollars.select(*columns, "closing_mrr", "closing_customers").row(0) == (
        *(27450, 0, 3000, -2000, -6250, 0, 22200),
        3,
    )
    assert marts["mrr_by_month_reporting"]["fx_mrr"].to_list() == [0, 500, -250, 0]


def test_the_rule_of_grace_is_as_on_the_page(marts: Mapping[str, pl.DataFrame]) -> None:
    moves = marts["mrr_movements"].filter(pl.col("customer_id").is_in(["eve", "gil"]), pl.col("moved_on") >= MARCH)
    told = moves.select("customer_id", "moved_on", "movement_type", "mrr_delta").rows()
    assert told == [
        ("eve", date(2026, 3, 15), "contraction", -2000),
        ("eve", date(2026, 3, 18), "expansion", 3000),
        ("gil", date(2026, 3, 8), "churn", -4000),
        ("gil", date(2026, 4, 10), "reactivation", 4000),
    ]


@pytest.mark.parametrize(
    ("table", "where", "expected"),
    [
        (
            "mrr_changes",
            {"changed_on": date(2026, 2, 15), "customer_id": "ada"},
            {"mrr_delta": 6000, "cause": "quantity"},
        ),
        (
            "mrr_by_month_slice",
            {"month": MARCH, "dimension": "product", "value": "small"},
            {"opening_mrr": 2000, "contraction_mrr": -2000, "transfer_out_mrr": 0, "closing_mrr": 0},
        ),
        ("mrr_exclusions", {"customer_id": "hal"}, {"reason": "trialing", "list_mrr": 2000}),
        ("customers", {"customer_id": "ada"}, {"lifetime_revenue_reporting": 30000, "mrr": 18000, "status": "active"}),
        ("subscriptions", {"subscription_id": "sub_eve_2"}, {"mrr": 3000, "status": "active"}),
        (
            "churned_customers",
            {"customer_id": "gil"},
            {"kind": "involuntary_payment", "mrr_lost": 4000, "tenure_days": 66, "returned_on": date(2026, 4, 10)},
        ),
        (
            "churned_customers",
            {"customer_id": "dan"},
            {"kind": "voluntary", "feedback": "too_expensive", "mrr_lost": 2250, "tenure_days": 59},
        ),
        (
            "churned_customers",
            {"preventable_because": "failed_payment"},
            {"customer_id": "gil", "preventable": True},
        ),
        (
            "preventable_churn_by_month",
            {"month": MARCH},
            {
                "churned_customers": 2,
                "preventable_customers": 2,
                "mrr_lost_reporting": 6250,
                "preventable_mrr_lost_reporting": 6250,
            },
        ),
        (
            "committed_mrr",
            {"horizon_months": 1},
            {
                "committed_mrr": 31950,
                "converted_trials": 1,
                "decided_trials": 2,
                "expected_trials_mrr": 1000,
                "committed_with_trials_mrr": 32950,
            },
        ),
        (
            "known_mrr_by_month",
            {"month": date(2026, 4, 1)},
            {"committed_mrr": 31950, "committed_with_trials_mrr": 32950},
        ),
        (
            "mrr_forecast_choice",
            {"full_months": 3},
            {"last_full_month": MARCH, "method": None, "reason": "fewer than 6 full months of MRR"},
        ),
        ("churn_reasons_by_month", {"kind": "voluntary"}, {"customers": 1, "mrr_lost_reporting": 2250}),
        (
            "cohort_retention",
            {"cohort_month": date(2026, 1, 1), "months_since": 2},
            {"cohort_customers": 5, "customers": 3, "cohort_mrr_reporting": 24950, "mrr_reporting": 24700},
        ),
        (
            "survival_by_month",
            {"segment": "all", "tenure_month": 2},
            {"at_risk": 6, "churned": 1, "last_seen": 1, "survival": 1 - 1 / 6},
        ),
        (
            "survival_by_month",
            {"segment": "all", "tenure_month": 3},
            {"at_risk": 4, "churned_involuntary": 1, "survival": 0.625},
        ),
        (
            "customer_ltv",
            {"segment": "all"},
            {"paid_customers": 6, "ltv_reporting": None, "reason": "fewer than 20 customers have paid"},
        ),
        ("ltv_by_method", {"segment": "all", "method": "realised"}, {"ltv_reporting": 5440, "customers": 6}),
        (
            "customer_value_by_age",
            {"cohort_month": date(2026, 1, 1), "months_since": 2},
            {"cohort_customers": 5, "net_cash_reporting": 32641, "net_cash_per_customer_reporting": 6528},
        ),
        (
            "mrr_by_policy",
            {"month": MARCH, "policy": "chartmogul"},
            {"closing_mrr_reporting": 27700, "difference_reporting": -250, "fx_reporting": -250},
        ),
        ("trials", {"customer_id": "eve"}, {"outcome": "converted"}),
        ("trials", {"customer_id": "fay"}, {"outcome": "canceled", "ending": "canceled_in_trial"}),
        ("trials", {"customer_id": "hal"}, {"outcome": "open", "ending": "running"}),
        ("refunds", {"refund_id": "re_1"}, {"amount": 2250, "days_to_refund": 33}),
        (
            "refund_rates_by_month",
            {"month": date(2026, 2, 1), "basis": "charge_month"},
            {"refunds": 1, "charges": 2, "refund_amount": 2250, "charge_amount": 14250},
        ),
        (
            "refund_rates_by_month",
            {"month": MARCH, "basis": "refund_month", "currency": "usd"},
            {"refund_amount": 2250, "charge_amount": 18000},
        ),
        ("disputes", {"dispute_id": "dp_1"}, {"outcome": "lost"}),
        ("dispute_rates_by_month", {"month": MARCH}, {"charges": 2, "disputes": 1, "won": 0, "lost": 1}),
        (
            "dispute_monitoring_by_month",
            {"month": MARCH, "programme": "Visa VAMP, excessive"},
            {"counted": 1, "payments": 2, "level": "ok", "headroom": 1499, "limit_rate": 0.022},
        ),
        ("dispute_monitoring_by_month", {"month": MARCH, "programme": "Stripe's advice"}, {"level": "above"}),
        ("payment_failures", {"invoice_id": "in_ada_3"}, {"outcome": "recovered", "attempts": 2, "days_to_recover": 3}),
        ("payment_failures", {"invoice_id": "in_gil_3"}, {"outcome": "lost", "failed_attempts": 3}),
        (
            "recovery_by_month",
            {"month": MARCH},
            {"recovered_amount_reporting": 18000, "failed_amount_reporting": 22000},
        ),
        (
            "recovery_by_dimension",
            {"month": MARCH, "dimension": "decline_class"},
            {
                "value": "soft",
                "failed_amount_reporting": 22000,
                "recovered_28d_amount_reporting": 18000,
                "is_mature_28d": False,
            },
        ),
        (
            "recovery_by_dimension",
            {"month": MARCH, "dimension": "attempt", "value": "3"},
            {"failed_amount_reporting": 4000, "recovered_amount_reporting": 0},
        ),
        (
            "cash_by_day",
            {"date": date(2026, 3, 10)},
            {"disputes": -12000, "fees": -1500, "net": -13500, "closing_balance": 23269},
        ),
        (
            "balance_reconciliation",
            {"month": MARCH},
            {"opening_balance": 13777, "activity": 7242, "payouts": 0, "closing_balance": 21019, "difference": 0},
        ),
    ],
)
def test_a_table_holds_what_the_page_says_of_it(
    marts: Mapping[str, pl.DataFrame], table: str, where: dict[str, Any], expected: dict[str, Any]
) -> None:
    rows = marts[table].filter(**where)
    assert rows.height == 1
    assert rows.select(list(expected)).row(0, named=True) == expected


def test_a_week_and_thirty_days_are_worth_what_the_page_says() -> None:
    policy = MetricPolicy()
    assert round(float(500 * policy.month_factor("week")), 6) == 2166.666667
    assert round(float(1900 * policy.month_factor("day") / 30), 6) == 1926.388889


def test_links_within_the_page_lead_somewhere() -> None:
    headings = {
        re.sub(r"[^\w\- ]", "", line.lstrip("# ").lower()).replace(" ", "-")
        for line in PAGE.splitlines()
        if line.startswith("#")
    }
    assert set(re.findall(r"\]\(#([^)]+)\)", PAGE)) <= headings
