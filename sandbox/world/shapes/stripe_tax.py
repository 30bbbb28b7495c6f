"""Stripe Tax: its settings, and where the account is registered. Knows nothing of what is charged."""
# ruff: noqa: A002 -- parameters carry the API's own field names

from collections.abc import Mapping
from typing import Any


def tax_settings(
    *, head_office: Mapping[str, str | None] | None = None, tax_behavior: str | None = None, tax_code: str | None = None
) -> dict[str, Any]:
    """What Stripe Tax reckons with: `active` once it knows the head office."""
    ready = head_office is not None
    return {
        "object": "tax.settings",
        "defaults": {"provider": "stripe", "tax_behavior": tax_behavior, "tax_code": tax_code},
        "head_office": {"address": dict(head_office)} if head_office is not None else None,
        "livemode": False,
        "status": "active" if ready else "pending",
        "status_details": {"active": {}} if ready else {"pending": {"missing_fields": ["head_office"]}},
    }


def tax_registration(
    *, id: str, created: int, country: str, options: Mapping[str, Any], expires_at: int | None = None
) -> dict[str, Any]:
    """A place in which tax is collected; `options` say how, as `{"standard": {…}, "type": "standard"}`."""
    return {
        "id": id,
        "object": "tax.registration",
        "active_from": created,
        "country": country,
        "country_options": {country.lower(): dict(options)},
        "created": created,
        "expires_at": expires_at,
        "livemode": False,
        "status": "active",
    }
