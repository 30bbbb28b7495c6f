"""The `revenue` command as a user types it, and small accounts for it to read."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import pytest

from pipelines import build, cli, settings
from sandbox.serving import Sandbox, serving
from sandbox.world.business import Business
from sandbox.world.world import World
from tests.made_once import made_once


@dataclass(frozen=True)
class Said:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str


Revenue = Callable[..., Said]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder, and no setting but that."""
    monkeypatch.chdir(tmp_path)
    for name, _, _ in settings.described():
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("REVENUE_HOME", str(tmp_path / "var"))
    return tmp_path / "var"


@pytest.fixture
def revenue(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Revenue:
    """Types `revenue …` and tells how it ended."""

    def typed(*words: str) -> Said:
        monkeypatch.setattr("sys.argv", ["revenue", *words])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        printed = capsys.readouterr()
        return Said(int(ended.value.code or 0), printed.out, printed.err)

    return typed


def company() -> World:
    """A small company's account; the same each time."""
    return World.grown(Business(customers=25, months=6))


@pytest.fixture(scope="session")
def left_by_a_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The working folder that `revenue run` leaves behind for the company."""

    def run_in(home: Path) -> None:
        with serving(company()) as served:
            (home / "rates.csv").write_text(served.fx_rates_csv())
            typed_in(home, "run", STRIPE_API_KEY=served.key, STRIPE_API_BASE=served.url)

    return made_once(tmp_path_factory, "left-by-a-run", run_in)


def typed_in(home: Path, command: str, **given: str) -> str:
    """Type a command that does what it should in a working folder, with no settings but those given; what it said."""
    said = StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(said):
        for name, _, _ in settings.described():
            patch.delenv(name, raising=False)
        for name, value in {"REVENUE_HOME": str(home), **given}.items():
            patch.setenv(name, value)
        patch.setattr("sys.argv", ["revenue", command, "--quiet"])
        with pytest.raises(SystemExit) as ended:
            cli.main()
    assert not ended.value.code
    return said.getvalue()


@pytest.fixture
def ran(sandbox: Sandbox, home: Path, left_by_a_run: Path) -> Sandbox:
    """The sandbox, once `revenue run` has been typed: a copy of what that left, which is quicker than to type it."""
    shutil.copytree(left_by_a_run, home, dirs_exist_ok=True)
    return sandbox


@pytest.fixture
def unrendered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs end without pages, which take a third of one: for tests of what comes before them."""
    monkeypatch.setattr(build, "rendered", lambda *_: [])


@pytest.fixture
def sandbox(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """A small company's account, which the settings name."""
    with serving(company()) as served:
        home.mkdir()
        (home / "rates.csv").write_text(served.fx_rates_csv())
        monkeypatch.setenv("STRIPE_API_KEY", served.key)
        monkeypatch.setenv("STRIPE_API_BASE", served.url)
        yield served
