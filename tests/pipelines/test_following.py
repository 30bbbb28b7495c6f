"""A build of a large account follows the customers that have changed, and comes to what a build of everything does."""

import re
import shutil
from pathlib import Path

import duckdb
import polars as pl
import pytest

from pipelines import build
from pipelines.warehouse import keeping
from sandbox.serving import Sandbox
from tests.made_once import made_once
from tests.pipelines.conftest import Revenue, typed_in


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
    followed: Sandbox, revenue: Revenue, home: Path
) -> None:
    anew = 0
    for _ in range(2):
        followed.advance(days=1 / 5)
        assert revenue("sync", "--quiet").code == 0
        told = re.search(r"Computed (\d+) customers anew; the others", revenue("build", "--quiet").out)
        assert told
        anew += int(told[1])
    assert 0 < anew < 10
    made = marts(home)
    assert "Computed every customer anew: it was asked for." in revenue("build", "--full", "--quiet").out
    everything = marts(home)
    assert [name for name in everything if not made[name].equals(everything[name])] == []


def test_the_day_after_everything_is_made_anew(followed: Sandbox, revenue: Revenue) -> None:
    followed.advance(days=1)
    revenue("sync", "--quiet")
    assert "anew: rules, rates, the program or the day are others." in revenue("build", "--quiet").out


def test_nothing_is_followed_without_the_file_that_was_published(
    followed: Sandbox, revenue: Revenue, home: Path
) -> None:
    (home / "revenue.duckdb").unlink()
    assert "anew: revenue.duckdb can't be read." in revenue("build", "--quiet").out


def test_a_file_of_another_build_is_not_followed(followed: Sandbox, revenue: Revenue, home: Path) -> None:
    with duckdb.connect(str(home / "revenue.duckdb")) as connection:
        connection.execute("update marts.publication set published_at = published_at + interval 1 second")
    assert "anew: revenue.duckdb is of another build." in revenue("build", "--quiet").out


def test_what_is_sold_otherwise_is_not_followed(followed: Sandbox, revenue: Revenue, home: Path) -> None:
    """There is no telling whose figures a changed price moves."""
    with duckdb.connect(str(home / "revenue.duckdb")) as connection:
        connection.execute(
            "update staging.products set name = 'Other' where id = (select min(id) from staging.products)"
        )
    assert "anew: a row of products has changed." in revenue("build", "--quiet").out


def test_versions_that_are_gone_are_not_followed(followed: Sandbox, revenue: Revenue, home: Path) -> None:
    with duckdb.connect(str(home / "warehouse.duckdb")) as connection:
        connection.execute("delete from raw.charges where seq = (select max(seq) from raw.charges)")
    assert "anew: versions of charges are gone." in revenue("build", "--quiet").out


def test_a_build_that_breaks_off_leaves_nothing_to_follow(
    followed: Sandbox, revenue: Revenue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the marts of the new build and what is kept of it."""
    with monkeypatch.context() as broken:
        broken.setattr(keeping, "write", _full)
        assert revenue("build", "--quiet").code == 1
    assert "Computed every customer anew: nothing is kept of a build before." in revenue("build", "--quiet").out


def _full(*_: object) -> None:
    raise duckdb.IOException("No space left on device")
