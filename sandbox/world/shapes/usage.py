"""Meters and what they counted."""
# ruff: noqa: A002 -- parameters carry the API's own field names

from typing import Any

DAY = 86_400


def meter(*, id: str, created: int, name: str, event_name: str) -> dict[str, Any]:
    """A meter that sums the values of its events."""
    return {
        "id": id,
        "object": "billing.meter",
        "created": created,
        "customer_mapping": {"event_payload_key": "stripe_customer_id", "type": "by_id"},
        "default_aggregation": {"formula": "sum"},
        "display_name": name,
        "event_name": event_name,
        "event_time_window": None,
        "livemode": False,
        "status": "active",
        "status_transitions": {"deactivated_at": None},
        "updated": created,
        "value_settings": {"event_payload_key": "value"},
    }


def meter_event(
    *, created: int, event_name: str, identifier: str, payload: dict[str, str], timestamp: int
) -> dict[str, Any]:
    """One use of what is metered, as it was told."""
    return {
        "object": "billing.meter_event",
        "created": created,
        "event_name": event_name,
        "identifier": identifier,
        "livemode": False,
        "payload": payload,
        "timestamp": timestamp,
    }


def meter_event_summary(*, id: str, meter: str, customer: str, start: int, value: float) -> dict[str, Any]:
    """What a customer used on the day that starts then. Stripe does not say whose it is."""
    return {
        "id": id,
        "object": "billing.meter_event_summary",
        "aggregated_value": float(value),
        "end_time": start + DAY,
        "livemode": False,
        "meter": meter,
        "start_time": start,
        "_customer": customer,
    }
