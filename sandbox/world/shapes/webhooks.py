"""Webhook endpoints, as they are listed: without their secret."""
# ruff: noqa: A002 -- parameters carry the API's own field names

from collections.abc import Sequence
from typing import Any


def webhook_endpoint(
    *,
    id: str,
    created: int,
    url: str,
    enabled_events: Sequence[str],
    api_version: str | None = None,
    description: str | None = None,
    metadata: dict[str, str] | None = None,
    status: str = "enabled",
) -> dict[str, Any]:
    """Where events of some types are sent; without a version they come in the account's."""
    return {
        "id": id,
        "object": "webhook_endpoint",
        "api_version": api_version,
        "application": None,
        "created": created,
        "description": description,
        "enabled_events": list(enabled_events),
        "livemode": False,
        "metadata": metadata or {},
        "status": status,
        "url": url,
    }
