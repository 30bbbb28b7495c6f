"""A process that types `revenue …` in forks of itself and kills them at a given call: it spares each its start-up.

Reads a command a line as JSON from stdin and answers with its exit code, `-9` where it was killed, and what it printed.
A command may also be held to files of so many bytes, as on a disk that is nearly full.
"""

import gc
import importlib
import json
import os
import resource
import signal
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NoReturn

import plotly.graph_objects
import plotly.io

from billing.store import open_store
from pipelines import actions, catalog, cli, configuration, erasure, refresh

IMPORTED = (actions, catalog, configuration, erasure, refresh, plotly.graph_objects, plotly.io)
"""Here, so that no fork has to."""


@dataclass(frozen=True)
class Death:
    """At the `nth` call of a function that is named by its module: before it, or once it has returned."""

    at: str
    nth: int = 1
    after: bool = False

    def arrange(self) -> None:
        module_name, _, name = self.at.rpartition(".")
        module = importlib.import_module(module_name)
        called: Callable[..., Any] = getattr(module, name)
        calls = 0

        def mortal(*arguments: Any, **more: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == self.nth and not self.after:
                os.kill(os.getpid(), signal.SIGKILL)
            answer = called(*arguments, **more)
            if calls == self.nth:
                os.kill(os.getpid(), signal.SIGKILL)
            return answer

        setattr(module, name, mortal)


def ended(
    words: list[str], settings: dict[str, str], death: dict[str, Any] | None = None, largest: int | None = None
) -> dict[str, Any]:
    """Type the words in a fork that the settings are set for."""
    with tempfile.TemporaryFile() as printed:
        child = os.fork()
        if child == 0:
            if largest:
                resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))
            _typed(words, settings, death, printed)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        printed.seek(0)
        return {"code": code, "printed": printed.read().decode()}


def _typed(words: list[str], settings: dict[str, str], death: dict[str, Any] | None, printed: IO[bytes]) -> NoReturn:
    for descriptor in (1, 2):
        os.dup2(printed.fileno(), descriptor)
    os.environ.update(settings)
    sys.argv = ["revenue", *words]
    if death:
        Death(**death).arrange()
    try:
        cli.main()
    except SystemExit as ending:
        sys.stdout.flush()
        os._exit(int(ending.code or 0))
    os._exit(0)


def warm() -> None:
    """Load what a first command loads, and spare every fork to look through it for garbage."""
    with tempfile.TemporaryDirectory() as folder:
        open_store(None, Path(folder)).close()
    gc.freeze()


if __name__ == "__main__":
    warm()
    for line in sys.stdin:
        print(json.dumps(ended(**json.loads(line))), flush=True)
