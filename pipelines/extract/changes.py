"""Reads events as notices: which objects changed, which are gone. What an event's payload holds is never stored as
state.

Pure: events in, changes out. Payloads come in the version of their time; only ids, which no version moved, are read.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

import msgspec

from pipelines.extract.addresses import joined
from pipelines.extract.catalogue import ALSO_FROM, ALSO_WHEN, BY_KIND, BY_NAME
from pipelines.extract.shapes import Event, Moment


@dataclass(frozen=True)
class Change:
    """An object of a stream was made, changed or deleted at `changed_at`. Instants are epoch seconds.

    `made_at` is its creation where the event shows it. `gone` says it was deleted; `payload` is then its last known
    state.
    """

    stream: str
    id: str
    changed_at: int | None = None
    made_at: int | None = None
    due_at: int = 0
    gone: bool = False


def changes(events: Iterable[bytes]) -> Iterator[Change]:
    """What the events (JSON, any order) tell, one by one; the same object may come up several times."""
    for payload in events:
        with suppress(msgspec.ValidationError):  # reading it told already that it is not understood
            yield from _told(_EVENT.decode(payload))


def _told(event: Event) -> Iterator[Change]:
    thing = _Thing(event.data.object)
    yield from _told_by(event.type, event.created, thing)
    for (kind, field), stream in ALSO_WHEN.items():
        if field in (event.data.previous_attributes or ()) and kind == thing.text("object") and thing.text("id"):
            yield Change(stream, joined(thing.text("id")), event.created)


def _told_by(type_: str, at: int, thing: "_Thing") -> Iterator[Change]:
    kind, id_ = thing.text("object"), thing.text("id")
    stream = BY_KIND.get(kind)
    if stream is not None and id_ and stream.name not in _READ_EVERY_TIME:
        made_at = thing.moment("date" if stream.name == "invoice_items" else "created")
        yield Change(stream.name, id_, at, made_at, gone=type_ == stream.deletion)
    for also in ALSO_FROM.get(kind, ()):
        if other := thing.text(also.field):
            yield Change(also.stream, other, at)


@dataclass(frozen=True)
class _Thing:
    """What an event is about, in whatever version: fields of another type than expected say nothing."""

    fields: Mapping[str, msgspec.Raw]

    def text(self, name: str) -> str:
        raw = bytes(self.fields.get(name, b""))
        return msgspec.json.decode(raw, type=str) if raw.startswith(b'"') else ""

    def moment(self, name: str) -> int | None:
        try:
            return _MOMENT.decode(self.fields.get(name, b"null"))
        except msgspec.ValidationError:
            return None


_EVENT = msgspec.json.Decoder(Event)
_MOMENT: "msgspec.json.Decoder[int | None]" = msgspec.json.Decoder(Moment | None)
_READ_EVERY_TIME = {name for name in BY_NAME if name in {"accounts", "balances", "events"}}
