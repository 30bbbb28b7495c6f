"""What Dagster shows and runs, in this process: the graph, the jobs, days read again, what starts by itself, checks."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import pytest

from models.contracts import marts, staging
from pipelines import query, resources
from pipelines import settings as settings_module
from pipelines.assets.described import key
from pipelines.assets.extract import resync_key
from pipelines.assets.staging import stage
from pipelines.definitions import defs
from pipelines.warehouse.database import open_warehouse
from pipelines.warehouse.tables import columns
from sandbox.serving import Sandbox, serving
from sandbox.world.business import Business
from sandbox.world.world import World
from tests.pipelines.served_ui import ROOT

pytestmark = pytest.mark.long

BEHIND = {"staging", "marts", "reports"}
"""Groups of the assets that are made from what was read."""

SEVERAL_DAYS = {"dagster/asset_partition_range_start": "2026-09-01", "dagster/asset_partition_range_end": "2026-09-30"}


@dataclass(frozen=True)
class Refreshed:
    """A working folder after the first refresh, and Dagster's record of it."""

    home: Path
    sandbox: Sandbox
    instance: dg.DagsterInstance
    result: dg.ExecuteInProcessResult


@pytest.fixture(scope="module")
def refreshed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Refreshed]:
    home = tmp_path_factory.mktemp("revenue")
    with serving(World.grown(Business(customers=20, months=4))) as sandbox, pytest.MonkeyPatch.context() as patch:
        for name, _, _ in settings_module.described():
            patch.delenv(name, raising=False)
        patch.chdir(home)
        patch.setenv("REVENUE_HOME", str(home))
        patch.setenv("STRIPE_API_KEY", sandbox.key)
        patch.setenv("STRIPE_API_BASE", sandbox.url)
        (home / "rates.csv").write_text(sandbox.fx_rates_csv())
        with dg.DagsterInstance.ephemeral() as instance:
            yield Refreshed(home, sandbox, instance, run("refresh", instance))


@pytest.fixture
def copied(refreshed: Refreshed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the working folder, to spoil."""
    shutil.copytree(refreshed.home, tmp_path / "var")
    monkeypatch.setenv("REVENUE_HOME", str(tmp_path / "var"))
    return tmp_path / "var"


def run(job: str, instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    return defs.resolve_job_def(job).execute_in_process(instance=instance, raise_on_error=False)


def assets_of(*groups: str) -> set[dg.AssetKey]:
    return {spec.key for spec in defs.resolve_all_asset_specs() if spec.group_name in groups}


def made(result: dg.ExecuteInProcessResult) -> dict[dg.AssetKey, dg.AssetMaterialization]:
    events = [event.materialization for event in result.get_asset_materialization_events()]
    return {event.asset_key: event for event in events}


def banner() -> object:
    return query.ask(settings_module.load().published, "select banner from publication").item()


def test_the_definitions_load_where_nothing_is_set(tmp_path: Path) -> None:
    code = "from pipelines.definitions import defs; import dagster; dagster.Definitions.validate_loadable(defs)"
    bare = {"PYTHONPATH": str(ROOT), "HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], cwd=tmp_path, env=bare, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert list(tmp_path.iterdir()) == []


def test_every_asset_can_be_made_and_every_table_says_what_it_is() -> None:
    graph = defs.resolve_asset_graph()
    assert {asset.to_user_string() for asset in graph.get_all_asset_keys() - graph.executable_asset_keys} == set()
    for spec in defs.resolve_all_asset_specs():
        assert spec.description, spec.key
        assert spec.kinds, spec.key
        assert spec.group_name in BEHIND | {"extract", "resync", "actions", "follow_ups"}, spec.key


def test_the_refresh_makes_everything_with_its_columns_rows_and_checks(refreshed: Refreshed) -> None:
    assert refreshed.result.success
    events = made(refreshed.result)
    assert set(events) == assets_of("extract", *BEHIND)
    specs = {spec.key: spec for spec in defs.resolve_all_asset_specs()}
    tables = [contract for contract in (*staging.TABLES, *marts.TABLES) if key(contract) in specs]
    assert len(tables) > 35
    for contract in tables:
        shown = specs[key(contract)].metadata["dagster/column_schema"]
        assert [(c.name, c.type) for c in shown.columns] == [(c.name, c.type) for c in columns(contract)]
        assert all(column.description for column in shown.columns)
        rows = query.ask(refreshed.home / "revenue.duckdb", f"select count(*) from {contract.qualified_name()}").item()
        assert events[key(contract)].metadata["dagster/row_count"].value == rows, contract.table_name
    checks = refreshed.result.get_asset_check_evaluations()
    assert len(checks) == len(list(defs.resolve_asset_graph().asset_check_keys)) > 30
    assert [check.check_name for check in checks if not check.passed] == []


def test_pages_link_to_where_they_are_served(refreshed: Refreshed) -> None:
    for event in (event for asset, event in made(refreshed.result).items() if asset.path[0] == "reports"):
        page, file = str(event.metadata["page"].value), Path(str(event.metadata["file"].value))
        assert page == f"http://127.0.0.1:8321/{file.name}"
        assert file.is_file()


def test_the_schedule_and_the_sensor_run_from_the_start() -> None:
    schedule, sensor = defs.resolve_schedule_def("daily_refresh"), defs.resolve_sensor_def("rebuild_after_resync")
    assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING
    assert schedule.job_name == "refresh"
    assert sensor.default_status is dg.DefaultSensorStatus.RUNNING


def test_nothing_starts_by_itself_because_it_is_missing() -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        first = dg.evaluate_automation_conditions(defs=defs, instance=instance)
        again = dg.evaluate_automation_conditions(defs=defs, instance=instance, cursor=first.cursor)
    assert (first.total_requested, again.total_requested) == (0, 0)


def test_days_read_again_are_one_run_and_all_behind_them_starts_by_itself_once(refreshed: Refreshed) -> None:
    watched = dg.evaluate_automation_conditions(defs=defs, instance=refreshed.instance)
    assert watched.total_requested == 0
    chosen = [resync_key("charges"), resync_key("invoices")]
    refreshed.sandbox.forget_requests()
    again = defs.resolve_implicit_global_asset_job_def().execute_in_process(
        instance=refreshed.instance, asset_selection=chosen, tags=SEVERAL_DAYS
    )
    events = again.get_asset_materialization_events()
    assert len(events) == len(chosen) * 30
    lists = {"GET /v1/charges", "GET /v1/invoices"}
    assert lists <= set(refreshed.sandbox.requests.endpoints) <= lists | {"GET /v1/account", "GET /v1/balance"}
    fired = dg.evaluate_automation_conditions(defs=defs, instance=refreshed.instance, cursor=watched.cursor)
    everything = assets_of("extract", "resync", *BEHIND)
    assert {asset for asset in everything if fired.get_num_requested(asset)} == assets_of(*BEHIND)
    quiet = dg.evaluate_automation_conditions(defs=defs, instance=refreshed.instance, cursor=fired.cursor)
    assert quiet.total_requested == 0


def test_a_failing_check_shows_and_the_publication_says_so_or_is_refused(
    copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert banner() is None
    with open_warehouse(copied / "warehouse.duckdb") as connection:
        connection.execute("delete from raw.balance_transactions where payload ->> 'type' = 'charge'")
    with dg.DagsterInstance.ephemeral() as instance:
        told = run("build", instance)
        failed = {check.check_name for check in told.get_asset_check_evaluations() if not check.passed}
        assert told.success
        assert "balance_reconciles" in failed
        assert "balance_reconciles" in str(banner())
        before = (copied / "revenue.duckdb").stat().st_mtime_ns
        monkeypatch.setenv("REVENUE_PUBLISH", "refuse")
        refused = run("build", instance)
        assert not refused.success
        assert "balance_reconciles" in {c.check_name for c in refused.get_asset_check_evaluations() if not c.passed}
        assert (copied / "revenue.duckdb").stat().st_mtime_ns == before
        assert not any(asset.path[0] == "reports" for asset in made(refused))


def test_a_run_waits_for_another_process_or_says_who_it_is(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hold = (
        "import sys, pathlib; from pipelines.warehouse.database import open_warehouse\n"
        "with open_warehouse(pathlib.Path(sys.argv[1])): print('held', flush=True); sys.stdin.readline()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", hold, str(copied / "warehouse.duckdb")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert other.stdin
    assert other.stdout
    assert other.stdout.readline() == "held\n"
    given = {"revenue": resources.Revenue()}
    monkeypatch.setattr(resources, "PATIENCE_SECONDS", 0.0)
    with pytest.raises(Exception, match=f"in use by process {other.pid}"):
        dg.materialize([stage], resources=given)
    monkeypatch.setattr(resources, "PATIENCE_SECONDS", 60.0)
    monkeypatch.setattr("pipelines.warehouse.database.time.sleep", lambda _: other.communicate("go\n"))
    assert dg.materialize([stage], resources=given).success
    assert other.returncode == 0


def test_no_key_reaches_what_dagster_keeps(refreshed: Refreshed) -> None:
    logged = json.dumps([str(entry) for entry in refreshed.instance.all_logs(refreshed.result.run_id)])
    assert "Reading Stripe" in logged
    assert refreshed.sandbox.key not in logged
