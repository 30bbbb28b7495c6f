"""`revenue serve`: the rendered site over HTTP, the back office for those who sign in, and the address that Stripe
sends events to. Dashboards are static; nothing is computed on a request for one."""

import asyncio
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from aiohttp_session import get_session, session_middleware
from sqlalchemy.exc import SQLAlchemyError

from billing.errors import BillingError
from billing.webhooks.endpoint import LARGEST_BODY, Endpoint
from dashboards.sheet import BAR
from pipelines.errors import RevenueError, SettingsError
from pipelines.office import actions as office_actions
from pipelines.office import coming_in, disputes, headers, shown, trail
from pipelines.office.cookies import StoredSessions
from pipelines.office.desk import Desk, there_are_users
from pipelines.office.gate import Gate
from pipelines.office.hosts import Hosts, is_loopback
from pipelines.settings import Settings

NO_DATABASE = "The operations database can't be used at present. Whoever runs this finds why where it was started."
NO_PAGES = "No pages are rendered yet: `revenue run` makes them."


@dataclass(frozen=True)
class Receiving:
    """Where events are taken, and by what."""

    path: str
    endpoint: Endpoint

    @property
    def paths(self) -> frozenset[str]:
        """The addresses of deliveries."""
        return frozenset({self.path, f"{self.path}/cloud"})


def application(
    settings: Settings, receiving: Receiving | None = None, now: Callable[[], float] = time.time
) -> web.Application:
    """The site, the office and the endpoint as a web application; `now` is the clock, in epoch seconds."""
    site = settings.site
    gate = Gate(Desk(settings, now), Hosts(settings.public_url, settings.proxy_addresses))
    deliveries = receiving.paths if receiving is not None else frozenset()
    app = web.Application(middlewares=[_guarding(gate, deliveries)], client_max_size=LARGEST_BODY)
    app.on_cleanup.append(_closing(gate.desk))
    if receiving is not None:
        _receive(app, receiving)
    coming_in.add(app.router, gate)
    for pages in (office_actions, trail, disputes):
        pages.add(app.router, gate.desk)
    app.router.add_get("/", _page(site, "index.html"))
    app.router.add_get(r"/{name:[^{}]+\.html}", _page(site))
    app.router.add_static("/", site, follow_symlinks=False, show_index=False)
    return app


def serve(settings: Settings, host: str, port: int, receiving: Receiving | None = None) -> None:
    """Serve until interrupted; events too, where they are taken, pages or not.

    Raises:
        RevenueError: there is nothing to serve yet, the port is taken, or others would see figures without signing in.
    """
    refuse_strangers(settings, host)
    site = settings.site
    if receiving is not None:
        site.mkdir(parents=True, exist_ok=True)
    elif not (site / "index.html").is_file():
        raise RevenueError(f"{site} holds no pages yet: `revenue demo` or `revenue run` makes them.")
    try:
        web.run_app(
            application(settings, receiving), host=host, port=port, print=None, access_log=None, loop=_quick_loop()
        )
    except OSError as error:
        raise RevenueError(f"Can't listen on {host}:{port} ({error.strerror}). Choose another with --port.") from None


def refuse_strangers(settings: Settings, host: str) -> None:
    """Have others than this machine see nothing unless they sign in, over TLS.

    Raises:
        SettingsError: they would.
    """
    if is_loopback(host):
        return
    if not settings.public_url:
        raise SettingsError(
            f"--host {host} shows figures to other machines, and passwords must not travel in the clear. Put a proxy "
            "with TLS before it; say in REVENUE_PUBLIC_URL how others reach it, and in REVENUE_PROXIES where it is "
            "(docs/security.md)."
        )
    if not there_are_users(settings):
        raise SettingsError(
            f"--host {host} shows figures to other machines, and nobody has to sign in yet. `revenue users add` first "
            "(docs/security.md)."
        )


def for_whom(settings: Settings) -> str:
    """Who is served, in a sentence."""
    if not there_are_users(settings):
        return "There are no users: this machine alone, without signing in (`revenue users add` makes some)."
    return f"Users sign in, at {settings.public_url or 'this machine'} (`revenue users list` shows them)."


def _guarding(gate: Gate, deliveries: frozenset[str]) -> Middleware:
    """What every request passes; deliveries of events pass by it, since they are many, signed, and no browser's."""
    behind_tls = gate.hosts.behind_tls
    with_session = session_middleware(StoredSessions(gate.desk, behind_tls=behind_tls))
    always = {**headers.ALWAYS, **(headers.BEHIND_TLS if behind_tls else {})}

    @web.middleware
    async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path in deliveries:
            return await handler(request)

        async def behind_the_gate(request: web.Request) -> web.StreamResponse:
            return await gate.passed(request, handler)

        try:
            response = await with_session(request, behind_the_gate)
        except web.HTTPException as error:
            _add(always, error)
            raise
        except (BillingError, SQLAlchemyError) as error:  # nobody is let in where it can't be known who may
            print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
            response = web.Response(status=503, text=NO_DATABASE)
        _add(always, response)
        return response

    return guarded


def _add(more: dict[str, str], response: web.StreamResponse) -> None:
    for name, value in more.items():
        response.headers.setdefault(name, value)


def _closing(desk: Desk) -> Callable[[web.Application], Awaitable[None]]:
    async def closed(_: web.Application) -> None:
        desk.close()

    return closed


def _receive(app: web.Application, receiving: Receiving) -> None:
    async def running(_: web.Application) -> AsyncIterator[None]:
        async with receiving.endpoint.running():
            yield

    app.cleanup_ctx.append(running)
    app.router.add_post(receiving.path, receiving.endpoint.signed)
    app.router.add_post(f"{receiving.path}/cloud", receiving.endpoint.handed_on)
    app.router.add_route("OPTIONS", f"{receiving.path}/cloud", receiving.endpoint.greeted)


def _quick_loop() -> asyncio.AbstractEventLoop:
    if sys.platform == "win32":
        return asyncio.new_event_loop()
    import uvloop

    return uvloop.new_event_loop()


@contextmanager
def beside(settings: Settings, host: str, port: int) -> Iterator[None]:
    """Serve on a thread while the block lasts, pages that are rendered later included; not at all on a taken port."""
    settings.site.mkdir(parents=True, exist_ok=True)
    loop = asyncio.new_event_loop()
    runner = web.AppRunner(application(settings), access_log=None, handle_signals=False)
    loop.run_until_complete(runner.setup())
    with suppress(OSError):
        loop.run_until_complete(web.TCPSite(runner, host, port).start())
    thread = threading.Thread(target=loop.run_forever, name="pages", daemon=True)
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.run_until_complete(runner.cleanup())
        loop.close()


def _page(site: Path, name: str = "") -> Handler:
    """A dashboard, with its own policy as a header, and who is signed in where somebody is."""
    folder = site.resolve()

    async def page(request: web.Request) -> web.StreamResponse:
        file = (folder / (name or request.match_info["name"])).resolve()
        if not file.is_relative_to(folder) or not file.is_file():
            raise web.HTTPNotFound(text=NO_PAGES if name else None)
        html = await asyncio.to_thread(file.read_bytes)
        told = headers.of_page(headers.stated(html))
        session = await get_session(request)
        if not session.empty:
            html = html.replace(BAR.encode(), shown.bar(session).encode(), 1)
        return web.Response(body=html, content_type="text/html", charset="utf-8", headers=told)

    return page
