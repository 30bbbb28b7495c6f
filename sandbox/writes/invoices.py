"""Invoices: pay, send, void, write off, finalise, and what may be changed of one that is final."""

from __future__ import annotations

from sandbox.api.errors import ApiError, refused
from sandbox.world import payments, settling
from sandbox.world.stage import Stage
from sandbox.world.state import Card, Invoice
from sandbox.writes import declines
from sandbox.writes.lookup import card_of, the
from sandbox.writes.parameters import Flag, Given, Ignored, Notes, Text, noted
from sandbox.writes.write import Shape, Write


def pay(stage: Stage, ids: tuple[str, ...], given: Given) -> Shape:
    """`POST /v1/invoices/{id}/pay`: the money is taken now, or said to have come another way.

    Errors: 400 for one that is paid or void, or with nothing to charge; 402 when the card declines.
    """
    invoice = the(stage, Invoice, ids[0], "invoice")
    if invoice.status == "paid":
        raise refused("Invoice is already paid")
    if invoice.status == "void":
        raise refused("This invoice can't be paid because it has been voided.")
    if given.get("paid_out_of_band"):
        _finalized(stage, invoice)
        if invoice.status != "paid":
            payments.paid_elsewhere(stage, invoice)
        return stage.shape(invoice)
    card = _card(stage, invoice, given.get("payment_method"))
    _finalized(stage, invoice)
    if invoice.status == "paid":
        return stage.shape(invoice)
    if card is None:
        raise _without_card()
    charge = settling.charge(stage, invoice, card)
    if charge.decline is not None:
        raise declines.of_charge(stage, charge)
    return stage.shape(invoice)


def finalize(stage: Stage, ids: tuple[str, ...], given: Given) -> Shape:
    """`POST /v1/invoices/{id}/finalize`. Errors: 400 for one that is final already."""
    invoice = the(stage, Invoice, ids[0], "invoice")
    if invoice.status != "draft":
        raise refused("This invoice is already finalized, you can't re-finalize a non-draft invoice.")
    if "auto_advance" in given:
        invoice.advance = given["auto_advance"]
    settling.finalize(stage, invoice)
    return stage.shape(invoice)


def send(stage: Stage, ids: tuple[str, ...], given: Given) -> Shape:
    """`POST /v1/invoices/{id}/send`. Errors: 400 for one that is charged automatically, or called off."""
    invoice = the(stage, Invoice, ids[0], "invoice")
    if invoice.collection != "send_invoice":
        raise refused("You can only manually send an invoice if its collection method is 'send_invoice'.")
    if invoice.status in ("void", "uncollectible"):
        raise refused(f"You can only send invoices that are draft, open or paid; this one is {invoice.status}.")
    if invoice.status == "draft":
        settling.finalize(stage, invoice)
    else:
        settling.remind(stage, invoice)
    return stage.shape(invoice)


def void(stage: Stage, ids: tuple[str, ...], given: Given) -> Shape:
    """`POST /v1/invoices/{id}/void`. Errors: 400 unless it is open or written off."""
    invoice = the(stage, Invoice, ids[0], "invoice")
    if invoice.status not in ("open", "uncollectible"):
        raise refused("You can only void open or uncollectible invoices.")
    settling.void(stage, invoice)
    return stage.shape(invoice)


def mark_uncollectible(stage: Stage, ids: tuple[str, ...], given: Given) -> Shape:
    """`POST /v1/invoices/{id}/mark_uncollectible`. Errors: 400 unless it is open."""
    invoice = the(stage, Invoice, ids[0], "invoice")
    if invoice.status != "open":
        raise refused(f"You can only mark open invoices as uncollectible. This invoice is {invoice.status}.")
    settling.give_up(stage, invoice)
    return stage.shape(invoice)


def update(stage: Stage, ids: tuple[str, ...], given: Given) -> Shape:
    """`POST /v1/invoices/{id}`: notes, and whether Stripe goes on by itself."""
    invoice = the(stage, Invoice, ids[0], "invoice")
    if "description" in given:
        invoice.description = given["description"]
    if "metadata" in given:
        invoice.metadata = noted(invoice.metadata, given["metadata"])
    if "auto_advance" in given and invoice.status in ("draft", "open"):
        invoice.advance = given["auto_advance"]
    stage.touch(invoice, "invoice.updated")
    return stage.shape(invoice)


def _finalized(stage: Stage, invoice: Invoice) -> None:
    if invoice.status == "draft":
        settling.finalize(stage, invoice)


def _card(stage: Stage, invoice: Invoice, named: str | None) -> Card | None:
    """The card to charge: the one named, or the customer's own; None where nothing may be due."""
    if named is not None:
        return card_of(stage, invoice.customer, named, "payment_method")
    card = payments.card_for(invoice)
    if card is None and (invoice.status != "draft" or invoice.total > 0):
        raise _without_card()
    return card


def _without_card() -> ApiError:
    message = (
        "There is no `default_payment_method` set on this Customer or Invoice. Please set a `default_payment_method`."
    )
    return refused(message)


_INVOICE = "/v1/invoices/{id}"
WRITES = (
    Write(
        "POST",
        f"{_INVOICE}/pay",
        "invoice_write",
        "invoice",
        pay,
        {
            "forgive": Ignored(),
            "off_session": Ignored(),
            "paid_out_of_band": Flag(),
            "payment_method": Text(),
        },
    ),
    Write("POST", f"{_INVOICE}/finalize", "invoice_write", "invoice", finalize, {"auto_advance": Flag()}),
    Write("POST", f"{_INVOICE}/send", "invoice_write", "invoice", send),
    Write("POST", f"{_INVOICE}/void", "invoice_write", "invoice", void),
    Write("POST", f"{_INVOICE}/mark_uncollectible", "invoice_write", "invoice", mark_uncollectible),
    Write(
        "POST",
        _INVOICE,
        "invoice_write",
        "invoice",
        update,
        {"auto_advance": Flag(), "description": Text(unset=True), "metadata": Notes()},
    ),
)
