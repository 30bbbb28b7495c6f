"""What the office's pages work with: the settings, the operations database once there is one, the clock, and threads,
since neither a database nor a password may keep the deliveries of events waiting."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

from billing.office import sessions, users
from billing.office.sessions import Session
from billing.office.signing_in import Door, Refused
from billing.store import open_store
from pipelines import operations
from pipelines.settings import Settings

LOOK_SECONDS = 1.0
"""How long it is believed that there are no users."""
THREADS = 4
MOST_AT_THE_DOOR = 16
"""Attempts to sign in that may wait; a password takes a moment on purpose, one after the other."""

T = TypeVar("T")


def there_are_users(settings: Settings) -> bool:
    """Whether one has to sign in; makes no database where there is none."""
    if not settings.has_operations:
        return False
    with operations.opened(settings) as store, store.reading() as connection:
        return users.there_are(connection)


@dataclass
class Desk:
    """One for all requests. `now` is the clock, in epoch seconds."""

    settings: Settings
    now: Callable[[], float]
    _door: Door | None = None
    _looked: float = float("-inf")
    _users: bool = False
    _at_the_door: int = 0
    _threads: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(THREADS, "office"))
    _door_thread: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "sign-in"))

    @property
    def at(self) -> datetime:
        """What time it is."""
        return datetime.fromtimestamp(self.now(), UTC)

    async def do(self, work: Callable[[], T]) -> T:
        """Work that waits for a database or for Stripe, beside the loop."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    async def has_users(self) -> bool:
        """Whether one has to sign in: there are users. Once there are, there are for good."""
        if not self._users and self.now() - self._looked >= LOOK_SECONDS:
            self._users = await self.do(lambda: there_are_users(self.settings))
            self._looked = self.now()
        return self._users

    async def session(self, token: str) -> Session | None:
        """Who that token is of."""
        at = self.at
        return await self.do(lambda: sessions.found(self._opened().store, token, at) if self._users else None)

    async def sign_in(self, login: str, password: str, address: str) -> str | Refused:
        """Let somebody in, one after the other; the new session's token."""
        if self._at_the_door >= MOST_AT_THE_DOOR:
            return Refused(too_often=True)
        at = self.at
        self._at_the_door += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(
                self._door_thread, lambda: self._opened().sign_in(login, password, address, at)
            )
        finally:
            self._at_the_door -= 1

    async def sign_out(self, token: str, login: str) -> None:
        """End a session."""
        at = self.at
        await self.do(lambda: self._opened().sign_out(token, login, at))

    def close(self) -> None:
        """Let go of threads and database."""
        self._threads.shutdown()
        self._door_thread.shutdown()
        if self._door:
            self._door.store.close()

    def _opened(self) -> Door:
        if self._door is None:
            url = self.settings.operations_url
            self._door = Door(open_store(url.get_secret_value() if url else None, self.settings.home))
        return self._door
