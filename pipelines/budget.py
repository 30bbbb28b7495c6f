"""What reading costs against what Stripe grants: 500 reads for each payment of thirty days, 10,000 at least.

The rule: https://docs.stripe.com/rate-limits#api-read-request-allocations. Reads the warehouse; asks Stripe nothing.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import duckdb

from pipelines.warehouse import runs, tables

LEAST_GRANTED = 10_000
GRANTED_A_PAYMENT = 500
DAYS = 30
TIGHT = 0.8
"""From this share of the grant on, a run warns."""


@dataclass(frozen=True)
class Budget:
    """Requests of the last thirty days, and how many there may be."""

    spent: int
    granted: int

    @property
    def words(self) -> str:
        """One line for a person."""
        share = self.spent / self.granted if self.granted else 1.0
        return f"Requests to Stripe in the last {DAYS} days: {self.spent:,} of {self.granted:,} ({share:.0%})."

    @property
    def warning(self) -> str | None:
        """What to do, where it gets tight."""
        if self.spent < TIGHT * self.granted:
            return None
        return (
            f"{self.words} Stripe may throttle an account that reads more. Run less often (REVENUE_SCHEDULE), "
            "sweep less often (REVENUE_SWEEP_DAYS), or set REVENUE_READ_BUDGET if Stripe granted you another number."
        )


def budget(connection: duckdb.DuckDBPyConnection, now: datetime, granted: int | None) -> Budget:
    """The warehouse's budget at an instant; `granted` is what the settings say, where they say it.

    Payments are counted in what was staged last, so before the first build the least is assumed.
    """
    runs.create(connection)
    since = now - timedelta(days=DAYS)
    spent = _number(connection, "sum(requests_made) from pipeline.runs where started_at > ?", since)
    if granted is None:
        granted = max(LEAST_GRANTED, GRANTED_A_PAYMENT * _payments(connection, since))
    return Budget(spent, granted)


def _payments(connection: duckdb.DuckDBPyConnection, since: datetime) -> int:
    if not tables.exists(connection, "staging", "charges"):
        return 0
    return _number(connection, "count(*) from staging.charges where status = 'succeeded' and created_at > ?", since)


def _number(connection: duckdb.DuckDBPyConnection, of: str, since: datetime) -> int:
    return int(connection.execute(f"select {of}", [since]).fetchall()[0][0] or 0)
