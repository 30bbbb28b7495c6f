"""The week's figures for finance, read from what is published: MRR, its movements, failures, refunds and disputes.

MRR at a week's end is that day's, in each currency at the day's rate; what movements at their days' rates do not
explain of the change is exchange rates.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from billing.notices import book, kinds, wording
from billing.notices.book import Notice
from pipelines import query
from pipelines.settings import Settings

QUERIES = Path(__file__).parent / "weekly_queries"
PUBLICATION = "select as_of, currency, timezone, policy, policy_hash, livemode, banner from publication limit 1"
MOVEMENTS = ("new", "expansion", "contraction", "churn", "reactivation")
HAPPENED = ("failed", "recovered", "refunded", "disputed", "disputes_open")


@dataclass(frozen=True)
class Basis:
    """Whose figures they are: as of when, in which currency and zone, by which policy, and what to know before."""

    as_of: datetime
    currency: str
    timezone: str
    policy: str
    policy_hash: str
    livemode: bool | None
    banner: str | None

    @property
    def zone(self) -> ZoneInfo:
        """The zone of days and weeks."""
        return ZoneInfo(self.timezone)

    @property
    def last_week(self) -> date:
        """Monday of the last week that was over."""
        today = self.as_of.astimezone(self.zone).date()
        return today - timedelta(days=today.weekday() + 7)


@dataclass(frozen=True)
class Figures:
    """A week's figures, in whole minor units of the reporting currency."""

    first: date
    opening: int
    closing: int
    movements: Mapping[str, tuple[int, int]]
    happened: Mapping[str, tuple[int, int]]

    @property
    def last(self) -> date:
        """Its Sunday."""
        return self.first + timedelta(days=6)

    @property
    def fx(self) -> int:
        """What exchange rates changed."""
        return self.closing - self.opening - sum(delta for delta, _ in self.movements.values())


def basis(settings: Settings) -> Basis | None:
    """The basis of what is published; None where nothing is."""
    if not settings.published.is_file():
        return None
    return Basis(**query.ask(settings.published, PUBLICATION).row(0, named=True))


def name_of(monday: date) -> str:
    """A week as ISO 8601 names it: `2026-W47`."""
    return f"{monday:%G-W%V}"


def notice(basis: Basis) -> Notice:
    """The notice of the last week that was over; due since its end."""
    week, livemode = name_of(basis.last_week), bool(basis.livemode)
    ended = datetime.combine(basis.last_week + timedelta(days=7), time(), basis.zone)
    id_ = book.id_of("", livemode, kinds.WEEK, week)
    return Notice(id_, "", livemode, kinds.WEEK, week, "", happened_at=ended, due_at=ended)


def figures(published: Path, basis: Basis, monday: date) -> Figures:
    """The figures of the week that begins on a Monday."""
    last, before = monday + timedelta(days=6), monday - timedelta(days=1)
    connection = query.connect(published)
    try:
        rates = connection.execute(_sql("mrr"), {"before": before, "last": last}).fetchall()
        moved = connection.execute(_sql("movements"), {"first": monday, "last": last}).fetchall()
        told = {"first": monday, "last": last, "zone": basis.timezone}
        happened = connection.execute(_sql("happened"), told).fetchall()
    finally:
        connection.close()
    deltas = {name: (_whole(Fraction(delta)), customers) for name, delta, customers in moved}
    return Figures(
        monday,
        _worth(rates, before),
        _worth(rates, last),
        {name: deltas.get(name, (0, 0)) for name in MOVEMENTS},
        {name: (amount, count) for name, count, amount in happened},
    )


def values(told: Figures, basis: Basis, pages: str | None, language: str) -> dict[str, Any]:
    """What the template takes."""

    def money(minor: int) -> str:
        return wording.money(minor, basis.currency, language)

    def signed(minor: int) -> str:
        return wording.signed(minor, basis.currency, language)

    def on(day: date) -> str:
        return wording.day(datetime.combine(day, time(12), basis.zone), basis.zone, language)

    moved = {name: {"amount": signed(delta), "customers": count} for name, (delta, count) in told.movements.items()}
    happened = {name: {"amount": money(amount), "count": count} for name, (amount, count) in told.happened.items()}
    return {
        "first": on(told.first),
        "last": on(told.last),
        "currency": basis.currency.upper(),
        "as_of": f"{basis.as_of.astimezone(basis.zone):%Y-%m-%d %H:%M} {basis.timezone}",
        "mrr": money(told.closing),
        "change": signed(told.closing - told.opening),
        "fx": signed(told.fx) if told.fx else None,
        "policy": f"{basis.policy} ({basis.policy_hash})",
        "banner": wording.one_line(basis.banner),
        "pages": pages,
        **moved,
        **happened,
    }


def _worth(rates: list[tuple[date, Decimal, Decimal, Decimal]], day: date) -> int:
    worth = (Fraction(mrr) * Fraction(over) / Fraction(under) for on, mrr, over, under in rates if on == day)
    return _whole(sum(worth, Fraction(0)))


def _whole(amount: Fraction) -> int:
    return int((Decimal(amount.numerator) / Decimal(amount.denominator)).quantize(Decimal(1), ROUND_HALF_EVEN))


@cache
def _sql(name: str) -> str:
    return (QUERIES / f"{name}.sql").read_text(encoding="utf-8")
