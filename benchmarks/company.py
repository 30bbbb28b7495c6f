"""The simulated company that is measured on, served by a process of its own, so that it shares no core's time slice,
interpreter or memory with what is measured.

`python -m benchmarks.company` grows it, serves it, prints where it is as one line of JSON and ends with its input.
"""

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.memory import peak_bytes


@dataclass(frozen=True)
class Size:
    """How large a company."""

    customers: int
    months: int
    seed: int = 7

    @property
    def words(self) -> str:
        return f"{self.customers:,} customers x {self.months} months"


@dataclass(frozen=True)
class Company:
    """A served company: where, its key, what it took to grow it."""

    url: str
    key: str
    objects: int
    seconds: float
    peak_bytes: int

    def lever(self, name: str, **given: Any) -> None:
        """Pull one of the server's own levers, such as `clock` or `limits`."""
        request = urllib.request.Request(f"{self.url}/_sandbox/{name}", json.dumps(given).encode(), method="POST")
        urllib.request.urlopen(request).close()

    def rates(self) -> bytes:
        """Its exchange rates as the CSV that the pipeline reads."""
        with urllib.request.urlopen(f"{self.url}/_sandbox/fx_rates.csv") as answer:
            text: bytes = answer.read()
            return text


@contextmanager
def served(size: Size) -> Iterator[Company]:
    """The company of that size, for as long as the block lasts."""
    command = [sys.executable, "-m", "benchmarks.company", str(size.customers), str(size.months), str(size.seed)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        line = process.stdout.readline()
        if not line:
            raise SystemExit(
                f"The company of {size.words} could not be grown: its process ended with {process.wait()}."
            )
        try:
            yield Company(**json.loads(line))
        finally:
            process.stdin.close()


def main(customers: int, months: int, seed: int) -> None:
    """Grow, serve, tell, and stay until the input ends."""
    from sandbox.serving import serving
    from sandbox.world.business import Business
    from sandbox.world.world import World

    began = time.perf_counter()
    world = World.grown(Business(seed=seed, customers=customers, months=months))
    seconds = time.perf_counter() - began
    objects = sum(world.store.count(kind) for kind in world.store.kinds())
    with serving(world) as sandbox:
        print(json.dumps(asdict(Company(sandbox.url, sandbox.key, objects, seconds, peak_bytes()))), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
