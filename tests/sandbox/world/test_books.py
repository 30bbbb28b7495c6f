"""The books add up in themselves, and with the money that the account shows."""

from collections import defaultdict
from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from sandbox.world.books import Books, Leaving, Worth
from sandbox.world.periods import DAY, instant
from sandbox.world.world import World

Objects = Callable[[str], list[dict[str, Any]]]
ZONE = "America/New_York"


def worth(micros: int, item: str = "si_1") -> list[Worth]:
    return [Worth(item, f"sub_{item}", "cus_1", "prod_1", "price_1", "usd", micros)]


def test_movements_sum_to_the_worth_of_today(world: World) -> None:
    for zone in (ZONE, "UTC", "Asia/Tokyo"):
        sums: dict[str, int] = defaultdict(int)
        for movement in world.books.movements(zone):
            sums[movement.currency] += movement.after - movement.before
        assert {code: total for code, total in sums.items() if total} == world.books.mrr_at(world.now)


def test_changes_follow_from_one_to_the_next_and_never_go_below_nothing(world: World) -> None:
    held: dict[str, int] = defaultdict(int)
    for change in sorted(world.books.changes, key=lambda change: change.at):
        assert held[change.subscription_item_id] == change.before
        assert change.after >= 0
        assert change.after != change.before
        held[change.subscription_item_id] = change.after
    assert {item: micros for item, micros in held.items() if micros} == world.books.item_mrr_at(world.now)


def test_a_customer_is_new_once_and_returns_only_after_leaving(world: World) -> None:
    follows = {None: {"new"}, "churn": {"reactivation"}}
    last: dict[tuple[str, str], str] = {}
    for movement in world.books.movements(ZONE):
        key = movement.customer_id, movement.currency
        allowed = follows.get(last.get(key), {"expansion", "contraction", "churn"})
        assert movement.kind in allowed, movement
        last[key] = movement.kind


def test_every_churn_movement_has_its_reason_in_the_books(world: World) -> None:
    days = {
        (churn.customer_id, datetime.fromtimestamp(churn.at, ZoneInfo(ZONE)).date()) for churn in world.books.churns
    }
    assert days == {
        (movement.customer_id, movement.day) for movement in world.books.movements(ZONE) if movement.kind == "churn"
    }


def test_nobody_is_away_for_about_a_week(world: World) -> None:
    last: dict[str, Any] = {}
    for movement in world.books.movements(ZONE):
        if not movement.before and movement.customer_id in last:
            away = (movement.day - last[movement.customer_id]).days
            assert away <= 1 or away > 8
        if not movement.after:
            last[movement.customer_id] = movement.day


def test_one_subscription_changes_at_most_once_in_a_second(world: World) -> None:
    seen = set()
    for change in world.books.changes:
        key = change.subscription_item_id, change.at, change.cause
        assert key not in seen
        seen.add(key)


def test_a_week_away_is_no_churn_and_eight_days_are() -> None:
    for days_away, kinds in ((7, ["new", "contraction", "expansion"]), (8, ["new", "churn", "reactivation"])):
        books, start = Books(), instant(2026, 3, 1, 12)
        books.note(start, "new", worth(1_000_000))
        books.note(start + 10 * DAY, "cancel", worth(0), Leaving("voluntary"))
        books.note(start + (10 + days_away) * DAY, "new", worth(2_000_000, "si_2"))
        assert [movement.kind for movement in books.movements("UTC")] == kinds
        assert len(books.churns) == (0 if days_away == 7 else 1)


def test_a_switch_within_the_day_is_one_movement() -> None:
    books, start = Books(), instant(2026, 3, 1, 12)
    books.note(start, "new", worth(1_000_000))
    books.note(start + DAY, "cancel", worth(0), Leaving("voluntary"))
    books.note(start + DAY, "new", worth(3_000_000, "si_2"))
    assert [(each.kind, each.after) for each in books.movements("UTC")] == [
        ("new", 1_000_000),
        ("expansion", 3_000_000),
    ]
    assert books.churns == []


def test_the_balance_is_the_sum_of_its_entries(world: World, objects: Objects) -> None:
    sums: dict[str, int] = defaultdict(int)
    for entry in objects("balance_transaction"):
        sums[entry["currency"]] += entry["net"]
    assert dict(sums) == world.books.balance_at(world.now)
    balance = objects("balance")[0]
    shown: dict[str, int] = defaultdict(int)
    for part in (*balance["available"], *balance["pending"]):
        shown[part["currency"]] += part["amount"]
    assert dict(shown) == dict(sums)


def test_refunds_and_disputes_stand_in_the_books_as_the_account_shows_them(world: World, objects: Objects) -> None:
    shown = {each["id"]: (each["amount"], each["status"]) for each in objects("refund")}
    assert shown == {entry.refund_id: (entry.amount, entry.status) for entry in world.books.refunds}
    cases = {each["id"]: (each["amount"], each["status"]) for each in objects("dispute")}
    assert cases == {entry.dispute_id: (entry.amount, entry.status) for entry in world.books.disputes}


@pytest.mark.parametrize("status", ["canceled", "incomplete", "incomplete_expired", "paused", "trialing", "unpaid"])
def test_what_does_not_count_is_worth_nothing(world: World, objects: Objects, status: str) -> None:
    worthy = world.books.item_mrr_at(world.now)
    items = [
        item["id"]
        for subscription in objects("subscription")
        if subscription["status"] == status
        for item in subscription["items"]["data"]
    ]
    assert not worthy.keys() & set(items)
