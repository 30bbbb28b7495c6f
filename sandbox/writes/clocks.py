"""Test clocks: opened, advanced, and deleted with their customers. https://docs.stripe.com/api/test_clocks."""

from __future__ import annotations

from sandbox.api.errors import invalid
from sandbox.clock import iso
from sandbox.world.clocks import KIND
from sandbox.world.shapes import deleted
from sandbox.world.stage import Stage
from sandbox.writes import customers
from sandbox.writes.lookup import the_clock
from sandbox.writes.parameters import Given, Instant, Text
from sandbox.writes.write import Shape, Write


def create(stage: Stage, ids: tuple[str, ...], given: Given) -> Shape:
    """`POST /v1/test_helpers/test_clocks`."""
    shape: Shape = stage.clocks.open(given["frozen_time"], given.get("name"))
    return shape


def advance(stage: Stage, ids: tuple[str, ...], given: Given) -> Shape:
    """`POST /v1/test_helpers/test_clocks/{id}/advance`. Errors: 400 for the past, and for too far at once."""
    held = the_clock(stage, ids[0])
    to = given["frozen_time"]
    if to <= held["frozen_time"]:
        raise invalid("The frozen_time must be later than that at which the test clock stands.", "frozen_time")
    furthest = stage.clocks.furthest(ids[0])
    if to > furthest:
        message = (
            "Cannot advance a test clock by more than two intervals of its shortest subscription at once (two years "
            f"without one): {iso(furthest)} at most."
        )
        raise invalid(message, "frozen_time")
    shape: Shape = stage.clocks.advance(ids[0], to)
    return shape


def delete(stage: Stage, ids: tuple[str, ...], given: Given) -> Shape:
    """`DELETE /v1/test_helpers/test_clocks/{id}`: its customers and their subscriptions go with it. Errors: 404."""
    the_clock(stage, ids[0])
    for customer in stage.clocks.customers(ids[0]):
        customers.delete(stage, (customer.id,), {})
    stage.clocks.close(ids[0])
    return deleted(kind=KIND, id=ids[0])


_CLOCK = "/v1/test_helpers/test_clocks/{id}"
_WRITE = "billing_clock_write"
WRITES = (
    Write(
        "POST",
        "/v1/test_helpers/test_clocks",
        _WRITE,
        KIND,
        create,
        {"frozen_time": Instant(), "name": Text(longest=300)},
        required=("frozen_time",),
    ),
    Write("POST", f"{_CLOCK}/advance", _WRITE, KIND, advance, {"frozen_time": Instant()}, required=("frozen_time",)),
    Write("DELETE", _CLOCK, _WRITE, KIND, delete),
)
