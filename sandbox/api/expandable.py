"""Which fields of which objects can be expanded, and into what. Data only; `expansion.py` walks it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Ref:
    """An id that becomes the object; the kind may be one of several."""

    kinds: tuple[str, ...]


@dataclass(frozen=True)
class Included:
    """A field that only shows when asked for, held by the object itself or by its own record."""


@dataclass(frozen=True)
class Gathered:
    """A list that only shows when asked for, made of the objects of `kind` whose `column` is this object's id."""

    kind: str
    column: str
    url: str
    only: tuple[str, tuple[str, ...]] | None = None  # a column and the values that count


@dataclass(frozen=True)
class Discounts:
    """Ids of discounts that become the discounts this object carries."""


@dataclass(frozen=True)
class Discount:
    """The id of one discount among those the object carries."""


@dataclass(frozen=True)
class Nested:
    """A list object that is always there, of elements of `kind`."""

    kind: str


@dataclass(frozen=True)
class Embedded:
    """An object that is always there in full."""

    kind: str


@dataclass(frozen=True)
class ByCurrency:
    """What a price costs by currency; the tiers of each only where that currency is named."""


@dataclass(frozen=True)
class Inside:
    """A plain structure (or list of them) on the way to something that can be expanded."""

    fields: dict[str, Node]


Node = Ref | Included | Gathered | Discounts | Discount | Nested | Embedded | Inside | ByCurrency
LEAVES = (Ref, Included, Gathered, Discounts, Discount, ByCurrency)

ENDED = ("canceled", "incomplete_expired")
NOT_ENDED = ("active", "incomplete", "past_due", "paused", "trialing", "unpaid")
NEVER = Ref(())
"""A reference to a kind this account has none of: it stays null."""

_account = Ref(("account",))
_charge = Ref(("charge",))
_customer = Ref(("customer",))
_invoice = Ref(("invoice",))
_payment_intent = Ref(("payment_intent",))
_payment_method = Ref(("payment_method",))
_price = Ref(("price",))
_refund = Ref(("refund",))
_test_clock = Ref(("test_helpers.test_clock",))
_transaction = Ref(("balance_transaction",))

_amounts_by_discount = Inside({"discount": Discount()})
_liability = Inside({"liability": Inside({"account": _account})})
_pricing = Inside({"price_details": Inside({"price": _price})})

EXPANDABLE: dict[str, dict[str, Node]] = {
    "application_fee": {"charge": _charge, "refunds": Nested("fee_refund")},
    "billing.credit_grant": {"customer": _customer, "test_clock": _test_clock},
    "billing.meter": {},
    "billing.meter_event": {},
    "billing.meter_event_summary": {},
    "billing_portal.configuration": {
        "application": NEVER,
        "features": Inside({"subscription_update": Inside({"products": Included()})}),
    },
    "billing_portal.session": {"configuration": Ref(("billing_portal.configuration",))},
    "checkout.session": {
        "customer": _customer,
        "invoice": _invoice,
        "line_items": Included(),
        "payment_intent": _payment_intent,
        "subscription": Ref(("subscription",)),
    },
    "balance_transaction": {"source": Ref(("charge", "refund", "dispute", "payout"))},
    "charge": {
        "application": NEVER,
        "application_fee": NEVER,
        "balance_transaction": _transaction,
        "customer": _customer,
        "failure_balance_transaction": _transaction,
        "on_behalf_of": _account,
        "payment_intent": _payment_intent,
        "refunds": Gathered("refund", "charge", "/v1/charges/{id}/refunds"),
        "review": NEVER,
        "source_transfer": NEVER,
        "transfer": NEVER,
    },
    "coupon": {"applies_to": Included(), "currency_options": Included()},
    "credit_note": {
        "customer": _customer,
        "customer_balance_transaction": Ref(("customer_balance_transaction",)),
        "discount_amounts": _amounts_by_discount,
        "invoice": _invoice,
        "lines": Nested("credit_note_line_item"),
        "refunds": Inside({"refund": _refund}),
    },
    "credit_note_line_item": {},
    "customer": {
        "cash_balance": Included(),
        "default_source": NEVER,
        "discount": Embedded("discount"),
        "invoice_credit_balance": Included(),
        "invoice_settings": Inside({"default_payment_method": _payment_method}),
        "sources": Included(),
        "subscriptions": Gathered(
            "subscription", "customer", "/v1/customers/{id}/subscriptions", ("status", NOT_ENDED)
        ),
        "tax": Included(),
        "tax_ids": Included(),
        "test_clock": _test_clock,
    },
    "customer_balance_transaction": {
        "credit_note": Ref(("credit_note",)),
        "customer": _customer,
        "invoice": _invoice,
    },
    "discount": {
        "customer": _customer,
        "promotion_code": Ref(("promotion_code",)),
        "source": Inside({"coupon": Ref(("coupon",))}),
    },
    "dispute": {
        "balance_transactions": Embedded("balance_transaction"),
        "charge": _charge,
        "payment_intent": _payment_intent,
    },
    "event": {},
    "invoice": {
        "account_tax_ids": NEVER,
        "application": NEVER,
        "automatic_tax": _liability,
        "confirmation_secret": Included(),
        "customer": _customer,
        "default_payment_method": _payment_method,
        "default_source": NEVER,
        "discounts": Discounts(),
        "from_invoice": Inside({"invoice": _invoice}),
        "issuer": Inside({"account": _account}),
        "latest_revision": _invoice,
        "lines": Nested("line_item"),
        "on_behalf_of": _account,
        "parent": Inside({"subscription_details": Inside({"subscription": Ref(("subscription",))})}),
        "payments": Gathered("invoice_payment", "invoice", "/v1/invoice_payments?invoice={id}"),
        "test_clock": _test_clock,
        "total_discount_amounts": _amounts_by_discount,
        "total_pretax_credit_amounts": _amounts_by_discount,
    },
    "invoice_payment": {
        "invoice": _invoice,
        "payment": Inside({"charge": _charge, "payment_intent": _payment_intent, "payment_record": NEVER}),
    },
    "invoiceitem": {
        "customer": _customer,
        "discounts": Discounts(),
        "invoice": _invoice,
        "pricing": _pricing,
        "test_clock": _test_clock,
    },
    "line_item": {
        "discount_amounts": _amounts_by_discount,
        "discounts": Discounts(),
        "pretax_credit_amounts": _amounts_by_discount,
        "pricing": _pricing,
        "subscription": Ref(("subscription",)),
    },
    "payment_intent": {
        "application": NEVER,
        "customer": _customer,
        "latest_charge": _charge,
        "on_behalf_of": _account,
        "payment_method": _payment_method,
        "review": NEVER,
    },
    "payment_method": {"customer": _customer},
    "payout": {
        "balance_transaction": _transaction,
        "destination": NEVER,
        "failure_balance_transaction": _transaction,
        "original_payout": Ref(("payout",)),
        "reversed_by": Ref(("payout",)),
    },
    "plan": {"product": Ref(("product",)), "tiers": Included()},
    "price": {"currency_options": ByCurrency(), "product": Ref(("product",)), "tiers": Included()},
    "product": {"default_price": _price, "tax_code": NEVER},
    "promotion_code": {"customer": _customer, "promotion": Inside({"coupon": Ref(("coupon",))})},
    "quote": {"customer": _customer, "test_clock": _test_clock},
    "radar.early_fraud_warning": {"charge": _charge, "payment_intent": _payment_intent},
    "refund": {
        "balance_transaction": _transaction,
        "charge": _charge,
        "customer": _customer,
        "failure_balance_transaction": _transaction,
        "payment_intent": _payment_intent,
        "payment_method": _payment_method,
        "source_transfer_reversal": NEVER,
        "transfer_reversal": NEVER,
    },
    "subscription": {
        "application": NEVER,
        "automatic_tax": _liability,
        "customer": _customer,
        "default_payment_method": _payment_method,
        "default_source": NEVER,
        "discounts": Discounts(),
        "items": Nested("subscription_item"),
        "latest_invoice": _invoice,
        "on_behalf_of": _account,
        "pending_setup_intent": NEVER,
        "schedule": NEVER,
        "test_clock": _test_clock,
    },
    "setup_intent": {
        "application": NEVER,
        "customer": _customer,
        "latest_attempt": NEVER,
        "mandate": NEVER,
        "on_behalf_of": _account,
        "payment_method": _payment_method,
        "single_use_mandate": NEVER,
    },
    "subscription_schedule": {
        "customer": _customer,
        "subscription": Ref(("subscription",)),
        "test_clock": _test_clock,
    },
    "subscription_item": {
        "billed_until": Included(),
        "discounts": Discounts(),
        "plan": Embedded("plan"),
        "price": Embedded("price"),
    },
    "fee_refund": {"balance_transaction": _transaction},
    "tax.registration": {},
    "tax.settings": {},
    "tax_rate": {},
    "test_helpers.test_clock": {},
    "transfer": {"balance_transaction": _transaction, "reversals": Nested("transfer_reversal")},
    "transfer_reversal": {"balance_transaction": _transaction},
}
"""By kind: each field through or at which an expansion can go."""
