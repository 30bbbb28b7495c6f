"""Signing in and out. Whoever is refused learns nothing but that: the same words, and the same time taken, whether
there is no such login, the password is another, or the user is disabled."""

import ipaddress
from dataclasses import dataclass, field
from datetime import datetime

from billing.canonical import Json
from billing.office import passwords, sessions, users
from billing.office.attempts import Attempts
from billing.store import Store

UNKNOWN = "unknown"
"""Who the trail says it was where there is no such login: what was typed may be a password in the wrong place."""
LONGEST_LOGIN = 64


@dataclass(frozen=True)
class Refused:
    """Somebody was not let in; `too_often` where it was not even looked whether they should be."""

    too_often: bool


@dataclass
class Door:
    """Lets users in. One for all that come, since it counts them."""

    store: Store
    attempts: Attempts = field(default_factory=Attempts)

    def sign_in(self, login: str, password: str, address: str, at: datetime) -> str | Refused:
        """The token of a new session; or a refusal. Either is recorded."""
        name = login.strip().lower()[:LONGEST_LOGIN]
        kind = self.attempts.refused(address, name)
        if kind:
            if self.attempts.is_news(kind, address, name):
                self._record("sign_in_locked", name, at, {"from": network(address), "too_often": kind})
            return Refused(too_often=True)
        with self.store.reading() as connection:
            known = users.with_hash(connection, name)
        right = passwords.fits(known[1] if known else passwords.nobody(), password[: passwords.LONGEST])
        if known is None or not right:
            self.attempts.failed(address, name)
            self._record("sign_in_failed", name, at, {"from": network(address)})
            return Refused(too_often=False)
        return self._begun(name, known[1], address, at) or Refused(too_often=False)

    def sign_out(self, token: str, login: str, at: datetime) -> None:
        """End a session, and record it."""
        with self.store.writing() as transaction:
            sessions.end(transaction, token)
            transaction.record("signed_out", at=at, actor=login, action_id=None, body={})

    def _begun(self, login: str, password_hash: str, address: str, at: datetime) -> str | None:
        """The new session's token; None where the user was changed meanwhile."""
        with self.store.writing() as transaction:
            if (now := users.with_hash(transaction.connection, login)) is None or now[1] != password_hash:
                return None
            body: dict[str, Json] = {"from": network(address), "role": now[0].role.value}
            transaction.record("signed_in", at=at, actor=login, action_id=None, body=body)
            return sessions.begin(transaction, login, at)

    def _record(self, event: str, login: str, at: datetime, body: dict[str, Json]) -> None:
        with self.store.writing() as transaction:
            known = any(user.login == login for user in users.listed(transaction.connection))
            transaction.record(event, at=at, actor=login if known else UNKNOWN, action_id=None, body=body)


def network(address: str) -> str:
    """The network of an address, which tells where an attempt came from and not who it was: /24, or /48."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return "none"
    length = 24 if found.version == 4 else 48
    return str(ipaddress.ip_network(f"{found}/{length}", strict=False)) if not found.is_loopback else "loopback"
