"""The invoice that a subscription will get, or would get if it were changed: nothing is changed by asking.

A change is rehearsed on a copy by the functions that really make it, so the amounts are those that will be billed.
"""

from __future__ import annotations

from sandbox.api.errors import ApiError, invalid
from sandbox.world import amendments, rehearsal
from sandbox.world.stage import Stage
from sandbox.world.state import Customer, Invoice, Subscription
from sandbox.writes import starts, subscriptions
from sandbox.writes.lookup import the
from sandbox.writes.parameters import Choice, Fields, Flag, Given, Text
from sandbox.writes.write import Shape, Write


def create_preview(stage: Stage, ids: tuple[str, ...], given: Given) -> Shape:
    """`POST /v1/invoices/create_preview`: of the next invoice, or of the one that a change would make at once.

    Errors: 400 as the change itself; 404 `invoice_upcoming_none` when there is none to come.
    """
    details = dict(given.get("subscription_details") or {})
    if "subscription" not in given and "items" in details:
        return _first(stage, given, details)
    sub = _subscription(stage, given)
    there, twin = rehearsal.rehearse(stage, sub)
    invoice = _changed(there, twin, details, given)
    if invoice is None and not details.get("cancel_now"):
        invoice = rehearsal.upcoming(there, twin)
    if invoice is None:
        message = f"No upcoming invoices for customer: {sub.customer.id}"
        raise ApiError(404, message, "invoice_upcoming_none")
    invoice.id = "upcoming_" + invoice.id
    invoice.billing_reason = "upcoming"
    invoice.starting_balance = twin.customer.balance
    return _remembered(stage, invoice)


def _first(stage: Stage, given: Given, details: Given) -> Shape:
    """The first invoice of a subscription that is not there yet. Errors: 400 as its creation."""
    if "customer" not in given:
        raise ApiError(400, "You must provide a subscription or a customer.", "parameter_missing", "customer")
    there, twin = rehearsal.rehearse_customer(stage, the(stage, Customer, given["customer"], "customer", status=400))
    wish = {**details, **({"discounts": given["discounts"]} if "discounts" in given else {})}
    invoice = starts.previewed(there, twin, wish)
    invoice.id, invoice.billing_reason = "upcoming_" + invoice.id, "upcoming"
    invoice.starting_balance = twin.balance
    return _remembered(stage, invoice)


def _remembered(stage: Stage, invoice: Invoice) -> Shape:
    """The preview, whose lines can be listed for a while."""
    shape = stage.shape(invoice)
    stage.store.preview(shape)
    return shape


def _changed(there: Stage, twin: Subscription, details: Given, given: Given) -> Invoice | None:
    """The change rehearsed; gives what it would bill at once."""
    if details.pop("cancel_now", False):
        settled = subscriptions.settlement_of(there, twin, details)
        unused_from = settled.at if settled.prorates else None
        return amendments.final_invoice(there, twin, unused_from=unused_from, invoice_now=True)
    if details.pop("resume_at", None):
        if twin.status != "paused":
            raise invalid("Only a paused subscription can be resumed.", "subscription_details[resume_at]")
        return amendments.resume(there, twin)
    wish = {**details, **({"discounts": given["discounts"]} if "discounts" in given else {})}
    return subscriptions.change(there, twin, subscriptions.plan(there, twin, wish)) if wish else None


def _subscription(stage: Stage, given: Given) -> Subscription:
    """The subscription named, or the customer's only one. Errors: 400."""
    if "subscription" in given:
        return the(stage, Subscription, given["subscription"], "subscription", status=404)
    if "customer" not in given:
        raise ApiError(400, "You must provide a subscription or a customer.", "parameter_missing", "subscription")
    customer = the(stage, Customer, given["customer"], "customer", status=400)
    live = [sub for sub in customer.subscriptions if sub.live]
    if len(live) != 1:
        message = f"The customer has {len(live)} subscriptions that run: say which."
        raise invalid(message, "subscription")
    return live[0]


WRITES = (
    Write(
        "POST",
        "/v1/invoices/create_preview",
        "invoice_read",
        "invoice",
        create_preview,
        {
            "customer": Text(),
            "discounts": subscriptions.DISCOUNTS,
            "subscription": Text(),
            "subscription_details": Fields(
                {**subscriptions.CHANGES, "cancel_now": Flag(), "resume_at": Choice(("now",))}
            ),
        },
        changes=False,
    ),
)
