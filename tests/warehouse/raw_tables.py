"""Raw tables that take payloads as Stripe sends them, and what staging makes of them."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import duckdb

from models.contracts import staging
from pipelines.warehouse import stage

ACCOUNT = "acct_1"
LOADED = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class Raw:
    """The raw tables; `put` appends a version the way a load does."""

    connection: duckdb.DuckDBPyConnection
    versions: int = field(default=0)

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
        self.versions += 1
        text = payload if isinstance(payload, str) else json.dumps(payload, ensure_ascii=False)
        identity = identity or json.loads(text)["id"]
        self.connection.execute(
            f"create table if not exists raw.{stream} (account_id varchar, id varchar, version_hash varchar, "
            "changed_at timestamptz, seen_at timestamptz, seen_by varchar, api_version varchar, deleted boolean, "
            "seq bigint, payload json using compression zstd)"
        )
        self.connection.execute(
            f"insert into raw.{stream} values (?, ?, md5(?), ?, ?, 'list', '2026-10-28.endive', ?, ?, ?)",
            [account, identity, text, changed_at, seen_at, deleted, self.versions, text],
        )

    def staged(self) -> stage.Outcome:
        """Stage everything."""
        return stage.stage(self.connection, LOADED)

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Stage the table and give its rows, in the order of their keys."""
        (contract,) = (c for c in staging.TABLES if c.table_name == table)
        stage.stage(self.connection, LOADED, (contract,))
        found: list[dict[str, Any]] = self.connection.sql(f"from staging.{table} order by 1, 2").pl().rows(named=True)
        return found

    def row(self, table: str) -> dict[str, Any]:
        """Stage the table and give its only row."""
        (row,) = self.rows(table)
        return row
