"""A build of a large account follows the customers that have changed, and comes to what a build of everything does."""

import re
import shutil
from pathlib import Path

import duckdb
import polars as pl
import pytest

from pipelines import build, settings
from pipelines.warehouse import following, keeping
from pipelines.warehouse.database import WarehouseFull, open_warehouse
from sandbox.serving import Sandbox
from tests.made_once import made_once
from tests.pipelines.conftest import Revenue, typed_in

pytestmark = [pytest.mark.long, pytest.mark.spread]


@pytest.fixture(scope="session")
def built(left_by_a_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The working folder of a company that was read and built, and is to be followed from there."""

    def build_in(home: Path) -> None:
        shutil.copytree(left_by_a_run, home, dirs_exist_ok=True)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(build, "FOLLOWED_FROM", 1)
            assert "Computed every customer anew: nothing is kept of a build before." in typed_in(home, "build")

    return made_once(tmp_path_factory, "built-to-be-followed", build_in)


@pytest.fixture
def followed(sandbox: Sandbox, home: Path, built: Path, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """A company that was read and built once, of a size that is followed."""
    monkeypatch.setattr(build, "FOLLOWED_FROM", 1)
    shutil.copytree(built, home, dirs_exist_ok=True)
    return sandbox


def marts(home: Path) -> dict[str, pl.DataFrame]:
    """The published marts but for what tells of the run itself."""
    with duckdb.connect(str(home / "revenue.duckdb"), read_only=True) as connection:
        connection.execute("set timezone = 'UTC'")
        names = connection.execute("select table_name from duckdb_tables() where schema_name = 'marts'").fetchall()
        told = {name for (name,) in names} - {"publication", "pipeline_runs"}
        return {name: connection.sql(f"from marts.{name}").pl().sort(pl.all()) for name in sorted(told)}


def test_what_changed_is_followed_and_equals_a_build_of_everything(
    followed: Sandbox, revenue: Revenue, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twice on one day, and two days later, when whoever pays in another currency is worth something else too."""
    monkeypatch.setattr(following, "MOST", 0.9)
    anew = []
    for days in (1 / 5, 1 / 5, 2):
        followed.advance(days=days)
        assert revenue("sync", "--quiet").code == 0
        said = revenue("build", "--quiet").out
        told = re.search(r"Computed (\d+) customers anew; the others", said)
        assert told, said
        anew.append(int(told[1]))
    assert 0 < sum(anew[:2]) < 10 < anew[2]
    made = marts(home)
    assert "Computed every customer anew: it was asked for." in revenue("build", "--full", "--quiet").out
    everything = marts(home)
    assert [name for name in everything if not made[name].equals(everything[name])] == []


def why_anew(home: Path) -> str | None:
    """Why a build of what is staged makes every customer anew; None where it follows."""
    with open_warehouse(home / "warehouse.duckdb") as connection:
        return build.modelled(connection, settings.load()).anew_because


def test_in_a_new_month_everything_is_made_anew(followed: Sandbox, revenue: Revenue, home: Path) -> None:
    followed.advance(days=20)
    revenue("sync", "--quiet")
    assert why_anew(home) == "a new month has begun"


def test_nothing_is_followed_without_the_file_that_was_published(followed: Sandbox, home: Path) -> None:
    (home / "revenue.duckdb").unlink()
    assert why_anew(home) == "revenue.duckdb can't be read"


def test_a_file_of_another_build_is_not_followed(followed: Sandbox, home: Path) -> None:
    with duckdb.connect(str(home / "revenue.duckdb")) as connection:
        connection.execute("update marts.publication set published_at = published_at + interval 1 second")
    assert why_anew(home) == "revenue.duckdb is of another build"


def test_what_is_sold_otherwise_is_not_followed(followed: Sandbox, home: Path) -> None:
    """There is no telling whose figures a changed price moves."""
    with duckdb.connect(str(home / "revenue.duckdb")) as connection:
        connection.execute(
            "update staging.products set name = 'Other' where id = (select min(id) from staging.products)"
        )
    assert why_anew(home) == "a row of products has changed"


def test_versions_that_are_gone_are_not_followed(followed: Sandbox, home: Path) -> None:
    with duckdb.connect(str(home / "warehouse.duckdb")) as connection:
        connection.execute("delete from raw.charges where seq = (select max(seq) from raw.charges)")
    assert why_anew(home) == "versions of charges are gone"


def test_a_build_that_breaks_off_leaves_nothing_to_follow(
    followed: Sandbox, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the marts of the new build and what is kept of it."""
    with monkeypatch.context() as broken, pytest.raises(WarehouseFull):
        broken.setattr(keeping, "write", _full)
        why_anew(home)
    assert why_anew(home) == "nothing is kept of a build before"


def _full(*_: object) -> None:
    raise duckdb.IOException("No space left on device")
