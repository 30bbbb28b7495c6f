"""Users: who may sign in, as what. Each change is recorded in the trail, and ends the user's sessions everywhere."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from billing.approvals import checked_login
from billing.errors import UsageError
from billing.office.roles import Role
from billing.store import Store, Transaction
from billing.tables import office_sessions, office_users


@dataclass(frozen=True)
class User:
    """One who may sign in, unless `disabled`. Instants are UTC."""

    login: str
    role: Role
    disabled: bool
    created_at: datetime
    changed_at: datetime


def add(store: Store, login: str, role: Role, password_hash: str, *, by: str, at: datetime) -> User:
    """Let somebody in.

    Raises:
        UsageError: no login, or there is such a user.
    """
    actor, name = checked_login(by), checked_login(login).lower()
    with store.writing() as transaction:
        if _found(transaction.connection, name):
            raise UsageError(f"There is a user {name} already.")
        transaction.connection.execute(
            office_users.insert().values(
                login=name, role=role, password_hash=password_hash, disabled=False, created_at=at, changed_at=at
            )
        )
        _record(transaction, "user_added", actor, at, name, role=role.value)
    return User(name, role, False, at, at)


def change_role(store: Store, login: str, role: Role, *, by: str, at: datetime) -> User:
    """Give a user another role; they sign in anew.

    Raises:
        UsageError: there is no such user.
    """
    return _changed(store, login, "user_role", {"role": role.value}, {"role": role.value}, by=by, at=at)


def change_password(store: Store, login: str, password_hash: str, *, by: str, at: datetime) -> User:
    """Give a user another password; they sign in anew.

    Raises:
        UsageError: there is no such user.
    """
    return _changed(store, login, "user_password", {"password_hash": password_hash}, {}, by=by, at=at)


def disable(store: Store, login: str, *, by: str, at: datetime) -> User:
    """Let a user in no more; what they did stays on record.

    Raises:
        UsageError: there is no such user.
    """
    return _changed(store, login, "user_disabled", {"disabled": True}, {}, by=by, at=at)


def enable(store: Store, login: str, *, by: str, at: datetime) -> User:
    """Let a disabled user in again.

    Raises:
        UsageError: there is no such user.
    """
    return _changed(store, login, "user_enabled", {"disabled": False}, {}, by=by, at=at)


def listed(connection: sa.Connection) -> list[User]:
    """Everybody, by login."""
    rows = connection.execute(sa.select(office_users).order_by(office_users.c.login))
    return [_user(row) for row in rows]


def there_are(connection: sa.Connection) -> bool:
    """Whether there are users, so that nobody comes in without signing in; disabled ones count."""
    return connection.execute(sa.select(office_users.c.login).limit(1)).first() is not None


def with_hash(connection: sa.Connection, login: str) -> tuple[User, str] | None:
    """A user who is not disabled, and what is kept of the password."""
    row = _found(connection, login.lower())
    return None if row is None or row.disabled else (_user(row), str(row.password_hash))


def _changed(
    store: Store,
    login: str,
    event: str,
    changes: dict[str, str | bool],
    facts: dict[str, str],
    *,
    by: str,
    at: datetime,
) -> User:
    actor, name = checked_login(by), login.lower()
    with store.writing() as transaction:
        connection = transaction.connection
        chosen = office_users.c.login == name
        done = connection.execute(office_users.update().where(chosen).values(changed_at=at, **changes))
        row = _found(connection, name)
        if done.rowcount != 1 or row is None:
            raise UsageError(f"There is no user {name!r:.70}. `revenue users list` shows all.")
        ended = connection.execute(office_sessions.delete().where(office_sessions.c.login == name)).rowcount
        _record(transaction, event, actor, at, name, **facts, sessions_ended=ended)
    return _user(row)


def _record(transaction: Transaction, event: str, actor: str, at: datetime, login: str, **facts: str | int) -> None:
    transaction.record(event, at=at, actor=actor, action_id=None, body={"login": login, **facts})


def _found(connection: sa.Connection, name: str) -> sa.Row[tuple[object, ...]] | None:
    return connection.execute(sa.select(office_users).where(office_users.c.login == name)).one_or_none()


def _user(row: sa.Row[tuple[object, ...]]) -> User:
    return User(row.login, Role(row.role), row.disabled, row.created_at, row.changed_at)


EVENTS: Sequence[str] = ("user_added", "user_role", "user_password", "user_disabled", "user_enabled")
"""What the trail calls changes of users."""
