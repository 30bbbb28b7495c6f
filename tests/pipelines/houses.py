"""Working folders in which the `revenue` command is typed by a process of its own, which may kill it on the way."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines import settings
from sandbox.serving import Sandbox

ROOT = Path(__file__).parents[2]
Typist = subprocess.Popen[str]


@contextmanager
def typist() -> Iterator[Typist]:
    """A process that types commands; see `mortal_command.py`."""
    command = [sys.executable, "-m", "tests.pipelines.mortal_command"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


@dataclass(frozen=True)
class Ending:
    """How a command ended, -9 where it was killed, and what it printed."""

    code: int
    printed: str


@dataclass(frozen=True)
class House:
    """A working folder for an account."""

    process: Typist
    home: Path
    sandbox: Sandbox

    def revenue(
        self,
        *words: str,
        death: dict[str, Any] | None = None,
        largest: int | None = None,
        more: dict[str, str] | None = None,
    ) -> Ending:
        """Type `revenue …`, to be killed as `death` says, or held to files of so many bytes, under `more` settings."""
        if "run" in words:
            self.home.mkdir(exist_ok=True)
            (self.home / "rates.csv").write_text(self.sandbox.fx_rates_csv())
        job = {"words": words, "settings": self.settings | (more or {}), "death": death, "largest": largest}
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        return Ending(**json.loads(self.process.stdout.readline()))

    @property
    def settings(self) -> dict[str, str]:
        """Every setting by its name, empty where it is not set."""
        return {name: "" for name, _, _ in settings.described()} | {
            "REVENUE_HOME": str(self.home),
            "STRIPE_API_KEY": self.sandbox.key,
            "STRIPE_WRITE_KEY": self.sandbox.write_key,
            "STRIPE_API_BASE": self.sandbox.url,
        }
