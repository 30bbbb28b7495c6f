"""A Dagster UI that runs as `revenue ui` starts it, in a process group of its own, and what its buttons send.

Everything goes over its GraphQL, which is all that the browser does too.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
LOCATION = {"repositoryLocationName": "pipelines.definitions", "repositoryName": "__repository__"}
"""The code location, as GraphQL names it."""

START_SECONDS = 180
GRACE_SECONDS = 15
PAUSE_SECONDS = 0.5


@dataclass(frozen=True)
class Ui:
    """A running UI: its address, and the log of the process."""

    url: str
    log: Path

    def ask(self, query: str, **variables: Any) -> Any:
        """The data of a GraphQL query. Errors: AssertionError with the server's own words."""
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(f"{self.url}/graphql", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as response:
            answer = json.load(response)
        assert not answer.get("errors"), answer["errors"]
        return answer["data"]

    def launch(self, keys: Iterable[tuple[str, ...]]) -> str:
        """Materialize assets in one run, as the button "Materialize" does; the run's id."""
        selector = {
            **LOCATION,
            "pipelineName": "__ASSET_JOB",
            "assetSelection": [{"path": list(key)} for key in keys],
        }
        result = self.ask(LAUNCH, params={"selector": selector, "mode": "default", "runConfigData": {}})["launchRun"]
        assert result["__typename"] == "LaunchRunSuccess", result
        return str(result["run"]["runId"])

    def backfill(self, keys: Iterable[tuple[str, ...]], days: Iterable[str]) -> str:
        """Materialize days of partitioned assets and what lies behind them, as the dialog does; the backfill's id."""
        given = {"assetSelection": [{"path": list(key)} for key in keys], "partitionNames": list(days)}
        result = self.ask(BACKFILL, params=given)["launchPartitionBackfill"]
        assert result["__typename"] == "LaunchBackfillSuccess", result
        return str(result["backfillId"])

    def ended(self, run_id: str, seconds: float) -> str:
        """The status that a run ends with."""
        return self.until(lambda: self._run_end(run_id), seconds, f"run {run_id} to end")

    def backfilled(self, backfill_id: str, seconds: float) -> str:
        """The status that a backfill ends with."""
        return self.until(lambda: self._backfill_end(backfill_id), seconds, f"backfill {backfill_id} to end")

    def until(self, wanted: Callable[[], str | None], seconds: float, what: str) -> str:
        """What `wanted` gives as soon as it gives something. Errors: AssertionError with the end of the log."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if (found := wanted()) is not None:
                return found
            time.sleep(PAUSE_SECONDS)
        raise AssertionError(f"waited {seconds} s for {what}\n{self.log.read_text()[-3000:]}")

    def _run_end(self, run_id: str) -> str | None:
        status = self.ask(RUN, runId=run_id)["runOrError"]["status"]
        return status if status in ("SUCCESS", "FAILURE", "CANCELED") else None

    def _backfill_end(self, backfill_id: str) -> str | None:
        found = self.ask(BACKFILL_STATUS, backfillId=backfill_id)["partitionBackfillOrError"]
        return found["status"] if found["status"] not in ("REQUESTED", "COMPLETING") else None


@contextmanager
def running(settings: Mapping[str, str], log: Path) -> Iterator[Ui]:
    """`revenue ui` with these settings in its environment, until the block ends; nothing of it outlives the block.

    Errors: AssertionError with the log when it ends early or does not answer in time.
    """
    port = free_port()
    command = [sys.executable, "-m", "pipelines.cli", "ui", "--port", str(port)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **settings}
    with log.open("w") as output:
        process = subprocess.Popen(
            command, cwd=log.parent, env=environment, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
    ui = Ui(f"http://127.0.0.1:{port}", log)
    try:
        ui.until(lambda: _loaded(ui, process), START_SECONDS, "the UI to answer")
        yield ui
    finally:
        _stop(process)


def members(group: int) -> list[int]:
    """The processes of a process group that still run."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, _, its_group = stat.read_text().rpartition(")")[2].split()[:3]
            if int(its_group) == group and state != "Z":
                found.append(int(stat.parent.name))
    return found


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _loaded(ui: Ui, process: subprocess.Popen[bytes]) -> str | None:
    assert process.poll() is None, f"the UI ended by itself\n{ui.log.read_text()[-3000:]}"
    with suppress(urllib.error.URLError, ConnectionError, TimeoutError):
        nodes = ui.ask("{repositoriesOrError {... on RepositoryConnection {nodes {name}}}}")["repositoriesOrError"]
        return str(nodes["nodes"][0]["name"]) if nodes.get("nodes") else None
    return None


def _stop(process: subprocess.Popen[bytes]) -> None:
    for ending in (signal.SIGTERM, signal.SIGKILL):
        deadline = time.monotonic() + GRACE_SECONDS
        with suppress(ProcessLookupError):
            os.killpg(process.pid, ending)
        while members(process.pid) and time.monotonic() < deadline:
            process.poll()
            time.sleep(0.1)
    process.wait(GRACE_SECONDS)
    assert members(process.pid) == []


LAUNCH = """
mutation ($params: ExecutionParams!) {launchRun(executionParams: $params) {
  __typename
  ... on LaunchRunSuccess {run {runId}}
  ... on PythonError {message}
  ... on InvalidSubsetError {message}
  ... on RunConfigValidationInvalid {errors {message}}
}}"""
BACKFILL = """
mutation ($params: LaunchBackfillParams!) {launchPartitionBackfill(backfillParams: $params) {
  __typename
  ... on LaunchBackfillSuccess {backfillId}
  ... on PythonError {message}
}}"""
RUN = "query ($runId: ID!) {runOrError(runId: $runId) {... on Run {status}}}"
BACKFILL_STATUS = """
query ($backfillId: String!) {partitionBackfillOrError(backfillId: $backfillId) {
  ... on PartitionBackfill {status error {message}}
  ... on PythonError {message}
}}"""
