"""Test clocks: opened, advanced, and deleted with their customers. https://docs.stripe.com/api/test_clocks."""

from __future__ import annotations

from sandbox.api.errors import invalid, no_such, refused
from sandbox.clock import iso
from sandbox.world.clocks import KIND, MOST_CUSTOMERS
from sandbox.world.shapes import deleted
from sandbox.world.stage import Stage
from sandbox.writes import customers
from sandbox.writes.parameters import Given, Instant, Text
from sandbox.writes.write import Shape, Write


def create(stage: Stage, ids: tuple[str, ...], given: Given) -> Shape:
    """`POST /v1/test_helpers/test_clocks`."""
    shape: Shape = stage.clocks.open(given["frozen_time"], given.get("name"))
    return shape


def advance(stage: Stage, ids: tuple[str, ...], given: Given) -> Shape:
    """`POST /v1/test_helpers/test_clocks/{id}/advance`. Errors: 400 for the past, and for too far at once."""
    held = the_clock(stage, ids[0], "test_clock")
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
    the_clock(stage, ids[0], "test_clock")
    for customer in stage.clocks.customers(ids[0]):
        customers.delete(stage, (customer.id,), {})
    stage.clocks.close(ids[0])
    return deleted(kind=KIND, id=ids[0])


def check_room(stage: Stage, id: str) -> None:  # noqa: A002 - Stripe's word
    """Whether one more customer may be put on the clock. Errors: 400 where none is of that id, or it is full."""
    the_clock(stage, id, "test_clock", 400)
    if len(stage.clocks.customers(id)) >= MOST_CUSTOMERS:
        raise refused(f"A test clock takes {MOST_CUSTOMERS} customers at most.", None, "test_clock")


def the_clock(stage: Stage, id: str, param: str, status: int = 404) -> Shape:  # noqa: A002
    """The clock of that id. Errors: 404, or `status`, when there is none."""
    try:
        shape: Shape = stage.clocks.shape(id)
    except KeyError:
        raise no_such("test_clock", id, param, status) from None
    return shape


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
