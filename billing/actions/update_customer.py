"""Change what Stripe knows of a customer; https://docs.stripe.com/api/customers/update.

What it is changed to goes aside; the book says which fields.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

from pydantic import Field

from billing.actions.action import MARK, Action, Aside, Effect, Facts, Subject, Trace
from billing.canonical import Json
from billing.wire import Body, Request, Wire, path

Name = Annotated[str, Field(pattern=r"^[a-z_]{1,40}$")]


class ChangedCustomer(Aside):
    """Which fields change; to what is handed over."""

    fields: Annotated[list[Name], Field(min_length=1, max_length=20)]


def look(wire: Wire, subject: Subject, params: ChangedCustomer, at: datetime) -> Facts:
    """The customer."""
    return Facts(at, wire.get(path("customers", subject.id)))


def refusal(facts: Facts, params: ChangedCustomer) -> str | None:
    """One who is deleted."""
    return "customer_is_deleted" if facts.object.get("deleted") else None


def preview(facts: Facts, params: ChangedCustomer) -> Effect:
    """No money moves."""
    return Effect(f"change {', '.join(params.fields)}")


def request(subject: Subject, facts: Facts, params: ChangedCustomer) -> Request:
    """The mark alone."""
    return Request("post", path("customers", subject.id), {"metadata": {MARK: subject.action_id}})


def trace(subject: Subject, facts: Facts, params: ChangedCustomer) -> Trace:
    """By the mark."""
    return Trace.THERE if facts.object and facts.marked_by == subject.action_id else Trace.ABSENT


def kept(customer: Body) -> Mapping[str, Json]:
    """Its id."""
    return {"customer": customer["id"]}


ACTION = Action(
    "update_customer",
    "change what Stripe knows of a customer",
    "customer",
    ChangedCustomer,
    look,
    refusal,
    preview,
    request,
    trace,
    kept,
    made=lambda facts: facts.object,
    by_rule=False,
)
