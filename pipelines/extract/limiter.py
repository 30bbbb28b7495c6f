"""Paces requests: one rate for the account, one for each endpoint, and a pool of requests in flight.

Starts at the given limits. A refusal for a rate brings that rate down at once to what the server was seen to take; from
there it is raised again in small steps, ever more rarely where a step was refused, so that it settles just below the
real limit. A refusal for concurrency shrinks the pool, which grows back slowly. Knows nothing of HTTP.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from math import inf

LOWEST_RATE = 1.0
SLOWER = 0.75
"""What is left of a rate that is refused although it was not being used up: something else uses the account."""
BELOW = 0.95
"""What of the rate that the server was seen to take is asked for from then on."""
USED_UP = 0.2
"""So much of a rate must have left in the watched time for the answers to show what the server takes."""
WATCHED_SECONDS = 1.0
"""Answers of so long are counted, and refusals within it count once."""
FIRST_PATIENCE, LONGEST_PATIENCE = 5.0, 120.0
"""Seconds without a refusal before a rate is raised; they double each time that a raise was refused."""
FIRST_STEP, LONGEST_STEP = 0.05, 0.5
"""By how much a rate is raised; the share doubles with each raise that was not refused."""
SLACK_SECONDS = 0.1
"""How late a request may leave without the following ones waiting longer for it: pages are worked on in between."""
GROW_AFTER = 200


class Pace:
    """Even spacing at a rate that follows what the server takes. Times are seconds of any one clock.

    `ceiling` is the highest rate, in requests a second; infinite for none.
    """

    def __init__(self, ceiling: float) -> None:
        self.ceiling = ceiling
        self.rate = ceiling
        self._next = 0.0
        self._left: deque[float] = deque()
        self._answered: deque[float] = deque()
        self._settled_at = -inf
        self._raised_at = -inf
        self._slowed_at = -inf
        self._patience = FIRST_PATIENCE
        self._step = FIRST_STEP

    def wait(self, now: float) -> float:
        """Seconds until the next request may leave."""
        self._recover(now)
        return self._next - now

    def leave(self, now: float) -> None:
        """A request leaves."""
        self._next = max(self._next, now - SLACK_SECONDS) + 1.0 / self.rate
        _note(self._left, now)

    def answered(self, now: float) -> None:
        """A request was taken."""
        if self.ceiling < inf:
            _note(self._answered, now)

    def slow(self, now: float) -> None:
        """A request was refused. Refusals of one burst count once."""
        if now - self._slowed_at >= WATCHED_SECONDS:
            taken = _rate_of(self._answered, now)
            was_used_up = _rate_of(self._left, now) >= self.rate * USED_UP
            slower = taken * BELOW if taken and was_used_up else self.rate * SLOWER
            if now - self._raised_at < self._patience:
                self._patience = min(2 * self._patience, LONGEST_PATIENCE)
            self.rate = max(LOWEST_RATE, min(slower, self.rate * BELOW))
            self._step = FIRST_STEP
            self._slowed_at = self._settled_at = now
        self._next = max(self._next, now + 1.0 / self.rate)

    def _recover(self, now: float) -> None:
        if self.rate < self.ceiling and now - self._settled_at >= self._patience:
            self.rate = min(self.ceiling, self.rate * (1 + self._step))
            self._step = min(2 * self._step, LONGEST_STEP)
            self._raised_at = self._settled_at = now


def _note(moments: deque[float], now: float) -> None:
    moments.append(now)
    while moments[0] <= now - WATCHED_SECONDS:
        moments.popleft()


def _rate_of(moments: deque[float], now: float) -> float:
    return sum(moment > now - WATCHED_SECONDS for moment in moments) / WATCHED_SECONDS


class Limiter:
    """`await enter` before a request, `leave` after it; tell `answered` what was taken and `slow` what was refused.

    Rates are requests a second, 0 for no limit.
    """

    def __init__(
        self, account_rate: float, endpoint_rate: float, concurrency: int, clock: Callable[[], float] | None = None
    ) -> None:
        self._account = _Gate(Pace(account_rate or inf))
        self._endpoint_rate = endpoint_rate or inf
        self._endpoints: dict[str, _Gate] = {}
        self._clock = clock or asyncio.get_running_loop().time
        self._ceiling = concurrency
        self.pool = concurrency
        self._in_flight = 0
        self._since_shrink = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    def rates(self, endpoint: str) -> tuple[float, float]:
        """Requests a second that the account and the endpoint are paced at now."""
        return self._account.pace.rate, self._gate(endpoint).pace.rate

    def answered(self, endpoint: str) -> None:
        """A request was taken."""
        now = self._clock()
        self._account.pace.answered(now)
        self._gate(endpoint).pace.answered(now)

    def slow(self, endpoint: str, reason: str) -> None:
        """Take a 429 to heart: `reason` is the `Stripe-Rate-Limited-Reason` header.

        Without one it was a lock that another request held, which is no matter of pace.
        """
        if reason.endswith("-concurrency"):
            self.pool = max(1, min(self.pool, self._in_flight) * 3 // 4)
            self._since_shrink = 0
        elif reason == "global-rate":
            self._account.pace.slow(self._clock())
        elif reason:
            self._gate(endpoint).pace.slow(self._clock())

    async def enter(self, endpoint: str) -> None:
        """Wait for the endpoint's moment, then the account's, then a place in the pool."""
        await self._gate(endpoint).passed(self._clock)
        await self._account.passed(self._clock)
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

    def _gate(self, endpoint: str) -> "_Gate":
        gate = self._endpoints.get(endpoint)
        if gate is None:
            gate = self._endpoints[endpoint] = _Gate(Pace(self._endpoint_rate))
        return gate


class _Gate:
    """Lets requests through in the order they came, one at a time, so that a change of pace holds for all who wait."""

    def __init__(self, pace: Pace) -> None:
        self.pace = pace
        self._queue = asyncio.Lock()

    async def passed(self, clock: Callable[[], float]) -> None:
        if self.pace.ceiling == inf:
            return
        async with self._queue:
            while (seconds := self.pace.wait(clock())) > 0:
                await asyncio.sleep(seconds)
            self.pace.leave(clock())
