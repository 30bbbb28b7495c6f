"""Starts the Dagster UI and its daemon on this project, with a home of their own under the working folder.

One run at a time, telemetry off, nothing asked of the network (`INSTANCE` below says so). The pages are served beside
it, so that the links of the report assets lead somewhere.
"""

import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipelines import accounts, demo, serve
from pipelines.errors import RevenueError
from pipelines.progress import Progress
from pipelines.settings import Settings
from sandbox.world.business import Business

INSTANCE = """\
# Written by `revenue ui` at each start.
telemetry:
  enabled: false
nux:
  enabled: false
concurrency:
  runs:
    max_concurrent_runs: 1
run_monitoring:
  enabled: true
  start_timeout_seconds: 600
  max_runtime_seconds: 172800
code_servers:
  local_startup_timeout: 600
retention:
  schedule:
    purge_after_days: {skipped: 7, success: 365, failure: 365}
  sensor:
    purge_after_days: {skipped: 2, success: 90, failure: 90}
python_logs:
  python_log_level: INFO
"""
"""Timeouts are generous: they are for processes that died, and a busy small machine takes minutes to start one."""

LOCATION = "pipelines.definitions"
LOOPBACK = "127.0.0.1"
SETTLE_SECONDS = 5
"""How long Dagster may take to end by the signal that it got with us, before it is sent one of its own."""


def start(settings: Settings, port: int, progress: Progress) -> int:
    """Run `dagster dev` until it ends; its exit code. Without a key of an account it works on a simulated company.

    Raises:
        RevenueError: a UI runs on this working folder already.
    """
    home = dagster_home(settings.home)
    with _alone(home), _account(settings, progress) as there, serve.beside(there, LOOPBACK, there.serve_port):
        _end_interrupted_runs(home)
        print(f"Dagster on http://{LOOPBACK}:{port}/ in some twenty seconds (Ctrl-C stops)", flush=True)
        command = [sys.executable, "-m", "dagster", "dev", "-m", LOCATION, "-h", LOOPBACK, "-p", str(port)]
        return _attended(subprocess.Popen(command, env=environment(there)))


def environment(settings: Settings) -> dict[str, str]:
    """The process environment with Dagster's home prepared and the settings named."""
    key = {"STRIPE_API_KEY": settings.required_key()} if settings.stripe_api_key else {}
    file = {"REVENUE_ACCOUNTS": str(settings.accounts_file.resolve())} if settings.accounts_file else {}
    return {
        **os.environ,
        **key,
        **file,
        "STRIPE_API_BASE": settings.stripe_api_base,
        "DAGSTER_HOME": str(dagster_home(settings.home)),
        "REVENUE_HOME": str(settings.home.resolve()),
        "PYTHONWARNINGS": "ignore",
    }


def dagster_home(working_folder: Path) -> Path:
    """The folder of Dagster's own state, with its configuration written."""
    home = (working_folder / "dagster").resolve()
    home.mkdir(parents=True, exist_ok=True)
    (home / "dagster.yaml").write_text(INSTANCE)
    return home


@contextmanager
def _account(settings: Settings, progress: Progress) -> Iterator[Settings]:
    """The settings as they are; or, without a key, those of the demo's company."""
    if accounts.are_given(settings) or (settings.warehouse.exists() and demo.marked(settings.home) is None):
        yield settings
        return
    with demo.company(settings, demo.marked(settings.home) or Business(), progress) as there:
        yield there


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """Two daemons on one home would start every scheduled run twice."""
    with (home / "ui.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RevenueError(f"A Dagster UI runs on {home.parent} already. Use that one, or stop it first.") from None
        yield


def _end_interrupted_runs(home: Path) -> None:
    """Mark the runs that a killed UI left behind as failed; one that looks alive would hold up every run after it."""
    if not (home / "history").exists():
        return
    import dagster as dg

    running = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]
    with dg.DagsterInstance.from_config(str(home)) as instance:
        for run in instance.get_runs(dg.RunsFilter(statuses=running)):
            instance.report_run_failed(run, "Interrupted: the UI that ran it ended. What was committed is kept.")


def _attended(process: subprocess.Popen[bytes]) -> int:
    """The exit code of the process, which ends with us: by the terminal's Ctrl-C, or by a signal passed on."""
    previous = signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGINT))
    try:
        return process.wait()
    except KeyboardInterrupt:
        return _ended(process)
    finally:
        signal.signal(signal.SIGTERM, previous)


def _ended(process: subprocess.Popen[bytes]) -> int:
    for insist in (process.terminate, process.kill):
        try:
            process.wait(SETTLE_SECONDS)
        except subprocess.TimeoutExpired:
            insist()
    process.wait()
    return 0
