"""Send an invoice: have Stripe mail the hosted invoice to the customer, with its link to pay.

https://docs.stripe.com/api/invoices/send: it may be sent again and again, and only an event says that it was.
"""

from collections.abc import Mapping
from datetime import datetime

from billing.actions.action import Action, Effect, Facts, NoParams, Subject, Trace
from billing.canonical import Json
from billing.wire import Body, Request, Wire, path


def look(wire: Wire, subject: Subject, params: NoParams, at: datetime) -> Facts:
    """The invoice, whether its customer can be mailed, and whether it was sent since the intent."""
    invoice = wire.get(path("invoices", subject.id))
    sent = False
    if subject.intended_at:
        since = {"gte": int(subject.intended_at.timestamp())}
        events = wire.pages("/v1/events", type="invoice.sent", created=since)
        sent = any(event["data"]["object"]["id"] == subject.id for event in events)
    return Facts(at, invoice, {"sent": sent})


def refusal(facts: Facts, params: NoParams) -> str | None:
    """Only an open invoice that is sent and not charged, and still owes something, is mailed, and to somebody."""
    invoice = facts.object
    if invoice["status"] != "open":
        return f"invoice_is_{invoice['status']}"
    if not invoice["amount_remaining"]:
        return "nothing_is_owed"
    if invoice["collection_method"] != "send_invoice":
        return "invoice_is_charged_not_sent"
    return None if invoice["customer_email"] else "customer_has_no_address"


def preview(facts: Facts, params: NoParams) -> Effect:
    """It asks for what is still owed."""
    invoice = facts.object
    return Effect("mail the invoice to the customer", int(invoice["amount_remaining"]), 0, str(invoice["currency"]))


def request(subject: Subject, facts: Facts, params: NoParams) -> Request:
    """https://docs.stripe.com/api/invoices/send"""
    return Request("post", path("invoices", subject.id, "send"))


def trace(subject: Subject, facts: Facts, params: NoParams) -> Trace:
    """Somebody may have sent it by hand as well."""
    return Trace.SEEN if facts.more["sent"] else Trace.ABSENT


def kept(invoice: Body) -> Mapping[str, Json]:
    """Where the invoice stands; its link opens by itself and is not kept."""
    return {"status": invoice["status"], "amount_remaining": invoice["amount_remaining"]}


ACTION = Action(
    "send_invoice",
    "mail an open invoice to its customer",
    "invoice",
    NoParams,
    look,
    refusal,
    preview,
    request,
    trace,
    kept,
)
