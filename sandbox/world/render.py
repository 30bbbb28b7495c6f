"""From the simulation's records to API objects: which field of a record fills which field of a shape.

One function a kind, no decisions. Knows nothing of when things happen.
"""

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

from sandbox.world import shapes
from sandbox.world.business import Business, Coupon, Price, Product, TaxRate
from sandbox.world.state import (
    Card,
    Charge,
    CreditNote,
    Customer,
    Discount,
    Dispute,
    Intent,
    Invoice,
    InvoiceItem,
    InvoicePayment,
    Item,
    Line,
    NoteLine,
    Offer,
    Refund,
    Schedule,
    Subscription,
    Thing,
)

Shape = dict[str, Any]
EVIDENCE_DUE = 14 * 86_400
"""Evidence is due so long after a case was opened, seconds."""


class Renderer:
    """Renders what belongs to one business; remembers price and product shapes, which many things carry."""

    def __init__(self, business: Business) -> None:
        self._business = business
        self.products: dict[str, str] = {}
        self._prices: dict[str, Shape] = {}
        self._rates: dict[str, Shape] = {}
        self._transactions: dict[str, Shape] = {}
        self._by_kind: dict[str, Callable[[Any], Shape]] = {
            "charge": self._charge,
            "credit_note": self._credit_note,
            "customer": self._customer,
            "dispute": self._dispute,
            "invoice": self._invoice,
            "invoiceitem": self._invoice_item,
            "invoice_payment": _invoice_payment,
            "payment_intent": _intent,
            "payment_method": _payment_method,
            "price": self.price,
            "refund": _refund,
            "subscription": self._subscription,
            "subscription_schedule": _schedule,
        }

    def __call__(self, thing: Thing) -> Shape:
        """The complete API object of a record."""
        return self._by_kind[thing.kind](thing)

    def product(self, product: Product, created: int) -> Shape:
        """A product of the catalogue."""
        return shapes.product(
            id=self.products[product.key],
            created=created,
            name=product.name,
            description=product.description,
            unit_label=product.unit_label,
            metadata={"key": product.key},
        )

    def price(self, offer: Offer) -> Shape:
        """A price as it stands; subscriptions rendered later carry it so."""
        price = offer.price
        unit = None if price.tiers else decimal_text(price.unit)
        whole = price.unit.denominator == 1 and not price.tiers
        shape = shapes.price(
            id=price.id,
            created=offer.created,
            product=self.products[price.product],
            currency=price.currency,
            unit_amount=int(price.unit) if whole else None,
            unit_amount_decimal=unit,
            interval=price.interval or None,
            interval_count=price.interval_count,
            usage_type=price.usage_type,
            meter=self._business.id("mtr_", 24, price.product) if price.usage_type == "metered" else None,
            tiers=[
                shapes.tier(
                    up_to=tier.up_to,
                    unit_amount_decimal=decimal_text(tier.unit),
                    flat_amount_decimal=decimal_text(tier.flat) if tier.flat else None,
                )
                for tier in price.tiers
            ]
            or None,
            tiers_mode=price.tiers_mode,
            transform_divide_by=price.divide_by,
            transform_round=price.round,
            tax_behavior=price.tax_behavior,
            nickname=price.nickname,
            lookup_key=None if price.inline else price.key,
            active=offer.active,
            currency_options={
                code: shapes.currency_option(unit_amount_decimal=decimal_text(amount), tax_behavior=price.tax_behavior)
                for code, amount in price.options
            },
        )
        if price.inline:
            shape["_inline"] = True
        self._prices[price.id] = shape
        return shape

    def coupon(self, coupon: Coupon, created: int) -> Shape:
        """A coupon."""
        return shapes.coupon(
            id=coupon.id,
            created=created,
            name=coupon.name or None,
            percent_off=None if coupon.percent_off is None else float(coupon.percent_off),
            amount_off=coupon.amount_off or None,
            currency=coupon.currency,
            duration=coupon.duration,
            duration_in_months=coupon.months,
            applies_to=[self.products[key] for key in coupon.products] or None,
            currency_options=dict(coupon.currency_options),
        )

    def tax_rate(self, rate: TaxRate, created: int) -> Shape:
        """A tax rate; subscriptions and invoices carry it whole."""
        shape = shapes.tax_rate(
            id=rate.id,
            created=created,
            display_name=rate.name,
            percentage=float(rate.percentage),
            inclusive=rate.inclusive,
            country=rate.country,
            state=rate.state,
            tax_type=rate.tax_type,
        )
        self._rates[rate.id] = shape
        return shape

    def remember_price(self, shape: Shape) -> None:
        """A price as subscriptions rendered later carry it."""
        self._prices[shape["id"]] = shape

    def remember_transaction(self, transaction: Shape) -> None:
        """A balance transaction that a dispute will show."""
        self._transactions[transaction["id"]] = transaction

    def _customer(self, customer: Customer) -> Shape:
        return shapes.customer(
            id=customer.id,
            created=customer.created,
            name=customer.name,
            email=customer.email,
            currency=customer.currency if customer.subscriptions or customer.invoices else None,
            phone=customer.phone,
            address=_address(customer),
            description=customer.description,
            preferred_locales=customer.locales,
            balance=customer.balance,
            delinquent=customer.delinquent,
            default_payment_method=customer.card.id if customer.card else None,
            next_invoice_sequence=customer.invoices + 1,
            metadata=customer.metadata,
        )

    def _subscription(self, sub: Subscription) -> Shape:
        return shapes.subscription(
            id=sub.id,
            created=sub.created,
            customer=sub.customer.id,
            status=sub.status,
            currency=sub.currency,
            items=[self._item(sub, item) for item in sub.items],
            billing_cycle_anchor=sub.anchor,
            start_date=sub.start,
            collection_method=sub.collection,
            days_until_due=sub.days_until_due,
            trial_start=sub.trial_start,
            trial_end=sub.trial_end,
            missing_payment_method=sub.trial_without_card,
            cancel_at=sub.cancel_at,
            cancel_at_period_end=sub.cancel_at_period_end,
            canceled_at=sub.canceled_at,
            ended_at=sub.ended_at,
            cancellation_reason=sub.reason,
            cancellation_feedback=sub.feedback,
            cancellation_comment=sub.comment,
            pause_collection_behavior=sub.pause,
            pause_resumes_at=sub.resumes_at,
            paused_type=sub.paused_type,
            paused_at=sub.paused_at,
            discounts=[_discount(discount) for discount in sub.discounts],
            default_tax_rates=self._tax_rates(sub.customer.tax_rate),
            default_payment_method=sub.card.id if sub.card else None,
            latest_invoice=sub.latest_invoice,
            schedule=sub.schedule.id if sub.schedule else None,
            billing_mode="flexible" if sub.flexible else "classic",
            metadata=sub.metadata,
        )

    def _item(self, sub: Subscription, item: Item) -> Shape:
        return shapes.subscription_item(
            id=item.id,
            created=item.created,
            subscription=sub.id,
            price=self._prices[item.price.id],
            quantity=item.quantity,
            current_period_start=sub.period_start,
            current_period_end=sub.period_end,
            discounts=[_discount(discount) for discount in item.discounts],
        )

    def _invoice(self, invoice: Invoice) -> Shape:
        sub = invoice.subscription
        customer = invoice.customer
        return shapes.invoice(
            id=invoice.id,
            created=invoice.created,
            customer=customer.id,
            currency=invoice.currency,
            lines=[self._line(invoice, line) for line in invoice.lines],
            status=invoice.status,
            billing_reason=invoice.billing_reason,
            period_start=invoice.period_start,
            period_end=invoice.period_end,
            subscription=sub.id if sub else None,
            subscription_metadata=sub.metadata if sub else None,
            subscription_proration_date=invoice.proration_date,
            collection_method=invoice.collection,
            due_date=invoice.due,
            number=invoice.number,
            amount_paid=invoice.paid,
            amount_paid_off_stripe=invoice.paid_off_stripe,
            attempt_count=invoice.attempts,
            auto_advance=invoice.advance,
            next_payment_attempt=invoice.next_attempt,
            automatically_finalizes_at=invoice.finalizes_at,
            finalized_at=invoice.finalized_at,
            paid_at=invoice.paid_at,
            voided_at=invoice.voided_at,
            marked_uncollectible_at=invoice.uncollectible_at,
            uncollectible_reason=invoice.uncollectible_reason,
            starting_balance=invoice.starting_balance,
            pre_payment_credit_notes_amount=invoice.credited_before,
            post_payment_credit_notes_amount=invoice.credited_after,
            discounts=[_discount(discount) for discount in invoice.discounts],
            default_tax_rates=self._tax_rates(customer.tax_rate),
            customer_name=customer.name,
            customer_email=customer.email,
            customer_address=_address(customer),
            account_name=self._business.name,
            account_country=self._business.country,
            description=invoice.description,
            metadata=invoice.metadata,
        )

    def _line(self, invoice: Invoice, line: Line) -> Shape:
        bill, item = line.invoice_item, line.item
        sub = invoice.subscription
        proration = bill is not None and bill.proration
        flexible = sub is not None and (not proration or sub.flexible)
        return shapes.line_item(
            id=line.id,
            invoice=invoice.id,
            amount=line.amount,
            currency=invoice.currency,
            period_start=line.start,
            period_end=line.end,
            price=line.price.id if line.price else None,
            product=self.products[line.price.product] if line.price else None,
            unit_amount_decimal=_unit(line.price),
            quantity=line.quantity,
            description=line.description,
            subscription=sub.id if sub else None,
            subscription_item=item.id if item and flexible else None,
            invoice_item=bill.id if bill else None,
            proration=proration,
            discountable=not proration,
            discounts=[_discount(discount) for discount in line.own],
            discount_amounts=[shapes.discount_amount(amount=taken, discount=each.id) for each, taken in line.off],
            taxes=_taxes(line.tax_rate, line.tax, line.net),
        )

    def _invoice_item(self, bill: InvoiceItem) -> Shape:
        return shapes.invoiceitem(
            id=bill.id,
            date=bill.at,
            customer=bill.customer.id,
            amount=bill.amount,
            currency=bill.currency,
            period_start=bill.start,
            period_end=bill.end,
            price=bill.price.id if bill.price else None,
            product=self.products[bill.price.product] if bill.price else None,
            unit_amount_decimal=_unit(bill.price),
            quantity=bill.quantity,
            description=bill.description,
            proration=bill.proration,
            subscription=bill.subscription.id if bill.subscription else None,
            subscription_item=bill.item.id if bill.item else None,
            invoice=bill.invoice.id if bill.invoice else None,
            discountable=not bill.proration,
        )

    def _charge(self, charge: Charge) -> Shape:
        return shapes.charge(
            id=charge.id,
            created=charge.created,
            amount=charge.amount,
            currency=charge.currency,
            customer=charge.customer.id,
            payment_intent=charge.intent.id,
            payment_method=charge.card.id,
            card=_card(charge.card),
            billing_details=_billed_to(charge.card),
            decline_code=charge.decline,
            balance_transaction=charge.transaction,
            amount_refunded=charge.refunded,
            disputed=charge.disputed,
            description=charge.description,
            receipt_email=charge.customer.email,
            metadata=charge.metadata,
        )

    def _dispute(self, dispute: Dispute) -> Shape:
        charge = dispute.charge
        return shapes.dispute(
            id=dispute.id,
            created=dispute.created,
            amount=dispute.amount,
            currency=charge.currency,
            charge=charge.id,
            payment_intent=charge.intent.id,
            reason=dispute.reason,
            status=dispute.status,
            balance_transactions=[self._transactions[each] for each in dispute.transactions],
            evidence_due_by=dispute.created + EVIDENCE_DUE,
            is_charge_refundable=dispute.status.startswith("warning") and charge.refunded < charge.amount,
            has_evidence=dispute.submitted or bool(dispute.evidence),
            submission_count=int(dispute.submitted),
            past_due=dispute.past_due,
            evidence=dispute.evidence,
            metadata=dispute.metadata,
            card=_card(charge.card),
        )

    def _credit_note(self, note: CreditNote) -> Shape:
        invoice = note.invoice
        return shapes.credit_note(
            id=note.id,
            created=note.created,
            invoice=invoice.id,
            customer=invoice.customer.id,
            currency=invoice.currency,
            lines=[_note_line(note, place, line) for place, line in enumerate(note.lines)],
            number=note.number,
            status=note.status,
            type="pre_payment" if note.before_payment else "post_payment",
            reason=note.reason,
            refunds=[(refund.id, amount) for refund, amount in note.refunds],
            out_of_band_amount=note.out_of_band,
            customer_balance_transaction=note.credit,
            memo=note.memo,
            voided_at=note.voided_at,
            metadata=note.metadata,
        )

    def _tax_rates(self, rate: TaxRate | None) -> Sequence[Shape]:
        return [] if rate is None else [self._rates[rate.id]]


def decimal_text(amount: Fraction) -> str:
    """A decimal number as text, exact. Errors: ValueError for one that has no end."""
    digits = 0
    while amount.denominator != 1:
        amount, digits = amount * 10, digits + 1
        if digits > 12:
            raise ValueError(f"{amount} has more than 12 decimals; give prices that have fewer")
    text = str(abs(amount.numerator)).zfill(digits + 1)
    sign = "-" if amount < 0 else ""
    return sign + (f"{text[:-digits]}.{text[-digits:]}" if digits else text)


def _note_line(note: CreditNote, place: int, line: NoteLine) -> Shape:
    off = [shapes.discount_amount(amount=taken, discount=each.id) for each, taken in line.off]
    return shapes.credit_note_line_item(
        id=f"cnli_{note.id[3:]}{place}",
        amount=line.amount,
        description=line.description,
        invoice_line_item=line.line.id if line.line else None,
        quantity=line.quantity,
        unit_amount=line.amount if line.quantity == 1 else None,
        discount_amounts=off,
        taxes=_taxes(line.tax_rate, line.tax, line.amount - sum(taken for _, taken in line.off)),
    )


def _unit(price: Price | None) -> str | None:
    return None if price is None or price.tiers else decimal_text(price.unit)


def _schedule(schedule: Schedule) -> Shape:
    sub = schedule.subscription
    return shapes.subscription_schedule(
        id=schedule.id,
        created=schedule.created,
        customer=sub.customer.id,
        subscription=sub.id,
        currency=sub.currency,
        phases=[(one.start, one.end, one.price.id, one.quantity) for one in schedule.phases],
        current_phase=(schedule.current.start, schedule.current.end) if schedule.current else None,
        end_behavior="cancel" if schedule.ends else "release",
        status=schedule.status,
        released_at=schedule.released_at,
        completed_at=schedule.completed_at,
        canceled_at=schedule.canceled_at,
        billing_mode="flexible" if sub.flexible else "classic",
        metadata=schedule.metadata,
    )


def _discount(discount: Discount) -> Shape:
    return shapes.discount(
        id=discount.id,
        start=discount.start,
        end=discount.end,
        coupon=discount.coupon.id,
        customer=discount.customer,
        subscription=discount.subscription,
        subscription_item=discount.item,
    )


def _taxes(rate: TaxRate | None, amount: int, net: int) -> list[Shape]:
    if rate is None:
        return []
    return [
        shapes.tax(
            amount=amount,
            tax_rate=rate.id,
            tax_behavior="inclusive" if rate.inclusive else "exclusive",
            taxable_amount=net - amount if rate.inclusive else net,
        )
    ]


def _invoice_payment(payment: InvoicePayment) -> Shape:
    return shapes.invoice_payment(
        id=payment.id,
        created=payment.created,
        invoice=payment.invoice.id,
        amount_requested=payment.requested,
        currency=payment.invoice.currency,
        amount_paid=payment.paid,
        payment_intent=payment.intent.id if payment.intent else None,
        payment_record=payment.record,
        status=payment.status,
        paid_at=payment.paid_at,
        canceled_at=payment.canceled_at,
    )


def _intent(intent: Intent) -> Shape:
    return shapes.payment_intent(
        id=intent.id,
        created=intent.created,
        amount=intent.amount,
        currency=intent.currency,
        customer=intent.customer.id,
        payment_method=intent.card.id if intent.card else None,
        status=intent.status,
        latest_charge=intent.latest_charge,
        decline_code=intent.decline,
        canceled_at=intent.canceled_at,
        cancellation_reason=intent.cancellation_reason,
        next_action=shapes.authentication(intent.return_url, intent.id) if intent.status == "requires_action" else None,
        description=intent.description,
        metadata=intent.metadata,
    )


def _payment_method(card: Card) -> Shape:
    return shapes.payment_method(
        id=card.id,
        created=card.created,
        customer=card.customer.id if card.customer and not card.detached else None,
        card=_card(card),
        billing_details=_billed_to(card),
        metadata=card.metadata,
    )


def _refund(refund: Refund) -> Shape:
    charge = refund.charge
    return shapes.refund(
        id=refund.id,
        created=refund.created,
        amount=refund.amount,
        currency=charge.currency,
        charge=charge.id,
        payment_intent=charge.intent.id,
        customer=charge.customer.id,
        status=refund.status,
        reason=refund.reason,
        pending_reason="processing" if refund.status == "pending" else None,
        balance_transaction=refund.transaction,
        failure_reason=refund.failure_reason,
        failure_balance_transaction=refund.failure_transaction,
        metadata=refund.metadata,
    )


def _card(card: Card) -> shapes.Card:
    return shapes.Card(
        brand=card.brand,
        last4=card.last4,
        exp_month=card.exp_month,
        exp_year=card.exp_year,
        country=card.country,
        funding=card.funding,
        fingerprint=card.id[-16:],
    )


def _billed_to(card: Card) -> Shape:
    customer = card.customer
    if customer is None:
        return shapes.billing_details()
    return shapes.billing_details(
        name=customer.name,
        email=customer.email,
        address=_address(customer),
    )


def _address(customer: Customer) -> Shape | None:
    """Where the customer is; None where nothing is known of it."""
    known = {"country": customer.country, "state": customer.state, **customer.street}
    return shapes.address(**known) if any(known.values()) else None
