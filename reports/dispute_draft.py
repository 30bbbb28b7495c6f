"""A draft of evidence as a letter, to be read by a person before it is approved and sent."""

from collections.abc import Mapping, Sequence

from dashboards.letter import Letter, Part

FIELDS: Mapping[str, str] = {
    "access_activity_log": "Use of the service",
    "billing_address": "Billing address",
    "cancellation_policy_disclosure": "How the cancellation policy was shown",
    "cancellation_rebuttal": "Why the cancellation does not count",
    "customer_email_address": "E-mail",
    "customer_name": "Customer",
    "customer_purchase_ip": "IP address at the time of the payment",
    "duplicate_charge_explanation": "Why it is no duplicate",
    "duplicate_charge_id": "The other payment",
    "product_description": "What was sold",
    "refund_policy_disclosure": "How the refund policy was shown",
    "refund_refusal_explanation": "Why no refund is owed",
    "service_date": "Dates of the service",
    "uncategorized_text": "The payment and those before it",
}
"""Stripe's fields, as a person reads them."""


def letter(
    *,
    dispute_id: str,
    stamp: str,
    show: str,
    evidence: Mapping[str, str],
    missing: Sequence[str],
    files: Sequence[str],
    next_steps: Sequence[str],
) -> Letter:
    """The letter of a draft: what it must show, each text, what is missing, and what to do."""
    told = Part("The evidence, as it would be sent", facts=[(named(name), text) for name, text in evidence.items()])
    lacks = [("Nothing is known of", ", ".join(map(named, missing)))] if missing else []
    adds = [("Worth adding, as uploaded files", ", ".join(files))] if files else []
    parts = [
        Part("What it must show", [f"{show[:1].upper()}{show[1:]}."]),
        told,
        *([Part("What is missing", facts=[*lacks, *adds])] if lacks or adds else []),
        Part("What to do", next_steps),
    ]
    footing = "A draft from your own data. It is sent once, and can't be added to afterwards."
    return Letter(f"Evidence for {dispute_id}", stamp, parts, footing)


def named(field: str) -> str:
    """A field of Stripe's in words."""
    return FIELDS.get(field, field.replace("_", " "))
