"""Where operational state lives: SQLite in WAL mode, or PostgreSQL by URL. Opens, migrates, and hands out transactions.

A transaction that writes first locks the trail's head, so that writers of all processes stand in line: limits are
counted and the trail is extended by one at a time. It knows nothing of what actions are.
"""

import os
import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, DatabaseError, NoSuchModuleError, OperationalError, ProgrammingError
from sqlalchemy.pool import NullPool

from billing.audit import Entry, Head, extended
from billing.canonical import Json, canonical
from billing.errors import BillingError, UsageError
from billing.tables import head as head_table
from billing.tables import trail as trail_table

PATIENCE_SECONDS = 30
MIGRATIONS = Path(__file__).parent / "migrations"
NEWEST = "0005"
"""The last of the migrations."""
DAMAGED = frozenset({sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT})
"""SQLite's codes of a file that is no database, or no longer one."""
_MIGRATING = 7_203_551_904
"""A number of our own: the advisory lock that PostgreSQL is migrated under."""


@dataclass
class Transaction:
    """One transaction, which holds the trail's head: what it changes and what it records are kept together or not."""

    connection: sa.Connection
    head: Head
    entries: list[Entry] = field(default_factory=list)

    def record(self, event: str, *, at: datetime, actor: str, action_id: str | None, body: Mapping[str, Json]) -> None:
        """Extend the trail by one entry."""
        entry = extended(self.head, at=at, event=event, action_id=action_id, actor=actor, body=canonical(body))
        self.connection.execute(trail_table.insert().values(**vars(entry)))
        self.head = Head(entry.seq, entry.digest)
        self.entries.append(entry)


@dataclass(frozen=True)
class Store:
    """The operational database, and the file that the trail's head is noted in after each commit."""

    engine: sa.Engine
    anchor: Path

    @contextmanager
    def writing(self) -> Iterator[Transaction]:
        """A transaction that is committed when the block ends, and noted in the anchor; rolled back when it raises.

        Raises:
            BillingError: the database refuses, as where another process holds it for too long.
        """
        with _told_apart(), self.engine.begin() as connection:
            row = connection.execute(sa.select(head_table.c.seq, head_table.c.digest).with_for_update()).one()
            transaction = Transaction(connection, Head(row.seq, row.digest))
            yield transaction
            if transaction.entries:
                connection.execute(head_table.update().values(seq=transaction.head.seq, digest=transaction.head.digest))
        if transaction.entries:
            _note(self.anchor, transaction.head)

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A consistent view, for reading alone.

        Raises:
            BillingError: the database refuses.
        """
        with _told_apart(), self.engine.connect() as connection:
            if self.engine.dialect.name == "postgresql":
                connection = connection.execution_options(isolation_level="REPEATABLE READ")
            yield connection

    def seq(self) -> int:
        """The number of the trail's last entry."""
        with self.reading() as connection:
            return int(connection.execute(sa.select(head_table.c.seq)).scalar_one())

    def compact(self) -> None:
        """Write the database anew, so that what was overwritten is in no page of it, nor in SQLite's log.

        PostgreSQL's log and its backups are its administrator's.
        """
        if self.engine.dialect.name != "sqlite":
            with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.exec_driver_sql("vacuum (full) webhook_events")
            return
        with closing(sqlite3.connect(str(self.engine.url.database), timeout=PATIENCE_SECONDS)) as connection:
            connection.isolation_level = None
            for statement in ("pragma secure_delete = on", "vacuum", "pragma wal_checkpoint(truncate)"):
                connection.execute(statement).fetchall()

    def close(self) -> None:
        """Let go of the database."""
        self.engine.dispose()


def open_store(url: str | None, home: Path) -> Store:
    """The store of that URL, or `operations.sqlite` in the home; made and brought up to date where needed.

    Raises:
        UsageError: the URL is of no database that this can use.
        BillingError: the database can't be opened.
    """
    home.mkdir(parents=True, exist_ok=True)
    engine = _postgresql(url) if url else _sqlite(home / "operations.sqlite")
    with _told_apart():
        _migrate(engine)
    return Store(engine, home / "audit.heads")


def _sqlite(file: Path) -> sa.Engine:
    os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    engine = sa.create_engine(
        sa.URL.create("sqlite", database=str(file)), poolclass=NullPool, connect_args={"timeout": PATIENCE_SECONDS}
    )

    @sa.event.listens_for(engine, "connect")
    def _configured(connection: sqlite3.Connection, record: object) -> None:
        connection.isolation_level = None  # SQLAlchemy begins; sqlite3 would begin later, and without a lock
        for pragma in ("journal_mode=wal", "synchronous=full", "foreign_keys=on"):
            connection.execute(f"pragma {pragma}")

    @sa.event.listens_for(engine, "begin")
    def _locked(connection: sa.Connection) -> None:
        connection.exec_driver_sql("begin immediate")

    return engine


def _postgresql(url: str) -> sa.Engine:
    try:
        parsed = sa.make_url(url)
        if parsed.get_backend_name() != "postgresql":
            raise UsageError(f"The operations database is SQLite or PostgreSQL, not {parsed.get_backend_name()}.")
        return sa.create_engine(parsed.set(drivername="postgresql+psycopg"), poolclass=NullPool, hide_parameters=True)
    except (ArgumentError, NoSuchModuleError):
        raise UsageError("The operations database's URL is none: write postgresql://user@host/database.") from None


def _migrate(engine: sa.Engine) -> None:
    """Bring the tables up to date; two that start at once do it one after the other."""
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql(f"select pg_advisory_xact_lock({_MIGRATING})")
        if _revision(connection) != NEWEST:
            _upgrade(connection)


def _revision(connection: sa.Connection) -> str | None:
    """Where the tables stand, by alembic's own table; asked without alembic, whose import takes half a second."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    return connection.exec_driver_sql("select version_num from alembic_version").scalar_one_or_none()


def _upgrade(connection: sa.Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


@contextmanager
def _told_apart() -> Iterator[None]:
    """A refusal of the database's own in a user's words; a broken rule of the tables is our fault, and stays."""
    try:
        yield
    except (OperationalError, ProgrammingError) as error:
        raise BillingError(f"The operations database can't be used: {_words(error)}.") from None
    except DatabaseError as error:
        if getattr(error.orig, "sqlite_errorcode", None) not in DAMAGED:
            raise
        raise BillingError(
            f"The operations database can't be used: {_words(error)}. Restore operations.sqlite from a backup."
        ) from None


def _note(anchor: Path, head: Head) -> None:
    descriptor = os.open(anchor, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, f"{head.seq} {head.digest}\n".encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _words(error: DatabaseError) -> str:
    """The driver's first line, without what a URL may hold of a password."""
    text = str(error.orig).splitlines()[0] if error.orig else type(error).__name__
    return re.sub(r"://[^@\s]*@", "://…@", text)


def row_of(row: sa.Row[Any]) -> dict[str, Any]:
    """A row as a mapping of its columns."""
    return dict(row._mapping)
