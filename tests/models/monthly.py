"""Companies of a few subscriptions of 1,000 a month, told by hand, and what the marts make of them."""

from collections.abc import Sequence
from typing import Any

import polars as pl

from models import marts
from models.policy import MetricPolicy
from models.spine import build_spine
from models.terms import Terms
from tests.models.rows import ACCOUNT
from tests.models.story import Account, instant, rate_frame

ASKED: dict[str, Any] = {"cancellation_reason": "cancellation_requested"}
EVEN = [("2025-12-01", "eur", "usd", "1")] + [
    (f"2026-{month:02}-{day:02}", "eur", "usd", "1") for month in range(1, 7) for day in (1, 8, 15, 22, 28)
]
"""A euro is a dollar until summer 2026."""


def company() -> Account:
    """Customer d alone, who pays 1,000 a month from 1 January 2026 on. For others: the prices usd-m and eur-m."""
    account = Account()
    account.rows["accounts"].append({"account_id": ACCOUNT, "id": ACCOUNT, "default_currency": "usd"})
    account.price("usd-m", 1000)
    account.price("eur-m", 1000)
    account.rows["prices"][-1]["currency"] = "eur"
    monthly(account, "stays", "d")
    return account


def monthly(
    account: Account,
    name: str,
    customer: str,
    price: str = "usd-m",
    start: int = 1,
    end: str | None = None,
    **more: Any,
) -> None:
    """A subscription of 1,000 from the first of the month `start` of 2026, billed to May; `end`: canceled then."""
    ended = {} if end is None else {"status": "canceled", "ended_at": end, "canceled_at": end}
    account.subscription(name, customer, _first(start), [(f"i_{name}", price, 1)], **{**ended, **more})
    for month in range(start, 6):
        close = min(_first(month + 1), end or _first(month + 1))
        if _first(month) < close:
            account.invoice(name, [(f"i_{name}", price, 1, _first(month), close)])


def made(
    account: Account,
    as_of: str,
    wanted: Sequence[str],
    policy: MetricPolicy | None = None,
    rates: Sequence[tuple[str, str, str, str]] = (),
) -> dict[str, pl.DataFrame]:
    """The marts of those names."""
    terms = Terms(instant(as_of), "UTC", "usd", policy or MetricPolicy())
    staged = account.staging()
    built = marts.build_on(build_spine(staged, rate_frame(rates), terms), staged, terms, wanted)
    return {name: frame.collect() for name, frame in built.items()}


def metrics(
    account: Account,
    as_of: str,
    policy: MetricPolicy | None = None,
    rates: Sequence[tuple[str, str, str, str]] = (),
) -> dict[tuple[str, str], tuple[int, int | None]]:
    """Numerator and denominator of each metric and month, such as ("mrr", "2026-03"), in whole minor units."""
    rows = made(account, as_of, ["metrics_by_month"], policy, rates)["metrics_by_month"].iter_rows(named=True)
    return {
        (row["metric"], f"{row['month']:%Y-%m}"): (
            int(row["numerator"] or 0),
            None if row["denominator"] is None else int(row["denominator"]),
        )
        for row in rows
    }


def step(account: Account, as_of: str, name: str) -> list[dict[str, Any]]:
    """The rows of a frame of the catalogue that is no mart, such as `snapshots`."""
    terms = Terms(instant(as_of), "UTC", "usd")
    staged = account.staging()
    spine = build_spine(staged, rate_frame(()), terms)
    return marts.frames_on(spine, staged, terms, [f"steps.{name}"])[f"steps.{name}"].collect().to_dicts()


def _first(month: int) -> str:
    return f"2026-{month:02}-01"
