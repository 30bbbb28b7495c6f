"""Commits what was read together with how far it was read: one DuckDB transaction for every few pages.

Reading goes on meanwhile, as far as a bounded queue allows. Knows the order of things in a transaction; reads nothing
from the API and decides nothing about what to read.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple, TypeVar

import duckdb
import msgspec
import polars as pl

from pipelines.extract import audit, cursors
from pipelines.extract.audit import Oddity, Sweep
from pipelines.extract.catalogue import BY_NAME, Stream
from pipelines.extract.changes import Change, changes
from pipelines.extract.windows import Position, Window, replaced
from pipelines.warehouse import clocks, raw
from pipelines.warehouse.clocks import LeftOut

ROWS_HELD = 8_000
"""Rows that are waiting at most; then the stream with the most of them is committed: few large writes are cheaper."""
QUEUED_BATCHES = 20
SECONDS_PER_COMMIT = 2.0
PAUSE_SECONDS = 0.005

Result = TypeVar("Result")


class Row(NamedTuple):
    """A version of an object, as `raw.SCHEMA` has it; without a payload it is a deletion."""

    id: str
    version_hash: str
    changed_at: datetime | None
    seen_at: datetime
    seen_by: str
    deleted: bool
    payload: str | None


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


@dataclass
class Writer:
    """Takes batches in order and commits them in groups. `run` must be running while batches are put.

    Whoever holds the `turn` has the connection to itself: accounts that are read side by side share it.

    Unless `test_clocks`, what lives on a test clock is only noted. `written` counts new versions by stream; `swept`
    says what lists showed that were read again to the end; `left_out` is (stream, id) of what was only noted.
    """

    connection: duckdb.DuckDBPyConnection
    account_id: str
    api_version: str
    positions: dict[str, Position]
    turn: asyncio.Lock
    test_clocks: bool = False
    written: Counter[str] = field(default_factory=Counter)
    swept: dict[str, Sweep] = field(default_factory=dict)
    left_out: set[tuple[str, str]] = field(default_factory=set)
    _hurried: int = 0
    _flush_at: float = 0.0
    _queue: "asyncio.Queue[Batch]" = field(default_factory=lambda: asyncio.Queue(QUEUED_BATCHES))

    async def put(self, batch: Batch) -> None:
        """Hand over a batch; waits while the queue is full."""
        await self._queue.put(batch)

    async def settle(self) -> None:
        """Have all that was put committed at once, and wait for it."""
        self._hurried += 1
        try:
            await self._queue.join()
        finally:
            self._hurried -= 1

    async def ask(self, question: Callable[[duckdb.DuckDBPyConnection], Result]) -> Result:
        """Run a question on the connection once all that was put is committed; nothing may be put meanwhile."""
        await self.settle()
        return await self.peek(question)

    async def peek(self, question: Callable[[duckdb.DuckDBPyConnection], Result]) -> Result:
        """Run a question on the connection as of what is committed by now."""
        async with self.turn:
            return await asyncio.to_thread(question, self.connection)

    async def run(self) -> None:
        """Commit until cancelled."""
        waiting: dict[str, list[Batch]] = defaultdict(list)
        while True:
            group = await self._gathered(waiting)
            await asyncio.shield(self._committed(group))
            for _ in group:
                self._queue.task_done()

    async def _committed(self, group: Sequence[Batch]) -> None:
        async with self.turn:
            await asyncio.to_thread(self.commit, group)

    async def _gathered(self, waiting: dict[str, list[Batch]]) -> list[Batch]:
        """The next batches to commit: all that wait where someone waits for them or one has waited long enough, else
        of one stream."""
        loop = asyncio.get_running_loop()
        if not any(waiting.values()):
            self._hold(waiting, await self._queue.get())
            self._flush_at = loop.time() + SECONDS_PER_COMMIT
        while True:
            while not self._queue.empty():
                self._hold(waiting, self._queue.get_nowait())
                if sum(_rows(batches) for batches in waiting.values()) >= ROWS_HELD:
                    return waiting.pop(max(waiting, key=lambda name: _rows(waiting[name])))
            if self._hurried or loop.time() >= self._flush_at:
                everything = [batch for batches in waiting.values() for batch in batches]
                waiting.clear()
                return everything
            await asyncio.sleep(PAUSE_SECONDS)

    def _hold(self, waiting: dict[str, list[Batch]], batch: Batch) -> None:
        waiting[batch.stream.name].append(batch)

    def commit(self, group: Sequence[Batch]) -> None:
        """Write a group of batches in one transaction."""
        self.connection.begin()
        try:
            positions = dict(self.positions)
            self._write(group, positions)
            moved = {name: position for name, position in positions.items() if position != self.positions.get(name)}
            cursors.keep(self.connection, self.account_id, moved, group[-1].at)
            self.connection.commit()
        except BaseException:
            with suppress(duckdb.TransactionException):  # a commit that failed has ended the transaction already
                self.connection.rollback()
            raise
        self.positions = positions

    def _write(self, group: Sequence[Batch], positions: dict[str, Position]) -> None:
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
            told = self._told_by_events(new, others, positions.get(name)) if name == "events" else []
            written = self._append(stream, new, all_new=True) + self._append(stream, others)
            self.written[name] += written
            self._note_pending(stream, batches, told)
            self._note_oddities(stream, batches)
            if name in positions:
                positions[name] = self._moved(stream, positions[name], batches)

    def _append(self, stream: Stream, rows: Sequence[Row], *, all_new: bool = False) -> int:
        if not rows:
            return 0
        gone = [row.id for row in rows if row.payload is None]
        known = raw.newest_payloads(self.connection, stream.name, self.account_id, gone) if gone else {}
        whole = (
            row if row.payload is not None else row._replace(payload=known.get(row.id, _stub(stream, row.id)))
            for row in rows
        )
        columns = zip(*whole, strict=True)
        frame = pl.DataFrame(dict(zip(Row._fields, map(list, columns), strict=True)), schema=raw.SCHEMA)
        return raw.append(self.connection, stream.name, self.account_id, self.api_version, frame, all_new=all_new)

    def _told_by_events(self, new: Sequence[Row], others: Sequence[Row], position: Position | None) -> list[Change]:
        if position is None:
            return []
        unseen = cursors.unseen(self.connection, "events", self.account_id, [row.id for row in others])
        rows = [*new, *(row for row in others if row.id in unseen)]
        payloads = (row.payload.encode() for row in rows if row.payload is not None)
        return [
            change for change in changes(payloads) if change.gone or (change.changed_at or 0) >= position.tracked_from
        ]

    def _note_pending(self, stream: Stream, batches: Iterable[Batch], told: Sequence[Change]) -> None:
        resolved = [id_ for batch in batches for id_ in batch.resolved]
        if resolved:
            cursors.forget(self.connection, self.account_id, stream.name, resolved)
        if stream.changes_by_itself:
            read = [row.id for batch in batches for row in batch.rows]
            cursors.forget_due(self.connection, self.account_id, stream.name, read)
        found = [*told, *(each for batch in batches for each in batch.found)]
        cursors.remember(self.connection, self.account_id, self._kept(found))

    def _kept(self, found: Sequence[Change]) -> Sequence[Change]:
        """Those that are to be read; what lives on a test clock is left out, where that is so."""
        if self.test_clocks:
            return found
        left = [entry for each in found for entry in _left_out(each)]
        clocks.leave_out(self.connection, self.account_id, left)
        self.left_out.update((each.stream, each.id) for each in left)
        return [each for each in found if not each.test_clock]

    def _note_oddities(self, stream: Stream, batches: Sequence[Batch]) -> None:
        read = [id_ for batch in batches for id_ in (*(row.id for row in batch.rows), *batch.resolved)]
        odd = [oddity for batch in batches for oddity in batch.oddities]
        if read or odd:
            audit.remember(self.connection, self.account_id, stream.name, batches[-1].at, read, odd)

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


def _rows(batches: Sequence[Batch]) -> int:
    return sum(len(batch.rows) for batch in batches)


def _stub(stream: Stream, id_: str) -> str:
    return msgspec.json.encode({"id": id_, "object": stream.kind, "deleted": True}).decode()
