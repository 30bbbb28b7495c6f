"""The limiter: paces by endpoint and account, finds the real limit by the refusals, shrinks its pool."""

import asyncio
import heapq
from collections.abc import Callable
from itertools import pairwise

import pytest

from pipelines.extract.limiter import FIRST_PATIENCE, Limiter, Pace


def leaving(pace: Pace, seconds: float, start: float = 0.0) -> list[float]:
    """When requests leave that always wait for their moment and for nothing else."""
    now, moments = start, []
    while now < start + seconds:
        wait = pace.wait(now)
        if wait > 0:
            now += wait
            continue
        pace.leave(now)
        moments.append(now)
    return moments


def test_requests_leave_evenly_at_the_rate() -> None:
    moments = leaving(Pace(10.0), 1.0, start=100.0)
    gaps = [round(later - earlier, 3) for earlier, later in pairwise(moments)]
    assert gaps[1:] == [0.1] * (len(gaps) - 1), "only the first may follow sooner: it makes up for a late one"
    assert len(moments) == 12


def test_an_idle_pace_saves_nothing_up() -> None:
    pace = Pace(10.0)
    leaving(pace, 1.0)
    assert len(leaving(pace, 0.5, start=50.0)) <= 6


class TokenBucket:
    """A server that takes `rate` requests a second, and a second's worth at once."""

    def __init__(self, rate: float) -> None:
        self.rate, self._tokens, self._at = rate, rate, 0.0

    def takes(self, now: float) -> bool:
        self._tokens = min(self.rate, self._tokens + (now - self._at) * self.rate)
        self._at = now
        self._tokens -= taken if (taken := self._tokens >= 1) else 0
        return taken


class FixedWindow:
    """A server that takes `rate` requests in each second of its clock."""

    def __init__(self, rate: float) -> None:
        self.rate, self._second, self._count = rate, -1, 0

    def takes(self, now: float) -> bool:
        if int(now) != self._second:
            self._second, self._count = int(now), 0
        self._count += 1
        return self._count <= self.rate


def driven(pace: Pace, server: TokenBucket | FixedWindow, until: float, latency: float = 0.15) -> tuple[int, int]:
    """Requests taken and refused when as many are sent as the pace allows, each answered after the latency."""
    now, taken, refused = 0.0, 0, 0
    answers: list[tuple[float, bool]] = []
    while now < until:
        moment = now + max(pace.wait(now), 0.0)
        if answers and answers[0][0] <= moment:
            now, was_taken = heapq.heappop(answers)
            taken, refused = taken + was_taken, refused + (not was_taken)
            (pace.answered if was_taken else pace.slow)(now)
            continue
        now = moment
        pace.leave(now)
        heapq.heappush(answers, (now + latency, server.takes(now)))
    return taken, refused


@pytest.mark.parametrize("server", [TokenBucket, FixedWindow])
@pytest.mark.parametrize("limit", [5.0, 10.0, 25.0, 50.0, 80.0])
def test_a_lower_limit_is_found_and_kept_to(limit: float, server: Callable[[float], TokenBucket | FixedWindow]) -> None:
    """Ten minutes at 100 a second against a server that takes less: nearly all it takes, hardly a refusal."""
    taken, refused = driven(Pace(100.0), server(limit), until=600.0)
    assert taken >= 0.85 * limit * 600
    assert refused <= 0.02 * (taken + refused)


@pytest.mark.parametrize("server", [TokenBucket, FixedWindow])
def test_the_limit_that_was_given_is_used_up_without_a_refusal(
    server: Callable[[float], TokenBucket | FixedWindow],
) -> None:
    taken, refused = driven(Pace(100.0), server(100.0), until=60.0)
    assert taken >= 0.98 * 6_000
    assert refused <= 0.02 * 6_000


def test_a_rate_comes_back_once_the_server_takes_more_again() -> None:
    pace = Pace(100.0)
    driven(pace, TokenBucket(10.0), until=20.0)
    assert pace.rate < 12
    leaving(pace, 100 * FIRST_PATIENCE, start=20.0)
    assert pace.rate == 100.0


def test_refusals_of_one_burst_count_once() -> None:
    pace = Pace(20.0)
    pace.slow(10.0)
    pace.slow(10.2)
    assert pace.rate == 15.0


def test_no_limit_is_no_wait() -> None:
    async def many() -> float:
        limiter = Limiter(account_rate=0, endpoint_rate=0, concurrency=1)
        for _ in range(1_000):
            await limiter.enter("list")
            limiter.leave()
        return limiter.rates("list")[0]

    assert asyncio.run(many()) == float("inf")


def test_the_pool_bounds_requests_in_flight_and_shrinks_when_refused_for_concurrency() -> None:
    async def most_in_flight() -> tuple[int, int]:
        limiter = Limiter(account_rate=0, endpoint_rate=0, concurrency=4)
        flying = 0
        most: list[int] = []

        async def request() -> None:
            nonlocal flying
            await limiter.enter("list")
            flying += 1
            most.append(flying)
            await asyncio.sleep(0)
            flying -= 1
            limiter.leave()

        await asyncio.gather(*(request() for _ in range(20)))
        before = max(most)
        most.clear()
        await limiter.enter("list")
        limiter.slow("list", "endpoint-concurrency")
        limiter.leave()
        await asyncio.gather(*(request() for _ in range(20)))
        return before, max(most)

    assert asyncio.run(most_in_flight()) == (4, 1)


@pytest.mark.parametrize(
    ("reason", "rates"),
    [
        ("global-rate", (75.0, 20.0)),
        ("endpoint-rate", (100.0, 15.0)),
        ("resource-specific", (100.0, 15.0)),
        ("", (100.0, 20.0)),
    ],
)
def test_the_reason_says_which_rate_is_slowed(reason: str, rates: tuple[float, float]) -> None:
    async def after() -> tuple[float, float]:
        limiter = Limiter(account_rate=100.0, endpoint_rate=20.0, concurrency=4, clock=lambda: 100.0)
        limiter.slow("list", reason)
        return limiter.rates("list")

    assert asyncio.run(after()) == rates
