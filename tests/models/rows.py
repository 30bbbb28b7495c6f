"""Small staged and spine frames for the tests, written as rows: columns that a test does not name are null."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl

from models.contracts import spine, staging
from models.contracts.table import Table
from models.movements import CUSTOMER
from models.presence import arrivals, payers
from models.terms import Terms

ACCOUNT = "acct_1"
TERMS = Terms(as_of=datetime(2026, 7, 1, 12, tzinfo=UTC), timezone="UTC", currency="usd")
RATE_SCHEMA = {
    "currency": pl.String(),
    "date": pl.Date(),
    "known_on": pl.Date(),
    "numerator": pl.Int128(),
    "denominator": pl.Int128(),
}


def at(text: str) -> datetime:
    """`2026-03-01` or `2026-03-01 10:30`, UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def rows(table: type[Table], *given: Mapping[str, Any]) -> pl.LazyFrame:
    """A frame of a table's columns, of one account."""
    schema = table.create_empty().schema
    filled = [{"account_id": ACCOUNT, **row} for row in given]
    unknown = {name for row in filled for name in row} - set(schema)
    assert not unknown, f"{table.table_name} has no {unknown}"
    return pl.DataFrame([{name: row.get(name) for name in schema} for row in filled], schema=schema).lazy()


def daily_rates(first: str = "2025-01-01", last: str = "2026-12-31", **minor_units: tuple[int, int]) -> pl.LazyFrame:
    """One rate a currency for every day: usd is the reporting currency, `eur=(11, 10)` makes a cent 1.1 cents."""
    start, end = date.fromisoformat(first), date.fromisoformat(last)
    days = [start + timedelta(days=offset) for offset in range((end - start).days + 1)]
    fractions = {"usd": (1, 1), **minor_units}
    return pl.DataFrame(
        [(currency, day, day, *fraction) for currency, fraction in fractions.items() for day in days],
        schema=RATE_SCHEMA,
        orient="row",
    ).lazy()


def movements(*steps: tuple[str, str, int, int], currency: str = "usd") -> pl.LazyFrame:
    """Movements as (customer, day, MRR before, MRR after) in minor units, their types by the usual table."""
    given, paid = [], set()
    for customer, day, before, after in steps:
        kind = _movement_type(before, after, customer in paid)
        paid |= {customer}
        micros = (after - before) * 1_000_000
        given.append(
            {
                "customer_id": customer,
                "currency": currency,
                "moved_on": date.fromisoformat(day),
                "movement_type": kind,
                "cause": "start" if micros > 0 else "end",
                "before_micros": before * 1_000_000,
                "after_micros": after * 1_000_000,
                "delta_micros": micros,
                "delta_reporting_micros": micros,
            }
        )
    return rows(spine.Movements, *given)


def customer_changes(moved: pl.LazyFrame, terms: Terms = TERMS) -> pl.LazyFrame:
    """When the customers of these movements came and left."""
    return arrivals(payers(moved), CUSTOMER, terms.policy).rename({"came": "customers_delta"})


def changes(*steps: tuple[str, str, int, int], cause: str | None = None, currency: str = "usd") -> pl.LazyFrame:
    """Item changes as (customer, moment, before, after): each customer has one item `si_<customer>`."""
    given = []
    for customer, moment, before, after in steps:
        micros = (after - before) * 1_000_000
        given.append(
            {
                "customer_id": customer,
                "subscription_id": f"sub_{customer}",
                "subscription_item_id": f"si_{customer}",
                "currency": currency,
                "changed_at": at(moment),
                "changed_on": at(moment).date(),
                "before_micros": before * 1_000_000,
                "after_micros": after * 1_000_000,
                "delta_micros": micros,
                "delta_reporting_micros": micros,
                "cause": cause or ("start" if micros > 0 else "end"),
                "basis": "version",
            }
        )
    return rows(spine.ItemChanges, *given)


def _movement_type(before: int, after: int, paid_before: bool) -> str:
    if not before:
        return "reactivation" if paid_before else "new"
    if not after:
        return "churn"
    return "expansion" if after > before else "contraction"


def charge(name: str, moment: str, amount: int, **more: Any) -> dict[str, Any]:
    """A succeeded card charge."""
    return {
        "id": name,
        "created_at": at(moment),
        "amount": amount,
        "amount_captured": amount,
        "currency": "usd",
        "status": "succeeded",
        "payment_method_type": "card",
        "card_network": "visa",
        **more,
    }


def only(frame: pl.LazyFrame, **where: Any) -> dict[str, Any]:
    """The single row for which the columns have these values."""
    found = frame.filter(**where).collect()
    assert found.height == 1, f"{found.height} rows where {where}:\n{found}"
    return found.row(0, named=True)


def staged(**tables: pl.LazyFrame) -> dict[str, pl.LazyFrame]:
    """All staged tables, empty but for these."""
    return {table.table_name: table.create_empty().lazy() for table in staging.TABLES} | tables
