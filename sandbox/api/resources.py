"""The API's endpoints as data: which kinds have a list, their filters, and the permission a restricted key needs.

Serving a further kind is one more row. Knows nothing of HTTP; `endpoints.py` answers what these rows describe.
"""

from __future__ import annotations

from sandbox.api.expandable import ENDED, NOT_ENDED
from sandbox.api.filters import (
    AnyOf,
    Choice,
    Contains,
    Equal,
    Fields,
    Filter,
    Flag,
    Ignored,
    Passing,
    Range,
    Since,
    Text,
    Until,
    Wildcard,
)
from sandbox.api.routes import Part, Resource, Scope, Single

CREATED: dict[str, Filter] = {"created": Range()}

_customer = Text("customer", "customer")
_invoice = Text("invoice", "invoice")
_charge = Text("charge", "charge")
_payment_intent = Text("payment_intent", "payment_intent")
_account_too: dict[str, Filter] = {"customer_account": Ignored()}
_collection = Choice("collection_method", ("charge_automatically", "send_invoice"))
_test_clock = Text("test_clock", "test_helpers.test_clock")
_not_on_a_test_clock = Equal("test_clock", None)

SUBSCRIPTION_STATUS = Choice(
    "status",
    ("active", "canceled", "incomplete", "incomplete_expired", "past_due", "paused", "trialing", "unpaid"),
    (("all", frozenset()), ("ended", frozenset(ENDED))),
)

RESOURCES: tuple[Resource, ...] = (
    Resource(
        "customer",
        "/v1/customers",
        "customer_read",
        CREATED | {"email": Text("email"), "test_clock": _test_clock},
        unless=((("test_clock",), _not_on_a_test_clock),),
    ),
    Resource(
        "product",
        "/v1/products",
        "product_read",
        CREATED
        | {
            "active": Flag("active"),
            "ids": AnyOf("id", 100),
            "shippable": Flag("shippable"),
            "type": Choice("type", ("good", "service")),
            "url": Text("url"),
        },
    ),
    Resource(
        "price",
        "/v1/prices",
        "plan_read",
        CREATED
        | {
            "active": Flag("active"),
            "currency": Text("currency"),
            "lookup_keys": AnyOf("lookup_key", 10),
            "product": Text("product", "product"),
            "recurring": Fields(
                {
                    "interval": Choice("recurring.interval", ("day", "week", "month", "year")),
                    "meter": Text("recurring.meter"),
                    "usage_type": Choice("recurring.usage_type", ("licensed", "metered")),
                }
            ),
            "type": Choice("type", ("one_time", "recurring")),
        },
        unless=((("active",), Equal("active", True)), ((), Equal("inline", None))),
        param="price",
    ),
    Resource("coupon", "/v1/coupons", "coupon_read", CREATED, param="coupon"),
    Resource(
        "promotion_code",
        "/v1/promotion_codes",
        "promotion_code_read",
        CREATED
        | {
            "active": Flag("active"),
            "code": Text("code"),
            "coupon": Text("coupon", "coupon"),
            "customer": _customer,
        }
        | _account_too,
        param="promotion_code",
    ),
    Resource(
        "tax_rate",
        "/v1/tax_rates",
        "tax_rate_read",
        CREATED
        | {
            "active": Flag("active"),
            "inclusive": Flag("inclusive"),
        },
        param="tax_rate",
    ),
    Resource(
        "subscription",
        "/v1/subscriptions",
        "subscription_read",
        CREATED
        | _account_too
        | {
            "automatic_tax": Fields({"enabled": Flag("automatic_tax.enabled")}),
            "collection_method": _collection,
            "current_period_end": Range("current_period_end"),
            "current_period_start": Range("current_period_start"),
            "customer": _customer,
            "plan": Contains("prices"),
            "price": Contains("prices"),
            "status": SUBSCRIPTION_STATUS,
            "test_clock": _test_clock,
        },
        unless=(
            (("status",), Passing("status", frozenset(NOT_ENDED).__contains__)),
            (("test_clock", "customer"), _not_on_a_test_clock),
        ),
    ),
    Resource(
        "invoice",
        "/v1/invoices",
        "invoice_read",
        CREATED
        | _account_too
        | {
            "collection_method": _collection,
            "customer": _customer,
            "due_date": Range("due_date"),
            "status": Choice("status", ("draft", "open", "paid", "uncollectible", "void")),
            "subscription": Text("subscription", "subscription"),
        },
        param="invoice",
    ),
    Resource(
        "invoice_payment",
        "/v1/invoice_payments",
        "invoice_read",
        CREATED
        | {
            "invoice": _invoice,
            "payment": Fields(
                {
                    "payment_intent": Text("payment.payment_intent"),
                    "payment_record": Text("payment.payment_record"),
                    "type": Choice("payment.type", ("charge", "payment_intent", "payment_record")),
                }
            ),
            "status": Choice("status", ("canceled", "open", "paid")),
        },
        param="invoice_payment",
    ),
    Resource(
        "invoiceitem",
        "/v1/invoiceitems",
        "invoice_read",
        CREATED
        | _account_too
        | {
            "customer": _customer,
            "invoice": _invoice,
            "pending": Flag("pending"),
        },
        param="invoiceitem",
    ),
    Resource(
        "credit_note",
        "/v1/credit_notes",
        "credit_note_read",
        CREATED
        | _account_too
        | {
            "customer": _customer,
            "invoice": _invoice,
        },
    ),
    Resource(
        "charge",
        "/v1/charges",
        "charge_read",
        CREATED
        | {
            "customer": _customer,
            "payment_intent": _payment_intent,
            "transfer_group": Text("transfer_group"),
        },
    ),
    Resource(
        "payment_intent",
        "/v1/payment_intents",
        "payment_intent_read",
        CREATED
        | _account_too
        | {
            "customer": _customer,
        },
        param="intent",
    ),
    Resource(
        "refund",
        "/v1/refunds",
        "charge_read",
        CREATED
        | {
            "charge": _charge,
            "payment_intent": _payment_intent,
        },
    ),
    Resource(
        "dispute",
        "/v1/disputes",
        "dispute_read",
        CREATED
        | {
            "charge": _charge,
            "payment_intent": _payment_intent,
        },
        param="dispute",
    ),
    Resource(
        "balance_transaction",
        "/v1/balance_transactions",
        "balance_transaction_source_read",
        CREATED
        | {
            "currency": Text("currency"),
            "payout": Text("payout", "payout"),
            "source": Text("source"),
            "type": Text("type"),
        },
    ),
    Resource(
        "payout",
        "/v1/payouts",
        "payout_read",
        CREATED
        | {
            "arrival_date": Range("arrival_date"),
            "destination": Text("destination"),
            "status": Choice("status", ("canceled", "failed", "in_transit", "paid", "pending")),
        },
        param="payout",
    ),
    Resource(
        "payment_method",
        "/v1/payment_methods",
        "payment_method_read",
        _account_too
        | {
            "allow_redisplay": Choice("allow_redisplay", ("always", "limited", "unspecified")),
            "customer": _customer,
            "type": Text("type"),
        },
        param="payment_method",
    ),
    Resource(
        "event",
        "/v1/events",
        "event_read",
        CREATED
        | {
            "delivery_success": Ignored(),
            "type": Wildcard("type"),
            "types": AnyOf("type", 20),
        },
    ),
    Resource(
        "subscription_schedule",
        "/v1/subscription_schedules",
        "subscription_read",
        CREATED
        | _account_too
        | {
            "canceled_at": Range("canceled_at"),
            "completed_at": Range("completed_at"),
            "customer": _customer,
            "released_at": Range("released_at"),
            "scheduled": Flag("scheduled"),
        },
        unless=((("customer",), _not_on_a_test_clock),),
    ),
    Resource(
        "setup_intent",
        "/v1/setup_intents",
        "setup_intent_read",
        CREATED
        | {
            "attach_to_self": Ignored(),
            "customer": _customer,
            "payment_method": Text("payment_method"),
        }
        | _account_too,
        param="intent",
    ),
    Resource(
        "transfer",
        "/v1/transfers",
        "transfer_read",
        CREATED
        | {
            "destination": Text("destination"),
            "transfer_group": Text("transfer_group"),
        },
    ),
    Resource("topup", "/v1/topups", "topup_read", CREATED | {"amount": Ignored(), "status": Text("status")}),
    Resource("application_fee", "/v1/application_fees", "application_fee_read", CREATED | {"charge": _charge}),
    Resource("tax_id", "/v1/tax_ids", "tax_id_read", {"owner": Ignored()}),
    Resource(
        "quote",
        "/v1/quotes",
        "quote_read",
        {
            "customer": _customer,
            "status": Text("status"),
            "test_clock": _test_clock,
        }
        | _account_too,
        unless=((("test_clock", "customer"), _not_on_a_test_clock),),
    ),
    Resource(
        "checkout.session",
        "/v1/checkout/sessions",
        "checkout_session_read",
        CREATED
        | {
            "customer": _customer,
            "payment_intent": _payment_intent,
            "status": Choice("status", ("complete", "expired", "open")),
            "subscription": Text("subscription", "subscription"),
        }
        | _account_too,
    ),
    Resource(
        "entitlements.feature",
        "/v1/entitlements/features",
        "entitlements_read",
        {
            "archived": Flag("archived"),
            "lookup_key": Text("lookup_key"),
        },
    ),
    Resource("review", "/v1/reviews", "review_read", CREATED),
    Resource(
        "radar.early_fraud_warning",
        "/v1/radar/early_fraud_warnings",
        "radar_early_fraud_warning_read",
        CREATED | {"charge": _charge, "payment_intent": _payment_intent},
    ),
    Resource("billing.meter", "/v1/billing/meters", "billing_meter_read", {"status": Text("status")}),
    Resource(
        "billing.credit_grant",
        "/v1/billing/credit_grants",
        "billing_credit_grant_read",
        {
            "customer": _customer,
        }
        | _account_too,
    ),
    Resource(
        "billing_portal.configuration",
        "/v1/billing_portal/configurations",
        "customer_portal_read",
        {"active": Flag("active"), "is_default": Flag("is_default")},
        param="configuration",
    ),
    Resource(
        "tax.registration",
        "/v1/tax/registrations",
        "tax_settings_read",
        {"status": Choice("status", ("active", "expired", "scheduled"), (("all", frozenset()),))},
    ),
    Resource("webhook_endpoint", "/v1/webhook_endpoints", "webhook_read", param="webhook_endpoint"),
    Resource("test_helpers.test_clock", "/v1/test_helpers/test_clocks", "billing_clock_read", param="test_clock"),
)

PARTS: tuple[Part, ...] = (
    Part("/v1/invoices/{id}/lines", "invoice_read", "invoice", "lines", "line_item"),
    Part("/v1/credit_notes/{id}/lines", "credit_note_read", "credit_note", "lines", "credit_note_line_item"),
    Part("/v1/transfers/{id}/reversals", "transfer_read", "transfer", "reversals", "transfer_reversal"),
    Part("/v1/application_fees/{id}/refunds", "application_fee_read", "application_fee", "refunds", "fee_refund"),
)

SCOPES: tuple[Scope, ...] = (
    Scope("/v1/charges/{id}/refunds", "charge_read", "charge", "refund", "charge"),
    Scope(
        "/v1/customers/{id}/subscriptions",
        "subscription_read",
        "customer",
        "subscription",
        "customer",
        {"status": SUBSCRIPTION_STATUS},
        unless=((("status",), Passing("status", frozenset(NOT_ENDED).__contains__)),),
    ),
    Scope(
        "/v1/customers/{id}/payment_methods",
        "payment_method_read",
        "customer",
        "payment_method",
        "customer",
        {
            "type": Text("type"),
        },
    ),
    Scope(
        "/v1/customers/{id}/balance_transactions",
        "customer_read",
        "customer",
        "customer_balance_transaction",
        "customer",
        CREATED | {"invoice": _invoice},
    ),
    Scope(
        "/v1/billing/meters/{id}/event_summaries",
        "billing_meter_read",
        "billing.meter",
        "billing.meter_event_summary",
        "meter",
        {
            "customer": Text("_customer", "customer"),
            "start_time": Since("start_time"),
            "end_time": Until("end_time"),
            "value_grouping_window": Choice("_window", ("day", "hour"), (("day", frozenset()),)),
        },
        required=("customer", "end_time", "start_time"),
    ),
)

SINGLES: tuple[Single, ...] = (
    Single("/v1/account", None, "account"),
    Single("/v1/balance", "balance_read", "balance"),
    Single("/v1/tax/settings", "tax_settings_read", "tax.settings"),
)
