"""What the account's owner does with a bill: takes the money now, sends it, calls it off, gives it up.

Acts only; whether it may be done is checked by who asks. The simulation's own dunning is in `payments.py`.
"""

from sandbox.world import invoicing, payments, standing
from sandbox.world.periods import DAY, HOUR
from sandbox.world.stage import Stage
from sandbox.world.state import Card, Charge, Invoice


def finalize(stage: Stage, invoice: Invoice) -> None:
    """A draft becomes a bill now and not in its own time; one that asks for nothing is paid at once."""
    sub = invoice.subscription
    if sub is not None and invoice in sub.drafts:
        sub.drafts.remove(invoice)
    invoicing.finalize(stage, invoice)
    if not invoice.amount_due:
        payments.paid(stage, invoice, None)
    elif invoice.collection == "send_invoice":
        payments.await_payment(stage, invoice)


def charge(stage: Stage, invoice: Invoice, card: Card, *, confirmed: bool = False) -> Charge:
    """Take the money from a card now; a first decline starts dunning, a further one leaves its schedule alone.

    `confirmed`: the cardholder has said yes to it.

    Attempts count the first of any kind and then only the automatic ones
    (https://docs.stripe.com/api/invoices/object#invoice_object-attempt_count).
    """
    first = not invoice.attempts
    decline = payments.answer(stage, invoice.customer, first=first, card=card, confirmed=confirmed)
    made = payments.take(stage, invoice.customer, invoice.intent, decline, invoice, card)
    invoice.attempts = max(1, invoice.attempts)
    if decline is None:
        payments.paid(stage, invoice, made)
    elif first and invoice.collection == "charge_automatically" and invoice.status == "open":
        payments.failed(stage, invoice, decline)
    else:
        payments.book_failure(stage, invoice, decline)
        stage.touch(invoice, "invoice.updated", "invoice.payment_failed")
    return made


def remind(stage: Stage, invoice: Invoice) -> None:
    """The bill is sent once more; who has some patience pays it within four days."""
    customer = invoice.customer
    stage.touch(invoice, "invoice.sent")
    if invoice.status == "open":
        stage.later(stage.now + customer.chance.randrange(HOUR, 4 * DAY), "settling.mind", invoice)


def mind(stage: Stage, invoice: Invoice) -> None:
    """The customer reads the reminder."""
    if invoice.status == "open" and invoice.customer.chance.random() < 0.5 * invoice.customer.patience:
        payments.remit(stage, invoice, out_of_band=False)


def void(stage: Stage, invoice: Invoice) -> None:
    """The bill is called off: its dunning ends, and credit that it had used goes back to the customer."""
    used = max(0, min(-invoice.starting_balance, invoice.total))
    invoicing.void(stage, invoice)
    invoice.uncollectible_reason = None
    if used:
        invoicing.note_balance(stage, invoice.customer, -used, "unapplied_from_invoice", invoice=invoice.id)
        stage.touch(invoice.customer, "customer.updated")
    _lose(stage, invoice)


def give_up(stage: Stage, invoice: Invoice) -> None:
    """The bill is written off: it may still be paid, but nothing more is tried."""
    payments.uncollectible(stage, invoice, "user_forgiven")
    _lose(stage, invoice)


def _lose(stage: Stage, invoice: Invoice) -> None:
    if invoice.failure is not None:
        stage.books.failures[invoice.failure].outcome = "lost"
    if invoice.subscription is not None:
        standing.restore(stage, invoice.subscription, invoice)
