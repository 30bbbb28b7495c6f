"""The inbox: events as they came in, each once, and how far each got. SQL on `webhook_events`, and nothing else.

Several processes write it: those that receive, those that refresh the figures, those that hand events on.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from billing.tables import webhook_events as events
from billing.webhooks.notices import Notice


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


def unrefreshed(connection: sa.Connection, most: int) -> list[Waiting]:
    """The oldest events, up to so many, that the figures do not know yet."""
    chosen = sa.select(events.c.seq, events.c.account_id, events.c.payload).where(events.c.refreshed_at.is_(None))
    return [Waiting(*row) for row in connection.execute(chosen.order_by(events.c.seq).limit(most))]


def note_refreshed(connection: sa.Connection, seqs: Iterable[int], at: datetime) -> None:
    """The figures know these events now."""
    _update(connection, seqs, refreshed_at=at)


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


def rewrite(connection: sa.Connection, payloads: Mapping[int, str]) -> None:
    """Put other payloads in the place of those of these events."""
    for seq, payload in payloads.items():
        connection.execute(sa.update(events).where(events.c.seq == seq).values(payload=payload))


def prune(connection: sa.Connection, before: datetime) -> int:
    """Drop what came in before an instant and waits for nothing; returns how many."""
    done = events.c.refreshed_at.is_not(None) & events.c.handled_at.is_not(None)
    return connection.execute(events.delete().where((events.c.received_at < before) & done)).rowcount


def standing(connection: sa.Connection) -> Standing:
    """What is in the inbox."""
    to_refresh, to_handle = events.c.refreshed_at.is_(None), events.c.handled_at.is_(None)
    held, unrefreshed, oldest_unrefreshed, unhandled, failing, last_received = connection.execute(
        sa.select(
            sa.func.count(),
            sa.func.count().filter(to_refresh),
            sa.func.min(events.c.received_at).filter(to_refresh),
            sa.func.count().filter(to_handle),
            sa.func.count().filter(to_handle & (events.c.attempts > 0)),
            sa.func.max(events.c.received_at),
        )
    ).one()
    kinds = connection.execute(
        sa.select(events.c.type, sa.func.count())
        .group_by(events.c.type)
        .order_by(sa.func.count().desc(), events.c.type)
    )
    by_type = {type_: count for type_, count in kinds}  # noqa: C416 - rows are no pairs to mypy
    return Standing(held, unrefreshed, oldest_unrefreshed, unhandled, failing, last_received, by_type)


def _update(connection: sa.Connection, seqs: Iterable[int], **values: Any) -> None:
    numbers = list(seqs)
    for first in range(0, len(numbers), 500):
        some = numbers[first : first + 500]
        connection.execute(events.update().where(events.c.seq.in_(some)).values(**values))
