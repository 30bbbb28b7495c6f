"""Events are found, noted and dropped many at a time, and none that waits for something is dropped."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from billing.store import Store
from billing.tables import webhook_events
from billing.webhooks import inbox
from tests.billing.webhooks.receiver import snapshot
from tests.billing.webhooks.test_hand_on import ARRIVED, arrived

DAYS = timedelta(days=30)


def test_many_events_are_worked_off_part_by_part(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox, "AT_ONCE", 3)
    arrived(store, *(snapshot(f"evt_{number}") for number in range(7)))
    waiting = [each.seq for each in inbox.unrefreshed(store, 100)]
    assert len(waiting) == 7
    assert [each.seq for each in inbox.unrefreshed(store, 4)] == waiting[:6]  # whole parts: two of three
    inbox.note_refreshed(store, waiting[:5], ARRIVED)
    with store.reading() as connection:
        assert (inbox.unrefreshed_count(connection), inbox.newest_unrefreshed(connection)) == (2, waiting[6])
    inbox.note_handled(store, waiting[:4] + waiting[6:], ARRIVED)
    with store.reading() as connection:
        told = inbox.standing(connection)
    # Refreshed are 0 to 4, handled 0 to 3 and 6: four of them are done with.
    assert (told.held, told.unrefreshed, told.unhandled, told.failing) == (7, 2, 2, 0)
    assert (told.oldest_unrefreshed, told.last_received, told.by_type) == (ARRIVED, ARRIVED, {"customer.updated": 7})
    assert inbox.prune(store, ARRIVED) == 0
    assert inbox.prune(store, ARRIVED + DAYS) == 4
    with store.reading() as connection:
        left = connection.execute(sa.select(webhook_events.c.seq).order_by(webhook_events.c.seq)).scalars().all()
    assert left == waiting[4:]
