"""How customers' money moves: charges, payment intents, refunds, disputes.

Knows what card networks answer (`DECLINES`); nothing of invoices, of the account's balance, or of when things happen.
"""
# ruff: noqa: A002 -- parameters carry the API's own field names

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from sandbox.world.shapes.people import VISA, Card, billing_details


class Decline(NamedTuple):
    """What a charge says when an issuer declines with some decline code."""

    failure_code: str
    message: str
    network_decline_code: str | None
    advice_code: str | None


_DECLINED: Final = "Your card was declined."
_RETRY: Final = "try_again_later"
_STOP: Final = "do_not_try_again"
_CONFIRM: Final = "confirm_card_data"

DECLINES: Final[dict[str, Decline]] = {
    "generic_decline": Decline("card_declined", _DECLINED, "05", _RETRY),
    "insufficient_funds": Decline("card_declined", "Your card has insufficient funds.", "51", _RETRY),
    "do_not_honor": Decline("card_declined", _DECLINED, "05", _RETRY),
    "try_again_later": Decline("card_declined", _DECLINED, "19", _RETRY),
    "issuer_not_available": Decline("card_declined", _DECLINED, "91", _RETRY),
    "card_velocity_exceeded": Decline(
        "card_declined",
        "Your card was declined for making repeated attempts too frequently or exceeding its amount limit.",
        "65",
        _RETRY,
    ),
    "withdrawal_count_limit_exceeded": Decline("card_declined", _DECLINED, "61", _RETRY),
    "transaction_not_allowed": Decline(
        "card_declined", "Your card does not support this type of purchase.", "57", _STOP
    ),
    "authentication_required": Decline(
        "authentication_required",
        "Your card was declined. This transaction requires authentication.",
        "1A",
        None,
    ),
    "lost_card": Decline("card_declined", "Your card has been reported lost.", "41", _STOP),
    "stolen_card": Decline("card_declined", "Your card has been reported stolen.", "43", _STOP),
    "pickup_card": Decline("card_declined", _DECLINED, "04", _STOP),
    "fraudulent": Decline("card_declined", _DECLINED, "59", _STOP),
    "expired_card": Decline("expired_card", "Your card has expired.", "54", _CONFIRM),
    "incorrect_cvc": Decline("incorrect_cvc", "Your card's security code is incorrect.", "N7", _CONFIRM),
    "incorrect_number": Decline("incorrect_number", "Your card number is incorrect.", "14", _CONFIRM),
    "processing_error": Decline(
        "processing_error", "An error occurred while processing your card. Try again in a little bit.", "96", _RETRY
    ),
}
"""By decline code. `highest_risk_level` is no issuer's answer: Stripe blocks it before the network (see `charge`)."""

UNAUTHENTICATED: Final = "payment_intent_authentication_failure"
"""No decline code: the cardholder did not confirm, and nothing was asked of the bank."""

_REASON_CODES: Final[dict[str, dict[str, str]]] = {
    "visa": {
        "fraudulent": "10.4",
        "product_not_received": "13.1",
        "product_unacceptable": "13.3",
        "subscription_canceled": "13.2",
        "credit_not_processed": "13.6",
        "duplicate": "12.6",
        "general": "13.7",
        "unrecognized": "10.4",
    },
    "mastercard": {
        "fraudulent": "4837",
        "product_not_received": "4853",
        "product_unacceptable": "4853",
        "subscription_canceled": "4853",
        "credit_not_processed": "4853",
        "duplicate": "4834",
        "general": "4853",
        "unrecognized": "4863",
    },
    "amex": {
        "fraudulent": "F29",
        "product_not_received": "C08",
        "product_unacceptable": "C31",
        "subscription_canceled": "C28",
        "credit_not_processed": "C02",
        "duplicate": "C14",
        "general": "C32",
        "unrecognized": "F24",
    },
}


def charge(
    *,
    id: str,
    created: int,
    amount: int,
    currency: str,
    customer: str | None = None,
    payment_intent: str | None = None,
    payment_method: str | None = None,
    card: Card = VISA,
    billing_details: dict[str, Any] | None = None,
    status: str = "succeeded",
    decline_code: str | None = None,
    balance_transaction: str | None = None,
    amount_refunded: int = 0,
    disputed: bool = False,
    risk_score: int = 20,
    description: str | None = None,
    receipt_email: str | None = None,
    statement_descriptor: str | None = None,
    user_report: str | None = None,
    stripe_report: str | None = None,
    metadata: dict[str, str] | None = None,
) -> dict[str, Any]:
    """A card charge in minor units of `currency`.

    `decline_code` (a key of `DECLINES`, or highest_risk_level for one that Stripe blocked) makes it failed and fills
    failure code, message and outcome.
    """
    failed = decline_code is not None
    succeeded = not failed and status == "succeeded"
    decline = _decline(decline_code) if decline_code is not None else None
    return {
        "id": id,
        "object": "charge",
        "amount": amount,
        "amount_captured": amount if succeeded else 0,
        "amount_refunded": amount_refunded,
        "application": None,
        "application_fee": None,
        "application_fee_amount": None,
        "balance_transaction": balance_transaction,
        "billing_details": billing_details if billing_details is not None else _nobody(),
        "calculated_statement_descriptor": statement_descriptor,
        "captured": succeeded,
        "created": created,
        "currency": currency,
        "customer": customer,
        "description": description,
        "disputed": disputed,
        "failure_balance_transaction": None,
        "failure_code": decline.failure_code if decline else None,
        "failure_message": decline.message if decline else None,
        "fraud_details": _fraud_details(user_report, stripe_report),
        "livemode": False,
        "metadata": metadata or {},
        "on_behalf_of": None,
        "outcome": _outcome(decline_code, decline, risk_score),
        "paid": succeeded,
        "payment_intent": payment_intent,
        "payment_method": payment_method,
        "payment_method_details": {"card": _card_charged(card, amount), "type": "card"},
        "presentment_details": None,
        "radar_options": {},
        "receipt_email": receipt_email,
        "receipt_number": None,
        "receipt_url": f"https://pay.stripe.com/receipts/payment/{id}" if succeeded else None,
        "refunded": succeeded and amount_refunded >= amount,
        "review": None,
        "shipping": None,
        "source": None,
        "source_transfer": None,
        "statement_descriptor": statement_descriptor,
        "statement_descriptor_suffix": None,
        "status": "failed" if failed else status,
        "transfer_data": None,
        "transfer_group": None,
    }


def payment_intent(
    *,
    id: str,
    created: int,
    amount: int,
    currency: str,
    customer: str | None = None,
    payment_method: str | None = None,
    status: str = "succeeded",
    latest_charge: str | None = None,
    decline_code: str | None = None,
    canceled_at: int | None = None,
    cancellation_reason: str | None = None,
    next_action: dict[str, Any] | None = None,
    setup_future_usage: str | None = None,
    description: str | None = None,
    receipt_email: str | None = None,
    metadata: dict[str, str] | None = None,
) -> dict[str, Any]:
    """A payment attempted until it succeeds; `decline_code` is the latest attempt's, told in `last_payment_error`."""
    return {
        "id": id,
        "object": "payment_intent",
        "allowed_payment_method_types": None,
        "amount": amount,
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": amount if status == "succeeded" else 0,
        "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": None,
        "canceled_at": canceled_at,
        "cancellation_reason": cancellation_reason,
        "capture_method": "automatic",
        "client_secret": f"{id}_secret_sandbox",
        "confirmation_method": "automatic",
        "created": created,
        "currency": currency,
        "customer": customer,
        "customer_account": None,
        "description": description,
        "excluded_payment_method_types": None,
        "last_payment_error": _payment_error(decline_code, latest_charge),
        "latest_charge": latest_charge,
        "livemode": False,
        "managed_payments": {"enabled": False},
        "metadata": metadata or {},
        "next_action": next_action,
        "on_behalf_of": None,
        "payment_method": payment_method,
        "payment_method_configuration_details": None,
        "payment_method_options": {
            "card": {
                "installments": None,
                "mandate_options": None,
                "network": None,
                "request_three_d_secure": "automatic",
            }
        },
        "payment_method_types": ["card"],
        "payment_record": None,
        "presentment_details": None,
        "processing": None,
        "receipt_email": receipt_email,
        "review": None,
        "setup_future_usage": setup_future_usage,
        "shipping": None,
        "source": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": status,
        "transfer_data": None,
        "transfer_group": None,
    }


def refund(
    *,
    id: str,
    created: int,
    amount: int,
    currency: str,
    charge: str,
    payment_intent: str | None = None,
    customer: str | None = None,
    payment_method: str | None = None,
    status: str = "succeeded",
    reason: str | None = None,
    pending_reason: str | None = None,
    balance_transaction: str | None = None,
    failure_reason: str | None = None,
    failure_balance_transaction: str | None = None,
    metadata: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Money going back for a charge; a failed one says why and names the balance transaction that brought it back."""
    shape: dict[str, Any] = {
        "id": id,
        "object": "refund",
        "amount": amount,
        "balance_transaction": balance_transaction,
        "charge": charge,
        "created": created,
        "currency": currency,
        "customer": customer,
        "customer_account": None,
        "destination_details": {
            "card": {"reference_status": "pending", "reference_type": "acquirer_reference_number", "type": "refund"},
            "type": "card",
        },
        "metadata": metadata or {},
        "payment_intent": payment_intent,
        "payment_method": payment_method,
        "reason": reason,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": status,
        "transfer_reversal": None,
    }
    if pending_reason is not None:
        shape["pending_reason"] = pending_reason
    if failure_reason is not None:
        shape["failure_reason"] = failure_reason
        shape["failure_balance_transaction"] = failure_balance_transaction
    return shape


def early_fraud_warning(
    *,
    id: str,
    created: int,
    charge: str,
    payment_intent: str | None = None,
    fraud_type: str = "unauthorized_use_of_card",
    actionable: bool = True,
) -> dict[str, Any]:
    """A card network's early word that a payment may be fraud; `actionable` while a refund may forestall a dispute."""
    return {
        "id": id,
        "object": "radar.early_fraud_warning",
        "actionable": actionable,
        "charge": charge,
        "created": created,
        "fraud_type": fraud_type,
        "livemode": False,
        "payment_intent": payment_intent,
    }


def dispute(
    *,
    id: str,
    created: int,
    amount: int,
    currency: str,
    charge: str,
    payment_intent: str | None = None,
    reason: str = "fraudulent",
    status: str = "needs_response",
    balance_transactions: Sequence[dict[str, Any]] = (),
    evidence_due_by: int | None = None,
    has_evidence: bool = False,
    past_due: bool = False,
    submission_count: int = 0,
    is_charge_refundable: bool = False,
    evidence: Mapping[str, str] | None = None,
    card: Card = VISA,
    case_type: str | None = None,
    metadata: dict[str, str] | None = None,
) -> dict[str, Any]:
    """A dispute; `balance_transactions` are whole objects (none for an inquiry, whose statuses begin with warning_)."""
    network = card.network or card.brand
    reason_code = _REASON_CODES.get(network, _REASON_CODES["visa"]).get(reason, "13.7")
    return {
        "id": id,
        "object": "dispute",
        "amount": amount,
        "balance_transactions": list(balance_transactions),
        "charge": charge,
        "created": created,
        "currency": currency,
        "enhanced_eligibility_types": [],
        "evidence": {**_evidence(), **(evidence or {})},
        "evidence_details": {
            "due_by": evidence_due_by,
            "enhanced_eligibility": {},
            "has_evidence": has_evidence,
            "past_due": past_due,
            "submission_count": submission_count,
            "submission_method": "manual" if submission_count else "not_submitted",
        },
        "intended_submission_method": "manual",
        "is_charge_refundable": is_charge_refundable,
        "livemode": False,
        "metadata": metadata or {},
        "network_reason_code": reason_code,
        "payment_intent": payment_intent,
        "payment_method_details": {
            "card": {
                "brand": card.brand,
                "case_type": case_type or _case_type(status),
                "network": network,
                "network_reason_code": reason_code,
            },
            "type": "card",
        },
        "reason": reason,
        "status": status,
    }


def _case_type(status: str) -> str:
    if status == "prevented":
        return "block"
    return "inquiry" if status.startswith("warning_") else "chargeback"


def _nobody() -> dict[str, Any]:
    return billing_details()


def _decline(decline_code: str) -> Decline:
    if decline_code == "highest_risk_level":
        return Decline("card_declined", _DECLINED, None, None)
    return DECLINES[decline_code]


def _outcome(decline_code: str | None, decline: Decline | None, risk_score: int) -> dict[str, Any]:
    if decline is None:
        return _answer("authorized", "approved_by_network", None, None, "Payment complete.", risk_score)
    if decline_code == "highest_risk_level":
        message = "Stripe blocked this payment as too risky."
        return _answer("blocked", "not_sent_to_network", decline_code, None, message, 95)
    message = f"The bank returned the decline code `{decline_code}`."
    return _answer("issuer_declined", "declined_by_network", decline_code, decline, message, risk_score)


def _answer(
    type: str, network_status: str, reason: str | None, decline: Decline | None, message: str, risk_score: int
) -> dict[str, Any]:
    return {
        "advice_code": decline.advice_code if decline else None,
        "network_advice_code": None,
        "network_decline_code": decline.network_decline_code if decline else None,
        "network_status": network_status,
        "reason": reason,
        "risk_level": "normal" if risk_score < 65 else "elevated" if risk_score < 75 else "highest",
        "risk_score": risk_score,
        "seller_message": message,
        "type": type,
    }


def _card_charged(card: Card, amount: int) -> dict[str, Any]:
    return {
        "amount_authorized": amount,
        "authorization_code": "123456",
        "brand": card.brand,
        "checks": {"address_line1_check": None, "address_postal_code_check": "pass", "cvc_check": None},
        "country": card.country,
        "exp_month": card.exp_month,
        "exp_year": card.exp_year,
        "extended_authorization": {"status": "disabled"},
        "fingerprint": card.fingerprint,
        "funding": card.funding,
        "incremental_authorization": {"status": "unavailable"},
        "installments": None,
        "last4": card.last4,
        "mandate": None,
        "multicapture": {"status": "unavailable"},
        "network": card.network or card.brand,
        "network_token": {"used": False},
        "network_transaction_id": None,
        "overcapture": {"maximum_amount_capturable": amount, "status": "unavailable"},
        "regulated_status": "unregulated",
        "three_d_secure": None,
        "transaction_link_id": None,
        "wallet": None,
    }


def _fraud_details(user_report: str | None, stripe_report: str | None) -> dict[str, str]:
    reports = {"user_report": user_report, "stripe_report": stripe_report}
    return {name: report for name, report in reports.items() if report is not None}


def _payment_error(decline_code: str | None, charge: str | None) -> dict[str, Any] | None:
    if decline_code is None:
        return None
    if decline_code == UNAUTHENTICATED:
        return {
            "code": UNAUTHENTICATED,
            "doc_url": f"https://stripe.com/docs/error-codes/{UNAUTHENTICATED.replace('_', '-')}",
            "message": "We are unable to authenticate your payment method. Please choose a different payment method "
            "and try again.",
            "type": "invalid_request_error",
        }
    decline = _decline(decline_code)
    error: dict[str, Any] = {
        "charge": charge,
        "code": decline.failure_code,
        "decline_code": decline_code,
        "doc_url": f"https://stripe.com/docs/error-codes/{decline.failure_code.replace('_', '-')}",
        "message": decline.message,
        "type": "card_error",
    }
    details: Mapping[str, str | None] = {
        "advice_code": decline.advice_code,
        "network_decline_code": decline.network_decline_code,
    }
    error.update((name, value) for name, value in details.items() if value is not None)
    return error


def _evidence() -> dict[str, Any]:
    return {
        "access_activity_log": None,
        "billing_address": None,
        "cancellation_policy": None,
        "cancellation_policy_disclosure": None,
        "cancellation_rebuttal": None,
        "customer_communication": None,
        "customer_email_address": None,
        "customer_name": None,
        "customer_purchase_ip": None,
        "customer_signature": None,
        "duplicate_charge_documentation": None,
        "duplicate_charge_explanation": None,
        "duplicate_charge_id": None,
        "enhanced_evidence": {},
        "product_description": None,
        "receipt": None,
        "refund_policy": None,
        "refund_policy_disclosure": None,
        "refund_refusal_explanation": None,
        "service_date": None,
        "service_documentation": None,
        "shipping_address": None,
        "shipping_carrier": None,
        "shipping_date": None,
        "shipping_documentation": None,
        "shipping_tracking_number": None,
        "uncategorized_file": None,
        "uncategorized_text": None,
    }
