"""The limiter: paces by endpoint and account, slows down by the reason of a refusal, recovers, shrinks its pool."""

import asyncio

import pytest

from pipelines.extract.limiter import Limiter, Pace


def test_requests_leave_evenly_at_the_rate() -> None:
    pace = Pace(10.0)
    assert [round(pace.reserve(0.0), 3) for _ in range(4)] == [0.0, 0.1, 0.2, 0.3]
    assert pace.reserve(5.0) == 0.0, "an idle pace saves nothing up"
    assert round(pace.reserve(5.0), 3) == 0.1


def test_a_refusal_slows_the_pace_once_a_burst_and_it_recovers_to_what_was_given() -> None:
    pace = Pace(20.0)
    pace.slow(10.0)
    pace.slow(10.2)
    assert pace.rate == 15.0
    pace.slow(12.0)
    assert pace.rate == pytest.approx(11.25)
    pace.recover(1_000.0)
    assert pace.rate == 20.0


def test_the_pool_bounds_requests_in_flight_and_shrinks_when_refused_for_concurrency() -> None:
    async def most_in_flight() -> tuple[int, int]:
        limiter = Limiter(account_rate=1e9, endpoint_rate=1e9, concurrency=4)
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
