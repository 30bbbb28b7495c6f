"""Whatever goes wrong on the way, what is held in the end is the same; and what can't be mended is said."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pipelines.extract import cursors
from pipelines.extract.account import Limits
from pipelines.extract.sync import StreamsFailed, sync
from sandbox.api.faults import REASONS
from sandbox.serving import Sandbox, serving
from sandbox.world.world import World
from tests.extract.conftest import FAST, account_of, versions, warehouse

HARM: dict[str, dict[str, Any]] = {
    "server_error": {"probability": 0.2},
    "rate_limit": {"probability": 0.3, "reason": "endpoint-rate"},
    "lock_timeout": {"probability": 0.2},
    "conflict": {"probability": 0.2},
    "reset": {"probability": 0.2},
    "cut": {"probability": 0.2},
    "not_a_list": {"probability": 0.2},
    "garbage": {"probability": 0.2},
    "hang": {"times": 2, "seconds": 2.0},
}


@pytest.fixture(scope="module")
def undisturbed(grown: World, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[Any, ...]]]:
    with serving(grown, own_process=True) as running, warehouse(tmp_path_factory.mktemp("calm")) as connection:
        sync(connection, account_of(running))
        return versions(connection)


@pytest.mark.parametrize("kind", HARM)
def test_the_result_under_faults_is_that_without(
    kind: str, sandbox: Sandbox, tmp_path: Path, undisturbed: dict[str, list[tuple[Any, ...]]]
) -> None:
    sandbox.fail(kind, **HARM[kind])  # type: ignore[arg-type]
    patient = Limits(1e6, 1e6, attempts=40, refusals=200, first_delay=0.001, longest_delay=0.01, read_timeout=0.5)
    with warehouse(tmp_path) as connection:
        report = sync(connection, account_of(sandbox, limits=patient))
        assert versions(connection) == undisturbed
    assert report.repeats > 0


@pytest.mark.parametrize("reason", REASONS)
def test_a_storm_of_refusals_for_any_reason_passes(
    reason: str, sandbox: Sandbox, tmp_path: Path, undisturbed: dict[str, list[tuple[Any, ...]]]
) -> None:
    """Every request is refused from the tenth on, forty times in a row; then as long as somebody still waits for it."""
    sandbox.fail("rate_limit", nth=10, times=40, reason=reason)
    sandbox.fail("rate_limit", nth=60, probability=0.2, reason=reason)
    patient = Limits(1e6, 1e6, refusals=200, first_delay=0.001, longest_delay=0.01)
    with warehouse(tmp_path) as connection:
        report = sync(connection, account_of(sandbox, limits=patient))
        assert versions(connection) == undisturbed
    assert report.refusals > 40


def test_a_stream_that_fails_for_good_is_named_and_the_others_are_kept(
    sandbox: Sandbox, tmp_path: Path, undisturbed: dict[str, list[tuple[Any, ...]]]
) -> None:
    sandbox.fail("server_error", "/v1/refunds")
    with warehouse(tmp_path) as connection:
        with pytest.raises(StreamsFailed, match=r"refunds: .*7 attempts.*HTTP 500") as failed:
            sync(connection, account_of(sandbox))
        assert failed.value.reports[0].streams["refunds"].requests == 7
        assert versions(connection)["invoices"] == undisturbed["invoices"]
        sandbox.heal()
        sync(connection, account_of(sandbox))
        assert versions(connection) == undisturbed


@pytest.mark.parametrize("status", [400, 404])
def test_a_list_that_stripe_refuses_is_a_failure_and_never_an_empty_table(
    status: int, sandbox: Sandbox, tmp_path: Path
) -> None:
    sandbox.fail("server_error", "/v1/disputes", status=status)
    with warehouse(tmp_path) as connection:
        with pytest.raises(StreamsFailed, match="disputes: "):
            sync(connection, account_of(sandbox))
        assert "disputes" not in {each.stream for each in cursors.status(connection) if not each.unfinished}


def test_a_product_that_an_account_lacks_is_skipped_with_stripes_words_and_is_no_empty_table(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    sandbox.fail("server_error", "/v1/radar/*", status=400)
    with warehouse(tmp_path) as connection:
        report = sync(connection, account_of(sandbox))
    assert list(report.skipped) == ["early_fraud_warnings"]
    assert "HTTP 400: An unknown error occurred." in (report.detail or "")


KILLED = """
import os, signal, sys
from pathlib import Path
from pipelines.extract.account import Account, Limits
from pipelines.extract.sync import sync
from pipelines.warehouse.database import open_warehouse

key, url, path, answers = sys.argv[1:]
heard = 0

def progress(stream, objects, requests, *, share, done):
    global heard
    heard += 1
    if heard == int(answers):
        os.kill(os.getpid(), signal.SIGKILL)

with open_warehouse(Path(path)) as connection:
    sync(connection, Account(key, url, limits=Limits(1e6, 1e6)), progress=progress)
"""


def test_killed_again_and_again_it_goes_on_and_ends_with_the_same_rows(
    sandbox: Sandbox, tmp_path: Path, undisturbed: dict[str, list[tuple[Any, ...]]]
) -> None:
    sandbox.limit(latency_ms=2)
    for answers in (9, 17, 13, 24):
        command = [sys.executable, "-c", KILLED, sandbox.key, sandbox.url, str(tmp_path / "warehouse.duckdb")]
        ended = subprocess.run([*command, str(answers)], check=False, capture_output=True, text=True)
        assert ended.returncode == -9, ended.stderr
    with warehouse(tmp_path) as connection:
        sync(connection, account_of(sandbox, limits=FAST))
        assert versions(connection) == undisturbed
