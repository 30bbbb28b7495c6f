"""The few figures that a run ends with, read from what it published."""

from decimal import Decimal
from pathlib import Path

from models.currency import minor_exponent
from pipelines import query

FIGURES = """
select strftime(m.month, '%B %Y') as month, m.currency, m.closing_mrr, m.opening_mrr, m.closing_customers,
       p.as_of, p.timezone, p.policy, p.policy_hash
from mrr_by_month_reporting m, publication p
where m.account_id = p.account_id
order by m.month desc limit 1
"""


def lines(published: Path) -> tuple[str, ...]:
    """MRR and customers of the newest month, with unit, instant, zone and policy; nothing where there is no month."""
    rows = query.ask(published, FIGURES)
    if rows.is_empty():
        return ("No subscription has had MRR yet, so there are no headline figures.",)
    row = rows.row(0, named=True)
    currency, change = row["currency"], row["closing_mrr"] - row["opening_mrr"]
    return (
        f"MRR {_major(row['closing_mrr'], currency)} ({_signed(change, currency)} in {row['month']} so far), "
        f"{row['closing_customers']:,} customers.",
        f"As of {row['as_of']:%Y-%m-%d %H:%M} UTC; months in {row['timezone']}; "
        f"policy {row['policy']} ({row['policy_hash']}).",
    )


def _major(minor: Decimal, currency: str) -> str:
    places = minor_exponent(currency)
    return f"{minor.scaleb(-places):,.{places}f} {currency.upper()}"


def _signed(minor: Decimal, currency: str) -> str:
    sign = "+" if minor >= 0 else "−"
    return f"{sign}{_major(abs(minor), currency)}"
