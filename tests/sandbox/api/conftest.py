"""One server over the account made by hand, for all tests of this room."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import stripe

from sandbox.serving import Sandbox, serving
from tests.sandbox.api.account import Ask, StillWorld, ask_of, client_of, hand_made_account


@pytest.fixture(scope="session")
def world() -> StillWorld:
    """The account; tests do not change it."""
    return StillWorld(hand_made_account())


@pytest.fixture(scope="session")
def sandbox(world: StillWorld) -> Iterator[Sandbox]:
    with serving(world) as running:
        yield running


@pytest.fixture
def ask(sandbox: Sandbox) -> Ask:
    return ask_of(sandbox.url)


@pytest.fixture
def client(sandbox: Sandbox) -> stripe.StripeClient:
    return client_of(sandbox)
