"""Setup intents: a card comes on file without a payment. Knows nothing of the card."""
# ruff: noqa: A002 -- parameters carry the API's own field names

from typing import Any


def setup_intent(
    *,
    id: str,
    created: int,
    customer: str | None = None,
    payment_method: str | None = None,
    status: str = "requires_payment_method",
    usage: str = "off_session",
    description: str | None = None,
    metadata: dict[str, str] | None = None,
) -> dict[str, Any]:
    """A card being set up for a customer."""
    return {
        "id": id,
        "object": "setup_intent",
        "allowed_payment_method_types": None,
        "application": None,
        "attach_to_self": None,
        "automatic_payment_methods": None,
        "cancellation_reason": None,
        "client_secret": f"{id}_secret_sandbox",
        "created": created,
        "customer": customer,
        "customer_account": None,
        "description": description,
        "excluded_payment_method_types": None,
        "flow_directions": None,
        "last_setup_error": None,
        "latest_attempt": None,
        "livemode": False,
        "managed_payments": {"enabled": False},
        "mandate": None,
        "metadata": metadata or {},
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": payment_method,
        "payment_method_configuration_details": None,
        "payment_method_options": {
            "card": {"mandate_options": None, "network": None, "request_three_d_secure": "automatic"}
        },
        "payment_method_types": ["card"],
        "single_use_mandate": None,
        "status": status,
        "usage": usage,
    }


def authentication(return_url: str | None, id: str) -> dict[str, Any]:
    """The next action of an intent whose cardholder must say yes first."""
    if return_url is None:
        return {"type": "use_stripe_sdk", "use_stripe_sdk": {}}
    return {
        "redirect_to_url": {"return_url": return_url, "url": f"https://hooks.stripe.com/3d_secure/{id}"},
        "type": "redirect_to_url",
    }
