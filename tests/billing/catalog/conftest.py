"""Accounts without customers, and the engine that changes their catalogue."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from billing.catalog import file
from billing.catalog.account import Account, read
from billing.catalog.apply import Carried
from billing.store import open_store
from sandbox.serving import serving
from sandbox.world.business import Business
from sandbox.world.world import World
from tests.billing.account import Scene, unpaced
from tests.billing.catalog.told import CATALOG, made


@dataclass(frozen=True)
class Sold:
    """An account once the catalogue was applied to it: its world, its store, what was read of it, what was done."""

    world: World
    home: Path
    account: Account
    done: list[Carried]


@pytest.fixture(scope="session")
def sold(tmp_path_factory: pytest.TempPathFactory) -> Sold:
    """An account of nobody's that sells the simulated company's catalogue, and then the tests' own besides."""
    world, home = World.grown(Business(customers=0, months=1)), tmp_path_factory.mktemp("sold")
    with serving(world) as served:
        store = open_store(None, home)
        scene = Scene(served, store, unpaced(served))
        done = made(scene, file.read(CATALOG))
        account = read(scene.wire)
        store.close()
    return Sold(world, home, account, done)


@pytest.fixture
def shop(sold: Sold, tmp_path: Path) -> Iterator[Scene]:
    """A copy of that account and its store, to be changed."""
    home = shutil.copytree(sold.home, tmp_path / "shop")
    with serving(sold.world, own_process=True) as served:
        store = open_store(None, home)
        yield Scene(served, store, unpaced(served))
        store.close()


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[Scene]:
    """The account before the catalogue was applied to it."""
    with serving(World.grown(Business(customers=0, months=1))) as served:
        store = open_store(None, tmp_path / "bare")
        yield Scene(served, store, unpaced(served))
        store.close()
