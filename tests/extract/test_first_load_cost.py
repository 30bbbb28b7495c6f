"""What a first load costs: hardly more requests than its lists have pages, and memory that does not grow with them."""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.extract.reading import PAGES_AT_ONCE, WINDOWS_AT_ONCE
from pipelines.extract.sync import sync
from pipelines.extract.writer import BYTES_A_COMMIT, BYTES_HELD, Batch, Writer
from sandbox.serving import serving
from sandbox.store import Store
from tests.extract.conftest import FAST, account_of, warehouse
from tests.still_world import DAY, NOW, StillWorld, empty_store

YEAR = 365 * DAY
PAGE = 100
PATIENT = replace(FAST, refusals=1_000)
AT_MOST = 1.10
"""Requests for a list over the fewest that it allows: one for a hundred objects, one where there are none."""


def account(moments: Sequence[int]) -> Store:
    """An account of five years with a charge at each moment."""
    store = empty_store()
    own = store.get("account", "acct_1")
    assert own is not None
    store.put({**own, "created": NOW - 5 * YEAR})
    for number, at in enumerate(moments):
        charge = {"id": f"ch_{number:05}", "object": "charge", "created": at, "amount": number, "livemode": False}
        store.put(charge)
    return store


def spread(count: int, over: int, until: int = NOW - DAY) -> list[int]:
    """That many moments, evenly, in the seconds before an instant."""
    return [until - place * over // count for place in range(count)]


def at_random(count: int, over: int) -> list[int]:
    """That many moments with no rhythm, so that windows do not end where pages do."""
    chance = random.Random(1)
    return [NOW - DAY - chance.randrange(over) for _ in range(count)]


@pytest.mark.parametrize(
    "moments",
    [
        pytest.param(spread(5_000, 4 * YEAR), id="even"),
        pytest.param(at_random(5_000, 4 * YEAR), id="at random"),
        pytest.param(spread(5_000, DAY, NOW - YEAR), id="one day"),
        pytest.param(spread(2_500, DAY) + spread(2_500, DAY, NOW - 4 * YEAR), id="two bursts years apart"),
        pytest.param([NOW - YEAR] * 1_000 + spread(4_000, 4 * YEAR), id="a thousand in one second among others"),
        pytest.param([NOW - YEAR] * 1_000, id="a thousand in one second alone"),
        pytest.param([], id="nothing at all"),
    ],
)
def test_a_first_load_costs_a_tenth_more_than_its_pages_at_most(moments: Sequence[int], tmp_path: Path) -> None:
    with serving(StillWorld(account(moments)), own_process=True) as running, warehouse(tmp_path) as connection:
        report = sync(connection, account_of(running))
        assert report.streams["charges"].objects == len(moments)
        endpoints = running.requests.endpoints
    fewest = max(1, -(-len(moments) // PAGE))
    assert endpoints.pop("GET /v1/charges") <= AT_MOST * fewest
    assert endpoints.pop("GET /v1/prices") == 2  # the active and the archived ones
    assert set(endpoints.values()) == {1}


def test_reading_waits_for_writing_so_that_memory_stays_flat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a first full commit is held up, reading goes on, for no more pages than may be held with it."""
    asked_by_then: list[int] = []
    may_wait: list[int] = []
    commit = Writer.commit

    def held_up(writer: Writer, group: Sequence[Batch]) -> None:
        if not asked_by_then and sum(batch.weight for batch in group) >= BYTES_A_COMMIT // 2:
            pages = [batch.weight for batch in group if len(batch.rows) == PAGE]
            may_wait.append(BYTES_HELD * len(pages) // sum(pages) + PAGES_AT_ONCE + WINDOWS_AT_ONCE)
            asked_by_then.append(settled(lambda: running.requests.endpoints["GET /v1/charges"]))
        commit(writer, group)

    monkeypatch.setattr(Writer, "commit", held_up)
    world = StillWorld(account(spread(60_000, 4 * YEAR)))
    with serving(world, own_process=True) as running, warehouse(tmp_path) as connection:
        report = sync(connection, account_of(running))
    assert report.streams["charges"].rows_written == 60_000
    assert may_wait[0] // 2 <= asked_by_then[0] <= may_wait[0] < 60_000 // PAGE


def test_one_list_is_read_in_several_places_at_once(tmp_path: Path) -> None:
    """A server that takes one request at a time for each list has to refuse some, and loses nothing by it."""
    with serving(StillWorld(account(spread(5_000, 4 * YEAR))), own_process=True) as running:
        running.limit(endpoint_concurrency=1, latency_ms=5)
        with warehouse(tmp_path) as connection:
            report = sync(connection, account_of(running, limits=PATIENT))
        refused = [entry for entry in running.requests.recent if entry["status"] == 429]
    assert report.streams["charges"].rows_written == 5_000
    assert {entry["path"] for entry in refused} >= {"/v1/charges"}


def test_an_interrupted_first_load_does_not_read_again_what_is_committed(tmp_path: Path) -> None:
    """60,000 charges are 600 pages; stopped after 550 of them, of which at least two hundred are committed."""

    class Stopped(Exception):  # noqa: N818
        pass

    def stop(stream: str, objects: int, requests: int, *, share: float, done: bool) -> None:
        if stream == "charges" and objects >= 55_000:
            raise Stopped

    world, count = StillWorld(account(spread(60_000, 4 * YEAR))), "select count(*), count(distinct id) from raw.charges"
    with serving(world, own_process=True) as running, warehouse(tmp_path) as connection:
        with pytest.raises(Stopped):
            sync(connection, account_of(running), progress=stop)
        ((committed, _),) = connection.execute(count).fetchall()
        report = sync(connection, account_of(running))
        assert connection.execute(count).fetchall() == [(60_000, 60_000)]
    assert committed >= 20_000
    assert report.streams["charges"].requests <= AT_MOST * (60_000 - committed) / PAGE


def settled(count: Callable[[], int]) -> int:
    """What a count comes to, once it has not changed for half a second."""
    last = count()
    while True:
        time.sleep(0.5)
        now = count()
        if now == last:
            return now
        last = now
