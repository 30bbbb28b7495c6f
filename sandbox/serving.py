"""Runs a sandbox server beside the caller, for as long as a `with` block lasts.

    with serving(World.grown(Business())) as sandbox:
        client = stripe.StripeClient(sandbox.key, base_addresses={"api": sandbox.url})

The handle speaks to the server over its control endpoints, so it works alike for a thread and for a process of its own.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import signal
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import uvloop

from sandbox.api.faults import Fault, Kind
from sandbox.api.server import start
from sandbox.api.settings import Settings
from sandbox.clock import World

LOOPBACK = "127.0.0.1"
START_SECONDS = 30


@dataclass(frozen=True)
class Requests:
    """The request log: how many, by endpoint (`GET /v1/charges/{id}`), by status, and the recent ones in full."""

    total: int
    endpoints: dict[str, int]
    statuses: dict[str, int]
    recent: list[dict[str, Any]]


@dataclass(frozen=True)
class Sandbox:
    """A running server: where it is, the keys it takes, the world it serves (a copy, when it runs in its own process).

    `key` reads; `write_key` writes as well, and is empty where no key may.
    """

    url: str
    key: str
    world: World
    write_key: str = ""

    @property
    def now(self) -> int:
        """The instant of the sandbox's clock, in epoch seconds."""
        return int(self._pull("GET", "clock")["now"])

    @property
    def requests(self) -> Requests:
        return Requests(**self._pull("GET", "requests"))

    def forget_requests(self) -> None:
        self._pull("DELETE", "requests")

    def advance(self, *, days: float | None = None, to: int | str | None = None) -> int:
        """Lets the world live on; gives the new instant. Errors: ValueError for the past or an unreadable instant."""
        moved = self._pull("POST", "clock", {"days": days, "to": to})
        return int(moved["now"])

    def fail(self, kind: Kind, path: str = "*", **how: Any) -> None:
        """Adds a fault (see `sandbox.api.faults.Fault`). Errors: ValueError for a kind or value it does not know."""
        self._pull("POST", "faults", asdict(Fault(kind, path, **how)))

    def heal(self) -> None:
        """No more faults."""
        self._pull("DELETE", "faults")

    @property
    def deliveries(self) -> list[dict[str, Any]]:
        """The latest deliveries to webhook endpoints, the oldest first."""
        return list(self._pull("GET", "deliveries"))

    def deliver(self) -> None:
        """Send at once what waits to be tried again."""
        self._pull("POST", "deliveries")

    def authenticate(self, intent: str, *, succeeds: bool = True) -> None:
        """The cardholder says yes or no on their bank's page. Errors: ValueError for what waits for nobody."""
        self._pull("POST", "authentications", {"intent": intent, "succeeds": succeeds})

    def limit(self, **limits: Any) -> None:
        """Puts limits in force (`account_rate`, `endpoint_rate`, `…_concurrency`, `latency_ms`); none lifts them."""
        self._pull("POST", "limits", limits)

    def fx_rates_csv(self) -> str:
        """The world's exchange rates: date,from_currency,to_currency,rate."""
        return self._read("GET", "fx_rates.csv").decode()

    def _pull(self, method: str, lever: str, given: dict[str, Any] | None = None) -> Any:
        return json.loads(self._read(method, lever, given))

    def _read(self, method: str, lever: str, given: dict[str, Any] | None = None) -> bytes:
        body = None if given is None else json.dumps(given).encode()
        request = urllib.request.Request(f"{self.url}/_sandbox/{lever}", body, method=method)  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=None) as response:  # noqa: S310 - our own loopback server
                answer: bytes = response.read()
                return answer
        except urllib.error.HTTPError as error:
            raise ValueError(json.loads(error.read())["error"]) from None


@contextmanager
def serving(
    world: World, settings: Settings | None = None, *, port: int = 0, own_process: bool = False
) -> Iterator[Sandbox]:
    """Serves the world on loopback until the block ends; port 0 takes a free one.

    `own_process` forks, so that a benchmark's client does not share the interpreter with the server; the world given
    here then stands still while the served copy lives on. Errors: OSError when the port is taken.
    """
    settings = settings or Settings()
    run = _in_own_process if own_process else _in_thread
    with run(world, settings, port) as taken:
        write_key = next((key.value for key in settings.keys if key.may_write), "")
        yield Sandbox(f"http://{LOOPBACK}:{taken}", settings.keys[0].value, world, write_key)


@contextmanager
def _in_thread(world: World, settings: Settings, port: int) -> Iterator[int]:
    loop = uvloop.new_event_loop()
    stop = asyncio.Event()
    answer: list[int | BaseException] = []
    ready = threading.Event()

    def tell(outcome: int | BaseException) -> None:
        answer.append(outcome)
        ready.set()

    thread = threading.Thread(
        target=lambda: loop.run_until_complete(_serve(world, settings, port, stop, tell)), name="sandbox", daemon=True
    )
    thread.start()
    ready.wait(START_SECONDS)
    try:
        yield _port(answer)
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


@contextmanager
def _in_own_process(world: World, settings: Settings, port: int) -> Iterator[int]:
    fork = multiprocessing.get_context("fork")
    here, there = fork.Pipe(duplex=False)

    def run() -> None:
        # The process it is forked from may have handlers of its own, which would keep this one from ending.
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        uvloop.run(_serve(world, settings, port, asyncio.Event(), there.send))

    process = fork.Process(target=run, name="sandbox", daemon=True)
    process.start()
    try:
        yield _port([here.recv()] if here.poll(START_SECONDS) else [])
    finally:
        process.terminate()
        process.join(START_SECONDS)
        process.kill()
        process.join()
        here.close()
        there.close()


async def _serve(
    world: World, settings: Settings, port: int, stop: asyncio.Event, tell: Callable[[int | BaseException], None]
) -> None:
    try:
        runner, taken = await start(world, settings, LOOPBACK, port)
    except OSError as error:
        tell(error)
        return
    tell(taken)
    try:
        await stop.wait()
    finally:
        await runner.cleanup()


def _port(answer: list[int | BaseException]) -> int:
    if not answer:
        raise TimeoutError(f"The sandbox server did not start within {START_SECONDS} s.")
    if isinstance(answer[0], BaseException):
        raise answer[0]
    return answer[0]
