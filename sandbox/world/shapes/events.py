"""The event object. Knows nothing of versions: the object inside is given already rendered."""
# ruff: noqa: A002 -- parameters carry the API's own field names

from typing import Any


def event(
    *,
    id: str,
    created: int,
    type: str,
    object: dict[str, Any],
    previous_attributes: dict[str, Any] | None = None,
    api_version: str = "2026-10-28.endive",
    request: str | None = None,
    idempotency_key: str | None = None,
    pending_webhooks: int = 0,
) -> dict[str, Any]:
    """A snapshot event about `object`; `previous_attributes` belongs to `*.updated` only.

    `request` is null for what Stripe did by itself.
    """
    data: dict[str, Any] = {"object": object}
    if previous_attributes is not None:
        data["previous_attributes"] = previous_attributes
    return {
        "id": id,
        "object": "event",
        "api_version": api_version,
        "created": created,
        "data": data,
        "livemode": False,
        "pending_webhooks": pending_webhooks,
        "request": {"id": request, "idempotency_key": idempotency_key},
        "type": type,
    }
