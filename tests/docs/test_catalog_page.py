"""docs/catalog.md: the walk-through, typed as it is, raises a price; its example is a catalogue; its table is full."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from billing.catalog import file
from billing.catalog.entries import Catalog
from pipelines import settings
from sandbox.serving import serving
from sandbox.world.business import Business
from sandbox.world.world import World
from tests.pipelines.houses import House, typist

PAGE = (Path(__file__).parents[2] / "docs" / "catalog.md").read_text()

pytestmark = pytest.mark.waits


def commands() -> Iterator[str]:
    """The lines of the page's shell blocks."""
    for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL):
        yield from block.splitlines()


def test_the_walk_through_raises_a_price(tmp_path: Path) -> None:
    start, *rest = commands()
    options = dict(zip(*[iter(shlex.split(start)[3:])] * 2, strict=True))
    world = World.grown(Business(customers=int(options["--customers"]), months=int(options["--months"])))
    printed: list[tuple[int, str]] = []
    with serving(world) as sandbox, typist() as process:
        house = House(process, tmp_path / "walk", sandbox)
        for line in rest:
            printed += typed(line.replace("walk/", f"{house.home}/"), house)
    imported, same, drift, dry, done, after, trail = printed
    assert "1 portals" in imported[1]
    assert (same[0], "is as the file says" in same[1]) == (0, True)
    assert (drift[0], "replace  price  starter-usd-month  amount: 1900 → 2100" in drift[1]) == (3, True)
    shown = [line.strip() for line in re.findall(r"^    (.*)$", PAGE, re.MULTILINE) if "subscriptions stay" in line]
    assert shown[0] in drift[1]
    assert (dry[0], "Dry run" in dry[1]) == (0, True)
    assert (done[0], done[1].count("  done\n")) == (0, 2)
    assert (after[0], "is as the file says" in after[1]) == (0, True)
    assert "whole" in trail[1]


def typed(line: str, house: House) -> Iterator[tuple[int, str]]:
    """What a line of `revenue` ends with and prints; others are only done."""
    if line.startswith("export "):
        assert {word.split("=")[0] for word in line.split()[1:]} <= {name for name, _, _ in settings.described()}
    elif line.startswith("revenue "):
        ended = house.revenue(*shlex.split(line)[1:])
        yield ended.code, ended.printed
    else:
        subprocess.run(["bash", "-c", line], check=True)


def test_the_example_is_a_catalogue_that_says_what_there_is() -> None:
    example, last = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    catalog = file.read(example + last)
    assert [name for name in Catalog.model_fields if not getattr(catalog, name)] == []
    assert file.read(file.written(catalog)) == catalog


def test_the_fault_that_is_shown_is_how_a_fault_is_told() -> None:
    example, _ = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    wrong = example.replace("pro-year: {currency: usd", "pro-year: {currency: USD")
    line = wrong[: wrong.index("pro-year:")].count("\n") + 1
    with pytest.raises(Exception, match=f"line {line}, products.pro.prices.pro-year.currency") as refused:
        file.read(wrong, "catalog.yaml")
    assert str(refused.value).splitlines()[-1].strip() in PAGE
