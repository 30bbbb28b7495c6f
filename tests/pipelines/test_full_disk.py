"""A disk that fills up while Stripe is read: it is said, nothing is half-written, and with room again it goes on."""

import os
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from sandbox.serving import serving
from sandbox.world.business import Business
from sandbox.world.world import World
from tests.extract.conftest import versions
from tests.pipelines.houses import House, typist


@pytest.fixture
def houses(tmp_path: Path) -> Iterator[tuple[House, House]]:
    world = World.grown(Business(customers=40, months=14, seed=11))
    with serving(world, own_process=True) as sandbox, typist() as process:
        yield House(process, tmp_path / "roomy", sandbox), House(process, tmp_path / "full", sandbox)


@pytest.mark.waits
def test_a_disk_that_fills_up_while_stripe_is_read_is_said_and_what_was_committed_is_kept(
    houses: tuple[House, House],
) -> None:
    """No file may grow beyond so many bytes: too few for the empty tables, for the first pages, for all of them."""
    roomy, full = houses
    assert roomy.revenue("sync").code == 0
    for largest in (100_000, 900_000, 1_700_000):
        said = full.revenue("sync", largest=largest)
        assert said.code == 1, said.printed
        assert f"The disk of {full.home} is full" in said.printed
        assert "Traceback" not in said.printed
        assert not (full.home / "logs").exists()
    assert full.revenue("sync").code == 0
    assert _versions(full) == _versions(roomy)


def _versions(house: House) -> object:
    with duckdb.connect(house.home / "warehouse.duckdb", read_only=True) as connection:
        return versions(connection)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_is_named(houses: tuple[House, House]) -> None:
    house, _ = houses
    house.home.mkdir()
    house.home.chmod(0o500)
    said = house.revenue("sync")
    house.home.chmod(0o700)
    assert said.code == 1
    assert f"{house.home / 'warehouse.duckdb.lock'}: Permission denied" in said.printed
    assert list(house.home.iterdir()) == []
