"""Which columns of staged tables the models read: nothing else has to be read, divided or held.

A model that reads another column names it here; without that the column is not found, which its test tells.
"""

from collections.abc import Mapping

from models.contracts.staging import TABLES


def _named(columns: str) -> tuple[str, ...]:
    return tuple(columns.split())


WHOLE = "coupons discounts prices subscription_items subscription_schedule_items subscription_schedules subscriptions"
"""Tables that are small, or read row by row, of which any column may be asked for."""

READ: Mapping[str, tuple[str, ...]] = {
    **{table.table_name: tuple(table.columns()) for table in TABLES if table.table_name in WHOLE.split()},
    "accounts": _named("account_id id"),
    "balance_transactions": _named("account_id id amount fee net currency reporting_category source_id created_at"),
    "balances": _named("account_id currency available pending seen_at"),
    "charges": _named(
        "account_id id customer_id payment_intent_id amount amount_captured currency status failure_code "
        "outcome_reason outcome_advice_code balance_transaction_id payment_method_id payment_method_type "
        "card_brand card_network card_exp_month card_exp_year created_at"
    ),
    "credit_note_lines": _named("account_id id credit_note_id invoice_line_id amount discount_amount taxes"),
    "credit_notes": _named(
        "account_id id invoice_id type amount total total_excluding_tax amount_shipping created_at voided_at refund_ids"
    ),
    "customers": _named("account_id id name email currency address_country created_at deleted metadata"),
    "disputes": _named("account_id id charge_id amount currency reason status card_network evidence_due_at created_at"),
    "early_fraud_warnings": _named("account_id id charge_id created_at"),
    "invoice_items": _named(
        "account_id id invoice_id subscription_id subscription_item_id price_id amount currency quantity "
        "proration period_start_at period_end_at created_at description"
    ),
    "invoice_lines": _named(
        "account_id id invoice_id position subscription_id subscription_item_id invoice_item_id price_id "
        "amount currency quantity proration period_start_at period_end_at discounts discount_amounts "
        "taxes description"
    ),
    "invoice_payments": _named(
        "account_id id invoice_id status amount_paid currency payment_intent_id charge_id payment_record_id created_at "
        "paid_at"
    ),
    "invoices": _named(
        "account_id id customer_id subscription_id status billing_reason collection_method currency "
        "subtotal total total_excluding_tax amount_due amount_remaining amount_shipping shipping_total "
        "pre_payment_credit_notes_amount attempt_count next_payment_attempt_at due_at created_at finalized_at paid_at "
        "voided_at marked_uncollectible_at uncollectible_reason discounts"
    ),
    "payment_intents": _named("account_id id customer_id currency status payment_method_id created_at"),
    "payment_methods": _named("account_id id customer_id card_exp_month card_exp_year created_at"),
    "payout_transactions": _named(
        "account_id id payout_id balance_transaction_id amount fee currency reporting_category source_id"
    ),
    "payouts": _named(
        "account_id id amount currency status method automatic reconciliation_status arrival_at balance_transaction_id "
        "failure_balance_transaction_id created_at"
    ),
    "products": _named("account_id id name metadata"),
    "refunds": _named(
        "account_id id charge_id customer_id amount currency status reason balance_transaction_id created_at"
    ),
    "subscription_versions": _named(
        "account_id subscription_id seq valid_from_at seen_at deleted customer_id status currency "
        "created_at canceled_at ended_at cancellation_feedback pause_collection_behavior pause_resumes_at "
        "billing_cycle_anchor_at items"
    ),
    "tax_rates": _named("account_id id percentage"),
}


def read_columns(table: str) -> tuple[str, ...]:
    """The columns of a staged table that the models read; none where they do not read it."""
    return READ.get(table, ())
