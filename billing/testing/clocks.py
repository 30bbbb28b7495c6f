"""Test clocks: opened, advanced as far as one likes, deleted. https://docs.stripe.com/billing/testing/test-clocks.

Stripe advances a clock by two intervals of its shortest subscription at most, and takes its time: `advance` goes in as
many steps as it takes and waits for each.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from billing.errors import BillingError, UsageError
from billing.wire import Answered, Body, Reply, Request, Wire, path

CLOCKS: Final = "/v1/test_helpers/test_clocks"
LEAST_DAYS: Final = {"day": 1, "week": 7, "month": 28, "year": 365}
"""How short an interval can be."""
INTERVALS_AT_ONCE: Final = 2
FARTHEST_AT_ONCE: Final = timedelta(days=2 * 365)
PATIENCE_SECONDS: Final = 600.0
ASKED_EVERY: Final = 2.0


class ClockError(BillingError):
    """A clock did not do what was asked of it; the message says how it stands."""


@dataclass(frozen=True)
class Clock:
    """A test clock: what time it is for those on it, and whether it stands (`ready`) or is on its way."""

    id: str
    name: str
    at: datetime
    status: str

    @classmethod
    def of(cls, body: Body) -> "Clock":
        """The clock that an answer tells of."""
        at = datetime.fromtimestamp(body["frozen_time"], UTC)
        return cls(str(body["id"]), str(body.get("name") or ""), at, str(body["status"]))


def refuse_live(wire: Wire) -> None:
    """Test tooling is for test mode, whatever a key may do.

    Raises:
        UsageError: the key is not one of test mode.
    """
    if "_test_" not in wire.key:
        raise UsageError("`revenue testing` takes a key of test mode (rk_test_…, sk_test_…); STRIPE_WRITE_KEY is none.")


def done(reply: Reply, what: str) -> Body:
    """The answer to a request that acts.

    Raises:
        ClockError: it did not happen, or nobody knows.
    """
    if isinstance(reply, Answered):
        return reply.body
    raise ClockError(f"{what}: Stripe says {reply.code} ({reply.request_id or 'no request id'}).")


def listed(wire: Wire) -> list[Clock]:
    """The clocks of the account, the newest first."""
    return [Clock.of(each) for each in wire.pages(CLOCKS)]


def opened(wire: Wire, name: str, at: datetime, key: str) -> Clock:
    """A clock of that name that stands at an instant, under an idempotency key.

    Raises:
        UsageError: not a key of test mode.
        ClockError: Stripe did not make it.
    """
    refuse_live(wire)
    params = {"frozen_time": int(at.timestamp()), "name": name}
    return Clock.of(done(wire.act(Request("post", CLOCKS, params), key), f"The clock {name} was not made"))


def advance(wire: Wire, clock_id: str, to: datetime, key: str) -> Iterator[Clock]:
    """Advance a clock step by step, and tell where it stands after each.

    Args:
        key: what the idempotency keys of the steps begin with.

    Raises:
        UsageError: not a key of test mode, or the clock stands later than that already.
        ClockError: Stripe failed to advance it, or takes longer than ten minutes for a step.
    """
    refuse_live(wire)
    clock = _ready(wire, clock_id)
    if clock.at >= to:
        raise UsageError(f"{clock_id} stands at {clock.at:%Y-%m-%d %H:%M} UTC and can't go back.")
    while clock.at < to:
        step = min(to, clock.at + _at_once(wire, clock_id))
        params = {"frozen_time": int(step.timestamp())}
        address = path("test_helpers", "test_clocks", clock_id, "advance")
        done(
            wire.act(Request("post", address, params), f"{key}-{params['frozen_time']}"),
            f"{clock_id} was not advanced from {clock.at:%Y-%m-%d %H:%M} UTC",
        )
        clock = _ready(wire, clock_id)
        yield clock


def after(wire: Wire, clock_id: str, days: float) -> datetime:
    """The instant that is so many days after where the clock stands."""
    return _ready(wire, clock_id).at + timedelta(days=days)


def delete(wire: Wire, clock_id: str, key: str) -> None:
    """Delete a clock with its customers and their subscriptions.

    Raises:
        UsageError: not a key of test mode.
        ClockError: Stripe did not delete it.
    """
    refuse_live(wire)
    address = path("test_helpers", "test_clocks", clock_id)
    done(wire.act(Request("delete", address), key), f"{clock_id} was not deleted")


def _ready(wire: Wire, clock_id: str) -> Clock:
    """The clock once it stands."""
    began = wire.seconds()
    while True:
        clock = Clock.of(wire.get(path("test_helpers", "test_clocks", clock_id)))
        if clock.status == "ready":
            return clock
        if clock.status != "advancing":
            raise ClockError(f"{clock_id} can't be advanced any more ({clock.status}): make another one.")
        if wire.seconds() - began > PATIENCE_SECONDS:
            raise ClockError(f"{clock_id} is still on its way to {clock.at:%Y-%m-%d %H:%M} UTC. Ask again later.")
        wire.sleep(ASKED_EVERY)


def _at_once(wire: Wire, clock_id: str) -> timedelta:
    """How far Stripe lets the clock go in one step."""
    held = wire.pages("/v1/subscriptions", test_clock=clock_id)
    rhythms = [item["price"]["recurring"] for each in held for item in each["items"]["data"]]
    steps = [INTERVALS_AT_ONCE * _shortest(rhythm) for rhythm in rhythms if rhythm]
    return min(steps, default=FARTHEST_AT_ONCE)


def _shortest(rhythm: Mapping[str, Any]) -> timedelta:
    return timedelta(days=LEAST_DAYS[rhythm["interval"]] * rhythm["interval_count"])
