"""Everything from the UI, as an operator does it: the real processes, the real daemon, a real browser."""

import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipelines import settings as settings_module
from sandbox.serving import Sandbox, serving
from sandbox.world.business import Business
from sandbox.world.world import World
from tests.browser import chromium
from tests.pipelines.served_ui import LOCATION, Ui, free_port, running

RUN_SECONDS, BACKFILL_SECONDS = 180, 300
"""Patience with a busy machine; on an idle one a run takes some 15 seconds and a backfill 60 to 90."""

DAYS = ("2026-10-01", "2026-10-02", "2026-10-03")
PAGES = ("/asset-groups", "/assets/marts/mrr_movements", "/assets/resync/charges?view=partitions", "/automation")

NODES = "{assetNodes {assetKey {path} groupName}}"
RUNS = """{runsOrError {... on Runs {results {
  runId status jobName tags {key value} assetSelection {path} assetCheckSelection {name}}}}}"""
STATES = """query ($location: RepositorySelector!) {
  repositoryOrError(repositorySelector: $location) {... on Repository {
    schedules {name scheduleState {status}} sensors {name sensorState {status}}}}}"""
LINK = """query ($key: AssetKeyInput!) {assetNodeOrError(assetKey: $key) {... on AssetNode {
  assetMaterializations(limit: 1) {metadataEntries {label ... on UrlMetadataEntry {url}}}}}}"""

Keys = list[tuple[str, ...]]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with serving(World.grown(Business(customers=20, months=4))) as served:
        yield served


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("revenue")


@pytest.fixture(scope="module")
def ui(sandbox: Sandbox, home: Path) -> Iterator[Ui]:
    (home / "rates.csv").write_text(sandbox.fx_rates_csv())
    unset = {name: "" for name, _, _ in settings_module.described()}
    account = {"STRIPE_API_KEY": sandbox.key, "STRIPE_API_BASE": sandbox.url}
    settings = {"REVENUE_HOME": str(home), "REVENUE_PORT": str(free_port()), **account}
    with running({**unset, **settings}, home / "ui.log") as served:
        yield served


def keys(ui: Ui, *groups: str) -> Keys:
    nodes = ui.ask(NODES)["assetNodes"]
    return [tuple(node["assetKey"]["path"]) for node in nodes if node["groupName"] in groups]


def runs(ui: Ui) -> list[dict[str, Any]]:
    return list(ui.ask(RUNS)["runsOrError"]["results"])


def shape(run: dict[str, Any]) -> tuple[str, set[str], bool]:
    """How a run ended, the schemas of what it made, and whether it looked at any check."""
    return run["status"], {asset["path"][0] for asset in run["assetSelection"]}, bool(run["assetCheckSelection"])


@pytest.mark.waits
@pytest.mark.browser
def test_an_operator_does_everything_from_the_ui_and_nothing_leaves_the_machine(
    ui: Ui, sandbox: Sandbox, home: Path
) -> None:
    states = ui.ask(STATES, location=LOCATION)["repositoryOrError"]
    schedules = {schedule["name"]: schedule["scheduleState"]["status"] for schedule in states["schedules"]}
    assert schedules == {"daily_refresh": "RUNNING", "weekly_summary": "STOPPED"}
    sensors = {sensor["name"]: sensor["sensorState"]["status"] for sensor in states["sensors"]}
    assert (sensors["rebuild_after_resync"], sensors["apply_approved"]) == ("RUNNING", "STOPPED")
    assert sensors["follow_ups_due"] == "STOPPED"

    behind = keys(ui, "staging", "marts", "reports")
    first = ui.launch([*keys(ui, "extract"), *behind])
    assert ui.ended(first, RUN_SECONDS) == "SUCCESS"
    published = (home / "revenue.duckdb").stat().st_mtime_ns

    sandbox.forget_requests()
    backfill = ui.backfill([*keys(ui, "resync"), *behind], DAYS)
    looked_at(ui)
    assert ui.backfilled(backfill, BACKFILL_SECONDS) == "COMPLETED_SUCCESS"
    rebuilt, again = (run for run in runs(ui) if run["runId"] != first)
    assert shape(again) == ("SUCCESS", {"resync"}, False)
    assert shape(rebuilt) == ("SUCCESS", {"staging", "marts", "revenue_duckdb", "reports"}, True)
    assert "GET /v1/charges" in sandbox.requests.endpoints
    assert (home / "revenue.duckdb").stat().st_mtime_ns > published
    for page in keys(ui, "reports"):
        (made,) = ui.ask(LINK, key={"path": list(page)})["assetNodeOrError"]["assetMaterializations"]
        (link,) = (entry["url"] for entry in made["metadataEntries"] if entry["label"] == "page")
        with urllib.request.urlopen(link) as answer:
            assert answer.status == 200


def looked_at(ui: Ui) -> None:
    """Pages that an operator opens: they work, and ask nothing of any other machine."""
    elsewhere: list[str] = []
    faults: list[str] = []
    with chromium() as browser:
        page = browser.new_page()
        page.on("request", lambda request: None if local(request.url, ui) else elsewhere.append(request.url))
        page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
        for path in PAGES:
            page.goto(ui.url + path, wait_until="networkidle")
        page.get_by_text("rebuild_after_resync").first.wait_for(timeout=60_000)  # drawn once it has been answered
        assert '"telemetryEnabled": false' in page.content()
    assert (elsewhere, faults) == ([], [])


def local(address: str, ui: Ui) -> bool:
    return address.startswith((ui.url, ui.url.replace("http", "ws"), "data:", "blob:"))
