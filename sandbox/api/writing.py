"""Answers to writes: the parameters checked, the act done on the world's stage, its object shown and expanded.

Knows the writes as values; nothing of HTTP, keys or limits.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from sandbox.api.bodies import Tree
from sandbox.api.expansion import Expander, expansion
from sandbox.api.expansion import Tree as Expansions
from sandbox.clock import World
from sandbox.world.stage import Request
from sandbox.writes import WRITES
from sandbox.writes.parameters import Given, Many, Text, read
from sandbox.writes.write import Write

_EXPAND = Many(Text())


@dataclass(frozen=True)
class Wish:
    """A write with its parameters read: nothing is left that could be wrong with the request itself."""

    write: Write
    ids: tuple[str, ...]
    given: Given
    expansions: Expansions


class Writing:
    """The writes of one world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._expander = Expander(world.store)

    def operations(self) -> dict[tuple[str, str], WriteOperation]:
        """By method and path template; none in a world that does not live."""
        if self._world.stage is None:
            return {}
        return {(write.method, write.path): WriteOperation(write, self) for write in WRITES}

    def wish(self, write: Write, ids: tuple[str, ...], said: Tree) -> Wish:
        """The request understood. Errors: 400 for parameters that are unknown, missing or malformed."""
        rest = dict(said)
        paths = _EXPAND.read("expand", rest.pop("expand")) if "expand" in rest else []
        given = read(write.takes, rest, write.required)
        return Wish(write, ids, given, expansion(paths, write.kind, listed=False) if paths else {})

    def fulfil(self, wish: Wish, request: Request) -> bytes:
        """The act done, and its object's bytes. Errors: ApiError for what cannot be done to the object as it is."""
        account: Any = self._world.stage
        account.request = request
        stage = account.clocks.stage_of((*wish.ids, *_words(wish.given)))
        try:
            shape = wish.write.act(stage, wish.ids, wish.given)
        finally:
            account.request = stage.request = None
        if wish.write.changes:
            stage.show_balance()
        return orjson.dumps(self._expander.expanded(shape, wish.write.kind, wish.expansions))


def _words(given: Any) -> Iterator[str]:
    """Every text in the parameters: ids among them say whom a write is about."""
    if isinstance(given, str):
        yield given
    elif isinstance(given, Mapping | list):
        for each in given.values() if isinstance(given, Mapping) else given:
            yield from _words(each)


@dataclass(frozen=True)
class WriteOperation:
    """One write as the server finds it by its address."""

    write: Write
    writing: Writing

    @property
    def name(self) -> str:
        """As Stripe counts endpoints: `POST /v1/invoices/{id}/pay`."""
        return f"{self.write.method} {self.write.path}"

    @property
    def permission(self) -> str:
        return self.write.permission
