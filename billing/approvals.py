"""Approvals: a person says that an action may be done, or takes that back; who, when and what exactly is recorded."""

import json
import re
from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from billing.book import Planned, one_of, step
from billing.errors import ConflictError, UsageError
from billing.store import Store
from billing.tables import trail

_LOGIN = re.compile(r"[\w.\-]{1,64}")
_DECISIONS = ("approved", "revoked", "changed")


def checked_login(name: str) -> str:
    """The name that an approval is recorded under: a login, since the trail holds no personal data.

    Raises:
        UsageError: it is an e-mail address, or no login.
    """
    if not _LOGIN.fullmatch(name):
        raise UsageError(f"--by takes a login such as mara or ops.1, not an address or a full name: {name!r:.80}.")
    return name


def approve(store: Store, action_ids: Sequence[str], by: str, at: datetime) -> list[Planned]:
    """Approve actions, all or none, as they stand in the book.

    Raises:
        UsageError: an id that is unknown, or no login.
        ConflictError: an action that can't be approved any more.
    """
    actor = checked_login(by)
    with store.writing() as transaction:
        for action_id in action_ids:
            planned = one_of(transaction.connection, action_id)
            if planned.expires_at <= at:
                raise ConflictError(f"{action_id} has expired: what it rests on was known until {planned.expires_at}.")
            told = planned.content_digest()
            if told != planned.digest:
                raise ConflictError(f"{action_id} is not what was planned: `revenue audit verify` says more.")
            step(
                transaction,
                action_id,
                "approved",
                at=at,
                actor=actor,
                facts={"digest": told},
                approved_by=actor,
                approved_at=at,
            )
        return [one_of(transaction.connection, action_id) for action_id in action_ids]


def revoke(store: Store, action_ids: Sequence[str], by: str, at: datetime) -> list[Planned]:
    """Take approvals back, all or none; they can be given again.

    Raises:
        As `approve` does; what is being carried out can't be revoked.
    """
    actor = checked_login(by)
    with store.writing() as transaction:
        for action_id in action_ids:
            one_of(transaction.connection, action_id)
            step(transaction, action_id, "revoked", at=at, actor=actor, approved_by=None, approved_at=None)
        return [one_of(transaction.connection, action_id) for action_id in action_ids]


def stands(connection: sa.Connection, planned: Planned) -> bool:
    """Whether the trail says that a person approved exactly this: a row of the book alone is not believed."""
    last = connection.execute(
        sa.select(trail)
        .where(trail.c.action_id == planned.action_id, trail.c.event.in_(_DECISIONS))
        .order_by(trail.c.seq.desc())
        .limit(1)
    ).one_or_none()
    if last is None or last.event != "approved":
        return False
    return bool(json.loads(last.body).get("digest") == planned.content_digest() == planned.digest)
