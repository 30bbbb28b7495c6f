"""Credit notes: what of an invoice is taken back, line by line with its discounts and tax, and how it is made good.

Before payment a note lowers what is owed; after it the money goes back, to the customer's credit, or another way.
"""

from fractions import Fraction

from sandbox.world import invoicing, payments
from sandbox.world.business import STEP
from sandbox.world.pricing import half_up, shared
from sandbox.world.stage import Stage
from sandbox.world.standing import share_of_tax
from sandbox.world.state import CreditNote, Invoice, Line, NoteLine


def credit_before_payment(stage: Stage, invoice: Invoice) -> None:
    """An open bill is corrected: a tenth of it is not owed."""
    amount = half_up(Fraction(invoice.amount_due, 10), STEP.get(invoice.currency, 1))
    if invoice.status == "open" and amount > 0 and invoice.lines:
        lines = [of_total(invoice, invoice.lines[0], amount)]
        issue(stage, note_of(stage, invoice, lines, _reason(invoice)))


def credit_refund(stage: Stage, invoice: Invoice, amount: int) -> CreditNote:
    """What a refund gave back is credited, on the invoice's first line."""
    return note_of(stage, invoice, [of_total(invoice, invoice.lines[0], amount)], _reason(invoice))


def note_of(stage: Stage, invoice: Invoice, lines: list[NoteLine], reason: str | None) -> CreditNote:
    """The note that comes next, not yet issued."""
    customer = invoice.customer
    place = customer.counters.get("note", 0) + 1
    return CreditNote(
        id=stage.business.id("cn_1", 23, customer.no, place),
        created=stage.now,
        invoice=invoice,
        lines=lines,
        reason=reason,
        number=f"{invoice.number}-CN-{place:02}",
        before_payment=invoice.status != "paid",
    )


def issue(stage: Stage, note: CreditNote) -> None:
    """The note counts: less is owed, or less was kept."""
    invoice, customer = note.invoice, note.invoice.customer
    customer.counters["note"] = customer.counters.get("note", 0) + 1
    if note.before_payment:
        _owe(stage, invoice, invoice.credited_before + note.total)
    else:
        invoice.credited_after += note.total
    stage.touch(note, "credit_note.created")
    stage.touch(invoice, "invoice.updated")
    if note.before_payment and invoice.status == "open" and not invoice.amount_due:
        invoicing.drop_payment(stage, invoice)
        payments.paid(stage, invoice, None)


def void(stage: Stage, note: CreditNote) -> None:
    """The note of an open invoice is called off: what it took away is owed again."""
    note.status, note.voided_at = "void", stage.now
    _owe(stage, note.invoice, note.invoice.credited_before - note.total)
    stage.touch(note, "credit_note.voided", "credit_note.updated")
    stage.touch(note.invoice, "invoice.updated")


def of_line(invoice: Invoice, line: Line, amount: int, quantity: int | None = None) -> NoteLine:
    """So much of a line, before its discounts and tax on top; both are taken back in the same proportion."""
    step = STEP.get(invoice.currency, 1)
    off = tuple(
        (discount, half_up(Fraction(taken * amount, line.amount), step)) for discount, taken in line.off if line.amount
    )
    net = amount - sum(taken for _, taken in off)
    tax = half_up(net * share_of_tax(line.tax_rate), step) if line.tax_rate is not None else 0
    return NoteLine(amount, line.description, line, quantity, off, tax, line.tax_rate)


def of_total(invoice: Invoice, line: Line, total: int) -> NoteLine:
    """As much of a line as comes to that total with its tax, told net of discounts."""
    rate = line.tax_rate
    if rate is None:
        return NoteLine(total, line.description, line)
    tax = half_up(total * rate.percentage / (100 + rate.percentage), STEP.get(invoice.currency, 1))
    net = total if rate.inclusive else total - tax
    return NoteLine(net, line.description, line, tax=tax, tax_rate=rate)


def spread(invoice: Invoice, total: int) -> list[NoteLine]:
    """That total over the invoice's lines, in proportion to theirs."""
    charged = [line for line in invoice.lines if line.total > 0]
    shares = shared(total, [Fraction(line.total) for line in charged])
    return [of_total(invoice, line, int(share)) for line, share in zip(charged, shares, strict=True) if share]


def still_creditable(invoice: Invoice) -> int:
    """How much of the invoice no note has taken back yet."""
    return invoice.total - invoice.credited_before - invoice.credited_after


def _owe(stage: Stage, invoice: Invoice, credited: int) -> None:
    """The amount due follows the notes, and with it what the payment asks for."""
    invoice.credited_before = credited
    if invoice.intent is not None and invoice.payment is not None and invoice.amount_due:
        invoice.intent.amount = invoice.payment.requested = invoice.amount_due
        stage.touch(invoice.intent)
        stage.touch(invoice.payment)


def _reason(invoice: Invoice) -> str:
    return str(invoice.customer.chance.choice(("duplicate", "product_unsatisfactory", "order_change")))
