"""The inbox: events as they came in, each once, and how far each got. SQL on `webhook_events`, and nothing else.

Several processes write it: those that receive, those that refresh the figures, those that hand events on. SQLite lets
one of them in at a time, and what is received is to be answered soon: so what concerns many events is done in parts.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from billing.store import Store
from billing.tables import webhook_events as events
from billing.webhooks.notices import Notice

AT_ONCE = 500
"""Events that one transaction concerns itself with."""


@dataclass(frozen=True)
class Delivery:
    """A notice with where and when it came in. `account_id` is whose event it is."""

    notice: Notice
    account_id: str
    endpoint: str
    received_at: datetime
    payload: str

    def row(self) -> dict[str, Any]:
        """The values of its row."""
        told = self.notice
        return {
            "account_id": self.account_id,
            "endpoint": self.endpoint,
            "event_id": told.event_id,
            "occasion_id": told.occasion_id,
            "type": told.type,
            "form": told.form,
            "livemode": told.livemode,
            "api_version": told.api_version,
            "object_kind": told.object_kind,
            "object_id": told.object_id,
            "customer_id": told.customer_id,
            "created_at": told.created_at,
            "received_at": self.received_at,
            "payload": self.payload,
            "attempts": 0,
        }


@dataclass(frozen=True)
class Waiting:
    """An event that the published figures do not know yet."""

    seq: int
    account_id: str
    payload: str


@dataclass(frozen=True)
class Standing:
    """What is in the inbox: how many events, how many wait for what, and since when the oldest of them."""

    held: int
    unrefreshed: int
    oldest_unrefreshed: datetime | None
    unhandled: int
    failing: int
    last_received: datetime | None
    by_type: Mapping[str, int]


def append(connection: sa.Connection, deliveries: Sequence[Delivery]) -> None:
    """Keep deliveries; those that are held already are left as they are."""
    insert = (postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert)(events)
    connection.execute(insert.on_conflict_do_nothing(), [delivery.row() for delivery in deliveries])


def unrefreshed(store: Store, most: int) -> Iterator[Waiting]:
    """The oldest events, up to about so many, that the figures do not know yet."""
    last = 0
    for _ in range(0, most, AT_ONCE):
        chosen = sa.select(events.c.seq, events.c.account_id, events.c.payload).where(
            events.c.refreshed_at.is_(None) & (events.c.seq > last)
        )
        with store.reading() as connection:
            found = [Waiting(*row) for row in connection.execute(chosen.order_by(events.c.seq).limit(AT_ONCE))]
        yield from found
        if len(found) < AT_ONCE:
            return
        last = found[-1].seq


def unrefreshed_count(connection: sa.Connection) -> int:
    """How many events the figures do not know yet."""
    waiting = sa.select(sa.func.count()).select_from(events).where(events.c.refreshed_at.is_(None))
    return int(connection.execute(waiting).scalar_one())


def note_refreshed(store: Store, seqs: Iterable[int], at: datetime) -> None:
    """The figures know these events now."""
    _update(store, seqs, refreshed_at=at)


def note_handled(store: Store, seqs: Iterable[int], at: datetime) -> None:
    """The company's own code does not ask for these events."""
    _update(store, seqs, handled_at=at)


def newest_unrefreshed(connection: sa.Connection) -> int | None:
    """The number of the newest event that the figures do not know; None where they know all."""
    chosen = sa.select(sa.func.max(events.c.seq)).where(events.c.refreshed_at.is_(None))
    newest = connection.execute(chosen).scalar_one()
    return None if newest is None else int(newest)


def of_customer(
    connection: sa.Connection, account_id: str, customer_id: str, object_ids: Collection[str]
) -> list[tuple[int, str]]:
    """Number and payload of each event that names the customer, or is about one of these objects."""
    ids = sorted(object_ids)
    some = (events.c.object_id.in_(ids[first : first + 500]) for first in range(0, len(ids), 500))
    found: dict[int, str] = {}
    for theirs in (events.c.customer_id == customer_id, *some):
        chosen = sa.select(events.c.seq, events.c.payload).where(events.c.account_id == account_id, theirs)
        found |= {row.seq: row.payload for row in connection.execute(chosen)}
    return sorted(found.items())


def objects_of(connection: sa.Connection, customer_ids: Collection[str]) -> dict[str, str]:
    """Customer by the id of each object of theirs that an event told of."""
    theirs = events.c.customer_id.in_(customer_ids) & events.c.object_id.is_not(None)
    chosen = sa.select(events.c.object_id, events.c.customer_id).where(theirs).distinct()
    return {row.object_id: row.customer_id for row in connection.execute(chosen)}


def rewrite(connection: sa.Connection, payloads: Mapping[int, str]) -> None:
    """Put other payloads in the place of those of these events."""
    for seq, payload in payloads.items():
        connection.execute(sa.update(events).where(events.c.seq == seq).values(payload=payload))


def prune(store: Store, before: datetime) -> int:
    """Drop what came in before an instant and waits for nothing; returns how many."""
    done = events.c.refreshed_at.is_not(None) & events.c.handled_at.is_not(None)
    some = sa.select(events.c.seq).where((events.c.received_at < before) & done).order_by(events.c.seq).limit(AT_ONCE)
    dropped = 0
    while True:
        with store.engine.begin() as connection:
            count = connection.execute(events.delete().where(events.c.seq.in_(some))).rowcount
        dropped += count
        if count < AT_ONCE:
            return dropped


def standing(connection: sa.Connection) -> Standing:
    """What is in the inbox."""
    to_refresh, to_handle = events.c.refreshed_at.is_(None), events.c.handled_at.is_(None)
    counts = connection.execute(
        sa.select(
            sa.func.count().label("held"),
            sa.func.count().filter(to_refresh).label("unrefreshed"),
            sa.func.min(events.c.received_at).filter(to_refresh).label("oldest_unrefreshed"),
            sa.func.count().filter(to_handle).label("unhandled"),
            sa.func.count().filter(to_handle & (events.c.attempts > 0)).label("failing"),
            sa.func.max(events.c.received_at).label("last_received"),
        )
    ).one()
    kinds = connection.execute(
        sa.select(events.c.type, sa.func.count())
        .group_by(events.c.type)
        .order_by(sa.func.count().desc(), events.c.type)
    )
    return Standing(by_type={str(type_): int(count) for type_, count in kinds}, **counts._mapping)


def _update(store: Store, seqs: Iterable[int], **values: Any) -> None:
    numbers = sorted(seqs)
    for first in range(0, len(numbers), AT_ONCE):
        some = numbers[first : first + AT_ONCE]
        with store.engine.begin() as connection:
            connection.execute(events.update().where(events.c.seq.in_(some)).values(**values))
