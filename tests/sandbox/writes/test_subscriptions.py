"""Subscriptions that the account's owner changes: what is billed at once, what with the next renewal, and what not."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, cast

import pytest
import stripe

from sandbox.world.business import STEP
from sandbox.world.periods import DAY, HOUR
from sandbox.world.pricing import half_up
from sandbox.world.state import Subscription
from tests.sandbox.conformance import faults
from tests.sandbox.writes.owner import Owner


def midway(owner: Owner, **traits: Any) -> Subscription:
    """A subscription paid by a good card, in the middle of its period."""
    sub = owner.subscription(**traits)
    owner.card(sub.customer.id)
    if owner.sandbox.now < sub.period_start + 10 * DAY:
        owner.sandbox.advance(to=sub.period_start + 10 * DAY)
    return sub


def unit(sub: Subscription) -> int:
    return int(sub.items[0].price.unit)


def left(sub: Subscription, owner: Owner) -> Fraction:
    """The share of the period that is left, by the second."""
    return Fraction(sub.period_end - owner.sandbox.now, sub.period_end - sub.period_start)


def worth(owner: Owner, sub: Subscription) -> int:
    """Micros of a minor unit a month, as the books have it now."""
    held = owner.sandbox.world.books.item_mrr_at(owner.sandbox.now)
    return sum(held.get(item.id, 0) for item in sub.items)


def test_more_seats_at_once_bill_the_rest_of_the_period_as_the_preview_said(owner: Owner, client: Any) -> None:
    sub = midway(owner, currency="usd")
    item, before, share = sub.items[0], sub.items[0].quantity or 0, left(sub, owner)
    items = [{"id": item.id, "quantity": before + 2}]
    wish = {"items": items, "proration_behavior": "always_invoice"}
    books = owner.sandbox.world.books.as_json()
    preview = client.v1.invoices.create_preview({"subscription": sub.id, "subscription_details": wish})
    assert owner.sandbox.world.books.as_json() == books
    assert client.v1.subscriptions.retrieve(sub.id).items.data[0].quantity == before
    credit, debit = -half_up(unit(sub) * before * share), half_up(unit(sub) * (before + 2) * share)
    assert [line.amount for line in preview.lines.data] == [credit, debit]
    assert (preview.id[:12], preview.status, preview.billing_reason) == ("upcoming_in_", "draft", "upcoming")
    assert faults(preview.to_dict(for_json=True)) == []
    changed = client.v1.subscriptions.update(sub.id, {**wish, "expand": ["latest_invoice"]})
    invoice = changed.latest_invoice
    assert [line.amount for line in invoice.lines.data] == [credit, debit]
    assert (invoice.total, invoice.amount_due) == (preview.total, preview.amount_due)
    assert (invoice.status, invoice.billing_reason) == ("paid", "subscription_update")
    assert worth(owner, sub) == unit(sub) * (before + 2) * 1_000_000
    parent = invoice.lines.data[1].parent
    details = parent.subscription_item_details or parent.invoice_item_details
    assert (details.proration, details.subscription) == (True, sub.id)


@pytest.mark.parametrize(
    ("tax", "unit_amount", "credit", "debit", "total", "mrr"),
    [
        # Half a month of 19.00 back, half a month of three times 19.00 to pay: -9.50 + 28.50 = 19.00.
        (None, 1_900, (-950, None), (2_850, None), 1_900, 5_700_000_000),
        # Of 27.00: -13.50 + 40.50 = 27.00; 19 % on top of each, 2.565 and 7.695, rounds to -2.57 and 7.70: 32.13.
        ("vat-de", 2_700, (-1_350, -257), (4_050, 770), 3_213, 8_100_000_000),
    ],
)
def test_three_seats_for_one_in_the_exact_middle_of_the_month(
    owner: Owner, client: Any, tax: str | None, unit_amount: int, credit: Any, debit: Any, total: int, mrr: int
) -> None:
    sub = owner.subscription(
        items=lambda items: (items[0].price.unit, items[0].quantity) == (unit_amount, 1),
        customer=lambda customer: (customer.tax_rate.key if customer.tax_rate else None) == tax,
    )
    owner.card(sub.customer.id)
    middle = sub.period_start + (sub.period_end - sub.period_start) // 2
    if middle < owner.sandbox.now:
        owner.sandbox.advance(to=sub.period_end)
        middle = sub.period_start + (sub.period_end - sub.period_start) // 2
    owner.sandbox.advance(to=middle)
    wish = {"items": [{"id": sub.items[0].id, "quantity": 3}], "proration_behavior": "always_invoice"}
    preview = client.v1.invoices.create_preview({"subscription": sub.id, "subscription_details": wish})
    invoice = client.v1.invoices.retrieve(client.v1.subscriptions.update(sub.id, wish).latest_invoice)
    told = [(line.amount, line.taxes[0].amount if line.taxes else None) for line in invoice.lines.data]
    assert told == [credit, debit]
    assert (preview.total, invoice.total, invoice.amount_paid) == (total, total, total)
    assert worth(owner, sub) == mrr


def test_a_change_that_waits_is_billed_with_the_renewal_to_the_cent_of_its_preview(owner: Owner, client: Any) -> None:
    sub = midway(owner, currency="eur")
    wish = {"items": [{"id": sub.items[0].id, "quantity": (sub.items[0].quantity or 0) + 3}]}
    preview = client.v1.invoices.create_preview({"subscription": sub.id, "subscription_details": wish})
    client.v1.subscriptions.update(sub.id, wish)
    assert owner.latest(sub.id) == sub.latest_invoice
    pending = client.v1.invoice_items.list({"customer": sub.customer.id, "pending": True}).data
    assert {item.proration for item in pending} == {True}
    again = client.v1.invoices.create_preview({"subscription": sub.id})
    owner.sandbox.advance(to=sub.period_end + 2 * HOUR)
    invoice = client.v1.invoices.retrieve(owner.latest(sub.id))
    assert len(invoice.lines.data) == 3
    assert invoice.total == preview.total == again.total
    assert [line.amount for line in invoice.lines.data] == [line.amount for line in preview.lines.data]


def test_without_proration_only_the_next_renewal_is_another(owner: Owner, client: Any) -> None:
    sub = midway(owner, currency="usd")
    price = owner.sandbox.world.stage.for_sale("business-usd-month")
    assert price is not None
    client.v1.subscriptions.update(
        sub.id,
        {"items": [{"id": sub.items[0].id, "price": price.id, "quantity": 1}], "proration_behavior": "none"},
    )
    assert client.v1.invoice_items.list({"customer": sub.customer.id, "pending": True}).data == []
    assert worth(owner, sub) == 14_900 * 1_000_000  # business-usd-month
    owner.sandbox.advance(to=sub.period_end + 2 * HOUR)
    lines = client.v1.invoices.retrieve(owner.latest(sub.id)).lines.data
    assert [line.amount for line in lines] == [14_900]


def test_items_come_and_go(owner: Owner, client: Any) -> None:
    sub = midway(owner, currency="usd")
    prices = owner.sandbox.world.stage.prices
    module, share = prices["module-03-usd-month"], left(sub, owner)
    added = client.v1.subscriptions.update(
        sub.id, {"items": [{"price": module.id, "quantity": 2}], "proration_behavior": "always_invoice"}
    )
    assert [item.quantity for item in added.items.data] == [sub.items[0].quantity, 2]
    # 500 × (1 + 2 % 4) = 15.00 a module, two of them, for what is left of the month
    assert client.v1.invoices.retrieve(added.latest_invoice).subtotal == half_up(2 * 1_500 * share)
    gone = client.v1.subscriptions.update(
        sub.id, {"items": [{"id": added.items.data[1].id, "deleted": True}], "proration_behavior": "always_invoice"}
    )
    assert len(gone.items.data) == 1
    assert client.v1.invoices.retrieve(gone.latest_invoice).subtotal == -half_up(2 * 1_500 * share)
    assert client.v1.customers.retrieve(sub.customer.id).balance < 0
    for items, param in (
        ([{"id": "si_none", "quantity": 1}], "items[0][id]"),
        ([{"price": "price_none"}], "items[0][price]"),
        ([{"price": sub.items[0].price.id}], "items"),
        ([{"id": sub.items[0].id, "deleted": True}], "items"),
        ([{"price": prices["starter-eur-month-2"].id}], "items[0][price]"),
        ([{"price": prices["setup-usd"].id}], "items[0][price]"),
    ):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            client.v1.subscriptions.update(sub.id, {"items": items})
        assert refused.value.param == param


def test_another_rhythm_begins_a_new_period_and_gives_the_old_one_back(owner: Owner, client: Any) -> None:
    sub = midway(owner, currency="usd")
    yearly = owner.sandbox.world.stage.prices["starter-usd-year"]
    back = half_up(unit(sub) * (sub.items[0].quantity or 0) * left(sub, owner))
    wish = {"items": [{"id": sub.items[0].id, "price": yearly.id, "quantity": 1}]}
    preview = client.v1.invoices.create_preview({"subscription": sub.id, "subscription_details": wish})
    changed = client.v1.subscriptions.update(sub.id, wish)
    invoice = client.v1.invoices.retrieve(changed.latest_invoice)
    assert [line.amount for line in invoice.lines.data] == [-back, 19_000]
    assert preview.total == invoice.total
    item = changed.items.data[0]
    assert (item.current_period_start, changed.billing_cycle_anchor) == (owner.sandbox.now, owner.sandbox.now)
    assert item.current_period_end - item.current_period_start in (365 * DAY, 366 * DAY)
    assert worth(owner, sub) == round(Fraction(19_000_000_000, 12))


def test_a_price_made_on_the_spot_is_paid_from_then_on(owner: Owner, client: Any) -> None:
    sub = midway(owner)
    product = owner.sandbox.world.stage.product_ids[sub.items[0].price.product]
    data = {
        "currency": sub.currency,
        "product": product,
        "recurring": {"interval": "month"},
        "unit_amount": unit(sub) * 2,
    }
    items = [{"id": sub.items[0].id, "price_data": data}]
    changed = client.v1.subscriptions.update(sub.id, {"items": items, "proration_behavior": "none"})
    price = client.v1.prices.retrieve(changed.items.data[0].price.id)
    assert (price.unit_amount, price.product) == (unit(sub), product)
    assert price.id not in {each.id for each in client.v1.prices.list({"limit": 100}).auto_paging_iter()}
    assert faults(changed.to_dict(for_json=True)) == []


def test_a_retention_coupon_lowers_bills_from_the_next_one_on(owner: Owner, client: Any) -> None:
    sub = midway(owner, currency="usd")
    coupon = client.v1.coupons.create(
        {"percent_off": 25, "duration": "repeating", "duration_in_months": 2, "name": "Stay", "metadata": {"a": "b"}}
    )
    assert (coupon.percent_off, coupon.metadata["a"], coupon.valid) == (25.0, "b", True)
    full = worth(owner, sub)
    given = client.v1.subscriptions.update(
        sub.id, {"discounts": [{"coupon": coupon.id}], "expand": ["discounts.source.coupon"]}
    )
    assert given.discounts[0].source.coupon.id == coupon.id
    assert worth(owner, sub) == full
    totals = []
    for _ in range(3):
        owner.sandbox.advance(to=sub.period_end + 2 * HOUR)
        invoice = client.v1.invoices.retrieve(owner.latest(sub.id))
        line = next(line for line in invoice.lines.data if line.subscription == sub.id)
        totals.append((sum(each.amount for each in line.discount_amounts) / line.amount, worth(owner, sub)))
    # given in mid-period for two months: it covers two renewals, and the third is at the full price again
    assert [share for share, _ in totals[:2]] == [0.25, 0.25]
    assert totals[0][1] == full * 3 // 4
    assert totals[2] == (0, full)
    assert client.v1.coupons.delete(coupon.id).deleted
    with pytest.raises(stripe.InvalidRequestError) as gone:
        client.v1.subscriptions.update(sub.id, {"discounts": [{"coupon": coupon.id}]})
    assert (gone.value.code, gone.value.param) == ("resource_missing", "discounts[0][coupon]")


def test_a_discount_that_is_taken_away_holds_to_the_end_of_its_period(owner: Owner, client: Any) -> None:
    sub = midway(owner, currency="usd")
    full = worth(owner, sub)
    coupon = client.v1.coupons.create({"percent_off": 50, "duration": "forever"})
    client.v1.subscriptions.update(sub.id, {"discounts": [{"coupon": coupon.id}]})
    owner.sandbox.advance(to=sub.period_end + 2 * HOUR)
    assert worth(owner, sub) == full // 2
    assert client.v1.subscriptions.update(sub.id, {"discounts": ""}).discounts == []
    assert worth(owner, sub) == full // 2
    owner.sandbox.advance(to=sub.period_end + 2 * HOUR)
    assert worth(owner, sub) == full


def test_coupons_have_terms_that_go_together(client: Any) -> None:
    for terms in (
        {"duration": "once"},
        {"percent_off": 10, "amount_off": 5, "currency": "usd"},
        {"amount_off": 5},
        {"percent_off": 10, "duration": "repeating"},
        {"percent_off": 101},
        {"percent_off": 10, "redeem_by": 1},
    ):
        with pytest.raises(stripe.InvalidRequestError):
            client.v1.coupons.create(terms)
    made = client.v1.coupons.create({"id": "FIVER", "amount_off": 500, "currency": "usd", "duration": "once"})
    assert (made.id, made.amount_off, faults(made.to_dict(for_json=True))) == ("FIVER", 500, [])
    with pytest.raises(stripe.InvalidRequestError) as twice:
        client.v1.coupons.create({"id": "FIVER", "percent_off": 5})
    assert twice.value.code == "resource_already_exists"
    assert client.v1.coupons.update("FIVER", {"name": "Five off"}).name == "Five off"


@pytest.mark.parametrize(
    ("behavior", "status", "counts"),
    [("void", "void", False), ("mark_uncollectible", "uncollectible", False), ("keep_as_draft", "draft", True)],
)
def test_bills_of_a_pause_go_the_way_it_says_until_it_is_taken_back(
    owner: Owner, client: Any, behavior: str, status: str, *, counts: bool
) -> None:
    sub = midway(owner)
    full = worth(owner, sub)
    paused = client.v1.subscriptions.update(sub.id, {"pause_collection": {"behavior": behavior}})
    assert (paused.status, paused.pause_collection.behavior) == ("active", behavior)
    assert worth(owner, sub) == full
    owner.sandbox.advance(to=sub.period_end + 2 * HOUR)
    assert client.v1.invoices.retrieve(owner.latest(sub.id)).status == status
    assert worth(owner, sub) == (full if counts else 0)
    assert client.v1.subscriptions.update(sub.id, {"pause_collection": ""}).pause_collection is None
    owner.sandbox.advance(to=sub.period_end + 2 * HOUR)
    invoice = client.v1.invoices.retrieve(owner.latest(sub.id))
    assert (invoice.status, worth(owner, sub)) == ("paid", full)


def test_a_pause_ends_by_itself_when_it_was_to(owner: Owner, client: Any) -> None:
    sub = midway(owner)
    until = owner.sandbox.now + 3 * DAY
    wish = {"pause_collection": {"behavior": "keep_as_draft", "resumes_at": until}}
    assert client.v1.subscriptions.update(sub.id, wish).pause_collection.resumes_at == until
    owner.sandbox.advance(to=until)
    assert client.v1.subscriptions.retrieve(sub.id).pause_collection is None
    with pytest.raises(stripe.InvalidRequestError, match="resumes_at must be in the future"):
        client.v1.subscriptions.update(sub.id, wish)


def test_a_subscription_that_stands_still_is_billed_anew_when_it_goes_on(owner: Owner, client: Any) -> None:
    sub = midway(owner, flexible=True)
    full, whole, step = worth(owner, sub), unit(sub) * (sub.items[0].quantity or 0), STEP.get(sub.currency, 1)
    unused = half_up(whole * left(sub, owner), step)
    paused = owner.client.raw_request("post", f"/v1/subscriptions/{sub.id}/pause").data
    assert (paused["status"], paused["status_details"]["paused"]["subscription"]["type"]) == (
        "paused",
        "pause_requested",
    )
    assert worth(owner, sub) == 0
    owner.sandbox.advance(days=40)
    with pytest.raises(stripe.InvalidRequestError, match="resume it first"):
        client.v1.subscriptions.update(sub.id, {"items": [{"id": sub.items[0].id, "quantity": 5}]})
    going = client.v1.subscriptions.resume(sub.id)
    assert (going.status, going.items.data[0].current_period_start) == ("active", owner.sandbox.now)
    invoice = client.v1.invoices.retrieve(going.latest_invoice)
    amounts = [line.amount for line in invoice.lines.data]
    assert (invoice.status, amounts) == ("paid", [-unused, whole])
    assert worth(owner, sub) == full
    with pytest.raises(stripe.InvalidRequestError, match="Only paused"):
        client.v1.subscriptions.resume(sub.id)


def test_leaving_with_the_period_can_be_taken_back_until_it_is_over(owner: Owner, client: Any) -> None:
    sub = midway(owner)
    details = {"feedback": "too_expensive", "comment": "Sorry"}
    leaving = client.v1.subscriptions.update(sub.id, {"cancel_at_period_end": True, "cancellation_details": details})
    assert (leaving.cancel_at, leaving.canceled_at) == (sub.period_end, owner.sandbox.now)
    told = leaving.cancellation_details
    assert (told.reason, told.feedback, told.comment) == ("cancellation_requested", "too_expensive", "Sorry")
    with pytest.raises(stripe.InvalidRequestError) as none:
        client.v1.invoices.create_preview({"subscription": sub.id})
    assert none.value.code == "invoice_upcoming_none"
    staying = client.v1.subscriptions.update(sub.id, {"cancel_at_period_end": False})
    assert (staying.cancel_at, staying.canceled_at, staying.cancellation_details.feedback) == (None, None, None)
    client.v1.subscriptions.update(sub.id, {"cancel_at_period_end": True, "cancellation_details": details})
    owner.sandbox.advance(to=sub.period_end)
    gone = client.v1.subscriptions.retrieve(sub.id)
    assert (gone.status, gone.ended_at) == ("canceled", sub.period_end)
    churn = next(each for each in reversed(owner.sandbox.world.books.churns) if each.subscription_id == sub.id)
    assert (churn.kind, churn.feedback, churn.comment) == ("voluntary", "too_expensive", "Sorry")


def test_leaving_at_once_gives_unused_time_back_when_asked_to(owner: Owner, client: Any) -> None:
    sub = midway(owner, currency="usd")
    unused = half_up(unit(sub) * (sub.items[0].quantity or 0) * left(sub, owner))
    preview = client.v1.invoices.create_preview({"subscription": sub.id, "subscription_details": {"cancel_now": True}})
    gone = client.v1.subscriptions.cancel(
        sub.id, {"prorate": True, "invoice_now": True, "cancellation_details": {"feedback": "unused"}}
    )
    assert (gone.status, gone.ended_at, gone.cancellation_details.feedback) == ("canceled", owner.sandbox.now, "unused")
    invoice = client.v1.invoices.retrieve(gone.latest_invoice)
    assert invoice.subtotal == preview.subtotal == -unused
    assert client.v1.customers.retrieve(sub.customer.id).balance == invoice.total
    assert worth(owner, sub) == 0
    with pytest.raises(stripe.InvalidRequestError) as twice:
        client.v1.subscriptions.cancel(sub.id)
    assert (twice.value.http_status, twice.value.code) == (404, "resource_missing")
    with pytest.raises(stripe.InvalidRequestError, match="can only update its cancellation_details"):
        client.v1.subscriptions.update(sub.id, {"cancel_at_period_end": True})
    noted = client.v1.subscriptions.update(sub.id, {"cancellation_details": {"comment": "Later"}})
    assert noted.cancellation_details.comment == "Later"


def test_a_day_to_leave_may_lie_in_the_middle_of_a_period(owner: Owner, client: Any) -> None:
    sub = midway(owner)
    at = owner.sandbox.now + 2 * DAY
    assert client.v1.subscriptions.update(sub.id, {"cancel_at": at}).cancel_at == at
    owner.sandbox.advance(days=3)
    assert client.v1.subscriptions.retrieve(sub.id).ended_at == at


def test_a_change_that_the_card_declines_leaves_the_subscription_past_due(owner: Owner, client: Any) -> None:
    sub = midway(owner)
    owner.card(sub.customer.id, "pm_card_chargeCustomerFail")
    wish = {"items": [{"id": sub.items[0].id, "quantity": 40}], "proration_behavior": "always_invoice"}
    changed = client.v1.subscriptions.update(sub.id, wish)
    assert changed.status == "past_due"
    assert client.v1.invoices.retrieve(changed.latest_invoice).status == "open"


def test_the_subscriptions_own_card_is_charged_before_the_customers(owner: Owner, client: Any) -> None:
    sub = midway(owner)
    own = client.v1.payment_methods.attach("pm_card_jcb", {"customer": sub.customer.id})
    client.v1.subscriptions.update(sub.id, {"default_payment_method": own.id})
    owner.sandbox.advance(to=sub.period_end + 2 * HOUR)
    assert client.v1.charges.list({"customer": sub.customer.id, "limit": 1}).data[0].payment_method == own.id


def trial(owner: Owner) -> Subscription:
    """A subscription on trial, with a card that is good, whose customer has not made up their mind to leave."""
    stage = owner.sandbox.world.stage
    for _ in range(60):
        leaving = {what[0].id for _, _, act, what in stage._agenda if act == "signups.give_up_trial"}
        for sub in stage.subscriptions:
            fresh = sub.status == "trialing" and sub.customer.card is not None and sub.customer.id not in owner.taken
            stays = sub.id not in leaving and not sub.cancel_at
            if fresh and stays and (sub.trial_end or 0) > owner.sandbox.now + 3 * DAY:
                owner.taken.add(sub.customer.id)
                owner.card(sub.customer.id)
                return cast("Subscription", sub)
        owner.sandbox.advance(days=1)
    raise LookupError("nobody tries anything")


def test_a_longer_trial_costs_nothing_until_its_new_end(owner: Owner, client: Any) -> None:
    sub = trial(owner)
    until = (sub.trial_end or 0) + 9 * DAY
    longer = client.v1.subscriptions.update(sub.id, {"trial_end": until})
    assert (longer.status, longer.trial_end, longer.items.data[0].current_period_end) == ("trialing", until, until)
    assert client.v1.invoices.retrieve(longer.latest_invoice).total == 0
    preview = client.v1.invoices.create_preview({"subscription": sub.id})
    owner.sandbox.advance(to=until + 2 * HOUR)
    paying = client.v1.subscriptions.retrieve(sub.id)
    invoice = client.v1.invoices.retrieve(paying.latest_invoice)
    assert (paying.status, invoice.status, invoice.total) == ("active", "paid", preview.total)
    booked = next(each for each in owner.sandbox.world.books.trials if each.subscription_id == sub.id)
    assert (booked.ends_at, booked.outcome) == (until, "converted")


def test_a_trial_can_end_now(owner: Owner, client: Any) -> None:
    sub = trial(owner)
    paying = client.v1.subscriptions.update(sub.id, {"trial_end": "now"})
    assert (paying.status, paying.trial_end) == ("active", owner.sandbox.now)
    invoice = client.v1.invoices.retrieve(paying.latest_invoice)
    assert (invoice.status, invoice.period_end) == ("paid", owner.sandbox.now)
    assert worth(owner, sub) > 0
    with pytest.raises(stripe.InvalidRequestError, match="not trialing"):
        client.v1.subscriptions.update(sub.id, {"trial_end": "now"})


def test_the_lines_of_a_preview_can_be_listed_beyond_the_ten_that_an_answer_holds(owner: Owner, client: Any) -> None:
    sub = midway(owner, currency="usd")
    item, before = sub.items[0], sub.items[0].quantity or 0
    for more in (1, 2, 3, 4, 5, 6):
        client.v1.subscriptions.update(sub.id, {"items": [{"id": item.id, "quantity": before + more}]})
    preview = client.v1.invoices.create_preview({"subscription": sub.id})
    assert (len(preview.lines.data), preview.lines.has_more) == (10, True)
    lines = client.v1.invoices.line_items.list(preview.id, {"limit": 100}).data
    assert sum(line.amount for line in lines) == preview.subtotal
    assert len(lines) == 13
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.invoices.line_items.list("upcoming_in_other")
