"""Rate and concurrency limits of the account and of each endpoint. Off unless configured; knows no HTTP."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sandbox.api.errors import rate_limited


@dataclass(frozen=True)
class Limits:
    """Requests a second and requests at once; None is no limit."""

    account_rate: float | None = None
    endpoint_rate: float | None = None
    account_concurrency: int | None = None
    endpoint_concurrency: int | None = None


class Limiter:
    """Token buckets a second deep, and counts of what is under way. `time` is a monotonic clock in seconds."""

    def __init__(self, limits: Limits, time: Callable[[], float]) -> None:
        self._limits = limits
        self._time = time
        self._account = Bucket(limits.account_rate, time())
        self._endpoints: dict[str, Bucket] = {}
        self._under_way: Counter[str] = Counter()

    @contextmanager
    def admitted(self, endpoint: str) -> Iterator[None]:
        """Lets one request in for as long as it takes. Errors: 429 with the reason of the limit it met."""
        self._check_concurrency(endpoint)
        self._check_rate(endpoint)
        self._under_way[endpoint] += 1
        try:
            yield
        finally:
            self._under_way[endpoint] -= 1

    def _check_concurrency(self, endpoint: str) -> None:
        most = self._limits.account_concurrency
        if most is not None and self._under_way.total() >= most:
            raise rate_limited("global-concurrency")
        most = self._limits.endpoint_concurrency
        if most is not None and self._under_way[endpoint] >= most:
            raise rate_limited("endpoint-concurrency")

    def _check_rate(self, endpoint: str) -> None:
        now = self._time()
        if not self._account.has_one(now):
            raise rate_limited("global-rate")
        bucket = self._endpoints.get(endpoint)
        if bucket is None:
            bucket = self._endpoints[endpoint] = Bucket(self._limits.endpoint_rate, now)
        if not bucket.has_one(now):
            raise rate_limited("endpoint-rate")
        self._account.take()
        bucket.take()


class Bucket:
    """Fills at `rate` tokens a second up to one second's worth; without a rate it is never empty."""

    def __init__(self, rate: float | None, now: float) -> None:
        self._rate = rate
        self._tokens = max(rate, 1.0) if rate is not None else 0.0
        self._at = now

    def has_one(self, now: float) -> bool:
        if self._rate is None:
            return True
        self._tokens = min(self._tokens + (now - self._at) * self._rate, max(self._rate, 1.0))
        self._at = now
        return self._tokens >= 1

    def take(self) -> None:
        if self._rate is not None:
            self._tokens -= 1
