"""Starts the Dagster UI and its daemon on this project, with a home of their own under the working folder.

One run at a time, telemetry off, nothing asked of the network (`dagster.yaml` below says so).
"""

import os
import subprocess
import sys
from pathlib import Path

from pipelines.settings import Settings

INSTANCE = """\
telemetry:
  enabled: false
concurrency:
  runs:
    max_concurrent_runs: 1
"""
WORKSPACE = Path(__file__).resolve().parent.parent / "workspace.yaml"


def start(settings: Settings, port: int) -> int:
    """Run `dagster dev` until it ends; its exit code."""
    command = [sys.executable, "-m", "dagster", "dev", "-w", str(WORKSPACE), "-h", "127.0.0.1", "-p", str(port)]
    try:
        return subprocess.run(command, env=environment(settings), cwd=WORKSPACE.parent, check=False).returncode
    except KeyboardInterrupt:
        return 0


def environment(settings: Settings) -> dict[str, str]:
    """The process environment with Dagster's home prepared and named."""
    home = dagster_home(settings.home)
    return {
        **os.environ,
        "DAGSTER_HOME": str(home),
        "REVENUE_HOME": str(settings.home.resolve()),
        "PYTHONWARNINGS": "ignore",
    }


def dagster_home(working_folder: Path) -> Path:
    """The folder of Dagster's own state, with its configuration written."""
    home = (working_folder / "dagster").resolve()
    home.mkdir(parents=True, exist_ok=True)
    (home / "dagster.yaml").write_text(INSTANCE)
    return home
