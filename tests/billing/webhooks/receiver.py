"""An endpoint on a real port of loopback, and deliveries to send it."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import sqlalchemy as sa
from aiohttp import web

from billing.store import Store
from billing.tables import webhook_events
from billing.webhooks.endpoint import Endpoint, Source
from billing.webhooks.signatures import signed
from pipelines.extract import scrub
from pipelines.serve import Receiving, application
from pipelines.settings import Settings

SECRET = "whsec_first0000000000000000"
NEXT = "whsec_second000000000000000"
TOKEN = "token-of-the-cloud"
NOW = 1_795_000_000
PATH = "/webhooks/stripe"


def snapshot(id_: str = "evt_1", type_: str = "customer.updated", **changes: Any) -> dict[str, Any]:
    """A snapshot event about a customer."""
    return {
        "id": id_,
        "object": "event",
        "api_version": "2026-10-28.endive",
        "created": NOW - 5,
        "data": {"object": {"id": "cus_1", "object": "customer", "email": "ada@example.com"}},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": type_,
    } | changes


def thin(id_: str = "evt_thin_1", **changes: Any) -> dict[str, Any]:
    """The same in a thin event."""
    return {
        "id": id_,
        "object": "v2.core.event",
        "type": "v1.customer.updated",
        "created": "2026-11-18T10:26:35.000Z",
        "livemode": False,
        "related_object": {"id": "cus_1", "type": "customer", "url": "/v1/customers/cus_1"},
        "snapshot_event": "evt_1",
    } | changes


@dataclass
class Receiver:
    """A running endpoint. `said` is what it told of refused deliveries."""

    store: Store
    session: aiohttp.ClientSession
    url: str
    said: list[str]

    async def post(self, event: Any, secret: str = SECRET, at: int = NOW, **how: Any) -> int:
        """Send an event, or the bytes of a body, as Stripe does; the status it was answered with."""
        body = event if isinstance(event, bytes) else json.dumps(event, indent=2).encode()
        headers = how.pop("headers", None) or {"Stripe-Signature": signed(body, secret, at)}
        async with self.session.post(self.url + how.pop("path", ""), data=body, headers=headers) as answer:
            self.answer = await answer.read()
            return answer.status

    def rows(self) -> list[Any]:
        with self.store.reading() as connection:
            return list(connection.execute(sa.select(webhook_events).order_by(webhook_events.c.seq)))


@dataclass
class Told:
    """What `received` may be told: whose events they are, the clock, and a store that is slow or fails."""

    sources: list[Source] = field(
        default_factory=lambda: [Source("default", "acct_1", False, secrets=(SECRET, NEXT), tokens=(TOKEN,))]
    )
    now: Callable[[], float] = lambda: NOW


def received(
    store: Store, folder: Path, story: Callable[[Receiver], Coroutine[Any, Any, None]], told: Told | None = None
) -> None:
    """Run a story against an endpoint on a port of its own."""
    told = told or Told()
    said: list[str] = []

    async def run() -> None:
        endpoint = Endpoint(store, told.sources, scrub.clean, told.now, said.append)
        (folder / "site").mkdir(exist_ok=True)
        runner = web.AppRunner(application(Settings().but(home=folder), Receiving(PATH, endpoint)))
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        try:
            async with aiohttp.ClientSession() as session:
                await story(Receiver(store, session, f"http://127.0.0.1:{port}{PATH}", said))
        finally:
            await runner.cleanup()

    asyncio.run(run())
