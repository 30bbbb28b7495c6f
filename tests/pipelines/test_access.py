"""From Stripe's event to the company's own system through the command, whatever kills it on the way."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from billing.access.engine import LEASE
from billing.wire import Wire
from pipelines import access, settings, webhooks
from sandbox.serving import Sandbox
from tests.billing.access.receiver import System, system
from tests.pipelines.conftest import Revenue
from tests.pipelines.houses import House, Typist, typist
from tests.pipelines.test_notices import a_subscription, arrived

pytestmark = pytest.mark.waits


@pytest.fixture
def ours() -> Iterator[System]:
    with system() as running:
        yield running


def asked(folder: Path, ours: System) -> dict[str, str]:
    file = folder / "access.yaml"
    file.write_text(f"version: 1\nurl: {ours.url}\n")
    return {"REVENUE_ACCESS": str(file), "REVENUE_ACCESS_SECRETS": "sec_1"}


def test_everybody_is_told_of_at_the_start_and_then_only_what_changes(
    sandbox: Sandbox, home: Path, revenue: Revenue, ours: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "REVENUE_ACCESS names no file" in revenue("access", "look").err
    for name, value in asked(home.parent, ours).items():
        monkeypatch.setenv(name, value)
    done = revenue("access", "look")
    assert done.code == 0, done.err
    active = len(ours.bodies)
    assert active > 10
    assert {each["change"] for each in ours.bodies} == {"started"}
    revenue("access", "look")
    assert len(ours.bodies) == active
    subscription = a_subscription(sandbox)
    arrived(home, sandbox, "customer.subscription.updated", subscription)
    webhooks.hand_over(settings.load())
    told: list[str] = []
    webhooks.spread(settings.load(), told.append)
    assert told == []  # it stands as it did
    status = revenue("access", "status")
    assert f"{active} of" in status.out
    assert status.code == 0
    listed = json.loads(revenue("access", "list", "--json", "--limit", "1000").out)
    assert {each["state"] for each in listed} == {"delivered"}
    assert revenue("audit", "verify").code == 0
    assert "is no such change" in revenue("access", "redeliver", "acc_nobody").err
    again = revenue("access", "redeliver", listed[0]["change_id"], "--by", "mara")
    assert again.out == "1 changes are told again.\n"
    webhooks.spread(settings.load(), told.append)
    assert told == ["Told of 1 changes of access."]
    assert ours.bodies[-1]["id"] == listed[0]["change_id"]


STEPS = (
    ("billing.access.looking.held_by", 1, True),
    ("billing.access.book.conclude", 1, False),
    ("billing.store._note", 1, False),  # the change, committed and not noted outside
    ("billing.access.engine._claimed", 1, True),
    ("billing.access.engine._noted", 1, False),  # told, and not noted
    ("billing.access.engine._noted", 1, True),
)
"""Where it dies: at the how manieth call of what, and whether once that has returned."""


@pytest.fixture(scope="module")
def process() -> Iterator[Typist]:
    with typist() as running:
        yield running


@pytest.mark.parametrize(("at", "nth", "after"), STEPS)
def test_a_kill_at_any_step_loses_no_change(
    sandbox: Sandbox, home: Path, process: Typist, ours: System, at: str, nth: int, after: bool
) -> None:
    more = asked(home.parent, ours)
    house = House(process, home, sandbox)
    customer = _customer(sandbox)
    death: dict[str, Any] = {"at": at, "nth": nth, "after": after}
    assert house.revenue("access", "look", customer, death=death, more=more).code == -9
    sandbox.advance(days=(LEASE.total_seconds() + 5) / 86_400)
    again = house.revenue("access", "look", customer, more=more)
    assert again.code == 0, again.printed
    told = {each["id"]: each for each in ours.bodies}
    assert [(each["number"], each["change"]) for each in told.values()] == [(1, "started")]
    assert len(ours.bodies) == (2 if at.endswith("_noted") and not after else 1)
    assert house.revenue("audit", "verify").code == 0
    (change,) = access.listed(settings.load(), (), customer, 10)
    assert change.state == "delivered"


def _customer(sandbox: Sandbox) -> str:
    return str(next(Wire(sandbox.key, sandbox.url).pages("/v1/subscriptions", status="active"))["customer"])
