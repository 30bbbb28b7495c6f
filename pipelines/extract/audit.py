"""What reading found out about completeness, kept as rows of the data checks: counts against Stripe's lists, what could
not be understood, references that lead nowhere.

Knows the raw tables and what a run noted; asks Stripe nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import duckdb
import polars as pl

from pipelines.extract.catalogue import BY_NAME, Changes

COUNTS = "row_counts_equal_stripe"
UNDERSTOOD = "objects_are_understood"

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
    """Something of a stream that could not be understood; `left_out` says that it is not held at all."""

    stream: str
    words: str
    left_out: bool = False


@dataclass(frozen=True)
class Sweep:
    """A stream's lists, read again to the end: how many objects they showed, how many of these are held, and which held
    ones they did not show."""

    listed: int
    held: int
    unlisted: tuple[str, ...]


def create(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the table when it is not there yet."""
    connection.execute("""
        create schema if not exists pipeline;
        create table if not exists pipeline.extraction_checks (
            account_id varchar not null, check_name varchar not null, table_name varchar not null,
            failing_rows bigint not null, blocking boolean not null, checked_at timestamptz not null, detail varchar
        );
    """)


def note(
    connection: duckdb.DuckDBPyConnection,
    account_id: str,
    at: datetime,
    sweeps: Mapping[str, Sweep],
    oddities: Mapping[Oddity, int],
) -> None:
    """Keep what a run found. What was found of a stream stays until its lists are read to the end again."""
    create(connection)
    rows = [_counted(connection, account_id, at, stream, sweep) for stream, sweep in sweeps.items()]
    for stream in sorted({oddity.stream for oddity in oddities} | set(sweeps)):
        of_stream = {oddity: times for oddity, times in oddities.items() if oddity.stream == stream}
        rows.append(_understood(account_id, at, stream, of_stream))
    connection.begin()
    for row in rows:
        connection.execute(
            "delete from pipeline.extraction_checks where account_id = ? and check_name = ? and table_name = ?", row[:3]
        )
        connection.execute("insert into pipeline.extraction_checks values (?, ?, ?, ?, ?, ?, ?)", row)
    connection.commit()


def checks(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """What is kept, as rows of `marts.data_checks`."""
    create(connection)
    rows: pl.DataFrame = connection.sql("""
        select account_id, check_name, table_name, failing_rows = 0 as passed, failing_rows,
            if(blocking, 'blocking', 'warning') as severity, checked_at, detail
        from pipeline.extraction_checks
        order by account_id, table_name, check_name
    """).pl()
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


def _understood(account_id: str, at: datetime, stream: str, oddities: Mapping[Oddity, int]) -> Row:
    words = "; ".join(f"{oddity.words}: {times:,}" for oddity, times in sorted(oddities.items(), key=_by_words))
    left_out = any(oddity.left_out for oddity in oddities)
    return (account_id, UNDERSTOOD, f"raw.{stream}", sum(oddities.values()), left_out, at, words or None)


def _by_words(entry: tuple[Oddity, int]) -> str:
    return entry[0].words
