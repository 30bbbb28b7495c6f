"""A small company that lives, served to the SDK with a key that may write."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sandbox.serving import Sandbox, serving
from sandbox.world.business import Business
from sandbox.world.world import World
from tests.sandbox.writes.owner import Owner

SMALL = Business(seed=7, customers=110, months=5)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """Tests of a file share it: each takes a customer of its own."""
    with serving(World.grown(SMALL)) as running:
        yield running


@pytest.fixture(scope="module")
def owner(sandbox: Sandbox) -> Owner:
    return Owner(sandbox)


@pytest.fixture(scope="module")
def client(owner: Owner) -> Any:
    return owner.client


@pytest.fixture
def fails(sandbox: Sandbox) -> Iterator[Callable[..., None]]:
    """Adds faults; none is left after the test."""
    yield sandbox.fail
    sandbox.heal()
