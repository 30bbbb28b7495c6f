"""When newcomers come: more every month, fewer in summer and at weekends, so many in all by the business's end.

Knows nothing of who they are.
"""

from collections.abc import Iterator
from itertools import count

from sandbox.world.business import Business
from sandbox.world.periods import DAY, moment
from sandbox.world.randomness import stream

_SEASON = (1.15, 1.1, 1.1, 1.0, 0.95, 0.9, 0.75, 0.8, 1.1, 1.1, 1.1, 0.85)
_WEEKDAY = (1.1, 1.2, 1.2, 1.1, 1.0, 0.5, 0.5)


def arrivals_of(business: Business) -> Iterator[list[tuple[int, int]]]:
    """For each day from the founding on: number and instant of each newcomer."""
    expected, arrived = 0.0, 0
    per_weight = business.customers / sum(_weight(business, day) for day in range(_days(business)))
    for day in count():
        expected += _weight(business, day) * per_weight
        newcomers = int(expected + 1e-9) - arrived
        yield [(no, _instant(business, day, no)) for no in range(arrived, arrived + newcomers)]
        arrived += newcomers


def _days(business: Business) -> int:
    return (business.end - business.start) // DAY


def _weight(business: Business, day: int) -> float:
    date = moment(business.start + day * DAY)
    growth = (1 + business.monthly_growth) ** (day / 30.4375)
    return float(growth * _SEASON[date.month - 1] * _WEEKDAY[date.weekday()])


def _instant(business: Business, day: int, no: int) -> int:
    return business.start + day * DAY + 60 + stream(business.seed, "arrival", no).randrange(DAY - 120)
