"""Actions as a plan would make them, for tests of what comes after."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from billing.book import Planned, action_id_of, propose
from billing.store import Store

NOW = datetime(2026, 11, 15, 12, tzinfo=UTC)


def planned(flag_id: str = "flag_1", **changes: Any) -> Planned:
    """An action that would collect 49.00 USD of an invoice."""
    made = Planned(
        action_id=action_id_of("acct_1", False, flag_id, "retry-failed-invoice"),
        account_id="acct_1",
        livemode=False,
        flag_id=flag_id,
        flag_version=1,
        score_kind="payment",
        rule="retry-failed-invoice",
        rules_digest="0123456789abcdef",
        kind="retry_invoice",
        customer_id="cus_1",
        subject_id="in_1",
        params="{}",
        reasons='["two failed attempts"]',
        effect='{"words":"collect what is owed, now"}',
        amount=4900,
        cost=0,
        currency="usd",
        mrr_at_risk_reporting="4900.000000",
        expected_loss_reporting="29400",
        arm="treatment",
        planned_at=NOW,
        expires_at=NOW + timedelta(days=14),
    )
    return replace(made, **changes)


def entered(store: Store, *made: Planned) -> list[str]:
    """Put them into the book; their ids."""
    with store.writing() as transaction:
        return [each.action_id for each in propose(transaction, made, "planner")]
