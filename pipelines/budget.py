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
    """Requests of the last thirty days to one account, and how many there may be."""

    account_id: str
    spent: int
    granted: int

    @property
    def words(self) -> str:
        """One line for a person."""
        share = self.spent / self.granted if self.granted else 1.0
        used = f"{self.spent:,} of {self.granted:,} ({share:.0%})"
        return f"Requests to Stripe for {self.account_id} in the last {DAYS} days: {used}."

    @property
    def warning(self) -> str | None:
        """What to do, where it gets tight."""
        if self.spent < TIGHT * self.granted:
            return None
        return (
            f"{self.words} Stripe may throttle an account that reads more. Run less often (REVENUE_SCHEDULE), "
            "sweep less often (REVENUE_SWEEP_DAYS), or set REVENUE_READ_BUDGET if Stripe granted you another number."
        )


def budgets(connection: duckdb.DuckDBPyConnection, now: datetime, granted: int | None) -> list[Budget]:
    """The budget of each account that was ever read, at an instant; `granted` is what the settings say.

    Payments are counted in what was staged last, so before the first build the least is assumed.
    """
    runs.create(connection)
    since = now - timedelta(days=DAYS)
    spent = connection.execute(_SPENT, {"since": since}).fetchall()
    paid = dict(connection.execute(_PAID, {"since": since}).fetchall()) if _is_staged(connection) else {}
    return [
        Budget(account_id, int(requests), granted or max(LEAST_GRANTED, GRANTED_A_PAYMENT * paid.get(account_id, 0)))
        for account_id, requests in spent
    ]


_SPENT = """
    select spending.account_id, coalesce(sum(spending.requests_made) filter (started_at > $since), 0)
    from pipeline.spending join pipeline.runs using (run_id)
    group by all order by all
"""
_PAID = """
    select account_id, count(*) from staging.charges where status = 'succeeded' and created_at > $since group by all
"""


def _is_staged(connection: duckdb.DuckDBPyConnection) -> bool:
    return tables.exists(connection, "staging", "charges")
