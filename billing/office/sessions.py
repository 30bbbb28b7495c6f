"""Sessions: who is signed in, until they sign out, do nothing for a while, or the day is over.

A session is known by a random token that only the browser holds; here is its digest.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from billing.office.roles import Role
from billing.store import Store, Transaction
from billing.tables import office_sessions, office_users

IDLE = timedelta(minutes=60)
"""How long a session lasts with nothing done."""
LONGEST = timedelta(hours=12)
"""How long it lasts at most."""
NOTED = timedelta(minutes=1)
"""How often it is noted that something was done."""


@dataclass(frozen=True)
class Session:
    """Somebody who is signed in. `form_key` is a random text that their forms are signed with."""

    login: str
    role: Role
    form_key: str


def begin(transaction: Transaction, login: str, at: datetime) -> str:
    """Begin a session; its token, which is kept nowhere. Forgets sessions that are over."""
    connection = transaction.connection
    connection.execute(office_sessions.delete().where(sa.not_(_lasts(at))))
    token = secrets.token_urlsafe(32)
    connection.execute(
        office_sessions.insert().values(
            token_digest=_digest(token), login=login, form_key=secrets.token_hex(32), created_at=at, seen_at=at
        )
    )
    return token


def found(store: Store, token: str, at: datetime) -> Session | None:
    """The session of a token, if it lasts and its user may still come in; notes that something is done."""
    chosen = office_sessions.c.token_digest == _digest(token)
    with store.reading() as connection:
        row = connection.execute(
            sa.select(office_sessions.c.form_key, office_sessions.c.seen_at, office_users.c.login, office_users.c.role)
            .join(office_users, office_users.c.login == office_sessions.c.login)
            .where(chosen, _lasts(at), sa.not_(office_users.c.disabled))
        ).one_or_none()
    if row is None:
        return None
    if at - row.seen_at >= NOTED:
        with store.writing() as transaction:
            transaction.connection.execute(office_sessions.update().where(chosen).values(seen_at=at))
    return Session(row.login, Role(row.role), row.form_key)


def end(transaction: Transaction, token: str) -> None:
    """End the session of a token."""
    transaction.connection.execute(office_sessions.delete().where(office_sessions.c.token_digest == _digest(token)))


def _lasts(at: datetime) -> sa.ColumnElement[bool]:
    return sa.and_(office_sessions.c.seen_at > at - IDLE, office_sessions.c.created_at > at - LONGEST)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
