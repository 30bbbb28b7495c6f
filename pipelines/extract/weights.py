"""How much memory DuckDB needs: it holds a vector of 2,048 payloads at once, to look into them as to compress them, and
that again at each checkpoint for as long as a table's end is unfinished. With less it gives up the database.

Knows how heavy the rows of the raw tables are; nothing of what they say.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

import duckdb

VECTOR_ROWS = 2_048
FEWEST_BYTES = 112_000_000
"""Enough for objects of usual size, a few kilobytes."""
TIMES_A_VECTOR = 8
"""Measured: vectors of 205 MB are written in 384 MB but not in 128 MB; to read JSON in ones of 123 MB takes 600 MB."""


def heaviest(connection: duckdb.DuckDBPyConnection) -> int:
    """Bytes of the heaviest vector held in any raw table; looked for where it was not noted yet."""
    query = "select schema_name, table_name from duckdb_tables() where database_name = current_database()"
    present = set(connection.execute(query).fetchall())
    if ("pipeline", "heaviest_vector") in present:
        rows = connection.execute("select max(bytes) from pipeline.heaviest_vector").fetchall()
        return int(rows[0][0] or 0)
    return max((_heaviest_of(connection, name) for schema, name in sorted(present) if schema == "raw"), default=0)


def keep(connection: duckdb.DuckDBPyConnection, bytes_: int) -> None:
    """Note that there is a vector so heavy, in the caller's transaction."""
    connection.execute("create schema if not exists pipeline")
    connection.execute("create or replace table pipeline.heaviest_vector as select ?::bigint as bytes", [bytes_])


def _heaviest_of(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    vectors = f"select sum(strlen(payload)) as bytes from raw.{table} group by rowid // {VECTOR_ROWS}"  # noqa: S608
    rows = connection.execute(f"select max(bytes) from ({vectors})").fetchall()  # noqa: S608
    return int(rows[0][0] or 0)


Result = TypeVar("Result")


def in_more_memory(
    connection: duckdb.DuckDBPyConnection, weights: "Weights", question: Callable[[duckdb.DuckDBPyConnection], Result]
) -> Result:
    """The answer to a question that changes nothing; asked again with twice the memory as long as that is too little.

    Raises:
        duckdb.OutOfMemoryException: all that DuckDB may have is too little.
    """
    limit = weights.bytes
    try:
        while True:
            try:
                return question(connection)
            except duckdb.OutOfMemoryException:
                if limit >= weights.most:
                    raise
                limit = min(2 * limit, weights.most)
                connection.execute(f"set memory_limit = '{limit // 1_000_000}MB'")
    finally:
        connection.execute(f"set memory_limit = '{weights.memory_limit}'")


@dataclass
class Weights:
    """The heaviest vector so far, of `heaviest` bytes, and what was appended last to each table.

    `most` is the memory, in bytes, that DuckDB may have at most."""

    heaviest: int
    most: int
    _last: dict[str, deque[int]] = field(default_factory=dict)

    @property
    def memory_limit(self) -> str:
        """What DuckDB needs, as its setting."""
        return f"{self.bytes // 1_000_000}MB"

    @property
    def bytes(self) -> int:
        """That in bytes."""
        return min(max(FEWEST_BYTES, TIMES_A_VECTOR * self.heaviest), self.most)

    def grow(self, table: str, payloads: list[int]) -> bool:
        """Payloads of such lengths are appended; whether a vector of them may be the heaviest ever."""
        last = self._last.setdefault(table, deque(maxlen=VECTOR_ROWS))
        pieces = (payloads[start : start + VECTOR_ROWS] for start in range(0, len(payloads), VECTOR_ROWS))
        heaviest = sum(last) + max(map(sum, pieces), default=0)
        last.extend(payloads)
        self.heaviest, before = max(self.heaviest, heaviest), self.heaviest
        return self.heaviest > before
