"""How money is collected: attempts on cards, declines and retries, bills that are sent and paid late, or never.

Owns the life of an invoice from open to paid or given up, and with it of a subscription's first payment and of dunning.
"""

from sandbox.world import invoicing, people, standing
from sandbox.world.books import Failure
from sandbox.world.periods import DAY, HOUR, moment
from sandbox.world.randomness import stream
from sandbox.world.stage import Stage
from sandbox.world.state import Card, Charge, Customer, Intent, Invoice, InvoicePayment, Subscription
from sandbox.world.testcards import TEST_CARDS

SOFT = (
    ("insufficient_funds", 45),
    ("generic_decline", 20),
    ("do_not_honor", 12),
    ("processing_error", 6),
    ("try_again_later", 5),
    ("card_velocity_exceeded", 4),
)
HARD = (("lost_card", 5), ("stolen_card", 3), ("transaction_not_allowed", 2), ("highest_risk_level", 1))
_CODES, _WEIGHTS = zip(*SOFT, *HARD, strict=True)
_HARD = {code for code, _ in HARD} | {"expired_card"}

_RETRY_DAYS = {"month": (3, 5, 7), "year": (3, 5, 7), "week": (1, 3, 5), "day": (1, 3, 5)}
_FIRST_WINDOW = 23 * HOUR
SETTLED_LATER = 0.6
"""Of those given up, how many pay their debt by bank transfer later."""


def collect(stage: Stage, invoice: Invoice) -> None:
    """Finalise a draft and go for the money: nothing due is paid at once, cards are charged, bills are sent."""
    if invoice.status != "draft" or not invoice.advance or _is_unpaid(invoice.subscription):
        return
    invoicing.finalize(stage, invoice)
    if not invoice.amount_due:
        paid(stage, invoice, None)
    elif invoice.collection == "send_invoice":
        await_payment(stage, invoice)
    else:
        attempt(stage, invoice)


def await_first(stage: Stage, invoice: Invoice) -> None:
    """Finalise a subscription's first bill, and leave it to the customer to pay it within a day."""
    invoicing.finalize(stage, invoice)
    if not invoice.amount_due:
        paid(stage, invoice, None)
    else:
        stage.touch(invoice, "invoice.updated")
        stage.later(stage.now + _FIRST_WINDOW, "payments.expire_first", invoice)


def attempt(stage: Stage, invoice: Invoice) -> None:
    """Charge the customer's card for an open invoice."""
    if invoice.status != "open" or not invoice.advance:
        return
    customer = invoice.customer
    if invoice.attempts:
        _maybe_new_card(stage, customer)
    card = card_for(invoice)
    if card is None:
        _not_tried(stage, invoice)
        return
    decline = None if _must_succeed(invoice) else answer(stage, customer, first=not invoice.attempts, card=card)
    charge = take(stage, customer, invoice.intent, decline, invoice, card_for(invoice))
    invoice.attempts += 1
    if decline is None:
        paid(stage, invoice, charge)
    else:
        failed(stage, invoice, decline)


def card_for(invoice: Invoice) -> Card | None:
    """The card that an invoice is charged to: the subscription's own, or the customer's."""
    sub = invoice.subscription
    return sub.card if sub is not None and sub.card is not None else invoice.customer.card


def take(
    stage: Stage,
    customer: Customer,
    intent: Intent | None,
    decline: str | None,
    invoice: Invoice | None,
    card: Card | None = None,
) -> Charge:
    """One charge on a payment intent, with the customer's card or another one; a decline code makes it fail."""
    card = card or customer.card
    if intent is None or card is None:
        raise ValueError(f"{customer.id} has nothing to charge: give the customer a card and the invoice an intent")
    customer.counters["charge"] = place = customer.counters.get("charge", 0) + 1
    charge = Charge(
        id=stage.business.id("ch_3", 23, customer.no, place),
        created=stage.now,
        customer=customer,
        amount=intent.amount,
        currency=intent.currency,
        intent=intent,
        card=card,
        decline=decline,
        description=intent.description or "",
        invoice=invoice,
    )
    intent.card, intent.latest_charge, intent.decline = card, charge.id, decline
    if decline is None:
        intent.status = "succeeded"
        charge.transaction = stage.balance.charge(
            at=stage.now,
            charge=charge.id,
            amount=charge.amount,
            currency=charge.currency,
            description=intent.description,
        )
        stage.touch(charge, "charge.succeeded")
        stage.touch(intent, "payment_intent.succeeded")
        stage.later(stage.now + 1, "aftermath.foresee", charge)
    else:
        intent.status = "requires_payment_method"
        stage.touch(charge, "charge.failed")
        stage.touch(intent, "payment_intent.payment_failed")
    return charge


def retry_first(stage: Stage, invoice: Invoice) -> None:
    """The customer tries the first payment again; it goes through."""
    sub = invoice.subscription
    if invoice.status != "open" or sub is None or sub.status != "incomplete":
        return
    if invoice.customer.card is not None and invoice.customer.card.test:
        attempt(stage, invoice)
        return
    replace_card(stage, invoice.customer)
    invoice.attempts += 1
    paid(stage, invoice, take(stage, invoice.customer, invoice.intent, None, invoice))


def expire_first(stage: Stage, invoice: Invoice) -> None:
    """Nobody paid the first invoice in time: the subscription never began."""
    sub = invoice.subscription
    if sub is None or sub.status != "incomplete":
        return
    sub.turn += 1
    sub.status = "incomplete_expired"
    sub.ended_at = stage.now
    if invoice.failure is not None:
        stage.books.failures[invoice.failure].outcome = "lost"
    invoicing.void(stage, invoice)
    stage.touch(sub, "customer.subscription.updated")


def remit(stage: Stage, invoice: Invoice, out_of_band: bool) -> None:
    """A sent bill is paid: by card on its page, or by a transfer that Stripe never sees."""
    if invoice.status != "open":
        return
    card = invoice.customer.card
    if out_of_band or card is None or card.test:
        paid_elsewhere(stage, invoice)
    else:
        paid(stage, invoice, take(stage, invoice.customer, invoice.intent, None, invoice))


def settle(stage: Stage, invoice: Invoice) -> None:
    """An invoice that was given up is paid after all, by a transfer that Stripe never sees; nothing starts anew."""
    if invoice.status not in ("open", "uncollectible") or invoice.failure is None:
        return
    stage.books.failures[invoice.failure].out_of_band = True
    paid_elsewhere(stage, invoice)


def fall_due(stage: Stage, invoice: Invoice) -> None:
    """A sent bill is not paid when it should be."""
    if invoice.status == "open":
        if invoice.subscription is not None:
            standing.fall_behind(stage, invoice.subscription, invoice)
        stage.touch(invoice, "invoice.overdue")


def write_off(stage: Stage, invoice: Invoice) -> None:
    """A sent bill is never paid: it is given up and its subscription ended."""
    if invoice.status != "open":
        return
    uncollectible(stage, invoice, "payment_not_received")
    sub = invoice.subscription
    if sub is not None and sub.live:
        sub.reason = "payment_failed"
        standing.end(stage, sub)


def uncollectible(stage: Stage, invoice: Invoice, reason: str) -> None:
    """The invoice is given up; it is still owed."""
    invoice.status = "uncollectible"
    invoice.uncollectible_at = stage.now
    invoice.uncollectible_reason = reason
    invoice.advance = False
    invoice.next_attempt = None
    stage.touch(invoice, "invoice.updated", "invoice.marked_uncollectible")


def replace_card(stage: Stage, customer: Customer) -> None:
    """The customer enters another card."""
    old = customer.card
    customer.card = people.new_card(stage.business, customer, stage.now)
    stage.touch(customer.card, "payment_method.attached")
    stage.touch(customer, "customer.updated")
    if old is not None:
        old.detached = True
        stage.touch(old, "payment_method.detached")


def answer(
    stage: Stage, customer: Customer, *, first: bool, card: Card | None = None, confirmed: bool = False
) -> str | None:
    """What the bank says of the customer's card, or of another one: None, or a decline code.

    `confirmed`: the cardholder has said yes to this payment.
    """
    chance, mine = customer.chance, card is None or card is customer.card
    card = card or customer.card
    if card is None:
        raise ValueError(f"{customer.id} has no card to ask for")
    if card.test:
        test = TEST_CARDS[card.test]
        return "authentication_required" if test.authenticates and not confirmed else test.decline
    if _expired(card, stage.now):
        if first and mine and chance.random() < 0.45:
            _updated_by_network(stage, customer, card)
        else:
            return "expired_card"
    card = customer.card if mine and customer.card else card
    if card.fate:
        return card.fate
    if chance.random() >= (0.022 * customer.trouble if first else 0.55):
        return None
    code = chance.choices(_CODES, _WEIGHTS)[0]
    if code in _HARD:
        card.fate = code
    return str(code)


def _not_tried(stage: Stage, invoice: Invoice) -> None:
    """There is no card to charge: the attempt counts, and nothing reaches a bank."""
    invoice.attempts += 1
    failed(stage, invoice, None)


def _must_succeed(invoice: Invoice) -> bool:
    """A subscription that is active from its first second was paid for."""
    sub = invoice.subscription
    return invoice.billing_reason == "subscription_create" and sub is not None and sub.status != "incomplete"


def _is_unpaid(sub: Subscription | None) -> bool:
    return sub is not None and sub.status == "unpaid"


def _expired(card: Card, at: int) -> bool:
    today = moment(at)
    return (today.year, today.month) > (card.exp_year, card.exp_month)


def _updated_by_network(stage: Stage, customer: Customer, card: Card) -> None:
    """The card network tells the new expiry; charges made before keep the old one."""
    customer.card = Card(
        card.id,
        card.created,
        customer,
        card.brand,
        card.last4,
        card.exp_month,
        moment(stage.now).year + 3,
        card.country,
        card.funding,
        card.fate,
    )
    stage.touch(customer.card, "payment_method.automatically_updated")


def _maybe_new_card(stage: Stage, customer: Customer) -> None:
    card = customer.card
    if card is None or card.test:
        return
    hopeless = bool(card.fate) or _expired(card, stage.now)
    if customer.chance.random() < (0.30 if hopeless else 0.10) * customer.patience:
        replace_card(stage, customer)


def paid(stage: Stage, invoice: Invoice, charge: Charge | None) -> None:
    """Nothing of the invoice is owed any more, by a charge or without one; what waited for that goes on."""
    invoice.status = "paid"
    invoice.paid = invoice.amount_due
    invoice.paid_at = stage.now
    invoice.next_attempt = None
    invoice.advance = False
    invoice.uncollectible_reason = None
    if invoice.payment is not None and invoice.payment.status == "open":
        invoice.payment.status = "paid"
        invoice.payment.paid = invoice.amount_due
        invoice.payment.paid_at = stage.now
        stage.touch(invoice.payment, "invoice_payment.paid")
    if invoice.failure is not None:
        failure = stage.books.failures[invoice.failure]
        failure.outcome, failure.recovered_at, failure.attempts = "recovered", stage.now, invoice.attempts
    events = ["invoice.updated", "invoice.paid", *(["invoice.payment_succeeded"] if charge else [])]
    stage.touch(invoice, *events)
    if invoice.subscription is not None:
        _first_money(stage, invoice.subscription, invoice)
        standing.restore(stage, invoice.subscription, invoice)


def paid_elsewhere(stage: Stage, invoice: Invoice) -> None:
    """The money came by a way that Stripe never sees."""
    customer = invoice.customer
    if invoice.intent is not None and invoice.payment is not None:
        invoicing.drop_payment(stage, invoice)
    customer.counters["payment"] = place = customer.counters.get("payment", 0) + 1
    invoice.payment = InvoicePayment(
        stage.business.id("inpay_1", 23, customer.no, place),
        stage.now,
        invoice,
        invoice.amount_due,
        None,
        record=stage.business.id("pr_1", 23, customer.no, place),
    )
    invoice.paid_off_stripe = invoice.amount_due
    paid(stage, invoice, None)


def _first_money(stage: Stage, sub: Subscription, invoice: Invoice) -> None:
    """What the first payment starts: a subscription that was incomplete, and the success of a trial."""
    if sub.status == "incomplete":
        sub.status = "active"
        standing.note(stage, sub, sub.start, "new")
        stage.touch(sub, "customer.subscription.updated")
    if sub.trial is not None and invoice.total > 0 and stage.now >= (sub.trial_end or 0):
        trial = stage.books.trials[sub.trial]
        if trial.first_paid_at is None:
            trial.first_paid_at = stage.now
            trial.outcome = trial.how = "converted"
            trial.converted_at = sub.trial_end


def failed(stage: Stage, invoice: Invoice, decline: str | None) -> None:
    """An attempt failed, for a decline code or (None) for want of a card: dunning begins or goes on."""
    customer, sub = invoice.customer, invoice.subscription
    customer.failed_at = stage.now
    if decline is not None:
        book_failure(stage, invoice, decline)
    if sub is None:
        _next_attempt(stage, invoice, ("month", 1))
    elif sub.status == "incomplete":
        _first_failed(stage, invoice)
    else:
        standing.fall_behind(stage, sub, invoice)
        _next_attempt(stage, invoice, sub.interval)
    stage.touch(invoice, "invoice.updated", "invoice.payment_failed")


def _first_failed(stage: Stage, invoice: Invoice) -> None:
    if invoice.attempts > 1:
        return
    lives = invoice.customer.no < people.FIRST_ENTERED
    if lives and invoice.customer.chance.random() < 0.5:
        stage.later(stage.now + invoice.customer.chance.randrange(300, 20 * HOUR), "payments.retry_first", invoice)
    stage.later(stage.now + _FIRST_WINDOW, "payments.expire_first", invoice)


def book_failure(stage: Stage, invoice: Invoice, decline: str) -> None:
    """The books know of the invoice's first failure, or of one more attempt."""
    if invoice.failure is not None:
        stage.books.failures[invoice.failure].attempts = invoice.attempts
        return
    invoice.failure = len(stage.books.failures)
    stage.books.failures.append(
        Failure(
            invoice.id,
            invoice.customer.id,
            invoice.subscription.id if invoice.subscription else None,
            invoice.amount_due,
            invoice.currency,
            stage.now,
            invoice.attempts,
            decline,
        )
    )


def _next_attempt(stage: Stage, invoice: Invoice, interval: tuple[str, int]) -> None:
    days = _RETRY_DAYS[interval[0]]
    if invoice.attempts > len(days):
        invoice.next_attempt = None
        _exhausted(stage, invoice)
        return
    first = invoice.finalized_at or stage.now
    invoice.next_attempt = first + days[invoice.attempts - 1] * DAY + invoice.customer.chance.randrange(6 * HOUR)
    stage.later(invoice.next_attempt, "payments.attempt", invoice)


def _exhausted(stage: Stage, invoice: Invoice) -> None:
    """The last attempt failed: most subscriptions are canceled, some stay unpaid."""
    sub, chance = invoice.subscription, invoice.customer.chance
    if invoice.failure is not None:
        stage.books.failures[invoice.failure].outcome = "lost"
    if chance.random() < 0.5 or sub is None:
        uncollectible(stage, invoice, "max_payment_attempts")
    if sub is None:
        return
    _close_trial(stage, sub)
    if chance.random() < 0.2:
        standing.leave_unpaid(stage, sub)
    else:
        sub.reason = "payment_failed"
        standing.end(stage, sub)
        dice = stream(stage.business.seed, "settles", invoice.id)
        if dice.random() < SETTLED_LATER:
            stage.later(stage.now + dice.randrange(3 * DAY, 40 * DAY), "payments.settle", invoice)


def _close_trial(stage: Stage, sub: Subscription) -> None:
    if sub.trial is not None and stage.books.trials[sub.trial].outcome == "open":
        trial = stage.books.trials[sub.trial]
        trial.outcome, trial.how = "canceled", "payment_failed"


def await_payment(stage: Stage, invoice: Invoice) -> None:
    """When, and how, a sent bill will be paid."""
    chance, due = invoice.customer.chance, invoice.due or stage.now
    stage.later(due, "payments.fall_due", invoice)
    fate = chance.random()
    elsewhere = chance.random() < 0.15
    if fate < 0.72:
        when = chance.randrange(stage.now + DAY, due)
    elif fate < 0.96:
        when = due + chance.randrange(DAY, 35 * DAY)
    else:
        stage.later(due + 45 * DAY, "payments.write_off", invoice)
        return
    if chance.random() < 0.08:
        stage.later(when - DAY // 2, "crediting.credit_before_payment", invoice)
    stage.later(when, "payments.remit", invoice, elsewhere)
