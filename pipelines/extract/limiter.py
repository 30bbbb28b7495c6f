"""Paces requests: one rate for the account, one for each endpoint, and a pool of requests in flight.

Starts at the given limits. A refusal for a rate slows that rate down, a refusal for concurrency shrinks the pool; both
recover slowly towards what was given. Knows nothing of HTTP.
"""

import asyncio
from collections import deque
from collections.abc import Callable

SLOWER = 0.75
RECOVERY_PER_SECOND = 0.02
LOWEST_RATE = 1.0
PATIENCE_AFTER_SLOWING = 1.0
GROW_AFTER = 200


class Pace:
    """Even spacing at a rate: `reserve` says when the next request may leave. Times are seconds of any one clock."""

    def __init__(self, rate: float, burst: float = 1.0) -> None:
        self.ceiling = rate
        self.rate = rate
        self._burst = burst
        self._next = 0.0
        self._slowed = 0.0

    def reserve(self, now: float) -> float:
        """Take the next place; return how long to wait for it."""
        earliest = now - (self._burst - 1.0) / self.rate
        start = max(self._next, earliest)
        self._next = start + 1.0 / self.rate
        return max(0.0, start - now)

    def slow(self, now: float) -> None:
        """A request was refused. Refusals of one burst count once."""
        if now - self._slowed >= PATIENCE_AFTER_SLOWING:
            self._slowed = now
            self.rate = max(LOWEST_RATE, self.rate * SLOWER)
        self._next = max(self._next, now + 1.0 / self.rate)

    def recover(self, seconds: float) -> None:
        """Come back towards the given rate, a fiftieth of it a second."""
        self.rate = min(self.ceiling, self.rate + self.ceiling * RECOVERY_PER_SECOND * seconds)


class Limiter:
    """`await enter` before a request, `leave` after it, and tell refusals to `slow`."""

    def __init__(
        self, account_rate: float, endpoint_rate: float, concurrency: int, clock: Callable[[], float] | None = None
    ) -> None:
        self._account = Pace(account_rate)
        self._endpoint_rate = endpoint_rate
        self._endpoints: dict[str, Pace] = {}
        self._clock = clock or asyncio.get_running_loop().time
        self._recovered_at = self._clock()
        self._ceiling = concurrency
        self.pool = concurrency
        self._in_flight = 0
        self._since_shrink = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    def rates(self, endpoint: str) -> tuple[float, float]:
        """Requests a second that the account and the endpoint are paced at now."""
        return self._account.rate, self._pace(endpoint).rate

    def slow(self, endpoint: str, reason: str) -> None:
        """Take a 429 to heart: `reason` is the `Stripe-Rate-Limited-Reason` header.

        Without one it was a lock that another request held, which is no matter of pace.
        """
        now = self._clock()
        if reason.endswith("-concurrency"):
            self.pool = max(1, min(self.pool, self._in_flight) * 3 // 4)
            self._since_shrink = 0
        elif reason == "global-rate":
            self._account.slow(now)
        elif reason:
            self._pace(endpoint).slow(now)

    async def enter(self, endpoint: str) -> None:
        """Wait for the endpoint's moment, then the account's, then a place in the pool."""
        self._recover(self._clock())
        await _pause(self._pace(endpoint).reserve(self._clock()))
        await _pause(self._account.reserve(self._clock()))
        while self._in_flight >= self.pool:
            turn = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            await turn
        self._in_flight += 1

    def leave(self) -> None:
        self._in_flight -= 1
        self._since_shrink += 1
        if self.pool < self._ceiling and self._since_shrink >= GROW_AFTER:
            self.pool += 1
            self._since_shrink = 0
        free = self.pool - self._in_flight
        while free > 0 and self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                free -= 1

    def _recover(self, now: float) -> None:
        passed, self._recovered_at = now - self._recovered_at, now
        for pace in (self._account, *self._endpoints.values()):
            if pace.rate < pace.ceiling:
                pace.recover(passed)

    def _pace(self, endpoint: str) -> Pace:
        return self._endpoints.setdefault(endpoint, Pace(self._endpoint_rate))


async def _pause(seconds: float) -> None:
    if seconds > 0:
        await asyncio.sleep(seconds)
