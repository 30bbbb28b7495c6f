"""Hands events on to a company's own code: at least once, and in order for each customer.

An event whose function fails is tried again later, and what comes after it for the same customer waits; other customers
go on. One process at a time may do this (`pipelines/webhooks.py` sees to it).
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa

from billing.store import Store
from billing.tables import webhook_events as events
from billing.webhooks import inbox
from billing.webhooks.notices import SNAPSHOT
from billing.webhooks.occasions import THIN_PREFIX, Kind, Occasion, facts_of, kind_of
from billing.webhooks.plugins import Handlers

log = logging.getLogger(__name__)

SETTLE = timedelta(seconds=2)
"""How long an event waits for those before it that are on their way still."""
FIRST_DELAY, LONGEST_DELAY = timedelta(seconds=5), timedelta(hours=1)
MOST = 500
"""Events that are held in memory at a time."""

Row = sa.Row[Any]
_TOLD = events.c.handled_at.is_not(None) & (events.c.attempts > 0)


@dataclass
class Handed:
    """What became of one go: events told, passed over since nobody asks for them, and failed."""

    told: int = 0
    passed: int = 0
    failed: int = 0


def hand_on(store: Store, handlers: Handlers, now: Callable[[], datetime]) -> Handed:
    """Tell the handlers of what waits; each event is noted as told right after, in a transaction of its own.

    Events of one customer go by Stripe's instant and then by arrival. One whose function raises is noted with the
    error's name and tried again, later each time, up to an hour apart.
    """
    handed = Handed()
    began = now()
    with store.reading() as connection:
        kept_back = _kept_back(connection, began)
    last = 0
    while rows := _waiting(store, last, began - SETTLE):
        last = rows[-1].seq
        wanted = [row for row in rows if _wanted(handlers, row)]
        handed.passed += _passed(store, {row.seq for row in rows} - {row.seq for row in wanted}, began)
        for whose, line in _lines(wanted).items():
            if whose not in kept_back and not all(_handed(store, handlers, row, now, handed) for row in line):
                kept_back.add(whose)
    return handed


def _wanted(handlers: Handlers, row: Row) -> bool:
    return kind_of(row.type) is not None and any(handlers.of(row.type.removeprefix(THIN_PREFIX)))


def _handed(store: Store, handlers: Handlers, row: Row, now: Callable[[], datetime], handed: Handed) -> bool:
    """Whether what comes after it may go on."""
    kind = kind_of(row.type)
    assert kind is not None  # noqa: S101 - it is wanted
    try:
        with store.reading() as connection:
            again, late = _was_told(connection, row), _is_late(connection, row)
        occasion = _occasion(row, kind, is_late=late)
        for handler in () if again else handlers.of(kind.type):
            handler(occasion)
    except Exception as error:  # a company's own code may raise anything
        log.exception("A plug-in failed on %s (%s)", row.event_id, row.type)
        _note(store, row, attempts=row.attempts + 1, retry_at=now() + _delay(row.attempts), failure=_name(error))
        handed.failed += 1
        return False
    _note(store, row, handled_at=now(), attempts=row.attempts + 1, failure=None, retry_at=None)
    handed.told += 1
    return True


def _passed(store: Store, seqs: set[int], at: datetime) -> int:
    """Note that nobody asks for these; `attempts` stays 0, which tells them from those that were told."""
    inbox.note_handled(store, seqs, at)
    return len(seqs)


def _waiting(store: Store, after: int, upto: datetime) -> Sequence[Row]:
    chosen = sa.select(events).where(
        events.c.handled_at.is_(None) & (events.c.seq > after) & (events.c.received_at <= upto)
    )
    with store.reading() as connection:
        return connection.execute(chosen.order_by(events.c.seq).limit(MOST)).all()


def _kept_back(connection: sa.Connection, now: datetime) -> set[tuple[str, str]]:
    """Whose events wait for another try of one that failed."""
    failing = events.c.handled_at.is_(None) & (events.c.retry_at > now)
    return {_whose(row) for row in connection.execute(sa.select(events).where(failing))}


def _lines(rows: Sequence[Row]) -> Mapping[tuple[str, str], Sequence[Row]]:
    found: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in sorted(rows, key=lambda each: (each.created_at, each.seq)):
        found[_whose(row)].append(row)
    return found


def _whose(row: Row) -> tuple[str, str]:
    """The line that an event stands in: its customer's, or that of what it is about, which names no customer."""
    return row.account_id, row.customer_id or row.object_id or row.event_id


def _was_told(connection: sa.Connection, row: Row) -> bool:
    """Whether the same event was told in its other form, or from another endpoint."""
    same = (events.c.account_id == row.account_id) & (events.c.occasion_id == row.occasion_id)
    told = same & (events.c.seq != row.seq) & _TOLD
    return connection.execute(sa.select(events.c.seq).where(told).limit(1)).first() is not None


def _is_late(connection: sa.Connection, row: Row) -> bool:
    if row.customer_id is None:
        return False
    whose = (events.c.account_id == row.account_id) & (events.c.customer_id == row.customer_id)
    later = whose & (events.c.created_at > row.created_at) & _TOLD
    return connection.execute(sa.select(events.c.seq).where(later).limit(1)).first() is not None


def _occasion(row: Row, kind: Kind, *, is_late: bool) -> Occasion:
    return Occasion(
        id=row.occasion_id,
        account_id=row.account_id,
        livemode=row.livemode,
        type=kind.type,
        subject=kind.subject,
        what=kind.what,
        customer_id=row.customer_id,
        object_id=row.object_id,
        at=row.created_at,
        is_late=is_late,
        facts=facts_of(kind, _thing(row.payload)) if row.form == SNAPSHOT else {},
    )


def _thing(payload: str) -> Mapping[str, Any]:
    data = msgspec.json.decode(payload).get("data")
    thing = data.get("object") if isinstance(data, Mapping) else None
    return thing if isinstance(thing, Mapping) else {}


def _note(store: Store, row: Row, **values: Any) -> None:
    with store.engine.begin() as connection:
        connection.execute(events.update().where(events.c.seq == row.seq).values(**values))


def _delay(failures: int) -> timedelta:
    return min(FIRST_DELAY * (1 << min(failures, 20)), LONGEST_DELAY)


def _name(error: Exception) -> str:
    return type(error).__name__[:255]


def failing(connection: sa.Connection, most: int = 20) -> Iterator[Row]:
    """The events that a company's own code failed on, the oldest first."""
    chosen = sa.select(events).where(events.c.handled_at.is_(None) & (events.c.attempts > 0))
    yield from connection.execute(chosen.order_by(events.c.seq).limit(most))
