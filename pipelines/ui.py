"""Starts the Dagster UI and its daemon on this project, with a home of their own under the working folder.

One run at a time, telemetry off, nothing asked of the network (`dagster.yaml` below says so).
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipelines import demo
from pipelines.progress import Progress
from pipelines.settings import Settings
from sandbox.world.business import Business

INSTANCE = """\
telemetry:
  enabled: false
concurrency:
  runs:
    max_concurrent_runs: 1
"""
WORKSPACE = Path(__file__).resolve().parent.parent / "workspace.yaml"


def start(settings: Settings, port: int, progress: Progress) -> int:
    """Run `dagster dev` until it ends; its exit code. Without a key of an account it works on a simulated company."""
    with _account(settings, progress) as there:
        print(f"Dagster on http://127.0.0.1:{port}/ in some twenty seconds (Ctrl-C stops)", flush=True)
        command = [sys.executable, "-m", "dagster", "dev", "-w", str(WORKSPACE), "-h", "127.0.0.1", "-p", str(port)]
        try:
            return subprocess.run(command, env=environment(there), cwd=WORKSPACE.parent, check=False).returncode
        except KeyboardInterrupt:
            return 0


def environment(settings: Settings) -> dict[str, str]:
    """The process environment with Dagster's home prepared and the settings named."""
    key = {"STRIPE_API_KEY": settings.required_key()} if settings.stripe_api_key else {}
    return {
        **os.environ,
        **key,
        "STRIPE_API_BASE": settings.stripe_api_base,
        "DAGSTER_HOME": str(dagster_home(settings.home)),
        "REVENUE_HOME": str(settings.home.resolve()),
        "PYTHONWARNINGS": "ignore",
    }


@contextmanager
def _account(settings: Settings, progress: Progress) -> Iterator[Settings]:
    """The settings as they are; or, without a key, those of the demo's company."""
    if settings.stripe_api_key or (settings.warehouse.exists() and demo.marked(settings.home) is None):
        yield settings
        return
    with demo.company(settings, demo.marked(settings.home) or Business(), progress) as there:
        yield there


def dagster_home(working_folder: Path) -> Path:
    """The folder of Dagster's own state, with its configuration written."""
    home = (working_folder / "dagster").resolve()
    home.mkdir(parents=True, exist_ok=True)
    (home / "dagster.yaml").write_text(INSTANCE)
    return home
