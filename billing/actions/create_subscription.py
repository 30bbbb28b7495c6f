"""Begin a subscription, once for each reference, with the first invoice that Stripe's preview says.

https://docs.stripe.com/api/subscriptions/create. A trial may end without a payment method as `trial_settings` says:
https://docs.stripe.com/billing/subscriptions/trials/free-trials#create-free-trials-without-payment.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from billing.actions.action import MARK, Action, Effect, Facts, Params, Subject, Trace
from billing.actions.change_price import Id
from billing.canonical import Json
from billing.wire import Body, Request, Wire, path

OVER = frozenset({"canceled", "incomplete_expired"})


class Item(Params):
    """A price, and how many of it; no quantity for what is metered."""

    price: Id
    quantity: Annotated[int, Field(ge=0, le=1_000_000)] | None = None


class NewSubscription(Params):
    """What is subscribed to, and how it begins and is paid.

    Attributes:
        trial_days: so many days free at first.
        trial_without_card: what becomes of it where the trial ends and there is no payment method.
        days_until_due: invoices are sent, to be paid in so many days; else a payment method is charged.
        first_payment: `attempt` begins it all the same where the card declines (incomplete, for a day), `await` leaves
            the payment to the customer's browser, `insist` begins nothing where the card declines.
        second: True where the customer may have the same price twice.
    """

    reference: Id
    items: Annotated[list[Item], Field(min_length=1, max_length=20)]
    trial_days: Annotated[int, Field(ge=1, le=730)] | None = None
    trial_without_card: Literal["create_invoice", "cancel", "pause"] = "create_invoice"
    coupon: Id | None = None
    payment_method: Id | None = None
    days_until_due: Annotated[int, Field(ge=1, le=365)] | None = None
    first_payment: Literal["attempt", "await", "insist"] = "attempt"
    second: bool = False

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        if self.trial_without_card != "create_invoice" and self.trial_days is None:
            raise ValueError("what becomes of a trial goes with a trial")
        if self.days_until_due is not None and (self.payment_method or self.first_payment != "attempt"):
            raise ValueError("an invoice that is sent charges no payment method")
        return self


_BEHAVIOR = {"attempt": "allow_incomplete", "await": "default_incomplete", "insist": "error_if_incomplete"}


def look(wire: Wire, subject: Subject, params: NewSubscription, at: datetime) -> Facts:
    """The customer, their subscriptions, and what Stripe says the first invoice and the first that is paid would be."""
    customer = wire.get(path("customers", subject.id))
    if customer.get("deleted"):
        return Facts(at, customer)
    held = list(wire.pages("/v1/subscriptions", customer=subject.id, status="all"))
    facts = Facts(at, customer, {"subscriptions": held, "mine": _mine(held, subject)})
    if subject.intended_at is not None or refusal(facts, params):
        return facts
    first = _previewed(wire, subject, params, at)
    paid = first
    if params.trial_days:
        paid = _previewed(wire, subject, params.model_copy(update={"trial_days": None}), at)
    return Facts(at, customer, {**facts.more, "first": first, "paid": paid})


def refusal(facts: Facts, params: NewSubscription) -> str | None:
    """One who is deleted, can't be charged, or has one of the prices."""
    customer = facts.object
    if customer.get("deleted"):
        return "customer_is_deleted"
    going_on = [each for each in facts.more["subscriptions"] if each["status"] not in OVER]
    prices = {item["price"]["id"] for each in going_on for item in each["items"]["data"]}
    if not params.second and prices & {item.price for item in params.items}:
        return "customer_has_that_price"
    default = (customer.get("invoice_settings") or {}).get("default_payment_method") or customer.get("default_source")
    is_charged = params.days_until_due is None and params.trial_days is None and params.first_payment != "await"
    return "customer_has_no_payment_method" if is_charged and not (params.payment_method or default) else None


def preview(facts: Facts, params: NewSubscription) -> Effect:
    """What is collected now, and where it begins with a trial what the first paid invoice will be."""
    first, paid = facts.more["first"], facts.more["paid"]
    details: dict[str, Json] = {"total": int(first["total"])}
    words = "begin a subscription"
    if params.trial_days:
        ends = facts.at + timedelta(days=params.trial_days)
        details |= {"trial_ends": int(ends.timestamp()), "first_paid_total": int(paid["total"])}
        words += f" with {params.trial_days} days of trial; without a card then: {params.trial_without_card}"
    return Effect(words, int(first["amount_due"]), 0, str(first["currency"]), details)


def request(subject: Subject, facts: Facts, params: NewSubscription) -> Request:
    """As it was previewed."""
    said: dict[str, Any] = {
        "customer": subject.id,
        "items": _items(params),
        "metadata": {"reference": params.reference, MARK: subject.action_id},
    }
    if params.days_until_due is None:
        said["payment_behavior"] = _BEHAVIOR[params.first_payment]
        said["off_session"] = params.first_payment != "await"
    else:
        said |= {"collection_method": "send_invoice", "days_until_due": params.days_until_due}
    if params.trial_days:
        said["trial_period_days"] = params.trial_days
        said["trial_settings"] = {"end_behavior": {"missing_payment_method": params.trial_without_card}}
    if params.coupon:
        said["discounts"] = [{"coupon": params.coupon}]
    if params.payment_method:
        said["default_payment_method"] = params.payment_method
    return Request("post", "/v1/subscriptions", said)


def trace(subject: Subject, facts: Facts, params: NewSubscription) -> Trace:
    """By the mark on one of the customer's subscriptions."""
    return Trace.THERE if facts.more.get("mine") else Trace.ABSENT


def kept(subscription: Body) -> Mapping[str, Json]:
    """The subscription, how it begins, and its invoice."""
    names = ("status", "latest_invoice", "trial_end")
    return {"subscription": subscription["id"], **{name: subscription.get(name) for name in names}}


def _mine(held: list[Body], subject: Subject) -> Body | None:
    """The one that this action made, by its mark."""
    return next((each for each in held if (each.get("metadata") or {}).get(MARK) == subject.action_id), None)


def _items(params: NewSubscription) -> list[dict[str, Any]]:
    return [item.model_dump(exclude_none=True) for item in params.items]


def _previewed(wire: Wire, subject: Subject, params: NewSubscription, at: datetime) -> Body:
    details: dict[str, Any] = {"items": _items(params)}
    if params.trial_days:
        details["trial_end"] = int((at + timedelta(days=params.trial_days)).timestamp())
    asked: dict[str, Any] = {"customer": subject.id, "subscription_details": details}
    if params.coupon:
        asked["discounts"] = [{"coupon": params.coupon}]
    return wire.ask(Request("post", path("invoices", "create_preview"), asked))[0]


ACTION = Action(
    "create_subscription",
    "begin a subscription, once for each reference",
    "customer",
    NewSubscription,
    look,
    refusal,
    preview,
    request,
    trace,
    kept,
    made=lambda facts: facts.more.get("mine"),
    by_rule=False,
)
