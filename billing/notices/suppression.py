"""Who gets no mail: addresses that bounce, whoever does not want any, and customers who were erased."""

import re
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from billing import erasures
from billing.errors import UsageError
from billing.notices import book
from billing.notices.addresses import remembered, usable
from billing.store import Store
from billing.tables import suppressions

BOUNCED, OPTED_OUT, COMPLAINED = "bounced", "opted_out", "complained"
REASONS = (BOUNCED, OPTED_OUT, COMPLAINED)
_CUSTOMER = re.compile(r"cus_[A-Za-z0-9_]{1,250}")
_NOTICE = re.compile(r"ntc_[0-9a-f]{24}")


def whom(store: Store, text: str, key: bytes) -> str:
    """What stands for an address, a customer, or the customer that a notice went to.

    Raises:
        UsageError: it is none of these, or the notice is not known.
    """
    if _CUSTOMER.fullmatch(text):
        return text
    if _NOTICE.fullmatch(text):
        with store.reading() as connection:
            notice = book.one(connection, text)
        if notice is None or notice.customer_id is None:
            raise UsageError(f"{text} went to no customer; `revenue notices list` shows those that did.")
        return notice.customer_id
    address = usable(text)
    if address is None:
        raise UsageError(f"{text!r:.80} is no address, and no id of a customer (cus_…) or a notice (ntc_…).")
    return remembered(address, key)


def suppress(store: Store, who: str, why: str, at: datetime, actor: str = book.ACTOR) -> None:
    """Send no more to them; noted once."""
    with store.writing() as transaction:
        connection = transaction.connection
        insert = (postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert)(suppressions)
        entered = insert.values(whom=who, why=why, since=at).on_conflict_do_nothing().returning(suppressions.c.whom)
        if connection.execute(entered).first() is not None:
            transaction.record("notices_stopped", at=at, actor=actor, action_id=None, body={"whom": who, "why": why})


def allow(store: Store, who: str, at: datetime, actor: str) -> bool:
    """Send to them again; False where nothing stood in the way."""
    with store.writing() as transaction:
        gone = transaction.connection.execute(suppressions.delete().where(suppressions.c.whom == who)).rowcount
        if gone:
            transaction.record("notices_allowed", at=at, actor=actor, action_id=None, body={"whom": who})
    return bool(gone)


def why_not(connection: sa.Connection, *who: str) -> str | None:
    """Why one of them gets no mail; None where all do."""
    chosen = sa.select(suppressions.c.why).where(suppressions.c.whom.in_(who)).limit(1)
    return connection.execute(chosen).scalar_one_or_none()


def erased(store: Store) -> frozenset[tuple[str, str]]:
    """Account and id of every customer who asked to be erased."""
    return frozenset((each.asked.account_id, each.asked.customer_id) for each in erasures.listed(store))
