"""A process that does jobs in forks of itself and kills them on the way: started once, it spares each job's start-up.

Reads a job a line as JSON from stdin and answers with how it ended (`-9` killed, `0` done) and how far it came. Pages
and commits are made small, so that there are many places to die at.
"""

import json
import os
import signal
import sys
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

import duckdb

from pipelines.extract import files, reading, writer
from pipelines.extract.account import Account, Limits
from pipelines.extract.client import PINNED_VERSION
from pipelines.extract.files import Export
from pipelines.extract.sync import sync
from pipelines.warehouse.database import open_warehouse

reading.PAGE_SIZE = "10"
writer.SECONDS_PER_COMMIT = 0.02
files.OBJECTS_PER_COMMIT = 20
UNPACED = Limits(
    account_rate=0,
    endpoint_rate=0,
    first_delay=0.001,
    longest_delay=0.02,
    attempts=40,
    refusals=400,
    read_timeout=1.0,
)


@dataclass
class Fate:
    """When to die: after so many answers, or just before or after so many commits. Counts them."""

    answers: int = 0
    before_commit: int = 0
    after_commit: int = 0
    met: Counter[str] = field(default_factory=Counter, init=False)

    def meet(self, what: str) -> None:
        self.met[what] += 1
        if self.met[what] == getattr(self, what):
            os.kill(os.getpid(), signal.SIGKILL)


@dataclass
class MortalConnection:
    """A connection whose commits may be its last."""

    alive: duckdb.DuckDBPyConnection
    fate: Fate

    def __getattr__(self, name: str) -> Any:
        return getattr(self.alive, name)

    def commit(self) -> None:
        self.fate.meet("before_commit")
        self.alive.commit()
        self.fate.meet("after_commit")


@dataclass
class Job:
    """What to do and how it ends; `seconds` is when the parent kills it."""

    warehouse: str
    url: str = ""
    key: str = ""
    full: bool = False
    source: str = ""
    exported: str = ""
    seconds: float = 0.0
    fate: dict[str, int] = field(default_factory=dict)

    def done(self) -> Counter[str]:
        """Do it; how many of each were met."""
        fate = Fate(**self.fate)
        with open_warehouse(Path(self.warehouse), threads=1) as connection:
            connection.execute("set checkpoint_threshold = '1MB'")
            mortal: Any = MortalConnection(connection, fate)
            if self.source:
                export = Export(PINNED_VERSION, "acct_1", datetime.fromisoformat(self.exported))
                files.load(mortal, Path(self.source), export, lambda *_: fate.meet("answers"))
            else:
                account = Account(self.key, self.url, limits=UNPACED)
                sync(mortal, account, full=self.full, progress=lambda *_, **__: fate.meet("answers"))
        return fate.met


def ended(job: Job) -> dict[str, Any]:
    """Do the job in a fork, which lives no longer than it may; its exit code, or minus the signal, and what it met."""
    hear, tell = os.pipe()
    began = time.monotonic()
    child = os.fork()
    if child == 0:
        _live(job, tell)
    os.close(tell)
    if job.seconds:
        time.sleep(job.seconds)
        os.kill(child, signal.SIGKILL)
    with os.fdopen(hear) as said:
        met = json.loads(said.read() or "{}")
    return {"code": os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), "seconds": time.monotonic() - began, **met}


def _live(job: Job, tell: int) -> NoReturn:
    try:
        os.write(tell, json.dumps(job.done()).encode())
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(ended(Job(**json.loads(line)))), flush=True)
