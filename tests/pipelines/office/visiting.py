"""`revenue serve` on a port of its own, and a browser that visits it: cookies, forms and where they come from."""

import asyncio
import re
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp
from aiohttp import web
from argon2 import PasswordHasher

from billing.office import users
from billing.office.roles import Role
from billing.store import Store, open_store
from dashboards import site
from dashboards.page import Basis, Page
from pipelines.serve import Receiving, application
from pipelines.settings import Settings
from tests.billing.planned import NOW

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
PASSWORD = "a sentence nobody else says"
BASIS = Basis("Acme & Sons", "15 Nov 2026", "UTC", "USD", "default", "9f2c41d07ab3", "", "")


@dataclass
class Clock:
    """What time it is; tests move it."""

    at: float = NOW.timestamp()

    def __call__(self) -> float:
        return self.at


@dataclass
class Browser:
    """Visits one server, and keeps its cookies as a browser does."""

    client: aiohttp.ClientSession
    url: str
    clock: Clock
    text: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    async def get(self, path: str, **headers: str) -> int:
        """Follow a link; the status."""
        return await self._asked("GET", path, headers)

    async def post(
        self, path: str, given: dict[str, str] | None = None, *, origin: str | None = "", **more: str
    ) -> int:
        """Send a form from a page of the server, with the token of the last page that had one; or from `origin`."""
        token = re.search(r'name="form_token" value="([^"]+)"', self.text)
        data = {**({"form_token": token[1]} if token else {}), **(given or {})}
        headers = {} if origin is None else {"Origin": origin or self.url}
        return await self._asked("POST", path, {**headers, **more}, data)

    async def sign_in(self, login: str, password: str = PASSWORD, **more: str) -> int:
        """Sign in, and go where that leads; the status of what is shown then."""
        return await self.post("/sign-in", {"login": login, "password": password}, **more)

    async def _asked(self, method: str, path: str, headers: dict[str, str], data: Any = None) -> int:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        follows = "stay" not in sent
        sent.pop("stay", None)
        async with self.client.request(
            method, self.url + path, data=data, headers=sent, allow_redirects=follows
        ) as answer:
            self.text = await answer.text()
            self.headers = dict(answer.headers)
            self.path = answer.url.path
            return answer.status

    async def get_raw(self, path: str) -> tuple[int, str]:
        """Ask for a path as it is written, which clients put in order first; the status and the body."""
        host, _, port = self.url.removeprefix("http://").partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        cookie = f"Cookie: revenue_session={self.cookie()}"
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n{cookie}\r\nConnection: close\r\n\r\n".encode())
        head, _, body = (await reader.read()).decode().partition("\r\n\r\n")
        writer.close()
        return int(head.split()[1]), body

    def cookie(self) -> str:
        """The session's cookie."""
        return "".join(each.value for each in self.client.cookie_jar)


Story = Callable[[Browser], Coroutine[Any, Any, None]]


def visited(home: Path, story: Story, receiving: Receiving | None = None, **changes: Any) -> None:
    """Run a story against a server of the working folder; `changes` are of the settings."""
    settings = Settings().but(home=home, **changes)
    if not (settings.site / "index.html").exists():
        site.write([Page("index", "Overview", ("MRR is up.",))], BASIS, settings.site)

    async def run() -> None:
        clock = Clock()
        runner = web.AppRunner(application(settings, receiving, now=clock))
        await runner.setup()
        place = web.TCPSite(runner, "127.0.0.1", 0)
        await place.start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        jar = aiohttp.CookieJar(unsafe=True)
        try:
            async with aiohttp.ClientSession(cookie_jar=jar) as client:
                await story(Browser(client, url, clock))
        finally:
            await runner.cleanup()

    asyncio.run(run())


def peopled(home: Path, **roles: str) -> Store:
    """The operations database of a working folder, with these users."""
    home.mkdir(exist_ok=True)
    (home / "operations.sqlite").write_bytes(_migrated())
    store = open_store(None, home)
    password_hash = CHEAP.hash(PASSWORD)
    for login, role in roles.items():
        users.add(store, login, Role(role), password_hash, by="tests", at=NOW)
    return store


@cache
def _migrated() -> bytes:
    """An empty operations database; to make one takes a moment."""
    with TemporaryDirectory() as folder:
        open_store(None, Path(folder)).close()
        return (Path(folder) / "operations.sqlite").read_bytes()


def trail_of(store: Store) -> list[tuple[str, str, str]]:
    """Event, actor and body of each entry."""
    with store.reading() as connection:
        rows = connection.exec_driver_sql("select event, actor, body from audit_trail order by seq")
        return [tuple(row) for row in rows]
