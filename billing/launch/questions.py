"""What is asked of the account, as a table: each question is one address and the permission that it takes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from billing.errors import StripeRefusedError
from billing.wire import Body, Wire

PAGE = 100


@dataclass(frozen=True)
class Question:
    """One question: an object, or the newest entries of a list.

    Attributes:
        permission: what a restricted key needs, in the words of the Dashboard's form; always Read.
        pages: how many pages of a hundred are read of a list; 0 where the answer is one object.
    """

    name: str
    path: str
    permission: str
    pages: int = 1
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Held:
    """What was answered; `is_whole` unless there is more than was read."""

    objects: tuple[Body, ...]
    is_whole: bool = True

    @property
    def only(self) -> Body:
        """The one object of an answer that is no list."""
        return self.objects[0]


@dataclass(frozen=True)
class Refusal:
    """Stripe does not tell; `needs_permission` where another key would be told."""

    question: Question
    code: str
    needs_permission: bool


Answer = Held | Refusal

QUESTIONS: Final[tuple[Question, ...]] = (
    Question("account", "/v1/account", "Account", pages=0),
    Question("webhook_endpoints", "/v1/webhook_endpoints", "Webhook Endpoints"),
    Question("products", "/v1/products", "Products", pages=10, params={"active": True}),
    Question("prices", "/v1/prices", "Prices", pages=10, params={"active": True}),
    Question("portal", "/v1/billing_portal/configurations", "Customer portal", params={"active": True}),
    Question("tax_settings", "/v1/tax/settings", "Tax Settings", pages=0),
    Question("tax_registrations", "/v1/tax/registrations", "Tax Registrations", params={"status": "active"}),
    Question("subscriptions", "/v1/subscriptions", "Subscriptions", params={"status": "all"}),
    Question(
        "trials",
        "/v1/subscriptions",
        "Subscriptions and Customers",
        pages=10,
        params={"status": "trialing", "expand": ["data.customer"]},
    ),
    Question("paid_invoices", "/v1/invoices", "Invoices", params={"status": "paid"}),
    Question("invoice_payments", "/v1/invoice_payments", "Invoices", pages=10),
    Question("charges", "/v1/charges", "Charges and Refunds"),
    Question("refunds", "/v1/refunds", "Charges and Refunds"),
    Question("disputes", "/v1/disputes", "Disputes"),
)


def ask(wire: Wire, questions: Sequence[Question] = QUESTIONS) -> dict[str, Answer]:
    """Ask each question once: by name, what was answered.

    Raises:
        StripeRefusedError: Stripe does not know the key.
        StripeUnavailableError: no usable answer in several attempts.
    """
    return {question.name: _answer(wire, question) for question in questions}


def _answer(wire: Wire, question: Question) -> Answer:
    try:
        if not question.pages:
            return Held((wire.get(question.path, **question.params),))
        return _listed(wire, question)
    except StripeRefusedError as error:
        if error.status == 401:
            raise
        return Refusal(question, error.code or f"http_{error.status}", needs_permission=error.status == 403)


def _listed(wire: Wire, question: Question) -> Held:
    objects: list[Body] = []
    after: dict[str, str] = {}
    for _ in range(question.pages):
        page = wire.get(question.path, limit=PAGE, **question.params, **after)
        objects += page["data"]
        if not page["has_more"]:
            return Held(tuple(objects))
        after = {"starting_after": objects[-1]["id"]}
    return Held(tuple(objects), is_whole=False)
