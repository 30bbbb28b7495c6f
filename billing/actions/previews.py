"""What Stripe says that an invoice would be: whole, and of it the prorations that a change itself would make.

A preview also tells prorations of earlier changes that wait for the next invoice; those were decided on then.
https://docs.stripe.com/billing/subscriptions/prorations: a proration's period begins at its proration date.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from billing.errors import StripeRefusedError
from billing.wire import Body, Request, Wire, path

NOTHING_TO_COME = "invoice_upcoming_none"
"""Stripe's code where there would be no invoice."""


def previewed(wire: Wire, asked: Mapping[str, Any]) -> Body:
    """The preview with all of its lines: an answer holds no more than the first ten.

    Raises:
        StripeRefusedError: it can't be previewed, or its other lines can't be had.
        StripeUnavailableError: Stripe can't be asked.
    """
    told = wire.ask(Request("post", path("invoices", "create_preview"), asked))[0]
    lines = told["lines"]
    if lines.get("has_more"):
        lines = {**lines, "data": list(wire.pages(path("invoices", str(told["id"]), "lines"))), "has_more": False}
    return {**told, "lines": lines}


def prorations(told: Body, since: int) -> list[int]:
    """The amounts of a preview's prorations from that instant on, below zero where they are credits."""
    return [
        int(line["amount"])
        for line in told["lines"]["data"]
        if _is_proration(line) and int(line["period"]["start"]) == since
    ]


def unused(wire: Wire, subscription: Body, since: int) -> int:
    """Minor units that an end of the subscription would credit for the time since an instant."""
    details = {"cancel_now": True, "proration_behavior": "create_prorations", "proration_date": since}
    try:
        told = previewed(wire, {"subscription": subscription["id"], "subscription_details": details})
    except StripeRefusedError as error:
        if error.code == NOTHING_TO_COME:
            return 0
        raise
    return -sum(min(amount, 0) for amount in prorations(told, since))


def proration_date(subscription: Body, planned_at: datetime) -> int:
    """The plan's instant, so that what is approved stays what is done; the period's start where that is later."""
    starts = [int(item["current_period_start"]) for item in subscription["items"]["data"]]
    return max(int(planned_at.timestamp()), *starts)


def _is_proration(line: Body) -> bool:
    parent = line.get("parent") or {}
    of = parent.get(parent.get("type") or "") or {}
    return bool(of.get("proration"))
