"""Decisions and the trail from a terminal: reasons on record, a rejection for good, and what was done last."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from billing.store import open_store
from tests.billing.planned import entered, planned
from tests.pipelines.conftest import Revenue


@pytest.fixture
def action(home: Path) -> str:
    """The id of an action that waits for approval."""
    now = datetime.now(UTC)
    store = open_store(None, home)
    (id_,) = entered(store, planned(planned_at=now, expires_at=now + timedelta(days=14)))
    store.close()
    return id_


def test_a_rejection_is_for_good_and_the_trail_says_why(revenue: Revenue, home: Path, action: str) -> None:
    assert revenue("actions", "comment", action, "their card expires; ask a@example.com", "--by", "olga").code == 0
    assert revenue("actions", "approve", action, "--by", "mara", "--why", "checked").code == 0
    assert "rejected" in revenue("actions", "reject", action, "--by", "ana", "--why", "they left").out
    again = revenue("actions", "approve", action, "--by", "mara")
    assert (again.code, "no longer proposed or revoked" in again.err) == (1, True)
    store = open_store(None, home)
    assert entered(store, planned()) == []  # planned anew, it is known
    store.close()
    told = json.loads(revenue("audit", "list", "--json").out)
    decided = [each for each in reversed(told) if each["action_id"]]
    assert [(each["event"], each["actor"], each["body"].get("why")) for each in decided] == [
        ("planned", "planner", None),
        ("commented", "olga", "their card expires; ask …"),
        ("approved", "mara", "checked"),
        ("rejected", "ana", "they left"),
    ]
    shown = revenue("audit", "list", "--last", "1")
    assert shown.out.split()[0] == str(told[0]["seq"])
    assert action in shown.out
    assert revenue("audit", "list", "--event", "approved").out.count("\n") == 1
    assert revenue("audit", "verify").code == 0


def test_a_comment_says_something(revenue: Revenue, action: str) -> None:
    said = revenue("actions", "comment", action, "  ")
    assert (said.code, "says something" in said.err) == (2, True)
