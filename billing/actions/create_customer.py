"""Make a customer at Stripe, once for each reference of the company's own.

https://docs.stripe.com/api/customers/create. Who it is goes aside: names and addresses are in no plan and no trail.
Stripe's lists show what was just made, which its search may not for a minute: a lost answer is settled by a list.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

from pydantic import Field

from billing.actions.action import MARK, Action, Aside, Effect, Facts, Subject, Trace
from billing.canonical import Json
from billing.wire import Body, Request, Wire

REFERENCE_KEY = "reference"
"""The key of metadata under which a customer carries the company's reference, where it names no other."""


class NewCustomer(Aside):
    """Under which key of metadata the reference is kept; the rest is handed over."""

    reference_key: Annotated[str, Field(pattern=r"^[A-Za-z0-9_\-]{1,40}$")] = REFERENCE_KEY


def look(wire: Wire, subject: Subject, params: NewCustomer, at: datetime) -> Facts:
    """Nothing before it was sent; then the customers that were made around that time."""
    if subject.window is None:
        return Facts(at, {})
    made = wire.pages("/v1/customers", created=subject.window)
    mine = next((each for each in made if (each.get("metadata") or {}).get(MARK) == subject.action_id), {})
    return Facts(at, mine)


def refusal(facts: Facts, params: NewCustomer) -> str | None:
    """Whether one is there already is known by the reference, and told by whoever orders it."""
    return None


def preview(facts: Facts, params: NewCustomer) -> Effect:
    """No money moves."""
    return Effect("make a customer")


def request(subject: Subject, facts: Facts, params: NewCustomer) -> Request:
    """The marks alone."""
    marks = {params.reference_key: subject.id, MARK: subject.action_id}
    return Request("post", "/v1/customers", {"metadata": marks})


def trace(subject: Subject, facts: Facts, params: NewCustomer) -> Trace:
    """By the mark."""
    return Trace.THERE if facts.object else Trace.ABSENT


def kept(customer: Body) -> Mapping[str, Json]:
    """Its id."""
    return {"customer": customer["id"]}


ACTION = Action(
    "create_customer",
    "make a customer, once for each reference",
    "reference",
    NewCustomer,
    look,
    refusal,
    preview,
    request,
    trace,
    kept,
    made=lambda facts: facts.object,
    by_rule=False,
)
