"""The few figures that a run ends with, read from what it published."""

from decimal import Decimal
from pathlib import Path
from typing import Any

from pipelines import query
from pipelines.terminal import money

FIGURES = """
select strftime(month, '%B %Y') as month, currency, sum(round_even(closing_mrr, 0)) as closing_mrr,
       sum(round_even(opening_mrr, 0)) as opening_mrr,
       sum(closing_customers)::bigint as closing_customers, count(*) as accounts
from mrr_by_month_reporting
group by all
order by max(mrr_by_month_reporting.month) desc limit 1
"""
PUBLICATION = "select as_of, timezone, policy, policy_hash from publication limit 1"


def lines(published: Path) -> tuple[str, ...]:
    """MRR and customers of the newest month, with unit, instant, zone and policy; nothing where there is no month."""
    rows = query.ask(published, FIGURES)
    if rows.is_empty():
        return ("No subscription has had MRR yet, so there are no headline figures.",)
    basis = query.ask(published, PUBLICATION).row(0, named=True)
    return (
        _figures(rows.row(0, named=True)),
        f"As of {basis['as_of']:%Y-%m-%d %H:%M} UTC; months in {basis['timezone']}; "
        f"policy {basis['policy']} ({basis['policy_hash']}).",
    )


def _figures(row: dict[str, Any]) -> str:
    currency, change = row["currency"], row["closing_mrr"] - row["opening_mrr"]
    of = f" of {row['accounts']} accounts" if row["accounts"] > 1 else ""
    return (
        f"MRR{of} {money(row['closing_mrr'], currency)} ({_signed(change, currency)} in {row['month']} so far), "
        f"{row['closing_customers']:,} customers."
    )


def _signed(minor: Decimal, currency: str) -> str:
    sign = "+" if minor >= 0 else "−"
    return f"{sign}{money(abs(minor), currency)}"
