"""What staging finds: values that do not fit, keys that are missing or double, fields and shapes that are gone.

Each finding is told by account, with a count and an example, and becomes a row of the data checks. Knows how a table is
looked at, not how it is made.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any

import duckdb
import polars as pl

from models.contracts.marts import DataChecks
from models.contracts.staging import Staged
from pipelines.warehouse import fit

MISFITS = "misfits"
"""A column that lives only while a table is made: one bit for each thing that does not fit."""

BLOCKING = "blocking"
"""Severity of what staging finds: a value that is missing here is missing in every figure made of it."""

STAGED = "staged"
SHAPE = "payload_shape"
WHOLE = "lists_are_whole"
FIT = "values_fit"
KEYS = "keys_are_there_and_unique"
SENT = "values_are_there"
RENDERED = "older_versions_are_understood"

ALWAYS_SENT: Mapping[str, tuple[str, ...]] = {
    "prices": ("product_id", "currency", "type", "billing_scheme"),
    "coupons": ("duration",),
    "discounts": ("start_at",),
    "subscriptions": ("customer_id", "status", "currency", "created_at", "start_at"),
    "subscription_items": ("price_id", "current_period_start_at", "current_period_end_at"),
    "invoices": ("currency", "subtotal", "total", "amount_due", "amount_paid", "created_at"),
    "invoice_lines": ("amount", "currency", "period_start_at", "period_end_at"),
    "invoice_payments": ("invoice_id", "status", "created_at"),
    "invoice_items": ("customer_id", "amount", "currency", "created_at"),
    "charges": ("amount", "currency", "status", "created_at"),
    "refunds": ("amount", "currency", "created_at"),
    "disputes": ("charge_id", "amount", "currency", "status", "created_at"),
    "balance_transactions": ("amount", "fee", "net", "currency", "reporting_category", "created_at"),
    "payouts": ("amount", "currency", "status", "created_at"),
}
"""Columns that figures stand on and that Stripe never leaves empty: a null means that payloads changed their shape."""

NESTED = {dict: "OBJECT", list: "ARRAY"}
PARSED = re.compile(r"json_transform\(payload, '(.*?)'\).*?\bfrom (?:current|versions)_(\w+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found in one table of one account; nothing where failing_rows is 0."""

    account_id: str
    check_name: str
    table_name: str
    failing_rows: int = 0
    detail: str | None = None


def misfits(connection: duckdb.DuckDBPyConnection, contract: type[Staged]) -> dict[str, list[tuple[int, int, str]]]:
    """By each account that the table has rows of, what misfits come together, in how many rows, such as which."""
    found = connection.execute(
        f"select account_id, {MISFITS}, count(*), min({contract.primary_key()[1]}) filter ({MISFITS} <> 0) "
        f"from {contract.qualified_name()} where account_id is not null group by all order by all"
    ).fetchall()
    return {account: [tuple(row[1:]) for row in rows if row[1]] for account, rows in groupby(found, itemgetter(0))}


def fits(
    contract: type[Staged], tests: Sequence[fit.Misfit], by_account: Mapping[str, list[tuple[int, int, str]]]
) -> Iterator[Finding]:
    """Values that were there and did not fit their column, told by account with an example of each."""
    for account, mine in by_account.items():
        lines = [
            f"{test.path}: {sum(row[1] for row in hit)} rows, such as {hit[0][2]}"
            for bit, test in enumerate(tests)
            if (hit := [row for row in mine if row[0] >> bit & 1])
        ]
        yield Finding(account, FIT, contract.qualified_name(), sum(row[1] for row in mine), "; ".join(lines) or None)


def keyed(
    connection: duckdb.DuckDBPyConnection, contract: type[Staged], required: Sequence[str], accounts: Sequence[str]
) -> Iterator[Finding]:
    """Rows without a key, or with one that another row has: left out, and told, of the accounts that have rows."""
    table = contract.qualified_name()
    keys = ", ".join(f'"{k}"' for k in contract.primary_key())
    nameless = " or ".join(f'"{name}" is null' for name in required)
    dropped = connection.execute(
        f"delete from {table} where {nameless} or rowid in (select unnest(list(rowid order by rowid)[2:]) "
        f"from {table} group by {keys} having count(*) > 1) returning account_id, {contract.primary_key()[1]}"
    ).fetchall()
    for account in accounts:
        mine = [row[1] for row in dropped if row[0] == account]
        example = min((key for key in mine if key), default="one without an id")
        yield Finding(account, KEYS, table, len(mine), f"left out, such as {example}" if mine else None)


def sent(connection: duckdb.DuckDBPyConnection, contract: type[Staged]) -> Iterator[Finding]:
    """Nulls where Stripe always sends something: the field moved or went. What does not fit is told by `fits`."""
    names = ALWAYS_SENT.get(contract.table_name, ())
    if not names:
        return
    alive = "where not deleted" if "deleted" in contract.columns() else ""
    empty = [f'"{name}" is null and {MISFITS} = 0' for name in names]
    source = f"{contract.qualified_name()} {alive}"
    for account, *told in _counted(connection, source, empty, contract.primary_key()[1]):
        yield _finding(account, SENT, contract.qualified_name(), names, told, "rows")


def formed(connection: duckdb.DuckDBPyConnection, stream: str, nodes: Sequence[tuple[str, str]]) -> Iterator[Finding]:
    """Payloads that hold something else where an object or a list should be: all that it held is null then; and objects
    that show the first entries of a list alone, as an export or an event does: the others are in no table.

    What is read from Stripe is made whole before it is stored.
    """
    if not nodes:
        return
    paths = [path for path, _ in nodes]
    lists = [path.removesuffix(".data") for path in paths if path.endswith(".data")]
    asked = ", ".join(f"'{path}'" for path in paths)
    source = f"(select *, json_type(payload, [{asked}]) as types from current_{stream} where not deleted)"
    wrong = [f"(types[{i}] not in ('{kind}', 'NULL'))" for i, (_, kind) in enumerate(nodes, start=1)]
    cut = [f"json_extract_string(payload, '{path}.has_more') = 'true'" for path in lists]
    for account, *told in _counted(connection, source, [*wrong, *cut]):
        yield _finding(account, SHAPE, f"raw.{stream}", paths, told[: 2 * len(paths)], "payloads")
        if lists:
            yield _finding(account, WHOLE, f"raw.{stream}", lists, told[2 * len(paths) :], "lists go on")


def _counted(
    connection: duckdb.DuckDBPyConnection, source: str, conditions: Sequence[str], key: str = "id"
) -> list[tuple[Any, ...]]:
    """By account, for each condition, how many rows of the source meet it and the least key of them."""
    counts = ", ".join(f"count(*) filter ({each}), min({key}) filter ({each})" for each in conditions)
    return connection.execute(
        f"select account_id, {counts} from {source} group by account_id order by account_id"
    ).fetchall()


def nodes(texts: Iterable[str], stream: str) -> tuple[tuple[str, str], ...]:
    """Where the queries look for an object or a list in the stream's payloads, and for which of the two."""
    structures = [s for text in texts for s, source in PARSED.findall(text) if source == stream]
    return tuple(sorted({node for s in structures for node in _nested(json.loads(s), "$")}))


def _nested(structure: Mapping[str, Any], path: str) -> Iterator[tuple[str, str]]:
    for name, part in structure.items():
        if isinstance(part, (dict, list)):
            yield f"{path}.{name}", NESTED[type(part)]
        if isinstance(part, dict):
            yield from _nested(part, f"{path}.{name}")


def as_checks(findings: Iterable[Finding], checked_at: datetime) -> pl.DataFrame:
    rows = [
        {
            "account_id": f.account_id,
            "check_name": f.check_name,
            "table_name": f.table_name,
            "passed": f.failing_rows == 0,
            "failing_rows": f.failing_rows,
            "severity": BLOCKING,
            "checked_at": checked_at,
            "detail": f.detail,
        }
        for f in findings
    ]
    return pl.DataFrame(rows, schema=DataChecks.create_empty().schema)


def _finding(account: str, check: str, table: str, paths: Sequence[str], told: Sequence[Any], what: str) -> Finding:
    """A finding of counts and examples that stand in turn for each path."""
    hits = [(path, rows, example) for path, rows, example in zip(paths, told[::2], told[1::2], strict=True) if rows]
    lines = [f"{path}: {rows} {what}, such as {example}" for path, rows, example in hits]
    return Finding(account, check, table, sum(rows for _, rows, _ in hits), "; ".join(lines) or None)


def accounts_of(connection: duckdb.DuckDBPyConnection, contract: type[Staged]) -> list[str]:
    rows = connection.execute(
        f"select distinct account_id from {contract.qualified_name()} where account_id is not null order by all"
    )
    return [row[0] for row in rows.fetchall()]
