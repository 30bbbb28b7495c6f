"""What the page of accounts at risk says, on tables whose figures are known."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from dashboards.page import Chart, Page, Table, charts_of, tables_of
from dashboards.values import Link, plain, shown
from reports import at_risk, overview
from reports.marts import Marts
from reports.terms import Terms
from tests.reports.company import ACCOUNT, marts

Row = dict[str, Any]
HOSTILE = "<b>=cmd|' /C calc'!A0</b>"


def page_of(tables: Marts) -> Page:
    return at_risk.page(tables, Terms(tables.publication))


def table(page: Page, name: str) -> Table:
    return next(one for one in tables_of(page) if one.name == name)


def chart(page: Page, name: str) -> Chart:
    return next(one for one in charts_of(page) if one.name == name)


def lines(found: Table) -> list[tuple[str, ...]]:
    return [tuple(shown(cell) for cell in row.cells) for row in found.rows]


def customer(no: int, mrr: int, name: str) -> Row:
    return {
        "customer_id": f"cus_{no}",
        "name": name,
        "currency": "usd",
        "mrr": Decimal(mrr),
        "mrr_reporting": Decimal(mrr),
        "lifetime_revenue_reporting": 0,
        "subscriptions": 1,
        "status": "active",
        "is_deleted": False,
    }


def flag(no: int, mrr: int, loss: int, kind: str = "payment", band: str = "high", **more: Any) -> Row:
    return {
        "customer_id": f"cus_{no}",
        "flag_id": f"flag_{no:024}",
        "flag_version": 1,
        "score_kind": kind,
        "trigger": "failed_attempts",
        "risk_score": 93,
        "risk_band": band,
        "payment_score": 93,
        "voluntary_score": 51,
        "payment_probability": 0.381,
        "voluntary_probability": 0.032,
        "probability_30d": 0.2,
        "probability_90d": 0.4005,
        "basis": "expert prior",
        "mrr": Decimal(mrr),
        "currency": "usd",
        "mrr_at_risk_reporting": Decimal(mrr),
        "expected_loss_reporting": loss,
        "subscription_id": f"sub_{no}",
        "invoice_id": f"in_{no}",
        "next_invoice_at": datetime(2026, 11, 30, 9, tzinfo=UTC),
        "reasons": [
            "+42 two failed attempts on an open invoice",
            "+10 card expires 12/26",
            "+2 customer for less than a year",
            "+1 something small",
            "-1 pays invoices that are sent",
            "+39 base of every account",
        ],
        "recommended_action": "send_card_update",
        "flagged_at": datetime(2026, 11, 10, 9, tzinfo=UTC),
        "expires_at": datetime(2026, 11, 22, 12, tzinfo=UTC),
    } | more


def ranked(ranking: str, found: float, k: int = 25, population: str = "without_leaving") -> Row:
    """Of 400 customers over 20 months 20 left, of 500 listed so many."""
    return {
        "score_kind": "any",
        "horizon_days": 90,
        "population": population,
        "ranking": ranking,
        "k": k,
        "months": 20,
        "customers": 2_000,
        "churned": 100,
        "listed": 500,
        "found": found,
        "base_rate": 0.05,
        "precision": found / 500,
        "recall": found / 100,
        "lift": found / 25,
        "mrr_lost_reporting": 10_000,
        "mrr_found_reporting": 6_000,
        "mrr_recall": 0.6,
    }


def quality(churns: int, horizon: int = 90, basis: str = "expert prior") -> Row:
    return {
        "score_kind": "any",
        "horizon_days": horizon,
        "months": 20,
        "customers": 2_000,
        "churned": churns,
        "churns": churns,
        "base_rate": churns / 2_000,
        "roc_auc": 0.75,
        "pr_auc": 0.2,
        "brier": 0.0301,
        "brier_of_base_rate": 0.0311,
        "is_validated": churns >= 50,
        "is_calibrated": False,
        "basis": basis,
    }


def tenth(no: int, told: float, churned: int) -> Row:
    return {
        "score_kind": "any",
        "horizon_days": 90,
        "tenth": no,
        "customers": 100,
        "churned": churned,
        "told_rate": told,
        "churned_rate": churned / 100,
        "churned_low_rate": max(0.0, churned / 100 - 0.05),
        "churned_high_rate": churned / 100 + 0.05,
    }


def points(kind: str, feature: str, level: int, words: str, number: int, churned: int) -> Row:
    return {
        "score_kind": kind,
        "feature": feature,
        "level": level,
        "words": words,
        "points": number,
        "basis": "expert prior",
        "customers": 200,
        "churned": churned,
    }


def listed(churns: int = 60) -> Marts:
    return marts(
        {
            "customers": [customer(1, 40_000, "Acme"), customer(2, 10_000, HOSTILE), customer(3, 50_000, "Cobalt")],
            "at_risk_accounts": [
                flag(1, 40_000, 240_000),
                flag(2, 10_000, 9_000, "voluntary", "medium", recommended_action="contact", invoice_id=None),
                flag(
                    3,
                    50_000,
                    600_000,
                    "leaving",
                    reasons=["leaves on 2027-01-09, says too_complex"],
                    expires_at=datetime(2027, 1, 9, 12, tzinfo=UTC),
                    recommended_action="contact",
                ),
            ],
            "risk_backtest": [
                ranked("list", 60),
                ranked("past_due_first", 45),
                ranked("random", 25),
                ranked("score", 70.5),
                ranked("list", 90, population="with_leaving"),
            ],
            "risk_quality": [quality(churns), quality(churns + 500, horizon=30)],
            "risk_calibration": [tenth(1, 0.30, 28), tenth(2, 0.12, 20)],
            "risk_points": [
                points("payment", "base", 90, "everybody, within 90 days", 39, 4),
                points("voluntary", "base", 90, "everybody, within 90 days", 51, 12),
                points("payment", "decline", 3, "the card is lost, stolen or closed", 12, 9),
                points("voluntary", "decline", 3, "the card is lost, stolen or closed", 2, 1),
            ],
        }
    )


def test_the_list_stands_in_order_of_expected_loss_with_its_reasons() -> None:
    page = page_of(listed())
    rows = lines(table(page, "at-risk-accounts"))
    assert [row[0] for row in rows] == ["Acme", HOSTILE]
    assert rows[0][1:6] == ("400.00", "2,400.00", "40.0%", "93", "Payment")
    assert rows[0][6] == (
        "+42 two failed attempts on an open invoice; +10 card expires 12/26; +2 customer for less than a year"
    )
    assert rows[0][7:] == ("30 Nov 2026", "Ask for another card")
    link = table(page, "at-risk-accounts").rows[0].cells[0]
    assert isinstance(link, Link)
    assert link.address == f"https://dashboard.stripe.com/{ACCOUNT}/customers/cus_1"


def test_the_file_has_every_reason_and_the_flag() -> None:
    file = table(page_of(listed()), "at-risk-accounts").download
    assert file is not None
    first = dict(zip(file.header, map(plain, next(iter(file.rows))), strict=True))
    assert first["flag_id"] == f"flag_{1:024}"
    assert first["reasons"].count(";") == 5
    assert (first["invoice_id"], first["probability_90d"], first["expected_loss"]) == ("in_1", "0.4005", "2400")


def test_those_who_leave_stand_apart() -> None:
    page = page_of(listed())
    assert lines(table(page, "leaving-accounts")) == [
        ("Cobalt", "500.00", "Leaves on 2027-01-09, says too complex", "10 Nov 2026", "9 Jan 2027", "Talk to them")
    ]
    bands = lines(table(page, "mrr-at-risk"))
    assert bands == [
        ("High risk", "1", "400.00", "40.0%", "2,400.00"),
        ("Medium risk", "1", "100.00", "10.0%", "90.00"),
        ("Leaving already", "1", "500.00", "50.0%", "6,000.00"),
    ]


def test_the_findings_say_who_is_at_risk_and_how_well_it_would_have_been_told() -> None:
    """60 of 500 listed left, 12 %; 100 of 2,000 customers, 5 %; 45 of 500 past due first, 9 %."""
    assert page_of(listed()).findings == (
        "2 accounts are at risk, with 500.00 USD of MRR and an expected loss of 2,490.00 USD; 1 account is leaving "
        "already, with 500.00 USD.",
        "Of the first 25 of such a list at the starts of 20 past months 12.0% left within 90 days; of all customers "
        "5.0% did, and of those past due first, then with the largest MRR, 9.0%.",
        "The backtest has 60 churns to go by. Points are an expert's, not fitted to this account.",
    )


def test_of_those_who_are_none_no_amount_is_told() -> None:
    given = marts({"customers": [customer(1, 40_000, "Acme")], "at_risk_accounts": [flag(1, 40_000, 240_000)]})
    assert page_of(given).findings[0] == (
        "1 account is at risk, with 400.00 USD of MRR and an expected loss of 2,400.00 USD; no accounts are leaving "
        "already."
    )


def test_fewer_than_50_churns_within_the_days_told_are_not_validated() -> None:
    """Of 90 days, as the sentence before it is; that 30 days have 549 changes nothing."""
    said = page_of(listed(churns=49)).findings[-1]
    assert said.startswith("Not validated: the backtest has 49 churns to go by, and fewer than 50 prove nothing.")


def test_the_lists_stand_side_by_side() -> None:
    rows = lines(table(page_of(listed()), "risk-backtest"))
    assert [row[1] for row in rows] == [
        "The list: high band first, by expected loss",
        "By chance to leave alone",
        "Past due first, then the largest MRR",
        "At random",
        "The list, those leaving already at its head",
    ]
    assert rows[0] == ("First 25", rows[0][1], "500", "60.00", "12.0%", "60.0%", "2.40", "60.0%")


def test_what_was_told_is_held_against_what_came() -> None:
    """30 % lies within 23 to 33, 12 % does not within 15 to 25."""
    found = chart(page_of(listed()), "risk-calibration")
    assert found.finding == (
        "Of the likeliest tenth 28.0% left, 30.0% were told; in 1 of 2 groups what was told lies within the interval "
        "of what came."
    )


def test_points_are_listed_with_those_who_had_them() -> None:
    assert lines(table(page_of(listed()), "risk-points")) == [
        ("Base: everybody, within 90 days", "39", "51", "200", "2.0%", "6.0%", "expert prior"),
        ("The card is lost, stolen or closed", "+12", "+2", "200", "4.5%", "0.5%", "expert prior"),
    ]


def test_the_overview_says_who_is_at_risk(example: Marts, terms: Terms) -> None:
    tables = Marts({**example.tables, "at_risk_accounts": listed().table("at_risk_accounts")}, example.publication)
    assert any("accounts are at risk" in said for said in overview.page(tables, terms).findings)
    assert not any("at risk" in said for said in overview.page(example, terms).findings)


@pytest.mark.parametrize("pays", [True, False])
def test_nobody_at_risk_is_said(pays: bool) -> None:
    page = page_of(marts({"customers": [customer(1, 40_000, "Acme")]} if pays else {}))
    assert page.findings == (at_risk.NOBODY if pays else at_risk.NOBODY_PAYS,)
    assert chart(page, "mrr-at-risk").empty == at_risk.NOBODY
    assert chart(page, "risk-calibration").empty
    assert all(found.empty for found in tables_of(page) if not found.rows)
