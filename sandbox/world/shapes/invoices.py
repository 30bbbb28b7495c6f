"""Invoices and what hangs on them: lines, invoice items, invoice payments, credit notes.

Adds up an invoice from its lines, as Stripe does; knows nothing of subscriptions' rules or of how money moves.
"""
# ruff: noqa: A002 -- parameters carry the API's own field names

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sandbox.world.shapes.lists import listed


class Totals(NamedTuple):
    """An invoice's sums over its lines, in minor units."""

    subtotal: int
    """Lines less their own (item-level) discounts, before invoice-level discounts and exclusive tax."""
    subtotal_excluding_tax: int
    total: int
    """Lines less all discounts, plus exclusive tax."""
    total_excluding_tax: int
    discount_amounts: list[dict[str, Any]]
    taxes: list[dict[str, Any]]


def tax(
    *,
    amount: int,
    tax_rate: str,
    tax_behavior: str = "exclusive",
    taxable_amount: int | None = None,
    taxability_reason: str = "standard_rated",
) -> dict[str, Any]:
    """Tax of one rate on a line, an invoice or a credit note."""
    return {
        "amount": amount,
        "tax_behavior": tax_behavior,
        "tax_rate_details": {"tax_rate": tax_rate},
        "taxability_reason": taxability_reason,
        "taxable_amount": taxable_amount,
        "type": "tax_rate_details",
    }


def discount_amount(*, amount: int, discount: str) -> dict[str, Any]:
    """What one discount (id) took off, as a positive amount."""
    return {"amount": amount, "discount": discount}


def line_item(
    *,
    id: str,
    invoice: str,
    amount: int,
    currency: str,
    period_start: int,
    period_end: int,
    price: str | None,
    product: str | None,
    unit_amount_decimal: str | None,
    quantity: int | None = 1,
    description: str | None = None,
    subscription: str | None = None,
    subscription_item: str | None = None,
    invoice_item: str | None = None,
    proration: bool = False,
    credited_invoice: str | None = None,
    credited_lines: Sequence[str] = (),
    discountable: bool = True,
    discounts: Sequence[dict[str, Any]] = (),
    discount_amounts: Sequence[dict[str, Any]] = (),
    taxes: Sequence[dict[str, Any]] = (),
    metadata: dict[str, str] | None = None,
) -> dict[str, Any]:
    """One line; `amount` before discounts and exclusive tax.

    With `subscription_item` its parent is subscription_item_details (flexible billing: `invoice_item` too for a
    proration); with `invoice_item` alone it is invoice_item_details (classic prorations, one-off items).
    `discounts` are the line's own whole discount objects; `discount_amounts` what each of the line's and the
    invoice's took off it.
    """
    return {
        "id": id,
        "object": "line_item",
        "amount": amount,
        "currency": currency,
        "description": description,
        "discount_amounts": list(discount_amounts),
        "discountable": discountable,
        "discounts": list(discounts),
        "invoice": invoice,
        "livemode": False,
        "metadata": metadata or {},
        "parent": _line_parent(
            subscription, subscription_item, invoice_item, proration, _credited(credited_invoice, credited_lines)
        ),
        "period": {"end": period_end, "start": period_start},
        "pretax_credit_amounts": _pretax_credits(discount_amounts),
        "pricing": _pricing(price, product, unit_amount_decimal),
        "quantity": quantity,
        "quantity_decimal": None if quantity is None else str(quantity),
        "subscription": subscription,
        "subtotal": amount,
        "taxes": list(taxes),
    }


def totals(lines: Iterable[dict[str, Any]]) -> Totals:
    """The sums of an invoice with these lines."""
    gross = own_discounts = exclusive = inclusive = 0
    by_discount: dict[str, int] = {}
    taxes: dict[tuple[str, str], dict[str, Any]] = {}
    for line in lines:
        gross += line["amount"]
        own = {each["id"] for each in line["discounts"]}
        for taken in line["discount_amounts"]:
            discount, amount = taken["discount"], taken["amount"]
            by_discount[discount] = by_discount.get(discount, 0) + amount
            own_discounts += amount if discount in own else 0
        for each in line["taxes"]:
            if each["tax_behavior"] == "exclusive":
                exclusive += each["amount"]
            else:
                inclusive += each["amount"]
            _add_tax(taxes, each)
    total = gross - sum(by_discount.values()) + exclusive
    return Totals(
        subtotal=gross - own_discounts,
        subtotal_excluding_tax=gross - own_discounts - inclusive,
        total=total,
        total_excluding_tax=total - exclusive - inclusive,
        discount_amounts=[{"amount": amount, "discount": discount} for discount, amount in by_discount.items()],
        taxes=list(taxes.values()),
    )


def invoice(
    *,
    id: str,
    created: int,
    customer: str,
    currency: str,
    lines: Sequence[dict[str, Any]],
    status: str,
    billing_reason: str,
    period_start: int,
    period_end: int,
    subscription: str | None = None,
    subscription_metadata: dict[str, str] | None = None,
    subscription_proration_date: int | None = None,
    collection_method: str = "charge_automatically",
    due_date: int | None = None,
    number: str | None = None,
    amount_paid: int = 0,
    amount_paid_off_stripe: int = 0,
    attempt_count: int = 0,
    auto_advance: bool = True,
    next_payment_attempt: int | None = None,
    automatically_finalizes_at: int | None = None,
    finalized_at: int | None = None,
    paid_at: int | None = None,
    voided_at: int | None = None,
    marked_uncollectible_at: int | None = None,
    uncollectible_reason: str | None = None,
    starting_balance: int = 0,
    pre_payment_credit_notes_amount: int = 0,
    post_payment_credit_notes_amount: int = 0,
    discounts: Sequence[dict[str, Any]] = (),
    default_tax_rates: Sequence[dict[str, Any]] = (),
    default_payment_method: str | None = None,
    customer_name: str | None = None,
    customer_email: str | None = None,
    customer_address: dict[str, Any] | None = None,
    customer_tax_exempt: str = "none",
    account_name: str | None = None,
    account_country: str = "US",
    description: str | None = None,
    test_clock: str | None = None,
    metadata: dict[str, str] | None = None,
) -> dict[str, Any]:
    """An invoice with all its lines; the sums, the amount due and the amount remaining follow from them.

    `starting_balance` (below zero: credit) and credit notes before payment lower the amount due, never below zero;
    `ending_balance` is what is left of the balance once the invoice is finalised. `discounts` are whole objects.
    """
    sums = totals(lines)
    amount_due = max(0, sums.total + starting_balance - pre_payment_credit_notes_amount)
    ending_balance = None if finalized_at is None else min(0, starting_balance + sums.total)
    return {
        "id": id,
        "object": "invoice",
        "account_country": account_country,
        "account_name": account_name,
        "account_tax_ids": None,
        "amount_due": amount_due,
        "amount_overpaid": 0,
        "amount_paid": amount_paid,
        "amount_paid_off_stripe": amount_paid_off_stripe,
        "amount_remaining": amount_due - amount_paid,
        "amount_shipping": 0,
        "application": None,
        "attempt_count": attempt_count,
        "attempted": attempt_count > 0 or paid_at is not None,
        "auto_advance": auto_advance,
        "automatic_tax": {
            "disabled_reason": None,
            "enabled": False,
            "liability": None,
            "provider": None,
            "status": None,
        },
        "automatically_finalizes_at": automatically_finalizes_at,
        "billing_reason": billing_reason,
        "collection_method": collection_method,
        "created": created,
        "currency": currency,
        "custom_fields": None,
        "customer": customer,
        "customer_account": None,
        "customer_address": customer_address,
        "customer_email": customer_email,
        "customer_name": customer_name,
        "customer_phone": None,
        "customer_shipping": None,
        "customer_tax_exempt": customer_tax_exempt,
        "customer_tax_ids": [],
        "default_payment_method": default_payment_method,
        "default_source": None,
        "default_tax_rates": list(default_tax_rates),
        "description": description,
        "discounts": list(discounts),
        "due_date": due_date,
        "effective_at": finalized_at,
        "ending_balance": ending_balance,
        "footer": None,
        "from_invoice": None,
        "hosted_invoice_url": _hosted(id, finalized_at, ""),
        "invoice_pdf": _hosted(id, finalized_at, "/pdf"),
        "issuer": {"type": "self"},
        "last_finalization_error": None,
        "latest_revision": None,
        "lines": listed(lines, url=f"/v1/invoices/{id}/lines"),
        "livemode": False,
        "metadata": metadata or {},
        "next_payment_attempt": next_payment_attempt,
        "number": number,
        "on_behalf_of": None,
        "parent": _invoice_parent(subscription, subscription_metadata, subscription_proration_date),
        "payment_settings": {"default_mandate": None, "payment_method_options": None, "payment_method_types": None},
        "period_end": period_end,
        "period_start": period_start,
        "post_payment_credit_notes_amount": post_payment_credit_notes_amount,
        "pre_payment_credit_notes_amount": pre_payment_credit_notes_amount,
        "receipt_number": None,
        "rendering": None,
        "shipping_cost": None,
        "shipping_details": None,
        "starting_balance": starting_balance,
        "statement_descriptor": None,
        "status": status,
        "status_details": None if uncollectible_reason is None else {"uncollectible": {"reason": uncollectible_reason}},
        "status_transitions": {
            "finalized_at": finalized_at,
            "marked_uncollectible_at": marked_uncollectible_at,
            "paid_at": paid_at,
            "voided_at": voided_at,
        },
        "subtotal": sums.subtotal,
        "subtotal_excluding_tax": sums.subtotal_excluding_tax,
        "test_clock": test_clock,
        "threshold_reason": None,
        "total": sums.total,
        "total_discount_amounts": sums.discount_amounts,
        "total_excluding_tax": sums.total_excluding_tax,
        "total_pretax_credit_amounts": _pretax_credits(sums.discount_amounts),
        "total_taxes": sums.taxes,
        "webhooks_delivered_at": created,
    }


def invoiceitem(
    *,
    id: str,
    date: int,
    customer: str,
    amount: int,
    currency: str,
    period_start: int,
    period_end: int,
    price: str | None,
    product: str | None,
    unit_amount_decimal: str | None,
    quantity: int = 1,
    description: str | None = None,
    proration: bool = False,
    subscription: str | None = None,
    subscription_item: str | None = None,
    invoice: str | None = None,
    discountable: bool = True,
    discounts: Sequence[dict[str, Any]] = (),
    discount_amounts: Sequence[dict[str, Any]] = (),
    tax_rates: Sequence[dict[str, Any]] = (),
    test_clock: str | None = None,
    metadata: dict[str, str] | None = None,
) -> dict[str, Any]:
    """A charge (or, below zero, a credit) waiting for an invoice (`invoice` null: pending) or on one."""
    return {
        "id": id,
        "object": "invoiceitem",
        "amount": amount,
        "currency": currency,
        "customer": customer,
        "customer_account": None,
        "date": date,
        "description": description,
        "discountable": discountable,
        "discounts": list(discounts),
        "frozen_fields": None,
        "invoice": invoice,
        "invoicing_rules": [],
        "livemode": False,
        "metadata": metadata or {},
        "net_amount": None if discountable else amount - sum(each["amount"] for each in discount_amounts),
        "parent": None
        if subscription is None
        else {
            "subscription_details": {"subscription": subscription, "subscription_item": subscription_item},
            "type": "subscription_details",
        },
        "period": {"end": period_end, "start": period_start},
        "pricing": _pricing(price, product, unit_amount_decimal),
        "proration": proration,
        "proration_details": {"credited_items": None, "discount_amounts": list(discount_amounts)}
        if proration
        else None,
        "quantity": quantity,
        "quantity_decimal": str(quantity),
        "tax_rates": list(tax_rates),
        "test_clock": test_clock,
    }


def invoice_payment(
    *,
    id: str,
    created: int,
    invoice: str,
    amount_requested: int,
    currency: str,
    amount_paid: int | None = None,
    payment_intent: str | None = None,
    charge: str | None = None,
    payment_record: str | None = None,
    status: str = "open",
    is_default: bool = True,
    paid_at: int | None = None,
    canceled_at: int | None = None,
) -> dict[str, Any]:
    """How an invoice is (to be) paid: by a payment intent, charge or payment record; `amount_paid` null till then."""
    return {
        "id": id,
        "object": "invoice_payment",
        "amount_paid": amount_paid,
        "amount_requested": amount_requested,
        "created": created,
        "currency": currency,
        "invoice": invoice,
        "is_default": is_default,
        "livemode": False,
        "payment": _payment(payment_intent, charge, payment_record),
        "status": status,
        "status_transitions": {"canceled_at": canceled_at, "paid_at": paid_at},
    }


def credit_note_line_item(
    *,
    id: str,
    amount: int,
    description: str | None = None,
    invoice_line_item: str | None = None,
    quantity: int | None = 1,
    unit_amount: int | None = None,
    unit_amount_decimal: str | None = None,
    discount_amounts: Sequence[dict[str, Any]] = (),
    taxes: Sequence[dict[str, Any]] = (),
    metadata: dict[str, str] | None = None,
) -> dict[str, Any]:
    """What is credited of one invoice line, or a line of its own; `amount` before discounts and exclusive tax."""
    shape = {
        "id": id,
        "object": "credit_note_line_item",
        "amount": amount,
        "description": description,
        "discount_amount": sum(each["amount"] for each in discount_amounts),
        "discount_amounts": list(discount_amounts),
        "livemode": False,
        "metadata": metadata or {},
        "pretax_credit_amounts": _pretax_credits(discount_amounts),
        "quantity": quantity,
        "tax_rates": [],
        "taxes": list(taxes),
        "type": "custom_line_item" if invoice_line_item is None else "invoice_line_item",
        "unit_amount": unit_amount,
        "unit_amount_decimal": unit_amount_decimal if unit_amount is None else str(unit_amount),
    }
    if invoice_line_item is not None:
        shape["invoice_line_item"] = invoice_line_item
    return shape


def credit_note(
    *,
    id: str,
    created: int,
    invoice: str,
    customer: str,
    currency: str,
    lines: Sequence[dict[str, Any]],
    number: str,
    status: str = "issued",
    type: str = "post_payment",
    reason: str | None = None,
    refunds: Sequence[tuple[str, int]] = (),
    out_of_band_amount: int | None = None,
    customer_balance_transaction: str | None = None,
    memo: str | None = None,
    voided_at: int | None = None,
    metadata: dict[str, str] | None = None,
) -> dict[str, Any]:
    """A credit on a finalised invoice; `refunds` are (refund id, amount) pairs; the sums follow from the lines."""
    sums = totals([{"discounts": [], **line} for line in lines])
    discounted = sum(each["amount"] for each in sums.discount_amounts)
    return {
        "id": id,
        "object": "credit_note",
        "amount": sums.total,
        "amount_shipping": 0,
        "created": created,
        "currency": currency,
        "customer": customer,
        "customer_account": None,
        "customer_balance_transaction": customer_balance_transaction,
        "discount_amount": discounted,
        "discount_amounts": sums.discount_amounts,
        "effective_at": created,
        "invoice": invoice,
        "lines": listed(lines, url=f"/v1/credit_notes/{id}/lines"),
        "livemode": False,
        "memo": memo,
        "metadata": metadata or {},
        "number": number,
        "out_of_band_amount": out_of_band_amount,
        "pdf": f"https://pay.stripe.com/credit_notes/{id}/pdf",
        "post_payment_amount": sums.total if type == "post_payment" else 0,
        "pre_payment_amount": sums.total if type == "pre_payment" else 0,
        "pretax_credit_amounts": _pretax_credits(sums.discount_amounts),
        "reason": reason,
        "refunds": [
            {"amount_refunded": amount, "payment_record_refund": None, "refund": refund, "type": "refund"}
            for refund, amount in refunds
        ],
        "shipping_cost": None,
        "status": status,
        "subtotal": sums.subtotal,
        "subtotal_excluding_tax": sums.subtotal_excluding_tax,
        "total": sums.total,
        "total_excluding_tax": sums.total_excluding_tax,
        "total_taxes": sums.taxes,
        "type": type,
        "voided_at": voided_at,
    }


def _line_parent(
    subscription: str | None,
    subscription_item: str | None,
    invoice_item: str | None,
    proration: bool,
    proration_details: dict[str, Any],
) -> dict[str, Any]:
    if subscription_item is None:
        details = {
            "invoice_item": invoice_item,
            "proration": proration,
            "proration_details": proration_details,
            "subscription": subscription,
        }
        return {
            "invoice_item_details": details,
            "subscription_item_details": None,
            "type": "invoice_item_details",
        }
    details = {
        "invoice_item": invoice_item,
        "proration": proration,
        "proration_details": proration_details,
        "subscription": subscription,
        "subscription_item": subscription_item,
    }
    return {
        "invoice_item_details": None,
        "subscription_item_details": details,
        "type": "subscription_item_details",
    }


def _credited(invoice: str | None, lines: Sequence[str]) -> dict[str, Any]:
    return {"credited_items": None if invoice is None else {"invoice": invoice, "invoice_line_items": list(lines)}}


def _pricing(price: str | None, product: str | None, unit_amount_decimal: str | None) -> dict[str, Any] | None:
    if price is None:
        return None
    return {
        "price_details": {"price": price, "product": product},
        "type": "price_details",
        "unit_amount_decimal": unit_amount_decimal,
    }


def _pretax_credits(discount_amounts: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"amount": each["amount"], "discount": each["discount"], "type": "discount"} for each in discount_amounts]


def _add_tax(sums: dict[tuple[str, str], dict[str, Any]], line_tax: dict[str, Any]) -> None:
    key = (line_tax["tax_rate_details"]["tax_rate"], line_tax["tax_behavior"])
    so_far = sums.get(key)
    if so_far is None:
        sums[key] = dict(line_tax)
        return
    so_far["amount"] += line_tax["amount"]
    if so_far["taxable_amount"] is not None and line_tax["taxable_amount"] is not None:
        so_far["taxable_amount"] += line_tax["taxable_amount"]


def _invoice_parent(
    subscription: str | None, metadata: dict[str, str] | None, proration_date: int | None
) -> dict[str, Any] | None:
    if subscription is None:
        return None
    details: dict[str, Any] = {"metadata": metadata or {}, "subscription": subscription}
    if proration_date is not None:
        details["subscription_proration_date"] = proration_date
    return {"quote_details": None, "subscription_details": details, "type": "subscription_details"}


def _hosted(invoice: str, finalized_at: int | None, leaf: str) -> str | None:
    return None if finalized_at is None else f"https://invoice.stripe.com/i/{invoice}{leaf}"


def _payment(payment_intent: str | None, charge: str | None, payment_record: str | None) -> dict[str, Any]:
    if payment_intent is not None:
        return {"payment_intent": payment_intent, "type": "payment_intent"}
    if charge is not None:
        return {"charge": charge, "type": "charge"}
    return {"payment_record": payment_record, "type": "payment_record"}
