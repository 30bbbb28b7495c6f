"""Small Stripe accounts behind real servers, and ways to compare what was read of them."""

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol

import duckdb
import pytest

from pipelines.extract.account import Account, Limits
from pipelines.extract.catalogue import CATALOGUE
from pipelines.warehouse.database import open_warehouse
from sandbox.api.settings import Settings
from sandbox.clock import World as Served
from sandbox.serving import Sandbox, serving
from sandbox.world.business import Business
from sandbox.world.world import World

FAST = Limits(account_rate=0, endpoint_rate=0, first_delay=0.01, longest_delay=0.05, read_timeout=10.0)
"""No pacing, and repetitions without a pause worth speaking of."""


class Serve(Protocol):
    def __call__(
        self, world: Served, settings: Settings | None = None, *, own_process: bool = False
    ) -> AbstractContextManager[Sandbox]: ...


def account_of(sandbox: Sandbox, key: str | None = None, limits: Limits = FAST) -> Account:
    return Account(key or sandbox.key, sandbox.url, limits=limits)


@contextmanager
def warehouse(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_warehouse(folder / "warehouse.duckdb", threads=2) as connection:
        yield connection


def current(connection: duckdb.DuckDBPyConnection, stream: str) -> dict[str, tuple[bool, Any]]:
    """What is held of a stream now: deleted or not, and the payload."""
    rows = connection.execute(
        f"select id, arg_max(deleted, seq), arg_max(payload, seq) from raw.{stream} group by id"
    ).fetchall()
    return {id_: (deleted, json.loads(payload)) for id_, deleted, payload in rows}


def everything(connection: duckdb.DuckDBPyConnection) -> dict[str, dict[str, tuple[bool, Any]]]:
    """What is held of all streams now."""
    return {stream.name: current(connection, stream.name) for stream in CATALOGUE}


def versions(connection: duckdb.DuckDBPyConnection) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every raw table, but for when and in which order it arrived."""
    return {
        stream.name: connection.execute(
            f"select account_id, id, version_hash, api_version, deleted, payload from raw.{stream.name} order by all"
        ).fetchall()
        for stream in CATALOGUE
    }


@pytest.fixture(scope="session")
def grown() -> World:
    """A small company of two years. Servers fork, so that no test changes it."""
    return World.grown(Business(customers=40, months=14, seed=11))


@pytest.fixture
def sandbox(grown: World) -> Iterator[Sandbox]:
    """A server of its own over the small company."""
    with serving(grown, own_process=True) as running:
        yield running
