"""What the scores would have been at each scoring date of the past, by points from what was known then.

At a date the points are made from earlier snapshots alone, and only from those whose horizon had passed: the embargo
without which a score would learn from churns that had still to come.
"""

from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta

import polars as pl

from models.plans import collected
from models.risk.bands import ORDER, band, leads, mean_of, raised
from models.risk.cards import coded, seen_by_date
from models.risk.features import KINDS, PAYMENT, VOLUNTARY
from models.risk.points import LEADING, Card, Seen, cards
from models.risk.snapshots import HORIZONS
from models.terms import Terms

ANY = "any"
SCORES = (*KINDS, ANY)
TRIAL = {
    "account_id": pl.String(),
    "scored_on": pl.Date(),
    "code": pl.Int64(),
    **{f"{kind}_{days}": pl.Float64() for kind in SCORES for days in HORIZONS},
    "place": pl.Int64(),
    "basis": pl.String(),
}
"""Chances by what is foretold and the days within which, the place of the band on the list (0 for who would not have
been on it), and where the points of the two scores were from."""


def risk_trials(history: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """The chances of every code at every date with at least 30 days after it, in the columns of `TRIAL`.

    `history` is of `snapshots.history`.
    """
    seen = history.pipe(coded).sort("account_id", "scored_on", "code").pipe(collected)
    accounts = seen.partition_by("account_id", maintain_order=True)
    rows = [row for of_one in accounts for row in _tried(of_one, terms)]
    return pl.LazyFrame(rows, schema=TRIAL, orient="row")


def _tried(coded: pl.DataFrame, terms: Terms) -> Iterator[tuple[object, ...]]:
    """Trials of one account, from its snapshots in the order of dates and codes."""
    dates: dict[date, list[Seen]] = defaultdict(list)
    for on, one in seen_by_date(coded):
        dates[on].append(one)
    known = {days: Known(days, dates) for days in HORIZONS}
    for on, present in dates.items():
        if on + timedelta(days=min(HORIZONS)) > terms.as_of_day:
            break
        of = cards({days: one.at(on) for days, one in known.items()})
        basis = " and ".join(dict.fromkeys(of[kind].basis for kind in KINDS))
        told = [_chances(of, one.code) for one in present]
        mean = mean_of([chances[ANY, LEADING] for chances in told], [one.customers for one in present])
        for one, chances in zip(present, told, strict=True):
            leading = leads({kind: chances[kind, LEADING] for kind in KINDS})
            place = ORDER.index(band(chances[ANY, LEADING], mean)) if raised(one.code, of[leading]) else 0
            yield coded["account_id"][0], on, one.code, *chances.values(), place, basis


def _chances(of: Mapping[str, Card], code: int) -> dict[tuple[str, int], float]:
    """The chances of a code by what is foretold and the days within which, in the order of `TRIAL`."""
    chances = {(kind, days): of[kind].chance(code, days) for kind in KINDS for days in HORIZONS}
    for days in HORIZONS:
        chances[ANY, days] = 1 - (1 - chances[PAYMENT, days]) * (1 - chances[VOLUNTARY, days])
    return chances


class Known:
    """Snapshots whose horizon has passed, added up by code as dates go on."""

    def __init__(self, days: int, dates: Mapping[date, Sequence[Seen]]) -> None:
        self._days = timedelta(days=days)
        self._ahead = deque(dates.items())
        self._sums: dict[int, list[int]] = {}

    def at(self, on: date) -> list[Seen]:
        """What was known on a day; days are asked for in their order."""
        while self._ahead and self._ahead[0][0] + self._days <= on:
            for one in self._ahead.popleft()[1]:
                counts = (one.customers, *one.lost)
                before = self._sums.get(one.code)
                self._sums[one.code] = [a + b for a, b in zip(before, counts, strict=True)] if before else [*counts]
        return [Seen(code, counts[0], tuple(counts[1:])) for code, counts in sorted(self._sums.items())]
