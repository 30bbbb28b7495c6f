"""Reads events as notices: which objects changed, which are gone. What an event's payload holds is never stored as
state.

Pure: events in, changes out. Payloads come in the version of their time; only ids, which no version moved, are read.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import orjson

from pipelines.extract.catalogue import ALSO_FROM, ALSO_WHEN, BY_KIND, BY_NAME, Changes


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


def changes(events: Iterable[bytes]) -> Iterator[Change]:
    """What the events (JSON, any order) tell, one by one; the same object may come up several times."""
    for payload in events:
        event: dict[str, Any] = orjson.loads(payload)
        thing: dict[str, Any] = event["data"]["object"]
        before: dict[str, Any] = event["data"].get("previous_attributes") or {}
        told = chain(_told_by(event["type"], event["created"], thing), _told_by_fields(before, event["created"], thing))
        clock, owner = _id(thing.get("test_clock")), _id(thing.get("customer"))
        yield from (
            told if clock is None else (replace(each, made_at=None, test_clock=clock, owner=owner) for each in told)
        )


def _told_by(type_: str, at: int, thing: dict[str, Any]) -> Iterator[Change]:
    kind = thing.get("object", "")
    stream = BY_KIND.get(kind)
    id_ = thing.get("id")
    if stream is not None and isinstance(id_, str) and stream.name not in _READ_EVERY_TIME:
        made_at = thing.get(stream.made_at)
        gone = type_ == stream.deletion
        yield Change(stream.name, id_, at, made_at if isinstance(made_at, int) else None, gone=gone)
    for also in ALSO_FROM.get(kind, ()):
        other = thing.get(also.field)
        if isinstance(other, str):
            yield Change(also.stream, other, at)


def _told_by_fields(before: dict[str, Any], at: int, thing: dict[str, Any]) -> Iterator[Change]:
    id_ = thing.get("id")
    for (kind, field), stream in ALSO_WHEN.items():
        if field in before and kind == thing.get("object") and isinstance(id_, str):
            yield Change(stream, id_, at)


def _id(reference: Any) -> str | None:
    return reference.get("id") if isinstance(reference, dict) else reference


_READ_EVERY_TIME = {
    name for name, stream in BY_NAME.items() if name == "events" or stream.changes in (Changes.SINGLE, Changes.RELIST)
}
