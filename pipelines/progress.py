"""Shows long work as it goes: live bars with counts and rates on a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol, TextIO

from rich.console import Console
from rich.progress import Progress as Bars
from rich.progress import SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn


class Progress(Protocol):
    """What a job tells while it works."""

    def step(self, name: str) -> AbstractContextManager[None]:
        """A part of the job, from its start to its end."""

    def stream(self, stream: str, objects: int, requests: int, *, done: bool) -> None:
        """How far the reading of one stream is: totals of this run."""


@contextmanager
def shown(*, quiet: bool, out: TextIO | None = None) -> Iterator[Progress]:
    """Progress on stderr: live where that is a terminal and nobody asked for quiet, else one line a step."""
    file = out or sys.stderr
    if quiet or not file.isatty():
        yield Lines(file)
        return
    with Bars(
        SpinnerColumn(finished_text="[green]✓"),
        TextColumn("{task.description}"),
        TextColumn("{task.fields[told]}", style="dim"),
        TimeElapsedColumn(),
        console=Console(file=file),
        transient=False,
    ) as bars:
        yield Live(bars)


class Lines:
    """A line when a step starts and one when it ends."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._tally = _Tally()

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        self._tally = _Tally()
        print(f"{name} …", file=self._out, flush=True)
        yield
        told = f", {told}" if (told := self._tally.told()) else ""
        print(f"{name}: {self._tally.seconds:.1f} s{told}", file=self._out, flush=True)

    def stream(self, stream: str, objects: int, requests: int, *, done: bool) -> None:
        self._tally.note(stream, objects, requests, done=done)


class Live:
    """A bar for each step, with the running totals of what is read."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._task: TaskID | None = None
        self._tally = _Tally()

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        self._tally = _Tally()
        self._task = self._bars.add_task(name, total=1, told="")
        yield
        self._bars.update(self._task, completed=1, told=self._tally.told())

    def stream(self, stream: str, objects: int, requests: int, *, done: bool) -> None:
        self._tally.note(stream, objects, requests, done=done)
        if self._task is not None:
            self._bars.update(self._task, told=self._tally.told())


class _Tally:
    """Objects and requests of every stream so far, and the rate since the step began."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._objects: dict[str, int] = {}
        self._requests: dict[str, int] = {}
        self._done: set[str] = set()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._started

    def note(self, stream: str, objects: int, requests: int, *, done: bool) -> None:
        self._objects[stream] = objects
        self._requests[stream] = requests
        if done:
            self._done.add(stream)

    def told(self) -> str:
        objects, requests = sum(self._objects.values()), sum(self._requests.values())
        if not requests:
            return ""
        rate = objects / max(self.seconds, 0.001)
        streams = f"{len(self._done)} of {len(self._objects)} streams"
        return f"{objects:,} objects ({rate:,.0f}/s), {requests:,} requests, {streams} done"
