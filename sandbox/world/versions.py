"""Events as an account of older days gets them: the object inside in the shape of API version 2024-06-20.

Undoes the breaking changes of basil and clover (https://docs.stripe.com/changelog), kind by kind; fields that were
only added since stay, as with Stripe. Needs the store for what older shapes embed; knows not why events happen.
"""

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any, Final

from sandbox.forms import shown_form
from sandbox.store import Store
from sandbox.world.shapes import API_VERSION, plan

OLD_VERSION: Final = "2024-06-20"

Shape = dict[str, Any]


def rendered(event: Shape, version: str, store: Store) -> Shape:
    """The event as `version` shows it: object and previous attributes, without what must be expanded.

    Takes an event whose object is complete and of the pinned version; one already of `version` is returned as it is.
    Errors: ValueError for a version that is neither the pinned one nor 2024-06-20.
    """
    if event["api_version"] == version and version != API_VERSION:
        return event
    if version not in _RENDERERS:
        raise ValueError(f"no rendering of events for API version {version}: choose {' or '.join(_RENDERERS)}")
    render = _RENDERERS[version]
    data = event["data"]
    shown = {"object": render(data["object"], store)}
    if "previous_attributes" in data:
        before = render(_overlaid(data["object"], data["previous_attributes"]), store)
        shown["previous_attributes"] = changed(before, shown["object"])
    return {**event, "api_version": version, "data": shown}


def older(complete: Shape, store: Store) -> Shape:
    """A complete object of the pinned version as 2024-06-20 shows it by default."""
    return _older(shown_form(complete), complete, store)


def changed(before: Shape, after: Shape) -> Shape:
    """What the changed attributes were before: nested objects by their changed keys, arrays whole."""
    previous: Shape = {}
    for key in before | after:
        was, now = before.get(key), after.get(key)
        if was == now:
            continue
        nested = isinstance(was, dict) and isinstance(now, dict)
        previous[key] = changed(was, now) if nested else was  # type: ignore[arg-type]
    return previous


def _pinned(complete: Shape, store: Store) -> Shape:
    return shown_form(complete)


def _overlaid(obj: Shape, previous: Shape) -> Shape:
    before = dict(obj)
    for key, was in previous.items():
        now = obj.get(key)
        both = isinstance(was, dict) and isinstance(now, dict)
        before[key] = _overlaid(now, was) if both else was  # type: ignore[arg-type]
    return before


def _older(shown: Shape, complete: Shape, store: Store) -> Shape:
    convert = _CONVERTERS.get(shown["object"])
    return shown if convert is None else convert(shown, complete, store)


def _subscription(shown: Shape, complete: Shape, store: Store) -> Shape:
    items = complete["items"]["data"]
    listed = shown["items"]
    return {
        **shown,
        "current_period_end": min((item["current_period_end"] for item in items), default=shown["start_date"]),
        "current_period_start": max((item["current_period_start"] for item in items), default=shown["start_date"]),
        "discount": _first_discount(complete, store),
        "items": {**listed, "data": [_subscription_item(item, item, store) for item in listed["data"]]},
    }


def _subscription_item(shown: Shape, complete: Shape, store: Store) -> Shape:
    item = _without(shown, "current_period_end", "current_period_start")
    return {
        **item,
        "plan": {"aggregate_usage": None, **shown["plan"]},
        "price": _price(shown["price"], complete, store),
    }


def _price(shown: Shape, complete: Shape, store: Store) -> Shape:
    recurring = shown["recurring"]
    return shown if recurring is None else {**shown, "recurring": {"aggregate_usage": None, **recurring}}


def _discount(shown: Shape, complete: Shape, store: Store) -> Shape:
    coupon_id = shown["source"]["coupon"]
    coupon = store.get("coupon", coupon_id)
    embedded = {"id": coupon_id, "object": "coupon", "deleted": True} if coupon is None else shown_form(coupon)
    return {**_without(shown, "source"), "coupon": embedded}


def _customer(shown: Shape, complete: Shape, store: Store) -> Shape:
    discount = shown["discount"]
    return shown if discount is None else {**shown, "discount": _discount(discount, discount, store)}


def _invoice(shown: Shape, complete: Shape, store: Store) -> Shape:
    subscription = (shown["parent"] or {}).get("subscription_details") or {}
    payment = _payment_of(shown["id"], store)
    intent = payment.get("payment_intent")
    lines = zip(shown["lines"]["data"], complete["lines"]["data"], strict=False)
    old: Shape = {
        **_without(shown, "parent", "total_taxes"),
        "application_fee_amount": None,
        "charge": payment.get("charge") or _latest_charge(intent, store),
        "discount": _first_discount(complete, store),
        "lines": {**shown["lines"], "data": [_line_item(line, whole, store) for line, whole in lines]},
        "paid": shown["status"] == "paid",
        "paid_out_of_band": shown["amount_paid_off_stripe"] > 0,
        "payment_intent": intent,
        "quote": None,
        "subscription": subscription.get("subscription"),
        "subscription_details": {"metadata": subscription.get("metadata")},
        "tax": sum(tax["amount"] for tax in shown["total_taxes"]) if shown["total_taxes"] else None,
        "total_tax_amounts": _tax_amounts(shown["total_taxes"]),
        "transfer_data": None,
    }
    if "subscription_proration_date" in subscription:
        old["subscription_proration_date"] = subscription["subscription_proration_date"]
    return old


def _line_item(shown: Shape, complete: Shape, store: Store) -> Shape:
    parent = shown["parent"]
    details = parent[parent["type"]]
    excluding_tax = shown["amount"] - _inclusive(shown["taxes"])
    old: Shape = {
        **_without(shown, "parent", "pricing", "taxes"),
        **_priced(shown["pricing"], store),
        "amount_excluding_tax": excluding_tax,
        "proration": details["proration"],
        "proration_details": details["proration_details"],
        "subscription": details["subscription"],
        "tax_amounts": _tax_amounts(shown["taxes"]),
        "tax_rates": _tax_rates(shown["taxes"], store),
        "type": "subscription" if details["invoice_item"] is None else "invoiceitem",
        "unit_amount_excluding_tax": _unit_amount(excluding_tax, shown["quantity"]),
    }
    for field in ("invoice_item", "subscription_item"):
        if details.get(field) is not None:
            old[field] = details[field]
    return old


def _invoiceitem(shown: Shape, complete: Shape, store: Store) -> Shape:
    subscription = (shown["parent"] or {}).get("subscription_details") or {}
    decimal = (shown["pricing"] or {}).get("unit_amount_decimal")
    old: Shape = {
        **_without(shown, "parent", "pricing"),
        **_priced(shown["pricing"], store),
        "subscription": subscription.get("subscription"),
        "unit_amount": int(decimal) if decimal is not None and Decimal(decimal) % 1 == 0 else None,
        "unit_amount_decimal": decimal,
    }
    if subscription.get("subscription_item") is not None:
        old["subscription_item"] = subscription["subscription_item"]
    return old


def _paid_for(shown: Shape, complete: Shape, store: Store) -> Shape:
    """Charges and payment intents knew the invoice they pay."""
    intent = shown["id"] if shown["object"] == "payment_intent" else shown["payment_intent"]
    payment = _first(store, "invoice_payment", "payment.payment_intent", intent) or {}
    return {**shown, "invoice": payment.get("invoice")}


def _credit_note(shown: Shape, complete: Shape, store: Store) -> Shape:
    lines = shown["lines"]
    return {
        **_without(shown, "refunds", "total_taxes"),
        "lines": {**lines, "data": [_credit_note_line_item(line, line, store) for line in lines["data"]]},
        "refund": shown["refunds"][0]["refund"] if shown["refunds"] else None,
        "tax_amounts": _tax_amounts(shown["total_taxes"]),
    }


def _credit_note_line_item(shown: Shape, complete: Shape, store: Store) -> Shape:
    excluding_tax = shown["amount"] - _inclusive(shown["taxes"])
    return {
        **_without(shown, "taxes"),
        "amount_excluding_tax": excluding_tax,
        "tax_amounts": _tax_amounts(shown["taxes"]),
        "unit_amount_excluding_tax": _unit_amount(excluding_tax, shown["quantity"]),
    }


def _without(shown: Shape, *fields: str) -> Shape:
    return {field: value for field, value in shown.items() if field not in fields}


def _first_discount(complete: Shape, store: Store) -> Shape | None:
    whole = [discount for discount in complete["discounts"] if isinstance(discount, dict)]
    return _discount(whole[0], whole[0], store) if whole else None


def _priced(pricing: Shape | None, store: Store) -> Shape:
    """The price and its legacy plan, embedded whole where newer lines only name the price."""
    price = store.get("price", pricing["price_details"]["price"]) if pricing else None
    if price is None:
        return {"plan": None, "price": None}
    shown = shown_form(price)
    legacy = {"aggregate_usage": None, **plan(shown)} if shown["recurring"] else None
    return {"plan": legacy, "price": _price(shown, price, store)}


def _tax_amounts(taxes: Iterable[Shape]) -> list[Shape]:
    return [
        {
            "amount": tax["amount"],
            "inclusive": tax["tax_behavior"] == "inclusive",
            "tax_rate": tax["tax_rate_details"]["tax_rate"],
            "taxability_reason": tax["taxability_reason"],
            "taxable_amount": tax["taxable_amount"],
        }
        for tax in taxes
    ]


def _tax_rates(taxes: Iterable[Shape], store: Store) -> list[Shape]:
    rates = (store.get("tax_rate", tax["tax_rate_details"]["tax_rate"]) for tax in taxes)
    return [rate for rate in rates if rate is not None]


def _inclusive(taxes: Iterable[Shape]) -> int:
    return sum(tax["amount"] for tax in taxes if tax["tax_behavior"] == "inclusive")


def _unit_amount(amount: int, quantity: int | None) -> str | None:
    return None if not quantity else f"{(Decimal(amount) / quantity).quantize(Decimal('1e-12')).normalize():f}"


def _payment_of(invoice: str, store: Store) -> Shape:
    payment = _first(store, "invoice_payment", "invoice", invoice)
    return payment["payment"] if payment else {}


def _latest_charge(intent: str | None, store: Store) -> str | None:
    payment_intent = store.get("payment_intent", intent) if intent is not None else None
    return payment_intent["latest_charge"] if payment_intent else None


def _first(store: Store, kind: str, column: str, value: str | None) -> Shape | None:
    shelf = store.shelf(kind)
    slots = shelf.where(column, value) if value is not None else []
    return shelf.complete(slots[0]) if slots else None


_CONVERTERS: Final[dict[str, Callable[[Shape, Shape, Store], Shape]]] = {
    "charge": _paid_for,
    "credit_note": _credit_note,
    "credit_note_line_item": _credit_note_line_item,
    "customer": _customer,
    "discount": _discount,
    "invoice": _invoice,
    "invoiceitem": _invoiceitem,
    "line_item": _line_item,
    "payment_intent": _paid_for,
    "plan": lambda shown, complete, store: {"aggregate_usage": None, **shown},
    "price": _price,
    "subscription": _subscription,
    "subscription_item": _subscription_item,
}

_RENDERERS: Final[dict[str, Callable[[Shape, Store], Shape]]] = {API_VERSION: _pinned, OLD_VERSION: older}
