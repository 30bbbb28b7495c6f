"""The same settings give the same world, however it is brought to its instant."""

from typing import Any

import pytest

from sandbox.world.business import Business
from sandbox.world.world import World

DAY = 86_400


def everything(world: World) -> dict[tuple[str, str], dict[str, Any] | None]:
    return {(kind, each): world.store.get(kind, each) for kind in world.store.kinds() for each in world.store.ids(kind)}


@pytest.mark.parametrize("seed", [1, 7, 2026])
def test_the_same_seed_grows_the_same_world(seed: int) -> None:
    business = Business(seed=seed, customers=40, months=6)
    one, other = World.grown(business), World.grown(business)
    assert everything(one) == everything(other)
    assert one.books == other.books


def test_another_seed_grows_another_world() -> None:
    one, other = (World.grown(Business(seed=seed, customers=20, months=3)) for seed in (1, 2))
    assert one.books.mrr_at(one.now) != other.books.mrr_at(other.now)
    assert set(one.store.ids("customer")).isdisjoint(other.store.ids("customer"))


@pytest.mark.parametrize("seed", [7, 11])
def test_living_on_in_uneven_steps_equals_growing_in_one_go(seed: int) -> None:
    business = Business(seed=seed, customers=120, months=9)
    grown = World.grown(business)
    lived = World(business)
    for days_before in (60, 59.6, 41.3, 41.25, 30.001, 20, 7, 6.99, 1, 0.5, 0):
        lived.advance_to(int(business.end - days_before * DAY))
    assert everything(lived) == everything(grown)
    assert lived.books == grown.books


def test_events_of_the_last_thirty_days_are_kept_and_no_older_ones() -> None:
    world = World.grown(Business(customers=40, months=4))
    world.advance_to(world.now + 12 * DAY)
    created = [event["created"] for (kind, _), event in everything(world).items() if kind == "event" and event]
    assert min(created) >= world.now - 30 * DAY
    assert max(created) > world.now - 2 * DAY
    assert min(created) < world.now - 27 * DAY


def test_new_customers_keep_coming_after_the_end() -> None:
    world = World.grown(Business(customers=60, months=6))
    before = world.store.count("customer")
    world.advance_to(world.now + 60 * DAY)
    assert world.store.count("customer") > before + 10


def test_the_past_is_refused() -> None:
    world = World(Business(customers=5, months=2))
    world.advance_to(world.now + DAY)
    with pytest.raises(ValueError, match="cannot go back"):
        world.advance_to(world.now - 1)


@pytest.mark.parametrize(("customers", "months"), [(1, 1), (5, 2), (12, 40)])
def test_small_and_long_businesses_grow(customers: int, months: int) -> None:
    world = World.grown(Business(customers=customers, months=months))
    assert abs(world.store.count("customer") - customers) <= 2
