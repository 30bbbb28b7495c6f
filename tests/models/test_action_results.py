"""What actions did: by the arm that was drawn, with an interval, and claimed only against a holdout."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from models.action_results import action_results_by_month, billing_actions, compared
from models.contracts.marts import ActionResultsByMonth, BillingActions
from models.contracts.operations import Actions
from models.proportions import newcombe
from models.terms import Terms

PLANNED = datetime(2026, 3, 10, 12, tzinfo=UTC)
TERMS = Terms(PLANNED + timedelta(days=100), "UTC", "usd")


def action(number: int, arm: str = "treatment", **changes: Any) -> dict[str, Any]:
    """Of customer `cus_<number>`: to collect 100.00 USD of invoice `in_<number>`, its MRR being 40.00 USD."""
    told: dict[str, Any] = {
        "account_id": "acct_1",
        "action_id": f"act_{number}",
        "kind": "retry_invoice",
        "rule": "retry",
        "flag_id": f"flag_{number}",
        "score_kind": "payment",
        "customer_id": f"cus_{number}",
        "subject_id": f"in_{number}",
        "arm": arm,
        "state": "done" if arm == "treatment" else "held_out",
        "effect": "collect",
        "reasons": [],
        "amount": 10_000,
        "cost": 0,
        "currency": "usd",
        "mrr_at_risk_reporting": Decimal(4000),
        "expected_loss_reporting": 1,
        "planned_at": PLANNED,
        "expires_at": PLANNED + timedelta(days=14),
    }
    return told | changes


def results(
    actions: list[dict[str, Any]], paid: dict[str, int], mrr: dict[str, list[tuple[int, int]]]
) -> dict[tuple[str, str], dict[str, Any]]:
    """Results by (kind, measure). `paid` says after how many days an invoice was paid, `mrr` how a customer's MRR moved
    by (days after the plan, by how much)."""
    invoices = pl.LazyFrame(
        [("acct_1", id_, PLANNED + timedelta(days=days)) for id_, days in paid.items()],
        schema={"account_id": pl.String, "id": pl.String, "paid_at": pl.Datetime("us", "UTC")},
        orient="row",
    )
    changes = pl.LazyFrame(
        [
            ("acct_1", customer, PLANNED + timedelta(days=days), Decimal(delta))
            for customer, moves in mrr.items()
            for days, delta in moves
        ],
        schema={
            "account_id": pl.String,
            "customer_id": pl.String,
            "changed_at": pl.Datetime("us", "UTC"),
            "mrr_delta_reporting": pl.Decimal(18, 6),
        },
        orient="row",
    )
    rate = _rates(PLANNED.date())
    table = billing_actions(pl.DataFrame(actions, schema=Actions.create_empty().schema).lazy(), rate, TERMS)
    valid = BillingActions.validate(table.collect(), cast=True).lazy()
    made = ActionResultsByMonth.validate(action_results_by_month(valid, invoices, changes, TERMS).collect(), cast=True)
    return {(row["kind"], row["measure"]): row for row in made.iter_rows(named=True)}


def _rates(day: date) -> pl.LazyFrame:
    told = {"date": day, "known_on": day, "numerator": 1, "denominator": 1}
    rows = [told | {"currency": "usd"}, told | {"currency": "eur", "numerator": 11, "denominator": 10}]
    exact = pl.col("numerator", "denominator").cast(pl.Int128)
    return pl.LazyFrame(rows).with_columns(exact)


def test_the_interval_of_a_difference_is_newcombes() -> None:
    # Newcombe 1998, Table II: method 10 of 56/70 - 48/80 is 0.0524 to 0.3339, of 9/10 - 3/10 is 0.1705 to 0.8090,
    # of 10/10 - 0/20 is 0.6791 to 1.0000
    for counts, interval in (
        ((56, 70, 48, 80), (0.0524, 0.3339)),
        ((9, 10, 3, 10), (0.1705, 0.8090)),
        ((10, 10, 0, 20), (0.6791, 1.0)),
    ):
        assert newcombe(*counts) == pytest.approx(interval, abs=5e-5)


def test_recovered_invoices_are_held_against_the_holdout_by_the_arm_that_was_drawn() -> None:
    # treated: 4, of whom 3 paid in 30 days, one by itself, since its action was skipped; held out: 2, of whom 1 paid
    actions = [action(1), action(2), action(3, state="skipped"), action(4, state="failed")]
    actions += [action(5, "holdout"), action(6, "holdout", amount=20_000)]
    paid = {"in_1": 1, "in_2": 30, "in_3": 2, "in_4": 31, "in_6": 3}
    row = results(actions, paid, {})["retry_invoice", "recovered"]
    assert (row["treated"], row["acted"], row["treated_successes"]) == (4, 2, 3)
    assert (row["held_out"], row["held_out_successes"], row["open"]) == (2, 1, 0)
    assert (row["treated_base_reporting"], row["treated_value_reporting"]) == (40_000, 30_000)
    assert (row["held_out_base_reporting"], row["held_out_value_reporting"]) == (30_000, 20_000)
    assert row["difference"] == 0.25  # 3/4 - 1/2
    assert row["effect_reporting"] == 10_000  # 0.25 x 400.00
    assert row["effect_low_reporting"] < 0 < row["effect_high_reporting"]


def test_kept_mrr_counts_the_mrr_after_ninety_days_and_no_more_than_there_was() -> None:
    actions = [
        action(1, kind="retention_coupon"),
        action(2, kind="retention_coupon"),
        action(3, kind="retention_coupon"),
    ]
    mrr = {
        "cus_1": [(-50, 4000), (10, 1000)],  # 50.00 then, of which 40.00 were at risk
        "cus_2": [(-50, 4000), (20, -1500)],  # 25.00 then
        "cus_3": [(-50, 4000), (89, -4000), (91, 4000)],  # gone on day 90
    }
    row = results(actions, {}, mrr)["retention_coupon", "kept"]
    assert (row["treated"], row["treated_successes"]) == (3, 2)
    assert (row["treated_base_reporting"], row["treated_value_reporting"]) == (12_000, 6_500)


def test_without_a_holdout_nothing_is_claimed() -> None:
    row = results([action(1)], {"in_1": 1}, {})["retry_invoice", "recovered"]
    assert row["treated_value_reporting"] == 10_000
    claims = ("difference", "difference_low", "difference_high", "effect_reporting", "effect_low_reporting")
    assert [row[name] for name in claims] == [None] * 5
    assert compared(1, 1, 0, 0, 100) is None


def test_what_is_not_over_is_open_and_a_customer_counts_once_by_its_first_action() -> None:
    late = action(3, planned_at=TERMS.as_of - timedelta(days=29))  # another month
    first, again = action(1), action(2, customer_id="cus_1", planned_at=PLANNED + timedelta(days=2))
    held = results([first, again], {"in_2": 3}, {})["retry_invoice", "recovered"]
    assert (held["treated"], held["treated_successes"], held["open"]) == (1, 0, 0)
    unripe = results([late], {"in_3": 3}, {})["retry_invoice", "recovered"]
    assert (unripe["treated"], unripe["treated_successes"], unripe["open"]) == (0, 0, 1)


def test_amounts_are_in_the_reporting_currency_and_what_a_person_proposed_is_not_measured() -> None:
    # 100.00 EUR at 1.1 are 110.00 USD
    made = results([action(1, currency="eur"), action(2, arm="none", state="done")], {"in_1": 1}, {})
    assert made["retry_invoice", "recovered"]["treated_value_reporting"] == 11_000
    assert made["retry_invoice", "recovered"]["treated"] == 1


def test_no_actions_make_no_results() -> None:
    assert results([], {}, {}) == {}
