"""Take one payment from a customer, once for each reference; https://docs.stripe.com/api/payment_intents/create.

While the customer is away (off session) a bank that wants them to confirm declines with `authentication_required`;
while they are there the payment waits for them (`requires_action`).
"""

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, field_validator

from billing.actions import intents
from billing.actions.action import MARK, Action, Effect, Facts, Params, Subject
from billing.actions.change_price import Id
from billing.flags import plain
from billing.wire import Request, Wire, path


class Payment(Params):
    """How much, in minor units of what; from which payment method, and whether the customer is there.

    `payment_method` None is the customer's default. `description` is for the receipt and holds nothing personal.
    """

    reference: Id
    amount: Annotated[int, Field(gt=0, le=99_999_999)]
    currency: Annotated[str, Field(pattern=r"^[a-z]{3}$")]
    payment_method: Id | None = None
    off_session: bool = True
    return_url: Annotated[str, Field(pattern=r"^https?://[^\s]{1,2000}$")] | None = None
    description: Annotated[str, Field(max_length=200)] = ""

    @field_validator("description")
    @classmethod
    def _is_plain(cls, value: str) -> str:
        if plain(value) != value:
            raise ValueError("a description is one plain line, without addresses, links or long numbers")
        return value


def look(wire: Wire, subject: Subject, params: Payment, at: datetime) -> Facts:
    """The customer, and the payment intent once it was sent."""
    customer = wire.get(path("customers", subject.id))
    return Facts(at, customer, {"mine": intents.made(wire, "/v1/payment_intents", subject)})


def refusal(facts: Facts, params: Payment) -> str | None:
    """One who is deleted, or has nothing that can be charged."""
    if facts.object.get("deleted"):
        return "customer_is_deleted"
    return None if _method(facts, params) else "customer_has_no_payment_method"


def preview(facts: Facts, params: Payment) -> Effect:
    """What is charged."""
    return Effect(f"charge {_method(facts, params)}", params.amount, 0, params.currency)


def request(subject: Subject, facts: Facts, params: Payment) -> Request:
    """Made and confirmed at once. A payment method that needs another page is only taken where there is a way back."""
    said: dict[str, Any] = {
        "amount": params.amount,
        "currency": params.currency,
        "customer": subject.id,
        "payment_method": _method(facts, params),
        "confirm": True,
        "off_session": params.off_session,
        "automatic_payment_methods": {
            "enabled": True,
            "allow_redirects": "always" if params.return_url else "never",
        },
        "metadata": {"reference": params.reference, MARK: subject.action_id},
    }
    if params.return_url:
        said["return_url"] = params.return_url
    if params.description:
        said["description"] = params.description
    return Request("post", "/v1/payment_intents", said)


def _method(facts: Facts, params: Payment) -> str | None:
    default = (facts.object.get("invoice_settings") or {}).get("default_payment_method")
    return params.payment_method or default


ACTION = Action(
    "take_payment",
    "take one payment from a customer, once for each reference",
    "customer",
    Payment,
    look,
    refusal,
    preview,
    request,
    intents.trace,
    intents.kept,
    shown=intents.shown,
    made=lambda facts: facts.more.get("mine"),
    by_rule=False,
)
