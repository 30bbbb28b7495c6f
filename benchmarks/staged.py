"""A company as staged tables, made in the database itself: for sizes that no served account reaches in reasonable time.

Some 34 invoice lines a customer over sixty months: monthly and yearly, several items, changes within a period and
their prorations, coupons, three currencies, trials, failed and unpaid invoices, refunds, disputes and those who left.
The same number of customers is the same company.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from models.contracts.staging import TABLES
from pipelines.warehouse import tables

AS_OF = datetime(2026, 1, 1, tzinfo=UTC)
LINES_A_CUSTOMER = 34
"""About how many; `customers_for` goes by it."""
AT_ONCE = 20_000
"""Customers that are made at once."""
QUERIES = Path(__file__).parent / "staged"


def customers_for(lines: int) -> int:
    """How many customers have about so many invoice lines."""
    return max(lines // LINES_A_CUSTOMER, 1)


def make(connection: duckdb.DuckDBPyConnection, customers: int) -> int:
    """Make every staged table of a company of so many customers; how many invoice lines that are."""
    for contract in TABLES:
        tables.create(connection, contract)
    connection.execute(query("macros"))
    connection.execute(query("catalogue"))
    for first, end in _ranges(customers):
        grow(connection, first, end)
    return int(connection.execute("select count(*) from staging.invoice_lines").fetchall()[0][0])


def grow(connection: duckdb.DuckDBPyConnection, first: int, end: int) -> None:
    """Add the customers of these numbers, the last one left out, to tables that are there."""
    connection.execute(query("lives"), [first, end])
    for part in ("parts", "lines", "tables"):
        connection.execute(query(part))
    for table in ("attempts", "totals", "lines", "changes", "regular", "periods", "items", "lives"):
        connection.execute(f"drop table {table}")


def _ranges(customers: int) -> Iterator[tuple[int, int]]:
    for first in range(0, customers, AT_ONCE):
        yield first, min(first + AT_ONCE, customers)


def query(name: str) -> str:
    """The text of `staged/<name>.sql`."""
    return (QUERIES / f"{name}.sql").read_text()
