"""An erasure that is killed at any step says that it is done only once it is, and the same command goes on."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from billing import erasures
from billing.apply import LEASE
from billing.store import open_store
from sandbox.serving import serving
from sandbox.world.business import Business
from sandbox.world.world import World
from tests.made_once import made_once
from tests.pipelines.conftest import typed_in
from tests.pipelines.houses import House, Typist, typist
from tests.pipelines.test_erasure import PERSON, holding, planted

pytestmark = [pytest.mark.waits, pytest.mark.spread]

STEPS: dict[str, dict[str, Any]] = {
    "the cancellation is sent": {"at": "billing.apply._sent", "after": True},
    "the customer is deleted": {"at": "billing.farewell.ended", "after": True},
    "raw is rewritten, not committed": {"at": "pipelines.warehouse.erased.erase", "after": True},
    "before the file is written anew": {"at": "pipelines.warehouse.replacing.put_in_place", "nth": 2},
    "certified, without its files": {"at": "billing.erasures.finish", "after": True},
}


def small() -> tuple[World, str]:
    return planted(World.grown(Business(customers=12, months=3)))


@pytest.fixture(scope="module")
def process() -> Iterator[Typist]:
    with typist() as running:
        yield running


@pytest.fixture(scope="session")
def left(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The working folder that a run leaves behind, but for the pages, which take longest to make."""

    def read_and_built(home: Path) -> None:
        with serving(small()[0]) as sandbox:
            (home / "rates.csv").write_text(sandbox.fx_rates_csv())
            typed_in(home, "sync", STRIPE_API_KEY=sandbox.key, STRIPE_API_BASE=sandbox.url)
        typed_in(home, "build")

    return made_once(tmp_path_factory, "left-with-a-person", read_and_built)


@pytest.mark.parametrize("step", STEPS)
def test_the_same_command_goes_on_after_a_kill(process: Typist, left: Path, tmp_path: Path, step: str) -> None:
    home = shutil.copytree(left, tmp_path / "var")
    world, customer = small()
    with serving(world) as sandbox:
        house = House(process, home, sandbox)
        command = ("erase", customer, "--execute", "--quiet", "--by", "mara")
        assert house.revenue(*command, death=STEPS[step]).code == -9
        is_done = step == "certified, without its files"
        assert [each.certificate is not None for each in begun(home)] == [is_done]
        sandbox.advance(days=LEASE.total_seconds() / 86_400 + 0.001)
        again = house.revenue(*command)
        assert again.code == 0, again.printed
        assert holding(home) == {}
        assert all(each.certificate for each in begun(home))
        assert len(list((home / "erasures").glob("*.html"))) == len(begun(home))
        assert house.revenue("audit", "verify").code == 0
        deleted = [each for each in sandbox.world.store.ids("customer") if each == customer]
        assert deleted == []


def test_here_alone_a_file_that_nobody_knows_is_named_and_stripe_left_as_it_is(
    process: Typist, left: Path, tmp_path: Path
) -> None:
    home = shutil.copytree(left, tmp_path / "var")
    world, customer = small()
    (home / "notes.txt").write_text(f"call {PERSON['email']}")
    with serving(world) as sandbox:
        house = House(process, home, sandbox)
        said = house.revenue("erase", customer, "--execute", "--local-only", "--quiet", "--by", "mara")
        assert (said.code, "by hand: notes.txt" in said.printed) == (3, True), said.printed
        assert set(holding(home)) == {"notes.txt"}
        assert customer in world.store.ids("customer")
        assert house.revenue("sync", "--full", "--quiet").code == 0
        assert set(holding(home)) == {"notes.txt"}


def begun(home: Path) -> list[erasures.Erasure]:
    store = open_store(None, home)
    found = erasures.listed(store)
    store.close()
    return found
