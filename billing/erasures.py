"""Erasures on request: what was asked for, and how far each is.

The trail is their book: each is begun, marked once the warehouse is clean, and done, with its certificate; from the
first entry on the customer is kept out. Knows neither Stripe nor the warehouse.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa

from billing import approvals
from billing.book import STEPS, all_of, step
from billing.canonical import Json, digest
from billing.errors import UsageError
from billing.store import Store, Transaction, row_of
from billing.tables import actions, trail

BEGUN, MARKED, DONE = "erasure_begun", "erasure_marked", "erasure_done"
ID = re.compile(r"[A-Za-z0-9_\-]{1,255}")
REFERENCE = re.compile(r"[\w.\-/#]{1,64}")

Subscriptions = Literal["now", "period_end", "keep"]


@dataclass(frozen=True)
class Asked:
    """What was asked for.

    Attributes:
        subscriptions: when they end: at once, with their period (the customer is deleted once they have), or not; one
            whose subscriptions go on stays at Stripe, and is erased here alone.
        at_stripe: False where nothing is done there.
        kept_metadata: keys of metadata that figures are made by.
        reference: a ticket's number or the like; nothing personal.
    """

    account_id: str
    livemode: bool
    customer_id: str
    subscriptions: Subscriptions = "now"
    at_stripe: bool = True
    kept_metadata: tuple[str, ...] = ()
    reference: str = ""


@dataclass(frozen=True)
class Erasure:
    """One erasure as the trail has it. `ids` are the customer's objects; `certificate` is there once it is done."""

    erasure_id: str
    asked: Asked
    by: str
    begun_at: datetime
    ids: tuple[str, ...] = ()
    certificate: Mapping[str, Any] | None = None


def begin(store: Store, asked: Asked, at: datetime, by: str) -> Erasure:
    """Write down that it is asked for; one that is not done yet goes on, as it is asked for now.

    Raises:
        UsageError: an id, a login or a reference that is none.
    """
    actor = approvals.checked_login(by)
    if not ID.fullmatch(asked.customer_id):
        raise UsageError(f"{asked.customer_id!r:.80} is no id of Stripe's.")
    if asked.reference and not REFERENCE.fullmatch(asked.reference):
        raise UsageError("--reference takes a ticket's number or the like: up to 64 letters, digits and . - _ / #.")
    with store.writing() as transaction:
        earlier = [each for each in _all(transaction.connection) if _same(each.asked, asked)]
        going_on = earlier[-1] if earlier and earlier[-1].certificate is None else None
        if going_on and going_on.asked == asked:
            return going_on
        number = len(earlier) - bool(going_on)
        erasure_id = "era_" + digest([asked.account_id, asked.livemode, asked.customer_id, number])[:24]
        told: dict[str, Json] = {**vars(asked), "kept_metadata": list(asked.kept_metadata), "erasure_id": erasure_id}
        transaction.record(BEGUN, at=at, actor=actor, action_id=None, body=told)
        _leave_alone(transaction, asked, at, actor)
    return replace(going_on, asked=asked, by=actor) if going_on else Erasure(erasure_id, asked, actor, at)


def mark(store: Store, erasure: Erasure, ids: Sequence[str], at: datetime) -> None:
    """Write down that the warehouse is clean, and the ids that are kept out from now on."""
    if set(ids) - set(erasure.ids):
        body: dict[str, Json] = {"erasure_id": erasure.erasure_id, "ids": sorted(ids)}
        with store.writing() as transaction:
            transaction.record(MARKED, at=at, actor=erasure.by, action_id=None, body=body)


def finish(store: Store, erasure: Erasure, certificate: Mapping[str, Json], at: datetime) -> Erasure:
    """Write down that it is done, with its certificate."""
    body: dict[str, Json] = {"erasure_id": erasure.erasure_id, "certificate": certificate}
    with store.writing() as transaction:
        transaction.record(DONE, at=at, actor=erasure.by, action_id=None, body=body)
    return replace(erasure, certificate=certificate)


def listed(store: Store) -> list[Erasure]:
    """Every erasure, the first one first."""
    with store.reading() as connection:
        return _all(connection)


def _leave_alone(transaction: Transaction, asked: Asked, at: datetime, actor: str) -> None:
    """Whatever else was planned for the customer is not done any more."""
    theirs = (actions.c.account_id == asked.account_id, actions.c.customer_id == asked.customer_id)
    free = sa.or_(actions.c.claimed_by.is_(None), actions.c.claimed_until < at)
    for each in all_of(transaction.connection, *theirs, free, actions.c.state.in_(STEPS["expired"][0])):
        step(transaction, each.action_id, "expired", at=at, actor=actor, facts={"why": "customer_is_erased"})


def _same(one: Asked, other: Asked) -> bool:
    return (one.account_id, one.livemode, one.customer_id) == (other.account_id, other.livemode, other.customer_id)


def _all(connection: sa.Connection) -> list[Erasure]:
    chosen = trail.c.event.in_((BEGUN, MARKED, DONE))
    found: dict[str, Erasure] = {}
    for row in connection.execute(sa.select(trail).where(chosen).order_by(trail.c.seq)):
        entry = row_of(row)
        body = json.loads(entry["body"])
        erasure_id = body.pop("erasure_id")
        if entry["event"] == BEGUN:
            asked = Asked(**body | {"kept_metadata": tuple(body["kept_metadata"])})
            first = found.get(erasure_id, Erasure(erasure_id, asked, entry["actor"], entry["at"]))
            found[erasure_id] = replace(first, asked=asked, by=entry["actor"])
        elif entry["event"] == MARKED:
            found[erasure_id] = replace(found[erasure_id], ids=tuple(body["ids"]))
        else:
            found[erasure_id] = replace(found[erasure_id], certificate=body["certificate"])
    return list(found.values())
