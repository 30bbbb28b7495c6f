"""`revenue serve`: the rendered site over HTTP on loopback, and the address that Stripe sends events to. Pages are
static; nothing is computed on a request."""

import asyncio
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler

from billing.webhooks.endpoint import LARGEST_BODY, Endpoint
from pipelines.errors import RevenueError

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


@dataclass(frozen=True)
class Receiving:
    """Where events are taken, and by what."""

    path: str
    endpoint: Endpoint


def application(site: Path, receiving: Receiving | None = None) -> web.Application:
    """The site as a web application; a folder's address shows its index page."""
    app = web.Application(middlewares=[_with_headers], client_max_size=LARGEST_BODY)
    app.router.add_get("/", _index(site))
    if receiving is not None:
        _receive(app, receiving)
    app.router.add_static("/", site, follow_symlinks=False, show_index=False)
    return app


def serve(site: Path, host: str, port: int, receiving: Receiving | None = None) -> None:
    """Serve until interrupted; events too, where they are taken, pages or not.

    Raises:
        RevenueError: there is nothing to serve yet, or the port is taken.
    """
    if receiving is not None:
        site.mkdir(parents=True, exist_ok=True)
    elif not (site / "index.html").is_file():
        raise RevenueError(f"{site} holds no pages yet: `revenue demo` or `revenue run` makes them.")
    try:
        web.run_app(application(site, receiving), host=host, port=port, print=None, access_log=None, loop=_quick_loop())
    except OSError as error:
        raise RevenueError(f"Can't listen on {host}:{port} ({error.strerror}). Choose another with --port.") from None


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
def beside(site: Path, host: str, port: int) -> Iterator[None]:
    """Serve on a thread while the block lasts, pages that are rendered later included; not at all on a taken port."""
    site.mkdir(parents=True, exist_ok=True)
    loop = asyncio.new_event_loop()
    runner = web.AppRunner(application(site), access_log=None, handle_signals=False)
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


def _index(site: Path) -> Handler:
    async def index(_: web.Request) -> web.StreamResponse:
        if not (site / "index.html").is_file():
            raise web.HTTPNotFound(text="No pages are rendered yet: `revenue run` makes them.")
        return web.FileResponse(site / "index.html")

    return index


@web.middleware
async def _with_headers(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        response = await handler(request)
    except web.HTTPException as error:
        error.headers.update(HEADERS)
        raise
    response.headers.update(HEADERS)
    return response
