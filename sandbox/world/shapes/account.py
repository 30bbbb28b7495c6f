"""The account object. Knows nothing of what the account sells."""
# ruff: noqa: A002 -- parameters carry the API's own field names

from typing import Any

from sandbox.world.shapes.lists import listed
from sandbox.world.shapes.people import address


def account(
    *,
    id: str,
    created: int,
    display_name: str,
    email: str,
    country: str = "US",
    default_currency: str = "usd",
    timezone: str = "America/New_York",
    url: str | None = None,
    metadata: dict[str, str] | None = None,
) -> dict[str, Any]:
    """A standard account in good standing, paid out daily; `timezone` is its dashboard's."""
    return {
        "id": id,
        "object": "account",
        "business_profile": _business_profile(display_name, url),
        "business_type": "company",
        "capabilities": {"card_payments": "active", "transfers": "active"},
        "charges_enabled": True,
        "controller": {"type": "account"},
        "country": country,
        "created": created,
        "default_currency": default_currency,
        "details_submitted": True,
        "email": email,
        "external_accounts": listed([], url=f"/v1/accounts/{id}/external_accounts"),
        "future_requirements": _nothing_required(),
        "metadata": metadata or {},
        "payouts_enabled": True,
        "requirements": _nothing_required(),
        "settings": _settings(display_name, timezone),
        "tos_acceptance": {"date": created, "ip": None, "user_agent": None},
        "type": "standard",
    }


def _business_profile(name: str, url: str | None) -> dict[str, Any]:
    return {
        "annual_revenue": None,
        "estimated_worker_count": None,
        "mcc": "5734",
        "minority_owned_business_designation": None,
        "name": name,
        "product_description": None,
        "support_address": address(),
        "support_email": None,
        "support_phone": None,
        "support_url": None,
        "url": url,
    }


def _nothing_required() -> dict[str, Any]:
    return {
        "alternatives": [],
        "current_deadline": None,
        "currently_due": [],
        "disabled_reason": None,
        "errors": [],
        "eventually_due": [],
        "past_due": [],
        "pending_verification": [],
    }


def _settings(display_name: str, timezone: str) -> dict[str, Any]:
    return {
        "bacs_debit_payments": {"display_name": None, "service_user_number": None},
        "branding": {"icon": None, "logo": None, "primary_color": None, "secondary_color": None},
        "card_issuing": {"tos_acceptance": {"date": None, "ip": None}},
        "card_payments": {
            "decline_on": {"avs_failure": False, "cvc_failure": True},
            "statement_descriptor_prefix": None,
            "statement_descriptor_prefix_kana": None,
            "statement_descriptor_prefix_kanji": None,
        },
        "dashboard": {"display_name": display_name, "timezone": timezone},
        "invoices": {"default_account_tax_ids": None, "hosted_payment_method_save": "offer"},
        "payments": {
            "statement_descriptor": display_name.upper()[:22],
            "statement_descriptor_kana": None,
            "statement_descriptor_kanji": None,
            "statement_descriptor_prefix_kana": None,
            "statement_descriptor_prefix_kanji": None,
        },
        "payouts": {
            "debit_negative_balances": True,
            "schedule": {"delay_days": 2, "interval": "daily"},
            "statement_descriptor": None,
        },
        "sepa_debit_payments": {},
    }
