"""The audit trail as a chain: each entry holds the digest of the one before it, so that an edit, a deletion or another
order shows. The last digest is noted outside the database as well (the anchor), so that a cut end shows too.

Pure: entries in, entries or faults out. After Schneier & Kelsey, "Secure audit logs to support computer forensics"
(1999), without their key evolution.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from billing.canonical import digest

NO_ENTRY = "0" * 64
"""What the first entry holds for the one before it."""


@dataclass(frozen=True)
class Head:
    """The end of the trail: the number and digest of its last entry; 0 and zeros where there is none."""

    seq: int = 0
    digest: str = NO_ENTRY


@dataclass(frozen=True)
class Entry:
    """One entry. `body` is canonical JSON; `digest` covers everything else in it, `previous` too."""

    seq: int
    at: datetime
    event: str
    action_id: str | None
    actor: str
    body: str
    previous: str
    digest: str

    def expected_digest(self) -> str:
        """The digest of what it says."""
        return _digest(self.seq, self.at, self.event, self.action_id, self.actor, self.body, self.previous)


@dataclass(frozen=True)
class Fault:
    """What is wrong with the trail, where, in words."""

    seq: int
    words: str


def extended(head: Head, *, at: datetime, event: str, action_id: str | None, actor: str, body: str) -> Entry:
    """The entry that follows the head."""
    seq = head.seq + 1
    made = _digest(seq, at, event, action_id, actor, body, head.digest)
    return Entry(seq, at, event, action_id, actor, body, head.digest, made)


def faults(entries: Iterable[Entry], head: Head, anchors: Sequence[Head] = ()) -> Iterator[Fault]:
    """What is wrong with a trail, in its order; nothing where it is whole.

    Args:
        entries: the whole trail, by number.
        head: where the database says that it ends.
        anchors: ends that were noted outside the database.
    """
    noted = {anchor.seq: anchor.digest for anchor in anchors}
    last = Head()
    for entry in entries:
        if entry.seq != last.seq + 1:
            yield Fault(last.seq + 1, f"entry {last.seq + 1} is missing: {entry.seq} follows {last.seq}")
        elif entry.previous != last.digest:
            yield Fault(entry.seq, f"entry {entry.seq} does not follow the one before it")
        if entry.digest != entry.expected_digest():
            yield Fault(entry.seq, f"entry {entry.seq} is not what was written")
        if noted.pop(entry.seq, entry.digest) != entry.digest:
            yield Fault(entry.seq, f"entry {entry.seq} is not the one that was noted when it was written")
        last = Head(entry.seq, entry.digest)
    if last != head:
        yield Fault(head.seq, f"the trail ends at {last.seq}, and its head says {head.seq}")
    beyond = [seq for seq in noted if seq > last.seq]
    if beyond:
        yield Fault(max(beyond), f"the trail ends at {last.seq}, and {max(beyond)} entries were noted: its end is cut")


def _digest(seq: int, at: datetime, event: str, action_id: str | None, actor: str, body: str, previous: str) -> str:
    return digest([seq, at.isoformat(timespec="microseconds"), event, action_id, actor, body, previous])
