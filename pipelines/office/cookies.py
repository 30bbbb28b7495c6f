"""The session's cookie, by aiohttp-session: it holds a random token and nothing else, and no script can read it."""

import warnings

from aiohttp import web
from aiohttp_session import AbstractStorage, Session

from pipelines.office.desk import Desk

warnings.filterwarnings("ignore", category=web.NotAppKeyWarning, module="aiohttp_session")  # it keeps text as keys

NAME = "revenue_session"
OVER_TLS = "__Host-revenue_session"
"""A name that browsers take over TLS alone, from this host alone."""


class StoredSessions(AbstractStorage):
    """Sessions that are kept in the operations database."""

    def __init__(self, desk: Desk, *, behind_tls: bool) -> None:
        super().__init__(
            cookie_name=OVER_TLS if behind_tls else NAME, secure=behind_tls, httponly=True, samesite="Lax", path="/"
        )
        self._desk = desk

    async def load_session(self, request: web.Request) -> Session:
        """Whoever is signed in; an empty one where nobody is."""
        token = self.load_cookie(request)
        found = await self._desk.session(token) if token else None
        if found is None:
            return Session(None, data=None, new=True)
        told = {"login": found.login, "role": found.role.value, "csrf": found.form_key}
        return Session(token, data={"session": told}, new=False)

    async def save_session(self, request: web.Request, response: web.StreamResponse, session: Session) -> None:
        """Set the cookie, or take it away where the session was ended."""
        if session.empty:
            told = self.cookie_params
            response.set_cookie(
                self.cookie_name, "", max_age=0, path="/", secure=told["secure"], httponly=True, samesite="Lax"
            )
        else:
            self.save_cookie(response, str(session.identity))
