"""Money given back: refunds, credit notes and their previews, on amounts worked out by hand."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from sandbox.world.state import Invoice
from tests.sandbox.conformance import faults
from tests.sandbox.writes.owner import Owner


def paid(owner: Owner, token: str = "pm_card_visa", **traits: Any) -> Any:
    """A renewal that was just paid with a test card: its charge."""
    sub = owner.subscription(**traits)
    owner.card(sub.customer.id, token)
    owner.sandbox.advance(to=sub.period_end + 7200)
    return owner.client.v1.charges.list({"customer": sub.customer.id, "limit": 1}).data[0]


def invoice_of(owner: Owner, charge: Any) -> Any:
    payments = owner.client.v1.invoice_payments.list(
        {"payment": {"type": "payment_intent", "payment_intent": charge.payment_intent}}
    )
    return owner.client.v1.invoices.retrieve(payments.data[0].invoice)


def test_a_charge_goes_back_in_parts_and_no_further(owner: Owner, client: Any) -> None:
    charge = paid(owner, currency="usd")
    third = charge.amount // 3
    first = client.v1.refunds.create({"charge": charge.id, "amount": third, "reason": "requested_by_customer"})
    assert (first.status, first.amount, first.reason) == ("succeeded", third, "requested_by_customer")
    entry = client.v1.balance_transactions.retrieve(first.balance_transaction)
    assert (entry.net, entry.reporting_category, entry.source) == (-third, "refund", first.id)
    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded amount") as too_much:
        client.v1.refunds.create({"charge": charge.id, "amount": charge.amount - third + 1})
    assert too_much.value.param == "amount"
    rest = client.v1.refunds.create({"payment_intent": charge.payment_intent, "metadata": {"action": "act_9"}})
    assert (rest.amount, rest.metadata["action"]) == (charge.amount - third, "act_9")
    after = client.v1.charges.retrieve(charge.id)
    assert (after.refunded, after.amount_refunded) == (True, charge.amount)
    with pytest.raises(stripe.InvalidRequestError) as twice:
        client.v1.refunds.create({"charge": charge.id})
    assert twice.value.code == "charge_already_refunded"
    booked = [entry for entry in owner.sandbox.world.books.refunds if entry.charge_id == charge.id]
    assert [(entry.amount, entry.status) for entry in booked] == [(third, "succeeded"), (rest.amount, "succeeded")]
    assert owner.events(charge.id) == ["charge.refunded", "charge.refunded"]
    noted = client.v1.refunds.update(rest.id, {"metadata": {"action": "", "by": "me"}})
    assert noted.metadata.to_dict() == {"by": "me"}


def test_what_cannot_be_refunded_says_why(owner: Owner, client: Any) -> None:
    _, invoice = owner.in_dunning()
    failed = client.v1.charges.list({"customer": invoice.customer, "limit": 1}).data[0]
    with pytest.raises(stripe.InvalidRequestError, match="not succeeded"):
        client.v1.refunds.create({"charge": failed.id})
    with pytest.raises(stripe.InvalidRequestError, match="payment_intent or charge"):
        client.v1.refunds.create({"amount": 5})
    with pytest.raises(stripe.InvalidRequestError) as nothing:
        client.v1.refunds.create({"charge": "ch_none"})
    assert nothing.value.code == "resource_missing"
    with pytest.raises(stripe.InvalidRequestError) as zero:
        client.v1.refunds.create({"charge": failed.id, "amount": 0})
    assert zero.value.code == "parameter_invalid_integer"


def test_refunds_to_some_cards_arrive_late_or_come_back(owner: Owner, client: Any) -> None:
    late, lost = paid(owner, "pm_card_pendingRefund"), paid(owner, "pm_card_refundFail")
    pending = client.v1.refunds.create({"charge": late.id})
    failing = client.v1.refunds.create({"charge": lost.id})
    assert (pending.status, failing.status) == ("pending", "succeeded")
    owner.sandbox.advance(days=6)
    assert client.v1.refunds.retrieve(pending.id).status == "succeeded"
    back = client.v1.refunds.retrieve(failing.id)
    assert (back.status, back.failure_reason) == ("failed", "expired_or_canceled_card")
    assert client.v1.charges.retrieve(lost.id).amount_refunded == 0
    statuses = {entry.refund_id: entry.status for entry in owner.sandbox.world.books.refunds}
    assert (statuses[pending.id], statuses[failing.id]) == ("succeeded", "failed")


def test_a_credit_note_of_half_a_line_gives_back_half_of_it_and_its_tax(owner: Owner, client: Any) -> None:
    charge = paid(owner)
    invoice = invoice_of(owner, charge)
    line = invoice.lines.data[0]
    half = line.amount // 2
    rate = next((tax.tax_rate_details.tax_rate for tax in line.taxes), None)
    exclusive = bool(line.taxes) and line.taxes[0].tax_behavior == "exclusive"
    percentage = client.v1.tax_rates.retrieve(rate).percentage if rate and exclusive else 0
    total = half + int(half * percentage / 100 + 0.5)  # tax rounds half up, as on the invoice
    wish = {
        "invoice": invoice.id,
        "lines": [{"type": "invoice_line_item", "invoice_line_item": line.id, "amount": half}],
        "refund_amount": total,
        "reason": "order_change",
        "memo": "Half of it",
    }
    before = owner.sandbox.world.books.as_json()
    preview = client.v1.credit_notes.preview(wish)
    assert (preview.total, preview.subtotal) == (total, half)
    lines = client.v1.credit_notes.preview_lines.list(wish)
    assert [(each.amount, each.invoice_line_item) for each in lines.data] == [(half, line.id)]
    assert owner.sandbox.world.books.as_json() == before
    note = client.v1.credit_notes.create(wish)
    assert (note.id, note.total, note.post_payment_amount, note.type) == (preview.id, total, total, "post_payment")
    assert faults(note.to_dict(for_json=True)) == faults(preview.to_dict(for_json=True)) == []
    refund = client.v1.refunds.retrieve(note.refunds[0].refund)
    assert (refund.amount, refund.charge) == (total, charge.id)
    assert client.v1.invoices.retrieve(invoice.id).post_payment_credit_notes_amount == total
    assert owner.events(note.id) == ["credit_note.created"]


def test_a_discounted_line_is_credited_with_its_share_of_the_discount(owner: Owner, client: Any) -> None:
    world = owner.sandbox.world
    invoice, line = next(
        (thing, line)
        for thing in world.stage.things.values()
        if isinstance(thing, Invoice) and thing.status == "paid" and thing.intent and not thing.credited_after
        for line in thing.lines
        if len(line.off) == 1 and line.off[0][1] * 4 == line.amount and line.tax_rate is None
    )
    amount = line.amount // 5 * 4
    wish = {
        "invoice": invoice.id,
        "lines": [{"type": "invoice_line_item", "invoice_line_item": line.id, "amount": amount}],
        "out_of_band_amount": amount // 4 * 3,
    }
    preview = client.v1.credit_notes.preview(wish)
    assert (preview.subtotal, preview.discount_amount) == (amount, amount // 4)  # a quarter was off
    assert preview.total == amount - amount // 4


def test_a_note_must_be_made_good_in_full_and_once(owner: Owner, client: Any) -> None:
    charge = paid(owner)
    invoice = invoice_of(owner, charge)
    with pytest.raises(stripe.InvalidRequestError, match="must equal the credit note amount"):
        client.v1.credit_notes.create({"invoice": invoice.id, "amount": 500, "refund_amount": 400})
    with pytest.raises(stripe.InvalidRequestError, match="exactly one of amount or lines"):
        client.v1.credit_notes.create({"invoice": invoice.id})
    more = invoice.total + 1
    with pytest.raises(stripe.InvalidRequestError, match="at most what can be credited"):
        client.v1.credit_notes.preview({"invoice": invoice.id, "amount": more, "out_of_band_amount": more})
    note = client.v1.credit_notes.create(
        {"invoice": invoice.id, "amount": 500, "refund_amount": 200, "credit_amount": 300}
    )
    assert note.total == 500
    customer = client.v1.customers.retrieve(invoice.customer)
    entry = client.v1.customers.balance_transactions.list(customer.id).data[0]
    assert (customer.balance, entry.amount, entry.type, entry.credit_note) == (-300, -300, "credit_note", note.id)
    linked = client.v1.refunds.create({"charge": charge.id, "amount": 100})
    told = client.v1.credit_notes.create(
        {"invoice": invoice.id, "amount": 100, "refunds": [{"refund": linked.id, "amount_refunded": 100}]}
    )
    assert told.refunds[0].refund == linked.id
    assert client.v1.charges.retrieve(charge.id).amount_refunded == 300


def test_credit_of_the_customer_pays_the_next_invoice(owner: Owner, client: Any) -> None:
    sub = owner.subscription()
    owner.card(sub.customer.id)
    given = {"amount": -700, "currency": sub.currency, "description": "Sorry"}
    client.v1.customers.balance_transactions.create(sub.customer.id, given)
    owner.sandbox.advance(to=sub.period_end + 7200)
    invoice = client.v1.invoices.retrieve(owner.latest(sub.id))
    assert (invoice.starting_balance, invoice.amount_paid) == (-700, invoice.total - 700)
    entries = client.v1.customers.balance_transactions.list(sub.customer.id).data
    assert [(each.amount, each.type, each.ending_balance) for each in entries] == [
        (700, "applied_to_invoice", 0),
        (-700, "adjustment", -700),
    ]


def test_a_note_before_payment_lowers_what_is_owed_until_nothing_is(owner: Owner, client: Any) -> None:
    sub, invoice = owner.in_dunning()
    with pytest.raises(stripe.InvalidRequestError, match="not paid"):
        client.v1.credit_notes.create({"invoice": invoice.id, "amount": 100, "refund_amount": 100})
    note = client.v1.credit_notes.create({"invoice": invoice.id, "amount": 100})
    assert (note.type, note.pre_payment_amount) == ("pre_payment", 100)
    lower = client.v1.invoices.retrieve(invoice.id)
    assert (lower.amount_due, lower.amount_remaining) == (invoice.amount_due - 100, invoice.amount_due - 100)
    assert client.v1.credit_notes.void_credit_note(note.id).status == "void"
    assert client.v1.invoices.retrieve(invoice.id).amount_due == invoice.amount_due
    client.v1.credit_notes.create({"invoice": invoice.id, "amount": invoice.amount_due})
    settled = client.v1.invoices.retrieve(invoice.id)
    assert (settled.status, settled.amount_due, settled.amount_paid) == ("paid", 0, 0)
    assert client.v1.subscriptions.retrieve(sub.id).status == "active"
