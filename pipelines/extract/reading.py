"""Reads streams: windows of lists side by side, or objects by id; what it reads goes to the writer page by page.

Knows how a page becomes rows. Which windows and ids to read is decided elsewhere.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import msgspec

from pipelines.extract import characters, named, nested, scrub
from pipelines.extract.audit import Oddity
from pipelines.extract.catalogue import BY_NAME, Nested, Stream
from pipelines.extract.changes import Change
from pipelines.extract.client import Answer, Client, Page
from pipelines.extract.coverage import Coverage
from pipelines.extract.errors import AccountMismatch, NotFound, RequestRefused
from pipelines.extract.fingerprints import DELETED, fingerprint
from pipelines.extract.personal import KEPT, Personal
from pipelines.extract.shapes import Head, Named
from pipelines.extract.windows import Window, below, restarted, split
from pipelines.extract.writer import Batch, Row, Writer
from pipelines.warehouse import raw

PAGE_SIZE = "100"
WINDOWS_AT_ONCE = 12
"""Windows of one stream that are read side by side."""
PAGES_AT_ONCE = 32
"""Pages of all streams that are asked for, made whole or handed over at a time: what bounds memory."""
MENTIONS_REMEMBERED = 100_000
"""Mentions that are noted once a run; forgetting some only notes them again."""
OBJECTS_AT_ONCE = 32
PAGES_BEFORE_SPLIT = 2
"""Pages of a stream that are read before its windows are cut: one says too little of how dense they are."""
RESTARTS = 5
REPLACED = "characters that are no Unicode were replaced by U+FFFD"

Told = Callable[[Stream], None]


@dataclass
class Reader:
    """Reads one account. `told` is called after each answer, with the stream it was for; `personal` says what becomes
    of personal data."""

    client: Client
    writer: Writer
    livemode: bool
    told: Told
    personal: Personal = KEPT
    objects: Counter[str] = field(default_factory=Counter)
    oddities: Counter[Oddity] = field(default_factory=Counter)
    coverage: Coverage = field(default_factory=Coverage)
    _mentioned: set[tuple[str, str]] = field(default_factory=set)
    pages: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(PAGES_AT_ONCE))

    async def windows(
        self,
        stream: Stream,
        windows: Sequence[Window],
        seen_by: str,
        changed: Mapping[str, datetime | None] | None = None,
    ) -> set[str]:
        """Read windows of a stream's lists, side by side; `changed` says when events say an object changed.

        Returns the ids of `changed` that the lists showed.
        """
        reading = _Windows(self, stream, seen_by, changed or {})
        self.coverage.ask(stream.name, windows)
        async with asyncio.TaskGroup() as group:
            for window in windows:
                reading.start(group, window)
        return reading.met

    async def objects_by_id(self, stream: Stream, ids: Mapping[str, datetime | None]) -> None:
        """Read objects again by id, each once; what is gone is marked deleted."""

        async def one(id_: str, changed_at: datetime | None) -> None:
            batch = await self._object(stream, id_, changed_at)
            self.told(stream)
            await self.writer.put(batch)

        await _few_at_once(one, ids)

    async def under_parents(self, stream: Stream, parents: Mapping[str, datetime | None]) -> None:
        """Read the whole list under each parent, each once; a parent that is gone has none."""

        async def one(parent: str, changed_at: datetime | None) -> None:
            await self.writer.put(await self._under(stream, parent, changed_at))
            self.told(stream)

        await _few_at_once(one, parents)

    async def _under(self, stream: Stream, parent: str, changed_at: datetime | None) -> Batch:
        path, parameters = stream.under(parent)
        odd: list[Oddity] = []
        try:
            payloads = await self._list_all(stream, stream.path, path, parameters, odd)
        except NotFound:
            return Batch(stream, self.client.now, resolved=[parent])
        read = await self.read(stream, Page(payloads, has_more=False, at=self.client.now), "list", {})
        odd = [replace(oddity, id=parent) for oddity in (*odd, *read.oddities)]
        parts = parent.split("/")
        rows = [
            row._replace(id=stream.held_as.format(parent=parts, head=head), changed_at=changed_at)
            for row, head in zip(read.rows, read.heads, strict=True)
        ]
        newest = max(read.made_at, default=0)
        return Batch(stream, self.client.now, rows, resolved=[parent], found=read.found, oddities=odd, newest=newest)

    async def single(self, stream: Stream, id_: str, answer: Answer) -> None:
        """Store what an account has one of, under the account's id."""
        (payload,) = self._cleaned([answer.body])
        row = Row(id_, fingerprint(stream, payload), None, answer.at, "list", False, payload)
        self.objects[stream.name] += 1
        self.told(stream)
        await self.writer.put(Batch(stream, answer.at, [row], newest=int(answer.at.timestamp())))

    async def page(self, stream: Stream, window: Window) -> Page:
        """The next page of a window.

        Raises:
            RequestRefused: the server ignores the `created` filter.
        """
        parameters = [("limit", PAGE_SIZE), *stream.listings[window.listing].items(), *stream.listed_expand]
        if window.parent and stream.hidden:
            parameters.append((stream.hidden.by, window.parent))
        elif stream.created:
            parameters += [("created[gte]", str(window.start)), ("created[lt]", str(window.end))]
        if window.after:
            parameters.append(("starting_after", window.after))
        return await self.client.page(stream.name, stream.path, parameters)

    async def read(self, stream: Stream, page: Page, seen_by: str, changed: Mapping[str, datetime | None]) -> "_Read":
        """Make a page's objects whole and clean, and see what they mention."""
        result = _Read()
        whole = await self._completed(stream, self._cleaned(page.objects), result.oddities)
        for payload in await self._all_shown(stream, whole, result.oddities):
            head = self._head(stream, payload, result.oddities)
            if not head.id:
                result.oddities.append(Oddity(stream.name, "an object without id was left out", left_out=True))
                continue
            if page.mended and characters.has_replacement(payload):
                result.oddities.append(Oddity(stream.name, REPLACED, id=head.id))
            _refuse_other_kind(stream, head)
            self._refuse_other_mode(stream, head)
            result.last = head.id
            made_at = head.made_at()
            if made_at is not None:
                result.made_at.append(made_at)
            clock = head.clock()
            if clock and not self.writer.test_clocks:
                at = int(page.at.timestamp())
                result.found.append(Change(stream.name, head.id, at, test_clock=clock, owner=head.owner()))
                continue
            result.heads.append(head)
            version = fingerprint(stream, payload)
            result.rows.append(Row(head.id, version, changed.get(head.id), page.at, seen_by, head.deleted, payload))
            result.found.extend(self._mentions(head, everything=seen_by == "event"))
            due = head.due_at()
            if due is not None:
                result.found.append(Change(stream.name, head.id, made_at=made_at, due_at=due))
        self.objects[stream.name] += len(result.rows)
        self.oddities.update(result.oddities)
        return result

    async def _object(self, stream: Stream, id_: str, changed_at: datetime | None) -> Batch:
        try:
            answer = await self.client.object(stream.name, stream.path, id_, stream.single_expand, kind=stream.kind)
        except NotFound:
            return Batch(stream, self.client.now, [gone(id_, changed_at, self.client.now)], resolved=[id_])
        page = Page([answer.body], has_more=False, at=answer.at, mended=answer.mended)
        read = await self.read(stream, page, "event", {id_: changed_at})
        if not read.last:
            return Batch(stream, answer.at, oddities=[replace(odd, id=id_) for odd in read.oddities])
        if read.last != id_:
            other = Oddity(stream.name, "another object was answered than the one asked for", left_out=True, id=id_)
            self.oddities[other] += 1
            return Batch(stream, answer.at, oddities=[other])
        if any(row.deleted for row in read.rows):
            return Batch(stream, answer.at, [gone(id_, changed_at, answer.at)], resolved=[id_])
        newest = max(read.made_at, default=0)
        return Batch(stream, answer.at, read.rows, None, (), [id_], read.found, read.oddities, newest)

    async def _completed(self, stream: Stream, payloads: Sequence[bytes], odd: list[Oddity]) -> Sequence[bytes]:
        cut = {place for place, payload in enumerate(payloads) if nested.cut(stream, payload)}
        if not cut:
            return payloads

        async def list_all(inner: Nested, path: str, parameters: Sequence[tuple[str, str]]) -> Sequence[bytes]:
            return await self._list_all(stream, inner.path, path, parameters, odd)

        async def complete(payload: bytes) -> bytes | None:
            id_ = _bare_head(payload).id
            try:
                return await nested.whole(stream, id_, payload, list_all) if id_ else payload
            except NotFound:
                return None  # deleted since its page was read: an event says so

        whole = dict(zip(cut, await asyncio.gather(*(complete(payloads[place]) for place in cut)), strict=True))
        completed = (whole.get(place, payload) for place, payload in enumerate(payloads))
        return [payload for payload in completed if payload is not None]

    async def _all_shown(self, stream: Stream, payloads: Sequence[bytes], odd: list[Oddity]) -> Sequence[bytes]:
        """The objects with what is shown only where it is named: each that came without is read again by id."""
        lacking = {place: paths for place, each in enumerate(payloads) if (paths := named.lacking(stream, each))}
        if not lacking:
            return payloads
        again = (self._shown(stream, payloads[place], paths, odd) for place, paths in lacking.items())
        shown = dict(zip(lacking, await asyncio.gather(*again), strict=True))
        return [shown.get(place, payload) for place, payload in enumerate(payloads)]

    async def _shown(self, stream: Stream, payload: bytes, paths: Sequence[str], odd: list[Oddity]) -> bytes:
        id_ = _bare_head(payload).id
        expand = [*stream.single_expand, *(("expand[]", path) for path in paths)]
        try:
            answer = await self.client.object(stream.name, stream.path, id_, expand, kind=stream.kind)
        except NotFound:
            why = "it was gone when they were asked for"
        except RequestRefused:
            why = "Stripe refuses to show them"
        else:
            (shown,) = self._cleaned([answer.body])
            if answer.mended and characters.has_replacement(shown):
                odd.append(Oddity(stream.name, REPLACED, id=id_))
            if _bare_head(shown).id == id_ and all(named.shows(shown, path) for path in paths):
                return shown
            why = "they were not answered"
        odd.append(Oddity(stream.name, f"{', '.join(paths)} kept as held, if at all: {why}", id=id_))
        return await self._as_held(stream, id_, payload, paths)

    async def _as_held(self, stream: Stream, id_: str, payload: bytes, paths: Sequence[str]) -> bytes:
        """The object with what is held of it at the paths, so that no poorer version takes the place of a richer."""
        account_id = self.writer.account_id
        held = await self.writer.peek(lambda c: raw.newest_payloads(c, stream.name, account_id, [id_]))
        return named.filled(payload, held[id_].encode(), paths) if id_ in held else payload

    async def _list_all(
        self, stream: Stream, endpoint: str, path: str, parameters: Sequence[tuple[str, str]], odd: list[Oddity]
    ) -> Sequence[bytes]:
        for _ in range(RESTARTS):
            entries: list[bytes] = []
            after: list[tuple[str, str]] = []
            try:
                while True:
                    asked = [("limit", PAGE_SIZE), *parameters, *after]
                    page = await self.client.page(stream.name, path, asked, endpoint)
                    entries.extend(self._cleaned(page.objects))
                    if page.mended:
                        odd.append(Oddity(stream.name, REPLACED, id=path))
                    if not page.has_more:
                        return entries
                    last = _bare_head(page.objects[-1]).id if page.objects else ""
                    _refuse_no_progress(path, page, last, after[0][1] if after else None)
                    after = [("starting_after", last)]
            except NotFound:
                if not after:
                    raise
        raise RequestRefused(f"{path}: the list changed under every one of {RESTARTS} readings; run again.")

    def _cleaned(self, objects: Sequence[bytes]) -> Sequence[bytes]:
        return self.personal.applied(scrub.clean(objects))

    def _head(self, stream: Stream, payload: bytes, odd: list[Oddity]) -> Head:
        try:
            return msgspec.json.decode(payload, type=stream.head)
        except msgspec.ValidationError as error:
            bare = _bare_head(payload)
            odd.append(Oddity(stream.name, str(error), id=bare.id))
            return bare

    def _refuse_other_mode(self, stream: Stream, head: Head) -> None:
        if head.livemode is not None and head.livemode != self.livemode:
            raise AccountMismatch(
                f"{stream.name} {head.id} is of {_mode(head.livemode)} mode, the key of {_mode(self.livemode)} mode. "
                "One warehouse holds one mode."
            )

    def _mentions(self, head: Head, *, everything: bool) -> Iterable[Change]:
        for stream, id_, due_at, past in head.mentions():
            is_asked_for = not past if everything else BY_NAME[stream].mentions_only
            if len(self._mentioned) > MENTIONS_REMEMBERED:
                self._mentioned.clear()
            if is_asked_for and (stream, id_) not in self._mentioned:
                self._mentioned.add((stream, id_))
                yield Change(stream, id_, due_at=due_at)


async def _few_at_once(
    read: Callable[[str, datetime | None], Coroutine[Any, Any, None]], ids: Mapping[str, datetime | None]
) -> None:
    """Read each; a task is made once there is a place for it, so that a million ids need no more memory than a few."""
    places = asyncio.Semaphore(OBJECTS_AT_ONCE)
    async with asyncio.TaskGroup() as group:
        for id_, changed_at in ids.items():
            await places.acquire()
            group.create_task(read(id_, changed_at)).add_done_callback(lambda _: places.release())


@dataclass
class _Read:
    """`last` is the id of the last object, kept or left out."""

    last: str = ""
    rows: list[Row] = field(default_factory=list)
    heads: list[Head] = field(default_factory=list)
    made_at: list[int] = field(default_factory=list)
    found: list[Change] = field(default_factory=list)
    oddities: list[Oddity] = field(default_factory=list)


@dataclass
class _Progress:
    """How far a window is read: pages, and the creation of the newest and the oldest object of them."""

    end: int
    pages: int = 0
    newest: int = 0
    oldest: int = 0

    def __post_init__(self) -> None:
        self.oldest = self.end

    def note(self, made_at: Sequence[int]) -> int:
        """A page was read; returns how many seconds of creation it covers."""
        covered_from = self.oldest if self.pages else max(made_at, default=self.oldest)
        self.pages += 1
        self.newest, self.oldest = max(self.newest, *made_at, 0), min(self.oldest, *made_at, self.end)
        return covered_from - self.oldest

    @property
    def tells_density(self) -> bool:
        """Objects of one and the same second tell nothing of how dense the others lie."""
        return self.oldest < self.newest

    @property
    def seconds_a_page(self) -> float:
        return (self.newest - self.oldest + 1) / self.pages


@dataclass
class _Windows:
    """Windows of one stream that are being read; a long one gives its older part to another reader."""

    reader: Reader
    stream: Stream
    seen_by: str
    changed: Mapping[str, datetime | None]
    met: set[str] = field(default_factory=set)
    pages: int = 0
    seconds: int = 0
    places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(WINDOWS_AT_ONCE))

    def start(self, group: asyncio.TaskGroup, window: Window) -> None:
        group.create_task(self._read(group, window))

    async def _read(self, group: asyncio.TaskGroup, window: Window) -> None:
        async with self.places:
            progress, restarts = _Progress(window.end), 0
            while True:
                async with self.reader.pages:
                    try:
                        page = await self.reader.page(self.stream, window)
                    except NotFound:
                        if window.parent and window.after is None:  # the parent is gone, and all of its list with it
                            await self._put(window, (), self.reader.client.now, _Read())
                            return
                        restarts += 1
                        if window.after is None or restarts > RESTARTS:
                            raise
                        await self._put(window, (restarted(window),), self.reader.client.now, _Read())
                        window = restarted(window)
                        continue
                    left = await self._passed(window, page, progress)
                for older in left[1:]:
                    self.start(group, older)
                if not left:
                    return
                window = left[0]

    async def _passed(self, window: Window, page: Page, progress: "_Progress") -> tuple[Window, ...]:
        """Hand a page over; returns what is left of its window."""
        read = await self.reader.read(self.stream, page, self.seen_by, self.changed)
        self._hold_against_filter(window, read.made_at)
        _refuse_no_progress(self.stream.path, page, read.last, window.after)
        edge = progress.oldest
        self.seconds += progress.note(read.made_at)
        self.pages += 1
        left: tuple[Window, ...] = ()
        if page.has_more:
            left = (below(window, read.last),)
            if self._is_by_creation(window) and progress.tells_density and self.pages >= PAGES_BEFORE_SPLIT:
                left = split(left[0], progress.oldest, self._seconds_a_page(progress), self.reader.coverage.founded)
        self.reader.coverage.move(self.stream.name, edge, progress.oldest if left else window.start)
        await self._put(window, left, page.at, read)
        return left

    def _seconds_a_page(self, progress: "_Progress") -> float:
        """Of this window or of all that was read of the stream, whichever is more: a busy day must not make for many
        short windows."""
        return max(progress.seconds_a_page, self.seconds / self.pages)

    async def _put(self, window: Window, left: tuple[Window, ...], at: datetime, read: _Read) -> None:
        resolved = [row.id for row in read.rows if row.id in self.changed]
        self.met.update(resolved)
        self.reader.told(self.stream)
        newest = max(read.made_at, default=0)
        await self.reader.writer.put(
            Batch(self.stream, at, read.rows, window, left, resolved, read.found, read.oddities, newest)
        )

    def _is_by_creation(self, window: Window) -> bool:
        return self.stream.created and window.parent is None

    def _hold_against_filter(self, window: Window, made_at: Sequence[int]) -> None:
        if self._is_by_creation(window) and any(not window.start <= moment < window.end for moment in made_at):
            raise RequestRefused(
                f"{self.stream.path} answered with objects created outside the asked window "
                f"[{window.start}, {window.end}): the server ignores `created`, so nothing here can be trusted."
            )


def _refuse_other_kind(stream: Stream, head: Head) -> None:
    if head.object and head.object != stream.kind:
        raise RequestRefused(
            f"{stream.path} answered with a {head.object} ({head.id}) where each is a {stream.kind}: something other "
            "than Stripe answers, or its API has changed. Check STRIPE_API_BASE."
        )


def _refuse_no_progress(path: str, page: Page, last: str, after: str | None) -> None:
    """A list that says there is more must show something new, or reading it would never end."""
    if page.has_more and (not last or last == after):
        raise RequestRefused(
            f"{path} says that it has more and shows nothing new after {after or 'its beginning'}: the server does not "
            "page as Stripe does."
        )


def gone(id_: str, changed_at: datetime | None, at: datetime) -> Row:
    """The row that marks an object deleted."""
    return Row(id_, DELETED, changed_at, at, "event", True, None)


def instant(seconds: int | None) -> datetime | None:
    """Epoch seconds as a UTC instant."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _bare_head(payload: bytes) -> Head:
    try:
        return Head(msgspec.json.decode(payload, type=Named).id)
    except msgspec.ValidationError:
        return Head()


def _mode(livemode: bool) -> str:
    return "live" if livemode else "test"
