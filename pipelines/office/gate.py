"""Who may see what: every request passes here, but for deliveries of events, which are known by their signature.

While there are no users, this machine's own browser sees the dashboards and nobody else sees anything.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import quote

from aiohttp import web
from aiohttp_session import Session, get_session

from billing.office.roles import Role
from pipelines.office import headers
from pipelines.office.desk import Desk
from pipelines.office.hosts import Hosts, came_through_a_proxy

SIGN_IN = "/sign-in"
OFFICE = "/office"
NOT_FOUND_HERE = "This server does not answer to that name. REVENUE_PUBLIC_URL says by which it is reached."
NO_USERS = (
    "A proxy passed this on, and there are no users yet, so it is shown to nobody. `revenue users add` makes some "
    "(docs/security.md)."
)
NOT_FROM_HERE = "This form was not sent by a page of this server, or your browser does not say so."
NOT_FOR_YOU = "Your role does not allow this."

Handle = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class Gate:
    """Lets requests through to their handlers."""

    desk: Desk
    hosts: Hosts

    async def passed(self, request: web.Request, handler: Handle) -> web.StreamResponse:
        """The handler's answer, if whoever asks may have it.

        Raises:
            HTTPMisdirectedRequest, HTTPForbidden, HTTPSeeOther: they may not, or have to sign in first.
        """
        if not self.hosts.answers_to(request.host):
            raise web.HTTPMisdirectedRequest(text=NOT_FOUND_HERE)
        if request.method == "POST" and not self.hosts.sent_from_here(request.headers, request.host):
            raise web.HTTPForbidden(text=NOT_FROM_HERE)
        if not await self.desk.has_users():
            if came_through_a_proxy(request.headers):
                raise web.HTTPForbidden(text=NO_USERS)
            return await handler(request)
        if request.path == SIGN_IN:
            return await handler(request)
        session = await get_session(request)
        if session.empty:
            raise web.HTTPSeeOther(f"{SIGN_IN}?next={quote(request.path)}" if request.method == "GET" else SIGN_IN)
        answer = await handler(request)
        answer.headers.update(headers.SIGNED_IN)  # files too: what is downloaded is figures and names as pages are
        return answer


def role_of(session: Session) -> Role:
    """What whoever is signed in may do."""
    return Role(session["role"])


async def let_in(request: web.Request, needed: Role) -> Session:
    """The session of whoever asks, if their role does.

    Raises:
        HTTPForbidden: it doesn't, or nobody is signed in since there are no users.
    """
    session = await get_session(request)
    if session.empty or not role_of(session).may(needed):
        raise web.HTTPForbidden(text=NOT_FOR_YOU)
    return session


def within(path: str) -> str:
    """Where to go after signing in: a place of this server, whatever the address said."""
    return path if path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() else "/"
