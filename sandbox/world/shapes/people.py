"""Customers and what they pay with. Knows nothing of what they buy."""
# ruff: noqa: A002 -- parameters carry the API's own field names

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from sandbox.world.shapes.lists import listed


class Card(NamedTuple):
    """A card as payment methods and charges describe it; `network` is the brand's unless said."""

    brand: str = "visa"
    last4: str = "4242"
    exp_month: int = 12
    exp_year: int = 2030
    country: str = "US"
    funding: str = "credit"
    fingerprint: str = "Xt5EWLLDS7FJjR1c"
    network: str | None = None


VISA: Final = Card()


def address(
    *,
    line1: str | None = None,
    line2: str | None = None,
    city: str | None = None,
    state: str | None = None,
    postal_code: str | None = None,
    country: str | None = None,
) -> dict[str, Any]:
    """An address; every part may be unknown."""
    return {
        "city": city,
        "country": country,
        "line1": line1,
        "line2": line2,
        "postal_code": postal_code,
        "state": state,
    }


def billing_details(
    *,
    name: str | None = None,
    email: str | None = None,
    phone: str | None = None,
    address: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Who a payment method or a charge is billed to."""
    return {
        "address": address if address is not None else _nowhere(),
        "email": email,
        "name": name,
        "phone": phone,
        "tax_id": None,
    }


def customer(
    *,
    id: str,
    created: int,
    name: str | None = None,
    email: str | None = None,
    currency: str | None = None,
    phone: str | None = None,
    address: dict[str, Any] | None = None,
    description: str | None = None,
    balance: int = 0,
    delinquent: bool = False,
    discount: dict[str, Any] | None = None,
    default_payment_method: str | None = None,
    invoice_prefix: str | None = None,
    next_invoice_sequence: int = 1,
    preferred_locales: Sequence[str] = (),
    tax_exempt: str = "none",
    test_clock: str | None = None,
    metadata: dict[str, str] | None = None,
) -> dict[str, Any]:
    """A customer; `balance` below zero is credit, in minor units of `currency`; `discount` is a whole object."""
    return {
        "id": id,
        "object": "customer",
        "address": address,
        "balance": balance,
        "business_name": None,
        "cash_balance": None,
        "created": created,
        "currency": currency,
        "customer_account": None,
        "default_source": None,
        "delinquent": delinquent,
        "description": description,
        "discount": discount,
        "email": email,
        "individual_name": None,
        "invoice_credit_balance": {},
        "invoice_prefix": invoice_prefix if invoice_prefix is not None else id[-8:].upper(),
        "invoice_settings": {
            "custom_fields": None,
            "default_payment_method": default_payment_method,
            "footer": None,
            "rendering_options": None,
        },
        "livemode": False,
        "metadata": metadata or {},
        "name": name,
        "next_invoice_sequence": next_invoice_sequence,
        "phone": phone,
        "preferred_locales": list(preferred_locales),
        "shipping": None,
        "sources": listed([], url=f"/v1/customers/{id}/sources"),
        "tax_exempt": tax_exempt,
        "tax_ids": listed([], url=f"/v1/customers/{id}/tax_ids"),
        "test_clock": test_clock,
    }


def customer_balance_transaction(
    *,
    id: str,
    created: int,
    customer: str,
    amount: int,
    ending_balance: int,
    currency: str,
    type: str,
    invoice: str | None = None,
    credit_note: str | None = None,
    description: str | None = None,
    metadata: dict[str, str] | None = None,
) -> dict[str, Any]:
    """One entry of a customer's balance: below zero a credit to the customer, in minor units."""
    return {
        "id": id,
        "object": "customer_balance_transaction",
        "amount": amount,
        "checkout_session": None,
        "created": created,
        "credit_note": credit_note,
        "currency": currency,
        "customer": customer,
        "customer_account": None,
        "description": description,
        "ending_balance": ending_balance,
        "invoice": invoice,
        "livemode": False,
        "metadata": metadata or {},
        "type": type,
    }


def payment_method(
    *,
    id: str,
    created: int,
    customer: str | None,
    card: Card = VISA,
    billing_details: dict[str, Any] | None = None,
    metadata: dict[str, str] | None = None,
) -> dict[str, Any]:
    """A card on file; `customer` is null once it was detached."""
    return {
        "id": id,
        "object": "payment_method",
        "allow_redisplay": "always",
        "billing_details": billing_details if billing_details is not None else _nobody(),
        "card": _card_on_file(card),
        "created": created,
        "customer": customer,
        "customer_account": None,
        "livemode": False,
        "metadata": metadata or {},
        "type": "card",
    }


def _card_on_file(card: Card) -> dict[str, Any]:
    return {
        "brand": card.brand,
        "checks": {"address_line1_check": None, "address_postal_code_check": "pass", "cvc_check": "pass"},
        "country": card.country,
        "display_brand": card.brand,
        "exp_month": card.exp_month,
        "exp_year": card.exp_year,
        "fingerprint": card.fingerprint,
        "funding": card.funding,
        "generated_from": None,
        "last4": card.last4,
        "networks": {"available": [card.network or card.brand], "preferred": None},
        "regulated_status": "unregulated",
        "three_d_secure_usage": {"supported": True},
        "wallet": None,
    }


def _nobody() -> dict[str, Any]:
    return {"address": _nowhere(), "email": None, "name": None, "phone": None, "tax_id": None}


def _nowhere() -> dict[str, Any]:
    return {"city": None, "country": None, "line1": None, "line2": None, "postal_code": None, "state": None}
