"""The book of access: how each customer stands as far as was told, and the outbox of changes, each till it is taken."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from billing.access.policy import Access
from billing.canonical import Json, canonical, digest
from billing.store import Store, row_of
from billing.tables import EPOCH
from billing.tables import access_changes as changes
from billing.tables import access_customers as customers

DUE, DELIVERED, DEAD = "due", "delivered", "dead"
STATES = (DUE, DELIVERED, DEAD)
STARTED, CHANGED, ENDED = "started", "tier_changed", "ended"
ACTOR = "access"


@dataclass(frozen=True)
class Customer:
    """How a customer stands. `wanted` counts how often somebody asked to look, `looked` is its count when we last did.

    `look_at` is when the clock alone may change it; `number` is that of the last change.
    """

    account_id: str
    customer_id: str
    livemode: bool
    wanted: int
    looked: int
    number: int
    access: Access
    looked_at: datetime | None
    look_at: datetime | None
    failures: int


@dataclass(frozen=True)
class Change:
    """A change to tell: the `number`th of its customer. `body` is what is sent, canonical JSON."""

    change_id: str
    account_id: str
    customer_id: str
    number: int
    change: str
    body: str
    changed_at: datetime
    state: str
    attempts: int
    retry_at: datetime
    first_tried_at: datetime | None
    delivered_at: datetime | None
    failure: str | None


@dataclass(frozen=True)
class Standing:
    """Counts: customers with access of all known, to be looked at; changes due, failing, left for good."""

    known: int
    with_access: int
    to_look_at: int
    due: int
    failing: int
    dead: int
    oldest_due: datetime | None


def ask(connection: sa.Connection, account_id: str, customer_id: str, *, livemode: bool) -> None:
    """Have a customer looked at."""
    insert = (postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert)(customers)
    new = insert.values(
        account_id=account_id, customer_id=customer_id, livemode=livemode, wanted=1, looked=0, number=0,
        has_access=False, tiers="[]", failures=0,
    )  # fmt: skip
    again = {"wanted": customers.c.wanted + 1, "retry_at": None}
    connection.execute(
        new.on_conflict_do_update(index_elements=[customers.c.account_id, customers.c.customer_id], set_=again)
    )


def to_look_at(connection: sa.Connection, now: datetime, most: int) -> list[Customer]:
    """Customers whom somebody asked to look at, or whose access the clock may have changed."""
    ready = customers.c.retry_at.is_(None) | (customers.c.retry_at <= now)
    asked = (customers.c.wanted > customers.c.looked) & ready
    chosen = sa.select(customers).where(asked | ((customers.c.look_at <= now) & ready))
    return [_customer(row) for row in connection.execute(chosen.order_by(customers.c.looked_at).limit(most))]


def with_access(connection: sa.Connection, account_id: str) -> list[str]:
    """Customers of an account who had access when they were looked at last."""
    theirs = (customers.c.account_id == account_id) & customers.c.has_access
    return list(connection.execute(sa.select(customers.c.customer_id).where(theirs)).scalars())


def is_anything_due(connection: sa.Connection, now: datetime) -> bool:
    """Whether anybody is to be looked at, or anything to be told, now."""
    return bool(to_look_at(connection, now, 1) or first_due(connection, now, 1))


def conclude(store: Store, before: Customer, seen: Access, now: datetime) -> list[Change] | None:
    """Note how a customer stands, and the change, if it is one; both or neither. Returns the change, if any.

    `before` is the customer as read before Stripe was asked. None where somebody else has looked since, who may have
    seen something newer: nothing is noted then, and the customer is to be looked at again.
    """
    with store.writing() as transaction:
        connection = transaction.connection
        same = (customers.c.account_id == before.account_id) & (customers.c.customer_id == before.customer_id)
        held = _customer(connection.execute(sa.select(customers).where(same)).one())
        if (held.looked_at, held.number) != (before.looked_at, before.number):
            return None
        change = None if seen.is_like(held.access) else _change(held, seen, now)
        if change is not None:
            connection.execute(changes.insert().values(**vars(change)))
            body: dict[str, Json] = {"change_id": change.change_id, "said": json.loads(change.body)}
            transaction.record(f"access_{change.change}", at=now, actor=ACTOR, action_id=None, body=body)
        told = {"has_access": seen.has_access, "tiers": canonical(list(seen.tiers)), "tier": seen.tier}
        found = {"looked": max(held.looked, before.wanted), "looked_at": now, "look_at": seen.until, "failures": 0}
        number = change.number if change else held.number
        connection.execute(customers.update().where(same).values(**told, **found, number=number, retry_at=None))
    return [change] if change else []


def note_failure(store: Store, customer: Customer, retry_at: datetime) -> None:
    """Stripe could not be asked; look again later."""
    same = (customers.c.account_id == customer.account_id) & (customers.c.customer_id == customer.customer_id)
    with store.engine.begin() as connection:
        connection.execute(
            customers.update().where(same).values(failures=customer.failures + 1, retry_at=retry_at)
        )  # fmt: skip


def first_due(connection: sa.Connection, now: datetime, most: int) -> list[Change]:
    """The changes to tell now: of each customer the first that was not taken, and only if its time has come."""
    earlier = changes.alias()
    before = sa.select(earlier.c.change_id).where(
        (earlier.c.account_id == changes.c.account_id)
        & (earlier.c.customer_id == changes.c.customer_id)
        & (earlier.c.state == DUE)
        & (earlier.c.number < changes.c.number)
    )
    chosen = sa.select(changes).where((changes.c.state == DUE) & (changes.c.retry_at <= now) & ~before.exists())
    return list(_changes(connection, chosen.order_by(changes.c.retry_at, changes.c.change_id).limit(most)))


def claim(connection: sa.Connection, change: Change, owner: str, now: datetime, until: datetime) -> bool:
    """Have a customer's line to oneself for a while; False where another process has it."""
    same = (customers.c.account_id == change.account_id) & (customers.c.customer_id == change.customer_id)
    free = customers.c.claimed_by.is_(None) | (customers.c.claimed_by == owner) | (customers.c.claimed_until < now)
    taken = connection.execute(customers.update().where(same & free).values(claimed_by=owner, claimed_until=until))
    return bool(taken.rowcount)


def release(connection: sa.Connection, change: Change, owner: str) -> None:
    """Let others have the customer's line."""
    same = (customers.c.account_id == change.account_id) & (customers.c.customer_id == change.customer_id)
    free = {"claimed_by": None, "claimed_until": None}
    connection.execute(customers.update().where(same & (customers.c.claimed_by == owner)).values(**free))


def is_due(connection: sa.Connection, change: Change) -> bool:
    """Whether a change is still to be told, now that its line is claimed."""
    chosen = sa.select(changes.c.state).where(changes.c.change_id == change.change_id)
    return bool(connection.execute(chosen).scalar_one() == DUE)


def note_delivered(store: Store, change: Change, now: datetime) -> None:
    """It was taken."""
    _step(store, change, now, state=DELIVERED, delivered_at=now, attempts=change.attempts + 1, failure=None)


def note_undelivered(store: Store, change: Change, now: datetime, retry_at: datetime | None, failure: str) -> None:
    """It was not taken; it is told again at an instant, or, without one, left for good."""
    first = change.first_tried_at or now
    told = {"attempts": change.attempts + 1, "first_tried_at": first, "failure": failure[:255]}
    if retry_at is not None:
        with store.engine.begin() as connection:
            connection.execute(changes.update().where(_one(change)).values(retry_at=retry_at, **told))
    else:
        _step(store, change, now, state=DEAD, **told)


def tell_again(store: Store, change_ids: Sequence[str], now: datetime, actor: str) -> list[Change]:
    """Have changes told again, whatever became of them."""
    with store.writing() as transaction:
        chosen = sa.select(changes).where(changes.c.change_id.in_(change_ids))
        found = list(_changes(transaction.connection, chosen))
        again = {"state": DUE, "retry_at": EPOCH, "attempts": 0, "first_tried_at": None, "failure": None}
        for change in found:
            transaction.connection.execute(changes.update().where(_one(change)).values(**again))
            body: dict[str, Json] = {"change_id": change.change_id}
            transaction.record("access_told_again", at=now, actor=actor, action_id=None, body=body)
    return [replace(change, state=DUE) for change in found]


def listed(
    connection: sa.Connection, states: Sequence[str] = (), customer_id: str | None = None, most: int | None = None
) -> list[Change]:
    """Changes, the youngest first."""
    chosen = sa.select(changes).order_by(changes.c.changed_at.desc(), changes.c.number.desc()).limit(most)
    if states:
        chosen = chosen.where(changes.c.state.in_(states))
    if customer_id is not None:
        chosen = chosen.where(changes.c.customer_id == customer_id)
    return list(_changes(connection, chosen))


def standing(connection: sa.Connection, now: datetime) -> Standing:
    """How it stands in all."""
    asked = (customers.c.wanted > customers.c.looked) | (customers.c.look_at <= now)
    whom = connection.execute(
        sa.select(
            sa.func.count().label("known"),
            sa.func.count().filter(customers.c.has_access).label("with_access"),
            sa.func.count().filter(asked).label("to_look_at"),
        ).select_from(customers)
    ).one()
    what = connection.execute(
        sa.select(
            sa.func.count().filter(changes.c.state == DUE).label("due"),
            sa.func.count().filter((changes.c.state == DUE) & (changes.c.attempts > 0)).label("failing"),
            sa.func.count().filter(changes.c.state == DEAD).label("dead"),
            sa.func.min(changes.c.changed_at).filter(changes.c.state == DUE).label("oldest_due"),
        ).select_from(changes)
    ).one()
    return Standing(**whom._mapping, **what._mapping)


def _change(held: Customer, seen: Access, now: datetime) -> Change:
    number = held.number + 1
    what = STARTED if not held.access.has_access else CHANGED if seen.has_access else ENDED
    id_ = "acc_" + digest([held.account_id, held.livemode, held.customer_id, number])[:24]
    body: dict[str, Json] = {
        "id": id_,
        "object": "access_change",
        "account_id": held.account_id,
        "livemode": held.livemode,
        "customer_id": held.customer_id,
        "number": number,
        "change": what,
        "changed_at": int(now.timestamp()),
        "reason": seen.reason,
        "access": _said(seen),
        "before": _said(held.access),
    }
    return Change(
        id_, held.account_id, held.customer_id, number, what, canonical(body), now, DUE, 0, now, None, None, None
    )  # fmt: skip


def _said(access: Access) -> Mapping[str, Json]:
    return {"has_access": access.has_access, "tier": access.tier, "tiers": list(access.tiers)}


def _step(store: Store, change: Change, now: datetime, **values: Any) -> None:
    """Settle a change, with the trail."""
    body: dict[str, Json] = {"change_id": change.change_id}
    if values.get("failure"):
        body["failure"] = str(values["failure"])
    with store.writing() as transaction:
        transaction.connection.execute(changes.update().where(_one(change)).values(**values))
        transaction.record(f"access_{values['state']}", at=now, actor=ACTOR, action_id=None, body=body)


def _one(change: Change) -> sa.ColumnElement[bool]:
    return changes.c.change_id == change.change_id


def _customer(row: sa.Row[Any]) -> Customer:
    told = row_of(row)
    access = Access(told["has_access"], told["tier"], tuple(json.loads(told["tiers"])))
    kept = {name: told[name] for name in Customer.__dataclass_fields__ if name != "access"}
    return Customer(**kept, access=access)


def _changes(connection: sa.Connection, chosen: sa.Select[Any]) -> Iterator[Change]:
    for row in connection.execute(chosen):
        yield Change(**row_of(row))
