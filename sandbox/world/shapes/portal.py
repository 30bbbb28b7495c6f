"""The customer portal: how it is set up, and links into it. Knows nothing of what customers do there."""
# ruff: noqa: A002 -- parameters carry the API's own field names

from collections.abc import Mapping
from typing import Any


def portal_configuration(
    *,
    id: str,
    created: int,
    is_default: bool = False,
    active: bool = True,
    name: str | None = None,
    default_return_url: str | None = None,
    business_profile: Mapping[str, str | None] | None = None,
    features: Mapping[str, Mapping[str, Any]] | None = None,
    updated: int | None = None,
    metadata: dict[str, str] | None = None,
) -> dict[str, Any]:
    """A set-up of the portal; `features` are laid over what a new one has."""
    said = features or {}
    return {
        "id": id,
        "object": "billing_portal.configuration",
        "active": active,
        "application": None,
        "business_profile": {
            "headline": None,
            "privacy_policy_url": None,
            "terms_of_service_url": None,
            **(business_profile or {}),
        },
        "created": created,
        "default_return_url": default_return_url,
        "features": {feature: {**usual, **said.get(feature, {})} for feature, usual in _features().items()},
        "is_default": is_default,
        "livemode": False,
        "login_page": {"enabled": False, "url": None},
        "metadata": metadata or {},
        "name": name,
        "updated": created if updated is None else updated,
    }


def portal_session(
    *,
    id: str,
    created: int,
    configuration: str,
    customer: str,
    url: str,
    return_url: str | None = None,
    flow: dict[str, Any] | None = None,
    locale: str | None = None,
) -> dict[str, Any]:
    """A link into the portal for one customer, for a short while; `flow` is what it leads to at once."""
    return {
        "id": id,
        "object": "billing_portal.session",
        "after_expiration": None,
        "configuration": configuration,
        "created": created,
        "customer": customer,
        "customer_account": None,
        "flow": flow,
        "livemode": False,
        "locale": locale,
        "on_behalf_of": None,
        "return_url": return_url,
        "url": url,
    }


def portal_flow(type: str, subscription: str | None = None) -> dict[str, Any]:
    """What a session leads to: a new payment method, or a subscription to be canceled or changed."""
    return {
        "after_completion": {"hosted_confirmation": None, "redirect": None, "type": "portal_homepage"},
        "subscription_cancel": {"retention": None, "subscription": subscription}
        if type == "subscription_cancel"
        else None,
        "subscription_update": {"subscription": subscription} if type == "subscription_update" else None,
        "subscription_update_confirm": None,
        "type": type,
    }


def _features() -> dict[str, dict[str, Any]]:
    return {
        "customer_update": {"allowed_updates": ["email", "address"], "enabled": True},
        "invoice_history": {"enabled": True},
        "payment_method_update": {"enabled": True, "payment_method_configuration": None},
        "subscription_cancel": {
            "cancellation_reason": {
                "enabled": True,
                "options": ["too_expensive", "missing_features", "switched_service", "unused", "other"],
            },
            "enabled": True,
            "mode": "at_period_end",
            "proration_behavior": "none",
        },
        "subscription_pause": {"duration": {"interval_options": [], "type": "indefinite"}, "enabled": False},
        "subscription_update": {
            "billing_cycle_anchor": None,
            "default_allowed_updates": [],
            "enabled": False,
            "products": [],
            "proration_behavior": "none",
            "schedule_at_period_end": {"conditions": []},
            "trial_update_behavior": "end_trial",
        },
    }
