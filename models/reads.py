"""Which columns of staged tables the models read: nothing else has to be read, divided or held.

A model that reads another column names it here; without that the column is not found, which its test tells.
"""

from collections.abc import Mapping


def _named(columns: str) -> tuple[str, ...]:
    return tuple(columns.split())


READ: Mapping[str, tuple[str, ...]] = {
    "accounts": _named("account_id id"),
    "balance_transactions": _named("account_id id amount fee net currency reporting_category source_id created_at"),
    "balances": _named("account_id currency available pending seen_at"),
    "charges": _named(
        "account_id id customer_id payment_intent_id amount amount_captured currency status failure_code "
        "outcome_reason balance_transaction_id payment_method_type card_brand card_network created_at"
    ),
    "coupons": _named("account_id id percent_off amount_off currency duration applies_to_products currency_options"),
    "credit_notes": _named("account_id id invoice_id amount total total_excluding_tax created_at voided_at refund_ids"),
    "customers": _named("account_id id name email currency address_country created_at deleted"),
    "discounts": _named("account_id id coupon_id"),
    "disputes": _named("account_id id charge_id amount currency reason status card_network evidence_due_at created_at"),
    "invoice_items": _named(
        "account_id id invoice_id subscription_id subscription_item_id price_id amount currency quantity "
        "proration period_start_at period_end_at created_at description"
    ),
    "invoice_lines": _named(
        "account_id id invoice_id position subscription_id subscription_item_id invoice_item_id price_id "
        "amount currency quantity proration period_start_at period_end_at discounts discount_amounts taxes "
        "description"
    ),
    "invoice_payments": _named("account_id id invoice_id status payment_intent_id charge_id created_at"),
    "invoices": _named(
        "account_id id customer_id subscription_id status billing_reason collection_method currency subtotal "
        "total total_excluding_tax amount_due amount_remaining amount_shipping shipping_total attempt_count "
        "due_at created_at finalized_at paid_at voided_at marked_uncollectible_at uncollectible_reason "
        "discounts"
    ),
    "payouts": _named(
        "account_id id amount currency status balance_transaction_id failure_balance_transaction_id created_at"
    ),
    "prices": _named(
        "account_id id product_id currency type unit_amount unit_amount_decimal recurring_interval "
        "recurring_interval_count recurring_usage_type tiers_mode tiers transform_quantity_divide_by "
        "transform_quantity_round tax_behavior currency_options"
    ),
    "products": _named("account_id id name"),
    "refunds": _named(
        "account_id id charge_id customer_id amount currency status reason balance_transaction_id created_at"
    ),
    "subscription_items": _named("account_id id subscription_id price_id quantity position created_at discounts"),
    "subscription_versions": _named(
        "account_id subscription_id seq valid_from_at seen_at deleted status canceled_at ended_at items"
    ),
    "subscriptions": _named(
        "account_id id customer_id status currency created_at start_at trial_start_at trial_end_at cancel_at "
        "cancel_at_period_end canceled_at ended_at cancellation_reason cancellation_feedback "
        "cancellation_comment pause_collection_behavior paused_type paused_at discounts schedule_id "
        "test_clock_id"
    ),
    "tax_rates": _named("account_id id percentage"),
}


def read_columns(table: str) -> tuple[str, ...]:
    """The columns of a staged table that the models read; none where they do not read it."""
    return READ.get(table, ())
