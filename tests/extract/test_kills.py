"""Killed at any point, a job goes on where it was, and what is held in the end is what an undisturbed one holds.

The points are drawn by a seed that a failure names; `KILL_SEED` draws others.
"""

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.extract import cursors
from pipelines.extract.catalogue import CATALOGUE
from pipelines.warehouse import tables
from sandbox.api.faults import KINDS, REASONS
from sandbox.serving import Sandbox, serving
from sandbox.world import shapes
from sandbox.world.business import Business
from sandbox.world.world import World

SEED = int(os.environ.get("KILL_SEED", "20261115"))
ROOT = Path(__file__).parents[2]
KILLS = 3
"""So many times each job is killed in a row."""


@dataclass(frozen=True)
class Nursery:
    """Starts jobs that may be killed; see `mortal.py`."""

    process: "subprocess.Popen[str]"

    def run(self, **job: Any) -> dict[str, Any]:
        """How a job ended and how far it came."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(job, default=str) + "\n")
        self.process.stdin.flush()
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    command = [sys.executable, "-m", "tests.extract.mortal"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        yield Nursery(process)
        assert process.stdin is not None
        process.stdin.close()


@pytest.fixture
def alive() -> Iterator[Sandbox]:
    """A small company's server that lives on when it is told to; some of its prices can't be read by a list alone."""
    world = World.grown(Business(customers=10, months=6, seed=5))
    for number in range(15):
        world.store.put(in_two_currencies(number, world))
    with serving(world, own_process=True) as running:
        yield running


def in_two_currencies(number: int, world: World) -> dict[str, Any]:
    """A price with tiers in dollars and in euros."""
    steps = [shapes.tier(up_to=None, unit_amount_decimal=str(100 + number))]
    return shapes.price(
        id=f"price_{number}",
        created=world.now - number,
        product=world.store.ids("product")[0],
        currency="usd",
        tiers_mode="volume",
        tiers=steps,
        currency_options={"eur": shapes.currency_option(tiers=steps)},
    )


@dataclass
class Trial:
    """The same jobs done twice: undisturbed into `calm`, killed again and again into `torn`."""

    nursery: Nursery
    folder: Path
    chance: random.Random
    survived: int = 0

    def both(self, job: Mapping[str, Any], meanwhile: Callable[[], None] = lambda: None) -> None:
        """Do a job in both and hold them against each other; only what is torn meets what is done meanwhile."""
        calm, torn, before = (self.folder / f"{name}.duckdb" for name in ("calm", "torn", "before"))
        met = self.nursery.run(warehouse=calm, **job)
        assert met["code"] == 0
        meanwhile()
        if torn.exists():
            shutil.copy(torn, before)
        ends: list[dict[str, Any]] = []
        while len(ends) < KILLS:
            ends.append(self._end(met))
            code = self.nursery.run(warehouse=torn, **ends[-1], **job)["code"]
            told = f"KILL_SEED={SEED}: {job} ended at {ends}"
            assert code in {0, -9}, told
            if code == 0:
                ends = []
                torn.unlink()
                if before.exists():
                    shutil.copy(before, torn)
        assert self.nursery.run(warehouse=torn, **job)["code"] == 0, told
        assert held(torn) == held(calm), told
        self.survived += len(ends)

    def _end(self, met: dict[str, Any]) -> dict[str, Any]:
        """A moment within the first half of what an undisturbed job meets, since several follow each other."""
        how = self.chance.choice(["seconds", "answers", "before_commit", "after_commit"])
        if how == "seconds":
            return {how: self.chance.uniform(0.05, 0.5) * met["seconds"]}
        return {"fate": {how: self.chance.randint(1, max(1, met[how] // 2))}}


@pytest.fixture
def trial(nursery: Nursery, tmp_path: Path, request: pytest.FixtureRequest) -> Trial:
    return Trial(nursery, tmp_path, random.Random(f"{SEED} {request.node.name}"))


def held(file: Path) -> dict[str, Any]:
    """Everything that later runs and figures go by; what is asked for twice is done once."""
    with duckdb.connect(file, read_only=True) as connection:
        connection.execute("set timezone = 'UTC'")
        accounts = connection.execute("select account_id from pipeline.accounts").fetchall()
        return {
            **{stream.name: _arrived(connection, stream.name) for stream in CATALOGUE},
            "positions": {id_: cursors.positions(connection, id_) for (id_,) in accounts},
            "pending": connection.execute("select distinct * from pipeline.pending order by all").fetchall(),
            **{table: _rows(connection, table) for table in ("swept", "imports", "oddities")},
        }


def _arrived(connection: duckdb.DuckDBPyConnection, table: str) -> list[tuple[Any, ...]]:
    """Every version, those of an object in the order in which they came; no two have the same place."""
    rows = connection.execute(
        "select seq, account_id, id, version_hash, api_version, deleted, payload, seen_by, changed_at "
        f"from raw.{table} order by account_id, id, seq"
    ).fetchall()
    assert len({seq for seq, *_ in rows}) == len(rows)
    return [tuple(rest) for _, *rest in rows]


def _rows(connection: duckdb.DuckDBPyConnection, table: str) -> list[tuple[Any, ...]]:
    there = tables.exists(connection, "pipeline", table)
    return connection.execute(f"from pipeline.{table} order by all").fetchall() if there else []


@pytest.mark.waits
def test_loads_refreshes_and_sweeps_that_are_killed_end_as_if_they_were_not(trial: Trial, alive: Sandbox) -> None:
    reads = {"url": alive.url, "key": alive.key}
    trial.both(reads)
    alive.advance(days=20.3)
    trial.both(reads)
    trial.both(reads | {"full": True})
    assert trial.survived == 3 * KILLS


@pytest.mark.waits
def test_a_load_that_is_killed_while_everything_goes_wrong_ends_as_if_nothing_had(trial: Trial, alive: Sandbox) -> None:
    def go_wrong() -> None:
        for kind in KINDS:
            if kind != "body":
                alive.fail(kind, probability=0.02 if kind == "hang" else 0.05, seconds=1.2)  # type: ignore[arg-type]
        for reason in REASONS:
            alive.fail("rate_limit", probability=0.04, reason=reason)

    trial.both({"url": alive.url, "key": alive.key}, go_wrong)
    assert trial.survived == KILLS


@pytest.mark.waits
def test_an_import_that_is_killed_ends_as_if_it_was_not(trial: Trial, alive: Sandbox) -> None:
    """Files with two versions of most objects, so that one that is taken twice or left out shows."""
    export, read = trial.folder / "export", trial.folder / "read.duckdb"
    export.mkdir()
    trial.nursery.run(warehouse=read, url=alive.url, key=alive.key)
    with duckdb.connect(read, read_only=True) as connection:
        for table in ("customers", "invoices", "charges", "prices"):
            rows = connection.execute(f"select payload::varchar from raw.{table}").fetchall()
            payloads = [payload for (payload,) in rows]
            later = [payload.replace('"livemode":', '"later":1,"livemode":') for payload in payloads[::2]]
            (export / f"{table}.ndjson").write_text("\n".join([*payloads, *later]))
    trial.both({"source": export, "exported": "2026-11-20T00:00:00+00:00"})
    assert trial.survived == KILLS
