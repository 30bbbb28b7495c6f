"""Retention coupon: add a coupon that exists to a subscription's discounts, and say by a preview what it costs at the
next invoice.

https://docs.stripe.com/billing/subscriptions/coupons: the list that is sent replaces the subscription's discounts, so
those it has are sent along.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from billing.actions import subscriptions
from billing.actions.action import Action, Effect, Facts, Params, Subject
from billing.wire import Body, Request, Wire, path


class Offer(Params):
    """Which coupon, by its id."""

    coupon: Annotated[str, Field(pattern=r"^[A-Za-z0-9_\-]{1,200}$")]


def look(wire: Wire, subject: Subject, params: Offer, at: datetime) -> Facts:
    """The subscription, the coupon, and the next invoice without and with it."""
    subscription = wire.get(path("subscriptions", subject.id), expand=["discounts"])
    coupon = wire.get(path("coupons", params.coupon))
    facts = Facts(at, subscription, {"coupon": coupon})
    if refusal(facts, params):
        return facts
    asked = {"subscription": subject.id}
    now = wire.ask(Request("post", path("invoices", "create_preview"), asked))[0]
    wanted = {**asked, "discounts": _with(subscription, params)}
    then = wire.ask(Request("post", path("invoices", "create_preview"), wanted))[0]
    return Facts(at, subscription, {"coupon": coupon, "now": now, "then": then})


def refusal(facts: Facts, params: Offer) -> str | None:
    """The coupon must be valid, in the subscription's currency where it is an amount, and not there yet."""
    coupon, subscription = facts.more["coupon"], facts.object
    if not coupon["valid"]:
        return "coupon_is_not_valid"
    currencies = {coupon["currency"], *(coupon.get("currency_options") or {})}
    if coupon["amount_off"] and subscription["currency"] not in currencies:
        return "coupon_is_of_another_currency"
    if params.coupon in _coupons(subscription["discounts"]):
        return "coupon_is_there"
    return subscriptions.not_living(facts, subscriptions.LIVING - {"unpaid"})


def preview(facts: Facts, params: Offer) -> Effect:
    """It costs what the next invoice is less, each time while the coupon lasts."""
    cost = int(facts.more["now"]["total"]) - int(facts.more["then"]["total"])
    coupon = facts.more["coupon"]
    lasts = {"once": "once", "forever": "for ever"}.get(coupon["duration"], f"{coupon['duration_in_months']} months")
    details = {"coupon": params.coupon, "duration": coupon["duration"], "months": coupon["duration_in_months"]}
    return Effect(
        f"take the coupon off the next invoice; it lasts {lasts}", 0, cost, str(facts.object["currency"]), details
    )


def request(subject: Subject, facts: Facts, params: Offer) -> Request:
    """The discounts that it has, and the coupon."""
    return subscriptions.updated(subject, discounts=_with(facts.object, params))


def _with(subscription: Body, params: Offer) -> list[dict[str, str]]:
    return [*({"discount": str(each["id"])} for each in subscription["discounts"]), {"coupon": params.coupon}]


def _coupons(discounts: Sequence[Any]) -> set[str]:
    sources = [each["source"]["coupon"] for each in discounts]
    return {str(source["id"] if not isinstance(source, str) else source) for source in sources}


ACTION = Action(
    "retention_coupon",
    "add a coupon to a subscription",
    "subscription",
    Offer,
    look,
    refusal,
    preview,
    request,
    subscriptions.traced(lambda subscription: False),
    subscriptions.kept,
)
