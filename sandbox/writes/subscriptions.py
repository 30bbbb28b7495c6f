"""Subscriptions: items, prorations, trials, discounts, pauses, cancellations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sandbox.api.errors import ApiError, invalid, no_such, refused
from sandbox.world import amendments
from sandbox.world.amendments import ItemChange, Settlement
from sandbox.world.business import Coupon
from sandbox.world.stage import Stage
from sandbox.world.state import Card, Discount, Invoice, Subscription
from sandbox.writes.catalogue import priced, the_coupon
from sandbox.writes.lookup import card_of, the
from sandbox.writes.parameters import (
    Choice,
    Fields,
    Flag,
    Given,
    Ignored,
    Instant,
    Many,
    Notes,
    Parameter,
    Text,
    Whole,
    noted,
)
from sandbox.writes.write import Shape, Write

UPDATED = "customer.subscription.updated"
ENDED = ("canceled", "incomplete_expired")


@dataclass(frozen=True)
class Plan:
    """A change understood and found possible, so that nothing can go wrong while it is made."""

    items: tuple[ItemChange, ...]
    settlement: Settlement
    discounts: tuple[list[Discount], list[Coupon]] | None
    card: Card | None
    given: Given


def update(stage: Stage, ids: tuple[str, ...], given: Given) -> Shape:
    """`POST /v1/subscriptions/{id}`: everything is checked first, then done in one go.

    Errors: 400 for what a subscription in its state cannot have, and for items, prices, coupons or cards that are not
    there.
    """
    sub = the(stage, Subscription, ids[0], "id")
    invoice = change(stage, sub, plan(stage, sub, given))
    stage.touch(sub, UPDATED)
    amendments.bill(stage, sub, invoice)
    return stage.shape(sub)


def plan(stage: Stage, sub: Subscription, given: Given) -> Plan:
    """What the parameters ask for. Errors: as `update`."""
    _check_state(sub, given)
    _check_times(stage, sub, given)
    settlement = settlement_of(stage, sub, given)
    items = _items(stage, sub, given.get("items", []))
    discounts = _discounts(stage, sub, given["discounts"]) if "discounts" in given else None
    card = None
    if given.get("default_payment_method"):
        card = card_of(stage, sub.customer, given["default_payment_method"], "default_payment_method")
    return Plan(items, settlement, discounts, card, given)


def change(stage: Stage, sub: Subscription, plan: Plan) -> Invoice | None:
    """The change made; gives the draft that bills it now, when one does. Works on a rehearsed stage, too."""
    given = plan.given
    if "metadata" in given:
        sub.metadata = noted(sub.metadata, given["metadata"])
    if "default_payment_method" in given:
        sub.card = plan.card
    if plan.discounts is not None:
        amendments.discount(stage, sub, *plan.discounts)
    if "pause_collection" in given:
        _pause_collection(stage, sub, given["pause_collection"])
    invoice = None
    if plan.items:
        invoice = amendments.change_items(stage, sub, plan.items, plan.settlement)
    if "trial_end" in given:
        until = given["trial_end"]
        at_once = until == "now" or until <= stage.now
        invoice = amendments.end_trial(stage, sub) if at_once else amendments.extend_trial(stage, sub, until)
    _say_why(sub, given.get("cancellation_details") or {})
    _cancel_later(stage, sub, given)
    return invoice


def cancel(stage: Stage, ids: tuple[str, ...], given: Given) -> Shape:
    """`DELETE /v1/subscriptions/{id}`: it ends now. Errors: 404 for one that has ended."""
    sub = the(stage, Subscription, ids[0], "id")
    if sub.status in ENDED:
        raise no_such("subscription", sub.id, "id")
    details = given.get("cancellation_details") or {}
    amendments.cancel(
        stage,
        sub,
        details.get("feedback", sub.feedback),
        details.get("comment", sub.comment),
        prorate=given.get("prorate", False),
        invoice_now=given.get("invoice_now", False),
    )
    return stage.shape(sub)


def pause(stage: Stage, ids: tuple[str, ...], given: Given) -> Shape:
    """`POST /v1/subscriptions/{id}/pause`: nothing is billed until it is resumed, and unused time is given back.

    Errors: 400 for classic billing, and for one that does not run.
    """
    sub = the(stage, Subscription, ids[0], "subscription")
    if not sub.flexible:
        raise refused("Only subscriptions with flexible billing mode can be paused.")
    if sub.status not in ("active", "past_due"):
        raise refused(f"A subscription that is {sub.status} cannot be paused.")
    since = ((given.get("bill_for") or {}).get("unused_time_from") or {}).get("type", "now")
    unused_from = {"now": stage.now, "item_current_period_start": sub.period_start}.get(since)
    at_once = given.get("invoicing_behavior") == "invoice"
    invoice = amendments.pause(stage, sub, unused_from, invoice_now=at_once)
    stage.touch(sub, "customer.subscription.paused", UPDATED)
    amendments.bill(stage, sub, invoice)
    return stage.shape(sub)


def resume(stage: Stage, ids: tuple[str, ...], given: Given) -> Shape:
    """`POST /v1/subscriptions/{id}/resume`: a new period begins now and is billed. Errors: 400 unless it is paused."""
    sub = the(stage, Subscription, ids[0], "subscription")
    if sub.status != "paused":
        raise refused(f"Only paused subscriptions can be resumed; {sub.id} is {sub.status}.")
    invoice = amendments.resume(stage, sub)
    stage.touch(sub, "customer.subscription.resumed", UPDATED)
    amendments.bill(stage, sub, invoice)
    return stage.shape(sub)


def _check_state(sub: Subscription, given: Given) -> None:
    allowed = {"metadata", "cancellation_details"}
    if sub.status in ENDED and given.keys() - allowed:
        raise refused("A canceled subscription can only update its cancellation_details and metadata.")
    if sub.status == "incomplete" and given.keys() - {"metadata", "default_payment_method"}:
        raise refused("A subscription in status incomplete can only update its metadata and payment method.")
    if sub.status == "paused" and given.keys() & {"items", "trial_end", "pause_collection"}:
        raise refused("This subscription is paused: resume it first.")


def _check_times(stage: Stage, sub: Subscription, given: Given) -> None:
    until = given.get("trial_end")
    if until is not None and sub.status != "trialing":
        raise refused(
            "The sandbox moves the end of a running trial; this subscription is not trialing.", None, "trial_end"
        )
    if isinstance(until, int) and until <= stage.now:
        raise invalid("Invalid timestamp: trial_end must be in the future, or 'now'.", "trial_end")
    ends = given.get("cancel_at")
    if isinstance(ends, int) and ends <= stage.now:
        raise invalid("Invalid timestamp: cancel_at must be in the future.", "cancel_at")
    if ends is not None and given.get("cancel_at_period_end"):
        raise ApiError(400, "You may only specify one of cancel_at and cancel_at_period_end.", "parameters_exclusive")
    pause = given.get("pause_collection") or {}
    if pause.get("resumes_at") is not None and pause["resumes_at"] <= stage.now:
        raise invalid("Invalid timestamp: resumes_at must be in the future.", "pause_collection[resumes_at]")


def settlement_of(stage: Stage, sub: Subscription, given: Given) -> Settlement:
    """How a change is settled. Errors: 400 for a proration date outside of the period."""
    behavior = given.get("proration_behavior", "create_prorations")
    at = given.get("proration_date", stage.now)
    if "proration_date" in given and not sub.period_start <= at <= sub.period_end:
        message = "Invalid proration_date: it must be within the current period of the subscription."
        raise invalid(message, "proration_date")
    return Settlement(behavior != "none", behavior == "always_invoice", at)


def _items(stage: Stage, sub: Subscription, said: list[dict[str, Any]]) -> tuple[ItemChange, ...]:
    changes = tuple(_item(stage, sub, each, f"items[{place}]") for place, each in enumerate(said))
    gone = {change.item for change in changes if change.deleted}
    left = [item for item in sub.items if item not in gone]
    changed = {change.item: change for change in changes if not change.deleted}
    prices = [changed[item].price if item in changed else item.price for item in left]
    prices += [change.price for change in changes if change.item is None]
    if changes and not prices:
        raise refused("A subscription must have at least one item.", None, "items")
    if len({(price.interval, price.interval_count) for price in prices}) > 1:
        raise refused("Currently, all items of a subscription here must have the same billing interval.", None, "items")
    if len({price.id for price in prices}) < len(prices):
        raise refused("Cannot add multiple subscription items with the same price.", None, "items")
    return changes


def _item(stage: Stage, sub: Subscription, said: dict[str, Any], name: str) -> ItemChange:
    item = None
    if "id" in said:
        item = next((each for each in sub.items if each.id == said["id"]), None)
        if item is None:
            raise no_such("subscription item", said["id"], f"{name}[id]", 400)
    if said.get("deleted"):
        if item is None:
            raise invalid(f"Missing required param: {name}[id].", f"{name}[id]", "parameter_missing")
        return ItemChange(item, item.price, item.quantity, deleted=True)
    price = priced(stage, sub, said, name) or (item.price if item else None)
    if price is None:
        raise invalid(f"Missing required param: {name}[price].", f"{name}[price]", "parameter_missing")
    if price.usage_type == "metered":
        if "quantity" in said:
            raise invalid("Quantity should not be specified where usage_type is metered.", f"{name}[quantity]")
        return ItemChange(item, price, None)
    held = item.quantity if item is not None and item.quantity is not None else 1
    return ItemChange(item, price, said.get("quantity", held))


def _discounts(stage: Stage, sub: Subscription, said: list[dict[str, Any]]) -> tuple[list[Discount], list[Coupon]]:
    kept, added = [], []
    for place, each in enumerate(said):
        if "discount" in each:
            held = next((one for one in sub.discounts if one.id == each["discount"]), None)
            if held is None:
                raise no_such("discount", each["discount"], f"discounts[{place}][discount]", 400)
            kept.append(held)
        elif "coupon" in each:
            added.append(the_coupon(stage, each["coupon"], f"discounts[{place}][coupon]", sub.currency))
        else:
            raise invalid("Say coupon or discount.", f"discounts[{place}]", "parameter_missing")
    return kept, added


def _pause_collection(stage: Stage, sub: Subscription, said: dict[str, Any] | None) -> None:
    if said is None:
        amendments.collect_again(stage, sub)
    else:
        amendments.pause_collection(stage, sub, said["behavior"], said.get("resumes_at"))


def _say_why(sub: Subscription, details: dict[str, Any]) -> None:
    sub.feedback = details.get("feedback", sub.feedback)
    sub.comment = details.get("comment", sub.comment)


def _cancel_later(stage: Stage, sub: Subscription, given: Given) -> None:
    if given.get("cancel_at_period_end"):
        amendments.cancel_at_period_end(stage, sub)
    elif isinstance(given.get("cancel_at"), int):
        amendments.cancel_at(stage, sub, given["cancel_at"])
    elif "cancel_at" in given or "cancel_at_period_end" in given:
        amendments.go_on(stage, sub)


DETAILS = Fields(
    {
        "comment": Text(unset=True),
        "feedback": Choice(
            (
                "customer_service",
                "low_quality",
                "missing_features",
                "other",
                "switched_service",
                "too_complex",
                "too_expensive",
                "unused",
            ),
            unset=True,
        ),
    }
)
ITEMS = Many(
    Fields(
        {
            "deleted": Flag(),
            "id": Text(),
            "price": Text(),
            "price_data": Fields(
                {
                    "currency": Text(),
                    "product": Text(),
                    "recurring": Fields(
                        {"interval": Choice(("day", "week", "month", "year")), "interval_count": Whole(1, 36)},
                        required=("interval",),
                    ),
                    "unit_amount": Whole(least=0),
                },
                required=("currency", "product", "recurring", "unit_amount"),
            ),
            "quantity": Whole(least=0),
        }
    )
)
CHANGES: dict[str, Parameter] = {
    "cancel_at": Instant(unset=True),
    "cancel_at_period_end": Flag(),
    "items": ITEMS,
    "proration_behavior": Choice(("always_invoice", "create_prorations", "none")),
    "proration_date": Instant(),
    "trial_end": Instant(("now",)),
}
"""What a preview takes, too."""
DISCOUNTS = Many(Fields({"coupon": Text(), "discount": Text()}), unset=True)
_SUBSCRIPTION = "/v1/subscriptions/{id}"
WRITES = (
    Write(
        "POST",
        _SUBSCRIPTION,
        "subscription_write",
        "subscription",
        update,
        {
            **CHANGES,
            "cancellation_details": DETAILS,
            "default_payment_method": Text(unset=True),
            "discounts": DISCOUNTS,
            "metadata": Notes(),
            "off_session": Ignored(),
            "pause_collection": Fields(
                {"behavior": Choice(("keep_as_draft", "mark_uncollectible", "void")), "resumes_at": Instant()},
                required=("behavior",),
                unset=True,
            ),
            "payment_behavior": Choice(("allow_incomplete",)),
        },
    ),
    Write(
        "DELETE",
        _SUBSCRIPTION,
        "subscription_write",
        "subscription",
        cancel,
        {"cancellation_details": DETAILS, "invoice_now": Flag(), "prorate": Flag()},
    ),
    Write(
        "POST",
        f"{_SUBSCRIPTION}/pause",
        "subscription_write",
        "subscription",
        pause,
        {
            "bill_for": Fields(
                {
                    "unused_time_from": Fields(
                        {"type": Choice(("item_current_period_start", "none", "now"))}, required=("type",)
                    )
                }
            ),
            "invoicing_behavior": Choice(("invoice", "pending_invoice_item")),
            "type": Choice(("subscription",)),
        },
    ),
    Write(
        "POST",
        f"{_SUBSCRIPTION}/resume",
        "subscription_write",
        "subscription",
        resume,
        {
            "billing_cycle_anchor": Fields({"type": Choice(("now",))}, required=("type",)),
            "payment_behavior": Choice(("resume_on_payment_attempt",)),
            "proration_behavior": Choice(("always_invoice", "create_prorations", "none")),
        },
    ),
)
