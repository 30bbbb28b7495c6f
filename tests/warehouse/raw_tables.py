"""Raw tables that take payloads as Stripe sends them, and what staging makes of them."""

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import duckdb
import polars as pl

from models.contracts import staging
from pipelines.extract.client import PINNED_VERSION
from pipelines.warehouse import raw, stage, tables

ACCOUNT = "acct_1"
LOADED = datetime(2026, 1, 1, tzinfo=UTC)

CHARGE = {"id": "ch_1", "amount": 100, "currency": "usd", "status": "succeeded", "paid": True, "created": 1700000000}
"""A charge with all that a charge always has."""


@dataclass
class Raw:
    """The raw tables; `put` appends a version the way a load does."""

    connection: duckdb.DuckDBPyConnection

    def put(
        self,
        stream: str,
        payload: dict[str, Any] | str,
        *,
        identity: str | None = None,
        seen_at: datetime = LOADED,
        changed_at: datetime | None = None,
        deleted: bool = False,
        account: str = ACCOUNT,
    ) -> None:
        """Append a version of an object; the payload as text or as what becomes JSON."""
        text = payload if isinstance(payload, str) else json.dumps(payload, ensure_ascii=False)
        version = {
            "id": identity or json.loads(text)["id"],
            "version_hash": hashlib.sha256(text.encode()).hexdigest(),
            "changed_at": changed_at,
            "seen_at": seen_at,
            "seen_by": "list",
            "deleted": deleted,
            "payload": text,
        }
        raw.create(self.connection, [stream])
        raw.append(self.connection, stream, account, PINNED_VERSION, pl.DataFrame([version], schema=raw.SCHEMA))

    def staged(self) -> stage.Outcome:
        """Stage the tables that are made of the streams put so far; the others would stay empty and be told nothing."""
        put = {name for schema, name in tables.present(self.connection) if schema == "raw"}
        concerned = tuple(c for c in staging.TABLES if put.intersection(stage.sources(c)))
        return stage.stage(self.connection, LOADED, concerned, test_clocks=True)

    def staged_all(self) -> stage.Outcome:
        """Stage every table."""
        return stage.stage(self.connection, LOADED, test_clocks=True)

    def rows(self, table: str, *, test_clocks: bool = True) -> list[dict[str, Any]]:
        """Stage the table and give its rows, in the order of their keys."""
        (contract,) = (c for c in staging.TABLES if c.table_name == table)
        stage.stage(self.connection, LOADED, (contract,), test_clocks=test_clocks)
        return self.held(table)

    def held(self, table: str) -> list[dict[str, Any]]:
        """The rows of a table that is staged, in the order of their keys."""
        found: list[dict[str, Any]] = self.connection.sql(f"from staging.{table} order by 1, 2").pl().rows(named=True)
        return found

    def row(self, table: str) -> dict[str, Any]:
        """Stage the table and give its only row."""
        (row,) = self.rows(table)
        return row
