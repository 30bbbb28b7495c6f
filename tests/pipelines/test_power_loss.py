"""A run that ends without warning: the next one ends as if nothing had happened, and readers see nothing broken."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines import settings
from pipelines.warehouse import publish
from sandbox.serving import Sandbox, serving
from sandbox.world.business import Business
from sandbox.world.world import World

ROOT = Path(__file__).parents[2]
ENDS: dict[str, dict[str, Any]] = {
    "once the sync is committed": {"at": "pipelines.build.staged"},
    "while tables are staged": {"at": "pipelines.warehouse.findings.sent", "nth": 12},
    "while the draft is written": {"at": "pipelines.warehouse.publish._copied", "nth": 30},
    "before the draft is renamed": {"at": "pipelines.warehouse.publish._put_in_place"},
    "before the pages are written": {"at": "pipelines.warehouse.publish._put_in_place", "after": True},
    "while the pages take their places": {"at": "dashboards.site._put_in_place", "nth": 40},
}
"""Functions of the run, before the named call of which it is killed, or `after` it, in the order of the run. Each run
starts from what the one before left behind."""


@dataclass(frozen=True)
class House:
    """A working folder, and the command in it."""

    process: "subprocess.Popen[str]"
    home: Path
    sandbox: Sandbox

    def revenue(self, *words: str, death: dict[str, Any] | None = None) -> int:
        """How the command ended; -9 where it was killed."""
        rates = self.home / "rates.csv"
        rates.parent.mkdir(exist_ok=True)
        rates.write_text(self.sandbox.fx_rates_csv())
        told = {
            "REVENUE_HOME": str(self.home),
            "STRIPE_API_KEY": self.sandbox.key,
            "STRIPE_API_BASE": self.sandbox.url,
        }
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"words": words, "settings": told, "death": death}) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        assert answer["code"] in {0, -9}, answer["printed"]
        code: int = answer["code"]
        return code

    def published(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every published row but what tells of the run that published it."""
        with duckdb.connect(self.home / "revenue.duckdb", read_only=True) as reader:
            reader.execute("set timezone = 'UTC'")
            return {
                contract.qualified_name(): reader.execute(
                    f"select columns(lambda c: c <> 'published_at') from {contract.qualified_name()} order by all"
                ).fetchall()
                for contract in publish.CONTRACTS
                if contract.table_name != "pipeline_runs"
            }

    def downloads(self) -> dict[str, bytes]:
        """Every table of the pages but those that tell of runs."""
        files = (self.home / "site" / "data").iterdir()
        return {
            file.name: file.read_bytes() for file in files if file.stem not in {"pipeline-runs", "published-tables"}
        }

    def pages_are_whole(self) -> bool:
        pages = list((self.home / "site").glob("*.html"))
        return len(pages) > 5 and all(page.read_text().rstrip().endswith("</html>") for page in pages)


@pytest.fixture
def houses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[House, House]]:
    """Two working folders of one small account: one for undisturbed runs, one for the others."""
    for name, _, _ in settings.described():
        monkeypatch.delenv(name, raising=False)
    command = [sys.executable, "-m", "tests.pipelines.mortal_command"]
    world = World.grown(Business(customers=10, months=4, seed=5))
    with (
        serving(world, own_process=True) as sandbox,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process,
    ):
        yield House(process, tmp_path / "calm", sandbox), House(process, tmp_path / "torn", sandbox)
        assert process.stdin is not None
        process.stdin.close()


@pytest.mark.waits
def test_a_run_that_was_killed_anywhere_is_made_good_by_the_next_one(houses: tuple[House, House]) -> None:
    calm, torn = houses
    assert calm.revenue("run") == 0
    shutil.copytree(calm.home, torn.home)
    before = torn.published()
    calm.sandbox.advance(days=9.2)
    assert calm.revenue("run") == 0
    after = calm.published()
    assert after != before
    for name, death in ENDS.items():
        assert torn.revenue("run", death=death) == -9, name
        assert torn.published() == (after if "pages" in name else before), name
        assert torn.pages_are_whole(), name
    assert torn.revenue("run") == 0
    assert torn.published() == after
    assert torn.downloads() == calm.downloads()
    assert torn.pages_are_whole()
    assert sorted(file.name for file in torn.home.iterdir()) == sorted(file.name for file in calm.home.iterdir())
    with duckdb.connect(torn.home / "revenue.duckdb", read_only=True) as reader:
        runs = reader.execute("select status, count(*) from marts.pipeline_runs group by all order by all").fetchall()
    assert runs == [("done", 2 + 1), ("failed", len(ENDS) - 1)]
