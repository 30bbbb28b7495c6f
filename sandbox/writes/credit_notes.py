"""Credit notes: previewed, issued, noted on and called off.

The preview is made by the very function that makes the note, so that the two agree to the last unit.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from sandbox.api.errors import ApiError, invalid, no_such, refused
from sandbox.api.listing import Window, page_of_nested
from sandbox.world import crediting, invoicing
from sandbox.world.business import STEP
from sandbox.world.pricing import half_up
from sandbox.world.shapes import listed
from sandbox.world.stage import Stage
from sandbox.world.state import Charge, CreditNote, Invoice, NoteLine, Refund
from sandbox.writes import refunds
from sandbox.writes.lookup import the
from sandbox.writes.parameters import Choice, Fields, Given, Ignored, Many, Notes, Parameter, Text, Whole, noted
from sandbox.writes.write import Shape, Write


def preview(stage: Stage, ids: tuple[str, ...], given: Given) -> Shape:
    """`GET /v1/credit_notes/preview`. Errors: as `create`."""
    return stage.shape(_planned(stage, given))


def preview_lines(stage: Stage, ids: tuple[str, ...], given: Given) -> Shape:
    """`GET /v1/credit_notes/preview/lines`. Errors: as `create`, and for a cursor that names nothing."""
    paging = {name: given.pop(name, None) for name in ("limit", "starting_after", "ending_before")}
    lines = stage.shape(_planned(stage, given))["lines"]["data"]
    window = Window(paging["limit"] or 10, paging["starting_after"], paging["ending_before"])
    found, more = page_of_nested(lines, "credit_note_line_item", window)
    return {**listed(found, url="/v1/credit_notes/preview/lines"), "has_more": more}


def create(stage: Stage, ids: tuple[str, ...], given: Given) -> Shape:
    """`POST /v1/credit_notes`.

    Errors: 400 for a draft or void invoice, more than is left to credit, a sum that was not made good, or a refund
    that cannot be made.
    """
    note = _planned(stage, given)
    invoice = note.invoice
    if given.get("refund_amount"):
        charge = _charge_of(stage, invoice)
        refunds.check(charge, given["refund_amount"])
        back = refunds.give_back(stage, charge, given["refund_amount"], None)
        note.refunds = [*note.refunds, (back, given["refund_amount"])]
    if given.get("credit_amount"):
        entry = invoicing.note_balance(
            stage, invoice.customer, -given["credit_amount"], "credit_note", invoice=invoice.id, credit_note=note.id
        )
        note.credit = entry["id"]
        stage.touch(invoice.customer, "customer.updated")
    crediting.issue(stage, note)
    return stage.shape(note)


def update(stage: Stage, ids: tuple[str, ...], given: Given) -> Shape:
    """`POST /v1/credit_notes/{id}`: its notes and memo."""
    note = the(stage, CreditNote, ids[0], "id")
    if "memo" in given:
        note.memo = given["memo"]
    if "metadata" in given:
        note.metadata = noted(note.metadata, given["metadata"])
    stage.touch(note, "credit_note.updated")
    return stage.shape(note)


def void(stage: Stage, ids: tuple[str, ...], given: Given) -> Shape:
    """`POST /v1/credit_notes/{id}/void`. Errors: 400 unless its invoice is open."""
    note = the(stage, CreditNote, ids[0], "id")
    if note.status == "void" or note.invoice.status != "open" or not note.before_payment:
        raise refused("You can only void an issued credit note of an open invoice.")
    crediting.void(stage, note)
    return stage.shape(note)


def _planned(stage: Stage, given: Given) -> CreditNote:
    invoice = the(stage, Invoice, given["invoice"], "invoice", status=404)
    if invoice.status not in ("open", "paid", "uncollectible"):
        raise refused(f"You can only create a credit note on an invoice that is open or paid; it is {invoice.status}.")
    note = crediting.note_of(stage, invoice, _lines(invoice, given), given.get("reason"))
    note.refunds = [(the(stage, Refund, said["refund"], "refunds", status=400), _of(said)) for said in _linked(given)]
    note.memo, note.metadata = given.get("memo"), given.get("metadata")
    note.out_of_band = given.get("out_of_band_amount")
    _check_left(invoice, note.total)
    _check_made_good(note, given)
    return note


def _lines(invoice: Invoice, given: Given) -> list[NoteLine]:
    if ("lines" in given) == ("amount" in given):
        raise ApiError(400, "You must provide exactly one of amount or lines.", "parameter_missing", "amount")
    if "amount" in given:
        _check_left(invoice, given["amount"])
        return crediting.spread(invoice, given["amount"])
    return [_line(invoice, said, f"lines[{place}]") for place, said in enumerate(given["lines"])]


def _line(invoice: Invoice, said: dict[str, Any], name: str) -> NoteLine:
    if said["type"] == "custom_line_item":
        quantity = said.get("quantity", 1)
        unit = said.get("unit_amount")
        if unit is None:
            raise invalid(f"Missing required param: {name}[unit_amount].", f"{name}[unit_amount]", "parameter_missing")
        return NoteLine(unit * quantity, said.get("description") or "", None, quantity)
    line = next((each for each in invoice.lines if each.id == said.get("invoice_line_item")), None)
    if line is None:
        raise no_such("invoice line item", str(said.get("invoice_line_item")), f"{name}[invoice_line_item]", 400)
    if "amount" in said:
        amount, quantity = said["amount"], None
    else:
        quantity = said.get("quantity", line.quantity or 1)
        share = Fraction(line.amount * quantity, line.quantity or 1)
        amount = half_up(share, STEP.get(invoice.currency, 1))
    if amount > line.amount:
        message = f"The amount credited of {line.id} ({amount}) is more than the line's ({line.amount})."
        raise invalid(message, f"{name}[amount]")
    made = crediting.of_line(invoice, line, amount, quantity)
    made.description = said.get("description") or line.description
    return made


def _check_left(invoice: Invoice, total: int) -> None:
    left = crediting.still_creditable(invoice)
    if invoice.status != "paid":
        left = min(left, invoice.amount_due)
    if not 0 < total <= left:
        message = f"The credit note amount ({total}) must be positive and at most what can be credited ({left})."
        raise invalid(message, "amount")


def _check_made_good(note: CreditNote, given: Given) -> None:
    """Before payment there is nothing to give back; after it all must be. Errors: 400."""
    ways = ("refund_amount", "credit_amount", "out_of_band_amount")
    made_good = sum(given.get(way) or 0 for way in ways) + sum(amount for _, amount in note.refunds)
    if note.before_payment and made_good:
        raise refused("The invoice is not paid: its amount due is reduced, and nothing is refunded or credited.")
    if not note.before_payment and made_good != note.total:
        message = (
            f"The sum of credit amount, refund amount and out of band amount ({made_good}) must equal the credit note "
            f"amount ({note.total})."
        )
        raise refused(message)


def _linked(given: Given) -> list[dict[str, Any]]:
    return [said for said in given.get("refunds", []) if said.get("refund")]


def _of(said: dict[str, Any]) -> int:
    return int(said.get("amount_refunded", 0))


def _charge_of(stage: Stage, invoice: Invoice) -> Charge:
    """The charge that paid the invoice. Errors: 400 when money never came through Stripe."""
    charge = stage.things.get((invoice.intent.latest_charge if invoice.intent else None) or "")
    if not isinstance(charge, Charge) or charge.decline is not None:
        raise refused("This invoice was not paid by a charge that could be refunded.", param="refund_amount")
    return charge


_LINE = Fields(
    {
        "amount": Whole(least=1),
        "description": Text(),
        "invoice_line_item": Text(),
        "quantity": Whole(least=1),
        "type": Choice(("custom_line_item", "invoice_line_item")),
        "unit_amount": Whole(least=1),
    },
    required=("type",),
)
_NOTE: dict[str, Parameter] = {
    "amount": Whole(least=1),
    "credit_amount": Whole(least=0),
    "email_type": Ignored(),
    "invoice": Text(),
    "lines": Many(_LINE),
    "memo": Text(),
    "metadata": Notes(),
    "out_of_band_amount": Whole(least=0),
    "reason": Choice(("duplicate", "fraudulent", "order_change", "product_unsatisfactory")),
    "refund_amount": Whole(least=0),
    "refunds": Many(Fields({"amount_refunded": Whole(least=1), "refund": Text(), "type": Choice(("refund",))})),
}
_PAGING: dict[str, Parameter] = {"ending_before": Text(), "limit": Whole(1, 100), "starting_after": Text()}
_PATH = "/v1/credit_notes"
WRITES = (
    Write("POST", _PATH, "credit_note_write", "credit_note", create, _NOTE, required=("invoice",)),
    Write(
        "GET",
        f"{_PATH}/preview",
        "credit_note_read",
        "credit_note",
        preview,
        _NOTE,
        required=("invoice",),
        changes=False,
    ),
    Write(
        "GET",
        f"{_PATH}/preview/lines",
        "credit_note_read",
        "list",
        preview_lines,
        {**_NOTE, **_PAGING},
        required=("invoice",),
        changes=False,
    ),
    Write(
        "POST",
        f"{_PATH}/{{id}}",
        "credit_note_write",
        "credit_note",
        update,
        {"memo": Text(unset=True), "metadata": Notes()},
    ),
    Write("POST", f"{_PATH}/{{id}}/void", "credit_note_write", "credit_note", void),
)
