"""Stripe's objects, one file a family: facts in, the complete API object of version 2026-10-28.endive out.

Pure functions of their arguments; they know no store, no clock and no other object than what they are handed. What the
API leaves out unless it is expanded is present here where the object itself holds it (tiers, currency options, …);
lists the API assembles from other objects (`charge.refunds`, `invoice.payments`, `customer.subscriptions`) are not.
"""

from typing import Final

from sandbox.world.shapes.account import account
from sandbox.world.shapes.catalogue import (
    coupon,
    currency_option,
    embedded_price,
    plan,
    price,
    product,
    promotion_code,
    tax_rate,
    tier,
)
from sandbox.world.shapes.clocks import test_clock
from sandbox.world.shapes.deletions import deleted
from sandbox.world.shapes.events import event
from sandbox.world.shapes.invoices import (
    Totals,
    credit_note,
    credit_note_line_item,
    discount_amount,
    invoice,
    invoice_payment,
    invoiceitem,
    line_item,
    tax,
    totals,
)
from sandbox.world.shapes.lists import listed
from sandbox.world.shapes.money import balance, balance_transaction, fee_detail, payout
from sandbox.world.shapes.payments import (
    DECLINES,
    Decline,
    charge,
    dispute,
    early_fraud_warning,
    payment_intent,
    refund,
)
from sandbox.world.shapes.people import (
    Card,
    address,
    billing_details,
    customer,
    customer_balance_transaction,
    payment_method,
)
from sandbox.world.shapes.portal import portal_configuration, portal_flow, portal_session
from sandbox.world.shapes.setups import authentication, setup_intent
from sandbox.world.shapes.stripe_tax import tax_registration, tax_settings
from sandbox.world.shapes.subscriptions import discount, subscription, subscription_item, subscription_schedule
from sandbox.world.shapes.usage import meter, meter_event, meter_event_summary
from sandbox.world.shapes.webhooks import webhook_endpoint

API_VERSION: Final = "2026-10-28.endive"

__all__ = [
    "API_VERSION",
    "DECLINES",
    "Card",
    "Decline",
    "Totals",
    "account",
    "address",
    "authentication",
    "balance",
    "balance_transaction",
    "billing_details",
    "charge",
    "coupon",
    "credit_note",
    "credit_note_line_item",
    "currency_option",
    "customer",
    "customer_balance_transaction",
    "deleted",
    "discount",
    "discount_amount",
    "dispute",
    "early_fraud_warning",
    "embedded_price",
    "event",
    "fee_detail",
    "invoice",
    "invoice_payment",
    "invoiceitem",
    "line_item",
    "listed",
    "meter",
    "meter_event",
    "meter_event_summary",
    "payment_intent",
    "payment_method",
    "payout",
    "plan",
    "portal_configuration",
    "portal_flow",
    "portal_session",
    "price",
    "product",
    "promotion_code",
    "refund",
    "setup_intent",
    "subscription",
    "subscription_item",
    "subscription_schedule",
    "tax",
    "tax_rate",
    "tax_registration",
    "tax_settings",
    "test_clock",
    "tier",
    "totals",
    "webhook_endpoint",
]
