"""`revenue serve`: the rendered site over HTTP on loopback. Pages are static; nothing is computed on a request."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler

from pipelines.errors import RevenueError

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


def application(site: Path) -> web.Application:
    """The site as a web application; a folder's address shows its index page."""
    app = web.Application(middlewares=[_with_headers])
    app.router.add_get("/", _index(site))
    app.router.add_static("/", site, follow_symlinks=False, show_index=False)
    return app


def serve(site: Path, host: str, port: int) -> None:
    """Serve until interrupted.

    Raises:
        RevenueError: nothing is rendered yet, or the port is taken.
    """
    if not (site / "index.html").is_file():
        raise RevenueError(f"{site} holds no pages yet: `revenue demo` or `revenue run` makes them.")
    try:
        web.run_app(application(site), host=host, port=port, print=None, access_log=None)
    except OSError as error:
        raise RevenueError(f"Can't listen on {host}:{port} ({error.strerror}). Choose another with --port.") from None


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
        return web.FileResponse(site / "index.html")

    return index


@web.middleware
async def _with_headers(request: web.Request, handler: Handler) -> web.StreamResponse:
    response = await handler(request)
    response.headers.update(HEADERS)
    return response
