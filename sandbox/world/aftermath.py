"""What follows a payment or a farewell: refunds, one-off payments, deletions, returns.

Draws from the customer's own stream. Knows nothing of how subscriptions renew.
"""

from fractions import Fraction

from sandbox.world import cases, crediting, invoicing, payments, people, shapes
from sandbox.world.books import FraudWarning, RefundEntry
from sandbox.world.business import STEP
from sandbox.world.periods import DAY, HOUR
from sandbox.world.pricing import half_up
from sandbox.world.randomness import stream
from sandbox.world.stage import Stage
from sandbox.world.state import Charge, Customer, Intent, Refund
from sandbox.world.testcards import TEST_CARDS

_REASONS = ("requested_by_customer", "requested_by_customer", "duplicate", None)


def foresee(stage: Stage, charge: Charge) -> None:
    """A charge went through: will it be refunded, or disputed?"""
    if charge.card.test:
        kind = TEST_CARDS[charge.card.test]
        if kind.dispute is not None and not charge.refunded:
            cases.dispute_at_once(stage, charge, kind.dispute)
        if kind.warns:
            warn(stage, charge)
        return
    warned = stream(stage.business.seed, "warned", charge.id)
    if warned.random() < 0.015:
        stage.later(stage.now + warned.randrange(DAY, 20 * DAY), "aftermath.warn", charge)
    chance = charge.customer.chance
    dice = chance.random()
    if dice < 0.03:
        _plan_refund(stage, charge)
    elif dice < 0.042:
        stage.later(stage.now + chance.randrange(3 * DAY, 60 * DAY), "cases.dispute", charge)


def warn(stage: Stage, charge: Charge) -> None:
    """The card's network says early that the payment may be fraud."""
    warning = shapes.early_fraud_warning(
        id=stage.business.id("issfr_1", 23, charge.id),
        created=stage.now,
        charge=charge.id,
        payment_intent=charge.intent.id,
        fraud_type="unauthorized_use_of_card" if charge.customer.no % 2 else "fraudulent_card_application",
        actionable=not charge.refunded and not charge.disputed,
    )
    entry = FraudWarning(warning["id"], charge.id, charge.customer.id, charge.card.brand, stage.now)
    stage.books.fraud_warnings.append(entry)
    stage.put(warning, "radar.early_fraud_warning.created")


def refund(stage: Stage, charge: Charge, amount: int, how: str) -> None:
    """Give back part of a charge; `how` is succeeded, pending (arrives later) or failed (comes back later)."""
    amount = min(amount, charge.amount - charge.refunded)
    if amount <= 0 or charge.disputed:
        return
    chance = charge.customer.chance
    back = give_back(stage, charge, amount, how, chance.choice(_REASONS))
    if how == "succeeded" and charge.invoice is not None and chance.random() < 0.4:
        note = crediting.credit_refund(stage, charge.invoice, amount)
        note.refunds = [(back, amount)]
        crediting.issue(stage, note)


def give_back(
    stage: Stage, charge: Charge, amount: int, how: str, reason: str | None, notes: dict[str, str] | None = None
) -> Refund:
    """Part of a charge goes back to the card now; `how` it ends is as for `refund`."""
    customer = charge.customer
    customer.counters["refund"] = place = customer.counters.get("refund", 0) + 1
    back = Refund(
        id=stage.business.id("re_3", 23, customer.no, place),
        created=stage.now,
        charge=charge,
        amount=amount,
        status="pending" if how == "pending" else "succeeded",
        reason=reason,
        entry=len(stage.books.refunds),
        metadata=notes,
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
    if charge.inquired and charge.refunded == charge.amount:
        cases.close_inquiry(stage, charge)
    return back


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


def part(stage: Stage, customer: Customer, left_at: int) -> None:
    """A customer is gone: some will be back, some ask to be forgotten, but nobody whom the account's owner entered."""
    if customer.left_at != left_at or customer.deleted or customer.no >= people.FIRST_ENTERED:
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
    delete(stage, customer)


def delete(stage: Stage, customer: Customer) -> None:
    """The customer is gone; what they bought and paid stays on record."""
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
