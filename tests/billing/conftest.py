"""A store on each database, and the actions that tests put into it."""

import shutil
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import psycopg
import pytest

from billing.store import Store, open_store
from sandbox.serving import Sandbox, serving
from sandbox.world.world import World
from tests import postgres
from tests.billing.account import Scene, company, unpaced

_NUMBERS = count(1)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """A PostgreSQL server, by the URL of its first database."""
    if postgres.programs() is None:
        pytest.skip(postgres.MISSING)
    with postgres.server() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str | None:
    """The URL of an empty operations database; None for SQLite's default place."""
    if request.param == "sqlite":
        return None
    first: str = request.getfixturevalue("postgresql")
    name = f"operations_{next(_NUMBERS)}"
    with psycopg.connect(first, autocommit=True) as connection:
        connection.execute(f"create database {name}".encode())
    return first.replace("/postgres?", f"/{name}?")


@pytest.fixture
def store(url: str | None, tmp_path: Path) -> Iterator[Store]:
    """An operational store, on each database in turn."""
    opened = open_store(url, tmp_path)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def grown() -> World:
    """A small company; it stands still here, and lives on in the copies of it that are served."""
    return company()


@pytest.fixture
def sandbox(grown: World) -> Iterator[Sandbox]:
    """The company's account, the same each time: a process forked from this one has it, which spares growing it."""
    with serving(grown, own_process=True) as served:
        yield served


@pytest.fixture
def both(sandbox: Sandbox, store: Store) -> Scene:
    """The account with a store beside it, in each database in turn."""
    return Scene(sandbox, store, unpaced(sandbox))


@pytest.fixture
def scene(sandbox: Sandbox, tmp_path: Path) -> Iterator[Scene]:
    """The account with a store beside it, in SQLite: what the store does the same in both is tested by itself."""
    opened = open_store(None, tmp_path)
    yield Scene(sandbox, opened, unpaced(sandbox))
    opened.close()


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty operations database in SQLite, migrated."""
    folder = tmp_path_factory.mktemp("migrated")
    open_store(None, folder).close()
    return folder / "operations.sqlite"


@pytest.fixture
def sqlite(tmp_path: Path, migrated: Path) -> Iterator[Store]:
    """An operational store in SQLite alone."""
    shutil.copy(migrated, tmp_path / migrated.name)
    opened = open_store(None, tmp_path)
    yield opened
    opened.close()
