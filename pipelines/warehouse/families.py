"""Families: staged rows that hang together, since one names what another names, and which of them time alone touches.

A row names objects: itself, its customer, the invoice or the charge it belongs to. Whoever names the same object is of
one family, and so on, so that whatever the models join lies in one: a customer with all that is theirs, as a rule.
Knows staged tables; nothing of what is made of them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import duckdb
import polars as pl

from models.contracts.staging import TABLES
from models.increment import CannotFollowError
from models.reads import read_columns
from pipelines.warehouse import buckets, tables

NAMES: Mapping[str, Mapping[str, str]] = {
    "customers": {"id": "customer"},
    "subscriptions": {"id": "subscription", "customer_id": "customer"},
    "subscription_items": {"subscription_id": "subscription"},
    "subscription_versions": {"subscription_id": "subscription"},
    "subscription_schedules": {"id": "schedule", "customer_id": "customer", "subscription_id": "subscription"},
    "subscription_schedule_items": {"subscription_schedule_id": "schedule"},
    "invoices": {"id": "invoice", "customer_id": "customer", "subscription_id": "subscription"},
    "payment_intents": {"id": "intent", "customer_id": "customer"},
    "payment_methods": {"id": "method", "customer_id": "customer"},
    "charges": {
        "id": "source",
        "customer_id": "customer",
        "payment_intent_id": "intent",
        "balance_transaction_id": "transaction",
    },
    "refunds": {
        "id": "source",
        "customer_id": "customer",
        "charge_id": "source",
        "balance_transaction_id": "transaction",
    },
    "disputes": {"id": "source", "charge_id": "source"},
    "early_fraud_warnings": {"id": "warning", "charge_id": "source"},
    "invoice_payments": {
        "id": "payment",
        "invoice_id": "invoice",
        "payment_intent_id": "intent",
        "charge_id": "source",
    },
    "invoice_items": {
        "id": "invoice_item",
        "customer_id": "customer",
        "invoice_id": "invoice",
        "subscription_id": "subscription",
    },
    "invoice_lines": {"invoice_id": "invoice", "subscription_id": "subscription"},
    "credit_notes": {"id": "credit_note", "customer_id": "customer", "invoice_id": "invoice"},
    "credit_note_lines": {"credit_note_id": "credit_note"},
    "discounts": {"customer_id": "customer", "subscription_id": "subscription", "invoice_id": "invoice"},
    "payouts": {
        "id": "source",
        "balance_transaction_id": "transaction",
        "failure_balance_transaction_id": "transaction",
    },
    "payout_transactions": {"id": "payout_transaction", "payout_id": "payout"},
    "balance_transactions": {"id": "transaction", "source_id": "source"},
}
"""The columns of staged tables that name objects, and of what kind. Charges, refunds, disputes and payouts are of one
kind: a balance transaction names any of them as its source. Tables stand after those whose objects they name."""

KINDS = pl.Enum(sorted({kind for columns in NAMES.values() for kind in columns.values()}))
NAME = {"kind": KINDS, "account_id": pl.String(), "id": pl.String()}
"""A name: of what kind the object is, of which account, and its id there."""
KEY = list(NAME)
OBJECT = ["account_id", "id"]

Names = pl.DataFrame
"""Objects by `NAME`: kind, account_id, id."""

QUERIES = Path(__file__).parent / "families"
_CONTRACTS = {table.table_name: table for table in TABLES}


@dataclass
class Gathered:
    """Whole families.

    Attributes:
        names: every object that is named in them.
        staged: of each database their rows of the tables that are divided, as `models.marts.mapped` takes them.
    """

    names: Names
    staged: Sequence[dict[str, pl.LazyFrame]]


def complete(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the tables that nothing was staged into, empty."""
    tables.complete(connection, [_CONTRACTS[name] for name in NAMES])


def gathered(held: Sequence[duckdb.DuckDBPyConnection], wanted: Names, most: float) -> Gathered:
    """The families of which any of these objects is named, in any of the databases: what hangs together in one of them
    is not taken apart in another.

    Args:
        held: databases with the staged tables, such as those of then and of now.
        wanted: objects of those that are wanted.
        most: the number of customers of which all is gathered.

    Raises:
        CannotFollowError: they have more customers.
    """
    searches = [_Search(connection) for connection in held]
    names, before = wanted.unique(maintain_order=True), -1
    while names.height > before:
        before = names.height
        for table in NAMES:
            for search in searches:
                found = search.look(table, names)
                names = pl.concat([names, found.join(names, on=KEY, how="anti")])
            if customers(names) > most:
                raise CannotFollowError(f"more than {int(most):,} customers have changed")
    return Gathered(names, [search.staged() for search in searches])


def customers(names: Names) -> int:
    """How many customers are named."""
    return names.filter(pl.col("kind") == "customer").height


def of_streams(changed: Mapping[str, pl.DataFrame]) -> Names:
    """Objects, frames of account_id and id by stream, as names; those of no one's streams are left out."""
    return together(
        _kind(rows, NAMES[stream]["id"]) for stream, rows in changed.items() if "id" in NAMES.get(stream, ())
    )


def of_customers(found: pl.DataFrame) -> Names:
    """Customers, a frame of account_id and customer_id, as names."""
    return _kind(found.rename({"customer_id": "id"}), "customer")


def passing(connection: duckdb.DuckDBPyConnection, after: datetime, until: datetime) -> Names:
    """Those of whom any staged instant lies after the one and not after the other: what lay ahead is past. And those
    whose next period should have begun already."""
    found = [_found(connection, "overdue", {"until": until})]
    for table in NAMES:
        if instants := _instants(table):
            lies = " or ".join(f"({at} > $after and {at} <= $until)" for at in instants)
            query = f"select {_listed(_naming(table))} from staging.{table} where {lies}"
            rows = connection.sql(query, params={"after": after, "until": until}).pl()
            found.append(named(table, rows))
    return together(found)


def in_other_currencies(connection: duckdb.DuckDBPyConnection, currency: str, since: datetime) -> Names:
    """Those of whom anything that may count from an instant on is in another currency than this one."""
    return _found(connection, "other_currencies", {"currency": currency, "since": since})


def unsettled(connection: duckdb.DuckDBPyConnection) -> Names:
    """Those of whom a rule may think otherwise after so many days: what they owe, or a bill that is a draft."""
    return _found(connection, "unsettled", {})


def _found(connection: duckdb.DuckDBPyConnection, query: str, values: dict[str, object]) -> Names:
    rows: pl.DataFrame = connection.sql((QUERIES / f"{query}.sql").read_text(), params=values).pl()
    return rows.select(pl.col("kind").cast(KINDS), "account_id", "id")


@dataclass
class _Search:
    """What was found in one database so far.

    Attributes:
        rows: by table the rows that were found, with their `number` in it.
        looked: for each column, how many of the names that there are have been looked for.
    """

    connection: duckdb.DuckDBPyConnection
    rows: dict[str, pl.DataFrame] = field(default_factory=dict)
    looked: dict[tuple[str, str], int] = field(default_factory=dict)

    def look(self, table: str, names: Names) -> Names:
        """Find the rows of a table that name any of these, and say what they name. Of the names, those that were looked
        for before come first."""
        own = [column for column in NAMES[table] if _is_own(column)]
        others = [column for column in NAMES[table] if column not in own]
        # What is found by others needs not be looked for by its own id, which is most of it.
        return together([self._look(table, others, names), self._look(table, own, names)])

    def _look(self, table: str, columns: Sequence[str], names: Names) -> Names:
        asked = {column: some for column in columns if (some := self._asked(table, column, names)).height}
        new = self._new(table, asked)
        if not new.height:
            return names.clear()
        found = self._read(table, new)
        self.rows[table] = pl.concat([self.rows[table], found]) if table in self.rows else found
        return named(table, found)

    def staged(self) -> dict[str, pl.LazyFrame]:
        """The rows of the tables that are divided."""
        divided = {contract.table_name: contract for contract in buckets.DIVIDED}
        return {
            name: (self.rows[name] if name in self.rows else contract.create_empty()).select(read_columns(name)).lazy()
            for name, contract in divided.items()
        }

    def _new(self, table: str, asked: Mapping[str, Names]) -> pl.DataFrame:
        """The numbers of rows that were not found before. A column is read by itself: of most rows that is all."""
        found = [pl.DataFrame(schema={"number": pl.Int64})]
        for column, some in asked.items():
            self.connection.register("asked", some.select("account_id", pl.col("id").alias(column)))
            query = f"select rowid as number from staging.{table} semi join asked using (account_id, {column})"
            found.append(self.connection.sql(query).pl())
            self.connection.unregister("asked")
        new = pl.concat(found).unique()
        return new.join(self.rows[table], on="number", how="anti") if table in self.rows else new

    def _read(self, table: str, new: pl.DataFrame) -> pl.DataFrame:
        columns = _listed(list(dict.fromkeys([*_naming(table), *_read(table)])))
        self.connection.register("new", new)
        query = f"select rowid as number, {columns} from staging.{table} where rowid in (select number from new)"
        found: pl.DataFrame = self.connection.sql(query).pl()
        self.connection.unregister("new")
        return found

    def _asked(self, table: str, column: str, names: Names) -> Names:
        fresh = names[self.looked.get((table, column), 0) :].filter(pl.col("kind") == NAMES[table][column])
        self.looked[table, column] = names.height
        if not _is_own(column) or table not in self.rows:
            return fresh
        # A row that was found names the object already: there is no other.
        return fresh.join(self.rows[table], left_on=OBJECT, right_on=["account_id", column], how="anti")


def _is_own(column: str) -> bool:
    """Whether no two rows of a table name the same object in the column."""
    return column == "id" or column.endswith("balance_transaction_id")


def _read(table: str) -> tuple[str, ...]:
    """The columns that models read of a table that is divided; of one that they are given whole, none."""
    return read_columns(table) if _CONTRACTS[table] in buckets.DIVIDED else ()


def _naming(table: str) -> tuple[str, ...]:
    return ("account_id", *NAMES[table])


def named(table: str, rows: pl.DataFrame) -> Names:
    """What rows of a table name, each once."""
    return together(
        _kind(rows.select("account_id", pl.col(column).alias("id")), kind) for column, kind in NAMES[table].items()
    )


def _kind(rows: pl.DataFrame, kind: str) -> Names:
    return rows.select(pl.lit(kind, KINDS).alias("kind"), "account_id", "id").drop_nulls()


def together(names: Iterable[Names]) -> Names:
    """All of them, each once."""
    return pl.concat([pl.DataFrame(schema=NAME), *names]).unique(maintain_order=True)


def _instants(name: str) -> list[str]:
    read = set(read_columns(name))
    return [f'"{one.name}"' for one in tables.columns(_CONTRACTS[name]) if one.name in read and _is_instant(one)]


def _is_instant(column: tables.Column) -> bool:
    return column.type == "TIMESTAMP WITH TIME ZONE"


def _listed(columns: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in columns)
