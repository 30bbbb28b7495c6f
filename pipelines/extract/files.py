"""Loads objects that were exported earlier, from files: JSON or NDJSON, plain or gzipped, on the same path as the wire.

A file holds API objects, list pages of them, or both, one a line or as one document. Each goes through the same
scrubbing and into the same raw tables, seen when it was exported; how far a file is loaded commits with its rows. Knows
no network.
"""

import codecs
import gzip
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from typing import IO, cast

import duckdb
import msgspec

from pipelines.errors import SettingsError
from pipelines.extract import characters, cursors, holders, named, nested, scrub
from pipelines.extract.account import ACCOUNT_ID
from pipelines.extract.catalogue import BY_KIND, BY_NAME, Changes, Stream
from pipelines.extract.changes import Change
from pipelines.extract.errors import AccountMismatch, ExtractError
from pipelines.extract.fingerprints import fingerprint
from pipelines.extract.personal import KEPT, Personal
from pipelines.extract.shapes import Head
from pipelines.warehouse import raw

ENDINGS = (".json", ".ndjson", ".jsonl")
OBJECTS_PER_COMMIT = 5_000
EXAMPLES = 5
"""So many unreadable lines are named."""
AHEAD = timedelta(minutes=1)
"""So far clocks may go apart. What is later than that is no instant at which anything was exported."""

Told = Callable[[str, int], None]
"""Told the file's name and how many objects of it are loaded."""


class _Kind(msgspec.Struct):
    object: str = ""


class _Page(msgspec.Struct):
    data: list[msgspec.Raw]


@dataclass(frozen=True)
class Export:
    """What the files are: whose, in which API version, and as of when; each file's own date where that is None.

    `personal` says what becomes of personal data.
    """

    api_version: str
    account_id: str | None = None
    exported_at: datetime | None = None
    personal: Personal = KEPT


@dataclass
class ImportReport:
    """What was loaded: objects by stream, new versions among them, and what could not be."""

    account_id: str
    objects: Counter[str] = field(default_factory=Counter)
    rows_written: int = 0
    files: int = 0
    known_files: int = 0
    unreadable: list[str] = field(default_factory=list)
    mended: list[str] = field(default_factory=list)
    other_kinds: Counter[str] = field(default_factory=Counter)
    cut: Counter[str] = field(default_factory=Counter)

    @property
    def remarks(self) -> list[str]:
        """What a person should know."""
        lines = [f"{count:,} objects of kind {kind} are not used and were left out." for kind, count in self.kinds()]
        lines += [
            f"{count:,} {stream} lack a part that was left out when they were exported; the next sync reads them whole."
            for stream, count in sorted(self.cut.items())
        ]
        if self.known_files:
            lines.append(f"{self.known_files:,} files were loaded before and were left out.")
        if self.mended:
            named = "; ".join(self.mended[:EXAMPLES])
            lines.append(
                f"{len(self.mended):,} documents held characters that are no Unicode, which U+FFFD replaces: {named}"
            )
        if self.unreadable:
            named = "; ".join(self.unreadable[:EXAMPLES])
            lines.append(f"{len(self.unreadable):,} entries could not be read: {named}")
        return lines

    def kinds(self) -> list[tuple[str, int]]:
        return sorted(self.other_kinds.items())


def load(connection: duckdb.DuckDBPyConnection, source: Path, export: Export, told: Told | None = None) -> ImportReport:
    """Load a file, or every JSON and NDJSON file under a folder, in the order of their names.

    A file that was loaded before is left out, by its content; one that was begun goes on. What can't be read is counted
    and named, and stops nothing else. All files are looked through before the first row is written.

    Raises:
        SettingsError: nothing to load, nothing says whose it is or of which mode, or it is dated later than now.
        AccountMismatch: the objects are of both modes, or of the other one than what the warehouse holds.
    """
    cursors.create(connection)
    _create(connection)
    files = _files(source)
    account_id = export.account_id or _account_of(files) or _only_account(connection)
    if account_id is None:
        raise SettingsError(
            "Nothing says which account the files are of. Give its id with --account acct_…, or put its account object "
            "among the files."
        )
    loading = _Loading(connection, export, ImportReport(account_id), told or (lambda _name, _objects: None))
    loading.begin(files)
    for file in files:
        loading.file(file)
    exported = _latest(connection, account_id)
    if exported is not None:
        holders.in_step(connection, account_id, int(exported.timestamp()), ())
    return loading.report


@dataclass
class _Loading:
    connection: duckdb.DuckDBPyConnection
    export: Export
    report: ImportReport
    told: Told

    def begin(self, files: Sequence[Path]) -> None:
        """Let the account in, in the one mode that all objects are of; hold each file's date against the clock.

        A warehouse takes what it holds for whole up to the newest date, and nothing ever takes rows out of it again.
        """
        waiting = [path for path in files if self._loaded(_fingerprint(path)) is not None]
        now = datetime.now(UTC)
        for path in waiting:
            _hold_date(path, self.export.exported_at, now)
        livemode = _only_mode(waiting)
        label = holders.label_of(self.connection, self.report.account_id)
        if livemode is not None:
            holders.introduce(self.connection, label or "default", self.report.account_id, livemode=livemode)
        elif label is None:
            raise SettingsError(
                "Nothing says whether the files are of live or test mode. Import them with objects that have "
                "`livemode`, such as customers, or after these."
            )

    def file(self, path: Path) -> None:
        """Load what is left of a file."""
        content = _fingerprint(path)
        begun = self._loaded(content)
        if begun is None:
            self.report.known_files += 1
            return
        seen_at = self.export.exported_at or _modified(path)
        batch: list[tuple[Stream, Head, bytes]] = []
        place = 0
        for place, found in enumerate(_entries(path, self.report), start=1):
            entry = self._understood(found, f"{path.name} entry {place}")
            if entry is not None and place > begun:
                batch.append(entry)
            if len(batch) >= OBJECTS_PER_COMMIT:
                self._commit(batch, seen_at, content, place, done=False)
                self.told(path.name, place)
                batch = []
        self._commit(batch, seen_at, content, place, done=True)
        self.told(path.name, place)
        self.report.files += 1

    def _understood(self, payload: bytes, where: str) -> tuple[Stream, Head, bytes] | None:
        try:
            head = msgspec.json.decode(payload, type=Head)
        except msgspec.DecodeError as error:
            self.report.unreadable.append(f"{where}: {error}")
            return None
        stream = _stream_of(head)
        if stream is None:
            self.report.other_kinds[head.object or "(none)"] += 1
            return None
        if not head.id:
            self.report.unreadable.append(f"{where}: a {head.object} without an id")
            return None
        return stream, head, payload

    def _commit(
        self, batch: Sequence[tuple[Stream, Head, bytes]], seen_at: datetime, content: str, place: int, *, done: bool
    ) -> None:
        self.connection.begin()
        try:
            for name in sorted({stream.name for stream, _, _ in batch}):
                self._append(BY_NAME[name], [each for each in batch if each[0].name == name], seen_at)
            self._remember(content, place, seen_at, done=done)
            self.connection.commit()
        except BaseException:
            with suppress(duckdb.TransactionException):  # a commit that failed has ended the transaction already
                self.connection.rollback()
            raise

    def _append(self, stream: Stream, entries: Sequence[tuple[Stream, Head, bytes]], seen_at: datetime) -> None:
        payloads = self._treated([payload for _, _, payload in entries])
        heads = [head for _, head, _ in entries]
        frame = raw.versions(
            {
                "id": [head.id for head in heads],
                "version_hash": [fingerprint(stream, payload) for payload in payloads],
                "changed_at": [None] * len(heads),
                "seen_at": [seen_at] * len(heads),
                "seen_by": ["import"] * len(heads),
                "deleted": [head.deleted for head in heads],
                "payload": payloads,
            },
        )
        account = self.report.account_id
        self.report.rows_written += raw.append(self.connection, stream.name, account, self.export.api_version, frame)
        self.report.objects[stream.name] += len(heads)
        cut = [head.id for head, payload in zip(heads, payloads, strict=True) if _lacks_a_part(stream, payload)]
        self.report.cut.update({stream.name: len(cut)} if cut else {})
        cursors.remember(self.connection, account, (Change(stream.name, id_, int(seen_at.timestamp())) for id_ in cut))

    def _treated(self, payloads: Sequence[bytes]) -> Sequence[bytes]:
        try:
            return self.export.personal.applied(scrub.clean(payloads))
        except RecursionError:
            raise ExtractError("An object nests too deeply to have its personal data treated.") from None

    def _loaded(self, content: str) -> int | None:
        """How many entries of a file are loaded; None where all are."""
        rows = self.connection.execute(
            "select entries, done from pipeline.imports where account_id = ? and content = ?",
            [self.report.account_id, content],
        ).fetchall()
        if not rows:
            return 0
        return None if rows[0][1] else int(rows[0][0])

    def _remember(self, content: str, place: int, seen_at: datetime, *, done: bool) -> None:
        account = self.report.account_id
        self.connection.execute("delete from pipeline.imports where account_id = ? and content = ?", [account, content])
        self.connection.execute(
            "insert into pipeline.imports by name "
            "select ? as account_id, ? as content, ? as entries, ? as done, ? as seen_at",
            [account, content, place, done, seen_at],
        )


def _create(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("""
        create table if not exists pipeline.imports (
            account_id varchar not null, content varchar not null, entries bigint not null, done boolean not null
        );
        alter table pipeline.imports add column if not exists seen_at timestamptz;
    """)


def _latest(connection: duckdb.DuckDBPyConnection, account_id: str) -> datetime | None:
    """When the newest of the files was exported that are loaded; a load that was killed at its end left that untold."""
    rows = connection.execute(
        "select max(seen_at) from pipeline.imports where account_id = ? and done", [account_id]
    ).fetchall()
    return rows[0][0] if isinstance(rows[0][0], datetime) else None


def _lacks_a_part(stream: Stream, payload: bytes) -> bool:
    return nested.cut(stream, payload) or bool(named.lacking(stream, payload))


def _hold_date(path: Path, exported_at: datetime | None, now: datetime) -> None:
    if exported_at is not None and exported_at > now + AHEAD:
        raise SettingsError(
            f"--exported {exported_at.isoformat()} lies ahead of now, {now.isoformat(timespec='seconds')}. "
            "Give the instant at which the files were exported."
        )
    if exported_at is None and _modified(path) > now + AHEAD:
        raise SettingsError(
            f"{path} has the date {_modified(path).isoformat(timespec='seconds')}, which lies ahead of now, "
            f"{now.isoformat(timespec='seconds')}. Say with --exported when it was exported, or set its date."
        )


def _only_mode(files: Sequence[Path]) -> bool | None:
    """Whether what is to be loaded is live; None where no object says so.

    Raises:
        AccountMismatch: some of it is, and some is not.
    """
    first: dict[bool, str] = {}
    damage: ExtractError | None = None
    for path in files:
        try:
            for place, head in _heads(path):
                if head.livemode is not None:
                    first.setdefault(head.livemode, f"{path.name} entry {place}")
        except ExtractError as error:  # loading the file stops there, and keeps what comes before
            damage = error
        if len(first) > 1:
            raise AccountMismatch(
                f"{first[True]} is of live mode and {first[False]} of test mode, so that nothing was loaded. "
                "Import the files of each mode into a folder of its own, which REVENUE_HOME names."
            )
    if damage and not first:
        raise damage
    return next(iter(first), None)


def _heads(path: Path) -> Iterator[tuple[int, Head]]:
    """What each entry of a file shows that is to be loaded, with its place."""
    for place, payload in enumerate(_entries(path, ImportReport("")), start=1):
        with suppress(msgspec.DecodeError):
            head = msgspec.json.decode(payload, type=Head)
            if head.id and _stream_of(head):
                yield place, head


def _stream_of(head: Head) -> Stream | None:
    """The stream that an object is loaded into; None where its kind is not used."""
    stream = BY_KIND.get(head.object)
    return None if stream is None or (stream.changes is Changes.SINGLE and stream.name != "accounts") else stream


def _files(source: Path) -> list[Path]:
    if not source.exists():
        raise SettingsError(f"{source} does not exist. Name a JSON or NDJSON file, or a folder of them.")
    found = [source] if source.is_file() else sorted(path for path in source.rglob("*") if path.is_file())
    files = [path for path in found if path.name.removesuffix(".gz").endswith(ENDINGS)]
    if not files:
        raise SettingsError(f"{source} holds no file that ends in {', '.join(ENDINGS)} or one of them with .gz.")
    return files


def _account_of(files: Sequence[Path]) -> str | None:
    """The id of the first account object, looked for in files that are named after it."""
    for path in files:
        if path.name.startswith("account"):
            for payload in _entries(path, ImportReport("")):
                with suppress(msgspec.ValidationError):  # loading the file tells
                    head = msgspec.json.decode(payload, type=Head)
                    if head.object == "account" and ACCOUNT_ID.fullmatch(head.id):
                        return head.id
    return None


def _only_account(connection: duckdb.DuckDBPyConnection) -> str | None:
    holders.create(connection)
    rows = connection.execute("select distinct account_id from pipeline.accounts").fetchall()
    return str(rows[0][0]) if len(rows) == 1 else None


def _entries(path: Path, report: ImportReport) -> Iterator[bytes]:
    """Every object of a file without white space between tokens, those inside list pages one by one."""
    for number, document in _documents(path):
        try:
            text, was_mended = characters.compact(document)
            if was_mended:
                report.mended.append(f"{path.name} line {number}")
            yield from _unpacked(text)
        except msgspec.DecodeError as error:
            report.unreadable.append(f"{path.name} line {number}: {error}")


def _documents(path: Path) -> Iterator[tuple[int, bytes]]:
    """The JSON documents of a file, with the line each starts on: one a line, or the whole file as one."""
    try:
        with _opened(path) as file:
            lines: Iterable[bytes] = file
            if path.name.removesuffix(".gz").endswith(".json"):
                text = file.read().removeprefix(codecs.BOM_UTF8)
                if _is_one_document(text):
                    yield 1, text
                    return
                lines = text.splitlines()
            for number, line in enumerate(lines, start=1):
                document = line.removeprefix(codecs.BOM_UTF8) if number == 1 else line
                if document.strip():
                    yield number, document
    except (OSError, EOFError, zlib.error) as error:
        raise ExtractError(f"{path} can't be read: {error}. What was loaded before it is kept.") from error


def _is_one_document(text: bytes) -> bool:
    try:
        characters.compact(text)
    except msgspec.DecodeError:
        return False
    return True


def _unpacked(text: bytes) -> Iterator[bytes]:
    if text.startswith(b"["):
        yield from (bytes(each) for each in msgspec.json.decode(text, type=list[msgspec.Raw]))
    elif msgspec.json.decode(text, type=_Kind).object == "list":
        yield from (bytes(each) for each in msgspec.json.decode(text, type=_Page).data)
    else:
        yield text


def _opened(path: Path) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(path, "rb")) if path.suffix == ".gz" else path.open("rb")


def _modified(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def _fingerprint(path: Path) -> str:
    digest = blake2b(digest_size=16)
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
