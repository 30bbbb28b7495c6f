"""A clock that takes its time at Stripe, or fails there: what is waited for, how long, and what is said then."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from billing.testing.clocks import PATIENCE_SECONDS, ClockError, advance
from billing.wire import Answered, Reply, Request, Unknown, Wire

START = 1_794_744_000  # 2026-11-15T12:00:00Z
DAY = 86_400


class SlowStripe(Wire):
    """A Stripe whose one clock is looked at so many times until it is ready; time passes by being waited for."""

    state: dict[str, Any]

    def begin(self, looks: int, status: str = "advancing", rhythm: tuple[str, int] | None = None) -> "SlowStripe":
        state = {
            "at": START,
            "looks": 0,
            "takes": looks,
            "status": status,
            "rhythm": rhythm,
            "waited": 0.0,
            "steps": [],
        }
        object.__setattr__(self, "state", state)
        return self

    def get(self, path: str, **params: Any) -> Mapping[str, Any]:
        state = self.state
        ready = state["looks"] <= 0
        state["looks"] -= 1
        return {
            "id": "clock_1",
            "name": None,
            "frozen_time": state["at"],
            "status": "ready" if ready else state["status"],
        }

    def pages(self, path: str, **params: Any) -> Any:
        rhythm = self.state["rhythm"]
        if rhythm:
            recurring = {"interval": rhythm[0], "interval_count": rhythm[1]}
            yield {"items": {"data": [{"price": {"recurring": recurring}}, {"price": {"recurring": None}}]}}

    def act(self, request: Request, key: str) -> Reply:
        if self.state["status"] == "lost":
            return Unknown("no_answer", "")
        self.state["steps"].append((request.params["frozen_time"], key))
        self.state |= {"at": request.params["frozen_time"], "looks": self.state["takes"]}
        return Answered({}, "req_1", replayed=False)


def slow(*told: Any, **more: Any) -> SlowStripe:
    """A slow Stripe with a clock of its own for waiting."""
    waited = [0.0]
    wire = SlowStripe(
        "rk_test_1", "http://127.0.0.1:1", lambda some: waited.__setitem__(0, waited[0] + some), lambda: waited[0]
    )
    return wire.begin(*told, **more)


def on(days: int) -> datetime:
    return datetime.fromtimestamp(START + days * DAY, UTC)


def test_each_step_is_waited_for() -> None:
    wire = slow(3)
    assert [clock.at for clock in advance(wire, "clock_1", on(90), "k")] == [on(90)]
    assert wire.seconds() == 3 * 2.0


@pytest.mark.parametrize(
    ("rhythm", "steps"), [(("month", 1), [56, 112, 150]), (("week", 3), [42, 84, 126, 150]), (("year", 1), [150])]
)
def test_a_step_is_two_of_the_shortest_intervals_however_short_a_month_is(
    rhythm: tuple[str, int], steps: list[int]
) -> None:
    wire = slow(0, rhythm=rhythm)
    assert [clock.at for clock in advance(wire, "clock_1", on(150), "k")] == [on(days) for days in steps]
    assert len({key for _, key in wire.state["steps"]}) == len(steps)


def test_a_clock_that_fails_or_hangs_or_gives_no_answer_is_told_of() -> None:
    with pytest.raises(ClockError, match="internal_failure"):
        list(advance(slow(1, "internal_failure"), "clock_1", on(1), "k"))
    hanging = slow(10**6)
    with pytest.raises(ClockError, match="still on its way"):
        list(advance(hanging, "clock_1", on(1), "k"))
    assert hanging.seconds() <= PATIENCE_SECONDS + 2
    with pytest.raises(ClockError, match="not advanced from 2026-11-15 12:00 UTC: Stripe says no_answer"):
        list(advance(slow(0, "lost"), "clock_1", on(1), "k"))
