"""The checks: each finds the fault it is for, names it, and is silent on sound tables."""

from collections.abc import Callable

import polars as pl
import pytest

from models import checks
from models.contracts import staging
from tests.models.grown import Grown, grown
from tests.models.rows import ACCOUNT, rows

SEED = 7
Fault = Callable[[pl.DataFrame], pl.DataFrame]


def frames_of(company: Grown) -> dict[str, pl.LazyFrame]:
    spine = company.spine
    own = {"spine.items": spine.items, "spine.movements": spine.movements, "spine.rates": spine.rates}
    return (
        {f"marts.{name}": frame for name, frame in company.marts.items()}
        | {f"staging.{name}": frame for name, frame in company.staging.items()}
        | own
    )


def checked(frames: dict[str, pl.LazyFrame], *findings: pl.LazyFrame) -> pl.DataFrame:
    company = grown(SEED)
    return checks.data_checks(
        checks.with_steps(frames, company.terms), [company.spine.findings, *findings], company.terms
    ).collect()


def more(column: str) -> Fault:
    """One more in the last row that has a value there."""

    def fault(frame: pl.DataFrame) -> pl.DataFrame:
        last = frame.with_row_index("row").filter(pl.col(column).is_not_null())["row"].max()
        here = pl.int_range(pl.len()) == last
        return frame.with_columns(pl.when(here).then(pl.col(column) + 1).otherwise(column).cast(frame.schema[column]))

    return fault


def twice(frame: pl.DataFrame) -> pl.DataFrame:
    return pl.concat([frame, frame.head(1)])


def without_first(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.slice(1)


def set_to(value: pl.Expr, column: str) -> Fault:
    """Another value in the first row."""
    here = pl.int_range(pl.len()) == 0
    return lambda frame: frame.with_columns(
        pl.when(here).then(value).otherwise(column).cast(frame.schema[column]).alias(column)
    )


def renamed_churn(frame: pl.DataFrame) -> pl.DataFrame:
    """A reactivation called a churn."""
    kind = pl.col("movement_type")
    return frame.with_columns(movement_type=kind.replace("reactivation", "churn"))


@pytest.mark.parametrize(
    ("frame", "fault", "check"),
    [
        ("marts.mrr_changes", more("mrr_delta"), "changes_sum_to_movements"),
        ("marts.mrr_changes", without_first, "changes_sum_to_movements"),
        ("marts.mrr_movements", without_first, "changes_sum_to_movements"),
        ("marts.mrr_by_day", more("new_mrr"), "movements_sum_to_days"),
        ("marts.mrr_by_day", more("opening_mrr"), "days_add_up"),
        ("marts.mrr_by_day", set_to(pl.lit(99), "closing_mrr"), "closing_is_the_next_opening"),
        ("marts.mrr_by_month", more("churn_mrr"), "days_sum_to_months"),
        ("marts.mrr_by_month_reporting", more("fx_mrr"), "reporting_months_add_up"),
        ("marts.mrr_by_month_reporting", set_to(pl.lit(99), "closing_mrr"), "closing_is_the_next_opening"),
        ("spine.items", lambda frame: frame.filter("counts").slice(1), "live_mrr_is_the_history_to_date"),
        ("marts.customers", more("mrr_reporting"), "customers_sum_to_closing"),
        ("marts.mrr_movements", twice, "customers_are_new_once"),
        ("marts.mrr_movements", renamed_churn, "churns_and_returns_take_turns"),
        ("marts.mrr_movements", set_to(pl.lit(-1), "mrr_after"), "no_negative_mrr"),
        ("marts.cohort_retention", set_to(pl.lit(99), "customers"), "cohorts_hold_every_customer"),
        ("marts.metrics_by_month", set_to(pl.lit(float("nan")), "value"), "rates_have_a_base"),
        ("marts.balance_reconciliation", more("difference"), "balance_reconciles"),
        ("staging.balance_transactions", more("net"), "transactions_are_net_of_fees"),
        ("staging.balances", more("available"), "balance_is_as_stripe_says"),
        ("staging.charges", twice, "ids_are_unique"),
        ("staging.charges", lambda frame: frame.head(0), "refunds_have_their_charge"),
        ("staging.charges", lambda frame: frame.head(0), "disputes_have_their_charge"),
        ("staging.charges", lambda frame: frame.head(0), "payments_have_their_charge"),
        ("staging.invoices", without_first, "lines_have_their_invoice"),
        ("staging.invoices", lambda frame: frame.head(0), "payments_have_their_invoice"),
        ("staging.invoice_lines", without_first, "lines_sum_to_invoices"),
        ("marts.mrr_by_month_slice", more("churn_mrr"), "mrr_slices_add_up"),
        ("marts.mrr_by_month_slice", more("transfer_in_mrr"), "mrr_slices_add_up"),
        ("marts.recovery_by_dimension", more("failed_invoices"), "recovery_dimensions_add_up"),
        ("staging.charges", set_to(pl.lit("xts"), "currency"), "money_has_an_exchange_rate"),
        ("staging.prices", lambda frame: frame.head(0), "live_subscriptions_have_a_price"),
        ("staging.invoices", lambda frame: frame.with_columns(status=pl.lit("void")), "paying_customers_were_billed"),
        ("staging.subscriptions", set_to(pl.lit("clock_1"), "test_clock_id"), "no_test_clocks"),
    ],
)
def test_a_fault_is_found_by_its_check(frame: str, fault: Fault, check: str) -> None:
    frames = frames_of(grown(SEED))
    broken = frames | {frame: fault(frames[frame].collect()).lazy()}
    failed = checked(broken).filter(passed=False)
    assert check in failed["check_name"].to_list()
    assert failed.filter(pl.col("detail").is_null() | (pl.col("failing_rows") == 0)).is_empty()


def test_a_line_that_a_full_discount_makes_worth_nothing_is_missed_all_the_same() -> None:
    """Two lines of 10.00, 2.00 off the first by its own coupon, the rest by the invoice's: subtotal 18.00, total 0."""
    company = grown(SEED)
    off = [[("di_own", 200), ("di_all", 800)], [("di_all", 1_000)]]
    lines = [
        {
            "id": f"il_{place}",
            "invoice_id": "in_1",
            "amount": 1_000,
            "discounts": ["di_own"] if place == 0 else [],
            "discount_amounts": [{"discount_id": discount, "amount": amount} for discount, amount in each],
        }
        for place, each in enumerate(off)
    ]
    invoices = rows(staging.Invoices, {"id": "in_1", "subtotal": 1_800, "total": 0})
    found = []
    for held in (lines, lines[:1]):
        frames = frames_of(company) | {
            "staging.invoices": invoices,
            "staging.invoice_lines": rows(staging.InvoiceLines, *held),
            "staging.customers": rows(staging.Customers, {"id": "cus_1"}),
        }
        told = checked(frames).filter(check_name="lines_sum_to_invoices", account_id=ACCOUNT)
        found.append(told["failing_rows"].to_list())
    assert found == [[0], [1]]


@pytest.mark.parametrize(
    ("shipping", "failing"),
    [
        ({"amount_shipping": 500, "shipping_total": 595}, 0),  # 5.00 and 0.95 of tax
        ({"amount_shipping": 595}, 0),
        ({"amount_shipping": 0}, 1),
        ({}, 1),
    ],
)
def test_shipping_is_in_the_total_and_on_no_line(shipping: dict[str, int], failing: int) -> None:
    """10.00 and 1.90 of tax on top, 5.95 of shipping: subtotal 10.00, total 17.85."""
    line = {
        "id": "il_1",
        "invoice_id": "in_1",
        "amount": 1_000,
        "discounts": [],
        "discount_amounts": [],
        "taxes": [{"amount": 190, "tax_behavior": "exclusive", "tax_rate_id": "txr_1"}],
    }
    frames = frames_of(grown(SEED)) | {
        "staging.invoices": rows(staging.Invoices, {"id": "in_1", "subtotal": 1_000, "total": 1_785, **shipping}),
        "staging.invoice_lines": rows(staging.InvoiceLines, line),
        "staging.customers": rows(staging.Customers, {"id": "cus_1"}),
    }
    told = checked(frames).filter(check_name="lines_sum_to_invoices", account_id=ACCOUNT)
    assert told["failing_rows"].to_list() == [failing]


def test_every_check_says_how_grave_it_is_and_stands_once() -> None:
    found = grown(SEED).checks
    assert set(found["severity"]) == {checks.BLOCKING, checks.WARNING, checks.NOTE}
    assert not found.select("account_id", "check_name", "table_name").is_duplicated().any()
    assert {(one.name, one.table) for one in checks.CHECKS} <= set(found.select("check_name", "table_name").rows())


def test_what_others_found_is_told_as_a_failed_check() -> None:
    finding = pl.LazyFrame(
        {
            "check_name": ["exchange_rates_are_fresh"] * 7,
            "about": ["exchange_rates"] * 7,
            "subject": [f"cu{number}" for number in range(7)],
            "severity": ["error"] * 7,
            "detail": ["is stale"] * 7,
        }
    )
    row = checked(frames_of(grown(SEED)), finding).filter(check_name="exchange_rates_are_fresh").row(0, named=True)
    assert (row["passed"], row["failing_rows"], row["severity"]) == (False, 7, "blocking")
    assert row["detail"] == "cu0: is stale; cu1: is stale; cu2: is stale; cu3: is stale; cu4: is stale; ..."
