"""One grown company for all tests of the world; whoever advances a world grows a small one of their own."""

from collections.abc import Callable
from typing import Any

import pytest

from sandbox.world.business import Business
from sandbox.world.world import World

Objects = Callable[[str], list[dict[str, Any]]]


@pytest.fixture(scope="session")
def world() -> World:
    """The default company, grown to its end: not to be advanced."""
    return World.grown(Business())


@pytest.fixture(scope="session")
def objects(world: World) -> Objects:
    """All complete objects of a kind in the default company."""
    known: dict[str, list[dict[str, Any]]] = {}

    def of_kind(kind: str) -> list[dict[str, Any]]:
        if kind not in known:
            known[kind] = [_there(world, kind, each) for each in world.store.ids(kind)]
        return known[kind]

    return of_kind


def _there(world: World, kind: str, id_: str) -> dict[str, Any]:
    found = world.store.get(kind, id_)
    assert found is not None
    return found
