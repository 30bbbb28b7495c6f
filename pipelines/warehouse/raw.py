"""The raw tables: every distinct version of every object, as Stripe sent it, appended and never changed.

The one exception are customers who were erased (`erased.py`): what is theirs stands here without personal data, and
what arrives of them is redacted before it is written. Knows how versions are told apart and kept; knows nothing of the
API, and of what payloads mean no more than that.
"""

from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files

import duckdb
import polars as pl
import pyarrow as pa

from pipelines.warehouse import erased

SCHEMA = pl.Schema(
    {
        "id": pl.String(),
        "version_hash": pl.String(),
        "changed_at": pl.Datetime("us", "UTC"),
        "seen_at": pl.Datetime("us", "UTC"),
        "seen_by": pl.String(),
        "deleted": pl.Boolean(),
        "payload": pl.String(),
    }
)
"""The columns of a frame that `append` takes, in any order of rows; later rows of an id are later versions."""

_APPEND = files("pipelines.warehouse").joinpath("raw_append.sql").read_text()
_COMMENTS = {
    "account_id": "Stripe account the object belongs to",
    "id": "Stripe id of the object",
    "version_hash": "Hash of the payload: tells versions of an object apart",
    "changed_at": "When the event that led here says it changed; null when no event did (UTC)",
    "seen_at": "Server time of the read that first showed this version (UTC)",
    "seen_by": "What led to the read: list, event, sweep, resync or import",
    "api_version": "API version the payload is rendered in",
    "deleted": "True when Stripe has deleted the object; the payload is then the last one known",
    "seq": "Order of arrival within the table",
    "payload": "The object as Stripe sent it, without card numbers and secrets",
}


def create(connection: duckdb.DuckDBPyConnection, tables: Iterable[str]) -> None:
    """Make the schema and the tables that are not there yet."""
    connection.execute("create schema if not exists raw")
    erased.create(connection)
    present = {
        name
        for (name,) in connection.execute("select table_name from duckdb_tables() where schema_name = 'raw'").fetchall()
    }
    for table in tables:
        if table not in present:
            _create(connection, table)


def versions(columns: Mapping[str, Sequence[object]]) -> pl.DataFrame:
    """A frame of `SCHEMA` from columns, payloads as UTF-8 bytes: they become text without passing through Python's.

    Raises:
        polars.exceptions.InvalidOperationError: a payload is no UTF-8.
    """
    instants = {name: pa.array(columns[name], pa.timestamp("us", "UTC")) for name in ("changed_at", "seen_at")}
    payloads = pl.Series(columns["payload"], dtype=pl.Binary).cast(pl.String)
    return pl.DataFrame({**columns, **instants, "payload": payloads}, schema=SCHEMA)


def append(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    account_id: str,
    api_version: str,
    arriving: pl.DataFrame,
    *,
    all_new: bool = False,
) -> int:
    """Append the rows that are new versions: those whose hash differs from the version before it, held or arriving.

    The frame has the columns of `SCHEMA`. `all_new` says that no version of any of its ids is held, which spares
    looking for them. Returns how many rows were written. The caller holds the transaction.
    """
    new = _new_versions(connection, table, account_id, arriving, all_new=all_new)
    if new.is_empty():
        return 0
    new = erased.redacted(connection, table, account_id, new)
    query = _APPEND.format(table=table)
    written = connection.execute(query, {"account_id": account_id, "api_version": api_version}).fetchall()
    return int(written[0][0])


def _new_versions(
    connection: duckdb.DuckDBPyConnection, table: str, account_id: str, arriving: pl.DataFrame, *, all_new: bool
) -> pl.DataFrame:
    """The arriving rows that are new versions, with their `place`. Payloads are not touched where all are."""
    if all_new and arriving["id"].n_unique() == arriving.height:
        return arriving.with_row_index("place", offset=1)
    told = arriving.select("id", "version_hash").with_row_index("place", offset=1)
    held = {} if all_new else _newest(connection, "version_hash", table, account_id, arriving["id"].unique().to_list())
    before = pl.coalesce(
        pl.col("version_hash").shift().over("id"),
        pl.col("id").replace_strict(held, default=None, return_dtype=pl.String),
    )
    is_new = told.select(pl.col("version_hash").ne_missing(before)).to_series()
    placed = arriving.with_columns(told["place"])
    return placed if is_new.all() else placed.filter(is_new)


def newest_payloads(
    connection: duckdb.DuckDBPyConnection, table: str, account_id: str, ids: list[str]
) -> dict[str, str]:
    """The newest payload held of each id, of those that are held."""
    return _newest(connection, "payload", table, account_id, ids)


def _newest(
    connection: duckdb.DuckDBPyConnection, column: str, table: str, account_id: str, ids: list[str]
) -> dict[str, str]:
    """A column of the newest version held of each id, of those that are held."""
    rows = connection.execute(
        f"select id, arg_max({column}, seq) from raw.{table} "
        "where account_id = ? and id in (select unnest(?::varchar[])) group by id",
        [account_id, ids],
    ).fetchall()
    return dict(rows)


def _create(connection: duckdb.DuckDBPyConnection, table: str) -> None:
    connection.execute(f"""
        create table raw.{table} (
            account_id varchar not null,
            id varchar not null,
            version_hash varchar not null,
            changed_at timestamptz,
            seen_at timestamptz not null,
            seen_by varchar not null,
            api_version varchar not null,
            deleted boolean not null,
            seq bigint not null,
            payload json not null using compression zstd
        )
    """)
    connection.execute(f"comment on table raw.{table} is 'One row a distinct version of an object, append-only'")
    for column, comment in _COMMENTS.items():
        connection.execute(f"comment on column raw.{table}.{column} is '{comment}'")
