"""Refund what was paid for an invoice: all that is left of it, an amount, or the unused time of its lines.

Always a credit note that refunds, previewed by Stripe first, so that tax and revenue follow it:
https://docs.stripe.com/invoicing/integration/programmatic-credit-notes. The unused time of a line is its net amount
times the share of its period that is left, by the second, as Stripe prorates; shares are summed exactly and rounded
once: half to even, and down where Stripe takes amounts of the currency in multiples of 10 or 100 minor units alone;
never more than what was paid less what was credited and refunded.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from fractions import Fraction
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from billing.actions.action import MARK, Action, Effect, Facts, Params, Subject, Trace
from billing.canonical import Json
from billing.wire import Body, Request, Wire, path
from models.currency import smallest_step


class Refund(Params):
    """How much: `full`, what is left of the payment; `partial`, an amount in minor units; `unused_time`."""

    mode: Literal["full", "partial", "unused_time"]
    amount: Annotated[int, Field(gt=0)] | None = None
    reason: Literal["duplicate", "fraudulent", "order_change", "product_unsatisfactory"] = "order_change"

    @model_validator(mode="after")
    def _amount_where_partial(self) -> Self:
        if (self.mode == "partial") != (self.amount is not None):
            raise ValueError("an amount goes with mode partial, and only with it")
        return self


def look(wire: Wire, subject: Subject, params: Refund, at: datetime) -> Facts:
    """The invoice with its lines, its credit notes, the charges that paid it, and the preview of the credit note."""
    invoice = wire.get(path("invoices", subject.id))
    more: dict[str, Any] = {
        "lines": list(wire.pages(path("invoices", subject.id, "lines"))),
        "credit_notes": [
            note for note in wire.pages("/v1/credit_notes", invoice=subject.id) if note["status"] == "issued"
        ],
        "charges": list(_charges(wire, subject.id)),
    }
    more["amount"] = _amount(invoice, more, params, subject)
    facts = Facts(at, invoice, more)
    if refusal(facts, params):
        return facts
    preview_path = path("credit_notes", "preview")
    return Facts(at, invoice, {**more, "preview": wire.get(preview_path, **_note(subject, facts, params))})


def refusal(facts: Facts, params: Refund) -> str | None:
    """The invoice must be paid by charges that are not disputed, and leave something to refund."""
    invoice, amount = facts.object, facts.more["amount"]
    if invoice["status"] != "paid":
        return f"invoice_is_{invoice['status']}"
    if not facts.more["charges"]:
        return "invoice_was_not_paid_by_a_charge"
    if any(charge["disputed"] for charge in facts.more["charges"]):
        return "charge_is_disputed"
    if amount <= 0:
        return "nothing_is_left_to_refund"
    if params.amount is not None and params.amount > amount:
        return "more_than_is_left_to_refund"
    return None


def preview(facts: Facts, params: Refund) -> Effect:
    """It pays the amount back; Stripe's fee for the payment is not returned."""
    note = facts.more["preview"]
    amount, currency = int(facts.more["amount"]), str(facts.object["currency"])
    without_tax = note["total_excluding_tax"]
    details: dict[str, Json] = {
        "mode": params.mode,
        "credit_note_total": int(note["total"]),
        "tax": 0 if without_tax is None else int(note["total"]) - int(without_tax),
        "lines": [
            {"line": str(line["invoice_line_item"]), "amount": int(line["amount"])} for line in note["lines"]["data"]
        ],
    }
    return Effect("pay back by a credit note", amount, amount, currency, details)


def request(subject: Subject, facts: Facts, params: Refund) -> Request:
    """https://docs.stripe.com/api/credit_notes/create"""
    marked = {"metadata": {MARK: subject.action_id}}
    return Request("post", "/v1/credit_notes", {**_note(subject, facts, params), **marked})


def trace(subject: Subject, facts: Facts, params: Refund) -> Trace:
    """By the mark on a credit note of the invoice."""
    marks = {(note.get("metadata") or {}).get(MARK) for note in facts.more["credit_notes"]}
    return Trace.THERE if subject.action_id in marks else Trace.ABSENT


def kept(note: Body) -> Mapping[str, Json]:
    """The credit note and its refunds."""
    refunds = [str(each["refund"]) for each in note["refunds"]]
    return {"credit_note": note["id"], "total": note["total"], "currency": note["currency"], "refunds": refunds}


def refundable(invoice: Body, credit_notes: Sequence[Body], charges: Sequence[Body]) -> int:
    """What was paid less what was credited after payment, and less refunds that no credit note made."""
    credited = sum(int(note["post_payment_amount"]) for note in credit_notes)
    by_notes = sum(int(each["amount_refunded"]) for note in credit_notes for each in note["refunds"])
    refunded = sum(int(charge["amount_refunded"]) for charge in charges)
    return max(int(invoice["amount_paid"]) - credited - max(refunded - by_notes, 0), 0)


def unused(lines: Sequence[Body], at: datetime, step: int = 1) -> int:
    """What the time that is left of the lines' periods is worth, tax included; minor units, in multiples of `step`.

    A line's net amount is its amount less its discounts; tax that is not in it is added in the same share.
    """
    exact = sum((_net(line) * _share_left(line, at) for line in lines), Fraction(0))
    return round(exact) if step == 1 else int(exact // step) * step


def _net(line: Body) -> int:
    discounts = sum(int(each["amount"]) for each in line.get("discount_amounts") or ())
    on_top = sum(int(tax["amount"]) for tax in line.get("taxes") or () if tax["tax_behavior"] == "exclusive")
    return int(line["amount"]) - discounts + on_top


def _share_left(line: Body, at: datetime) -> Fraction:
    start, end, now = int(line["period"]["start"]), int(line["period"]["end"]), int(at.timestamp())
    if end <= start:
        return Fraction(0)
    return Fraction(min(max(end - now, 0), end - start), end - start)


def _amount(invoice: Body, more: Mapping[str, Any], params: Refund, subject: Subject) -> int:
    """What is to be paid back; what could be, where an amount is asked for that is more."""
    most = refundable(invoice, more["credit_notes"], more["charges"])
    if params.mode == "unused_time":
        return min(unused(more["lines"], subject.planned_at, smallest_step(str(invoice["currency"]))), most)
    return most if params.amount is None else min(params.amount, most)


def _note(subject: Subject, facts: Facts, params: Refund) -> dict[str, Any]:
    amount = facts.more["amount"]
    return {"invoice": subject.id, "amount": amount, "refund_amount": amount, "reason": params.reason}


def _charges(wire: Wire, invoice_id: str) -> Iterator[Body]:
    """The charges that paid an invoice: one a payment of it."""
    for payment in wire.pages("/v1/invoice_payments", invoice=invoice_id, status="paid"):
        paid_by = payment["payment"]
        if paid_by["type"] == "payment_intent":
            intent = wire.get(path("payment_intents", str(paid_by["payment_intent"])), expand=["latest_charge"])
            if intent["latest_charge"]:
                yield intent["latest_charge"]
        elif paid_by["type"] == "charge":
            yield wire.get(path("charges", str(paid_by["charge"])))


ACTION = Action(
    "refund",
    "pay back what an invoice was paid with: all, an amount, or the unused time",
    "invoice",
    Refund,
    look,
    refusal,
    preview,
    request,
    trace,
    kept,
)
