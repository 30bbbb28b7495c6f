"""Approvals: a person says that an action may be done, must not be done, or takes an approval back; who, when, why and
what exactly is recorded. A reason is a short text without what may be personal, since the trail is kept for good."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa

from billing.book import Planned, one_of, step
from billing.errors import ConflictError, UsageError
from billing.flags import plain
from billing.store import Store
from billing.tables import trail

_LOGIN = re.compile(r"[\w.\-]{1,64}")
_DECISIONS = ("approved", "revoked", "rejected", "changed")
_PROPOSALS = ("planned", "renewed")


def checked_login(name: str) -> str:
    """The name that an approval is recorded under: a login, since the trail holds no personal data.

    Raises:
        UsageError: it is an e-mail address, or no login.
    """
    if not _LOGIN.fullmatch(name):
        raise UsageError(f"--by takes a login such as mara or ops.1, not an address or a full name: {name!r:.80}.")
    return name


def approve(
    store: Store,
    action_ids: Sequence[str],
    by: str,
    at: datetime,
    *,
    why: str = "",
    seen: Mapping[str, str] | None = None,
    never_own: bool = False,
) -> list[Planned]:
    """Approve actions, all or none, as they stand in the book.

    Args:
        seen: action to the digest of what the person was shown, where it may have changed since.
        never_own: whether it takes somebody else than who proposed it.

    Raises:
        UsageError: an id that is unknown, or no login.
        ConflictError: an action that can't be approved any more, is not what was seen, or is one's own.
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
            if seen is not None and seen.get(action_id) != told:
                raise ConflictError(f"{action_id} was planned anew since you looked at it. Look again.")
            if never_own and actor in proposers(transaction.connection, action_id):
                raise ConflictError(f"{action_id} was proposed by {actor}; somebody else has to approve it.")
            facts = {"digest": told, **_reason(why)}
            step(
                transaction, action_id, "approved", at=at, actor=actor, facts=facts, approved_by=actor, approved_at=at
            )  # fmt: skip
        return [one_of(transaction.connection, action_id) for action_id in action_ids]


def reject(store: Store, action_ids: Sequence[str], by: str, at: datetime, *, why: str = "") -> list[Planned]:
    """Say that actions must not be done, all or none; they are not proposed again.

    Raises:
        UsageError: an id that is unknown, or no login.
        ConflictError: an action that is being carried out, or over.
    """
    actor = checked_login(by)
    with store.writing() as transaction:
        for action_id in action_ids:
            one_of(transaction.connection, action_id)
            step(transaction, action_id, "rejected", at=at, actor=actor, facts=_reason(why))
        return [one_of(transaction.connection, action_id) for action_id in action_ids]


def comment(store: Store, action_id: str, by: str, at: datetime, *, why: str) -> Planned:
    """Put a remark about an action on record; it stays as it is.

    Raises:
        UsageError: an id that is unknown, no login, or nothing is said.
    """
    actor = checked_login(by)
    if not plain(why):
        raise UsageError("A comment says something.")
    with store.writing() as transaction:
        planned = one_of(transaction.connection, action_id)
        facts = {**_reason(why), "state": planned.state}
        transaction.record("commented", at=at, actor=actor, action_id=action_id, body=facts)
    return planned


def proposers(connection: sa.Connection, action_id: str) -> set[str]:
    """Who proposed an action: logins, or the planner for what rules made of flags."""
    chosen = sa.select(trail.c.actor).where(trail.c.action_id == action_id, trail.c.event.in_(_PROPOSALS))
    return set(connection.execute(chosen).scalars())


def revoke(store: Store, action_ids: Sequence[str], by: str, at: datetime, *, why: str = "") -> list[Planned]:
    """Take approvals back, all or none; they can be given again.

    Raises:
        As `approve` does; what is being carried out can't be revoked.
    """
    actor = checked_login(by)
    with store.writing() as transaction:
        for action_id in action_ids:
            one_of(transaction.connection, action_id)
            facts = _reason(why)
            step(
                transaction, action_id, "revoked", at=at, actor=actor, facts=facts, approved_by=None, approved_at=None
            )  # fmt: skip
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


def _reason(why: str) -> dict[str, str]:
    told = plain(why)
    return {"why": told} if told else {}
