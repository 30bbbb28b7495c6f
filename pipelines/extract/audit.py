"""What reading found out about completeness, kept as rows of the data checks: counts against Stripe's lists, what could
not be understood, references that lead nowhere.

Knows the raw tables and what a run noted; asks Stripe nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from importlib.resources import files

import duckdb
import polars as pl

from pipelines.extract.catalogue import BY_NAME, Changes

COUNTS = "row_counts_equal_stripe"

REFERENCES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "refunds": (("charge", "charges"),),
    "disputes": (("charge", "charges"),),
    "charges": (("payment_intent", "payment_intents"),),
    "invoice_payments": (("invoice", "invoices"),),
    "credit_notes": (("invoice", "invoices"),),
    "invoices": (("parent.subscription_details.subscription", "subscriptions"),),
}
"""Fields that hold the id of an object of another stream, which Stripe never deletes while they do."""


@dataclass(frozen=True)
class Oddity:
    """Something of an object that could not be understood; `left_out` says that it is not held at all.

    `id` is the object's, where it has one; whatever objects of a stream have in common is the same oddity.
    """

    stream: str
    words: str
    left_out: bool = False
    id: str = field(default="", compare=False)


@dataclass(frozen=True)
class Sweep:
    """A stream's lists, read again to the end: how many objects they showed, how many of these are held, and which held
    ones they did not show."""

    listed: int
    held: int
    unlisted: tuple[str, ...]


def create(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the tables that are not there yet."""
    connection.execute("""
        create schema if not exists pipeline;
        create table if not exists pipeline.extraction_checks (
            account_id varchar not null, check_name varchar not null, table_name varchar not null,
            failing_rows bigint not null, blocking boolean not null, checked_at timestamptz not null, detail varchar
        );
        create table if not exists pipeline.oddities (
            account_id varchar not null, stream varchar not null, id varchar not null,
            words varchar not null, left_out boolean not null, seen_at timestamptz not null
        );
    """)


def remember(
    connection: duckdb.DuckDBPyConnection,
    account_id: str,
    stream: str,
    at: datetime,
    ids: Sequence[str],
    oddities: Sequence[Oddity],
) -> None:
    """Objects of a stream were read, and these oddities found in them, instead of any that were found in them before.

    In the caller's transaction.
    """
    connection.execute(
        "delete from pipeline.oddities where account_id = ? and stream = ? and id in (select unnest(?::varchar[]))",
        [account_id, stream, list(ids)],
    )
    if oddities:
        rows = [(odd.id, odd.words, odd.left_out) for odd in oddities]
        found = pl.DataFrame(rows, schema=_ODDITIES, orient="row")  # noqa: F841 - the query reads it
        connection.execute(
            "insert into pipeline.oddities by name "
            "select $account_id as account_id, $stream as stream, $at as seen_at, * from found",
            {"account_id": account_id, "stream": stream, "at": at},
        )


def odd_streams(connection: duckdb.DuckDBPyConnection, account_id: str) -> set[str]:
    """The streams in which anything odd was found."""
    rows = connection.execute(
        "select distinct stream from pipeline.oddities where account_id = ?", [account_id]
    ).fetchall()
    return {stream for (stream,) in rows}


def forget(connection: duckdb.DuckDBPyConnection, account_id: str, stream: str, before: datetime) -> None:
    """All of a stream was read again since an instant: what was found before is over. In the caller's transaction."""
    connection.execute(
        "delete from pipeline.oddities where account_id = ? and stream = ? and seen_at < ?",
        [account_id, stream, before],
    )


def note(connection: duckdb.DuckDBPyConnection, account_id: str, at: datetime, sweeps: Mapping[str, Sweep]) -> None:
    """Keep what a run counted, until the stream's lists are read to the end again."""
    rows = [_counted(connection, account_id, at, stream, sweep) for stream, sweep in sweeps.items()]
    connection.begin()
    for row in rows:
        connection.execute(
            "delete from pipeline.extraction_checks where account_id = ? and check_name = ? and table_name = ?", row[:3]
        )
        connection.execute("insert into pipeline.extraction_checks values (?, ?, ?, ?, ?, ?, ?)", row)
    connection.commit()


def checks(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """What is kept, as rows of `marts.data_checks`: of each stream that was counted or in which something was odd."""
    create(connection)
    rows: pl.DataFrame = connection.sql(_CHECKS).pl()
    return rows


def holes(connection: duckdb.DuckDBPyConnection, account_id: str) -> list[tuple[str, str]]:
    """(stream, id) of objects that others refer to and of which nothing is held."""
    found: set[tuple[str, str]] = set()
    for stream, references in REFERENCES.items():
        for path, parent in references:
            rows = connection.execute(
                f"""
                select distinct id_ from (
                    select json_extract_string(payload, '$.{path}') as named,
                        if(starts_with(named, '{{'), json_extract_string(named, '$.id'), named) as id_
                    from raw.{stream}
                    where account_id = $account_id and not deleted
                )
                where id_ is not null
                    and id_ not in (select id from raw.{parent} where account_id = $account_id)
                    and id_ not in (
                        select id from pipeline.left_out where account_id = $account_id and stream = $parent
                    )
                """,  # noqa: S608
                {"account_id": account_id, "parent": parent},
            ).fetchall()
            found.update((parent, id_) for (id_,) in rows)
    return sorted(found)


def untold(connection: duckdb.DuckDBPyConnection, account_id: str, streams: Sequence[str], since: datetime) -> int:
    """How many versions a sweep showed since an instant, of objects of which no event came in since then."""
    followed = [name for name in streams if BY_NAME[name].changes is Changes.EVENTS]
    return sum(_untold(connection, account_id, stream, since) for stream in followed)


def _untold(connection: duckdb.DuckDBPyConnection, account_id: str, stream: str, since: datetime) -> int:
    ((count,),) = connection.execute(
        f"""
        select count(*) from raw.{stream}
        where account_id = $account_id and seen_by = 'sweep' and seen_at >= $since and id not in (
            select json_extract_string(payload, '$.data.object.id') from raw.events
            where account_id = $account_id and seen_at >= $since
                and json_extract_string(payload, '$.data.object.id') is not null
        )
        """,  # noqa: S608
        {"account_id": account_id, "since": since},
    ).fetchall()
    return int(count)


Row = tuple[str, str, str, int, bool, datetime, str | None]


def _counted(connection: duckdb.DuckDBPyConnection, account_id: str, at: datetime, stream: str, sweep: Sweep) -> Row:
    """What lists show and is not held; and what is held as alive, though no list shows it where lists show all."""
    alive = 0 if BY_NAME[stream].unlisted else _alive(connection, account_id, stream, sweep.unlisted)
    failing = sweep.listed - sweep.held + alive
    detail = f"Stripe lists {sweep.listed:,}, {sweep.held:,} of them are held"
    if sweep.unlisted:
        detail += f"; {len(sweep.unlisted):,} more were held that no list shows, {alive:,} of them are still there"
    return (account_id, COUNTS, f"raw.{stream}", failing, True, at, detail)


def _alive(connection: duckdb.DuckDBPyConnection, account_id: str, stream: str, ids: Sequence[str]) -> int:
    ((count,),) = connection.execute(
        f"select count(*) from (select arg_max(deleted, seq) as deleted from raw.{stream} "  # noqa: S608
        "where account_id = $account_id and id in (select unnest($ids::varchar[])) and id not in "
        "(select id from pipeline.left_out where account_id = $account_id and stream = $stream) "
        "group by id) where not deleted",
        {"account_id": account_id, "stream": stream, "ids": list(ids)},
    ).fetchall()
    return int(count)


_ODDITIES = pl.Schema({"id": pl.String, "words": pl.String, "left_out": pl.Boolean})
_CHECKS = files("pipelines.extract").joinpath("audit_checks.sql").read_text()
