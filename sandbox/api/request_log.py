"""What was asked: counts by endpoint and by status, and the last requests in full. Knows no HTTP library."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import asdict, dataclass
from typing import Any

RECENT = 2_000


@dataclass(frozen=True)
class Entry:
    """One answered request; status 0 is a connection that was broken on purpose."""

    id: str
    method: str
    path: str
    query: str
    status: int
    size: int


class RequestLog:
    """Counts since the start or the last `clear`."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.statuses: Counter[int] = Counter()
        self.recent: deque[Entry] = deque(maxlen=RECENT)

    def note(self, endpoint: str, entry: Entry) -> None:
        self.counts[endpoint] += 1
        self.statuses[entry.status] += 1
        self.recent.append(entry)

    def clear(self) -> None:
        self.counts.clear()
        self.statuses.clear()
        self.recent.clear()

    def summary(self) -> dict[str, Any]:
        """As JSON: total, by endpoint, by status, and the recent requests, newest last."""
        return {
            "total": self.counts.total(),
            "endpoints": dict(sorted(self.counts.items())),
            "statuses": {str(status): count for status, count in sorted(self.statuses.items())},
            "recent": [asdict(entry) for entry in self.recent],
        }
