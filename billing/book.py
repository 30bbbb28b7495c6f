"""The book of actions: each with what it is, why, what it would do, and where it stands; and the steps from one state
to the next, each of which is recorded in the trail by the same transaction.

    proposed -> approved -> intended -> acted -> done
                  |  ^          |
          revoked <--+          +-> failed, or approved again where Stripe had no time for it

What would be done can change while it waits: then it is proposed anew, and needs another approval. `held_out` is
planned and left alone. `rejected`, `expired`, `skipped` and `undone` end an action with nothing done: a person said
no, its time was over, the world had changed, or it turned out that it never reached Stripe; an expired one is proposed
again where its flag lives on. `unclear` needs a person.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from billing.canonical import Json, digest
from billing.errors import ConflictError, UsageError
from billing.store import Store, Transaction, row_of
from billing.tables import actions

STEPS: Mapping[str, tuple[tuple[str, ...], str]] = {
    "approved": (("proposed", "revoked"), "approved"),
    "revoked": (("approved",), "revoked"),
    "rejected": (("proposed", "approved", "revoked"), "rejected"),
    "expired": (("proposed", "approved", "revoked"), "expired"),
    "renewed": (("expired",), "proposed"),
    "skipped": (("approved",), "skipped"),
    "changed": (("approved",), "proposed"),
    "intended": (("approved",), "intended"),
    "deferred": (("intended",), "approved"),
    "acted": (("intended",), "acted"),
    "failed": (("intended",), "failed"),
    "found": (("intended",), "done"),
    "undone": (("intended",), "undone"),
    "unclear": (("intended",), "unclear"),
    "verified": (("acted",), "done"),
    "unverified": (("acted",), "unclear"),
}
"""Step to the states that it leads from, and the one that it leads to."""

STAYS_CLAIMED = frozenset({"intended", "acted"})
"""Steps after which whoever works on the action goes on with it; after the others nobody does."""


CONTENT = tuple(
    "action_id account_id livemode flag_id flag_version score_kind rule rules_digest kind customer_id subject_id "  # noqa: SIM905
    "params reasons effect amount cost currency arm".split()
)
"""What is planned of an action, beside its instants."""


@dataclass(frozen=True)
class Planned:
    """One action as it stands in the book. Money is minor units of `currency`; instants are UTC."""

    action_id: str
    account_id: str
    livemode: bool
    flag_id: str
    flag_version: int | None
    score_kind: str | None
    rule: str
    rules_digest: str
    kind: str
    customer_id: str
    subject_id: str
    params: str
    reasons: str
    effect: str
    amount: int | None
    cost: int | None
    currency: str | None
    mrr_at_risk_reporting: str | None
    expected_loss_reporting: str | None
    arm: str
    planned_at: datetime
    expires_at: datetime
    state: str = "proposed"
    digest: str = ""
    approved_by: str | None = None
    approved_at: datetime | None = None
    claimed_by: str | None = None
    claimed_until: datetime | None = None
    intended_at: datetime | None = None
    idempotency_key: str | None = None
    request: str | None = None
    acted_at: datetime | None = None
    request_id: str | None = None
    outcome: str | None = None
    result: str | None = None
    settled_at: datetime | None = None

    def content(self) -> dict[str, Json]:
        """What a person approves: all that was planned, and nothing of what became of it."""
        told: dict[str, Json] = {name: getattr(self, name) for name in CONTENT}
        return told | {"planned_at": self.planned_at.isoformat(), "expires_at": self.expires_at.isoformat()}

    def content_digest(self) -> str:
        """The digest of what a person approves."""
        return digest(self.content())

    @property
    def given_params(self) -> dict[str, Any]:
        """How it is done, in the action's own words."""
        return dict(json.loads(self.params))


def action_id_of(account_id: str, livemode: bool, flag_id: str, rule: str) -> str:
    """The id of what a rule makes of a flag: the same whenever it is planned, so that it is planned once."""
    return "act_" + digest([account_id, livemode, flag_id, rule])[:24]


def all_of(connection: sa.Connection, *conditions: sa.ColumnElement[bool]) -> list[Planned]:
    """The actions that meet the conditions; the largest expected loss first, then by id."""
    rows = connection.execute(sa.select(actions).where(*conditions)).all()
    found = [Planned(**row_of(row)) for row in rows]
    return sorted(found, key=lambda each: (-Decimal(each.expected_loss_reporting or 0), each.action_id))


def one_of(connection: sa.Connection, action_id: str) -> Planned:
    """The action of that id.

    Raises:
        UsageError: there is none.
    """
    found = all_of(connection, actions.c.action_id == action_id)
    if not found:
        raise UsageError(f"There is no action {action_id!r:.80}. `revenue actions list` shows all.")
    return found[0]


def known(connection: sa.Connection, action_ids: Collection[str]) -> set[str]:
    """Those of the ids that are in the book."""
    rows = connection.execute(sa.select(actions.c.action_id).where(actions.c.action_id.in_(action_ids)))
    return set(rows.scalars())


def states_of(connection: sa.Connection, account_id: str) -> dict[str, str]:
    """Action id to state, of every action of an account."""
    rows = connection.execute(sa.select(actions.c.action_id, actions.c.state).where(actions.c.account_id == account_id))
    return {row.action_id: row.state for row in rows}


def propose(transaction: Transaction, planned: Sequence[Planned], actor: str) -> list[Planned]:
    """Put actions into the book, or propose anew what had expired there; others that are in it stay as they are."""
    made = [replace(each, digest=each.content_digest()) for each in planned]
    there = known(transaction.connection, [each.action_id for each in made])
    return [each for each in made if _entered(transaction, each, actor, new=each.action_id not in there)]


def _entered(transaction: Transaction, planned: Planned, actor: str, *, new: bool) -> bool:
    told = planned.content() | {"digest": planned.digest, "state": planned.state}
    if new:
        transaction.connection.execute(actions.insert().values(**vars(planned)))
        event = "held_out" if planned.state == "held_out" else "planned"
        transaction.record(event, at=planned.planned_at, actor=actor, action_id=planned.action_id, body=told)
        return True
    changing = {*CONTENT, "planned_at", "expires_at", "digest"} - {"action_id"}
    columns = {name: getattr(planned, name) for name in changing}
    try:
        step(transaction, planned.action_id, "renewed", at=planned.planned_at, actor=actor, facts=told, **columns)
    except ConflictError:  # somebody was quicker
        return False
    return True


def expire(store: Store, now: datetime, actor: str) -> None:
    """End what was not done in its time."""
    waiting = actions.c.state.in_(STEPS["expired"][0])
    with store.writing() as transaction:
        free = sa.or_(actions.c.claimed_by.is_(None), actions.c.claimed_until < now)
        for each in all_of(transaction.connection, waiting, free, actions.c.expires_at <= now):
            step(transaction, each.action_id, "expired", at=now, actor=actor)


def step(
    transaction: Transaction,
    action_id: str,
    event: str,
    *,
    at: datetime,
    actor: str,
    owner: str | None = None,
    facts: Mapping[str, Json] | None = None,
    **changes: object,
) -> None:
    """Lead an action from one state to the next, and record it.

    Args:
        event: a name of `STEPS`.
        owner: who must hold the claim on it, where somebody must.
        facts: what the trail says beside the new state; nothing sensitive.
        changes: columns that change with it.

    Raises:
        ConflictError: it is in no state that this leads from, or somebody else holds it.
    """
    sources, target = STEPS[event]
    conditions = [actions.c.action_id == action_id, actions.c.state.in_(sources)]
    if owner is not None:
        conditions.append(actions.c.claimed_by == owner)
    if event not in STAYS_CLAIMED:
        changes |= {"claimed_by": None, "claimed_until": None}
    done = transaction.connection.execute(actions.update().where(*conditions).values(state=target, **changes))
    if done.rowcount != 1:
        raise ConflictError(
            f"{action_id} can't be {event}: it is no longer {' or '.join(sources)}, or another process works on it."
        )
    transaction.record(event, at=at, actor=actor, action_id=action_id, body={**(facts or {}), "state": target})


def claim(
    transaction: Transaction, action_id: str, states: Collection[str], owner: str, now: datetime, until: datetime
) -> bool:
    """Take an action for oneself until an instant; False where somebody else has it, or it has left these states."""
    free = sa.or_(actions.c.claimed_by.is_(None), actions.c.claimed_by == owner, actions.c.claimed_until < now)
    taken = transaction.connection.execute(
        actions.update()
        .where(actions.c.action_id == action_id, actions.c.state.in_(states), free)
        .values(claimed_by=owner, claimed_until=until)
    )
    return taken.rowcount == 1


def release(transaction: Transaction, action_id: str, owner: str) -> None:
    """Let go of an action that is left as it was."""
    transaction.connection.execute(
        actions.update()
        .where(actions.c.action_id == action_id, actions.c.claimed_by == owner)
        .values(claimed_by=None, claimed_until=None)
    )
