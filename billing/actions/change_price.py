"""Change the price or the quantity of a subscription's item, with the proration that Stripe's preview says.

https://docs.stripe.com/billing/subscriptions/prorations: preview and change take the same proration date, here the
plan's, so that what is approved is what is billed.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from billing.actions import previews, subscriptions
from billing.actions.action import Action, Effect, Facts, Params, Subject
from billing.canonical import Json
from billing.wire import Body, Request, Wire, path

Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9_\-]{1,200}$")]


class Change(Params):
    """The new price or quantity, or both; of which item, where the subscription has several; and what is prorated."""

    price: Id | None = None
    quantity: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    item: Id | None = None
    proration: Literal["create_prorations", "always_invoice", "none"] = "create_prorations"

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.price is None and self.quantity is None:
            raise ValueError("say a price, a quantity or both")
        return self


def look(wire: Wire, subject: Subject, params: Change, at: datetime) -> Facts:
    """The subscription, and what Stripe says the change would bill."""
    subscription = wire.get(path("subscriptions", subject.id))
    facts = Facts(at, subscription)
    if refusal(facts, params):
        return facts
    details = _changed(subject, subscription, params)
    asked = {"subscription": subject.id, "subscription_details": details}
    more = {"preview": previews.previewed(wire, asked), "prorated_at": details.get("proration_date")}
    return Facts(at, subscription, more)


def refusal(facts: Facts, params: Change) -> str | None:
    """The item must be known, and something must change."""
    if why := subscriptions.not_living(facts, subscriptions.LIVING - {"unpaid"}):
        return why
    if chosen_item(facts.object, params) is None:
        return "say_which_item"
    return "nothing_would_change" if nothing_changes(facts.object, params) else None


def preview(facts: Facts, params: Change) -> Effect:
    """The change's own prorations: what is billed, or credited where it is negative, for the running period."""
    told, since = facts.more["preview"], facts.more["prorated_at"]
    prorations = [] if since is None else previews.prorations(told, since)
    amount = sum(prorations)
    changes = {"the price": params.price, f"the quantity to {params.quantity}": params.quantity}
    what = " and ".join(name for name, value in changes.items() if value is not None)
    details: dict[str, Json] = {
        "prorations": prorations,
        "next_invoice": int(told["total"]),
    }
    return Effect(f"change {what}; prorations: {params.proration}", amount, max(-amount, 0), told["currency"], details)


def request(subject: Subject, facts: Facts, params: Change) -> Request:
    """As it was previewed."""
    return subscriptions.updated(subject, **_changed(subject, facts.object, params))


def chosen_item(subscription: Body, params: Change) -> Mapping[str, Any] | None:
    """The item that is changed: the one that is said, or the only one."""
    items = subscription["items"]["data"]
    if params.item is None:
        return items[0] if len(items) == 1 else None
    return next((item for item in items if item["id"] == params.item), None)


def nothing_changes(subscription: Body, params: Change) -> bool:
    """Whether the item is as it is to be."""
    item = chosen_item(subscription, params) or {"price": {"id": None}}
    same_price = params.price in (None, item["price"]["id"])
    return same_price and params.quantity in (None, item.get("quantity"))


def said_items(subscription: Body, params: Change) -> list[dict[str, Any]]:
    """The change as Stripe takes it."""
    item = chosen_item(subscription, params)
    told = {"id": item["id"] if item else "", "price": params.price, "quantity": params.quantity}
    return [{name: value for name, value in told.items() if value is not None}]


def _changed(subject: Subject, subscription: Body, params: Change) -> dict[str, Any]:
    changed: dict[str, Any] = {"items": said_items(subscription, params), "proration_behavior": params.proration}
    if params.proration != "none":
        changed["proration_date"] = int(subject.planned_at.timestamp())
    return changed


ACTION = Action(
    "change_price",
    "change the price or quantity of a subscription's item",
    "subscription",
    Change,
    look,
    refusal,
    preview,
    request,
    subscriptions.traced(lambda subscription: False),
    subscriptions.kept,
)
