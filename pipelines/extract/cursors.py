"""How far each stream is read and what is still to be read, kept in the warehouse and committed with the data.

Knows how positions and pending objects are stored; decides nothing about what to read.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import duckdb
import msgspec
import polars as pl

from pipelines.extract.catalogue import CATALOGUE, Follows, Stream
from pipelines.extract.changes import Change
from pipelines.extract.windows import Position
from pipelines.warehouse import clocks, raw

SETTLED_SECONDS = 60
"""What a read shows this long after a change includes the change; younger events are left to the next time."""

_PENDING = pl.Schema(
    {
        "stream": pl.String,
        "id": pl.String,
        "changed_at": pl.Int64,
        "made_at": pl.Int64,
        "due_at": pl.Int64,
        "gone": pl.Boolean,
    }
)


@dataclass(frozen=True)
class Clocks:
    """The test clocks that Stripe lists, and the latest instant that any of them shows (epoch seconds)."""

    ids: tuple[str, ...] = ()
    latest: int = 0


NO_CLOCKS = Clocks()


@dataclass(frozen=True)
class Pending:
    """An object to be read (or, when `gone`, to be marked deleted). `known` says a version of it is held."""

    id: str
    changed_at: int | None
    first_changed_at: int | None
    made_at: int | None
    due: bool
    gone: bool
    known: bool


def create(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the raw tables and the pipeline's own, where they are not there yet."""
    raw.create(connection, (stream.name for stream in CATALOGUE))
    clocks.create(connection)
    connection.execute("""
        create schema if not exists pipeline;
        create table if not exists pipeline.cursors (
            account_id varchar not null, stream varchar not null, position varchar not null, synced_at timestamptz
        );
        create table if not exists pipeline.pending (
            account_id varchar not null, stream varchar not null, id varchar not null,
            changed_at bigint, made_at bigint, due_at bigint not null, gone boolean not null
        );
        create table if not exists pipeline.swept (
            account_id varchar not null, stream varchar not null, id varchar not null
        );
    """)


def positions(connection: duckdb.DuckDBPyConnection, account_id: str) -> dict[str, Position]:
    """The position of each stream that was ever begun."""
    rows = connection.execute(
        "select stream, position from pipeline.cursors where account_id = ?", [account_id]
    ).fetchall()
    return {stream: msgspec.json.decode(position, type=Position) for stream, position in rows}


def keep(
    connection: duckdb.DuckDBPyConnection, account_id: str, changed: dict[str, Position], synced_at: datetime
) -> None:
    """Store positions, in the caller's transaction."""
    if not changed:
        return
    connection.execute(
        "delete from pipeline.cursors where account_id = ? and stream in (select unnest(?::varchar[]))",
        [account_id, list(changed)],
    )
    positions = [msgspec.json.encode(position).decode() for position in changed.values()]
    connection.execute(
        "insert into pipeline.cursors select ?, unnest(?::varchar[]), unnest(?::varchar[]), ?",
        [account_id, list(changed), positions, synced_at],
    )


def held(connection: duckdb.DuckDBPyConnection, account_id: str) -> set[str]:
    """The streams of which any object is held."""
    return {
        stream.name
        for stream in CATALOGUE
        if connection.execute(
            f"select 1 from raw.{stream.name} where account_id = ? limit 1",  # noqa: S608
            [account_id],
        ).fetchall()
    }


def unseen(connection: duckdb.DuckDBPyConnection, stream: str, account_id: str, ids: Sequence[str]) -> set[str]:
    """Those of the ids of which no version is held."""
    rows = connection.execute(
        f"select id from raw.{stream} where account_id = ? and id in (select unnest(?::varchar[]))",  # noqa: S608
        [account_id, list(ids)],
    ).fetchall()
    return set(ids) - {id_ for (id_,) in rows}


def remember(connection: duckdb.DuckDBPyConnection, account_id: str, found: Iterable[Change]) -> None:
    """Note objects to be read, in the caller's transaction."""
    rows = [(each.stream, each.id, each.changed_at, each.made_at, each.due_at, each.gone) for each in found]
    if rows:
        noted = pl.DataFrame(rows, schema=_PENDING, orient="row")  # noqa: F841 - the query reads it
        connection.execute(
            "insert into pipeline.pending by name select $id as account_id, * from noted", {"id": account_id}
        )


def forget(connection: duckdb.DuckDBPyConnection, account_id: str, stream: str, ids: Sequence[str]) -> None:
    """Objects that were read are pending no more, in the caller's transaction."""
    connection.execute(
        "delete from pipeline.pending where account_id = ? and stream = ? and id in (select unnest(?::varchar[]))",
        [account_id, stream, list(ids)],
    )


def forget_due(connection: duckdb.DuckDBPyConnection, account_id: str, stream: str, ids: Sequence[str]) -> None:
    """What was waiting for its day was read, in the caller's transaction."""
    connection.execute(
        "delete from pipeline.pending where account_id = ? and stream = ? and due_at > 0 "
        "and id in (select unnest(?::varchar[]))",
        [account_id, stream, list(ids)],
    )


def pending(connection: duckdb.DuckDBPyConnection, account_id: str, stream: Stream, now: int) -> list[Pending]:
    """What is to be read now of a stream; what has meanwhile been read late enough is dropped first.

    A deletion is noted as the event tells it, without a read, so it says nothing of a change that comes after it; and
    an object that was read later than its deletion has been made anew under its id.
    """
    of_stream = {"account_id": account_id, "stream": stream.name, "now": now}
    if not connection.execute(
        "select 1 from pipeline.pending where account_id = $account_id and stream = $stream and due_at <= $now limit 1",
        of_stream,
    ).fetchall():
        return []
    connection.execute("drop table if exists temp.open_changes")
    connection.execute(
        _OPEN.format(stream=stream.name, finished=stream.finished_when), {**of_stream, "settled": SETTLED_SECONDS}
    )
    connection.execute(
        "delete from pipeline.pending p using temp.open_changes o "
        "where p.account_id = $account_id and p.stream = $stream and p.id = o.id and o.settled and p.due_at <= $now",
        of_stream,
    )
    rows = connection.execute(
        "select id, changed_at, first_changed_at, made_at, due, gone, known from temp.open_changes "
        "where not settled order by id"
    ).fetchall()
    return [Pending(*row) for row in rows]


def following(
    connection: duckdb.DuckDBPyConnection, account_id: str, stream: Stream, follows: Follows, since: datetime
) -> list[str]:
    """Ids of a stream's objects that changed with those they follow, as far as these were read again since."""
    query = _FOLLOWING.format(
        stream=stream.name, other=follows.stream, field=follows.field, once=follows.once, still=follows.still
    )
    rows = connection.execute(query, {"account_id": account_id, "since": since}).fetchall()
    return [id_ for (id_,) in rows]


_FOLLOWING = """
    with changed as (
        select distinct id
        from raw.{other}
        where account_id = $account_id and seen_at >= $since and seen_by = 'event' and {once}
    ),
    newest as (
        select id, max(seq) as seq
        from raw.{stream}
        where account_id = $account_id and (select count(*) from changed) > 0
        group by id
    )
    select id
    from raw.{stream}
    join newest using (id, seq)
    where account_id = $account_id and not deleted and {still}
        and payload ->> '$.{field}' in (select id from changed)
    order by id
"""


def held_before(
    connection: duckdb.DuckDBPyConnection, account_id: str, stream: Stream, made_at: Mapping[str, int]
) -> dict[str, int]:
    """How many held objects of a stream were made before each of these, which are given with their creation."""
    asked = pl.DataFrame(  # noqa: F841 - the query reads it
        list(made_at.items()), schema={"id": pl.String, "instant": pl.Int64}, orient="row"
    )
    query = _HELD_BEFORE.format(stream=stream.name, made_at=stream.made_at)
    return dict(connection.execute(query, {"account_id": account_id}).fetchall())


_HELD_BEFORE = """
    with held as (
        select any_value(try_cast(json_extract_string(payload, '$.{made_at}') as bigint)) as made_at
        from raw.{stream}
        where account_id = $account_id
        group by id
    ),
    instants as (
        select distinct instant from asked
    ),
    between_two as (
        select instants.instant, count(*) as objects
        from held
        asof join instants on held.made_at < instants.instant
        group by instants.instant
    ),
    until as (
        select instant, sum(coalesce(objects, 0)) over (order by instant)::bigint as objects
        from instants
        left join between_two using (instant)
    )
    select id, objects from asked join until using (instant)
"""

_OPEN = """
    create temp table open_changes as
    with told as (
        select id, max(changed_at) as changed_at, min(changed_at) as first_changed_at, max(made_at) as made_at,
            bool_or(due_at > 0) as due,
            coalesce(arg_max(gone, 2 * changed_at + gone::int), false) as gone
        from pipeline.pending
        where account_id = $account_id and stream = $stream and due_at <= $now
        group by id
    ),
    newest as (
        select id, arg_max(seen_at, seq) as seen_at, arg_max(deleted, seq) as deleted, arg_max(payload, seq) as payload
        from raw.{stream}
        where account_id = $account_id and id in (select id from told)
        group by id
    )
    select told.*, newest.id is not null as known,
        newest.id is not null and case
            when gone then newest.deleted or newest.seen_at >= to_timestamp(changed_at + $settled)
            when due then false
            when changed_at is null then newest.deleted or ({finished})
            else not newest.deleted and newest.seen_at >= to_timestamp(changed_at + $settled)
        end as settled
    from told left join newest using (id)
"""


def note_swept(connection: duckdb.DuckDBPyConnection, account_id: str, stream: str, ids: Sequence[str]) -> None:
    """Lists showed these ids during a sweep, in the caller's transaction."""
    connection.execute("insert into pipeline.swept select ?, ?, unnest(?::varchar[])", [account_id, stream, list(ids)])


def shown_by_sweep(connection: duckdb.DuckDBPyConnection, account_id: str, stream: Stream) -> tuple[int, int]:
    """How many objects a sweep's lists showed, and how many of them are held as present."""
    ((listed, held),) = connection.execute(
        f"""
        with shown as (
            select distinct id from pipeline.swept where account_id = $account_id and stream = $stream
        ),
        newest as (
            select id, arg_max(deleted, seq) as deleted
            from raw.{stream.name}
            where account_id = $account_id and id in (select id from shown)
            group by id
        )
        select (select count(*) from shown), (select count(*) from newest where not deleted)
        """,  # noqa: S608
        {"account_id": account_id, "stream": stream.name},
    ).fetchall()
    return int(listed), int(held)


def listed_clocks(connection: duckdb.DuckDBPyConnection, account_id: str) -> Clocks:
    """The test clocks that are held, but for those that the list did not show when it was last read."""
    rows = connection.execute(
        """
        select id, greatest(
            try_cast(payload ->> '$.frozen_time' as bigint),
            try_cast(payload ->> '$.status_details.advancing.target_frozen_time' as bigint)
        )
        from (
            select id, arg_max(deleted, seq) as deleted, arg_max(payload, seq) as payload
            from raw.test_clocks
            where account_id = $account_id
            group by id
        )
        where not deleted
            and id not in (select id from pipeline.pending where account_id = $account_id and stream = 'test_clocks')
        order by id
        """,
        {"account_id": account_id},
    ).fetchall()
    return Clocks(tuple(id_ for id_, _ in rows), max((latest or 0 for _, latest in rows), default=0))


def take_back(connection: duckdb.DuckDBPyConnection, account_id: str, test_clocks: Sequence[str]) -> None:
    """Have what was left out of these test clocks read now."""
    connection.begin()
    found = clocks.take_back(connection, account_id, test_clocks)
    remember(connection, account_id, (Change(*each) for each in found))
    connection.commit()


def missing_after_sweep(
    connection: duckdb.DuckDBPyConnection, account_id: str, stream: Stream, parents: Sequence[str]
) -> list[str]:
    """Ids held as present that no list showed though it should; forgets the sweep. In the caller's transaction.

    What lives on a test clock, and shows only in the list of a parent, is looked for where it is one of `parents`.
    """
    elsewhere = (
        f"payload ->> '$.test_clock' is not null and not list_contains($parents, payload ->> '$.{stream.hidden.by}')"
        if stream.hidden
        else "false"
    )
    rows = connection.execute(
        f"""
        with unseen as (
            select id, max(seq) as seq
            from raw.{stream.name}
            where account_id = $account_id
                and id not in (select id from pipeline.swept where account_id = $account_id and stream = $stream)
            group by id
        )
        select id from raw.{stream.name} join unseen using (id, seq)
        where not deleted and not coalesce({stream.unlisted_when}, false) and not coalesce({elsewhere}, true)
            and id not in (select id from pipeline.left_out where account_id = $account_id and stream = $stream)
        order by id
        """,  # noqa: S608
        {"account_id": account_id, "stream": stream.name, **({"parents": list(parents)} if stream.hidden else {})},
    ).fetchall()
    connection.execute("delete from pipeline.swept where account_id = ? and stream = ?", [account_id, stream.name])
    return [id_ for (id_,) in rows]


@dataclass(frozen=True)
class StreamStatus:
    """One line of `revenue status`: what is held of a stream and when it was last in step."""

    account_id: str
    stream: str
    versions: int
    objects: int
    synced_at: datetime | None
    newest_created_at: datetime | None
    unfinished: bool


def status(connection: duckdb.DuckDBPyConnection) -> list[StreamStatus]:
    """What is held of each stream of each account."""
    create(connection)
    rows = connection.execute(
        "select account_id, stream, position, synced_at from pipeline.cursors order by all"
    ).fetchall()
    return [_status(connection, *row) for row in rows]


def _status(
    connection: duckdb.DuckDBPyConnection, account_id: str, stream: str, position: str, synced_at: datetime | None
) -> StreamStatus:
    at = msgspec.json.decode(position, type=Position)
    ((versions, objects),) = connection.execute(
        f"select count(*), count(distinct id) from raw.{stream} where account_id = ?",  # noqa: S608
        [account_id],
    ).fetchall()
    newest = datetime.fromtimestamp(at.newest, UTC) if at.newest else None
    return StreamStatus(account_id, stream, versions, objects, synced_at, newest, bool(at.remaining))
