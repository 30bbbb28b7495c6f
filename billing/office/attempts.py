"""How often somebody may try to sign in: per address and per login, whether or not there is such a login.

Counted in this process's memory: who can start it anew can do more than guess passwords.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

PER_ADDRESS = parse("20 per 5 minutes")
PER_LOGIN = parse("8 per 15 minutes")


@dataclass
class Attempts:
    """Failures, counted over moving windows."""

    per_address: RateLimitItem = PER_ADDRESS
    per_login: RateLimitItem = PER_LOGIN

    def __post_init__(self) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._told: set[tuple[str, str]] = set()

    def refused(self, address: str, login: str) -> str | None:
        """What has been tried too often, `address` or `login`; None where another attempt may be made."""
        for limit, kind, key in self._kinds(address, login):
            if not self._limiter.test(limit, kind, key):
                return kind
            self._told.discard((kind, key))
        return None

    def failed(self, address: str, login: str) -> None:
        """Count an attempt that failed."""
        for limit, kind, key in self._kinds(address, login):
            self._limiter.hit(limit, kind, key)

    def is_news(self, kind: str, address: str, login: str) -> bool:
        """Whether a refusal is the first of its window, and so for the trail."""
        key = (kind, address if kind == "address" else login)
        new = key not in self._told
        self._told.add(key)
        return new

    def _kinds(self, address: str, login: str) -> Iterator[tuple[RateLimitItem, str, str]]:
        yield self.per_address, "address", address
        yield self.per_login, "login", login
