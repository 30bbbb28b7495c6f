"""How much of what is to be read is read, by the time of creation that pages have passed: only for telling progress."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from pipelines.extract.windows import Window

STRIPE_OPENED = 1_293_840_000
"""2011-01-01: no account has anything older."""


@dataclass
class Coverage:
    """Seconds of creation time, by stream: asked for, and passed. Before `founded` the account holds nothing."""

    founded: int = STRIPE_OPENED
    asked: Counter[str] = field(default_factory=Counter)
    passed: Counter[str] = field(default_factory=Counter)

    def ask(self, stream: str, windows: Sequence[Window]) -> None:
        """These windows are to be read."""
        self.asked[stream] += sum(self._seconds(window.start, window.end) for window in windows)

    def move(self, stream: str, newer: int, older: int) -> None:
        """Everything created in [older, newer) is read."""
        self.passed[stream] += self._seconds(older, newer)

    def share(self, stream: str) -> float:
        """0..1 of what was asked for; 1 where nothing was."""
        asked = self.asked[stream]
        return min(1.0, self.passed[stream] / asked) if asked else 1.0

    def _seconds(self, start: int, end: int) -> int:
        return max(0, end - max(start, self.founded))
