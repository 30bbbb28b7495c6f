"""Answers in older API versions: what a newer version moved is put back where it was, by kind of object.

Versions from 2023-10-16 on; the changes are those of Stripe's changelog that concern the kinds the sandbox has.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sandbox.store import Store

OLDEST = "2023-10-16"
BASIL = "2025-03-31"
CLOVER = "2025-09-30"

Thing = dict[str, Any]


def rendered(thing: Any, version: str, store: Store) -> Any:
    """The answer as `version` (a date, perhaps with a name) shows it, lists and nested objects included.

    Old lines hold their price in full and old invoices name their payment; both are looked up in the store. An event
    stays as it was rendered when it happened.
    """
    if isinstance(thing, list):
        return [rendered(each, version, store) for each in thing]
    if not isinstance(thing, dict) or thing.get("object") == "event":
        return thing
    whole = {name: rendered(value, version, store) for name, value in thing.items()}
    kind = whole.get("object", "")
    if version < CLOVER and kind in BEFORE_CLOVER:
        BEFORE_CLOVER[kind](whole, store)
    if version < BASIL and kind in BEFORE_BASIL:
        BEFORE_BASIL[kind](whole, store)
    return whole


def _discount(thing: Thing, store: Store) -> None:
    thing["coupon"] = thing.pop("source", {}).get("coupon")


def _promotion_code(thing: Thing, store: Store) -> None:
    thing["coupon"] = thing.pop("promotion", {}).get("coupon")


def _subscription(thing: Thing, store: Store) -> None:
    items = thing["items"]["data"]
    for name, choose in (("current_period_start", max), ("current_period_end", min)):
        thing[name] = choose((item[name] for item in items), default=None)
        for item in items:
            del item[name]
    first = next(iter(thing["discounts"]), None)
    thing["discount"] = first if isinstance(first, dict) else None


def _invoice(thing: Thing, store: Store) -> None:
    parent = thing.pop("parent", None) or {}
    details = parent.get("subscription_details") or {}
    thing["subscription"] = details.get("subscription")
    thing["paid"] = thing["status"] == "paid"
    thing |= _payment(thing["id"], store)
    thing["tax"] = sum(each["amount"] for each in thing["total_taxes"]) if thing["total_taxes"] else None
    thing["total_tax_amounts"] = _old_taxes(thing.pop("total_taxes"))


def _payment(invoice: str, store: Store) -> Thing:
    """The intent and the charge of an invoice's default payment, and whether another kind paid it."""
    shelf = store.shelf("invoice_payment")
    payments = [shelf.complete(slot) for slot in shelf.where("invoice", invoice)]
    intent = next((each["payment"].get("payment_intent") for each in payments if each["is_default"]), None)
    paying = store.get("payment_intent", intent) if intent else None
    elsewhere = any(each["status"] == "paid" and each["payment"]["type"] == "payment_record" for each in payments)
    charge = paying["latest_charge"] if paying else None
    return {"payment_intent": intent, "charge": charge, "paid_out_of_band": elsewhere}


def _line(thing: Thing, store: Store) -> None:
    parent = thing.pop("parent")
    of_item, of_invoice_item = parent["subscription_item_details"], parent["invoice_item_details"]
    told = of_item or of_invoice_item or {}
    thing["type"] = "subscription" if of_item else "invoiceitem"
    thing["subscription"] = told.get("subscription")
    thing["subscription_item"] = told.get("subscription_item")
    thing["invoice_item"] = told.get("invoice_item")
    thing["proration"] = told.get("proration")
    thing["tax_amounts"] = _old_taxes(thing.pop("taxes"))
    thing.pop("subtotal", None)
    _priced(thing, store)


def _invoice_item(thing: Thing, store: Store) -> None:
    details = (thing.pop("parent", None) or {}).get("subscription_details") or {}
    thing["subscription"] = details.get("subscription")
    thing["subscription_item"] = details.get("subscription_item")
    _priced(thing, store)


def _credit_note(thing: Thing, store: Store) -> None:
    refunds = thing.pop("refunds", None) or []
    thing["refund"] = refunds[0]["refund"] if refunds else None
    thing["tax_amounts"] = _old_taxes(thing.pop("total_taxes", None))


def _credit_note_line(thing: Thing, store: Store) -> None:
    thing["tax_amounts"] = _old_taxes(thing.pop("taxes", None))


def _priced(thing: Thing, store: Store) -> None:
    pricing = thing.pop("pricing", None) or {}
    price = (pricing.get("price_details") or {}).get("price")
    thing["price"] = store.get("price", price) if price else None
    thing["unit_amount_decimal"] = pricing.get("unit_amount_decimal")


def _old_taxes(taxes: list[Thing] | None) -> list[Thing]:
    return [
        {
            "amount": each["amount"],
            "inclusive": each["tax_behavior"] == "inclusive",
            "tax_rate": (each.get("tax_rate_details") or {}).get("tax_rate"),
            "taxability_reason": each.get("taxability_reason"),
            "taxable_amount": each.get("taxable_amount"),
        }
        for each in taxes or []
    ]


Change = Callable[[Thing, Store], None]
BEFORE_CLOVER: Mapping[str, Change] = {"discount": _discount, "promotion_code": _promotion_code}
BEFORE_BASIL: Mapping[str, Change] = {
    "subscription": _subscription,
    "invoice": _invoice,
    "line_item": _line,
    "invoiceitem": _invoice_item,
    "credit_note": _credit_note,
    "credit_note_line_item": _credit_note_line,
}
