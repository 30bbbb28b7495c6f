"""The page of billing actions: what waits, what was done and what is claimed of it, on tables of known figures."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from dashboards.page import Page, Table, tables_of
from dashboards.values import Missing, shown
from reports import actions
from reports.marts import Marts
from reports.terms import Terms
from tests.reports.company import marts

NOW = datetime(2026, 11, 14, 12, tzinfo=UTC)


def action(number: int, state: str = "proposed", **changes: Any) -> dict[str, Any]:
    told = {
        "action_id": f"act_{number}",
        "kind": "retry_invoice",
        "rule": "retry",
        "flag_id": f"flag_{number}",
        "score_kind": "payment",
        "customer_id": f"cus_{number}",
        "subject_id": f"in_{number}",
        "arm": "treatment",
        "state": state,
        "effect": "collect",
        "reasons": ["+38 two failed attempts", "+12 card expires 12/26", "+39 base", "+1 more"],
        "amount": 4900,
        "cost": 0,
        "currency": "usd",
        "amount_reporting": 4900,
        "cost_reporting": 0,
        "mrr_at_risk_reporting": Decimal(4900),
        "expected_loss_reporting": 29_400 + number,
        "planned_at": NOW,
        "planned_on": NOW.date(),
        "expires_at": NOW + timedelta(days=14),
        "settled_at": NOW if state in ("done", "failed") else None,
    }
    return told | changes


def result(month: date, **changes: Any) -> dict[str, Any]:
    told = {
        "month": month,
        "kind": "retry_invoice",
        "measure": "recovered",
        "open": 0,
        "treated": 40,
        "acted": 30,
        "treated_successes": 30,
        "held_out": 0,
        "held_out_successes": 0,
        "treated_base_reporting": 400_000,
        "treated_value_reporting": 300_000,
        "held_out_base_reporting": 0,
        "held_out_value_reporting": 0,
        "is_partial": False,
    }
    return told | changes


def page(actions_rows: list[dict[str, Any]], results: list[dict[str, Any]] | None = None) -> Page:
    tables: Marts = marts({"billing_actions": actions_rows, "action_results_by_month": results or []})
    return actions.page(tables, Terms(tables.publication))


def table(made: Page, name: str) -> Table:
    return next(one for one in tables_of(made) if one.name == name)


def test_open_plans_stand_by_expected_loss_with_why_and_what_they_move() -> None:
    made = page([action(1), action(2, "approved"), action(3, "done"), action(4, "held_out")])
    assert made.findings[0] == "1 action waits to be approved, 1 approved and waiting."
    assert made.findings[1] == "So far: 1 done and 1 held out."
    first, second = table(made, "open-plans").rows
    assert [shown(cell) for cell in first.cells[1:7]] == [
        "Retry the invoice",
        "+38 two failed attempts; +12 card expires 12/26; +39 base",
        "294.02",
        "49.00",
        "–",
        "Approved, waiting",
    ]
    assert shown(second.cells[6]) == "To be approved"


def test_what_moves_no_money_says_so_and_a_failure_says_its_code() -> None:
    code = "card_declined:insufficient_funds"
    made = page([action(1, amount_reporting=None, cost_reporting=None), action(2, "failed", outcome=code)])
    (row,) = table(made, "open-plans").rows
    assert row.cells[4] == Missing("no money moves at once")
    (done,) = table(made, "actions-done").rows
    assert shown(done.cells[3]) == "Failed: card declined:insufficient funds"
    assert shown(done.cells[4]) == "–"


def test_without_a_holdout_nothing_is_claimed() -> None:
    made = page([action(1)], [result(date(2026, 9, 1))])
    (row,) = table(made, "action-results").rows
    assert [shown(cell) for cell in row.cells[2:6]] == ["40", "75.0%", "–", "n/a"]
    assert set(row.cells[6:]) == {Missing(actions.NO_HOLDOUT)}
    assert not any("against the holdout" in words for words in made.findings)


def test_months_add_up_and_are_held_against_the_holdout() -> None:
    # September 56 of 70 against 24 of 40, October nothing treated and 24 of 40: together 56/70 - 48/80 = 20.0 points,
    # by Newcombe's first example 0.0524 to 0.3339. By hand, Wilson's ends are 0.6919 0.8770 and 0.4905 0.7004:
    # 0.2 - sqrt(0.1081^2 + 0.1004^2) = 0.05243 and 0.2 + sqrt(0.0770^2 + 0.1095^2) = 0.33387; of 400.00 USD: 80.00,
    # 20.97 to 133.55
    months = [
        result(
            date(2026, 9, 1),
            treated=70,
            treated_successes=56,
            held_out=40,
            held_out_successes=24,
            treated_base_reporting=40_000,
        ),
        result(
            date(2026, 10, 1),
            treated=0,
            treated_successes=0,
            held_out=40,
            held_out_successes=24,
            treated_base_reporting=0,
        ),
    ]
    made = page([action(1)], months)
    (row,) = table(made, "action-results").rows
    assert [shown(cell) for cell in row.cells[2:]] == [
        "70", "80.0%", "80", "60.0%", "+20.0 pp", "+5.2 pp to +33.4 pp", "+80.00", "+20.97 to +133.55",
    ]  # fmt: skip
    ends = "+20.97 USD to +133.55 USD"
    said = f"Retry the invoice, invoices recovered in 30 days: +80.00 USD against the holdout (95%: {ends})."
    assert made.findings[-1] == said
    assert len(table(made, "action-results-by-month").rows) == 2


def test_an_effect_whose_interval_spans_zero_may_be_chance() -> None:
    made = page([action(1)], [result(date(2026, 9, 1), held_out=4, held_out_successes=3)])
    assert made.findings[-1].endswith(", which may be chance.")


def test_a_page_without_actions_says_how_to_begin() -> None:
    made = page([])
    assert made.findings == ("No billing action has been planned so far.",)
    assert all(not one.rows and one.empty for one in tables_of(made))
    assert "revenue actions plan" in table(made, "open-plans").empty
