"""Reads accounts into the raw tables: everything the first time, afterwards what changed; or a window again.

The entries, to sync and to resync one account or several, take one path; several accounts take it side by side. Nothing
here prints, and nothing reads the environment.
"""

import asyncio
import re
import sys
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Protocol

import duckdb
import msgspec

from pipelines.extract import audit, cursors, holders
from pipelines.extract.account import ACCOUNT_ID, DEFAULT_LABEL, NO_CLOCKS_LIVE, Account
from pipelines.extract.catalogue import BY_NAME, CATALOGUE, Changes, Stream
from pipelines.extract.catchup import cheapest
from pipelines.extract.changes import Change
from pipelines.extract.client import PINNED_VERSION, Answer, Client
from pipelines.extract.coverage import STRIPE_OPENED, Coverage
from pipelines.extract.cursors import NO_CLOCKS, Clocks
from pipelines.extract.economy import economical
from pipelines.extract.errors import AccountMismatch, ExtractError, KeyRefused, PermissionMissing, RequestRefused
from pipelines.extract.plan import by_parent, planned, relisted
from pipelines.extract.reading import Reader, gone, instant
from pipelines.extract.shapes import Head
from pipelines.extract.weights import Weights
from pipelines.extract.windows import Position, whole
from pipelines.extract.writer import Batch, Writer
from pipelines.warehouse.clocks import CLOCKS, customers_on

SECONDS_A_DAY = 86_400
Ask = Callable[[Callable[[duckdb.DuckDBPyConnection], list[cursors.Pending]]], Awaitable[list[cursors.Pending]]]
Noticed = Mapping[str, Sequence[Change]]
"""What Stripe told by itself, by the account's id."""
ACCOUNTS_AT_ONCE = 4
"""So many accounts are read at once; more would need memory and hardly be faster."""

FEW = 40
"""For up to so many older objects that changed nobody looks whether they lie close together in their list."""
ALONGSIDE_SECONDS = 0.5
"""So often it is looked what lists have mentioned while they are read."""


class Progress(Protocol):
    """Told after every answer, and once when a stream is done: running totals of this run, and which share is read.

    Streams of another account than the default one are named after it: `europe charges`.
    """

    def __call__(self, stream: str, objects: int, requests: int, *, share: float, done: bool) -> None: ...


@dataclass
class StreamReport:
    """What a run did with one stream. `skipped` says why it was not read."""

    objects: int = 0
    requests: int = 0
    rows_written: int = 0
    skipped: str | None = None


@dataclass
class SyncReport:
    """What a run did. `as_of` is the instant up to which the warehouse now knows the account, by Stripe's clock."""

    account_id: str
    livemode: bool
    first_load: bool
    as_of: datetime
    streams: dict[str, StreamReport] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    repeats: int = 0
    refusals: int = 0

    @property
    def objects_read(self) -> int:
        return sum(each.objects for each in self.streams.values())

    @property
    def requests_made(self) -> int:
        return sum(each.requests for each in self.streams.values())

    @property
    def rows_written(self) -> int:
        return sum(each.rows_written for each in self.streams.values())

    @property
    def skipped(self) -> dict[str, str]:
        """Streams the key may not read, with Stripe's words."""
        return {name: each.skipped for name, each in self.streams.items() if each.skipped}

    @property
    def detail(self) -> str | None:
        """Remarks and skipped streams as one text, for the record of runs."""
        words = [*self.remarks, *(f"{name} was skipped: {why}" for name, why in self.skipped.items())]
        return " ".join(words) or None


class StreamsFailed(ExtractError):  # noqa: N818
    """Something could not be read; all else was, and everything read is committed: `reports` says what."""

    def __init__(self, message: str, reports: Sequence[SyncReport]) -> None:
        super().__init__(message)
        self.reports = reports


def sync(
    connection: duckdb.DuckDBPyConnection,
    account: Account,
    *,
    full: bool = False,
    sweep_days: int = 0,
    noticed: Noticed | None = None,
    progress: Progress | None = None,
) -> SyncReport:
    """`sync_all` for one account."""
    return sync_all(connection, [account], full=full, sweep_days=sweep_days, noticed=noticed, progress=progress)[0]


def sync_all(
    connection: duckdb.DuckDBPyConnection,
    accounts: Sequence[Account],
    *,
    full: bool = False,
    sweep_days: int = 0,
    noticed: Noticed | None = None,
    progress: Progress | None = None,
) -> list[SyncReport]:
    """Bring the raw tables in step with each account, side by side, and commit as it goes.

    The first time every list is read; afterwards the events since say what to read again. An interrupted run is
    continued. `full` reads every list again and finds what is gone; so does a sync that finds the last such reading
    `sweep_days` ago, where that is not 0. What is `noticed`, by account, is read at once, and the account is then known
    up to it: events are listed only when they are a minute old, since a list may still lack younger ones.

    Raises:
        KeyRefused, AccountMismatch: nothing was read of the only account.
        ApiUnavailable: Stripe could not be reached for it.
        StreamsFailed: some streams, or some of several accounts, could not be read; all else is committed.
    """
    return _ran(
        connection,
        accounts,
        progress,
        lambda run: run.sync(full=full, sweep_after=sweep_days * SECONDS_A_DAY, noticed=noticed or {}),
    )


def resync(
    connection: duckdb.DuckDBPyConnection,
    account: Account,
    since: datetime,
    until: datetime,
    *,
    streams: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> SyncReport:
    """`resync_all` for one account."""
    return resync_all(connection, [account], since, until, streams=streams, progress=progress)[0]


def resync_all(
    connection: duckdb.DuckDBPyConnection,
    accounts: Sequence[Account],
    since: datetime,
    until: datetime,
    *,
    streams: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> list[SyncReport]:
    """Read again each object created in [since, until), in all streams or the named ones. Raises as `sync_all` does."""
    chosen = [BY_NAME[name] for name in streams] if streams is not None else list(CATALOGUE)
    start, end = int(since.timestamp()), int(until.timestamp())
    return _ran(connection, accounts, progress, lambda run: run.resync(chosen, start, end))


def _ran(
    connection: duckdb.DuckDBPyConnection,
    accounts: Sequence[Account],
    progress: Progress | None,
    what: Callable[["_Run"], Coroutine[Any, Any, SyncReport]],
) -> list[SyncReport]:
    with economical(connection) as weights:
        work = _side_by_side(connection, weights, accounts, progress, what)
        if sys.platform == "win32":
            return asyncio.run(work)
        import uvloop

        reports: list[SyncReport] = uvloop.run(work)
        return reports


async def _side_by_side(
    connection: duckdb.DuckDBPyConnection,
    weights: Weights,
    accounts: Sequence[Account],
    progress: Progress | None,
    what: Callable[["_Run"], Coroutine[Any, Any, SyncReport]],
) -> list[SyncReport]:
    """Read the accounts; what one of them lacks does not stop the others."""
    turn, places = threading.Lock(), asyncio.Semaphore(ACCOUNTS_AT_ONCE)

    async def one(account: Account) -> SyncReport | ExtractError:
        async with places:
            try:
                return await what(_Run(connection, account, progress, turn, weights))
            except ExtractError as error:
                return error

    outcomes = await asyncio.gather(*(one(account) for account in accounts))
    reports = [outcome for outcome in outcomes if isinstance(outcome, SyncReport)]
    failures = {account.label: each for account, each in zip(accounts, outcomes, strict=True) if each not in reports}
    if not failures:
        return reports
    errors = [error for error in failures.values() if isinstance(error, ExtractError)]
    if len(accounts) == 1:
        raise errors[0]
    begun = [report for error in errors if isinstance(error, StreamsFailed) for report in error.reports]
    words = " ".join(f"{label}: {error}" for label, error in failures.items())
    raise StreamsFailed(f"{len(failures)} of {len(accounts)} accounts could not be read. {words}", [*reports, *begun])


class _Run:
    """One run over one account."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        account: Account,
        progress: Progress | None,
        turn: threading.Lock,
        weights: Weights,
    ) -> None:
        self._connection = connection
        self._account = account
        self._progress = progress
        self._turn = turn
        self._weights = weights
        self._skipped: dict[str, str] = {}
        self._failed: dict[str, ExtractError] = {}
        self._tried: set[tuple[str, str]] = set()

    async def sync(self, *, full: bool, sweep_after: int, noticed: Noticed) -> SyncReport:
        async with Client(self._account) as client:
            report = await self._opened(client)
            now = int(client.now.timestamp())
            report.first_load = not self._writer.positions
            told = noticed.get(report.account_id, ())
            await self._worked(report, self._follow(report, now, full=full, sweep_after=sweep_after, noticed=told))
            return await self._finished(report, now if report.first_load else _known_until(now, told))

    async def resync(self, streams: Sequence[Stream], start: int, end: int) -> SyncReport:
        async with Client(self._account) as client:
            report = await self._opened(client)
            await self._worked(report, self._reread(streams, start, end))
            return await self._finished(report, None)

    async def _opened(self, client: Client) -> SyncReport:
        """Learn whose key it is, and hold that against what the warehouse holds."""
        self._client = client
        account, balance = await asyncio.gather(self._single("accounts"), self._single("balances"))
        account_id = _account_id(account, self._skipped.get("accounts", ""))
        livemode = self._account.key_is_live
        if balance is not None and (told := _shown(balance).livemode) is not None:
            livemode = told
        self._singles = {"accounts": account, "balances": balance}
        with self._turn:
            cursors.create(self._connection)
            audit.create(self._connection)
            holders.introduce(self._connection, self._account.label, account_id, livemode=livemode)
            positions = cursors.positions(self._connection, account_id)
            odd = audit.odd_streams(self._connection, account_id)
        clocks = self._account.test_clocks and not livemode
        self._writer = Writer(
            self._connection,
            account_id,
            PINNED_VERSION,
            positions,
            odd,
            self._turn,
            self._weights,
            test_clocks=clocks,
        )
        self._reader = Reader(
            client, self._writer, livemode, self._told, self._account.personal, coverage=Coverage(_founded(account))
        )
        self._began = client.now
        return SyncReport(account_id, livemode, first_load=False, as_of=self._began)

    async def _single(self, name: str) -> Answer | None:
        try:
            return await self._client.object(name, BY_NAME[name].path, "", kind=BY_NAME[name].kind)
        except PermissionMissing as error:
            self._skipped[name] = str(error)
            return None

    async def _worked(self, report: SyncReport, work: Coroutine[Any, Any, None]) -> None:
        """Do the work while the writer writes; whatever fails ends both."""
        try:
            async with asyncio.TaskGroup() as group:
                writing = group.create_task(self._writer.run())
                for name, answer in self._singles.items():
                    if answer is not None:
                        stream = BY_NAME[name]
                        await self._alone(stream, self._reader.single(stream, report.account_id, answer))
                await group.create_task(work)
                await self._writer.settle()
                writing.cancel()
        except BaseExceptionGroup as errors:
            raise _first(errors) from None

    async def _follow(
        self, report: SyncReport, now: int, *, full: bool, sweep_after: int, noticed: Sequence[Change]
    ) -> None:
        clocks = await self._test_clocks(now)
        if noticed:  # what comes of it, such as a payment's entry in the balance, may be as young
            await self._writer.put(Batch(BY_NAME["events"], self._client.now, found=noticed))
            clocks = replace(clocks, latest=max(clocks.latest, now))
        held = await self._writer.ask(lambda connection: cursors.held(connection, report.account_id))
        positions, remarks = planned(
            self._writer.positions, held, now, full=full, sweep_after=sweep_after, clocks=clocks
        )
        report.remarks += remarks
        await self._advance(positions, now)
        blind = "events" in self._skipped and not report.first_load
        if blind and not positions["charges"].sweeping:
            report.remarks.append("The key may not read events, so every list was read again to find what changed.")
            positions, _ = planned(self._writer.positions, held, now, full=True, clocks=clocks)
            await self._advance({name: each for name, each in positions.items() if each.sweeping}, now)
        await self._by_customers_on(clocks, now)
        await self._writer.settle()
        if self._writer.swept:
            await self._writer.put(Batch(BY_NAME["events"], self._client.now, found=await self._holes(report)))
        await self._drain(now)

    async def _test_clocks(self, now: int) -> Clocks:
        """Learn which test clocks there are, where they are read, and take back what was left out of them before.

        Where the key may not list them, nothing that lives on them is read in this run.
        """
        if self._writer.test_clocks:
            await self._advance(relisted(now), now)
            self._writer.test_clocks = CLOCKS not in self._lacking
        if not self._writer.test_clocks:
            return NO_CLOCKS
        account_id = self._writer.account_id
        clocks = await self._writer.ask(lambda connection: cursors.listed_clocks(connection, account_id))
        await self._writer.ask(lambda connection: cursors.take_back(connection, account_id, clocks.ids))
        return clocks

    async def _by_customers_on(self, clocks: Clocks, now: int) -> None:
        """Read the lists that show what customers on test clocks have to who names the customer."""
        account_id = self._writer.account_id
        customers = await self._writer.ask(lambda connection: customers_on(connection, account_id, clocks.ids))
        await self._advance(by_parent("customers", self._writer.positions, customers), now)

    async def _holes(self, report: SyncReport) -> list[Change]:
        """What others refer to and lists did not show, to be read by id."""
        found = await self._writer.look_over(lambda connection: audit.holes(connection, report.account_id))
        if found:
            report.remarks.append(f"{len(found):,} objects that others refer to were not held; they are read by id.")
        return [Change(stream, id_) for stream, id_ in found]

    async def _advance(self, positions: Mapping[str, Position], now: int) -> None:
        for name, position in positions.items():
            if position != self._writer.positions.get(name):
                await self._writer.put(Batch(BY_NAME[name], self._client.now, position=position))
        await self._writer.settle()
        lists = [
            (BY_NAME[name], self._reader.windows(BY_NAME[name], position.remaining, position.seen_by))
            for name, position in positions.items()
            if position.remaining and name not in self._skipped
        ]
        if not lists:
            return
        async with asyncio.TaskGroup() as group:
            reading = group.create_task(self._each(lists))
            for stream in CATALOGUE:
                if stream.mentions_only:
                    group.create_task(self._alongside(stream, reading, now))

    async def _alongside(self, stream: Stream, reading: "asyncio.Task[None]", now: int) -> None:
        """Read what lists mention while they are read: the limit of the stream's endpoint would else go unused.

        What a list of its own may yet show is left until that is read.
        """
        while not reading.done():
            position = self._writer.positions.get(stream.name)
            open_ = [] if position is None or position.remaining else await self._open(stream, now, self._writer.peek)
            if open_ and stream.name not in self._lacking:
                await self._alone(stream, self._catch_up(stream, open_, by_list=False), done=False)
            else:
                await asyncio.wait([reading], timeout=ALONGSIDE_SECONDS)

    async def _reread(self, streams: Sequence[Stream], start: int, end: int) -> None:
        listed = [stream for stream in streams if stream.created and stream.is_listed]
        await self._each(
            [
                (stream, self._reader.windows(stream, whole(len(stream.listings), start, end), "resync"))
                for stream in listed
            ]
        )
        await self._drain(int(self._client.now.timestamp()))

    async def _drain(self, now: int) -> None:
        """Read what events, mentions and due days said, until nothing new comes up."""
        for round_ in range(len(CATALOGUE)):
            work = []
            for stream in CATALOGUE:
                if stream.name not in self._lacking:
                    open_ = await self._open(stream, now, self._writer.ask)
                    if open_:
                        work.append((stream, self._catch_up(stream, open_, by_list=round_ == 0)))
            if not work:
                return
            await self._each(work)
            await self._note_followers()

    async def _note_followers(self) -> None:
        """Note for reading what changed without an event together with what this run has read again."""
        now, since = self._client.now, self._began
        for stream in CATALOGUE:
            if stream.follows is not None:
                ids = await self._writer.look_over(
                    lambda c, s=stream: cursors.following(c, self._writer.account_id, s, s.follows, since)  # type: ignore[misc]
                )
                if ids:
                    found = [Change(stream.name, each, int(now.timestamp())) for each in ids]
                    await self._writer.put(Batch(stream, now, found=found))

    @property
    def _lacking(self) -> set[str]:
        """Streams that may not or can't be read in this run."""
        return {*self._skipped, *self._failed}

    async def _open(self, stream: Stream, now: int, asked: Ask) -> list[cursors.Pending]:
        """What is to be read of a stream and was not tried yet in this run."""
        open_ = await asked(lambda connection: cursors.pending(connection, self._writer.account_id, stream, now))
        return [each for each in open_ if (stream.name, each.id) not in self._tried]

    async def _catch_up(self, stream: Stream, open_: Sequence[cursors.Pending], *, by_list: bool) -> None:
        deleted = [each for each in open_ if each.gone]
        if deleted:
            now = self._client.now
            rows = [gone(each.id, instant(each.changed_at), now) for each in deleted]
            await self._writer.put(Batch(stream, now, rows, resolved=[each.id for each in deleted]))
        alive = {each.id: instant(each.changed_at) for each in open_ if not each.gone}
        if stream.changes is Changes.UNDER:
            self._tried.update((stream.name, id_) for id_ in alive)
            await self._reader.under_parents(stream, alive)
            return
        if by_list and stream.created:
            met = await self._read_by_list(stream, [each for each in open_ if not each.gone], alive)
            alive = {id_: at for id_, at in alive.items() if id_ not in met}
        self._tried.update((stream.name, id_) for id_ in alive)
        await self._reader.objects_by_id(stream, alive)

    async def _read_by_list(
        self, stream: Stream, open_: Sequence[cursors.Pending], changed_at: Mapping[str, datetime | None]
    ) -> set[str]:
        """Read those that cost fewer requests by list than one by one; returns the ids that were met."""
        made_at = {each.id: each.made_at for each in open_ if each.made_at is not None}
        young = {each.id for each in open_ if _is_young(each)}
        held_before: dict[str, int] = {}
        if len(made_at) - len(young) > FEW:
            account_id = self._writer.account_id
            held_before = await self._writer.peek(lambda c: cursors.held_before(c, account_id, stream, made_at))
        else:
            made_at = {id_: at for id_, at in made_at.items() if id_ in young}
        way = cheapest(made_at, held_before, len(stream.listings))
        listed = {id_: changed_at[id_] for id_ in made_at.keys() - set(way.ids)}
        windows = [window for start, end in way.ranges for window in whole(len(stream.listings), start, end)]
        return await self._reader.windows(stream, windows, "event", listed) if windows else set()

    async def _each(self, work: Sequence[tuple[Stream, Coroutine[Any, Any, Any]]]) -> None:
        """Do the streams' work side by side; what one stream lacks does not stop the others."""
        async with asyncio.TaskGroup() as group:
            for stream, task in work:
                group.create_task(self._alone(stream, task))

    async def _alone(self, stream: Stream, work: Coroutine[Any, Any, Any], *, done: bool = True) -> None:
        try:
            await work
        except* PermissionMissing as errors:
            self._skipped[stream.name] = str(_first(errors))
        except* (KeyRefused, AccountMismatch):
            raise
        except* ExtractError as errors:
            error = _first(errors)
            assert isinstance(error, ExtractError)  # noqa: S101
            if stream.optional and isinstance(error, RequestRefused):
                self._skipped[stream.name] = str(error)
            else:
                self._failed[stream.name] = error
        except* RecursionError:
            words = f"{stream.path} answered with an object that nests too deeply to be read."
            self._failed[stream.name] = RequestRefused(words)
        self._told(stream, done=done)

    def _told(self, stream: Stream, *, done: bool = False) -> None:
        if self._progress:
            name = stream.name
            share = 1.0 if done else self._reader.coverage.share(name)
            label = self._account.label
            title = name if label == DEFAULT_LABEL else f"{label} {name}"
            self._progress(title, self._reader.objects[name], self._client.requests[name], share=share, done=done)

    async def _finished(self, report: SyncReport, as_of: int | None) -> SyncReport:
        for stream in CATALOGUE:
            name = stream.name
            report.streams[name] = StreamReport(
                self._reader.objects[name],
                self._client.requests[name],
                self._writer.written[name],
                self._skipped.get(name),
            )
        report.repeats, report.refusals = self._client.repeats, self._client.refusals
        report.remarks += _about_clocks(self._account, report.livemode, self._writer.left_out)
        swept = self._writer.swept
        if swept:
            unlisted = sum(len(sweep.unlisted) for sweep in swept.values())
            missed = await self._writer.look_over(
                lambda connection: audit.untold(connection, report.account_id, list(swept), report.as_of)
            )
            report.remarks.append(
                f"Read {len(swept)} streams again to the end: {missed:,} versions that no event told of, "
                f"{unlisted:,} objects that no list shows."
            )
        report.remarks += [
            f"{name}: {each.times:,} requests had to be repeated, the last after {each.cause}."
            for name, each in sorted(self._client.troubles.items())
        ]
        report.remarks += sorted(f"{odd.stream}: {odd.words} ({n} times)." for odd, n in self._reader.oddities.items())
        with self._turn:
            audit.note(self._connection, report.account_id, self._client.now, swept)
        if self._failed:
            words = "; ".join(f"{name}: {error}" for name, error in self._failed.items())
            raise StreamsFailed(
                f"Not all streams could be read. {words} Everything else is stored; run again to go on.", [report]
            )
        in_step = [name for name in BY_NAME if name not in self._skipped]
        with self._turn:
            report.as_of = holders.in_step(self._connection, report.account_id, as_of, in_step) or report.as_of
        return report


def _about_clocks(account: Account, livemode: bool, left_out: Collection[tuple[str, str]]) -> Iterator[str]:
    if account.test_clocks and livemode:
        yield NO_CLOCKS_LIVE
    if left_out:
        by_stream = Counter(stream for stream, _ in sorted(left_out))
        words = ", ".join(f"{count:,} {stream}" for stream, count in by_stream.items())
        advice = "" if account.test_clocks else " REVENUE_TEST_CLOCKS=true reads it."
        yield f"Left out what lives on test clocks: {words}.{advice}"


def _known_until(now: int, noticed: Sequence[Change]) -> int:
    """The instant up to which the account is known: when events are settled, or later what was noticed."""
    youngest = max((change.changed_at or 0 for change in noticed), default=0)
    return max(now - cursors.SETTLED_SECONDS, min(now, youngest))


def _is_young(each: cursors.Pending) -> bool:
    """Whether it is new, so that its list shows it among others that are new; or changed on its day, as they did."""
    if each.made_at is None:
        return False
    return each.due or (
        not each.known and each.first_changed_at is not None and each.first_changed_at - each.made_at <= 600
    )


def _founded(account: Answer | None) -> int:
    """The instant of the account's creation, where Stripe tells it."""
    told = _shown(account).created if account is not None else None
    return STRIPE_OPENED if told is None else told


def _account_id(account: Answer | None, refusal: str) -> str:
    if account is not None:
        shown = _shown(account)
        if ACCOUNT_ID.fullmatch(shown.id):
            return shown.id
        raise RequestRefused(
            f"{BY_NAME['accounts'].path} answered with no account: something other than Stripe answers. "
            "Check STRIPE_API_BASE."
        )
    named = re.search(r"\bacct_\w+", refusal)
    if named is None:
        raise PermissionMissing(f"The key may not read its own account, which is needed: {refusal}")
    return named.group()


def _shown(answer: Answer) -> Head:
    """What an answer shows of itself: nothing, where its fields are of other types than they should be."""
    try:
        return msgspec.json.decode(answer.body, type=Head)
    except msgspec.ValidationError:
        return Head()


def _first(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first plain error inside nested groups."""
    error: BaseException = errors
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
