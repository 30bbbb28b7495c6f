"""The world's exchange rates: one value a day and currency, exact, the same for the same seed.

A random walk in whole numbers that is drawn back to where each currency started. Knows nothing of who converts what.
"""

import datetime as dt
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, NamedTuple

FIRST_DAY: Final = dt.date(2015, 1, 1)
"""Before this there are no rates."""

EXPONENTS: Final = {"usd": 2, "eur": 2, "gbp": 2, "jpy": 0, "kwd": 3}
"""Decimal places of each currency's minor unit, as Stripe counts them."""

_SCALE: Final = 10**10


class _Walk(NamedTuple):
    """Where a currency starts, in dollars, and how far it may move in a day, in millionths."""

    start: Decimal
    reach: int


_WALKS: Final = {
    "eur": _Walk(Decimal("1.09"), 7_000),
    "gbp": _Walk(Decimal("1.27"), 8_000),
    "jpy": _Walk(Decimal("0.0071"), 9_000),
    "kwd": _Walk(Decimal("3.26"), 900),
}
_PULL_DAYS: Final = 400


@dataclass
class Rates:
    """Daily rates of every currency to the dollar: one major unit is `rate_on(day, currency)` dollars."""

    seed: int
    _series: dict[str, list[int]] = field(default_factory=dict, repr=False)
    _chance: dict[str, random.Random] = field(default_factory=dict, repr=False)

    @property
    def currencies(self) -> tuple[str, ...]:
        """All currencies that have rates, but for the dollar."""
        return tuple(_WALKS)

    def rate_on(self, day: dt.date, currency: str) -> Decimal:
        """Dollars for one major unit on a day, to ten decimals. Errors: KeyError for a currency or day without rate."""
        if currency == "usd":
            return Decimal(1)
        if currency not in _WALKS or day < FIRST_DAY:
            raise KeyError(f"no rate of {currency} on {day}: currencies are usd, {', '.join(_WALKS)}, from {FIRST_DAY}")
        return Decimal(self._until((day - FIRST_DAY).days, currency)).scaleb(-10).normalize()

    def as_csv(self, first: dt.date, last: dt.date) -> str:
        """The rates of each day from first to last, as `date,from_currency,to_currency,rate`."""
        return "".join(["date,from_currency,to_currency,rate\n", *self._lines(first, last)])

    def _lines(self, first: dt.date, last: dt.date) -> Iterator[str]:
        for days in range((last - first).days + 1):
            day = first + dt.timedelta(days=days)
            for currency in _WALKS:
                yield f"{day},{currency},usd,{self.rate_on(day, currency):.10f}\n"

    def _until(self, index: int, currency: str) -> int:
        walk = _WALKS[currency]
        series = self._series.setdefault(currency, [int(walk.start * _SCALE)])
        if index >= len(series):
            chance = self._chance.setdefault(currency, random.Random(f"{self.seed}:rates:{currency}"))  # noqa: S311
            while index >= len(series):
                rate = series[-1]
                step = rate * chance.randint(-walk.reach, walk.reach) // 1_000_000
                series.append(rate + step - (rate - series[0]) // _PULL_DAYS)
        return series[index]


def converted(amount: int, currency: str, into: str, rate: Decimal) -> int:
    """Minor units of one currency as minor units of another, where one major unit is `rate` of the other; half up."""
    exact = amount * rate * Decimal(10) ** (EXPONENTS[into] - EXPONENTS[currency])
    whole = int(abs(exact) + Decimal("0.5"))
    return whole if exact >= 0 else -whole
