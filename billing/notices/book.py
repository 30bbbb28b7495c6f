"""The book of notices: one row a notice, where it stands, and the steps it takes, each in the trail as well.

A notice's id is made of what it is about, so that the same one can't be entered twice, whoever tells of it how often.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from billing.canonical import Json, digest
from billing.notices.kinds import BY_NAME, Audience
from billing.store import Transaction, row_of
from billing.tables import notices

DUE, INTENDED, SENT = "due", "intended", "sent"
SKIPPED, REFUSED, UNKNOWN = "skipped", "refused", "unknown"
STATES = (DUE, INTENDED, SENT, SKIPPED, REFUSED, UNKNOWN)
ACTOR = "notices"
"""Who is on record: nobody decides on each notice."""


@dataclass(frozen=True)
class Notice:
    """A notice. `occasion` tells those about one object from each other: an attempt, a trial's end.

    `kind` and `customer_id` are known once it was looked at; `why` says why it is not sent, or what failed last.
    """

    notice_id: str
    account_id: str
    livemode: bool
    cause: str
    object_id: str
    occasion: str
    happened_at: datetime
    due_at: datetime
    state: str = DUE
    kind: str | None = None
    customer_id: str | None = None
    attempts: int = 0
    intended_at: datetime | None = None
    settled_at: datetime | None = None
    why: str | None = None


def id_of(account_id: str, livemode: bool, cause: str, about: str) -> str:
    """The id of the notice about something."""
    return "ntc_" + digest([account_id, livemode, cause, about])[:24]


def enter(connection: sa.Connection, notice: Notice) -> bool:
    """Put a notice into the book; False where it is there already, which is then left as it is."""
    insert = (postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert)(notices)
    entered = insert.values(**vars(notice)).on_conflict_do_nothing().returning(notices.c.notice_id)
    return connection.execute(entered).first() is not None


def listed(connection: sa.Connection, states: Sequence[str] = (), most: int | None = None) -> list[Notice]:
    """The notices in these states, all without any; the youngest first."""
    chosen = sa.select(notices).order_by(notices.c.happened_at.desc(), notices.c.notice_id).limit(most)
    return _read(connection, chosen.where(notices.c.state.in_(states)) if states else chosen)


def due(connection: sa.Connection, now: datetime, most: int) -> list[Notice]:
    """What is to be sent now: that to the company's own people first, the rest by its time."""
    urgent = notices.c.cause.in_({kind.cause for kind in BY_NAME.values() if kind.again})
    chosen = sa.select(notices).where((notices.c.state == DUE) & (notices.c.due_at <= now))
    return _read(connection, chosen.order_by(urgent.desc(), notices.c.due_at, notices.c.notice_id).limit(most))


def is_anything_due(connection: sa.Connection, now: datetime) -> bool:
    """Whether any notice is to be sent now, or was about to be sent."""
    waits = ((notices.c.state == DUE) & (notices.c.due_at <= now)) | (notices.c.state == INTENDED)
    return connection.execute(sa.select(notices.c.notice_id).where(waits).limit(1)).first() is not None


def interrupted(connection: sa.Connection, before: datetime) -> list[Notice]:
    """What was about to be sent before an instant, and nobody noted what became of it."""
    return _read(connection, sa.select(notices).where((notices.c.state == INTENDED) & (notices.c.intended_at < before)))


def one(connection: sa.Connection, notice_id: str) -> Notice | None:
    """The notice of that id."""
    return next(iter(_read(connection, sa.select(notices).where(notices.c.notice_id == notice_id))), None)


def sent_to_customer(connection: sa.Connection, account_id: str, customer_id: str, since: datetime) -> int:
    """How many notices were sent, or may have been, to a customer since an instant."""
    theirs = (notices.c.account_id == account_id) & (notices.c.customer_id == customer_id)
    return _count(connection, theirs & (notices.c.intended_at > since))


def sent_to(connection: sa.Connection, audience: Audience, since: datetime) -> int:
    """How many notices were sent, or may have been, to customers, or to the company, since an instant."""
    to_customers = [name for name, kind in BY_NAME.items() if kind.audience is Audience.CUSTOMER]
    theirs = notices.c.kind.in_(to_customers)
    return _count(connection, (theirs if audience is Audience.CUSTOMER else ~theirs) & (notices.c.intended_at > since))


def step(
    transaction: Transaction, notice: Notice, state: str, at: datetime, *, why: str | None = None, **values: Any
) -> bool:
    """Take a notice on to a state, with the trail; False where another process has taken it on meanwhile."""
    same = (notices.c.notice_id == notice.notice_id) & (notices.c.state == notice.state)
    settled = {} if state in (DUE, INTENDED) else {"settled_at": at}
    changed = transaction.connection.execute(
        notices.update().where(same).values(state=state, why=why, **settled, **values)
    )
    if not changed.rowcount:
        return False
    transaction.record(f"notice_{state}", at=at, actor=ACTOR, action_id=None, body=_body(notice, values, why))
    return True


def put_off(transaction: Transaction, notice: Notice, until: datetime, why: str) -> None:
    """Have it wait; what was not sent is not on the trail."""
    same = (notices.c.notice_id == notice.notice_id) & (notices.c.state == DUE)
    transaction.connection.execute(notices.update().where(same).values(due_at=until, why=why))


def counts(connection: sa.Connection) -> Mapping[str, int]:
    """How many are in each state."""
    rows = connection.execute(sa.select(notices.c.state, sa.func.count()).group_by(notices.c.state))
    return {str(state): int(count) for state, count in rows}


def _body(notice: Notice, values: Mapping[str, Any], why: str | None) -> dict[str, Json]:
    told: dict[str, Json] = {"notice_id": notice.notice_id, "account_id": notice.account_id}
    told |= {"cause": notice.cause, "object_id": notice.object_id, "occasion": notice.occasion}
    told |= {name: values[name] for name in ("kind", "customer_id") if name in values}
    return told | ({"why": why} if why else {})


def _count(connection: sa.Connection, condition: sa.ColumnElement[bool]) -> int:
    return int(connection.execute(sa.select(sa.func.count()).select_from(notices).where(condition)).scalar_one())


def _read(connection: sa.Connection, chosen: sa.Select[Any]) -> list[Notice]:
    return list(_notices(connection, chosen))


def _notices(connection: sa.Connection, chosen: sa.Select[Any]) -> Iterator[Notice]:
    for row in connection.execute(chosen):
        yield Notice(**row_of(row))
