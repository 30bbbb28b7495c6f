"""Shows long work as it goes: live bars with counts and rates on a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol, TextIO

from rich.console import Console
from rich.progress import Progress as Bars
from rich.progress import SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

SECONDS_BETWEEN_LINES = 10.0
SECONDS_BEFORE_GUESSING = 3.0


class Progress(Protocol):
    """What a job tells while it works."""

    def step(self, name: str) -> AbstractContextManager[None]:
        """A part of the job, from its start to its end."""

    def stream(self, stream: str, objects: int, requests: int, *, share: float, done: bool) -> None:
        """How far the reading of one stream is: totals of this run, and which share (0..1) of what there is."""


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
    """A line when a step starts, one now and then while Stripe is read, and one when the step ends."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._tally = Tally()
        self._told_at = 0.0

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        self._tally = Tally()
        self._told_at = 0.0
        self._say(f"{name} …")
        yield
        told = f", {told}" if (told := self._tally.told()) else ""
        self._say(f"{name}: {self._tally.seconds:.1f} s{told}")

    def stream(self, stream: str, objects: int, requests: int, *, share: float, done: bool) -> None:
        self._tally.note(stream, objects, requests, share=share, done=done)
        if self._tally.seconds - self._told_at >= SECONDS_BETWEEN_LINES:
            self._told_at = self._tally.seconds
            self._say(f"  {self._tally.told()}{self._tally.left_told()}")

    def _say(self, line: str) -> None:
        print(line, file=self._out, flush=True)


class Live:
    """A bar for each step, with the running totals of what is read."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._task: TaskID | None = None
        self._tally = Tally()

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        self._tally = Tally()
        self._task = self._bars.add_task(name, total=1, told="")
        yield
        self._bars.update(self._task, completed=1, told=self._tally.told())

    def stream(self, stream: str, objects: int, requests: int, *, share: float, done: bool) -> None:
        self._tally.note(stream, objects, requests, share=share, done=done)
        if self._task is not None:
            self._bars.update(self._task, told=self._tally.told() + self._tally.left_told())


class Tally:
    """Objects and requests of every stream so far, their rate since the step began, and how long the rest will take."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._started = clock()
        self._objects: dict[str, int] = {}
        self._requests: dict[str, int] = {}
        self._shares: dict[str, float] = {}
        self._done: set[str] = set()

    @property
    def seconds(self) -> float:
        """Since the step began."""
        return self._clock() - self._started

    def note(self, stream: str, objects: int, requests: int, *, share: float, done: bool) -> None:
        """The newest totals of a stream."""
        self._objects[stream] = objects
        self._requests[stream] = requests
        self._shares[stream] = share
        if done:
            self._done.add(stream)

    def told(self) -> str:
        """Counts and rate in words; nothing before the first request."""
        objects, requests = sum(self._objects.values()), sum(self._requests.values())
        if not requests:
            return ""
        rate = objects / max(self.seconds, 0.001)
        streams = f"{len(self._done)} of {len(self._objects)} streams"
        return f"{objects:,} objects ({rate:,.0f}/s), {requests:,} requests, {streams} done"

    def seconds_left(self) -> float | None:
        """Until all streams are read at the rate so far; None while too little is known.

        A stream of which a share is read is taken to hold its objects so far divided by that share.
        """
        known = [(count, self._shares[stream]) for stream, count in self._objects.items() if self._shares[stream] > 0]
        read = sum(self._objects.values())
        if len(known) < len(self._objects) or not read or self.seconds < SECONDS_BEFORE_GUESSING:
            return None
        expected = sum(count / share for count, share in known)
        return (expected - read) * self.seconds / read

    def left_told(self) -> str:
        """The time left in words; nothing while too little is known."""
        left = self.seconds_left()
        if left is None or left < 1:
            return ""
        return f", about {left / 60:.0f} min left" if left >= 90 else f", about {left:.0f} s left"
