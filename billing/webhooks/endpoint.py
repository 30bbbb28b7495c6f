"""Receives deliveries over HTTP: asks whose they are, keeps them, and only then answers. Knows no settings and no clock
but those it is handed.

Deliveries that come in together are committed together (a group commit), so that a burst costs few syncs of the disk.
"""

import asyncio
import hmac
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from aiohttp import web
from sqlalchemy.exc import OperationalError

from billing.store import Store
from billing.webhooks import inbox, notices
from billing.webhooks.inbox import Delivery
from billing.webhooks.notices import Notice, NoticeError
from billing.webhooks.signatures import TOLERANCE_SECONDS, SignatureError, signer

LARGEST_BODY = 1024 * 1024
BODY_SECONDS = 10.0
"""How long a sender may take over its body."""
MOST_WAITING = 20_000
"""Deliveries that may wait for a commit; more are sent away, to come again."""
MOST_TOGETHER = 500
"""Deliveries that are committed at a time."""

Clean = Callable[[Sequence[bytes]], Sequence[bytes]]
_Entry = tuple[Delivery, "asyncio.Future[None]"]


class _Busy(Exception):  # noqa: N818
    """A delivery could not be kept; it is to come again."""


@dataclass(frozen=True)
class Source:
    """An account that sends: the secrets that it signs with, and the tokens that its clouds show.

    `name` tells its endpoint from others in the inbox.
    """

    name: str
    account_id: str
    livemode: bool
    secrets: tuple[str, ...] = field(default=(), repr=False)
    tokens: tuple[str, ...] = field(default=(), repr=False)


@dataclass
class _Group:
    """Commits what waits, all of it at once, again and again; whoever put it in is told when it is on the disk."""

    store: Store
    clean: Clean
    waiting: "asyncio.Queue[_Entry]" = field(default_factory=lambda: asyncio.Queue(MOST_WAITING))
    thread: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "inbox"))

    async def keep(self, deliveries: Sequence[Delivery]) -> None:
        """Returns once they are durable.

        Raises:
            _Busy: too many wait, or the database fails.
        """
        loop = asyncio.get_running_loop()
        told = [loop.create_future() for _ in deliveries]
        try:
            for each in zip(deliveries, told, strict=True):
                self.waiting.put_nowait(each)
        except asyncio.QueueFull:
            raise _Busy("too many deliveries wait") from None
        await asyncio.gather(*told)

    async def run(self) -> None:
        """Commit until cancelled."""
        while True:
            group = [await self.waiting.get()]
            while len(group) < MOST_TOGETHER and not self.waiting.empty():
                group.append(self.waiting.get_nowait())
            await self._settled(group)

    async def _settled(self, group: Sequence[_Entry]) -> None:
        """Commit a group and tell each of its senders; where one of them can't be written, the others still are."""
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(self.thread, self._commit, [delivery for delivery, _ in group])
        except OperationalError as error:
            _tell(group, _Busy(type(error).__name__))
        except Exception as error:
            if len(group) == 1:
                _tell(group, _Busy(type(error).__name__))
            else:
                for each in group:
                    await self._settled([each])
        else:
            _tell(group, None)

    def _commit(self, deliveries: Sequence[Delivery]) -> None:
        payloads = self.clean([delivery.notice.payload for delivery in deliveries])
        scrubbed = [
            Delivery(each.notice, each.account_id, each.endpoint, each.received_at, payload.decode())
            for each, payload in zip(deliveries, payloads, strict=True)
        ]
        with self.store.engine.begin() as connection:
            inbox.append(connection, scrubbed)


@dataclass
class Endpoint:
    """What answers at the webhook's address.

    `clean` removes from payloads (compact JSON) what must not be stored; `now` is the clock, in epoch seconds, and
    `said` is told of deliveries that are refused, without their content.
    """

    store: Store
    sources: Sequence[Source]
    clean: Clean
    now: Callable[[], float]
    said: Callable[[str], None]
    tolerance: int = TOLERANCE_SECONDS

    def __post_init__(self) -> None:
        self._group = _Group(self.store, self.clean)
        self._by_secret = {secret: source for source in self.sources for secret in source.secrets}

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Commits what comes in while the block lasts."""
        task = asyncio.create_task(self._group.run())
        try:
            yield
        finally:
            task.cancel()
            self._group.thread.shutdown()

    async def signed(self, request: web.Request) -> web.Response:
        """A delivery from Stripe itself: 200 once it is kept, 400 where it is not Stripe's or not of this mode."""
        body = await _body(request)
        try:
            header = request.headers.get("Stripe-Signature")
            secret = signer(body, header, self._by_secret, int(self.now()), self.tolerance)
            told = [notices.notice(body)]
        except (SignatureError, NoticeError) as error:
            return self._refused(400, str(error))
        return await self._kept(self._by_secret[secret], told)

    async def handed_on(self, request: web.Request) -> web.Response:
        """A delivery from EventBridge or Event Grid, which sign nothing and show a token instead: 401 without one."""
        source = self._shown(request.headers)
        if source is None:
            return self._refused(401, "The delivery shows no token of this endpoint.")
        body = await _body(request)
        code = notices.handshake(body)
        if code is not None:
            return web.json_response({"validationResponse": code})
        try:
            told = notices.enveloped(body)
        except NoticeError as error:
            return self._refused(400, str(error))
        return await self._kept(source, told)

    async def greeted(self, request: web.Request) -> web.Response:
        """The question by which Event Grid asks whether it may send CloudEvents here."""
        if self._shown(request.headers) is None:
            return self._refused(401, "The delivery shows no token of this endpoint.")
        origin = request.headers.get("WebHook-Request-Origin", "")
        return web.Response(headers={"WebHook-Allowed-Origin": origin, "WebHook-Allowed-Rate": "*"})

    def _shown(self, headers: Mapping[str, str]) -> Source | None:
        scheme, _, token = headers.get("Authorization", "").partition(" ")
        shown = token.strip().encode() if scheme.lower() == "bearer" else b""
        found = None
        for source in self.sources:
            for each in source.tokens:
                if hmac.compare_digest(each.encode(), shown):
                    found = source
        return found

    async def _kept(self, source: Source, told: Sequence[Notice]) -> web.Response:
        if any(each.livemode != source.livemode for each in told):
            expected = "live" if source.livemode else "test"
            return self._refused(400, f"The event is not of {expected} mode, which this endpoint is for.")
        at = datetime.fromtimestamp(self.now(), UTC)
        deliveries = [Delivery(each, each.account_id or source.account_id, source.name, at, "") for each in told]
        try:
            await self._group.keep(deliveries)
        except _Busy as error:
            return self._refused(503, f"A delivery could not be kept: {error}.")
        return web.json_response({"received": True})

    def _refused(self, status: int, words: str) -> web.Response:
        self.said(f"{status}: {words}")
        return web.json_response({"error": words}, status=status)


async def _body(request: web.Request) -> bytes:
    """The body; 413 where it is too large, 408 where it does not come."""
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await request.read()
    except TimeoutError:
        raise web.HTTPRequestTimeout from None


def _tell(group: Sequence[_Entry], error: Exception | None) -> None:
    for _, future in group:
        if future.done():
            continue
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)
