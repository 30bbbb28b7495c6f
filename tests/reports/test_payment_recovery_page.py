"""The page of payment recovery, on tables whose figures are known."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from dashboards.page import Page, Table, Tiles, charts_of, tables_of
from dashboards.values import shown
from reports import payment_recovery
from reports.marts import Marts
from reports.terms import Terms
from tests.reports.company import marts

AUG, SEP, OCT, NOV = (date(2026, month, 1) for month in (8, 9, 10, 11))


def split(month: date, dimension: str, value: str, failed: int, recovered: int, **more: Any) -> dict[str, Any]:
    return {
        "month": month,
        "dimension": dimension,
        "value": value,
        "failed_invoices": failed // 100,
        "failed_amount_reporting": failed,
        "recovered_invoices": recovered // 100,
        "recovered_amount_reporting": recovered,
        "recovered_28d_invoices": recovered // 100,
        "recovered_28d_amount_reporting": recovered,
        "recovered_60d_invoices": recovered // 100,
        "recovered_60d_amount_reporting": recovered,
        "is_mature_28d": month < OCT,
        "is_mature_60d": month < SEP,
        **more,
    }


def built(**tables: list[dict[str, Any]]) -> tuple[Page, Marts]:
    given = marts(tables)
    return payment_recovery.page(given, Terms(given.publication)), given


def lines(page: Page, name: str) -> list[tuple[str, ...]]:
    found: Table = next(one for one in tables_of(page) if one.name == name)
    return [tuple(shown(cell) for cell in row.cells) for row in found.rows]


def test_the_funnel_has_every_stage_of_the_last_full_months_and_their_sum() -> None:
    """August to October: 3,000 + 1,000 failed, 2,500 recovered; November is not over and not in it."""
    page, _ = built(
        recovery_by_dimension=[
            split(AUG, "stage", "recovered", 1_500, 1_500),
            split(OCT, "stage", "recovered", 1_000, 1_000),
            split(OCT, "stage", "canceled", 1_500, 0),
            split(NOV, "stage", "open", 9_000, 0),
        ]
    )
    assert lines(page, "dunning-funnel") == [
        ("Failed", "40", "", "40.00", ""),
        ("Recovered", "25", "62.5%", "25.00", "62.5%"),
        ("Cancelled for want of payment", "15", "37.5%", "15.00", "37.5%"),
    ]
    assert page.findings == (
        "No subscription is in dunning.",
        "Of 40.00 USD that failed first from Aug 2026 to Oct 2026, 62.5% was recovered.",
    )


def test_a_window_is_shown_only_for_months_that_have_had_it() -> None:
    page, _ = built(
        recovery_by_dimension=[split(month, "stage", "recovered", 1_000, 1_000) for month in (AUG, SEP, OCT)]
    )
    assert [row[2:4] for row in lines(page, "recovery-windows")] == [
        ("100.0%", "100.0%"),
        ("100.0%", "n/a"),
        ("n/a", "n/a"),
    ]
    chart = next(one for one in charts_of(page) if one.name == "recovery-windows")
    assert chart.finding == "Of what failed first in Sep 2026, 100.0% was recovered within 28 days."


def test_dimensions_are_summed_over_months_and_shown_largest_first() -> None:
    page, _ = built(
        recovery_by_dimension=[
            split(SEP, "decline_code", "lost_card", 1_000, 100),
            split(OCT, "decline_code", "lost_card", 1_000, 300),
            split(OCT, "decline_code", "expired_card", 500, 500),
            split(OCT, "recovery_channel", "card_updated", 900, 900),
            split(OCT, "recovery_channel", "not_recovered", 1_600, 0),
        ]
    )
    assert lines(page, "recovery-by-decline-code") == [
        ("Lost card", "20", "4", "20.00", "4.00", "20.0%"),
        ("Expired card", "5", "5", "5.00", "5.00", "100.0%"),
    ]
    assert lines(page, "recovery-by-recovery-channel") == [("Card updated", "9", "9.00", "100.0%")]


def test_who_is_in_dunning_now_is_listed_with_its_mrr() -> None:
    row = {
        "subscription_id": "sub_1",
        "customer_id": "cus_1",
        "failed_invoices": 1,
        "amount_due_reporting": 5_000,
        "first_failed_at": datetime(2026, 11, 3, 12, tzinfo=UTC),
        "days_in_dunning": 12,
        "failed_attempts": 2,
        "decline_code": "insufficient_funds",
        "decline_class": "soft",
        "mrr": Decimal(2_000),
        "currency": "usd",
        "mrr_reporting": Decimal(2_000),
    }
    page, _ = built(dunning_now=[row])
    assert lines(page, "dunning-now")[0] == (
        *("cus_1", "20.00", "50.00", "3 Nov 2026", "12", "2", "Insufficient funds", "Soft", "None planned"),
    )
    assert page.findings[0] == "1 subscription is in dunning, with 20.00 USD of MRR and 50.00 USD owed."
    tiles = next(block for section in page.sections for block in section.blocks if isinstance(block, Tiles))
    assert [shown(tile.value) for tile in tiles.tiles] == ["20.00", "50.00", "1"]


def test_what_is_owed_is_shown_by_age_and_by_the_way_of_collecting() -> None:
    def owed(method: str, bucket: str, amount: int) -> dict[str, Any]:
        worth = {"amount": amount, "amount_reporting": amount, "invoices": 1, "oldest_due_on": OCT}
        return {"collection_method": method, "currency": "usd", "bucket": bucket, **worth}

    page, _ = built(
        open_invoices_by_age=[owed("send_invoice", "current", 300), owed("charge_automatically", "91+", 500)],
        days_sales_outstanding_by_month=[
            {
                "month": OCT,
                "invoices": 4,
                "billed_reporting": 2_000,
                "paid_invoices": 2,
                "paid_late_invoices": 1,
                "paid_reporting": 1_000,
                "days_to_pay": 25,
                "open_reporting": 1_000,
                "billed_3m_reporting": 6_000,
                "days_3m": 92,
            }
        ],
    )
    assert lines(page, "open-invoices")[0] == ("Not due yet", "–", "3.00", "1")
    assert lines(page, "open-invoices")[-1] == ("91+ days", "5.00", "–", "1")
    assert lines(page, "days-sales-outstanding") == [("Oct 2026", "15.33", "12.50", "10.00", "20.00", "4", "1")]


def test_an_account_without_failures_says_so() -> None:
    page, _ = built()
    assert page.findings == ("No subscription is in dunning.",)
    assert all(one.empty for one in charts_of(page))


def test_a_month_without_failures_is_a_gap_and_no_month_is_skipped() -> None:
    page, _ = built(recovery_by_dimension=[split(month, "stage", "recovered", 1_000, 1_000) for month in (AUG, OCT)])
    chart = next(one for one in charts_of(page) if one.name == "recovery-windows")
    assert list(chart.figure.data[0].x) == ["Aug 2026", "Sep 2026", "Oct 2026"]
    assert list(chart.figure.data[0].y) == [1.0, None, None]
    assert lines(page, "recovery-windows")[1] == ("Sep 2026", "–", "n/a", "n/a", "n/a")


def test_how_soon_has_every_span_of_days_with_its_unit() -> None:
    page, _ = built(
        recovery_by_dimension=[split(OCT, "days_to_recover", age, 300, 300) for age in ("2-3", "15-28")],
    )
    found = lines(page, "recovery-by-days-to-recover")
    assert [row[0] for row in found] == [f"{age} days" for age in payment_recovery.AGES]
    assert found[1:3] == [("2-3 days", "3", "3.00", "50.0%"), ("4-7 days", "–", "–", "–")]
