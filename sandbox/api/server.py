"""The sandbox's HTTP server: from a request to Stripe's answer, headers and all.

Checks in Stripe's order (address, key, version, limits, permission, parameters, idempotency key), does the harm that
faults ask for, and keeps the log. What the answers say is made in `endpoints.py` and `writing.py`.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
import time
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote

import orjson
from aiohttp import web

from sandbox.api import bodies, renditions
from sandbox.api.control import Control
from sandbox.api.deliveries import Deliveries
from sandbox.api.endpoints import Endpoints, Operation, accounts_of
from sandbox.api.errors import ApiError, broken, conflict, lock_timeout, no_such_write, rate_limited, unrecognized_url
from sandbox.api.faults import Fault, Faults
from sandbox.api.idempotency import IdempotencyKeys, Reply, Turn
from sandbox.api.keys import Keyring
from sandbox.api.limits import Limiter, Limits
from sandbox.api.parameters import parameters
from sandbox.api.request_log import Entry, RequestLog
from sandbox.api.settings import API_VERSION, Settings
from sandbox.api.writing import Wish, WriteOperation, Writing
from sandbox.clock import Clock, World
from sandbox.world.stage import Request

log = logging.getLogger(__name__)
Operations = Mapping[tuple[str, str], Operation | WriteOperation]

CONTROL = "/_sandbox/"
NOT_A_LIST = b'{"object":"maintenance_notice","data":"This is not the page you asked for."}'
GARBAGE = b"<html><head><title>502 Bad Gateway</title></head></html>"


class Tenant:
    """One account behind the server: its world's answers, under its own limits."""

    def __init__(self, world: World, clock: Clock, limits: Limits, connected: Sequence[World] = ()) -> None:
        self.id = _account_id(world)
        self._store = world.store
        self.deliveries = Deliveries(world)
        self.operations: dict[tuple[str, str], Operation | WriteOperation] = {
            **Endpoints(world.store, clock).operations(),
            **Writing(world).operations(),
        }
        self.idempotency = IdempotencyKeys(lambda: clock.now)
        if connected:
            self.operations["GET", "/v1/accounts"] = accounts_of([each.store for each in connected])
        self.limit(limits)

    def rendered(self, body: bytes, version: str) -> bytes:
        """An answer as an older API version shows it."""
        return orjson.dumps(renditions.rendered(orjson.loads(body), version, self._store))

    def limit(self, limits: Limits) -> None:
        """Puts other limits in force; buckets start full."""
        self.limiter = Limiter(limits, time.monotonic)


class Api:
    """The API over one world, and over those of its connected accounts."""

    def __init__(self, world: World, settings: Settings) -> None:
        self.clock = Clock(world, settings.connected)
        self.faults = Faults(settings.seed)
        self.requests = RequestLog()
        self.latency = settings.latency_ms / 1000
        self._keyring = Keyring(settings.keys)
        self._own = Tenant(world, self.clock, settings.limits, settings.connected)
        others = [Tenant(each, Clock(each), settings.limits) for each in settings.connected]
        self._tenants = {tenant.id: tenant for tenant in (self._own, *others)}
        self._control = Control(self, world)
        self._count = 0

    def limit(self, limits: Limits) -> None:
        """Puts other limits in force, for each account; buckets start full."""
        for tenant in self._tenants.values():
            tenant.limit(limits)

    def deliver(self, *, all_now: bool = False) -> None:
        """Send events to the endpoints of every account: those that are due, or all that wait."""
        for tenant in self._tenants.values():
            tenant.deliveries.go(all_now=all_now)

    def deliveries(self) -> list[dict[str, Any]]:
        """What was sent, is on its way or waits, by account."""
        return [each for tenant in self._tenants.values() for each in tenant.deliveries.listed()]

    async def close(self) -> None:
        """Send nothing any more."""
        for tenant in self._tenants.values():
            await tenant.deliveries.close()

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answers any request; never raises but to break a connection on purpose."""
        if request.path.startswith(CONTROL):
            return await self._control.answer(request)
        self._count += 1
        id = f"req_{self._count:014d}"  # noqa: A001 - Stripe's word
        path = request.rel_url.raw_path.rstrip("/")
        tenant = self._tenants.get(request.headers.get("Stripe-Account", self._own.id))
        operation, ids = self._match((tenant or self._own).operations, request.method, path)
        name = operation.name if operation else f"{request.method} (unrecognized)"
        fault = self.faults.pick(request.method, path)
        response = await self._respond(request, id, tenant, name, operation, ids, fault)
        broken_off = fault is not None and fault.kind in ("reset", "cut")
        size = len(response.body) if isinstance(response.body, bytes) else 0
        status = 0 if broken_off else response.status
        self.requests.note(name, Entry(id, request.method, path, request.query_string, status, size))
        return await _broken_off(request, response, fault) if broken_off and fault else response

    async def _respond(
        self,
        request: web.BaseRequest,
        id: str,  # noqa: A002
        tenant: Tenant | None,
        name: str,
        operation: Operation | WriteOperation | None,
        ids: tuple[str, ...],
        fault: Fault | None,
    ) -> web.Response:
        try:
            reply = await self._reply(request, id, tenant, name, operation, ids, fault)
            version = request.headers.get("Stripe-Version", API_VERSION)
            return self._response(reply.status, reply.body, id, version, reply.headers)
        except ApiError as error:
            body = orjson.dumps(error.body(id, (tenant or self._own).id))
            return self._response(error.status, body, id, more=error.headers)
        except Exception:
            log.exception("The sandbox failed on %s %s", request.method, request.rel_url)
            return self._response(500, orjson.dumps(broken(500).body(id, self._own.id)), id)

    async def _reply(
        self,
        request: web.BaseRequest,
        id: str,  # noqa: A002
        tenant: Tenant | None,
        name: str,
        operation: Operation | WriteOperation | None,
        ids: tuple[str, ...],
        fault: Fault | None,
    ) -> Reply:
        if operation is None:
            unknown = unrecognized_url if request.method in ("GET", "HEAD") else no_such_write
            raise unknown(request.method, request.path)
        key = self._keyring.holder(request.headers)
        version = _version(request.headers)
        if tenant is None:
            raise _no_access(request.headers["Stripe-Account"])
        with tenant.limiter.admitted(name):
            if isinstance(operation, WriteOperation):
                key.check(operation.permission, tenant.id)
                return await self._written(request, id, tenant, operation, ids, fault)
            if self.latency:
                await asyncio.sleep(self.latency)
            if fault is not None:
                harmed = await _harmed(fault)
                if harmed is not None:
                    return Reply(harmed)
            key.check(operation.permission, tenant.id)
            body = operation.serve(ids, parameters(request.rel_url.raw_query_string))
            return Reply(body if version == API_VERSION else tenant.rendered(body, version))

    async def _written(
        self,
        request: web.BaseRequest,
        id: str,  # noqa: A002
        tenant: Tenant,
        operation: WriteOperation,
        ids: tuple[str, ...],
        fault: Fault | None,
    ) -> Reply:
        """A write's answer: the one its idempotency key has already, or that of the act done now."""
        said = bodies.tree(request.rel_url.raw_query_string, (await request.read()).decode("utf-8", "replace"))
        wish = operation.writing.wish(operation.write, ids, said)
        key = request.headers.get("Idempotency-Key") if request.method == "POST" else None
        with tenant.idempotency.turn(key, id, request.path, said) as turn:
            if self.latency:
                await asyncio.sleep(self.latency)
            replayed = turn.kept is not None
            if fault is not None and not fault.effect and fault.kind != "cut":
                harmed = await self._struck(fault, turn, tenant)
                if harmed is not None:
                    return harmed
            reply = turn.kept or _done(operation.writing, wish, turn, tenant)
            tenant.deliveries.go()
            if fault is not None and fault.effect:
                harmed = await self._struck(fault, turn, tenant)
                if harmed is not None:
                    return harmed
            version = _version(request.headers)
            if version != API_VERSION and reply.status == 200:
                reply = Reply(tenant.rendered(reply.body, version))
            said_of_key = turn.headers if key else {}
            again = {"Idempotent-Replayed": "true"} if replayed else {}
            return Reply(reply.body, reply.status, {**reply.headers, **said_of_key, **again})

    async def _struck(self, fault: Fault, turn: Turn, tenant: Tenant) -> Reply | None:
        """The harm of a fault to a write, kept under its key where Stripe would."""
        if fault.kind == "reset":
            return Reply(b"")
        try:
            harmed = await _harmed(fault)
        except ApiError as error:
            if fault.kind == "server_error" and fault.kept:
                turn.keep(_told(error, turn, tenant))
            raise
        return None if harmed is None else Reply(harmed)

    @staticmethod
    def _match(
        operations: Operations, method: str, path: str
    ) -> tuple[Operation | WriteOperation | None, tuple[str, ...]]:
        """The operation of a path: as it stands, or with its last or last but one step as the (quoted) id."""
        operation = operations.get((method, path))
        if operation is not None:
            return operation, ()
        above, _, last = path.rpartition("/")
        operation = operations.get((method, above + "/{id}"))
        if operation is not None:
            return operation, (unquote(last),)
        top, _, middle = above.rpartition("/")
        return operations.get((method, f"{top}/{{id}}/{last}")), (unquote(middle),)

    def _response(
        self,
        status: int,
        body: bytes,
        id: str,  # noqa: A002
        version: str = API_VERSION,
        more: Mapping[str, str] | None = None,
    ) -> web.Response:
        headers = {
            "Cache-Control": "no-cache, no-store",
            "Content-Type": "application/json",
            "Date": self.clock.http_date,
            "Request-Id": id,
            "Server": "nginx",
            "Stripe-Version": version,
            **(more or {}),
        }
        return web.Response(status=status, body=body, headers=headers)


class _Runner(web.ServerRunner):
    """Ends deliveries with the server."""

    def __init__(self, server: web.Server, api: Api) -> None:
        super().__init__(server, shutdown_timeout=0.1)
        self._api = api

    async def cleanup(self) -> None:
        await self._api.close()
        await super().cleanup()


async def start(world: World, settings: Settings, host: str, port: int) -> tuple[web.ServerRunner, int]:
    """Listens in the running loop; gives the runner, to be cleaned up, and the port. Errors: OSError when taken."""
    api = Api(world, settings)
    server = web.Server(api.answer, handler_cancellation=True, access_log=None)
    runner = _Runner(server, api)
    await runner.setup()
    listener = socket.create_server((host, port), backlog=1024)
    await web.SockSite(runner, listener, backlog=1024).start()
    return runner, listener.getsockname()[1]


def _account_id(world: World) -> str:
    return next(iter(world.store.ids("account")), "acct_sandbox")


def _version(headers: Mapping[str, str]) -> str:
    version = headers.get("Stripe-Version", API_VERSION)
    if not renditions.OLDEST <= version <= API_VERSION:
        known = f"This sandbox answers in versions from {renditions.OLDEST} to {API_VERSION}."
        raise ApiError(400, f"Invalid Stripe API version: {version}. {known}")
    return version


def _no_access(account: str) -> ApiError:
    message = (
        f"The provided key does not have access to account '{account}' (or that account does not exist). "
        "Application access may have been revoked."
    )
    return ApiError(403, message, "account_invalid")


def _done(writing: Writing, wish: Wish, turn: Turn, tenant: Tenant) -> Reply:
    """The act's answer or its refusal: either is what the key replays."""
    try:
        reply = Reply(writing.fulfil(wish, Request(turn.request_id, turn.key or None)))
    except ApiError as error:
        reply = _told(error, turn, tenant)
    turn.keep(reply)
    return reply


def _told(error: ApiError, turn: Turn, tenant: Tenant) -> Reply:
    return Reply(orjson.dumps(error.body(turn.request_id, tenant.id)), error.status, error.headers)


async def _harmed(fault: Fault) -> bytes | None:
    """Raises or gives the body the fault asks for; None lets the request go on (late, when it is to hang)."""
    match fault.kind:
        case "server_error":
            raise broken(fault.status)
        case "rate_limit":
            raise rate_limited(fault.reason)
        case "lock_timeout":
            raise lock_timeout()
        case "conflict":
            raise conflict()
        case "not_a_list":
            return NOT_A_LIST
        case "garbage":
            return GARBAGE
        case "body":
            return fault.body.encode("latin-1")
        case "hang":
            await asyncio.sleep(fault.seconds)
    return None


async def _broken_off(request: web.BaseRequest, response: web.Response, fault: Fault) -> web.StreamResponse:
    """Resets the connection at once, or after half of the body."""
    transport = request.transport
    if transport is None:
        return response
    if fault.kind == "reset":
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
        return response
    body = response.body if isinstance(response.body, bytes) else b""
    cut = web.StreamResponse(status=response.status, headers={**response.headers, "Content-Length": str(len(body))})
    await cut.prepare(request)
    await cut.write(body[: len(body) // 2])
    transport.close()
    return cut
