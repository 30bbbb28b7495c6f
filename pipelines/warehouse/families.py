"""Families: all objects of one customer, or of what stands for one, and which of them a passage of time touches.

Knows buckets, of which a family is one of very many; nothing of what is made of the tables.
"""

from collections.abc import Mapping
from datetime import datetime

import duckdb
import polars as pl

from models.contracts.staging import TABLES
from models.reads import read_columns
from pipelines.warehouse import buckets, tables

OWNED = (*(table.table_name for table in buckets.DIVIDED), "discounts", "payment_methods")
"""Staged tables whose rows belong to a family: the divided ones, and those that are given whole but are someone's."""

MADE_FROM: tuple[tuple[str, str, str], ...] = (
    ("customers", "id", "customers"),
    ("subscriptions", "id", "subscriptions"),
    ("subscription_items", "subscription_id", "subscriptions"),
    ("subscription_versions", "subscription_id", "subscriptions"),
    ("subscription_schedules", "id", "subscription_schedules"),
    ("subscription_schedule_items", "subscription_schedule_id", "subscription_schedules"),
    ("invoices", "id", "invoices"),
    ("invoice_lines", "invoice_id", "invoices"),
    ("invoice_payments", "id", "invoice_payments"),
    ("invoice_payments", "invoice_id", "invoices"),
    ("invoice_items", "id", "invoice_items"),
    ("charges", "id", "charges"),
    ("refunds", "id", "refunds"),
    ("disputes", "id", "disputes"),
    ("early_fraud_warnings", "id", "early_fraud_warnings"),
    ("credit_notes", "id", "credit_notes"),
    ("payment_intents", "id", "payment_intents"),
    ("payment_methods", "id", "payment_methods"),
    ("payouts", "id", "payouts"),
    ("payout_transactions", "id", "payout_transactions"),
    ("balance_transactions", "id", "balance_transactions"),
)
"""Staged tables that belong to someone, the column that names the object a row is made from, and its stream. A discount
is made from what carries it, which is someone's too."""

_CONTRACTS = {table.table_name: table for table in TABLES}


def assign(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the temporary tables that say of which family each object is."""
    for name in OWNED:
        if not tables.exists(connection, "staging", name):
            tables.create(connection, _CONTRACTS[name], commented=False)
    buckets.assign(connection, "family")


def passing(connection: duckdb.DuckDBPyConnection, after: datetime, until: datetime) -> pl.Series:
    """The families of which any staged instant lies after the one and not after the other: what lay ahead is past. And
    those whose next period should have begun already. After `assign`."""
    queries = [
        f"select bucket from ({buckets.divided(name)}) where {' or '.join(f'({at} > ? and {at} <= ?)' for at in ats)}"
        for name in OWNED
        if (ats := _instants(name))
    ]
    bounds = [after, until] * sum(len(_instants(name)) for name in OWNED)
    found = connection.execute(" union ".join([*queries, buckets.query("overdue")]), [*bounds, until]).fetchall()
    return pl.Series("bucket", [bucket for (bucket,) in found], pl.UInt32)


def of_objects(connection: duckdb.DuckDBPyConnection, objects: Mapping[str, pl.DataFrame]) -> pl.Series:
    """The families of objects, frames of account_id and id by stream; after `assign`."""
    found = []
    for table, column, stream in MADE_FROM:
        if stream in objects and objects[stream].height:
            connection.register("asked", objects[stream].select("account_id", pl.col("id").alias(column)))
            query = (
                f"select distinct bucket from ({buckets.divided(table)}) semi join asked using (account_id, {column})"
            )
            found += connection.execute(query).fetchall()
            connection.unregister("asked")
    return pl.Series("bucket", sorted({bucket for (bucket,) in found}), pl.UInt32)


def in_other_currencies(connection: duckdb.DuckDBPyConnection, currency: str, since: datetime) -> pl.Series:
    """The families of whom anything that may count from an instant on is in another currency than this one; after
    `assign`."""
    return _found(connection, "other_currencies", {"currency": currency, "since": since})


def unsettled(connection: duckdb.DuckDBPyConnection) -> pl.Series:
    """The families of whom a rule may think otherwise after so many days: what they owe, or a bill that is a draft;
    after `assign`."""
    return _found(connection, "unsettled", {})


def _found(connection: duckdb.DuckDBPyConnection, query: str, values: dict[str, object]) -> pl.Series:
    rows = connection.execute(buckets.query(query), values).fetchall()
    return pl.Series("bucket", [bucket for (bucket,) in rows], pl.UInt32)


def of_customers(connection: duckdb.DuckDBPyConnection, customers: pl.DataFrame) -> pl.Series:
    """The families of customers, a frame of account_id and customer_id; after `assign`."""
    connection.register("asked", customers.select("account_id", "customer_id"))
    found: pl.DataFrame = connection.sql("select distinct bucket_of(account_id, customer_id) as bucket from asked").pl()
    connection.unregister("asked")
    return found["bucket"]


def _instants(name: str) -> list[str]:
    read = set(read_columns(name))
    return [f'"{one.name}"' for one in tables.columns(_CONTRACTS[name]) if one.name in read and _is_instant(one)]


def _is_instant(column: tables.Column) -> bool:
    return column.type == "TIMESTAMP WITH TIME ZONE"
