"""Changes of the configuration, on record: which settings are others than the last time, and never what they are.

Settings are known by keyed digests alone, so that not even a short secret can be found out from the trail.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from billing.canonical import Json
from billing.consistency import latest
from billing.store import Store

EVENT = "settings_changed"
MOST_PLACES = 50
"""Entries that are looked through for the last one of a place."""


@dataclass(frozen=True)
class Configuration:
    """What the settings are: name to keyed digest, of those that are set. `place` tells working folders apart."""

    place: str
    digests: Mapping[str, str]


def noted(store: Store, found: Configuration, *, by: str, at: datetime) -> tuple[str, ...]:
    """Put on record which settings changed since the last time, and by which login it was noticed; their names.

    The first time nothing has changed, and what there is goes on record.
    """
    with store.reading() as connection:
        before = _before(connection, found.place)
    if before == dict(found.digests):
        return ()
    with store.writing() as transaction:
        before = _before(transaction.connection, found.place)
        names = () if before is None else _changed(before, found.digests)
        if before is not None and not names:
            return ()
        body: dict[str, Json] = {"place": found.place, "changed": list(names), "digests": dict(found.digests)}
        transaction.record(EVENT, at=at, actor=by, action_id=None, body=body)
    return names


def _before(connection: sa.Connection, place: str) -> dict[str, str] | None:
    bodies = (json.loads(entry.body) for entry in latest(connection, MOST_PLACES, events=(EVENT,)))
    return next((dict(body["digests"]) for body in bodies if body["place"] == place), None)


def _changed(before: Mapping[str, str], now: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(sorted(name for name in {*before, *now} if before.get(name) != now.get(name)))
