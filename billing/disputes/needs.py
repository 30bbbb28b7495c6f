"""What a bank wants to see, by Stripe's reason of a dispute: fields of evidence, the weightiest first, and why.

After https://docs.stripe.com/disputes/categories and https://docs.stripe.com/disputes/best-practices. Fields that take
an uploaded file are for a person to add.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Needs:
    """What is to be shown, in a sentence; the fields of evidence for it; and files that a person should add."""

    show: str
    fields: tuple[str, ...]
    files: tuple[str, ...] = ()


_ALWAYS = ("customer_name", "customer_email_address", "product_description", "uncategorized_text")

BY_REASON: Mapping[str, Needs] = {
    "fraudulent": Needs(
        "that the cardholder themselves paid and used it, as with earlier payments that they did not dispute",
        (*_ALWAYS, "access_activity_log", "service_date", "customer_purchase_ip", "billing_address"),
        ("customer_communication", "receipt"),
    ),
    "subscription_canceled": Needs(
        "that the subscription was not canceled before the charge, and that the customer knew how to",
        (
            *_ALWAYS,
            "cancellation_policy_disclosure",
            "cancellation_rebuttal",
            "access_activity_log",
            "service_date",
        ),
        ("cancellation_policy", "customer_communication"),
    ),
    "product_not_received": Needs(
        "that the service was there to be used, and was",
        (*_ALWAYS, "access_activity_log", "service_date"),
        ("service_documentation", "customer_communication"),
    ),
    "product_unacceptable": Needs(
        "that the service was as described, and what the refund policy says",
        (*_ALWAYS, "refund_policy_disclosure", "refund_refusal_explanation", "access_activity_log", "service_date"),
        ("refund_policy", "customer_communication"),
    ),
    "credit_not_processed": Needs(
        "that no refund is owed, or that it was paid",
        (*_ALWAYS, "refund_policy_disclosure", "refund_refusal_explanation"),
        ("refund_policy", "customer_communication"),
    ),
    "duplicate": Needs(
        "that each charge is for something else",
        (*_ALWAYS, "duplicate_charge_explanation", "duplicate_charge_id", "service_date"),
        ("duplicate_charge_documentation", "receipt"),
    ),
}
OTHERWISE = Needs(
    "what was sold, to whom, and that it was used",
    (*_ALWAYS, "access_activity_log", "service_date", "refund_policy_disclosure"),
    ("receipt", "customer_communication"),
)
ALIKE = {"unrecognized": "fraudulent"}
"""Reasons that are answered as another is."""


def needs(reason: str | None) -> Needs:
    """What a dispute of that reason asks for."""
    return BY_REASON.get(ALIKE.get(reason or "", reason or ""), OTHERWISE)
