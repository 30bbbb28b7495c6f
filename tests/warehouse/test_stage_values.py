"""Each object's columns, from a payload of the pinned version to exact typed values."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from models.contracts import staging
from tests.warehouse.raw_tables import ACCOUNT, LOADED, Raw


def at(seconds: int) -> datetime:
    """The instant of Stripe's seconds."""
    return datetime.fromtimestamp(seconds, UTC)


NASTY = "Zoë <b>&amp;</b> '; drop table charges; -- \\ \" 株式会社 🧾\nnew line"

PRICE: dict[str, Any] = {
    "id": "price_1",
    "object": "price",
    "product": "prod_1",
    "active": True,
    "currency": "usd",
    "type": "recurring",
    "billing_scheme": "per_unit",
    "unit_amount": None,
    "unit_amount_decimal": "0.000000000123",
    "recurring": {"interval": "month", "interval_count": 3, "usage_type": "licensed"},
    "tiers_mode": None,
    "transform_quantity": {"divide_by": 10, "round": "up"},
    "tax_behavior": "inclusive",
    "nickname": "Team",
    "lookup_key": "team",
    "custom_unit_amount": None,
    "currency_options": {"eur": {"unit_amount": 900}},
    "created": 1700000000,
    "metadata": {"tier": "2"},
}

DISCOUNT: dict[str, Any] = {
    "id": "di_1",
    "object": "discount",
    "source": {"type": "coupon", "coupon": "SAVE"},
    "promotion_code": "promo_1",
    "customer": "cus_1",
    "subscription": "sub_1",
    "subscription_item": None,
    "invoice": None,
    "invoice_item": None,
    "start": 1700000000,
    "end": None,
}

SUBSCRIPTION: dict[str, Any] = {
    "id": "sub_1",
    "object": "subscription",
    "customer": "cus_1",
    "status": "paused",
    "currency": "usd",
    "collection_method": "charge_automatically",
    "created": 1700000000,
    "start_date": 1690000000,
    "trial_start": 1700000001,
    "trial_end": 1700000002,
    "cancel_at": 1800000000,
    "cancel_at_period_end": False,
    "canceled_at": 1700000003,
    "ended_at": None,
    "cancellation_details": {"reason": "cancellation_requested", "feedback": "too_expensive", "comment": NASTY},
    "pause_collection": {"behavior": "void", "resumes_at": 1700000004},
    "status_details": {
        "paused": {"transitioned_at": 1700000005, "type": "subscription", "subscription": {"type": "pause_requested"}}
    },
    "billing_cycle_anchor": 1700000006,
    "discounts": [DISCOUNT, "di_2"],
    "latest_invoice": {"id": "in_1", "object": "invoice"},
    "default_payment_method": "pm_1",
    "schedule": None,
    "billing_mode": {"type": "flexible"},
    "metadata": {},
    "test_clock": None,
    "items": {
        "object": "list",
        "data": [
            {
                "id": "si_2",
                "price": PRICE,
                "quantity": 2,
                "created": 1700000007,
                "current_period_start": 1700000008,
                "current_period_end": 1700000009,
                "discounts": ["di_3"],
                "current_trial": {"start_date": 1700000010, "end_date": 1700000011},
                "metadata": {},
            },
            {
                "id": "si_1",
                "price": PRICE,
                "quantity": None,
                "created": 1700000007,
                "current_period_start": 1700000008,
                "current_period_end": 1700000009,
                "discounts": [],
                "metadata": {},
            },
        ],
    },
}

LINE: dict[str, Any] = {
    "id": "il_1",
    "amount": 2**62,
    "subtotal": 1000,
    "currency": "usd",
    "quantity": 3,
    "description": NASTY,
    "discountable": True,
    "discounts": ["di_1"],
    "discount_amounts": [{"amount": 250, "discount": "di_1"}],
    "subscription": "sub_1",
    "parent": {
        "type": "subscription_item_details",
        "subscription_item_details": {
            "subscription": "sub_1",
            "subscription_item": "si_1",
            "invoice_item": None,
            "proration": False,
        },
        "invoice_item_details": None,
    },
    "period": {"start": 1700000000, "end": 1702592000},
    "pricing": {
        "type": "price_details",
        "unit_amount_decimal": "333.333333333333",
        "price_details": {"price": "price_1", "product": "prod_1"},
    },
    "taxes": [{"amount": 125, "tax_behavior": "inclusive", "tax_rate_details": {"tax_rate": "txr_1"}}],
}

INVOICE: dict[str, Any] = {
    "id": "in_1",
    "object": "invoice",
    "customer": "cus_1",
    "parent": {"type": "subscription_details", "subscription_details": {"subscription": "sub_1"}},
    "status": "paid",
    "billing_reason": "subscription_cycle",
    "collection_method": "charge_automatically",
    "currency": "jpy",
    "number": "A-0001",
    "subtotal": 1000,
    "total": 900,
    "total_excluding_tax": 775,
    "amount_due": 900,
    "amount_paid": 900,
    "amount_remaining": 0,
    "amount_shipping": 500,
    "shipping_cost": {"amount_subtotal": 500, "amount_tax": 95, "amount_total": 595, "shipping_rate": "shr_1"},
    "attempt_count": 2,
    "attempted": True,
    "auto_advance": False,
    "next_payment_attempt": None,
    "due_date": None,
    "created": 1700000000,
    "effective_at": 1700000001,
    "period_start": 1700000002,
    "period_end": 1700000003,
    "status_transitions": {
        "finalized_at": 1700000004,
        "paid_at": 1700000005,
        "voided_at": None,
        "marked_uncollectible_at": None,
    },
    "status_details": None,
    "discounts": [],
    "starting_balance": -100,
    "ending_balance": 0,
    "pre_payment_credit_notes_amount": 0,
    "post_payment_credit_notes_amount": 0,
    "total_taxes": [{"amount": 100}, {"amount": 25}],
    "metadata": {"po": "1"},
    "lines": {"object": "list", "data": [LINE]},
}

CASES: list[tuple[str, dict[str, Any], str, dict[str, Any]]] = [
    (
        "accounts",
        {
            "id": ACCOUNT,
            "country": "US",
            "default_currency": "usd",
            "settings": {"dashboard": {"timezone": "America/New_York", "display_name": "Acme"}},
        },
        "accounts",
        {"country": "US", "default_currency": "usd", "timezone": "America/New_York", "display_name": "Acme"},
    ),
    (
        "customers",
        {
            "id": "cus_1",
            "name": NASTY,
            "email": "a@example.com",
            "phone": None,
            "currency": "usd",
            "balance": -1050,
            "delinquent": False,
            "address": {"country": "DE"},
            "tax_exempt": "none",
            "created": 1700000000,
            "metadata": {"segment": NASTY},
        },
        "customers",
        {
            "name": NASTY,
            "email": "a@example.com",
            "phone": None,
            "balance": -1050,
            "delinquent": False,
            "address_country": "DE",
            "created_at": at(1700000000),
            "deleted": False,
        },
    ),
    ("customers", {"id": "cus_1", "address": None}, "customers", {"address_country": None, "created_at": None}),
    (
        "products",
        {"id": "prod_1", "name": "Plan", "active": True, "description": None, "created": 1700000000, "metadata": {}},
        "products",
        {"name": "Plan", "active": True, "created_at": at(1700000000), "metadata": "{}"},
    ),
    (
        "prices",
        PRICE,
        "prices",
        {
            "product_id": "prod_1",
            "unit_amount": None,
            "unit_amount_decimal": Decimal("0.000000000123"),
            "recurring_interval": "month",
            "recurring_interval_count": 3,
            "recurring_usage_type": "licensed",
            "tiers": None,
            "transform_quantity_divide_by": 10,
            "transform_quantity_round": "up",
            "custom_unit_amount": False,
            "currency_options": '{"eur":{"unit_amount":900}}',
            "metadata": '{"tier":"2"}',
        },
    ),
    (
        "prices",
        {
            **PRICE,
            "product": {"id": "prod_9", "object": "product"},
            "tiers_mode": "graduated",
            "custom_unit_amount": {"minimum": 100},
            "tiers": [
                {"up_to": 10, "unit_amount_decimal": "1.5", "flat_amount_decimal": None},
                {"up_to": None, "unit_amount_decimal": None, "flat_amount_decimal": "100"},
            ],
        },
        "prices",
        {
            "product_id": "prod_9",
            "custom_unit_amount": True,
            "tiers": [
                {"up_to": 10, "unit_amount_decimal": Decimal("1.5"), "flat_amount_decimal": None},
                {"up_to": None, "unit_amount_decimal": None, "flat_amount_decimal": Decimal(100)},
            ],
        },
    ),
    (
        "coupons",
        {
            "id": "SAVE",
            "name": "Save",
            "percent_off": 33.33,
            "amount_off": None,
            "duration": "repeating",
            "duration_in_months": 3,
            "applies_to": {"products": ["prod_1", "prod_2"]},
            "valid": True,
            "created": 1700000000,
        },
        "coupons",
        {
            "percent_off": Decimal("33.33"),
            "amount_off": None,
            "duration_in_months": 3,
            "applies_to_products": ["prod_1", "prod_2"],
            "valid": True,
            "deleted": False,
        },
    ),
    (
        "subscriptions",
        SUBSCRIPTION,
        "subscriptions",
        {
            "customer_id": "cus_1",
            "status": "paused",
            "created_at": at(1700000000),
            "start_at": at(1690000000),
            "trial_start_at": at(1700000001),
            "trial_end_at": at(1700000002),
            "cancel_at": at(1800000000),
            "cancel_at_period_end": False,
            "canceled_at": at(1700000003),
            "ended_at": None,
            "cancellation_reason": "cancellation_requested",
            "cancellation_feedback": "too_expensive",
            "cancellation_comment": NASTY,
            "pause_collection_behavior": "void",
            "pause_resumes_at": at(1700000004),
            "paused_type": "pause_requested",
            "paused_at": at(1700000005),
            "billing_cycle_anchor_at": at(1700000006),
            "discounts": ["di_1", "di_2"],
            "latest_invoice_id": "in_1",
            "default_payment_method_id": "pm_1",
            "billing_mode_type": "flexible",
        },
    ),
    (
        "subscriptions",
        SUBSCRIPTION,
        "discounts",
        {
            "id": "di_1",
            "coupon_id": "SAVE",
            "promotion_code_id": "promo_1",
            "customer_id": "cus_1",
            "subscription_id": "sub_1",
            "subscription_item_id": None,
            "start_at": at(1700000000),
            "end_at": None,
        },
    ),
    (
        "subscriptions",
        SUBSCRIPTION,
        "subscription_versions",
        {
            "subscription_id": "sub_1",
            "valid_from_at": LOADED,
            "seen_by": "list",
            "status": "paused",
            "discounts": ["di_1", "di_2"],
            "items": [
                {"id": "si_2", "price_id": "price_1", "quantity": 2, "position": 0, "discounts": ["di_3"]},
                {"id": "si_1", "price_id": "price_1", "quantity": None, "position": 1, "discounts": []},
            ],
        },
    ),
    (
        "invoices",
        INVOICE,
        "invoices",
        {
            "customer_id": "cus_1",
            "subscription_id": "sub_1",
            "currency": "jpy",
            "number": "A-0001",
            "subtotal": 1000,
            "total_excluding_tax": 775,
            "amount_remaining": 0,
            "amount_shipping": 500,
            "shipping_total": 595,
            "attempt_count": 2,
            "attempted": True,
            "auto_advance": False,
            "due_at": None,
            "effective_at": at(1700000001),
            "period_start_at": at(1700000002),
            "period_end_at": at(1700000003),
            "finalized_at": at(1700000004),
            "paid_at": at(1700000005),
            "voided_at": None,
            "starting_balance": -100,
            "total_tax": 125,
            "metadata": '{"po":"1"}',
        },
    ),
    (
        "invoices",
        INVOICE,
        "invoice_lines",
        {
            "invoice_id": "in_1",
            "position": 0,
            "subscription_id": "sub_1",
            "subscription_item_id": "si_1",
            "invoice_item_id": None,
            "price_id": "price_1",
            "product_id": "prod_1",
            "unit_amount_decimal": Decimal("333.333333333333"),
            "amount": 2**62,
            "quantity": 3,
            "proration": False,
            "period_start_at": at(1700000000),
            "period_end_at": at(1702592000),
            "discountable": True,
            "discounts": ["di_1"],
            "discount_amounts": [{"amount": 250, "discount_id": "di_1"}],
            "taxes": [{"amount": 125, "tax_behavior": "inclusive", "tax_rate_id": "txr_1"}],
            "description": NASTY,
        },
    ),
    (
        "invoices",
        {
            **INVOICE,
            "lines": {
                "data": [
                    {
                        **LINE,
                        "parent": {
                            "subscription_item_details": None,
                            "invoice_item_details": {
                                "invoice_item": "ii_1",
                                "subscription": "sub_1",
                                "proration": True,
                            },
                        },
                    }
                ]
            },
        },
        "invoice_lines",
        {"subscription_id": "sub_1", "subscription_item_id": None, "invoice_item_id": "ii_1", "proration": True},
    ),
    (
        "invoice_payments",
        {
            "id": "inpay_1",
            "invoice": "in_1",
            "status": "paid",
            "amount_paid": 900,
            "amount_requested": 900,
            "currency": "usd",
            "payment": {"type": "payment_intent", "payment_intent": "pi_1"},
            "is_default": True,
            "created": 1700000000,
            "status_transitions": {"paid_at": 1700000001, "canceled_at": None},
        },
        "invoice_payments",
        {
            "invoice_id": "in_1",
            "amount_paid": 900,
            "payment_type": "payment_intent",
            "payment_intent_id": "pi_1",
            "charge_id": None,
            "is_default": True,
            "created_at": at(1700000000),
            "paid_at": at(1700000001),
        },
    ),
    (
        "invoice_items",
        {
            "id": "ii_1",
            "invoice": None,
            "customer": "cus_1",
            "parent": {"subscription_details": {"subscription": "sub_1", "subscription_item": "si_1"}},
            "pricing": {"unit_amount_decimal": "1000", "price_details": {"price": "price_1", "product": "prod_1"}},
            "amount": -1000,
            "currency": "usd",
            "quantity": 1,
            "proration": True,
            "period": {"start": 1700000000, "end": 1700000001},
            "date": 1700000002,
            "description": "Unused time",
        },
        "invoice_items",
        {
            "invoice_id": None,
            "subscription_id": "sub_1",
            "subscription_item_id": "si_1",
            "price_id": "price_1",
            "unit_amount_decimal": Decimal(1000),
            "amount": -1000,
            "proration": True,
            "period_start_at": at(1700000000),
            "period_end_at": at(1700000001),
            "created_at": at(1700000002),
        },
    ),
    (
        "charges",
        {
            "id": "ch_1",
            "customer": None,
            "payment_intent": "pi_1",
            "amount": 999,
            "amount_captured": 0,
            "amount_refunded": 0,
            "currency": "kwd",
            "status": "failed",
            "paid": False,
            "captured": False,
            "refunded": False,
            "disputed": False,
            "failure_code": "card_declined",
            "failure_message": NASTY,
            "outcome": {
                "type": "issuer_declined",
                "reason": "insufficient_funds",
                "network_status": "declined_by_network",
                "network_decline_code": "51",
                "advice_code": "try_again_later",
            },
            "balance_transaction": None,
            "payment_method": "pm_1",
            "payment_method_details": {
                "type": "card",
                "card": {
                    "brand": "visa",
                    "network": "visa",
                    "country": "US",
                    "funding": "credit",
                    "exp_month": 8,
                    "exp_year": 2030,
                },
            },
            "description": None,
            "created": 1700000000,
            "metadata": {},
        },
        "charges",
        {
            "customer_id": None,
            "payment_intent_id": "pi_1",
            "amount": 999,
            "currency": "kwd",
            "paid": False,
            "failure_message": NASTY,
            "outcome_reason": "insufficient_funds",
            "outcome_network_decline_code": "51",
            "outcome_advice_code": "try_again_later",
            "balance_transaction_id": None,
            "card_network": "visa",
            "card_exp_month": 8,
            "card_exp_year": 2030,
        },
    ),
    (
        "refunds",
        {
            "id": "re_1",
            "charge": {"id": "ch_1", "object": "charge"},
            "amount": 5,
            "currency": "usd",
            "status": "succeeded",
            "reason": "requested_by_customer",
            "balance_transaction": "txn_1",
            "created": 1700000000,
        },
        "refunds",
        {"charge_id": "ch_1", "amount": 5, "balance_transaction_id": "txn_1", "created_at": at(1700000000)},
    ),
    (
        "disputes",
        {
            "id": "dp_1",
            "charge": "ch_1",
            "amount": 1000,
            "currency": "usd",
            "reason": "fraudulent",
            "status": "needs_response",
            "network_reason_code": "10.4",
            "payment_method_details": {"type": "card", "card": {"network": "visa"}},
            "is_charge_refundable": False,
            "evidence_details": {"due_by": 1700000001, "has_evidence": True},
            "created": 1700000000,
        },
        "disputes",
        {
            "charge_id": "ch_1",
            "network_reason_code": "10.4",
            "card_network": "visa",
            "is_charge_refundable": False,
            "evidence_due_at": at(1700000001),
            "evidence_has_evidence": True,
        },
    ),
    (
        "balance_transactions",
        {
            "id": "txn_1",
            "amount": -1234,
            "fee": 59,
            "net": -1293,
            "currency": "usd",
            "type": "charge",
            "reporting_category": "charge",
            "status": "pending",
            "source": "ch_1",
            "exchange_rate": 1.234567,
            "created": 1700000000,
            "available_on": 1700172800,
            "description": None,
        },
        "balance_transactions",
        {
            "amount": -1234,
            "fee": 59,
            "net": -1293,
            "source_id": "ch_1",
            "exchange_rate": Decimal("1.234567"),
            "available_at": at(1700172800),
        },
    ),
    (
        "payouts",
        {
            "id": "po_1",
            "amount": 100,
            "currency": "eur",
            "status": "failed",
            "type": "bank_account",
            "method": "standard",
            "automatic": True,
            "arrival_date": 1700092800,
            "balance_transaction": "txn_2",
            "failure_balance_transaction": "txn_3",
            "created": 1700000000,
            "reconciliation_status": "completed",
        },
        "payouts",
        {
            "method": "standard",
            "automatic": True,
            "arrival_at": at(1700092800),
            "balance_transaction_id": "txn_2",
            "failure_balance_transaction_id": "txn_3",
        },
    ),
    (
        "credit_notes",
        {"id": "cn_1", "invoice": "in_1", "customer": "cus_1", "amount": 10, "total": 10, "created": 1700000000},
        "credit_notes",
        {"invoice_id": "in_1", "amount": 10, "total": 10, "voided_at": None},
    ),
    (
        "tax_rates",
        {"id": "txr_1", "display_name": "VAT", "percentage": 8.875, "inclusive": True, "country": "US"},
        "tax_rates",
        {"percentage": Decimal("8.875"), "inclusive": True},
    ),
    (
        "events",
        {
            "id": "evt_1",
            "type": "invoice.paid",
            "created": 1700000000,
            "api_version": "2024-06-20",
            "data": {"object": {"id": "in_1", "object": "invoice"}},
        },
        "events",
        {"type": "invoice.paid", "object_id": "in_1", "object_type": "invoice", "api_version": "2024-06-20"},
    ),
    (
        "balances",
        {
            "id": "balance",
            "available": [{"amount": -5, "currency": "usd"}],
            "pending": [{"amount": 7, "currency": "usd"}],
        },
        "balances",
        {"currency": "usd", "available": -5, "pending": 7, "seen_at": LOADED},
    ),
    (
        "payment_intents",
        {
            "id": "pi_1",
            "customer": "cus_1",
            "amount": 500,
            "amount_received": 0,
            "amount_capturable": 500,
            "currency": "usd",
            "status": "requires_capture",
            "latest_charge": {"id": "ch_1", "object": "charge"},
            "payment_method": "pm_1",
            "last_payment_error": {"code": "card_declined", "decline_code": "lost_card"},
            "setup_future_usage": "off_session",
            "canceled_at": 1700000001,
            "cancellation_reason": "abandoned",
            "created": 1700000000,
            "metadata": {},
        },
        "payment_intents",
        {
            "amount": 500,
            "amount_received": 0,
            "amount_capturable": 500,
            "latest_charge_id": "ch_1",
            "last_error_code": "card_declined",
            "last_error_decline_code": "lost_card",
            "canceled_at": at(1700000001),
            "metadata": "{}",
        },
    ),
    (
        "payment_methods",
        {
            "id": "pm_1",
            "customer": None,
            "type": "card",
            "card": {
                "brand": "visa",
                "last4": "0042",
                "exp_month": 8,
                "exp_year": 2030,
                "funding": "debit",
                "country": "DE",
                "fingerprint": "AOB9",
                "wallet": {"type": "apple_pay"},
            },
            "billing_details": {"address": {"country": "FR"}},
            "created": 1700000000,
        },
        "payment_methods",
        {
            "customer_id": None,
            "card_brand": "visa",
            "card_last4": "0042",
            "card_exp_month": 8,
            "card_exp_year": 2030,
            "card_wallet": "apple_pay",
            "card_fingerprint": "AOB9",
            "billing_country": "FR",
            "created_at": at(1700000000),
        },
    ),
    (
        "customer_balance_transactions",
        {
            "id": "cbtxn_1",
            "customer": "cus_1",
            "amount": -500,
            "ending_balance": -700,
            "currency": "jpy",
            "type": "applied_to_invoice",
            "invoice": "in_1",
            "credit_note": None,
            "created": 1700000000,
        },
        "customer_balance_transactions",
        {"customer_id": "cus_1", "amount": -500, "ending_balance": -700, "invoice_id": "in_1", "credit_note_id": None},
    ),
    (
        "promotion_codes",
        {
            "id": "promo_1",
            "code": "FALL20",
            "promotion": {"type": "coupon", "coupon": "SAVE"},
            "active": False,
            "max_redemptions": None,
            "times_redeemed": 3,
            "restrictions": {"first_time_transaction": True},
            "expires_at": 1700000009,
            "created": 1700000000,
        },
        "promotion_codes",
        {
            "coupon_id": "SAVE",
            "active": False,
            "max_redemptions": None,
            "times_redeemed": 3,
            "first_time_transaction": True,
            "expires_at": at(1700000009),
        },
    ),
    (
        "meters",
        {
            "id": "mtr_1",
            "display_name": "Calls",
            "event_name": "calls",
            "default_aggregation": {"formula": "sum"},
            "status": "inactive",
            "status_transitions": {"deactivated_at": 1700000005},
            "created": 1700000000,
            "updated": 1700000005,
        },
        "meters",
        {"aggregation": "sum", "status": "inactive", "deactivated_at": at(1700000005), "updated_at": at(1700000005)},
    ),
    (
        "meter_event_summaries",
        {"id": "cus_1/mtr_1/1700006400", "start_time": 1700006400, "end_time": 1700092800, "aggregated_value": 12.5},
        "meter_event_summaries",
        {
            "customer_id": "cus_1",
            "meter_id": "mtr_1",
            "start_at": at(1700006400),
            "end_at": at(1700092800),
            "aggregated_value": Decimal("12.5"),
        },
    ),
    (
        "credit_grants",
        {
            "id": "credgr_1",
            "customer": "cus_1",
            "amount": {"type": "monetary", "monetary": {"value": 1000, "currency": "usd"}},
            "category": "promotional",
            "priority": 50,
            "effective_at": 1700000001,
            "expires_at": None,
            "created": 1700000000,
        },
        "credit_grants",
        {"amount": 1000, "currency": "usd", "priority": 50, "effective_at": at(1700000001), "expires_at": None},
    ),
    (
        "transfers",
        {
            "id": "tr_1",
            "amount": 1100,
            "amount_reversed": 100,
            "currency": "usd",
            "destination": "acct_2",
            "reversed": False,
            "reversals": {"data": [{"id": "trr_1", "amount": 100, "currency": "usd", "created": 1700000002}]},
            "created": 1700000000,
        },
        "transfers",
        {"amount": 1100, "amount_reversed": 100, "destination_id": "acct_2", "reversed": False},
    ),
    (
        "transfers",
        {
            "id": "tr_1",
            "reversals": {
                "data": [
                    {
                        "id": "trr_1",
                        "amount": 100,
                        "currency": "usd",
                        "balance_transaction": "txn_9",
                        "source_refund": "re_1",
                        "created": 1700000002,
                    }
                ]
            },
        },
        "transfer_reversals",
        {
            "id": "trr_1",
            "transfer_id": "tr_1",
            "amount": 100,
            "balance_transaction_id": "txn_9",
            "refund_id": "re_1",
            "created_at": at(1700000002),
        },
    ),
    (
        "application_fees",
        {
            "id": "fee_1",
            "account": "acct_2",
            "charge": "ch_1",
            "amount": 100,
            "amount_refunded": 30,
            "currency": "usd",
            "refunded": False,
            "created": 1700000000,
        },
        "application_fees",
        {"connected_account_id": "acct_2", "charge_id": "ch_1", "amount": 100, "amount_refunded": 30},
    ),
    (
        "application_fees",
        {"id": "fee_1", "refunds": {"data": [{"id": "fr_1", "amount": 30, "currency": "usd", "created": 1700000001}]}},
        "application_fee_refunds",
        {"id": "fr_1", "application_fee_id": "fee_1", "amount": 30, "created_at": at(1700000001)},
    ),
    (
        "checkout_sessions",
        {
            "id": "cs_1",
            "customer": "cus_1",
            "mode": "subscription",
            "status": "complete",
            "payment_status": "paid",
            "subscription": "sub_1",
            "invoice": "in_1",
            "amount_total": 900,
            "amount_subtotal": 1000,
            "currency": "usd",
            "client_reference_id": NASTY,
            "expires_at": 1700000002,
            "created": 1700000000,
        },
        "checkout_sessions",
        {
            "mode": "subscription",
            "subscription_id": "sub_1",
            "invoice_id": "in_1",
            "amount_total": 900,
            "amount_subtotal": 1000,
            "client_reference_id": NASTY,
        },
    ),
    (
        "reviews",
        {"id": "prv_1", "charge": "ch_1", "open": False, "opened_reason": "rule", "closed_reason": "approved"},
        "reviews",
        {"charge_id": "ch_1", "open": False, "opened_reason": "rule", "closed_reason": "approved"},
    ),
    (
        "early_fraud_warnings",
        {"id": "issfr_1", "charge": "ch_1", "fraud_type": "made_with_stolen_card", "actionable": True},
        "early_fraud_warnings",
        {"charge_id": "ch_1", "fraud_type": "made_with_stolen_card", "actionable": True},
    ),
    (
        "subscription_schedules",
        {
            "id": "sub_sched_1",
            "customer": "cus_1",
            "subscription": None,
            "released_subscription": "sub_1",
            "status": "released",
            "end_behavior": "release",
            "current_phase": {"start_date": 1700000001, "end_date": 1700000002},
            "released_at": 1700000003,
            "created": 1700000000,
        },
        "subscription_schedules",
        {
            "subscription_id": "sub_1",
            "status": "released",
            "current_phase_start_at": at(1700000001),
            "current_phase_end_at": at(1700000002),
            "released_at": at(1700000003),
        },
    ),
    (
        "subscription_schedules",
        {
            "id": "sub_sched_1",
            "phases": [
                {
                    "start_date": 1700000001,
                    "end_date": 1700000002,
                    "currency": "usd",
                    "proration_behavior": "none",
                    "discounts": [{"coupon": "SAVE", "discount": None, "promotion_code": None}],
                    "items": [{"price": "price_1", "quantity": 3, "discounts": []}],
                }
            ],
        },
        "subscription_schedule_items",
        {
            "id": "sub_sched_1/0/0",
            "subscription_schedule_id": "sub_sched_1",
            "start_at": at(1700000001),
            "end_at": at(1700000002),
            "price_id": "price_1",
            "quantity": 3,
            "phase_coupon_ids": ["SAVE"],
            "item_coupon_ids": [],
        },
    ),
    (
        "credit_notes",
        {
            "id": "cn_1",
            "currency": "usd",
            "invoice": "in_1",
            "refunds": [{"refund": "re_1", "amount_refunded": 90}],
            "lines": {
                "data": [
                    {
                        "id": "cnli_1",
                        "type": "invoice_line_item",
                        "invoice_line_item": "il_1",
                        "amount": 100,
                        "discount_amount": 10,
                        "quantity": 2,
                        "unit_amount_decimal": "50.5",
                        "taxes": [
                            {"amount": 7, "tax_behavior": "exclusive", "tax_rate_details": {"tax_rate": "txr_1"}}
                        ],
                    }
                ]
            },
        },
        "credit_note_lines",
        {
            "id": "cnli_1",
            "credit_note_id": "cn_1",
            "invoice_line_id": "il_1",
            "amount": 100,
            "discount_amount": 10,
            "currency": "usd",
            "unit_amount_decimal": Decimal("50.5"),
            "taxes": [{"amount": 7, "tax_behavior": "exclusive", "tax_rate_id": "txr_1"}],
        },
    ),
    (
        "test_clocks",
        {
            "id": "clock_1",
            "object": "test_helpers.test_clock",
            "name": "A year of renewals",
            "status": "advancing",
            "frozen_time": 1700000000,
            "status_details": {"advancing": {"target_frozen_time": 1700000001}},
            "created": 1700000002,
            "deletes_after": 1700000003,
        },
        "test_clocks",
        {
            "id": "clock_1",
            "name": "A year of renewals",
            "status": "advancing",
            "frozen_at": at(1700000000),
            "target_frozen_at": at(1700000001),
            "created_at": at(1700000002),
            "deletes_after_at": at(1700000003),
        },
    ),
]


@pytest.mark.parametrize(("stream", "payload", "table", "expected"), CASES, ids=[f"{c[0]}-{c[2]}" for c in CASES])
def test_a_payload_becomes_exact_typed_values(
    raw: Raw, stream: str, payload: dict[str, Any], table: str, expected: dict[str, Any]
) -> None:
    raw.put(stream, payload)
    row = raw.row(table)
    assert {name: row[name] for name in expected} == expected
    assert row["account_id"] == ACCOUNT
    assert raw.staged().failed.is_empty()


def test_every_staged_table_has_a_case() -> None:
    covered = {table for _, _, table, _ in CASES} | {"subscription_items"}
    assert covered == {contract.table_name for contract in staging.TABLES}


def test_items_keep_the_order_of_the_subscription(raw: Raw) -> None:
    raw.put("subscriptions", SUBSCRIPTION)
    items = sorted(raw.rows("subscription_items"), key=lambda item: item["position"])
    assert [(item["id"], item["position"], item["quantity"]) for item in items] == [("si_2", 0, 2), ("si_1", 1, None)]
    assert items[0]["price_id"] == "price_1"
    assert items[0]["discounts"] == ["di_3"]
    assert items[0]["current_period_start_at"] == at(1700000008)
    assert items[0]["trial_end_at"] == at(1700000011)


def test_an_invoice_with_many_lines_keeps_them_all_in_order(raw: Raw) -> None:
    lines = [{**LINE, "id": f"il_{i:02d}", "amount": i} for i in range(37)]
    raw.put("invoices", {**INVOICE, "lines": {"data": lines, "has_more": False}})
    staged = sorted(raw.rows("invoice_lines"), key=lambda line: line["position"])
    assert [line["amount"] for line in staged] == list(range(37))


def test_an_account_without_any_objects_has_empty_tables(raw: Raw) -> None:
    outcome = raw.staged()
    assert set(outcome.rows.values()) == {0}
    assert len(outcome.rows) == len(staging.TABLES)
    assert outcome.checks.is_empty()


def test_two_accounts_with_equal_ids_stay_apart(raw: Raw) -> None:
    raw.put("customers", {"id": "cus_1", "name": "One"}, account="acct_1")
    raw.put("customers", {"id": "cus_1", "name": "Two"}, account="acct_2")
    assert [(row["account_id"], row["name"]) for row in raw.rows("customers")] == [("acct_1", "One"), ("acct_2", "Two")]
