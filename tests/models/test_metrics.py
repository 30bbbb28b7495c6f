"""The metrics: each formula against figures that others printed, and no rate without its base."""

from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from models import metrics
from models.contracts import marts, staging
from models.retention import retained
from models.stock import items_by_month
from tests.models.rows import ACCOUNT, TERMS, at, changes, customer_changes, daily_rates, movements, only, rows

PUBLIC = [
    "mrr",
    "arr",
    "net_new_mrr",
    "customers",
    "arpa",
    "gross_mrr_churn_rate",
    "net_mrr_churn_rate",
    "customer_churn_rate",
    "net_revenue_retention",
    "gross_revenue_retention",
    "quick_ratio",
    "ltv",
    "trial_conversion_rate",
    "refund_volume_rate",
    "refund_count_rate",
    "dispute_rate",
    "payment_failure_rate",
    "recovery_rate",
    "gross_volume",
    "net_volume",
    "fees",
]
MRR_COLUMNS = [
    "opening_mrr",
    "new_mrr",
    "expansion_mrr",
    "contraction_mrr",
    "churn_mrr",
    "reactivation_mrr",
    "fx_mrr",
    "closing_mrr",
    "paused_mrr",
    "resumed_mrr",
    "base_mrr_12",
    "end_mrr_12",
    "kept_mrr_12",
    "base_mrr_1",
    "end_mrr_1",
    "kept_mrr_1",
]
COUNT_COLUMNS = [
    "opening_customers",
    "closing_customers",
    "lost_customers",
    "trailing_lost_customers",
    "trailing_base_customers",
    "trials_started",
    "trials_converted",
    "refunds",
    "refund_charges",
    "disputes",
    "card_charges",
    "refund_amount_reporting",
    "charge_amount_reporting",
    "first_failed_amount_reporting",
    "attempted_amount_reporting",
    "recovered_amount_reporting",
    "failed_amount_reporting",
    "gross_volume",
    "net_volume",
    "fees",
]


def of(metric: str, **inputs: int) -> dict[str, Any]:
    """The metric of a month with these inputs, all others zero."""
    mrr = {name: pl.lit(inputs.get(name, 0)).cast(pl.Decimal(18, 6)) for name in MRR_COLUMNS}
    counts = {name: pl.lit(inputs.get(name, 0)).cast(pl.Int64) for name in COUNT_COLUMNS}
    frame = pl.LazyFrame({"account_id": [ACCOUNT], "month": [date(2026, 6, 1)]}).with_columns(**mrr, **counts)
    return only(metrics.metrics_by_month(frame, TERMS), metric=metric)


@pytest.mark.parametrize(
    ("metric", "inputs", "value"),
    [
        # ChartMogul, MRR churn rate: start 100, churn 10, contraction 10, expansion 10: gross 20 %, net 10 %
        # https://help.chartmogul.com/hc/en-us/articles/203359341
        (
            "gross_mrr_churn_rate",
            {"opening_mrr": 100, "churn_mrr": -10, "contraction_mrr": -10, "expansion_mrr": 10},
            0.2,
        ),
        (
            "net_mrr_churn_rate",
            {"opening_mrr": 100, "churn_mrr": -10, "contraction_mrr": -10, "expansion_mrr": 10},
            0.1,
        ),
        # Stripe, MRR roll-forward: 100 new + 50 expansion - 40 contraction - 60 churn (and -5 FX, apart)
        # https://docs.stripe.com/billing/subscriptions/analytics
        (
            "net_new_mrr",
            {
                "opening_mrr": 1000,
                "new_mrr": 100,
                "expansion_mrr": 50,
                "contraction_mrr": -40,
                "churn_mrr": -60,
                "fx_mrr": -5,
            },
            50,
        ),
        # Stripe's subscriber churn counts new subscribers in the base (100 / 1100); the standard one does not
        ("customer_churn_rate", {"opening_customers": 1000, "lost_customers": 100}, 0.1),
        # Stripe, trial conversion: 15 of 100
        ("trial_conversion_rate", {"trials_started": 100, "trials_converted": 15}, 0.15),
        # ChartMogul, LTV: ARPA 100, churn 5 %: 2000. https://help.chartmogul.com/hc/en-us/articles/203359061
        (
            "ltv",
            {
                "closing_mrr": 2000,
                "closing_customers": 20,
                "trailing_lost_customers": 5,
                "trailing_base_customers": 100,
            },
            2000,
        ),
        # Stripe, LTV: ARPU 500, churn 10/110: 5500 (they print 5,555 after rounding the churn to 9 %)
        (
            "ltv",
            {
                "closing_mrr": 50_000,
                "closing_customers": 100,
                "trailing_lost_customers": 10,
                "trailing_base_customers": 110,
            },
            5500,
        ),
        # Nobody left: a customer is taken to stay 60 months, as Stripe takes it
        ("ltv", {"closing_mrr": 100, "closing_customers": 1, "trailing_base_customers": 9}, 6000),
        ("arr", {"closing_mrr": 1045}, 12_540),
        ("quick_ratio", {"new_mrr": 30, "reactivation_mrr": 10, "churn_mrr": -10, "contraction_mrr": -10}, 2),
        ("net_revenue_retention", {"base_mrr_12": 100, "end_mrr_12": 130, "kept_mrr_12": 90}, 1.3),
        ("gross_revenue_retention", {"base_mrr_12": 100, "end_mrr_12": 130, "kept_mrr_12": 90}, 0.9),
        # Pauses are shown apart: 30 churned, of that 20 paused
        ("gross_mrr_churn_rate", {"opening_mrr": 100, "churn_mrr": -30, "paused_mrr": 20}, 0.1),
        ("recovery_rate", {"failed_amount_reporting": 1000, "recovered_amount_reporting": 620}, 0.62),
    ],
)
def test_a_formula_gives_the_published_figure(metric: str, inputs: dict[str, int], value: float) -> None:
    found = of(metric, **inputs)
    assert found["value"] == pytest.approx(value, abs=1e-12)
    if found["denominator"] is None:
        assert found["numerator"] == Decimal(value)
    else:
        assert found["value"] == float(found["numerator"]) / float(found["denominator"])


@pytest.mark.parametrize("metric", [one.name for one in metrics.METRICS])
def test_nothing_on_nothing_is_null_and_never_nan(metric: str) -> None:
    found = of(metric)
    if found["unit"] in ("rate", "ratio"):
        assert (found["value"], found["denominator"]) == (None, 0)
    else:
        assert found["denominator"] is None
        assert found["value"] in (0, None)


def test_every_metric_of_the_public_list_is_made_once() -> None:
    made = [one.name for one in metrics.METRICS]
    assert len(made) == len(set(made))
    assert set(PUBLIC) <= set(made)


def test_an_average_is_exact_to_a_millionth_of_a_minor_unit() -> None:
    """1000 / 3 = 333.333333"""
    assert of("arpa", closing_mrr=1000, closing_customers=3)["numerator"] == Decimal("333.333333")


STORY = (
    ("a", "2026-03-05", 0, 100),
    ("b", "2026-03-06", 0, 50),
    ("a", "2026-05-10", 100, 0),
    ("c", "2026-05-11", 0, 70),
    ("c", "2026-05-20", 70, 0),
)


def story_inputs(kind: str = "voluntary", *transactions: dict[str, Any]) -> pl.DataFrame:
    """a and b join in March; a leaves in May, and so does c, who joined in May."""
    months = [
        {"month": date(2026, month, 1), "currency": "usd", "closing_customers": customers}
        for month, customers in zip(range(3, 8), (2, 2, 1, 1, 1), strict=True)
    ]
    churned = [
        {
            "customer_id": customer,
            "churned_on": date(2026, 5, day),
            "kind": kind,
            "left": True,
            "mrr_lost_reporting": Decimal(lost),
        }
        for customer, day, lost in (("a", 10, 100), ("c", 20, 70))
    ]
    return metrics.monthly_inputs(
        rows(staging.Accounts, {"id": "acct_1"}),
        rows(marts.MrrByMonthReporting, *months),
        retained(items_by_month(changes(*STORY), TERMS), daily_rates(), TERMS),
        movements(*STORY),
        rows(marts.ChurnedCustomers, *churned),
        customer_changes(movements(*STORY)),
        rows(marts.Trials),
        rows(marts.RefundRatesByMonth),
        rows(marts.DisputeRatesByMonth),
        rows(marts.RecoveryByMonth),
        story_first_attempts(),
        metrics.volume_by_month(rows(staging.BalanceTransactions, *transactions), daily_rates(), TERMS),
        TERMS,
    ).collect()


def test_customer_churn_counts_those_who_were_there_at_the_start() -> None:
    inputs = story_inputs()
    assert inputs["lost_customers"].to_list() == [0, 0, 1, 0, 0]
    assert inputs["opening_customers"].to_list() == [0, 2, 2, 1, 1]


def test_a_pause_is_no_lost_customer_but_has_its_own_line() -> None:
    inputs = story_inputs("paused")
    assert inputs["lost_customers"].sum() == 0
    assert inputs["paused_mrr"].to_list() == [0, 0, 170, 0, 0]


def test_trailing_churn_is_over_full_months_up_to_the_month() -> None:
    """July is not over at 1 July noon: it looks back on the six months to June."""
    inputs = story_inputs()
    assert inputs["trailing_lost_customers"].to_list() == [0, 0, 1, 1, 1]
    assert inputs["trailing_base_customers"].to_list() == [0, 2, 4, 5, 5]


def test_a_sale_of_january_is_in_januarys_volume_though_mrr_began_in_march() -> None:
    """500.00 sold once: January has its gross volume, MRR and customers of 0, and no churn rate to speak of."""
    sale = {"id": "txn_1", "amount": 50_000, "fee": 0, "currency": "usd", "reporting_category": "charge"}
    inputs = story_inputs("voluntary", {**sale, "created_at": at("2026-01-10")}).lazy()
    found = metrics.metrics_by_month(inputs, TERMS).filter(month=date(2026, 1, 1))
    values = dict(found.select("metric", "value").collect().iter_rows())
    assert (values["gross_volume"], values["net_volume"]) == (50_000, 50_000)
    assert (values["mrr"], values["customers"], values["arpa"]) == (0, 0, None)
    assert (values["customer_churn_rate"], values["ltv"]) == (None, None)
    assert inputs.collect()["opening_customers"].to_list() == [0, 0, 0, 2, 2, 1, 1]


def test_an_account_without_any_subscription_still_has_its_months_metrics() -> None:
    inputs = metrics.monthly_inputs(
        rows(staging.Accounts, {"id": "acct_1"}),
        rows(marts.MrrByMonthReporting),
        retained(items_by_month(changes(), TERMS), daily_rates(), TERMS),
        movements(),
        rows(marts.ChurnedCustomers),
        customer_changes(movements()),
        rows(marts.Trials),
        rows(marts.RefundRatesByMonth),
        rows(marts.DisputeRatesByMonth),
        rows(marts.RecoveryByMonth),
        story_first_attempts(),
        metrics.volume_by_month(rows(staging.BalanceTransactions), daily_rates(), TERMS),
        TERMS,
    )
    found = metrics.metrics_by_month(inputs, TERMS).collect()
    assert set(found["month"]) == {date(2026, 7, 1)}
    assert found.height == len(metrics.METRICS)


def story_first_attempts() -> pl.LazyFrame:
    amounts = ("attempted_amount_reporting", "first_failed_amount_reporting")
    return pl.LazyFrame(schema={"account_id": pl.String, "month": pl.Date, **dict.fromkeys(amounts, pl.Int64)})
