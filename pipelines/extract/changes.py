"""Reads events as notices: which objects changed, which are gone. What an event's payload holds is never stored as
state.

Pure: events in, changes out. Payloads come in the version of their time; only ids, which no version moved, are read.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

import msgspec

from pipelines.extract.addresses import joined
from pipelines.extract.catalogue import ALSO_FROM, ALSO_WHEN, BY_KIND, BY_NAME, Changes
from pipelines.extract.shapes import Event, Head, Moment, Named


@dataclass(frozen=True)
class Change:
    """An object of a stream was made, changed or deleted at `changed_at`. Instants are epoch seconds.

    `made_at` is its creation where the event shows it and lists go by it. `gone` says it was deleted. `test_clock` is
    the clock that it lives on, or that what told of it lives on, and `owner` then the customer whose it is.
    """

    stream: str
    id: str
    changed_at: int | None = None
    made_at: int | None = None
    due_at: int = 0
    gone: bool = False
    test_clock: str | None = None
    owner: str | None = None


class _Told(msgspec.Struct):
    """What an event says of an object: its fields as they stood, and those that changed as they stood before."""

    object: dict[str, msgspec.Raw]
    previous_attributes: dict[str, msgspec.Raw] | None = None


class _Telling(msgspec.Struct):
    """An event with all that it says."""

    type: str
    created: Moment
    data: _Told


class _Related(msgspec.Struct):
    """What a thin event is about."""

    id: str
    type: str


class _Thin(msgspec.Struct):
    """A thin event (`v2.core.event`), which names an object of the first API by a type of its own."""

    type: str
    created: datetime
    related_object: _Related | None = None


def noticed(events: Iterable[bytes]) -> Iterator[Change]:
    """What events tell that Stripe sent by itself, thin ones (`v2.core.event`) among them. JSON, any order."""
    for payload in events:
        if _is_thin(payload):
            yield from _told_thinly(payload)
        else:
            yield from changes([payload])


def _is_thin(payload: bytes) -> bool:
    with suppress(msgspec.ValidationError):
        return _HEAD.decode(payload).object == "v2.core.event"
    return False


def _told_thinly(payload: bytes) -> Iterator[Change]:
    with suppress(msgspec.ValidationError):
        event = _THIN.decode(payload)
        stream = BY_KIND.get(event.related_object.type) if event.related_object else None
        if event.related_object and event.related_object.id and stream and stream.name not in _READ_EVERY_TIME:
            gone = stream.deletion is not None and event.type == f"v1.{stream.deletion}"
            yield Change(stream.name, event.related_object.id, int(event.created.timestamp()), gone=gone)


def changes(events: Iterable[bytes], since: int = 0) -> Iterator[Change]:
    """What the events (JSON, any order) tell, one by one; the same object may come up several times.

    Of those before `since`, epoch seconds, only that something is gone.
    """
    for payload in events:
        with suppress(msgspec.ValidationError):  # reading it told already that it is not understood
            event = _EVENT.decode(payload)
            if event.created >= since or event.type in _DELETIONS:
                told = _on_clock(_TELLING.decode(payload))
                yield from (change for change in told if change.gone or event.created >= since)


def _on_clock(event: _Telling) -> Iterator[Change]:
    """What an event tells, marked where it is about something on a test clock."""
    thing = _Thing(event.data.object)
    clock, owner = thing.reference("test_clock"), thing.reference("customer")
    for told in _told(event, thing):
        yield told if clock is None else replace(told, made_at=None, test_clock=clock, owner=owner)


def _told(event: _Telling, thing: "_Thing") -> Iterator[Change]:
    yield from _told_by(event.type, event.created, thing)
    for (kind, field), stream in ALSO_WHEN.items():
        if field in (event.data.previous_attributes or ()) and kind == thing.text("object") and thing.text("id"):
            yield Change(stream, joined(thing.text("id")), event.created)


def _told_by(type_: str, at: int, thing: "_Thing") -> Iterator[Change]:
    kind, id_ = thing.text("object"), thing.text("id")
    stream = BY_KIND.get(kind)
    if stream is not None and id_ and stream.name not in _READ_EVERY_TIME:
        yield Change(stream.name, id_, at, thing.moment(stream.made_at), gone=type_ == stream.deletion)
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

    def reference(self, name: str) -> str | None:
        """The id of what it refers to, expanded or not."""
        raw = bytes(self.fields.get(name, b""))
        if not raw.startswith(b"{"):
            return self.text(name) or None
        with suppress(msgspec.ValidationError):
            return msgspec.json.decode(raw, type=Named).id
        return None

    def moment(self, name: str) -> int | None:
        try:
            return _MOMENT.decode(self.fields.get(name, b"null"))
        except msgspec.ValidationError:
            return None


_EVENT = msgspec.json.Decoder(Event)
_HEAD = msgspec.json.Decoder(Head)
_THIN = msgspec.json.Decoder(_Thin)
_TELLING = msgspec.json.Decoder(_Telling)
_DELETIONS = {stream.deletion for stream in BY_NAME.values() if stream.deletion}
_MOMENT: "msgspec.json.Decoder[int | None]" = msgspec.json.Decoder(Moment | None)
_READ_EVERY_TIME = {
    name for name, stream in BY_NAME.items() if name == "events" or stream.changes in (Changes.SINGLE, Changes.RELIST)
}
