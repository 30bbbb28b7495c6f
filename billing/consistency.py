"""Whether trail and book are what was written: the chain of the trail, and the book's states against the trail's."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import sqlalchemy as sa

from billing.audit import Entry, Fault, Head, faults
from billing.book import Planned, all_of
from billing.store import row_of
from billing.tables import head, trail


def examined(connection: sa.Connection, anchors: Sequence[Head]) -> tuple[Head, list[Fault]]:
    """The end of the trail, and everything that is wrong with it and the book."""
    row = connection.execute(sa.select(head.c.seq, head.c.digest)).one()
    end = Head(row.seq, row.digest)
    entries = _entries(connection)
    return end, [*faults(entries, end, anchors), *_of_the_book(entries, all_of(connection))]


def entries_of(connection: sa.Connection, action_id: str) -> list[Entry]:
    """The trail of one action, in order."""
    return _entries(connection, trail.c.action_id == action_id)


def latest(
    connection: sa.Connection, most: int, *, before: int | None = None, events: Sequence[str] = ()
) -> list[Entry]:
    """The last entries of the trail, the newest first; those before a number, and of these events, where it is said."""
    chosen = sa.select(trail).order_by(trail.c.seq.desc()).limit(most)
    if before is not None:
        chosen = chosen.where(trail.c.seq < before)
    if events:
        chosen = chosen.where(trail.c.event.in_(events))
    return [Entry(**row_of(row)) for row in connection.execute(chosen)]


def noted(anchor: Path) -> list[Head]:
    """The ends of the trail that were noted beside the database; a line that was cut by a crash counts for nothing."""
    if not anchor.is_file():
        return []
    parts = (line.split() for line in anchor.read_text(encoding="ascii", errors="replace").splitlines())
    return [
        Head(int(part[0]), part[1]) for part in parts if len(part) == 2 and part[0].isdigit() and len(part[1]) == 64
    ]


def _entries(connection: sa.Connection, *conditions: sa.ColumnElement[bool]) -> list[Entry]:
    rows = connection.execute(sa.select(trail).where(*conditions).order_by(trail.c.seq))
    return [Entry(**row_of(row)) for row in rows]


def _of_the_book(entries: Sequence[Entry], planned: Sequence[Planned]) -> Iterator[Fault]:
    """Actions that stand elsewhere than the trail says, hold something else, or have no trail; trails without one."""
    last = {entry.action_id: entry for entry in entries if entry.action_id}
    told = {entry.action_id: digest for entry in entries if (digest := _digest_in(entry))}
    for each in planned:
        entry = last.pop(each.action_id, None)
        if entry is None:
            yield Fault(0, f"{each.action_id} is in the book, and the trail knows nothing of it")
        elif each.state != _state_after(entry):
            yield Fault(
                entry.seq, f"{each.action_id} is {each.state} in the book, and the trail says {_state_after(entry)}"
            )
        elif each.content_digest() != told.get(each.action_id):
            yield Fault(entry.seq, f"{each.action_id} is not what was planned")
    for action_id, entry in last.items():
        yield Fault(entry.seq, f"{action_id} is in the trail, and not in the book")


def _state_after(entry: Entry) -> str:
    return str(_body(entry).get("state"))


def _digest_in(entry: Entry) -> str | None:
    found = _body(entry).get("digest")
    return str(found) if found else None


def _body(entry: Entry) -> dict[str, object]:
    """What it says; nothing where it was made unreadable, which its digest tells."""
    try:
        told = json.loads(entry.body)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
