"""The sandbox's clock: the world's instant, how to name another one, and what follows from it.

Time stands still until it is moved, so that everything is repeatable. Knows nothing of what the world does meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from email.utils import format_datetime
from typing import Any, Protocol

from sandbox.store import Store

DAY = 86_400
EVENT_DAYS = 30


class Rates(Protocol):
    """Exchange rates of the world, as the file the pipeline reads."""

    def as_csv(self, first: date, last: date) -> str: ...


class World(Protocol):
    """What the sandbox asks of a simulation."""

    @property
    def store(self) -> Store: ...

    @property
    def books(self) -> Any: ...

    @property
    def rates(self) -> Rates: ...

    @property
    def now(self) -> int: ...

    @property
    def stage(self) -> Any:
        """What the acts of a simulation stand on; None in a world in which nothing can be done."""

    def advance_to(self, epoch: int) -> None: ...


class Clock:
    """The instant of one world, in epoch seconds, and of the worlds that live along with it."""

    def __init__(self, world: World, along: Sequence[World] = ()) -> None:
        self._world = world
        self._along = along

    @property
    def now(self) -> int:
        return self._world.now

    @property
    def http_date(self) -> str:
        """As the `Date` header says it."""
        return format_datetime(datetime.fromtimestamp(self.now, UTC), usegmt=True)

    @property
    def events_since(self) -> int:
        """Events from before this instant are gone."""
        return self.now - EVENT_DAYS * DAY

    def advance(self, *, days: float | None = None, to: int | str | None = None) -> int:
        """Lets the world live on by days, or to an epoch or ISO 8601 instant (UTC when it says no zone).

        Errors: ValueError when neither or both are given, for an unreadable instant, and for one in the past.
        """
        if (days is None) == (to is None):
            raise ValueError("Say either days or to, and not both.")
        target = self.now + round(days * DAY) if days is not None else instant(to if to is not None else "")
        if target < self.now:
            raise ValueError(f"The clock stands at {iso(self.now)} and cannot go back to {iso(target)}.")
        for world in (self._world, *self._along):
            if world.now < target:
                world.advance_to(target)
        return self.now


def instant(said: int | str) -> int:
    """Epoch seconds of an epoch or ISO 8601 instant. Errors: ValueError naming what was said."""
    if isinstance(said, int):
        return said
    try:
        at = datetime.fromisoformat(said)
    except ValueError:
        raise ValueError(f"{said!r} is no instant: say 2026-11-15T12:00:00Z, 2026-11-15 or epoch seconds.") from None
    return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp())


def iso(epoch: int) -> str:
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
