"""Loads objects that were exported earlier, from files: JSON or NDJSON, plain or gzipped, on the same path as the wire.

A file holds API objects, list pages of them, or both, one a line or as one document. Each goes through the same
scrubbing and into the same raw tables, seen when it was exported; how far a file is loaded commits with its rows. Knows
no network.
"""

import gzip
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from typing import IO, cast

import duckdb
import msgspec
import polars as pl

from pipelines.errors import SettingsError
from pipelines.extract import cursors, holders, nested, scrub
from pipelines.extract.catalogue import BY_KIND, BY_NAME, Changes, Stream
from pipelines.extract.changes import Change
from pipelines.extract.errors import ExtractError
from pipelines.extract.fingerprints import fingerprint
from pipelines.extract.personal import KEPT, Personal
from pipelines.extract.shapes import Head
from pipelines.warehouse import raw

ENDINGS = (".json", ".ndjson", ".jsonl")
OBJECTS_PER_COMMIT = 5_000
EXAMPLES = 5
"""So many unreadable lines are named."""

Told = Callable[[str, int], None]
"""Told the file's name and how many objects of it are loaded."""


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
    other_kinds: Counter[str] = field(default_factory=Counter)
    cut: Counter[str] = field(default_factory=Counter)

    @property
    def remarks(self) -> list[str]:
        """What a person should know."""
        lines = [f"{count:,} objects of kind {kind} are not used and were left out." for kind, count in self.kinds()]
        lines += [
            f"{count:,} {stream} hold a list that was cut when they were exported; the next sync reads them whole."
            for stream, count in sorted(self.cut.items())
        ]
        if self.known_files:
            lines.append(f"{self.known_files:,} files were loaded before and were left out.")
        if self.unreadable:
            named = "; ".join(self.unreadable[:EXAMPLES])
            lines.append(f"{len(self.unreadable):,} entries could not be read: {named}")
        return lines

    def kinds(self) -> list[tuple[str, int]]:
        return sorted(self.other_kinds.items())


def load(connection: duckdb.DuckDBPyConnection, source: Path, export: Export, told: Told | None = None) -> ImportReport:
    """Load a file, or every JSON and NDJSON file under a folder, in the order of their names.

    A file that was loaded before is left out, by its content; one that was begun goes on. What can't be read is counted
    and named, and stops nothing else.

    Raises:
        SettingsError: nothing to load, or nothing says whose it is.
        AccountMismatch: the objects are of the other mode than what the warehouse holds.
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
    for file in files:
        loading.file(file)
    if loading.introduced and loading.latest:
        holders.in_step(connection, account_id, int(loading.latest.timestamp()), ())
    return loading.report


@dataclass
class _Loading:
    connection: duckdb.DuckDBPyConnection
    export: Export
    report: ImportReport
    told: Told
    introduced: bool = False
    latest: datetime | None = None

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
        for place, found in enumerate(_entries(path, self.report.unreadable), start=1):
            if place <= begun:
                continue
            entry = self._understood(found, f"{path.name} entry {place}")
            if entry is not None:
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
        stream = BY_KIND.get(head.object)
        if stream is None or (stream.changes is Changes.SINGLE and stream.name != "accounts"):
            self.report.other_kinds[head.object or "(none)"] += 1
            return None
        if not head.id:
            self.report.unreadable.append(f"{where}: a {head.object} without an id")
            return None
        self._introduce(head)
        return stream, head, msgspec.json.format(payload, indent=-1)

    def _introduce(self, head: Head) -> None:
        if head.livemode is None or self.introduced:
            return
        label = holders.label_of(self.connection, self.report.account_id) or "default"
        holders.introduce(self.connection, label, self.report.account_id, livemode=head.livemode)
        self.introduced = True

    def _commit(
        self, batch: Sequence[tuple[Stream, Head, bytes]], seen_at: datetime, content: str, place: int, *, done: bool
    ) -> None:
        self.connection.begin()
        try:
            for name in sorted({stream.name for stream, _, _ in batch}):
                self._append(BY_NAME[name], [each for each in batch if each[0].name == name], seen_at)
            self._remember(content, place, done=done)
            self.connection.commit()
        except BaseException:
            self.connection.rollback()
            raise
        self.latest = max(self.latest or seen_at, seen_at)

    def _append(self, stream: Stream, entries: Sequence[tuple[Stream, Head, bytes]], seen_at: datetime) -> None:
        payloads = self.export.personal.applied(scrub.clean([payload for _, _, payload in entries]))
        heads = [head for _, head, _ in entries]
        frame = pl.DataFrame(
            {
                "id": [head.id for head in heads],
                "version_hash": [fingerprint(stream, payload) for payload in payloads],
                "changed_at": [None] * len(heads),
                "seen_at": [seen_at] * len(heads),
                "seen_by": ["import"] * len(heads),
                "deleted": [head.deleted for head in heads],
                "payload": [payload.decode() for payload in payloads],
            },
            schema=raw.SCHEMA,
        )
        account = self.report.account_id
        self.report.rows_written += raw.append(self.connection, stream.name, account, self.export.api_version, frame)
        self.report.objects[stream.name] += len(heads)
        cut = [head.id for head, payload in zip(heads, payloads, strict=True) if nested.cut(stream, payload)]
        self.report.cut.update({stream.name: len(cut)} if cut else {})
        cursors.remember(self.connection, account, (Change(stream.name, id_, int(seen_at.timestamp())) for id_ in cut))

    def _loaded(self, content: str) -> int | None:
        """How many entries of a file are loaded; None where all are."""
        rows = self.connection.execute(
            "select entries, done from pipeline.imports where account_id = ? and content = ?",
            [self.report.account_id, content],
        ).fetchall()
        if not rows:
            return 0
        return None if rows[0][1] else int(rows[0][0])

    def _remember(self, content: str, place: int, *, done: bool) -> None:
        account = self.report.account_id
        self.connection.execute("delete from pipeline.imports where account_id = ? and content = ?", [account, content])
        self.connection.execute("insert into pipeline.imports values (?, ?, ?, ?)", [account, content, place, done])


def _create(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(
        "create table if not exists pipeline.imports "
        "(account_id varchar not null, content varchar not null, entries bigint not null, done boolean not null)"
    )


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
            for payload in _entries(path, []):
                head = msgspec.json.decode(payload, type=Head)
                if head.object == "account":
                    return head.id
    return None


def _only_account(connection: duckdb.DuckDBPyConnection) -> str | None:
    holders.create(connection)
    rows = connection.execute("select distinct account_id from pipeline.accounts").fetchall()
    return str(rows[0][0]) if len(rows) == 1 else None


def _entries(path: Path, unreadable: list[str]) -> Iterator[bytes]:
    """Every object of a file, those inside list pages one by one."""
    for number, document in _documents(path):
        try:
            yield from _unpacked(document)
        except msgspec.DecodeError as error:
            unreadable.append(f"{path.name} line {number}: {error}")


def _documents(path: Path) -> Iterator[tuple[int, bytes]]:
    """The JSON documents of a file, with the line each starts on: one a line, or the whole file as one."""
    try:
        with _opened(path) as lines:
            if path.name.removesuffix(".gz").endswith(".json"):
                text = lines.read()
                if _is_one_document(text):
                    yield 1, text
                    return
                numbered = enumerate(text.splitlines(), start=1)
            else:
                numbered = enumerate(lines, start=1)
            yield from ((number, line) for number, line in numbered if line.strip())
    except (OSError, EOFError) as error:
        raise ExtractError(f"{path} can't be read: {error}. What was loaded before it is kept.") from error


def _is_one_document(text: bytes) -> bool:
    try:
        msgspec.json.decode(text, type=msgspec.Raw)
    except msgspec.DecodeError:
        return False
    return True


def _unpacked(document: bytes) -> Iterator[bytes]:
    text = document.strip()
    if text.startswith(b"["):
        yield from (bytes(each) for each in msgspec.json.decode(text, type=list[msgspec.Raw]))
        return
    kind = msgspec.json.decode(text, type=Head).object
    if kind == "list":
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
