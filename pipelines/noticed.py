"""What the inbox of events tells a sync to read, and the note that it was read. Makes no database by itself."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from pipelines.extract.changes import Change, noticed
from pipelines.settings import Settings

MOST = 20_000
"""Events that one refresh takes; the next takes the rest."""


@dataclass(frozen=True)
class Noticed:
    """Events of the inbox by number, and the changes that they tell of, by account."""

    seqs: Sequence[int] = ()
    changes: dict[str, list[Change]] = field(default_factory=dict)


def there_is_an_inbox(settings: Settings) -> bool:
    """Whether there is an operational database that may hold events."""
    return settings.operations_url is not None or settings.operations_file.exists()


def waiting(settings: Settings) -> Noticed:
    """What came in and was not read yet, the oldest first.

    Raises:
        BillingError: the operational database can't be opened.
    """
    if not there_is_an_inbox(settings):
        return Noticed()
    from billing.webhooks import inbox  # takes a moment, which a run without an inbox is spared
    from pipelines import operations

    seqs: list[int] = []
    found: dict[str, list[Change]] = defaultdict(list)
    with operations.opened(settings) as store:
        for event in inbox.unrefreshed(store, MOST):
            seqs.append(event.seq)
            found[event.account_id] += noticed([event.payload.encode()])
    return Noticed(seqs, dict(found))


def newest(settings: Settings) -> int | None:
    """The number of the newest event that waits; None where none does."""
    if not there_is_an_inbox(settings):
        return None
    from billing.webhooks import inbox
    from pipelines import operations

    with operations.opened(settings) as store, store.reading() as connection:
        return inbox.newest_unrefreshed(connection)


def note_read(settings: Settings, read: Noticed) -> None:
    """These events are worked off."""
    if read.seqs:
        from billing.webhooks import inbox
        from pipelines import operations

        with operations.opened(settings) as store:
            inbox.note_refreshed(store, read.seqs, datetime.now(UTC))
