"""Customers who were erased: their tombstones, what of them is taken out of raw, and what never comes in again.

Raw is append-only but for this: every version of what is theirs is rewritten without personal data, in one transaction.
Each keeps the hash of what Stripe sent, so that the same version arriving again is no new one. The hash is of the whole
object, with ids and instants that nobody can guess, and leads back to nothing.
"""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

import duckdb
import polars as pl

from pipelines.warehouse.redaction import Redaction, belongings, owner

NOBODYS = frozenset(
    "accounts balances coupons meter_event_summaries meters payouts prices products tax_rates test_clocks".split()  # noqa: SIM905
)
"""Raw tables that hold nothing of a customer's beside ids."""
DETACHED = ("payment_methods",)
"""Raw tables whose objects stop naming whose they were."""
_REFERENCE = '"([a-z]{2,12}_[A-Za-z0-9_]+)"'
_CUSTOMER = """coalesce(
    payload ->> '$.customer', payload ->> '$.data.object.customer', payload ->> '$.data.previous_attributes.customer',
    case 'customer'
        when payload ->> '$.object' then payload ->> '$.id'
        when payload ->> '$.data.object.object' then payload ->> '$.data.object.id'
    end
)"""
"""Whose a payload says that it is."""
_TABLES = """
create schema if not exists pipeline;
create table if not exists pipeline.erased (
    account_id varchar not null, customer_id varchar not null, kept_metadata varchar[] not null, taken varchar not null
);
create table if not exists pipeline.erased_objects (
    account_id varchar not null, customer_id varchar not null, id varchar not null
);
"""


@dataclass(frozen=True)
class Tombstone:
    """Whom to keep out. `kept_metadata` are keys of metadata that figures are made by."""

    account_id: str
    customer_id: str
    kept_metadata: tuple[str, ...] = ()


@dataclass
class Taken:
    """What was taken out of a table, or would be: versions of objects, and values in them."""

    versions: int = 0
    values: int = 0


@dataclass
class Search:
    """What the warehouse holds of a customer: the ids of what is theirs, and by table what is to be written instead."""

    tombstone: Tombstone
    ids: set[str] = field(default_factory=set)
    rewritten: dict[str, dict[int, bytes]] = field(default_factory=dict)
    taken: dict[str, Taken] = field(default_factory=dict)
    telling: set[str] = field(default_factory=set, repr=False)

    @property
    def is_clean(self) -> bool:
        """Whether nothing is left to be taken out."""
        return not any(each.values for each in self.taken.values())


def create(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the tables of tombstones where they are not there yet."""
    connection.execute(_TABLES)


def tombstones(connection: duckdb.DuckDBPyConnection) -> list[Tombstone]:
    """Everybody who is to be kept out."""
    create(connection)
    rows = connection.execute("select account_id, customer_id, kept_metadata from pipeline.erased").fetchall()
    return [Tombstone(account, customer, tuple(kept)) for account, customer, kept in rows]


def redacted(
    connection: duckdb.DuckDBPyConnection, table: str, account_id: str, arriving: pl.DataFrame
) -> pl.DataFrame:
    """Arriving rows of `raw.SCHEMA`, those of erased customers without personal data; what is theirs is remembered."""
    owned = {} if table in NOBODYS else _owned(connection, account_id)
    if not owned:
        return arriving
    known = dict(owned)
    payloads: list[str] = arriving["payload"].to_list()
    theirs: dict[int, str] = {}
    while more := _claimed(arriving["id"], payloads, owned, theirs):
        for place, customer in more.items():
            belonging = belongings(payloads[place].encode())
            own = set() if table == "events" else {str(arriving["id"][place])}
            owned = dict.fromkeys(belonging | own, customer) | owned
        theirs |= more
    kept = {each.customer_id: frozenset(each.kept_metadata) for each in tombstones(connection)}
    for place, customer in theirs.items():
        payloads[place] = Redaction(kept.get(customer, frozenset())).of(payloads[place].encode()).decode()
    learned = {id_: customer for id_, customer in owned.items() if id_ not in known}
    _remember(connection, account_id, [(customer, id_) for id_, customer in learned.items()])
    for customer in sorted(set(learned.values())):
        tombstone = Tombstone(account_id, customer, tuple(sorted(kept.get(customer, ()))))
        _follow(connection, tombstone, {id_ for id_, whose in learned.items() if whose == customer})
    return arriving.with_columns(pl.Series("payload", payloads, pl.String))


def taken(connection: duckdb.DuckDBPyConnection, tombstone: Tombstone) -> dict[str, Taken]:
    """What was taken out of each table when the customer was erased; nothing before."""
    create(connection)
    there = [tombstone.account_id, tombstone.customer_id]
    query = "select taken from pipeline.erased where account_id = ? and customer_id = ?"
    rows = connection.execute(query, there).fetchall()
    return {name: Taken(**told) for name, told in json.loads(rows[0][0]).items()} if rows else {}


def search(connection: duckdb.DuckDBPyConnection, tombstone: Tombstone, ids: Collection[str] = ()) -> Search:
    """Find every version of everything that is the customer's, such as what has these ids; changes nothing."""
    held = (id_ for id_, who in _held_ids(connection, tombstone) if who == tombstone.customer_id)
    found = Search(tombstone, {tombstone.customer_id, *ids, *held})
    tables = [name for name in _raw_tables(connection) if name not in NOBODYS]
    for table in tables:
        _take(found, table, _mentioning(connection, table, tombstone))
    before = 0
    while len(found.ids) > before:
        before = len(found.ids)
        for table in tables:
            _take(found, table, _referring(connection, table, tombstone, found.ids))
    return found


def erase(connection: duckdb.DuckDBPyConnection, found: Search) -> None:
    """Put the tombstone up and rewrite what was found, in the caller's transaction."""
    create(connection)
    account, customer = found.tombstone.account_id, found.tombstone.customer_id
    there = [account, customer]
    known = taken(connection, found.tombstone) if found.is_clean else {}
    told = json.dumps({name: vars(each) for name, each in (known or found.taken).items() if each.versions})
    connection.execute("delete from pipeline.erased where account_id = ? and customer_id = ?", there)
    row = [*there, list(found.tombstone.kept_metadata), told]
    connection.execute("insert into pipeline.erased values (?, ?, ?, ?)", row)
    connection.execute("delete from pipeline.erased_objects where account_id = ? and customer_id = ?", there)
    _remember(connection, account, [(customer, id_) for id_ in sorted(found.ids)])
    _write(connection, found)


def is_held(connection: duckdb.DuckDBPyConnection, value: str) -> bool:
    """Whether any payload holds the text: once a customer is erased, it is somebody else's, or one of `unclaimed`."""
    return any(
        connection.execute(f"select 1 from raw.{table} where contains(payload::varchar, ?) limit 1", [value]).fetchall()
        for table in _raw_tables(connection)
    )


def unclaimed(connection: duckdb.DuckDBPyConnection, tombstone: Tombstone, value: str) -> list[tuple[str, str]]:
    """Table and id of what holds the text and names no customer, nor is named by what is another customer's.

    Nothing says that it is the erased customer's, and nothing that it is not: a person has to look.
    """
    found: set[tuple[str, str]] = set()
    for table in _raw_tables(connection):
        query = f"""
            select distinct id, coalesce(payload ->> '$.data.object.id', id),
                regexp_extract_all(payload::varchar, '{_REFERENCE}', 1)
            from raw.{table} where account_id = ? and contains(payload::varchar, ?) and {_CUSTOMER} is null
        """
        if table not in NOBODYS:
            rows = connection.execute(query, [tombstone.account_id, value]).fetchall()
            found |= {
                (table, id_) for id_, about, named in rows if not _is_anothers(connection, tombstone, about, named)
            }
    return sorted(found)


def _is_anothers(connection: duckdb.DuckDBPyConnection, tombstone: Tombstone, id_: str, named: Collection[str]) -> bool:
    """Whether what has this id is, names, or is named by something of another customer's."""
    parameters = {
        "account": tombstone.account_id,
        "customer": tombstone.customer_id,
        "ids": [id_, *named],
        "mention": f'"{id_}"',
    }
    return any(
        connection.execute(
            f"""
            select 1 from raw.{table}
            where account_id = $account
                and (id in (select unnest($ids::varchar[])) or contains(payload::varchar, $mention))
                and {_CUSTOMER} <> $customer
            limit 1
            """,
            parameters,
        ).fetchall()
        for table in _raw_tables(connection)
        if table not in NOBODYS
    )


def _claimed(
    ids: pl.Series, payloads: list[str], owned: Mapping[str, str], theirs: Mapping[int, str]
) -> dict[int, str]:
    """Rows by place that are an erased customer's, and whose, without those that are known to be."""
    found: dict[int, str] = {}
    for place, (id_, payload) in enumerate(zip(ids, payloads, strict=True)):
        customer = None if place in theirs else owner(payload.encode(), owned, id_)
        if customer is not None:
            found[place] = customer
    return found


def _follow(connection: duckdb.DuckDBPyConnection, tombstone: Tombstone, ids: Collection[str]) -> None:
    """Take out what came in before anything said whose it is."""
    found = Search(tombstone, {tombstone.customer_id, *ids})
    chosen = pl.DataFrame({"id": sorted(ids)})  # noqa: F841 - the query reads it
    for table in sorted({*DETACHED}.intersection(_raw_tables(connection))):
        query = f"select seq, id, payload::varchar from raw.{table} semi join chosen using (id) where account_id = ?"
        _take(found, table, iter(connection.execute(query, [tombstone.account_id]).fetchall()))
    _write(connection, found)


def _write(connection: duckdb.DuckDBPyConnection, found: Search) -> None:
    for table, rows in found.rewritten.items():
        _rewrite(connection, f"raw.{table}", rows)
    if ("pipeline", "renditions") in _tables(connection):
        for table, rows in _renditions(connection, found).items():
            _rewrite(connection, "pipeline.renditions", rows, f"and target.stream = '{table}'")


def _take(found: Search, table: str, rows: Iterator[tuple[int, str, str]]) -> None:
    owned = dict.fromkeys(found.ids, found.tombstone.customer_id)
    known = found.rewritten.setdefault(table, {})
    tally = found.taken.setdefault(table, Taken())
    for seq, id_, payload in rows:
        if seq in known or owner(payload.encode(), owned, id_) is None:
            continue
        redaction = Redaction(frozenset(found.tombstone.kept_metadata))
        known[seq] = redaction.of(payload.encode())
        tally.versions += 1
        tally.values += redaction.values
        found.telling |= redaction.telling
        own = belongings(payload.encode()) | (set() if table == "events" else {id_})
        found.ids |= own
        owned |= dict.fromkeys(own, found.tombstone.customer_id)


def _mentioning(
    connection: duckdb.DuckDBPyConnection, table: str, tombstone: Tombstone
) -> Iterator[tuple[int, str, str]]:
    """Versions that name the customer anywhere; `owner` says whose they are."""
    query = (
        f"select seq, id, payload::varchar from raw.{table} where account_id = $account "
        "and (id = $customer or contains(payload::varchar, '\"' || $customer || '\"'))"
    )
    parameters = {"account": tombstone.account_id, "customer": tombstone.customer_id}
    return iter(connection.execute(query, parameters).fetchall())


def _referring(
    connection: duckdb.DuckDBPyConnection, table: str, tombstone: Tombstone, ids: set[str]
) -> Iterator[tuple[int, str, str]]:
    """Versions that have one of the ids or may refer to one. What names another customer is theirs, and is passed over:
    to look for every reference takes many times as long."""
    chosen = pl.DataFrame({"reference": sorted(ids)})  # noqa: F841 - the query reads it
    query = f"""
        with possible as (
            select seq, id, payload::varchar as payload from raw.{table} where account_id = $account
        ),
        named as (
            select seq, unnest(regexp_extract_all(payload, '{_REFERENCE}', 1)) as reference from possible
            where not contains(payload, '"customer":"') or contains(payload, '"' || $customer || '"')
        )
        select seq, id, payload from possible
        where id in (select reference from chosen) or seq in (select seq from named semi join chosen using (reference))
    """
    parameters = {"account": tombstone.account_id, "customer": tombstone.customer_id}
    return iter(connection.execute(query, parameters).fetchall())


def _renditions(connection: duckdb.DuckDBPyConnection, found: Search) -> Mapping[str, dict[int, bytes]]:
    """What the renditions of the rewritten versions become, by table."""
    kept = frozenset(found.tombstone.kept_metadata)
    made: dict[str, dict[int, bytes]] = {}
    for table, rows in found.rewritten.items():
        query = "select seq, payload::varchar from pipeline.renditions where stream = ? and payload is not null"
        held = connection.execute(query, [table]).fetchall()
        made[table] = {seq: Redaction(kept).of(payload.encode()) for seq, payload in held if seq in rows}
    return made


def _rewrite(connection: duckdb.DuckDBPyConnection, table: str, rows: Mapping[int, bytes], more: str = "") -> None:
    if rows:
        texts = [payload.decode() for payload in rows.values()]
        instead = pl.DataFrame({"seq": list(rows), "payload": texts})  # noqa: F841 - the query reads it
        connection.execute(
            f"update {table} as target set payload = instead.payload from instead where target.seq = instead.seq {more}"
        )


def _owned(connection: duckdb.DuckDBPyConnection, account_id: str) -> dict[str, str]:
    query = "select id, customer_id from pipeline.erased_objects where account_id = ?"
    return dict(connection.execute(query, [account_id]).fetchall())


def _held_ids(connection: duckdb.DuckDBPyConnection, tombstone: Tombstone) -> list[tuple[str, str]]:
    if ("pipeline", "erased_objects") not in _tables(connection):
        return []
    return list(_owned(connection, tombstone.account_id).items())


def _remember(connection: duckdb.DuckDBPyConnection, account_id: str, owned: list[tuple[str, str]]) -> None:
    if owned:
        columns = {"customer_id": [who for who, _ in owned], "id": [id_ for _, id_ in owned]}
        learned = pl.DataFrame(columns)  # noqa: F841 - the query reads it
        connection.execute("insert into pipeline.erased_objects select ?, customer_id, id from learned", [account_id])


def _raw_tables(connection: duckdb.DuckDBPyConnection) -> list[str]:
    return sorted(name for schema, name in _tables(connection) if schema == "raw")


def _tables(connection: duckdb.DuckDBPyConnection) -> set[tuple[str, str]]:
    query = "select schema_name, table_name from duckdb_tables() where database_name = current_database()"
    return set(connection.execute(query).fetchall())
