"""What follows a payment or a farewell: refunds, disputes, credit notes, one-off payments, deletions, returns.

Draws from the customer's own stream. Knows nothing of how subscriptions renew.
"""

from fractions import Fraction

from sandbox.world import invoicing, payments
from sandbox.world.books import DisputeEntry, RefundEntry
from sandbox.world.business import STEP
from sandbox.world.periods import DAY, HOUR
from sandbox.world.pricing import half_up
from sandbox.world.stage import Stage
from sandbox.world.state import Charge, CreditNote, Customer, Dispute, Intent, Invoice, Refund

_REASONS = ("requested_by_customer", "requested_by_customer", "duplicate", None)
_DISPUTES = (("fraudulent", 6), ("subscription_canceled", 3), ("product_not_received", 2), ("unrecognized", 2))
_OUTCOMES = (("lost", 45), ("won", 25), ("inquiry", 15), ("prevented", 15))


def foresee(stage: Stage, charge: Charge) -> None:
    """A charge went through: will it be refunded, or disputed?"""
    chance = charge.customer.chance
    dice = chance.random()
    if dice < 0.03:
        _plan_refund(stage, charge)
    elif dice < 0.042:
        stage.later(stage.now + chance.randrange(3 * DAY, 60 * DAY), "aftermath.dispute", charge)


def refund(stage: Stage, charge: Charge, amount: int, how: str) -> None:
    """Give back part of a charge; `how` is succeeded, pending (arrives later) or failed (comes back later)."""
    amount = min(amount, charge.amount - charge.refunded)
    if amount <= 0 or charge.disputed:
        return
    customer = charge.customer
    customer.counters["refund"] = place = customer.counters.get("refund", 0) + 1
    back = Refund(
        id=stage.business.id("re_3", 23, customer.no, place),
        created=stage.now,
        charge=charge,
        amount=amount,
        status="pending" if how == "pending" else "succeeded",
        reason=customer.chance.choice(_REASONS),
        entry=len(stage.books.refunds),
    )
    stage.books.refunds.append(
        RefundEntry(back.id, charge.id, customer.id, amount, charge.currency, back.status, back.reason, stage.now)
    )
    charge.refunded += amount
    customer.upset_at = stage.now
    if how == "pending":
        stage.later(stage.now + 5 * DAY, "aftermath.arrive", back)
    else:
        _pay_back(stage, back)
    if how == "failed":
        stage.later(stage.now + 4 * DAY, "aftermath.bounce", back)
    stage.touch(back, "refund.created")
    stage.touch(charge, "charge.refunded")
    if how == "succeeded" and charge.invoice is not None and customer.chance.random() < 0.4:
        _credit(stage, charge.invoice, amount, back)


def arrive(stage: Stage, back: Refund) -> None:
    """A pending refund goes through."""
    back.status = "succeeded"
    stage.books.refunds[back.entry].status = "succeeded"
    _pay_back(stage, back)
    stage.touch(back, "refund.updated")


def bounce(stage: Stage, back: Refund) -> None:
    """A refund could not be delivered; the money is back."""
    back.status = "failed"
    back.failure_reason = "expired_or_canceled_card"
    back.failure_transaction = stage.balance.refund_failed(at=stage.now, refund=back.id)
    back.charge.refunded -= back.amount
    stage.books.refunds[back.entry].status = "failed"
    stage.touch(back, "refund.updated", "refund.failed")
    stage.touch(back.charge, "charge.updated")


def dispute(stage: Stage, charge: Charge) -> None:
    """The cardholder disputes a charge, or only asks about it."""
    if charge.refunded:
        return
    customer, chance = charge.customer, charge.customer.chance
    customer.upset_at = stage.now
    outcome = _draw(stage, customer, _OUTCOMES)
    quiet = outcome in ("inquiry", "prevented")
    customer.counters["dispute"] = place = customer.counters.get("dispute", 0) + 1
    case = Dispute(
        id=stage.business.id("du_1", 23, customer.no, place),
        created=stage.now,
        charge=charge,
        amount=charge.amount,
        reason=_draw(stage, customer, _DISPUTES),
        status={"inquiry": "warning_needs_response", "prevented": "prevented"}.get(outcome, "needs_response"),
        entry=len(stage.books.disputes),
    )
    stage.books.disputes.append(
        DisputeEntry(
            case.id,
            charge.id,
            customer.id,
            case.amount,
            charge.currency,
            case.reason,
            case.status,
            outcome if quiet else "open",
            stage.now,
        )
    )
    charge.disputed = True
    if not quiet:
        withdrawal = stage.balance.dispute_withdrawn(
            at=stage.now, dispute=case.id, charge=charge.id, amount=case.amount, currency=charge.currency
        )
        _show(stage, case, withdrawal)
    stage.touch(case, "charge.dispute.created", *([] if quiet else ["charge.dispute.funds_withdrawn"]))
    stage.touch(charge, "charge.updated")
    if outcome != "prevented":
        stage.later(stage.now + chance.randrange(3 * DAY, 12 * DAY), "aftermath.answer", case)
        stage.later(stage.now + chance.randrange(20 * DAY, 75 * DAY), "aftermath.rule", case, outcome)


def answer(stage: Stage, case: Dispute) -> None:
    """Evidence is sent in."""
    case.evidence = True
    case.status = "warning_under_review" if case.status.startswith("warning") else "under_review"
    stage.books.disputes[case.entry].status = case.status
    stage.touch(case, "charge.dispute.updated")


def rule(stage: Stage, case: Dispute, outcome: str) -> None:
    """The dispute is decided."""
    case.status = "warning_closed" if outcome == "inquiry" else outcome
    entry = stage.books.disputes[case.entry]
    entry.status, entry.outcome = case.status, outcome
    events = ["charge.dispute.updated", "charge.dispute.closed"]
    if outcome == "won":
        _show(stage, case, stage.balance.dispute_reversed(at=stage.now, dispute=case.id))
        events.append("charge.dispute.funds_reinstated")
    stage.touch(case, *events)
    sub = case.charge.invoice.subscription if case.charge.invoice else None
    if (
        outcome == "lost"
        and case.reason == "fraudulent"
        and sub is not None
        and case.charge.customer.chance.random() < 0.6
    ):
        stage.later(stage.now + HOUR, "cancellations.cancel_for_dispute", sub)


def pay_once(stage: Stage, customer: Customer) -> None:
    """Something bought once: on an invoice made by hand, or as a bare charge."""
    chance = customer.chance
    price = stage.prices.get(f"setup-{customer.currency}")
    unit = 10 * STEP.get(customer.currency, 1)
    if chance.random() < 0.6:
        amount = chance.randrange(100, 900) * unit
        bills = [invoicing.one_off(stage, customer, None, amount, "Consulting <i>by the hour</i>")]
        if price is not None and chance.random() < 0.6:
            bills.append(invoicing.one_off(stage, customer, price, int(price.unit), "Setup fee"))
        payments.collect(stage, invoicing.manual_invoice(stage, customer, bills))
        return
    customer.counters["payment"] = place = customer.counters.get("payment", 0) + 1
    amount = chance.randrange(100, 900) * unit
    intent = Intent(
        stage.business.id("pi_3", 23, customer.no, place),
        stage.now,
        customer,
        amount,
        customer.currency,
        description="T-shirts",
    )
    stage.touch(intent, "payment_intent.created")
    payments.take(stage, customer, intent, "do_not_honor" if chance.random() < 0.15 else None, None)


def credit_before_payment(stage: Stage, invoice: Invoice) -> None:
    """An open bill is corrected: a tenth of it is not owed."""
    amount = half_up(Fraction(invoice.amount_due, 10), STEP.get(invoice.currency, 1))
    if invoice.status == "open" and amount > 0 and invoice.lines:
        invoice.credited_before += amount
        if invoice.intent is not None and invoice.payment is not None:
            invoice.intent.amount = invoice.payment.requested = invoice.amount_due
            stage.touch(invoice.intent)
            stage.touch(invoice.payment)
        _credit(stage, invoice, amount, None)


def part(stage: Stage, customer: Customer, left_at: int) -> None:
    """A customer is gone: some will be back, some ask to be forgotten."""
    if customer.left_at != left_at or customer.deleted:
        return
    chance = customer.chance
    dice = chance.random()
    if dice < 0.16:
        stage.later(stage.now + chance.randrange(10 * DAY, 150 * DAY), "signups.come_back", customer)
    elif dice < 0.24:
        stage.later(stage.now + chance.randrange(30 * DAY, 100 * DAY), "aftermath.forget", customer)


def forget(stage: Stage, customer: Customer) -> None:
    """The customer is deleted, unless something of theirs goes on."""
    if customer.deleted or any(sub.live or sub.status == "unpaid" for sub in customer.subscriptions):
        return
    customer.deleted = True
    stage.delete("customer", customer.id, "customer.deleted")


def _plan_refund(stage: Stage, charge: Charge) -> None:
    chance, whole, now = charge.customer.chance, charge.amount, stage.now
    step = STEP.get(charge.currency, 1)
    part_of = half_up(Fraction(whole * chance.randint(10, 70), 100), step)
    when = now + chance.randrange(HOUR, 45 * DAY)
    dice = chance.random()
    if dice < 0.5:
        stage.later(when, "aftermath.refund", charge, whole, "succeeded")
    elif dice < 0.75:
        stage.later(when, "aftermath.refund", charge, part_of, "succeeded")
    elif dice < 0.85:
        stage.later(when, "aftermath.refund", charge, half_up(Fraction(whole, 4), step), "succeeded")
        stage.later(when + 3 * DAY, "aftermath.refund", charge, half_up(Fraction(whole, 3), step), "succeeded")
    elif dice < 0.93:
        stage.later(when, "aftermath.refund", charge, part_of, "pending")
    else:
        stage.later(when, "aftermath.refund", charge, whole, "failed")


def _pay_back(stage: Stage, back: Refund) -> None:
    charge = back.charge
    back.transaction = stage.balance.refund(
        at=stage.now, refund=back.id, charge=charge.id, amount=back.amount, currency=charge.currency
    )


def _credit(stage: Stage, invoice: Invoice, amount: int, back: Refund | None) -> None:
    """A credit note of that total on the invoice's first line."""
    customer, line = invoice.customer, invoice.lines[0]
    customer.counters["note"] = place = customer.counters.get("note", 0) + 1
    tax, net = 0, amount
    if line.tax_rate is not None:
        rate = line.tax_rate.percentage
        tax = half_up(amount * rate / (100 + rate), STEP.get(invoice.currency, 1))
        net = amount if line.tax_rate.inclusive else amount - tax
    if back is not None:
        invoice.credited_after += amount
    note = CreditNote(
        id=stage.business.id("cn_1", 23, customer.no, place),
        created=stage.now,
        invoice=invoice,
        lines=[(line, net, tax)],
        reason=customer.chance.choice(("duplicate", "product_unsatisfactory", "order_change")),
        refund=back,
        number=f"{invoice.number}-CN-{place:02}",
    )
    stage.touch(note, "credit_note.created")
    stage.touch(invoice, "invoice.updated")


def _show(stage: Stage, case: Dispute, transaction: dict[str, object]) -> None:
    case.transactions.append(str(transaction["id"]))
    stage.remember(transaction)


def _draw(stage: Stage, customer: Customer, table: tuple[tuple[str, int], ...]) -> str:
    return str(customer.chance.choices([name for name, _ in table], [weight for _, weight in table])[0])
