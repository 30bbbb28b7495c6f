"""How an invoice comes about: its lines, what discounts and taxes make of them, from draft to finalised, void or gone.

Knows subscriptions as records and prices as arithmetic; collecting the money is elsewhere.
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from sandbox.world import shapes, standing
from sandbox.world.business import STEP, Price
from sandbox.world.periods import DAY, HOUR, moment
from sandbox.world.pricing import cost, half_up, prorated, reduction
from sandbox.world.stage import Stage
from sandbox.world.state import (
    Customer,
    Discount,
    Intent,
    Invoice,
    InvoiceItem,
    InvoicePayment,
    Item,
    Line,
    Subscription,
)


def regular_lines(stage: Stage, sub: Subscription, *, metered_from: int | None = None) -> list[Line]:
    """One line an item for the period that begins, net of discounts, and one for metered use since `metered_from`."""
    lines = [_regular(stage, sub, item) for item in sub.items if item.price.usage_type == "licensed"]
    if metered_from is not None:
        lines.extend(usage_lines(stage, sub, metered_from, sub.period_start))
    _discount(sub, lines)
    return [_taxed(sub.customer, line) for line in lines]


def usage_lines(stage: Stage, sub: Subscription, since: int, until: int) -> list[Line]:
    """One line an item for what was used of it, which is billed with that."""
    metered = (item for item in sub.items if item.price.usage_type == "metered")
    return [_metered(stage, sub, item, since, until) for item in metered]


def trial_lines(stage: Stage, sub: Subscription) -> list[Line]:
    """What the first invoice of a trial says: each item free for the length of it."""
    return [
        Line(
            _line_id(stage, sub.customer),
            0,
            item.quantity,
            sub.period_start,
            sub.period_end,
            f"Trial period for {_name(stage, item.price)}",
            item.price,
            item,
        )
        for item in sub.items
        if item.price.usage_type == "licensed"
    ]


def proration(
    stage: Stage,
    sub: Subscription,
    item: Item,
    price: Price,
    quantity: int,
    amount: Fraction,
    *,
    credit: bool,
    at: int | None = None,
) -> InvoiceItem:
    """The unused time of an old state (a credit) or the remaining time of a new one, from now (or `at`) to the
    period's end."""
    since = stage.now if at is None else at
    part = prorated(amount, since, sub.period_start, sub.period_end, STEP.get(sub.currency, 1))
    words = "Unused time on" if credit else "Remaining time on"
    bill = InvoiceItem(
        id=stage.business.id("ii_1", 23, sub.customer.no, _count(sub.customer, "item")),
        at=stage.now,
        customer=sub.customer,
        amount=-part if credit else part,
        currency=sub.currency,
        start=since,
        end=sub.period_end,
        price=price,
        quantity=quantity,
        description=f"{words} {quantity} × {_name(stage, price)} after {moment(since):%d %b %Y}",
        proration=True,
        subscription=sub,
        item=item,
    )
    sub.pending.append(bill)
    stage.touch(bill, "invoiceitem.created")
    return bill


def one_off(stage: Stage, customer: Customer, price: Price | None, amount: int, description: str) -> InvoiceItem:
    """An amount billed once, by hand."""
    bill = InvoiceItem(
        id=stage.business.id("ii_1", 23, customer.no, _count(customer, "item")),
        at=stage.now,
        customer=customer,
        amount=amount,
        currency=customer.currency,
        start=stage.now,
        end=stage.now,
        price=price,
        quantity=1,
        description=description,
        proration=False,
    )
    stage.touch(bill, "invoiceitem.created")
    return bill


def subscription_invoice(
    stage: Stage, sub: Subscription, reason: str, lines: Sequence[Line], *, window: tuple[int, int]
) -> Invoice:
    """A draft with the pending prorations and these lines; `window` is the invoice's own period."""
    bills, sub.pending = sub.pending, []
    invoice = _draft(stage, sub.customer, reason, [*_billed(stage, sub.customer, bills), *lines], window)
    invoice.subscription = sub
    invoice.collection = sub.collection
    invoice.discounts = tuple(sub.discounts)
    if reason == "subscription_update" and bills:
        invoice.proration_date = stage.now
    sub.latest_invoice = invoice.id
    _announce(stage, invoice, bills)
    return invoice


def manual_invoice(stage: Stage, customer: Customer, bills: Sequence[InvoiceItem]) -> Invoice:
    """A draft of one-off amounts."""
    lines = _billed(stage, customer, bills)
    invoice = _draft(stage, customer, "manual", lines, (stage.now, stage.now))
    _announce(stage, invoice, bills)
    return invoice


def finalize(stage: Stage, invoice: Invoice) -> None:
    """The draft becomes a bill: numbered, the customer's balance applied, with a payment intent if money is due."""
    customer, sub = invoice.customer, invoice.subscription
    customer.invoices += 1
    invoice.number = f"{customer.id[-8:].upper()}-{customer.invoices:04}"
    invoice.status = "open"
    invoice.finalized_at = stage.now
    invoice.finalizes_at = None
    invoice.starting_balance = customer.balance
    after = min(0, customer.balance + invoice.total)
    if after != customer.balance:
        note_balance(stage, customer, after - customer.balance, "applied_to_invoice", invoice=invoice.id)
    if invoice.collection == "send_invoice":
        invoice.due = stage.now + (sub.days_until_due or 30 if sub else 30) * DAY
    if invoice.amount_due:
        _open_payment(stage, invoice)
    stage.touch(customer, *(["customer.updated"] if customer.balance != invoice.starting_balance else []))
    _drop_once(stage, sub, invoice)
    sent = ["invoice.sent"] if invoice.collection == "send_invoice" else []
    stage.touch(invoice, "invoice.updated", "invoice.finalized", *sent)


def note_balance(
    stage: Stage,
    customer: Customer,
    amount: int,
    kind: str,
    *,
    invoice: str | None = None,
    credit_note: str | None = None,
    description: str | None = None,
    metadata: dict[str, str] | None = None,
) -> dict[str, Any]:
    """The customer's balance changes by an amount (below zero: a credit); gives the entry of its ledger."""
    customer.balance += amount
    entry = shapes.customer_balance_transaction(
        id=stage.business.id("cbtxn_1", 23, customer.no, _count(customer, "balance")),
        created=stage.now,
        customer=customer.id,
        amount=amount,
        ending_balance=customer.balance,
        currency=customer.currency,
        type=kind,
        invoice=invoice,
        credit_note=credit_note,
        description=description,
        metadata=metadata,
    )
    stage.put(entry)
    return entry


def void(stage: Stage, invoice: Invoice) -> None:
    """The invoice is called off; nothing of it is owed."""
    if invoice.finalized_at is None:
        invoice.customer.invoices += 1
        invoice.number = f"{invoice.customer.id[-8:].upper()}-{invoice.customer.invoices:04}"
        invoice.finalized_at = stage.now
        invoice.finalizes_at = None
        stage.touch(invoice.customer)
    invoice.status = "void"
    invoice.voided_at = stage.now
    invoice.advance = False
    invoice.next_attempt = None
    drop_payment(stage, invoice, "void_invoice")
    stage.touch(invoice, "invoice.updated", "invoice.voided")


def drop_payment(stage: Stage, invoice: Invoice, reason: str | None = None) -> None:
    """Nothing is to be paid through Stripe any more: the payment that was open is canceled."""
    if invoice.intent is not None:
        invoice.intent.status = "canceled"
        invoice.intent.canceled_at = stage.now
        invoice.intent.cancellation_reason = reason
        stage.touch(invoice.intent, "payment_intent.canceled")
    if invoice.payment is not None:
        invoice.payment.status = "canceled"
        invoice.payment.canceled_at = stage.now
        stage.touch(invoice.payment)


def _draft(stage: Stage, customer: Customer, reason: str, lines: list[Line], window: tuple[int, int]) -> Invoice:
    return Invoice(
        id=stage.business.id("in_1", 23, customer.no, _count(customer, "invoice")),
        customer=customer,
        created=stage.now,
        currency=customer.currency,
        status="draft",
        billing_reason=reason,
        collection="charge_automatically",
        lines=lines,
        period_start=window[0],
        period_end=window[1],
    )


def _announce(stage: Stage, invoice: Invoice, bills: Sequence[InvoiceItem]) -> None:
    for bill in bills:
        bill.invoice = invoice
        stage.touch(bill)
    stage.touch(invoice, "invoice.created")


def _open_payment(stage: Stage, invoice: Invoice) -> None:
    customer = invoice.customer
    place = _count(customer, "payment")
    invoice.intent = Intent(
        id=stage.business.id("pi_3", 23, customer.no, place),
        created=stage.now,
        customer=customer,
        amount=invoice.amount_due,
        currency=invoice.currency,
        description=_PAID_FOR.get(invoice.billing_reason, "Payment for Invoice"),
    )
    invoice.payment = InvoicePayment(
        stage.business.id("inpay_1", 23, customer.no, place), stage.now, invoice, invoice.amount_due, invoice.intent
    )
    stage.touch(invoice.intent, "payment_intent.created")
    stage.touch(invoice.payment)


def _drop_once(stage: Stage, sub: Subscription | None, invoice: Invoice) -> None:
    """Discounts that apply once are gone when the invoice that used them is final."""
    if sub is None or not any(coupon.duration == "once" for coupon in sub.coupons):
        return
    used = set(invoice.discounts)
    sub.discounts = [each for each in sub.discounts if each.coupon.duration != "once" or each not in used]
    stage.touch(sub, "customer.subscription.updated")


def _regular(stage: Stage, sub: Subscription, item: Item) -> Line:
    quantity = item.quantity or 0
    return Line(
        _line_id(stage, sub.customer),
        half_up(cost(item.price, quantity), STEP.get(sub.currency, 1)),
        quantity,
        sub.period_start,
        sub.period_end,
        f"{quantity} × {_name(stage, item.price)}",
        item.price,
        item,
        own=tuple(item.discounts),
    )


def _metered(stage: Stage, sub: Subscription, item: Item, since: int, until: int) -> Line:
    calls, item.usage = item.usage, 0
    return Line(
        _line_id(stage, sub.customer),
        half_up(cost(item.price, calls), STEP.get(sub.currency, 1)),
        calls,
        since,
        until,
        f"{calls} × {_name(stage, item.price)}",
        item.price,
        item,
    )


def _billed(stage: Stage, customer: Customer, bills: Sequence[InvoiceItem]) -> list[Line]:
    lines = [
        Line(
            _line_id(stage, customer),
            bill.amount,
            bill.quantity,
            bill.start,
            bill.end,
            bill.description,
            bill.price,
            bill.item,
            bill,
        )
        for bill in bills
    ]
    return [_taxed(customer, line) for line in lines]


def _discount(sub: Subscription, lines: list[Line]) -> None:
    """Take off the items' own discounts, then the subscription's, each in its order and in whole units."""
    left = [Fraction(line.amount) for line in lines]
    products = [line.price.product if line.price else "" for line in lines]
    for place, line in enumerate(lines):
        for discount in line.own:
            _take(sub.currency, lines, left, [place], products, discount)
    for discount in sub.discounts:
        _take(sub.currency, lines, left, range(len(lines)), products, discount)


def _take(
    currency: str,
    lines: list[Line],
    left: list[Fraction],
    places: Sequence[int],
    products: list[str],
    discount: Discount,
) -> None:
    shares = reduction([left[at] for at in places], [products[at] for at in places], discount.coupon, currency)
    for place, share in zip(places, shares, strict=True):
        units = half_up(share, STEP.get(currency, 1))
        if units:
            left[place] -= units
            lines[place].off += ((discount, units),)


def _taxed(customer: Customer, line: Line) -> Line:
    rate = customer.tax_rate
    if rate is None:
        return line
    line.tax_rate = rate
    share = standing.share_of_tax(rate)
    line.tax = half_up(line.net * share, STEP.get(customer.currency, 1))
    return line


def _name(stage: Stage, price: Price) -> str:
    return f"{stage.names[price.product]} ({price.interval or 'once'})"


def _line_id(stage: Stage, customer: Customer) -> str:
    return stage.business.id("il_1", 23, customer.no, _count(customer, "line"))


def _count(customer: Customer, what: str) -> int:
    customer.counters[what] = place = customer.counters.get(what, 0) + 1
    return place


_PAID_FOR = {
    "subscription_create": "Subscription creation",
    "subscription_cycle": "Subscription update",
    "subscription_update": "Subscription update",
}
FINALIZES_AFTER = HOUR
"""A renewal's draft waits so long for last changes."""
