"""Meters, and the events that they count. https://docs.stripe.com/api/billing/meter."""

from __future__ import annotations

from typing import Any

from sandbox.api.errors import invalid, no_such, refused
from sandbox.world import metering, shapes
from sandbox.world.periods import DAY
from sandbox.world.stage import Stage
from sandbox.world.state import Customer
from sandbox.writes.parameters import Choice, Fields, Given, Instant, Notes, Text
from sandbox.writes.write import Shape, Write

KIND = "billing.meter"
LATE_DAYS, EARLY_SECONDS = 35, 300


def create(stage: Stage, ids: tuple[str, ...], given: Given) -> Shape:
    """`POST /v1/billing/meters`. Errors: 400 for an event name that an active meter has."""
    name = given["event_name"]
    if _active(stage, name) is not None:
        raise invalid(f"A meter with event_name `{name}` is active already.", "event_name", "resource_already_exists")
    shape = shapes.meter(
        id=stage.business.id("mtr_test_", 24, "made", stage.count(KIND)),
        created=stage.now,
        name=given["display_name"],
        event_name=name,
    )
    shape["default_aggregation"] = given["default_aggregation"]
    shape |= {
        field: given[field] for field in ("customer_mapping", "event_time_window", "value_settings") if field in given
    }
    stage.put(shape, "billing.meter.created")
    return shape


def update(stage: Stage, ids: tuple[str, ...], given: Given) -> Shape:
    """`POST /v1/billing/meters/{id}`: its name. Errors: 404."""
    shape = _held(stage, ids[0])
    shape |= {**given, "updated": stage.now}
    stage.put(shape, "billing.meter.updated")
    return shape


def deactivate(stage: Stage, ids: tuple[str, ...], given: Given) -> Shape:
    """`POST /v1/billing/meters/{id}/deactivate`: it counts no more. Errors: 404; 400 where it counts none."""
    shape = _held(stage, ids[0])
    if shape["status"] == "inactive":
        raise refused("This meter is deactivated already.")
    shape |= {"status": "inactive", "status_transitions": {"deactivated_at": stage.now}, "updated": stage.now}
    stage.put(shape, "billing.meter.deactivated")
    return shape


def reactivate(stage: Stage, ids: tuple[str, ...], given: Given) -> Shape:
    """`POST /v1/billing/meters/{id}/reactivate`. Errors: 404, and 400 where another counts those events by now."""
    shape = _held(stage, ids[0])
    if _active(stage, shape["event_name"]) is not None:
        raise refused(f"A meter with event_name `{shape['event_name']}` is active already.", "resource_already_exists")
    shape |= {"status": "active", "status_transitions": {"deactivated_at": None}, "updated": stage.now}
    stage.put(shape, "billing.meter.reactivated")
    return shape


def count(stage: Stage, ids: tuple[str, ...], given: Given) -> Shape:
    """`POST /v1/billing/meter_events`: what a customer used; subscriptions to a price of the meter bill it.

    Errors: 400 for a name that no active meter has, a customer or a value that is none, and a time too long ago. The
    same identifier counts once.
    """
    meter = _active(stage, given["event_name"])
    if meter is None:
        message = f"No active meter found for event name: {given['event_name']}"
        raise invalid(message, "event_name", "no_meter")
    customer, value = _payload(stage, meter, given["payload"])
    at = given.get("timestamp", stage.now)
    if not stage.now - LATE_DAYS * DAY <= at <= stage.now + EARLY_SECONDS:
        message = "The timestamp must be within the past 35 calendar days or up to 5 minutes in the future."
        raise invalid(message, "timestamp", "timestamp_too_far_in_past")
    identifier = given.get("identifier") or stage.business.id("", 32, "meter event", stage.count("meter event"))
    if not stage.first_time("meter event", identifier):
        message = f"An event already exists with identifier {identifier}."
        raise refused(message, "duplicate_meter_event")
    metering.counted(stage, meter, customer, value, at)
    return shapes.meter_event(
        created=stage.now, event_name=given["event_name"], identifier=identifier, payload=given["payload"], timestamp=at
    )


def _payload(stage: Stage, meter: Shape, payload: dict[str, str]) -> tuple[Customer, int]:
    key = meter["customer_mapping"]["event_payload_key"]
    customer = stage.things.get(payload.get(key, ""))
    if not isinstance(customer, Customer) or customer.deleted:
        raise invalid(f"No customer found for the payload key `{key}`.", f"payload[{key}]", "invalid_payload")
    if meter["default_aggregation"]["formula"] == "count":
        return customer, 1
    key = meter["value_settings"]["event_payload_key"]
    said = payload.get(key, "")
    if not said.isdigit():
        raise invalid(f"The payload's `{key}` must be a whole number.", f"payload[{key}]", "invalid_payload")
    return customer, int(said)


def _active(stage: Stage, event_name: str) -> dict[str, Any] | None:
    shelf = stage.store.shelf(KIND)
    held = (shelf.complete(slot) for slot in shelf.where("status", "active"))
    return next((each for each in held if each["event_name"] == event_name), None)


def _held(stage: Stage, id: str) -> dict[str, Any]:  # noqa: A002 - Stripe's word
    shape = stage.store.get(KIND, id)
    if shape is None:
        raise no_such("meter", id, "id")
    return shape


_KEY = Fields({"event_payload_key": Text(longest=100)}, required=("event_payload_key",))
_METER = "/v1/billing/meters/{id}"
WRITES = (
    Write(
        "POST",
        "/v1/billing/meters",
        "billing_meter_write",
        KIND,
        create,
        {
            "customer_mapping": Fields(
                {"event_payload_key": Text(longest=100), "type": Choice(("by_id",))},
                required=("event_payload_key", "type"),
            ),
            "default_aggregation": Fields({"formula": Choice(("count", "last", "sum"))}, required=("formula",)),
            "display_name": Text(longest=250),
            "event_name": Text(longest=100),
            "event_time_window": Choice(("day", "hour")),
            "value_settings": _KEY,
        },
        required=("default_aggregation", "display_name", "event_name"),
    ),
    Write("POST", _METER, "billing_meter_write", KIND, update, {"display_name": Text(longest=250)}),
    Write("POST", f"{_METER}/deactivate", "billing_meter_write", KIND, deactivate),
    Write("POST", f"{_METER}/reactivate", "billing_meter_write", KIND, reactivate),
    Write(
        "POST",
        "/v1/billing/meter_events",
        "billing_meter_event_write",
        "billing.meter_event",
        count,
        {"event_name": Text(longest=100), "identifier": Text(longest=100), "payload": Notes(), "timestamp": Instant()},
        required=("event_name", "payload"),
    ),
)
