"""`python -m benchmarks.webhooks`: how many events a second `revenue serve` takes, how soon it answers, whether any is
lost when it is killed in the middle; and how long a change takes from Stripe to the published figures (`--figures`).

A company's sandbox, the server and the sender are processes of their own. The sender keeps to a rate, signs each event
as Stripe does, and sends again what was not answered, as Stripe does too.
"""

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import sqlalchemy as sa
import stripe
import typer
import uvloop

from benchmarks import machine
from benchmarks.tables import table
from billing.store import open_store
from billing.tables import webhook_events
from billing.webhooks.signatures import signed
from pipelines import query
from sandbox.serving import serving
from sandbox.world.business import Business
from sandbox.world.world import World

SECRET = "whsec_benchmark000000000000"
CONNECTIONS = 64
CUSTOMERS = 5_000
REVENUE = (sys.executable, "-m", "pipelines.cli")
LONGEST = 300
Line = tuple[asyncio.StreamReader, asyncio.StreamWriter]
SOON = 0.1
"""Seconds in which an event is to be answered."""


@dataclass
class Sent:
    """What the sender saw. Times are seconds from sending an event to its answer, of what was sent once; `busy`
    is the server's processor time, where it lived through it all."""

    times: list[float] = field(default_factory=list)
    again: int = 0
    seconds: float = 0.0
    busy: float = 0.0
    answered: set[str] = field(default_factory=set)

    def within(self, share: float) -> float:
        """The time within which this share was answered."""
        return sorted(self.times)[min(int(len(self.times) * share), len(self.times) - 1)]


def main(
    rate: Annotated[int, typer.Option(min=1, help="Events a second.")] = 1_000,
    seconds: Annotated[int, typer.Option(min=1, help="For so long.")] = 60,
    kill: Annotated[bool, typer.Option("--kill", help="SIGKILL the server in the middle and start it again.")] = False,
    figures: Annotated[
        bool, typer.Option("--figures", help="Instead: a change of the demo's company, to the figures.")
    ] = False,
) -> None:
    """Send events and print what became of them as Markdown."""
    about = [f"- {name}: {words}" for name, words in machine.described().items()]
    if figures:
        typer.echo(
            "\n".join([*about, "", f"From a change at Stripe to the published figures: {to_figures(Business()):.1f} s"])
        )
        return
    sent, kept = measure(rate, seconds, kill=kill)
    late = sum(each > SOON for each in sent.times)
    rows: list[tuple[str, ...]] = [
        (
            "events",
            "rate",
            "seconds",
            "half within",
            "99% within",
            "slowest",
            "later than 100 ms",
            "sent again",
            "lost",
            "processor",
        ),
        (
            f"{len(sent.answered):,}",
            f"{len(sent.answered) / sent.seconds:,.0f}/s",
            f"{sent.seconds:.1f}",
            f"{sent.within(0.5) * 1000:.1f} ms",
            f"{sent.within(0.99) * 1000:.1f} ms",
            f"{max(sent.times) * 1000:.0f} ms",
            f"{late:,}",
            f"{sent.again:,}",
            f"{len(sent.answered - kept):,}",
            f"{sent.busy / len(sent.answered) * 1e6:.0f} µs an event" if sent.busy else "",
        ),
    ]
    typer.echo("\n".join([*about, "", *table(rows, right=range(10))]))
    if sent.answered != kept:
        raise typer.Exit(1)


def measure(rate: int, seconds: float, *, kill: bool) -> tuple[Sent, set[str]]:
    """Send for so long at this rate; what the sender saw, and the ids that are in the inbox in the end."""
    with tempfile.TemporaryDirectory(prefix="revenue-bench-") as scratch:
        home = Path(scratch)
        with serving(World.grown(Business(customers=1, months=1)), own_process=True) as sandbox:
            environment = {
                **os.environ,
                "REVENUE_HOME": str(home),
                "STRIPE_API_KEY": sandbox.key,
                "STRIPE_API_BASE": sandbox.url,
                "REVENUE_WEBHOOK_SECRETS": SECRET,
            }
            with Server(environment, free_port()).running() as server:
                sent = uvloop.run(_send(server, int(rate * seconds), rate, kill_at=seconds / 2 if kill else None))
        return sent, _kept(home)


def to_figures(business: Business) -> float:
    """Seconds from a subscription's cancellation to the published database that knows of it.

    Raises:
        RuntimeError: it takes longer than five minutes.
    """
    with (
        tempfile.TemporaryDirectory(prefix="revenue-bench-") as scratch,
        serving(World.grown(business), own_process=True) as sandbox,
    ):
        home = Path(scratch)
        (home / "rates.csv").write_text(sandbox.fx_rates_csv())
        environment = {
            **os.environ,
            "REVENUE_HOME": scratch,
            "STRIPE_API_KEY": sandbox.key,
            "STRIPE_API_BASE": sandbox.url,
        }
        subprocess.run([*REVENUE, "run", "--quiet"], env=environment, check=True, stdout=subprocess.DEVNULL)
        client = stripe.StripeClient(sandbox.write_key, base_addresses={"api": sandbox.url})
        server = Server(environment, free_port(), ("--refresh",))
        endpoint = client.v1.webhook_endpoints.create({"url": server.url, "enabled_events": ["*"]})
        server.environment = {**environment, "REVENUE_WEBHOOK_SECRETS": str(endpoint.secret)}
        with server.running():
            subscription = client.v1.subscriptions.list({"status": "active", "limit": 1}).data[0].id
            began = time.monotonic()
            client.v1.subscriptions.cancel(subscription)
            while not _is_ended(home, subscription):
                if time.monotonic() - began > LONGEST:
                    raise RuntimeError("the change was not published")
                time.sleep(0.2)
            return time.monotonic() - began


def _is_ended(home: Path, subscription: str) -> bool:
    ended = f"select ended_at is not null as ended from staging.subscriptions where id = '{subscription}'"
    return bool(query.ask(home / "revenue.duckdb", ended).item())


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Server:
    """`revenue serve` in a process of its own, on one port however often it is started."""

    environment: Mapping[str, str]
    port: int
    options: tuple[str, ...] = ()
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/webhooks/stripe"

    @contextmanager
    def running(self) -> Iterator["Server"]:
        """Runs while the block lasts."""
        self.start()
        try:
            while not self.answers():
                time.sleep(0.05)
            yield self
        finally:
            if self.process is not None:
                self.process.terminate()
                self.process.wait()

    def start(self) -> None:
        command = [*REVENUE, "serve", "--port", str(self.port), *self.options]
        self.process = subprocess.Popen(command, env=dict(self.environment), stdout=subprocess.DEVNULL)

    def kill(self) -> None:
        """SIGKILL: nothing of it gets to end in good order."""
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()

    def busy(self) -> float:
        """Seconds of processor time that the process has used, as Linux tells it; 0 elsewhere."""
        stat = Path(f"/proc/{self.process.pid if self.process else 0}/stat")
        if not stat.is_file():
            return 0.0
        user, system = stat.read_text().rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def answers(self) -> bool:
        if self.process is not None and self.process.poll() is not None:
            raise RuntimeError("revenue serve did not start")
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


async def _send(server: Server, count: int, rate: int, *, kill_at: float | None) -> Sent:
    sent = Sent()
    due: asyncio.Queue[int] = asyncio.Queue()
    began, before = time.monotonic(), server.busy()
    senders = [asyncio.create_task(_sender(server.port, due, sent)) for _ in range(CONNECTIONS)]
    killing = None if kill_at is None else asyncio.create_task(_killed(server, kill_at))
    for number in range(count):
        early = began + number / rate - time.monotonic()
        if early > 0:
            await asyncio.sleep(early)
        due.put_nowait(number)
    await due.join()
    sent.seconds = time.monotonic() - began
    sent.busy = 0.0 if killing else server.busy() - before
    for each in senders:
        each.cancel()
    if killing is not None:
        await killing
    return sent


async def _killed(server: Server, after: float) -> None:
    await asyncio.sleep(after)
    await asyncio.to_thread(server.kill)
    server.start()


async def _sender(port: int, due: "asyncio.Queue[int]", sent: Sent) -> None:
    """Send what is due over one connection, each event until it is answered by 200."""
    line: Line | None = None
    while True:
        number = await due.get()
        id_ = f"evt_{number:012d}"
        body, tries, status = _event(id_, number), 0, 0
        while status != 200:
            began = time.monotonic()
            try:
                line = line or await asyncio.open_connection("127.0.0.1", port)
                status = await _posted(line, body)
            except (OSError, asyncio.IncompleteReadError):
                line = None
                await asyncio.sleep(0.2)
            tries += 1
        sent.answered.add(id_)
        if tries > 1:
            sent.again += 1
        else:
            sent.times.append(time.monotonic() - began)
        due.task_done()


async def _posted(line: Line, body: bytes) -> int:
    """The status that a delivery is answered with. By hand, so that the sender takes little of the machine."""
    reader, writer = line
    head = (
        f"POST /webhooks/stripe HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n"
        f"Stripe-Signature: {signed(body, SECRET, int(time.time()))}\r\n\r\n"
    )
    writer.write(head.encode() + body)
    answer = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: (\d+)", answer)
    await reader.readexactly(int(length[1]) if length else 0)
    return int(answer.split(b" ", 2)[1])


def _event(id_: str, number: int) -> bytes:
    """An event of Stripe's usual size, about one of the customers."""
    thing = {
        "id": f"ch_{number:012d}",
        "object": "charge",
        "amount": 4_900,
        "currency": "usd",
        "customer": f"cus_{number % CUSTOMERS:08d}",
        "billing_details": {"email": "ada@example.com", "name": "Ada", "address": {"line1": "1 Main Street"}},
        "metadata": {f"key_{each}": "some words that a company keeps here" for each in range(40)},
    }
    event = {
        "id": id_,
        "object": "event",
        "api_version": "2026-10-28.endive",
        "created": int(time.time()),
        "data": {"object": thing},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": "charge.succeeded",
    }
    return json.dumps(event, indent=2).encode()


def _kept(home: Path) -> set[str]:
    store = open_store(None, home)
    try:
        with store.reading() as connection:
            ids = list(connection.execute(sa.select(webhook_events.c.event_id)).scalars())
    finally:
        store.close()
    if len(ids) > len(set(ids)):
        raise RuntimeError("an event is in the inbox twice")
    return set(ids)


if __name__ == "__main__":
    typer.run(main)
