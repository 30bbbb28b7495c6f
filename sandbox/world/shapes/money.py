"""The account's own money: balance transactions, payouts, the balance. Knows nothing of how the sums come about."""
# ruff: noqa: A002 -- parameters carry the API's own field names

from collections.abc import Mapping, Sequence
from typing import Any


def fee_detail(
    *, amount: int, currency: str, type: str = "stripe_fee", description: str | None = "Stripe processing fees"
) -> dict[str, Any]:
    """One part of a balance transaction's fee, positive when assessed."""
    return {"amount": amount, "application": None, "currency": currency, "description": description, "type": type}


def balance_transaction(
    *,
    id: str,
    created: int,
    available_on: int,
    amount: int,
    currency: str,
    type: str,
    reporting_category: str,
    source: str | None,
    fee: int = 0,
    fee_details: Sequence[dict[str, Any]] = (),
    status: str = "pending",
    exchange_rate: float | None = None,
    description: str | None = None,
) -> dict[str, Any]:
    """One entry of the account's balance in minor units of the settlement `currency`; `net` is `amount` less `fee`."""
    return {
        "id": id,
        "object": "balance_transaction",
        "amount": amount,
        "available_on": available_on,
        "balance_type": "payments",
        "created": created,
        "currency": currency,
        "description": description,
        "exchange_rate": exchange_rate,
        "fee": fee,
        "fee_details": list(fee_details),
        "net": amount - fee,
        "reporting_category": reporting_category,
        "source": source,
        "status": status,
        "type": type,
    }


def payout(
    *,
    id: str,
    created: int,
    arrival_date: int,
    amount: int,
    currency: str,
    balance_transaction: str | None,
    destination: str,
    status: str = "pending",
    automatic: bool = True,
    reconciliation_status: str = "completed",
    failure_code: str | None = None,
    failure_message: str | None = None,
    failure_balance_transaction: str | None = None,
    description: str | None = "STRIPE PAYOUT",
    metadata: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Money sent to the bank account `destination`; a failed one names the balance transaction that brought it back."""
    return {
        "id": id,
        "object": "payout",
        "amount": amount,
        "application_fee": None,
        "application_fee_amount": None,
        "arrival_date": arrival_date,
        "automatic": automatic,
        "balance_transaction": balance_transaction,
        "created": created,
        "currency": currency,
        "description": description,
        "destination": destination,
        "failure_balance_transaction": failure_balance_transaction,
        "failure_code": failure_code,
        "failure_message": failure_message,
        "livemode": False,
        "metadata": metadata or {},
        "method": "standard",
        "original_payout": None,
        "payout_method": None,
        "reconciliation_status": reconciliation_status,
        "reversed_by": None,
        "source_type": "card",
        "statement_descriptor": None,
        "status": status,
        "trace_id": None,
        "type": "bank_account",
    }


def balance(*, available: Mapping[str, int], pending: Mapping[str, int]) -> dict[str, Any]:
    """The account's balance now, minor units by currency."""
    return {
        "object": "balance",
        "available": _amounts(available),
        "connect_reserved": [],
        "livemode": False,
        "pending": _amounts(pending),
        "refund_and_dispute_prefunding": {"available": [], "pending": []},
    }


def _amounts(by_currency: Mapping[str, int]) -> list[dict[str, Any]]:
    return [
        {"amount": amount, "currency": currency, "source_types": {"card": amount}}
        for currency, amount in sorted(by_currency.items())
    ]
