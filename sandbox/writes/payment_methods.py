"""Payment methods: test cards come on file (`pm_card_visa`, a token, a number), are attached, changed and detached."""

from __future__ import annotations

from sandbox.api.errors import invalid, no_such, refused
from sandbox.world import wallets
from sandbox.world.stage import Stage
from sandbox.world.state import Card, Customer
from sandbox.world.testcards import TEST_CARDS, named
from sandbox.writes import declines
from sandbox.writes.lookup import the
from sandbox.writes.parameters import Choice, Fields, Given, Ignored, Notes, Text, Whole, noted
from sandbox.writes.write import Shape, Write


def create(stage: Stage, ids: tuple[str, ...], given: Given) -> Shape:
    """`POST /v1/payment_methods`: a test card by token or number. Errors: 400 for any other card."""
    card = given["card"]
    said = card.get("token") or card.get("number")
    test = named(said) if said else None
    if test is None:
        raise invalid("Say one of Stripe's test cards as card[token] or card[number].", "card", "incorrect_number")
    made = wallets.issue(stage, test, card.get("exp_month"), card.get("exp_year"))
    made.metadata = given.get("metadata")
    stage.touch(made)
    return stage.shape(made)


def attach(stage: Stage, ids: tuple[str, ...], given: Given) -> Shape:
    """`POST /v1/payment_methods/{id}/attach`.

    Errors: 402 for cards that decline as they are attached, 400 for a card that is somebody's or was.
    """
    customer = the(stage, Customer, given["customer"], "customer", status=400)
    card = held(stage, ids[0], "payment_method")
    add(stage, card, customer)
    return stage.shape(card)


def add(stage: Stage, card: Card, customer: Customer) -> None:
    """The card becomes the customer's. Errors: as `attach`."""
    if card.detached:
        message = (
            "This PaymentMethod was previously used without being attached to a Customer or was detached from a "
            "Customer, and may not be used again."
        )
        raise refused(message)
    if card.customer is not None:
        raise refused("The payment method you provided has already been attached to a customer.")
    code = TEST_CARDS[card.test].refused if card.test else None
    if code is not None:
        raise declines.of_code(code, {})
    wallets.attach(stage, card, customer)


def held(stage: Stage, id: str, param: str, status: int = 404) -> Card:  # noqa: A002
    """The card of that id; a test card's name makes a new one. Errors: 404, or `status`, when there is none."""
    test = named(id) if id.startswith("pm_card_") else None
    if test is not None:
        return wallets.issue(stage, test)
    if id.startswith("pm_card_"):
        raise no_such("PaymentMethod", id, param, status)
    return the(stage, Card, id, param, status)


def detach(stage: Stage, ids: tuple[str, ...], given: Given) -> Shape:
    """`POST /v1/payment_methods/{id}/detach`. Errors: 400 for a card that is nobody's."""
    card = the(stage, Card, ids[0], "payment_method")
    if card.customer is None or card.detached:
        raise refused("The payment method you provided is not attached to a customer so detachment is impossible.")
    wallets.detach(stage, card)
    return stage.shape(card)


def update(stage: Stage, ids: tuple[str, ...], given: Given) -> Shape:
    """`POST /v1/payment_methods/{id}`: its notes and its expiry."""
    card = the(stage, Card, ids[0], "payment_method")
    said = given.get("card") or {}
    card.exp_month, card.exp_year = said.get("exp_month", card.exp_month), said.get("exp_year", card.exp_year)
    if "metadata" in given:
        card.metadata = noted(card.metadata, given["metadata"])
    stage.touch(card, "payment_method.updated")
    return stage.shape(card)


_METHOD = "/v1/payment_methods/{id}"
_EXPIRY = {"exp_month": Whole(1, 12), "exp_year": Whole(2000, 2100)}
WRITES = (
    Write(
        "POST",
        "/v1/payment_methods",
        "payment_method_write",
        "payment_method",
        create,
        {
            "billing_details": Ignored(),
            "card": Fields({**_EXPIRY, "cvc": Text(), "number": Text(), "token": Text()}),
            "metadata": Notes(),
            "type": Choice(("card",)),
        },
        required=("type", "card"),
    ),
    Write(
        "POST",
        f"{_METHOD}/attach",
        "payment_method_write",
        "payment_method",
        attach,
        {"customer": Text()},
        required=("customer",),
    ),
    Write("POST", f"{_METHOD}/detach", "payment_method_write", "payment_method", detach),
    Write(
        "POST",
        _METHOD,
        "payment_method_write",
        "payment_method",
        update,
        {"card": Fields(_EXPIRY), "metadata": Notes()},
    ),
)
