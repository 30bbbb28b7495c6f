"""What is said to come comes: the company lives on after the build, and its books say what happened."""

from datetime import UTC, datetime
from typing import Any

import pytest

from models import marts
from models.spine import build_spine
from models.terms import Terms
from sandbox.world.books import MrrChange
from sandbox.world.business import Business
from sandbox.world.periods import DAY
from sandbox.world.world import World
from tests.models.grown import read

DAYS_AHEAD = 150


def foretold(world: World) -> list[dict[str, Any]]:
    """The scheduled changes of the world as it is."""
    terms = Terms(datetime.fromtimestamp(world.now, UTC), world.business.timezone, "usd")
    staged, rates = read(world)
    spine = build_spine(staged, rates.lazy(), terms)
    return marts.build_on(spine, staged, terms, ["scheduled_changes"])["scheduled_changes"].collect().to_dicts()


@pytest.mark.parametrize("seed", [7, 11])
def test_what_nobody_changes_again_becomes_what_was_scheduled(seed: int) -> None:
    world = World.grown(Business(seed=seed, customers=120, months=18))
    now, before = world.now, len(world.books.changes)
    meant = {sub.id for sub in world.stage.subscriptions if sub.wish}
    """Who means to do something at the renewal and has told nobody."""
    told = [row for row in foretold(world) if not row["is_trial"] and row["subscription_id"] not in meant]
    world.advance_to(now + DAYS_AHEAD * DAY)
    later: dict[str, list[MrrChange]] = {}
    for change in world.books.changes[before:]:
        later.setdefault(change.subscription_id, []).append(change)
    looked_at = set()
    for row in told:
        at, own = row["effective_at"].timestamp(), later.get(row["subscription_id"], [])
        if at > now + DAYS_AHEAD * DAY or any(change.at < at for change in own) or in_dunning(world, row):
            continue
        happened = sum(change.after - change.before for change in own if change.at == at)
        assert abs(happened - int(row["mrr_delta"] * 1_000_000)) <= 1, row
        looked_at.add(row["kind"])
    assert {"cancellation", "discount", "phase"} <= looked_at


def in_dunning(world: World, row: dict[str, Any]) -> bool:
    """Whether an invoice of the subscription failed after the build: then what was scheduled may not come to it."""
    failures = [one for one in world.books.failures if one.subscription_id == row["subscription_id"]]
    return any(one.first_failed_at > world.business.end for one in failures)
