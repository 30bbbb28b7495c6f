"""Calendar arithmetic of billing: where a period ends, counted from its anchor as Stripe counts (UTC, days clamped).

Instants are epoch seconds. Knows nothing of prices or subscriptions.
"""

import calendar
from datetime import UTC, datetime

HOUR = 3_600
DAY = 86_400


def instant(year: int, month: int, day: int, hour: int = 0) -> int:
    """The epoch second of a UTC date and hour."""
    return calendar.timegm((year, month, day, hour, 0, 0))


def moment(at: int) -> datetime:
    """The UTC datetime of an epoch second."""
    return datetime.fromtimestamp(at, UTC)


def add_months(at: int, months: int) -> int:
    """The same day and time `months` later; the last day of the month where that day does not exist."""
    start = moment(at)
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    day = min(start.day, calendar.monthrange(year, month + 1)[1])
    return calendar.timegm((year, month + 1, day, start.hour, start.minute, start.second))


def edge(anchor: int, interval: str, interval_count: int, periods: int) -> int:
    """The boundary that lies `periods` billing periods after the anchor."""
    steps = interval_count * periods
    if interval == "month":
        return add_months(anchor, steps)
    if interval == "year":
        return add_months(anchor, 12 * steps)
    return anchor + steps * (7 * DAY if interval == "week" else DAY)
