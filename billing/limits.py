"""How much may still be done: counted in the transaction that writes the intent down, where writers stand in line."""

from datetime import datetime, timedelta

import sqlalchemy as sa

from billing.book import Planned
from billing.plan import DIRECT
from billing.rules import Limits
from billing.tables import actions

DAY = timedelta(days=1)


def reached(connection: sa.Connection, planned: Planned, limits: Limits, now: datetime) -> str | None:
    """The limit that keeps an action waiting; None where it may be done."""
    if _since(connection, now - DAY, planned) >= limits.per_day:
        return "limit_per_day"
    window = timedelta(days=limits.per_customer_days)
    of_customer = actions.c.customer_id == planned.customer_id
    if _since(connection, now - window, planned, of_customer) >= limits.per_customer:
        return "limit_per_customer"
    if _since(connection, now - timedelta(days=limits.cool_down_days), planned, of_customer):
        return "cool_down"
    return _amount_reached(connection, planned, limits, now)


def _since(connection: sa.Connection, since: datetime, planned: Planned, *more: sa.ColumnElement[bool]) -> int:
    """How many other actions of the account were intended since; direct orders, which no machine decides on, apart."""
    chosen = (*_others(since, planned), actions.c.rule != DIRECT, *more)
    return connection.execute(sa.select(sa.func.count()).select_from(actions).where(*chosen)).scalar_one()


def _amount_reached(connection: sa.Connection, planned: Planned, limits: Limits, now: datetime) -> str | None:
    most = limits.amount_per_day.get(planned.currency or "")
    if most is None or not planned.cost:
        return None
    given = connection.execute(
        sa.select(sa.func.coalesce(sa.func.sum(actions.c.cost), 0)).where(
            *_others(now - DAY, planned), actions.c.currency == planned.currency
        )
    ).scalar_one()
    return "limit_amount_per_day" if int(given) + planned.cost > most else None


def _others(since: datetime, planned: Planned) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        actions.c.account_id == planned.account_id,
        actions.c.livemode == planned.livemode,
        actions.c.action_id != planned.action_id,
        actions.c.intended_at > since,
    )
