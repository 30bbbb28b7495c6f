"""Another price or quantity from the next period on, by a subscription schedule: a downgrade, mostly.

Two requests, and so two actions. Stripe makes a schedule of a subscription as it is and takes nothing else with it
(`adopt_schedule`); then the schedule says what follows the running period (`change_next_period`), and lets the
subscription go after one period of it, which stays as it is then.
https://docs.stripe.com/billing/subscriptions/subscription-schedules/use-cases#schedule-downgrade
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from billing.actions import subscriptions
from billing.actions.action import MARK, Action, Effect, Facts, Subject, Trace
from billing.actions.change_price import Change, chosen_item, nothing_changes, said_items
from billing.canonical import Json
from billing.flags import plain
from billing.wire import Body, Request, Wire, path

CARRIED = ("collection_method", "currency", "default_payment_method", "description", "on_behalf_of")
"""What a phase says of itself and must be said again to stay, word for word."""
TEXTS = ("description", "footer")
"""What an invoice says in a company's own words; `custom_fields` do too."""


class Next(Change):
    """As a change at once, but nothing is prorated."""


def look(wire: Wire, subject: Subject, params: Next, at: datetime) -> Facts:
    """The subscription, its schedule, the new price, and what Stripe says the next period would bill."""
    subscription = wire.get(path("subscriptions", subject.id))
    schedule = subscription.get("schedule")
    more: dict[str, Any] = {"schedule": wire.get(path("subscription_schedules", str(schedule))) if schedule else None}
    facts = Facts(at, subscription, more)
    if _cant_change(facts, params) is not None:
        return facts
    item = chosen_item(subscription, params)
    more["price"] = wire.get(path("prices", params.price or str(item["price"]["id"] if item else "")))
    if not schedule:  # Stripe previews no change of a subscription that a schedule manages
        more["preview"] = _previewed(wire, subject, subscription, params)
    return Facts(at, subscription, more)


def preview(facts: Facts, params: Next) -> Effect:
    """No money moves at once; the next invoice is what the preview says."""
    told = facts.more.get("preview")
    begins = min(int(item["current_period_end"]) for item in facts.object["items"]["data"])
    changes = {"the price": params.price, f"the quantity to {params.quantity}": params.quantity}
    what = " and ".join(name for name, value in changes.items() if value is not None)
    details: dict[str, Json] = {"begins": begins}
    if told:
        details["next_invoice"] = int(told["total"])
    return Effect(f"change {what} from the next period on", None, 0, str(facts.object["currency"]), details)


def _cant_change(facts: Facts, params: Next) -> str | None:
    subscription = facts.object
    if subscription["status"] not in subscriptions.LIVING - {"unpaid"}:
        return f"subscription_is_{subscription['status']}"
    if subscription["cancel_at_period_end"] or subscription["cancel_at"]:
        return "cancellation_is_set"
    if chosen_item(subscription, params) is None:
        return "say_which_item"
    return "nothing_would_change" if nothing_changes(subscription, params) else None


def refuses_to_adopt(facts: Facts, params: Next) -> str | None:
    """What can't be changed, or has a schedule."""
    has_one = facts.object.get("schedule")
    return _cant_change(facts, params) or ("subscription_has_a_schedule" if has_one else None)


def adopts(subject: Subject, facts: Facts, params: Next) -> Request:
    """https://docs.stripe.com/api/subscription_schedules/create: with `from_subscription`, nothing else is taken."""
    return Request("post", "/v1/subscription_schedules", {"from_subscription": subject.id})


def adopted(subject: Subject, facts: Facts, params: Next) -> Trace:
    """A schedule bears no mark until it is changed."""
    return Trace.SEEN if facts.object.get("schedule") else Trace.ABSENT


def kept(schedule: Body) -> Mapping[str, Json]:
    """The schedule."""
    return {"schedule": schedule["id"], "status": schedule["status"]}


def refuses_to_change(facts: Facts, params: Next) -> str | None:
    """What has no schedule, or one that says already what comes next."""
    schedule = facts.more["schedule"]
    if schedule is None:
        return "subscription_has_no_schedule"
    if _later(schedule):
        return "a_change_is_planned"
    if not all(plain(text) == text for text in _texts(_running(schedule))):
        return "invoice_texts_may_be_personal"  # the request is written down before it is sent
    return _cant_change(facts, params)


def changes(subject: Subject, facts: Facts, params: Next) -> Request:
    """https://docs.stripe.com/api/subscription_schedules/update: the running phase said again, and the next."""
    schedule, price = facts.more["schedule"], facts.more["price"]
    running = _running(schedule)
    item = chosen_item(facts.object, params)
    carried = _carried(running)
    alone = ("billing_cycle_anchor", "trial_end")
    now = {
        **carried,
        **{name: running[name] for name in alone if running.get(name)},
        "items": [_said(each) for each in running["items"]],
        "start_date": running["start_date"],
        "end_date": running["end_date"],
    }
    then = {
        **carried,
        "items": [_changed(each, item, params) for each in running["items"]],
        "duration": {name: price["recurring"][name] for name in ("interval", "interval_count")},
        "proration_behavior": "none",
    }
    told = {"end_behavior": "release", "phases": [now, then], "metadata": {MARK: subject.action_id}}
    return Request("post", path("subscription_schedules", str(schedule["id"])), told)


def changed(subject: Subject, facts: Facts, params: Next) -> Trace:
    """By the mark on the schedule."""
    schedule = facts.more["schedule"] or {}
    mine = (schedule.get("metadata") or {}).get(MARK) == subject.action_id
    return Trace.THERE if mine else Trace.ABSENT


def _previewed(wire: Wire, subject: Subject, subscription: Body, params: Next) -> Body:
    """What the change would bill for a whole period: nothing is prorated, and another rhythm begins its period anew."""
    details = {"items": said_items(subscription, params), "proration_behavior": "none"}
    asked = {"subscription": subject.id, "subscription_details": details}
    return wire.ask(Request("post", path("invoices", "create_preview"), asked))[0]


def _running(schedule: Body) -> Body:
    start = (schedule.get("current_phase") or {}).get("start_date")
    return next(each for each in schedule["phases"] if start is None or each["start_date"] == start)


def _later(schedule: Body) -> list[Body]:
    running = _running(schedule)
    return [each for each in schedule["phases"] if each["start_date"] > running["start_date"]]


def _carried(phase: Body) -> dict[str, Any]:
    """What the running phase says of itself and the next is to say as well: what is left out would be gone.

    Metadata is no such thing: a phase without any leaves the subscription's as it is.
    """
    shares = phase.get("application_fee_percent"), phase.get("transfer_data")
    told = {
        **{name: phase.get(name) for name in CARRIED},
        "application_fee_percent": None if shares[0] is None else str(shares[0]),  # no floats in what is written down
        "automatic_tax": _automatic_tax(phase.get("automatic_tax")),
        "billing_thresholds": _present(phase.get("billing_thresholds") or {}),
        "default_tax_rates": _ids(phase.get("default_tax_rates")),
        "discounts": _discounts(phase),
        "invoice_settings": _invoice_settings(phase.get("invoice_settings") or {}),
        "transfer_data": _transfer(shares[1]),
    }
    return {name: value for name, value in told.items() if value}


def _automatic_tax(of: Body | None) -> dict[str, Any]:
    return {"enabled": of["enabled"], **_present({"liability": _present(of.get("liability") or {})})} if of else {}


def _invoice_settings(of: Body) -> dict[str, Any]:
    fields = [{"name": each["name"], "value": each["value"]} for each in of.get("custom_fields") or ()]
    told = {name: of.get(name) for name in (*TEXTS, "days_until_due")}
    issuer = _present(of.get("issuer") or {})
    return _present(
        {**told, "account_tax_ids": _ids(of.get("account_tax_ids")), "custom_fields": fields, "issuer": issuer}
    )


def _transfer(of: Body | None) -> dict[str, Any]:
    if not of:
        return {}
    percent = of.get("amount_percent")
    return {"destination": of["destination"], **({} if percent is None else {"amount_percent": str(percent)})}


def _texts(phase: Body) -> list[str]:
    """What invoices say in words of the company's own, of which Stripe alone is to know what is personal."""
    settings = phase.get("invoice_settings") or {}
    fields = [text for each in settings.get("custom_fields") or () for text in (each["name"], each["value"])]
    return [*fields, *(settings[name] for name in TEXTS if settings.get(name))]


def _ids(of: Sequence[Any] | None) -> list[str]:
    """Ids of what is told in full, or by its id."""
    return [str(each if isinstance(each, str) else each["id"]) for each in of or ()]


def _present(of: Body) -> dict[str, Any]:
    return {name: value for name, value in of.items() if value not in (None, "", [], {})}


def _said(item: Body) -> dict[str, Any]:
    thresholds = _present(item.get("billing_thresholds") or {})
    told = {"billing_thresholds": thresholds, "discounts": _discounts(item), "tax_rates": _ids(item.get("tax_rates"))}
    return {"price": item["price"], **_present({"quantity": item.get("quantity"), **told})}


def _changed(phase_item: Body, item: Mapping[str, Any] | None, params: Next) -> dict[str, Any]:
    told = _said(phase_item)
    if item is None or phase_item["price"] != item["price"]["id"]:
        return told
    said = {"price": params.price, "quantity": params.quantity}
    return {**told, **{name: value for name, value in said.items() if value is not None}}


def _discounts(of: Body) -> list[dict[str, Any]]:
    """A phase's discounts as they are said: by coupon, discount or promotion code, whichever each has."""
    names = ("coupon", "discount", "promotion_code")
    return [{name: each[name] for name in names if each.get(name)} for each in of.get("discounts") or ()]


ADOPT = Action(
    "adopt_schedule",
    "make a schedule of a subscription, to change what comes next",
    "subscription",
    Next,
    look,
    refuses_to_adopt,
    preview,
    adopts,
    adopted,
    kept,
    by_rule=False,
)
CHANGE = Action(
    "change_next_period",
    "change the price or quantity of a subscription's item from the next period on",
    "subscription",
    Next,
    look,
    refuses_to_change,
    preview,
    changes,
    changed,
    kept,
    made=lambda facts: facts.more["schedule"],
    by_rule=False,
)
