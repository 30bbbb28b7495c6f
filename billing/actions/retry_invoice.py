"""Retry an invoice: collect an open invoice now, from the payment method that Stripe would take for it.

https://docs.stripe.com/api/invoices/pay: fails with 402 and a decline code where the issuer refuses; an invoice that is
paid already is refused with 400.
"""

from collections.abc import Mapping
from datetime import datetime

from billing.actions.action import Action, Effect, Facts, NoParams, Subject, Trace
from billing.canonical import Json
from billing.wire import Body, Request, Wire, path


def look(wire: Wire, subject: Subject, params: NoParams, at: datetime) -> Facts:
    """The invoice as it is."""
    return Facts(at, wire.get(path("invoices", subject.id)))


def refusal(facts: Facts, params: NoParams) -> str | None:
    """Only an open invoice that is charged automatically and still owes something is retried."""
    invoice = facts.object
    if invoice["status"] != "open":
        return f"invoice_is_{invoice['status']}"
    if not invoice["amount_remaining"]:
        return "nothing_is_owed"
    if invoice["collection_method"] != "charge_automatically":
        return "invoice_is_sent_not_charged"
    return None


def preview(facts: Facts, params: NoParams) -> Effect:
    """It collects what is still owed."""
    owed, currency = int(facts.object["amount_remaining"]), str(facts.object["currency"])
    tried = int(facts.object["attempt_count"] or 0)
    return Effect("collect what is owed, now", owed, 0, currency, {"attempts_before": tried})


def request(subject: Subject, facts: Facts, params: NoParams) -> Request:
    """https://docs.stripe.com/api/invoices/pay"""
    return Request("post", path("invoices", subject.id, "pay"))


def trace(subject: Subject, facts: Facts, params: NoParams) -> Trace:
    """A paid invoice may have been paid by a retry of Stripe's or by the customer as well."""
    return Trace.SEEN if facts.object["status"] == "paid" else Trace.ABSENT


def kept(invoice: Body) -> Mapping[str, Json]:
    """Where the invoice stands now."""
    return {"status": invoice["status"], "amount_paid": invoice["amount_paid"], "currency": invoice["currency"]}


ACTION = Action(
    "retry_invoice",
    "collect an open invoice now, from the payment method on file",
    "invoice",
    NoParams,
    look,
    refusal,
    preview,
    request,
    trace,
    kept,
)
