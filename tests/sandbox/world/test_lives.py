"""Everything that can happen to a customer happens in the default company, so that whoever reads it meets it."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from sandbox.world.world import World

Objects = Callable[[str], list[dict[str, Any]]]


@pytest.mark.parametrize(
    "cause",
    ["new", "cancel", "quantity", "plan", "price", "add_on", "interval", "discount_end", "discount_start", "pause",
     "resume", "unpaid"],
)  # fmt: skip
def test_worth_changes_for_every_cause(world: World, cause: str) -> None:
    assert any(change.cause == cause for change in world.books.changes)


@pytest.mark.parametrize(
    "kind",
    ["voluntary", "voluntary_in_dunning", "involuntary_payment", "involuntary_dispute", "contract_end", "paused"],
)
def test_customers_leave_in_every_way(world: World, kind: str) -> None:
    assert any(churn.kind == kind for churn in world.books.churns)


@pytest.mark.parametrize("kind", ["new", "expansion", "contraction", "churn", "reactivation"])
def test_every_movement_happens(world: World, kind: str) -> None:
    assert any(movement.kind == kind for movement in world.books.movements("America/New_York"))


@pytest.mark.parametrize("how", ["converted", "canceled_in_trial", "no_payment_method"])
def test_trials_come_to_every_end(world: World, how: str) -> None:
    assert any(trial.how == how for trial in world.books.trials)


SIGHTS: dict[str, tuple[str, Callable[[dict[str, Any]], bool]]] = {
    "active": ("subscription", lambda sub: sub["status"] == "active"),
    "past due": ("subscription", lambda sub: sub["status"] == "past_due"),
    "canceled": ("subscription", lambda sub: sub["status"] == "canceled"),
    "unpaid": ("subscription", lambda sub: sub["status"] == "unpaid"),
    "never begun": ("subscription", lambda sub: sub["status"] == "incomplete_expired"),
    "trialing": ("subscription", lambda sub: sub["status"] == "trialing"),
    "paused on request": ("subscription", lambda sub: paused(sub) == "pause_requested"),
    "paused after a trial": ("subscription", lambda sub: paused(sub) == "trial_end_without_payment_method"),
    "collection paused, void": ("subscription", lambda sub: (sub["pause_collection"] or {}).get("behavior") == "void"),
    "collection paused, drafts": (
        "subscription",
        lambda sub: (sub["pause_collection"] or {}).get("behavior") == "keep_as_draft",
    ),
    "leaving at the period's end": ("subscription", lambda sub: sub["cancel_at_period_end"]),
    "leaving at a date": ("subscription", lambda sub: sub["cancel_at"] and not sub["cancel_at_period_end"]),
    "feedback": ("subscription", lambda sub: sub["cancellation_details"]["feedback"] == "too_expensive"),
    "comment": ("subscription", lambda sub: "<b>" in (sub["cancellation_details"]["comment"] or "")),
    "backdated": ("subscription", lambda sub: sub["start_date"] < sub["created"]),
    "classic billing": ("subscription", lambda sub: sub["billing_mode"]["type"] == "classic"),
    "more than ten items": ("subscription", lambda sub: len(sub["items"]["data"]) > 10),
    "metered item": ("subscription", lambda sub: any(item["quantity"] is None for item in sub["items"]["data"])),
    "price of another currency": (
        "subscription",
        lambda sub: any(item["price"]["currency"] != sub["currency"] for item in sub["items"]["data"]),
    ),
    "two discounts": ("subscription", lambda sub: len(sub["discounts"]) == 2),
    "bills sent": ("subscription", lambda sub: sub["collection_method"] == "send_invoice"),
    "more than ten lines": ("invoice", lambda invoice: len(invoice["lines"]["data"]) > 10),
    "a line's own discount": ("invoice", lambda invoice: any(line["discounts"] for line in invoice["lines"]["data"])),
    "draft": ("invoice", lambda invoice: invoice["status"] == "draft"),
    "open": ("invoice", lambda invoice: invoice["status"] == "open"),
    "void": ("invoice", lambda invoice: invoice["status"] == "void"),
    "uncollectible": ("invoice", lambda invoice: invoice["status"] == "uncollectible"),
    "given up in a pause": (
        "invoice",
        lambda invoice: (
            (invoice["status_details"] or {}).get("uncollectible", {}).get("reason") == "subscription_paused"
        ),
    ),
    "made by hand": ("invoice", lambda invoice: invoice["billing_reason"] == "manual"),
    "changed at once": ("invoice", lambda invoice: invoice["billing_reason"] == "subscription_update"),
    "less than nothing": ("invoice", lambda invoice: invoice["total"] < 0),
    "paid from the balance": ("invoice", lambda invoice: invoice["starting_balance"] < 0),
    "paid elsewhere": ("invoice_payment", lambda payment: payment["payment"]["type"] == "payment_record"),
    "pending": ("invoiceitem", lambda bill: bill["invoice"] is None),
    "soft decline": ("charge", lambda charge: charge["outcome"]["reason"] == "insufficient_funds"),
    "hard decline": ("charge", lambda charge: charge["outcome"]["reason"] == "lost_card"),
    "expired card": ("charge", lambda charge: charge["failure_code"] == "expired_card"),
    "refunded in part": ("charge", lambda charge: 0 < charge["amount_refunded"] < charge["amount"]),
    "refunded": ("charge", lambda charge: charge["refunded"]),
    "refund failed": ("refund", lambda refund: refund["status"] == "failed"),
    "dispute won": ("dispute", lambda dispute: dispute["status"] == "won"),
    "dispute lost": ("dispute", lambda dispute: dispute["status"] == "lost"),
    "inquiry": ("dispute", lambda dispute: dispute["status"] == "warning_closed"),
    "dispute prevented": ("dispute", lambda dispute: dispute["status"] == "prevented"),
    "dispute open": ("dispute", lambda dispute: dispute["status"] in ("needs_response", "under_review")),
    "credited after payment": ("credit_note", lambda note: note["type"] == "post_payment"),
    "credited before payment": ("credit_note", lambda note: note["type"] == "pre_payment"),
    "archived": ("price", lambda price: not price["active"]),
    "agreed by letter": ("price", lambda price: price.get("_inline", False)),
    "below a cent": ("price", lambda price: price["unit_amount"] is None and price["unit_amount_decimal"] is not None),
    "formula": ("customer", lambda customer: (customer["name"] or "").startswith("=")),
    "nameless": ("customer", lambda customer: customer["name"] is None),
    "right to left": ("customer", lambda customer: "\u202e" in (customer["name"] or "")),
}


def paused(sub: dict[str, Any]) -> str | None:
    return sub["status_details"]["paused"]["subscription"]["type"] if sub["status_details"] else None


@pytest.mark.parametrize("sight", SIGHTS)
def test_the_account_shows_it(objects: Objects, sight: str) -> None:
    kind, seen = SIGHTS[sight]
    assert any(seen(each) for each in objects(kind))


def test_all_currencies_and_rhythms_are_sold(objects: Objects) -> None:
    subscriptions = objects("subscription")
    assert {sub["currency"] for sub in subscriptions} == {"usd", "eur", "gbp", "jpy", "kwd"}
    rhythms = {
        (item["price"]["recurring"]["interval"], item["price"]["recurring"]["interval_count"])
        for sub in subscriptions
        for item in sub["items"]["data"]
    }
    assert rhythms == {("month", 1), ("month", 3), ("month", 6), ("year", 1), ("week", 1), ("day", 1), ("day", 30)}


def test_some_customers_were_deleted_and_a_used_coupon_too(world: World, objects: Objects) -> None:
    known = {customer["id"] for customer in objects("customer")}
    assert {sub["customer"] for sub in objects("subscription")} - known
    used = {each["source"]["coupon"] for invoice in objects("invoice") for each in invoice["discounts"]}
    assert used - set(world.store.ids("coupon"))


def test_growth_shows_over_the_months(objects: Objects) -> None:
    created = sorted(customer["created"] for customer in objects("customer"))
    middle = (created[0] + created[-1]) // 2
    assert sum(at > middle for at in created) > 1.2 * sum(at <= middle for at in created)


def test_events_tell_of_everything_that_has_events(objects: Objects) -> None:
    kinds = Counter(event["type"] for event in objects("event"))
    told = {"customer.subscription.created", "customer.subscription.updated", "customer.subscription.deleted",
            "invoice.created", "invoice.finalized", "invoice.paid", "invoice.payment_failed", "charge.succeeded",
            "charge.failed", "charge.refunded", "payment_intent.succeeded", "invoice_payment.paid", "customer.created",
            "payout.paid", "refund.created", "invoiceitem.created"}  # fmt: skip
    assert told <= kinds.keys()


def test_updates_say_what_was_before(objects: Objects) -> None:
    updates = [event for event in objects("event") if event["type"] == "customer.subscription.updated"]
    assert any("current_period_end" in event["data"]["previous_attributes"] for event in updates)
    assert all(event["api_version"] == "2024-06-20" for event in updates)
