"""A run that ends without warning: the next one ends as if nothing had happened, and readers see nothing broken."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.warehouse import publish
from sandbox.serving import serving
from tests.pipelines.conftest import company
from tests.pipelines.houses import House, typist

ENDS: dict[str, dict[str, Any]] = {
    "once the sync is committed": {"at": "pipelines.build.staged"},
    "while tables are staged": {"at": "pipelines.warehouse.findings.sent", "nth": 12},
    "while the draft is written": {"at": "pipelines.warehouse.publish._copied", "nth": 30},
    "before the draft is renamed": {"at": "pipelines.warehouse.replacing.put_in_place"},
    "before the pages are written": {"at": "pipelines.warehouse.replacing.put_in_place", "after": True},
    "while the pages take their places": {"at": "dashboards.site._put_in_place", "nth": 40},
}
"""Functions of the run, before the named call of which it is killed, or `after` it, in the order of the run. Each run
starts from what the one before left behind."""


@pytest.fixture
def houses(tmp_path: Path, left_by_a_run: Path) -> Iterator[tuple[House, House]]:
    """Two working folders of one small account after a run: one for undisturbed runs, one for the others."""
    with serving(company(), own_process=True) as sandbox, typist() as process:
        calm, torn = (shutil.copytree(left_by_a_run, tmp_path / name) for name in ("calm", "torn"))
        yield House(process, calm, sandbox), House(process, torn, sandbox)


def published(house: House) -> dict[str, list[tuple[Any, ...]]]:
    """Every published row but what tells of the run that published it."""
    with duckdb.connect(house.home / "revenue.duckdb", read_only=True) as reader:
        reader.execute("set timezone = 'UTC'")
        return {
            contract.qualified_name(): reader.execute(
                f"select columns(lambda c: c <> 'published_at') from {contract.qualified_name()} order by all"
            ).fetchall()
            for contract in publish.CONTRACTS
            if contract.table_name != "pipeline_runs"
        }


def downloads(house: House) -> dict[str, bytes]:
    """Every table of the pages but those that tell of runs."""
    files = (house.home / "site" / "data").iterdir()
    return {file.name: file.read_bytes() for file in files if file.stem not in {"pipeline-runs", "published-tables"}}


def pages_are_whole(house: House) -> bool:
    pages = list((house.home / "site").glob("*.html"))
    return len(pages) > 5 and all(page.read_text().rstrip().endswith("</html>") for page in pages)


@pytest.mark.waits
def test_a_run_that_was_killed_anywhere_is_made_good_by_the_next_one(houses: tuple[House, House]) -> None:
    calm, torn = houses
    before = published(torn)
    calm.sandbox.advance(days=9.2)
    assert calm.revenue("run").code == 0
    after = published(calm)
    assert after != before
    for name, death in ENDS.items():
        assert torn.revenue("run", death=death).code == -9, name
        assert published(torn) == (after if "pages" in name else before), name
        assert pages_are_whole(torn), name
    assert torn.revenue("run").code == 0
    assert published(torn) == after
    assert downloads(torn) == downloads(calm)
    assert pages_are_whole(torn)
    assert sorted(file.name for file in torn.home.iterdir()) == sorted(file.name for file in calm.home.iterdir())
    with duckdb.connect(torn.home / "revenue.duckdb", read_only=True) as reader:
        runs = reader.execute("select status, count(*) from marts.pipeline_runs group by all order by all").fetchall()
    assert runs == [("done", 2 + 1), ("failed", len(ENDS) - 1)]
