"""Sends events to webhook endpoints, signed, and again where they are not taken.

As documented (https://docs.stripe.com/webhooks#retries): anything but a 2xx is a failure, redirects too; in a sandbox
an event is tried three times more over a few hours, here of the sandbox's clock. Signatures carry the real time, since
a receiver holds them against its own clock. Order is not promised: deliveries go out several at a time.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import time
from collections import deque
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson

from sandbox.api import renditions
from sandbox.api.settings import API_VERSION
from sandbox.clock import World
from sandbox.forms import split
from sandbox.world.versions import changed

RETRY_AFTER = (600, 3_600, 4 * 3_600)
"""Seconds of the sandbox's clock after each failure; after the last an event is not sent any more."""
ANSWER_SECONDS = 10.0
AT_ONCE = 8
REMEMBERED = 2_000


@dataclass
class Delivery:
    """One event on its way to one endpoint. `due` is when it is tried next, by the sandbox's clock."""

    event_id: str
    type: str
    endpoint_id: str
    body: bytes
    due: int
    attempts: int = 0
    status: int | None = None
    delivered: bool = False

    def told(self) -> dict[str, Any]:
        """As the lever shows it; `status` is the last answer's, 0 where none came."""
        return {
            "event": self.event_id,
            "type": self.type,
            "endpoint": self.endpoint_id,
            "attempts": self.attempts,
            "status": self.status,
            "delivered": self.delivered,
        }


class Deliveries:
    """The deliveries of one world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._waiting: list[Delivery] = []
        self._log: deque[Delivery] = deque(maxlen=REMEMBERED)
        self._work: asyncio.Task[None] | None = None
        self._called = asyncio.Event()
        if world.stage is not None:
            world.stage.listener = self.heard

    def heard(self, event: dict[str, Any], shape: dict[str, Any], before: dict[str, Any] | None) -> None:
        """An event happened to an object, given complete as it is and as it was: send it to whom it concerns."""
        store = self._world.store
        found = [store.get("webhook_endpoint", id) for id in store.ids("webhook_endpoint")]  # noqa: A001
        concerned = [each for each in found if each is not None and _wants(each, event["type"])]
        if not concerned:
            return
        event = {**event, "pending_webhooks": len(concerned)}
        store.put(event)
        for endpoint in concerned:
            body = orjson.dumps(self._rendered(event, shape, before, endpoint), option=orjson.OPT_INDENT_2)
            delivery = Delivery(event["id"], event["type"], endpoint["id"], body, self._world.now)
            self._waiting.append(delivery)
            self._log.append(delivery)

    def go(self, *, all_now: bool = False) -> None:
        """Send what is due, or all that waits, beside whatever else the loop does."""
        if all_now:
            for each in self._waiting:
                each.due = min(each.due, self._world.now)
        self._called.set()
        if self._waiting and (self._work is None or self._work.done()):
            self._work = asyncio.get_running_loop().create_task(self._send())

    def listed(self) -> list[dict[str, Any]]:
        """The latest deliveries, the oldest first."""
        return [each.told() for each in self._log]

    async def close(self) -> None:
        """Leave what is on its way."""
        if self._work is not None:
            self._work.cancel()
            await asyncio.wait([self._work], timeout=1)

    async def _send(self) -> None:
        timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
        places = asyncio.Semaphore(AT_ONCE)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            while True:
                await self._called.wait()
                self._called.clear()
                due = [each for each in self._waiting if each.due <= self._world.now]
                self._waiting = [each for each in self._waiting if each.due > self._world.now]
                await asyncio.gather(*(self._try(session, places, each) for each in due))

    async def _try(self, session: aiohttp.ClientSession, places: asyncio.Semaphore, delivery: Delivery) -> None:
        endpoint = self._world.store.get("webhook_endpoint", delivery.endpoint_id)
        if endpoint is None or endpoint["status"] != "enabled":
            return
        async with places:
            delivery.status = await _posted(session, endpoint, delivery.body)
        delivery.attempts += 1
        if 200 <= delivery.status < 300:
            delivery.delivered = True
            self._count_down(delivery.event_id)
        elif delivery.attempts <= len(RETRY_AFTER):
            delivery.due = self._world.now + RETRY_AFTER[delivery.attempts - 1]
            self._waiting.append(delivery)

    def _count_down(self, event_id: str) -> None:
        event = self._world.store.get("event", event_id)
        if event is not None:
            self._world.store.put({**event, "pending_webhooks": max(event["pending_webhooks"] - 1, 0)})

    def _rendered(
        self, event: dict[str, Any], shape: dict[str, Any], before: dict[str, Any] | None, endpoint: dict[str, Any]
    ) -> dict[str, Any]:
        """The event in the endpoint's version: its object is rendered anew, and what changed of it."""
        version = endpoint["api_version"]
        if version is None or version == event["api_version"]:
            return event
        after = self._shown(shape, version)
        data: dict[str, Any] = {"object": after}
        if "previous_attributes" in event["data"] and before is not None:
            data["previous_attributes"] = changed(self._shown(before, version), after)
        return {**event, "api_version": version, "data": data}

    def _shown(self, shape: dict[str, Any], version: str) -> dict[str, Any]:
        shown = split(shape)[0]
        if version == API_VERSION:
            return shown
        rendered: dict[str, Any] = renditions.rendered(orjson.loads(orjson.dumps(shown)), version, self._world.store)
        return rendered


def _wants(endpoint: dict[str, Any], type_: str) -> bool:
    return endpoint["status"] == "enabled" and bool({"*", type_} & {*endpoint["enabled_events"]})


async def _posted(session: aiohttp.ClientSession, endpoint: dict[str, Any], body: bytes) -> int:
    """The status that the endpoint answers, 0 for none."""
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "Stripe-Signature": _signature(body, endpoint["_secret"], int(time.time())),
        "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
    }
    try:
        async with session.post(endpoint["url"], data=body, headers=headers, allow_redirects=False) as answer:
            return answer.status
    except (aiohttp.ClientError, TimeoutError):
        return 0


def _signature(body: bytes, secret: str, at: int) -> str:
    made = hmac.new(secret.encode(), b"%d.%s" % (at, body), hashlib.sha256).hexdigest()
    return f"t={at},v1={made}"
