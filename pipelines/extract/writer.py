"""Commits what was read together with how far it was read: one DuckDB transaction for every few pages.

Reading goes on meanwhile, as far as a bounded queue allows. Knows the order of things in a transaction; reads nothing
from the API and decides nothing about what to read.
"""

import asyncio
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import NamedTuple, TypeVar

import duckdb
import msgspec

from pipelines.extract import audit, cursors
from pipelines.extract.audit import Oddity, Sweep
from pipelines.extract.catalogue import BY_NAME, Changes, Stream
from pipelines.extract.changes import Change, changes
from pipelines.extract.weights import Weights, in_more_memory, keep
from pipelines.extract.windows import Position, Window, replaced
from pipelines.warehouse import clocks, raw
from pipelines.warehouse.clocks import LeftOut

BYTES_HELD = 32_000_000
"""What was put and is not committed yet weighs so much at most: what bounds memory."""
BYTES_A_COMMIT = 16_000_000
"""So much that waits is committed together, while as much more is read: few large writes are cheaper."""
ROW_BYTES = 500
"""What a row weighs besides its payload."""
SECONDS_PER_COMMIT = 2.0
"""So long may what few rows bring wait for more."""
LISTED_REMEMBERED = 100_000
"""Parents whose lists were read that are remembered; what is forgotten may be noted again, and read by the next run."""

Result = TypeVar("Result")


class Row(NamedTuple):
    """A version of an object, as `raw.SCHEMA` has it; without a payload it is a deletion."""

    id: str
    version_hash: str
    changed_at: datetime | None
    seen_at: datetime
    seen_by: str
    deleted: bool
    payload: bytes | None


@dataclass(frozen=True)
class Batch:
    """What one answer brought: all of it is committed, or nothing.

    `window` has become `left`. `resolved` are ids that are pending no more, `found` objects that now are, `oddities`
    what was not understood. `position` replaces the stream's position before anything else.
    """

    stream: Stream
    at: datetime
    rows: Sequence[Row] = ()
    window: Window | None = None
    left: tuple[Window, ...] = ()
    resolved: Sequence[str] = ()
    found: Sequence[Change] = ()
    oddities: Sequence[Oddity] = ()
    newest: int = 0
    position: Position | None = None

    @cached_property
    def weight(self) -> int:
        """Roughly the bytes that it takes in memory; one without rows must be held, too."""
        return ROW_BYTES + sum(ROW_BYTES + len(row.payload or b"") for row in self.rows)


@dataclass
class Writer:
    """Takes batches in order and commits them in groups. `run` must be running while batches are put.

    Whoever holds the `turn` has the connection to itself: accounts that are read side by side share it.
    `odd_streams` are those where anything odd is on record. `weights`, shared too, say how much memory writing takes.

    Unless `test_clocks`, what lives on a test clock is only noted. `written` counts new versions by stream; `swept`
    says what lists showed that were read again to the end; `left_out` is (stream, id) of what was only noted.
    """

    connection: duckdb.DuckDBPyConnection
    account_id: str
    api_version: str
    positions: dict[str, Position]
    odd_streams: set[str]
    turn: threading.Lock
    weights: Weights
    test_clocks: bool = False
    written: Counter[str] = field(default_factory=Counter)
    swept: dict[str, Sweep] = field(default_factory=dict)
    left_out: set[tuple[str, str]] = field(default_factory=set)
    _listed: set[tuple[str, str]] = field(default_factory=set)
    _waiting: list[Batch] = field(default_factory=list)
    _held: int = 0
    _hurried: int = 0
    _ended: bool = False
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _room: asyncio.Event = field(default_factory=asyncio.Event)
    _idle: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self._idle.set()

    async def put(self, batch: Batch) -> None:
        """Hand over a batch; waits while too much is held."""
        while self._held >= BYTES_HELD:
            self._room.clear()
            await self._room.wait()
        self._held += batch.weight
        self._idle.clear()
        with self._changed:
            self._waiting.append(batch)
            self._changed.notify()

    async def settle(self) -> None:
        """Have all that was put committed at once, and wait for it."""
        self._hurry(1)
        try:
            await self._idle.wait()
        finally:
            self._hurry(-1)

    def _hurry(self, more: int) -> None:
        with self._changed:
            self._hurried += more
            self._changed.notify()

    async def ask(self, question: Callable[[duckdb.DuckDBPyConnection], Result]) -> Result:
        """Run a question on the connection once all that was put is committed; nothing may be put meanwhile."""
        await self.settle()
        return await self.peek(question)

    async def look_over(self, question: Callable[[duckdb.DuckDBPyConnection], Result]) -> Result:
        """`ask` what is about whole tables and changes nothing: with more memory where it needs more than writing."""
        return await self.ask(lambda connection: in_more_memory(connection, self.weights, question))

    async def peek(self, question: Callable[[duckdb.DuckDBPyConnection], Result]) -> Result:
        """Run a question on the connection as of what is committed by now."""

        def asked() -> Result:
            with self.turn:
                return question(self.connection)

        return await asyncio.to_thread(asked)

    async def run(self) -> None:
        """Commit until cancelled."""
        try:
            await asyncio.to_thread(self._commit_on, asyncio.get_running_loop())
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify()

    def _commit_on(self, loop: asyncio.AbstractEventLoop) -> None:
        """Commit until the end, in a thread of its own: steps of the loop wait for all pages that are being read."""
        while group := self._gathered():
            with self.turn:
                self.commit(group)
            loop.call_soon_threadsafe(self._freed, _weight(group))

    def _gathered(self) -> list[Batch]:
        """What to commit next; nothing at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._ended)
            self._changed.wait_for(
                lambda: self._hurried or self._ended or _weight(self._waiting) >= BYTES_A_COMMIT, SECONDS_PER_COMMIT
            )
            everything = self._hurried or _weight(self._waiting) < BYTES_A_COMMIT
            group = self._waiting if everything else _of_largest_streams(self._waiting, BYTES_A_COMMIT // 2)
            taken = set(map(id, group))
            self._waiting = [batch for batch in self._waiting if id(batch) not in taken]
            return [] if self._ended else group

    def _freed(self, weight: int) -> None:
        self._held -= weight
        self._room.set()
        if not self._held:
            self._idle.set()

    def commit(self, group: Sequence[Batch]) -> None:
        """Write a group of batches in one transaction."""
        self.connection.begin()
        try:
            positions = dict(self.positions)
            found = self._write(group, positions)
            self._make_room(group)
            cursors.remember(self.connection, self.account_id, self._kept(found))
            moved = {name: position for name, position in positions.items() if position != self.positions.get(name)}
            cursors.keep(self.connection, self.account_id, moved, group[-1].at)
            self.connection.commit()
        except BaseException:
            with suppress(duckdb.TransactionException):  # a commit that failed has ended the transaction already
                self.connection.rollback()
            raise
        self.positions = positions

    def _make_room(self, group: Sequence[Batch]) -> None:
        """Give DuckDB the memory that it needs for payloads so large, and note it for later runs."""
        payloads: dict[str, list[int]] = defaultdict(list)
        for batch in group:
            payloads[batch.stream.name] += (len(row.payload or b"") for row in batch.rows)
        grown = [self.weights.grow(name, lengths) for name, lengths in payloads.items()]
        if any(grown):
            keep(self.connection, self.weights.heaviest)
            self.connection.execute(f"set memory_limit = '{self.weights.memory_limit}'")

    def _write(self, group: Sequence[Batch], positions: dict[str, Position]) -> list[Change]:
        """Write rows and what they resolve, and move the positions; returns what is to be read now."""
        found = [each for batch in group for each in batch.found]
        by_stream: dict[str, list[Batch]] = defaultdict(list)
        for batch in group:
            by_stream[batch.stream.name].append(batch)
        for name, batches in by_stream.items():
            stream = BY_NAME[name]
            for batch in batches:
                if batch.position:
                    positions[name] = batch.position
            fresh = name in positions and positions[name].fresh
            new = [row for batch in batches if fresh and batch.window for row in batch.rows]
            others = [row for batch in batches if not (fresh and batch.window) for row in batch.rows]
            if name == "events":
                found += self._told_by_events(new, others, positions.get(name))
            written = self._append(stream, new, all_new=True) + self._append(stream, others)
            self.written[name] += written
            self._forget_pending(stream, batches)
            self._note_oddities(stream, batches)
            if name in positions:
                positions[name] = self._moved(stream, positions[name], batches)
        return found

    def _append(self, stream: Stream, rows: Sequence[Row], *, all_new: bool = False) -> int:
        if not rows:
            return 0
        gone = [row.id for row in rows if row.payload is None]
        known = raw.newest_payloads(self.connection, stream.name, self.account_id, gone) if gone else {}
        whole = (
            row
            if row.payload is not None
            else row._replace(payload=known[row.id].encode() if row.id in known else _stub(stream, row.id))
            for row in rows
        )
        columns = zip(*whole, strict=True)
        frame = raw.versions(dict(zip(Row._fields, map(list, columns), strict=True)))
        return raw.append(self.connection, stream.name, self.account_id, self.api_version, frame, all_new=all_new)

    def _told_by_events(self, new: Sequence[Row], others: Sequence[Row], position: Position | None) -> list[Change]:
        if position is None:
            return []
        unseen = cursors.unseen(self.connection, "events", self.account_id, [row.id for row in others])
        rows = [*new, *(row for row in others if row.id in unseen)]
        payloads = (row.payload for row in rows if row.payload is not None)
        return list(changes(payloads, since=position.tracked_from))

    def _forget_pending(self, stream: Stream, batches: Iterable[Batch]) -> None:
        resolved = [id_ for batch in batches for id_ in batch.resolved]
        if resolved:
            cursors.forget(self.connection, self.account_id, stream.name, resolved)
            if stream.changes is Changes.UNDER:
                self._listed.update((stream.name, id_) for id_ in resolved)
        if stream.changes_by_itself:
            read = [row.id for batch in batches for row in batch.rows]
            cursors.forget_due(self.connection, self.account_id, stream.name, read)

    def _kept(self, found: Sequence[Change]) -> Sequence[Change]:
        """Those that are to be read; what lives on a test clock is left out, where that is so.

        A parent whose list was read in this run is not noted again: what an earlier run has noted is read while lists
        are, and one of them may have yet to mention it.
        """
        if len(self._listed) > LISTED_REMEMBERED:
            self._listed.clear()
        found = [each for each in found if (each.stream, each.id) not in self._listed]
        if self.test_clocks:
            return found
        left = [entry for each in found for entry in _left_out(each)]
        clocks.leave_out(self.connection, self.account_id, left)
        self.left_out.update((each.stream, each.id) for each in left)
        return [each for each in found if not each.test_clock]

    def _note_oddities(self, stream: Stream, batches: Sequence[Batch]) -> None:
        odd = [oddity for batch in batches for oddity in batch.oddities]
        if odd or stream.name in self.odd_streams:
            read = [id_ for batch in batches for id_ in (*(row.id for row in batch.rows), *batch.resolved)]
            audit.remember(self.connection, self.account_id, stream.name, batches[-1].at, read, odd)
            self.odd_streams.add(stream.name)

    def _moved(self, stream: Stream, position: Position, batches: Sequence[Batch]) -> Position:
        for batch in batches:
            if position.sweeping and batch.window:
                cursors.note_swept(self.connection, self.account_id, stream.name, [row.id for row in batch.rows])
            if batch.window:
                position = replaced(position, batch.window, batch.left)
        newest = max(position.newest, *(batch.newest for batch in batches))
        position = msgspec.structs.replace(position, newest=newest)
        now = int(batches[-1].at.timestamp())
        ends = not position.remaining and any(batch.window for batch in batches)
        if ends and (position.sweeping or not position.swept_at):
            position = msgspec.structs.replace(position, swept_at=now)
        if position.sweeping and not position.remaining:
            was_sweep = position.seen_by == "sweep"
            audit.forget(self.connection, self.account_id, stream.name, datetime.fromtimestamp(position.upto - 1, UTC))
            position = msgspec.structs.replace(position, sweeping=False, seen_by="list")
            sweep = self._note_missing(stream, position.parents, now)
            if was_sweep:
                self.swept[stream.name] = sweep
        return position

    def _note_missing(self, stream: Stream, parents: Sequence[str], now: int) -> Sweep:
        listed, held = cursors.shown_by_sweep(self.connection, self.account_id, stream)
        missing = cursors.missing_after_sweep(self.connection, self.account_id, stream, parents)
        cursors.remember(self.connection, self.account_id, (Change(stream.name, id_, now) for id_ in missing))
        if stream.name == clocks.CLOCKS:
            gone_with_them = clocks.present_on(self.connection, self.account_id, missing)
            cursors.remember(self.connection, self.account_id, (Change(*each, now) for each in gone_with_them))
        return Sweep(listed, held, tuple(missing))


def _left_out(change: Change) -> Iterator[LeftOut]:
    """What lives on a test clock, and the customer whose it is, who lives there too."""
    if change.test_clock:
        at = change.changed_at or 0
        yield LeftOut(change.stream, change.id, change.test_clock, at)
        if change.owner:
            yield LeftOut("customers", change.owner, change.test_clock, at)


def _of_largest_streams(batches: Iterable[Batch], enough: int) -> list[Batch]:
    """The batches of as few streams as together weigh enough."""
    by_stream: dict[str, list[Batch]] = defaultdict(list)
    for batch in batches:
        by_stream[batch.stream.name].append(batch)
    chosen: list[Batch] = []
    for of_stream in sorted(by_stream.values(), key=_weight, reverse=True):
        if _weight(chosen) >= enough:
            break
        chosen += of_stream
    return chosen


def _weight(batches: Iterable[Batch]) -> int:
    return sum(batch.weight for batch in batches)


def _stub(stream: Stream, id_: str) -> bytes:
    return msgspec.json.encode({"id": id_, "object": stream.kind, "deleted": True})
