"""What lives on Stripe's test clocks: which held objects do, and which were seen and left out.

An object on a test clock says so itself, or it belongs to one that does. Knows the raw tables; decides nothing about
what is read or shown.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from importlib.resources import files
from typing import NamedTuple

import duckdb
import polars as pl

CLOCKS = "test_clocks"
"""The stream of the clocks themselves."""


class Belonging(NamedTuple):
    """Objects of a stream name at `field` of their payload an object of the stream `parent`, and live where it does."""

    stream: str
    field: str
    parent: str


BELONGINGS: tuple[Belonging, ...] = (
    Belonging("customers", "test_clock", CLOCKS),
    Belonging("subscriptions", "test_clock", CLOCKS),
    Belonging("subscription_schedules", "test_clock", CLOCKS),
    Belonging("invoices", "test_clock", CLOCKS),
    Belonging("invoice_items", "test_clock", CLOCKS),
    Belonging("credit_grants", "test_clock", CLOCKS),
    Belonging("checkout_sessions", "customer", "customers"),
    Belonging("customer_balance_transactions", "customer", "customers"),
    Belonging("payment_methods", "customer", "customers"),
    Belonging("payment_intents", "customer", "customers"),
    Belonging("charges", "customer", "customers"),
    Belonging("refunds", "charge", "charges"),
    Belonging("disputes", "charge", "charges"),
    Belonging("reviews", "charge", "charges"),
    Belonging("early_fraud_warnings", "charge", "charges"),
    Belonging("invoice_payments", "invoice", "invoices"),
    Belonging("credit_notes", "invoice", "invoices"),
)
"""Parents before what belongs to them. Balance transactions and payouts are not among them: the account's balance is
one sum of them all."""


class LeftOut(NamedTuple):
    """An object that was seen and not kept, the clock it lives on, and when it had changed at the latest (epoch
    seconds)."""

    stream: str
    id: str
    test_clock: str
    changed_at: int


def create(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the table of what was left out, where it is not there yet."""
    connection.execute("""
        create schema if not exists pipeline;
        create table if not exists pipeline.left_out (
            account_id varchar not null, stream varchar not null, id varchar not null, test_clock varchar not null,
            changed_at bigint not null
        );
    """)


def leave_out(connection: duckdb.DuckDBPyConnection, account_id: str, entries: Iterable[LeftOut]) -> None:
    """Note objects that are left out, in the caller's transaction."""
    rows = list(entries)
    if rows:
        left_now = pl.DataFrame(rows, schema=list(LeftOut._fields), orient="row")  # noqa: F841 - the query reads it
        connection.execute(_query("leave_out"), {"account_id": account_id})


def take_back(
    connection: duckdb.DuckDBPyConnection, account_id: str, clocks: Sequence[str]
) -> list[tuple[str, str, int]]:
    """(stream, id, changed_at) of what was left out of the clocks, and is no more. In the caller's transaction."""
    given = {"account_id": account_id, "clocks": list(clocks)}
    return connection.execute(_query("take_back"), given).fetchall()


def customers_on(connection: duckdb.DuckDBPyConnection, account_id: str, clocks: Sequence[str]) -> list[str]:
    """The ids of the customers that are held as present on the clocks."""
    of_customers = [each for each in BELONGINGS if each.stream == "customers"]
    return [id_ for _, id_ in _on(connection, account_id, clocks, of_customers)]


def present_on(connection: duckdb.DuckDBPyConnection, account_id: str, clocks: Sequence[str]) -> list[tuple[str, str]]:
    """(stream, id) of everything that is held as present on the clocks, or belongs to what is."""
    return _on(connection, account_id, clocks, BELONGINGS)


def set_aside(connection: duckdb.DuckDBPyConnection, *, are_read: bool) -> None:
    """Make `on_clocks`: account_id, stream and id of what no table is made of.

    Where clocks are not read, that is all that lives on one; where they are, what lived on a clock that is gone.
    """
    create(connection)
    _start(connection)
    if _is_live(connection):
        return
    _execute(connection, "left_out_on_clocks")
    if _is_there(connection, CLOCKS):
        _execute(connection, "held_clocks", which="deleted" if are_read else "true")
    if not are_read:
        for each in BELONGINGS:
            if each.parent == CLOCKS and _is_there(connection, each.stream):
                _execute(connection, "named_clocks", stream=each.stream)
    _follow(connection, BELONGINGS)


def _on(
    connection: duckdb.DuckDBPyConnection, account_id: str, clocks: Sequence[str], belongings: Sequence[Belonging]
) -> list[tuple[str, str]]:
    if not clocks:
        return []
    _start(connection)
    connection.execute("insert into on_clocks select ?, ?, unnest(?::varchar[])", [account_id, CLOCKS, list(clocks)])
    _follow(connection, belongings)
    return [(each.stream, id_) for each in belongings for id_ in _present(connection, account_id, each.stream)]


def _start(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("create or replace temp table on_clocks (account_id varchar, stream varchar, id varchar)")


def _follow(connection: duckdb.DuckDBPyConnection, belongings: Sequence[Belonging]) -> None:
    """Add what names anything that is there already, streams in order."""
    if not connection.execute("select 1 from on_clocks limit 1").fetchall():
        return
    for each in belongings:
        if _is_there(connection, each.stream):
            _execute(connection, "belonging", **each._asdict())


def _present(connection: duckdb.DuckDBPyConnection, account_id: str, stream: str) -> list[str]:
    query = _query("present_on_clocks").format(stream=stream)
    return [id_ for (id_,) in connection.execute(query, {"account_id": account_id}).fetchall()]


def _is_live(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether the warehouse is known to hold live mode, in which there are no test clocks."""
    if not _exists(connection, "pipeline", "accounts"):
        return False
    return connection.execute("select distinct livemode from pipeline.accounts").fetchall() == [(True,)]


def _is_there(connection: duckdb.DuckDBPyConnection, stream: str) -> bool:
    return _exists(connection, "raw", stream)


def _exists(connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> bool:
    found = "select 1 from duckdb_tables() where schema_name = ? and table_name = ?"
    return bool(connection.execute(found, [schema, table]).fetchall())


def _execute(connection: duckdb.DuckDBPyConnection, name: str, **words: str) -> None:
    connection.execute(_query(name).format(**words))


@cache
def _query(name: str) -> str:
    return files("pipelines.warehouse").joinpath("clocks", f"{name}.sql").read_text()
