"""Write an invoice off: mark it uncollectible, which says that it will not be paid and ends its retries.

https://docs.stripe.com/api/invoices/mark_uncollectible: it can still be paid or voided afterwards.
"""

from billing.actions import retry_invoice
from billing.actions.action import Action, Effect, Facts, NoParams, Subject, Trace
from billing.wire import Request, path


def refusal(facts: Facts, params: NoParams) -> str | None:
    """Only an open invoice is written off."""
    status = facts.object["status"]
    return None if status == "open" else f"invoice_is_{status}"


def preview(facts: Facts, params: NoParams) -> Effect:
    """It gives up what is still owed."""
    return Effect("give up what is owed", 0, int(facts.object["amount_remaining"]), str(facts.object["currency"]))


def request(subject: Subject, facts: Facts, params: NoParams) -> Request:
    """https://docs.stripe.com/api/invoices/mark_uncollectible"""
    return Request("post", path("invoices", subject.id, "mark_uncollectible"))


def trace(subject: Subject, facts: Facts, params: NoParams) -> Trace:
    """Stripe's own settings may have written it off as well."""
    return Trace.SEEN if facts.object["status"] == "uncollectible" else Trace.ABSENT


ACTION = Action(
    "write_off",
    "mark an open invoice uncollectible",
    "invoice",
    NoParams,
    retry_invoice.look,
    refusal,
    preview,
    request,
    trace,
    retry_invoice.kept,
)
