"""Send a card update: make a link to Stripe's portal at which the customer can replace the payment method.

https://docs.stripe.com/customer-management/portal-deep-links: whoever has the link acts as the customer, so it is shown
once to the person who applies, and kept nowhere; the same idempotency key gives the same link again.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

from pydantic import Field

from billing.actions.action import Action, Effect, Facts, Params, Subject, Trace
from billing.canonical import Json
from billing.wire import Body, Request, Wire, path


class Portal(Params):
    """Which configuration of the portal; the account's default, without."""

    configuration: Annotated[str, Field(pattern=r"^bpc_[A-Za-z0-9_]{1,200}$")] | None = None


def look(wire: Wire, subject: Subject, params: Portal, at: datetime) -> Facts:
    """The customer."""
    return Facts(at, wire.get(path("customers", subject.id)))


def refusal(facts: Facts, params: Portal) -> str | None:
    """The customer must be there."""
    return "customer_is_deleted" if facts.object.get("deleted") else None


def preview(facts: Facts, params: Portal) -> Effect:
    """No money moves."""
    return Effect("make a link for replacing the payment method; it is shown once, to whoever applies")


def request(subject: Subject, facts: Facts, params: Portal) -> Request:
    """https://docs.stripe.com/api/customer_portal/sessions/create"""
    given = {"customer": subject.id, "flow_data": {"type": "payment_method_update"}}
    which = {"configuration": params.configuration} if params.configuration else {}
    return Request("post", path("billing_portal", "sessions"), {**given, **which})


def trace(subject: Subject, facts: Facts, params: Portal) -> Trace:
    """A session can't be looked up; asking again under the same key gives the same one, which does no harm."""
    return Trace.SEEN


def kept(session: Body) -> Mapping[str, Json]:
    """Its id, and never its link."""
    return {"id": session["id"]}


ACTION = Action(
    "send_card_update",
    "make a link at which the customer replaces the payment method",
    "customer",
    Portal,
    look,
    refusal,
    preview,
    request,
    trace,
    kept,
    shown=lambda session: str(session["url"]),
    needs_person=True,
)
