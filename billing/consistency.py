"""Whether trail and book are what was written: the chain of the trail, and what the book holds against the trail."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import sqlalchemy as sa

from billing.audit import Entry, Fault, Head, faults
from billing.book import STEPS, Planned, all_of
from billing.store import row_of
from billing.tables import head, trail

BEGINNINGS: Mapping[str, tuple[tuple[str | None, ...], str]] = {
    "planned": ((None,), "proposed"),
    "held_out": ((None,), "held_out"),
}
"""What an action's part of the trail begins with, as `STEPS` are: None stands for nothing before it."""


def examined(connection: sa.Connection, anchors: Sequence[Head]) -> tuple[Head, list[Fault]]:
    """The end of the trail, and everything that is wrong with it and the book."""
    entries, end = _entries(connection), _end(connection)
    return end, [*faults(entries, end, anchors), *_of_the_book(entries, all_of(connection))]


def broken(connection: sa.Connection, anchors: Sequence[Head]) -> list[Fault]:
    """What is wrong with the trail itself."""
    return list(faults(_entries(connection), _end(connection), anchors))


def doubts(connection: sa.Connection, planned: Planned) -> list[Fault]:
    """Why an action is not to be believed as it is in the book: what its own part of the trail says otherwise, or what
    is not written there as it was.

    The rest of the trail is not looked at, so that it takes as long with a long trail as with a short one.
    """
    entries = entries_of(connection, planned.action_id)
    return [*_rewritten(connection, entries), *_of_an_action(planned, entries)]


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


def _end(connection: sa.Connection) -> Head:
    row = connection.execute(sa.select(head.c.seq, head.c.digest)).one()
    return Head(row.seq, row.digest)


def _of_the_book(entries: Sequence[Entry], planned: Sequence[Planned]) -> Iterator[Fault]:
    """Actions that are not what the trail says, or have no trail; trails without an action."""
    told: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        if entry.action_id:
            told[entry.action_id].append(entry)
    for each in planned:
        yield from _of_an_action(each, told.pop(each.action_id, []))
    for action_id, of_none in told.items():
        yield Fault(of_none[-1].seq, f"{action_id} is in the trail, and not in the book")


def _of_an_action(planned: Planned, entries: Sequence[Entry]) -> Iterator[Fault]:
    """Where it stands elsewhere than its part of the trail says, came there otherwise, or holds something else."""
    action_id = planned.action_id
    if not entries:
        yield Fault(0, f"{action_id} is in the book, and the trail knows nothing of it")
        return
    yield from _missteps(entries)
    last, told = entries[-1], _columns_after(entries)
    changed = [name for name, value in told.items() if getattr(planned, name) != value]
    if planned.state != _state_after(last):
        yield Fault(last.seq, f"{action_id} is {planned.state} in the book, and the trail says {_state_after(last)}")
    elif planned.content_digest() != next(filter(None, map(_digest_in, reversed(entries))), None):
        yield Fault(last.seq, f"{action_id} is not what was planned")
    elif changed:
        yield Fault(last.seq, f"{action_id} has another {' and '.join(changed)} in the book than in the trail")


def _missteps(entries: Sequence[Entry]) -> Iterator[Fault]:
    """Steps that do not lead on from where the one before led to."""
    state: str | None = None
    for entry in entries:
        stays: tuple[tuple[str | None, ...], str | None] = ((state,), state)
        sources, target = STEPS.get(entry.event) or BEGINNINGS.get(entry.event) or stays
        if state not in sources or _state_after(entry) != target:
            yield Fault(entry.seq, f"{entry.action_id} can't be {entry.event} after it was {state or 'nothing'}")
        state = _state_after(entry)


def _columns_after(entries: Sequence[Entry]) -> dict[str, object]:
    """What the book holds after these steps: who approved it, when, and what is about to be sent since when."""
    told: dict[str, object] = dict.fromkeys(
        ("approved_by", "approved_at", "intended_at", "idempotency_key", "request"), None
    )
    for entry in entries:
        if entry.event == "approved":
            told |= {"approved_by": entry.actor, "approved_at": entry.at}
        elif entry.event in ("revoked", "changed"):
            told |= {"approved_by": None, "approved_at": None}
        elif entry.event == "intended":
            said = _body(entry)
            told |= {"intended_at": entry.at, **{name: said.get(name) for name in ("idempotency_key", "request")}}
        elif entry.event == "deferred":
            told |= {"intended_at": None, "idempotency_key": None, "request": None}
    return told


def _rewritten(connection: sa.Connection, entries: Sequence[Entry]) -> Iterator[Fault]:
    """Entries that do not say what was written, by their own digest and by what follows each."""
    end = _end(connection)
    following = {entry.seq + 1 for entry in entries}
    rows = connection.execute(sa.select(trail.c.seq, trail.c.previous).where(trail.c.seq.in_(following)))
    kept = {row.seq: row.previous for row in rows} | {end.seq + 1: end.digest}
    for entry in entries:
        if entry.digest != entry.expected_digest() or kept.get(entry.seq + 1) != entry.digest:
            yield Fault(entry.seq, f"entry {entry.seq} is not what was written")


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
