"""Customers: what is noted of them, the card that invoices are charged to, and their credit with the company."""

from __future__ import annotations

from sandbox.api.errors import invalid
from sandbox.world import aftermath, amendments, invoicing, people, wallets
from sandbox.world.shapes import deleted
from sandbox.world.stage import Stage
from sandbox.world.state import Customer
from sandbox.writes import payment_methods
from sandbox.writes.lookup import card_of, check_room, the
from sandbox.writes.parameters import Fields, Given, Many, Notes, Parameter, Text, Whole, noted
from sandbox.writes.subscriptions import ENDED
from sandbox.writes.write import Shape, Write


def create(stage: Stage, ids: tuple[str, ...], given: Given) -> Shape:
    """`POST /v1/customers`.

    Errors: 402 for a card that declines as it is attached, 400 for a test clock that is not there or takes nobody more.
    """
    if "test_clock" in given:
        check_room(stage, given["test_clock"])
    customer = people.entered(stage.business, stage.count("customer"), stage.now)
    default = (given.get("invoice_settings") or {}).get("default_payment_method")
    card = None
    if "payment_method" in given:
        card = payment_methods.held(stage, given["payment_method"], "payment_method", 400)
        payment_methods.add(stage, card, customer)
    if default:
        name = "invoice_settings[default_payment_method]"
        customer.card = card if default == given.get("payment_method") else card_of(stage, customer, default, name)
    customer.metadata = noted(None, given.get("metadata"))
    _entered(stage, customer, given)
    stage.customers.append(customer)
    stage.touch(customer, "customer.created")
    if given.get("balance"):
        invoicing.note_balance(stage, customer, given["balance"], "adjustment")
        stage.touch(customer)
    return stage.shape(customer)


def update(stage: Stage, ids: tuple[str, ...], given: Given) -> Shape:
    """`POST /v1/customers/{id}`. Errors: 400 for a default card that is not the customer's."""
    customer = the(stage, Customer, ids[0], "id")
    settings = given.get("invoice_settings") or {}
    card = customer.card
    if "default_payment_method" in settings:
        said = settings["default_payment_method"]
        card = card_of(stage, customer, said, "invoice_settings[default_payment_method]") if said else None
    _entered(stage, customer, given)
    if "metadata" in given:
        customer.metadata = noted(customer.metadata, given["metadata"])
    if "balance" in given and given["balance"] != customer.balance:
        invoicing.note_balance(stage, customer, given["balance"] - customer.balance, "adjustment")
    wallets.prefer(stage, customer, card)
    return stage.shape(customer)


def delete(stage: Stage, ids: tuple[str, ...], given: Given) -> Shape:
    """`DELETE /v1/customers/{id}`: gone for good, and subscriptions end at once. Errors: 404 for one who is gone."""
    customer = the(stage, Customer, ids[0], "id")
    for sub in customer.subscriptions:
        if sub.status not in ENDED:
            amendments.cancel(stage, sub, sub.feedback, sub.comment, prorate=False, invoice_now=False)
    aftermath.delete(stage, customer)
    return deleted(kind="customer", id=customer.id)


def credit(stage: Stage, ids: tuple[str, ...], given: Given) -> Shape:
    """`POST /v1/customers/{id}/balance_transactions`: below zero a credit, used by the next invoice.

    Errors: 400 for another currency than the customer's.
    """
    customer = the(stage, Customer, ids[0], "customer")
    if given["currency"].lower() != customer.currency:
        message = f"The currency {given['currency']} does not match the customer's currency, {customer.currency}."
        raise invalid(message, "currency")
    if not given["amount"]:
        raise invalid("This value must be other than 0.", "amount", "parameter_invalid_integer")
    entry = invoicing.note_balance(
        stage,
        customer,
        given["amount"],
        "adjustment",
        description=given.get("description"),
        metadata=given.get("metadata"),
    )
    stage.touch(customer, "customer.updated")
    return entry


def _entered(stage: Stage, customer: Customer, given: Given) -> None:
    """What is said of who the customer is. Their tax stays that of the place where they signed up."""
    for field in ("name", "email", "phone", "description"):
        if field in given:
            setattr(customer, field, given[field])
    if "preferred_locales" in given:
        customer.locales = given["preferred_locales"]
    if "address" in given:
        said = given["address"] or {}
        customer.country, customer.state = said.get("country"), said.get("state")
        customer.street = {name: value for name, value in said.items() if name not in ("country", "state") and value}


_ADDRESS = Fields(
    {name: Text(unset=True) for name in ("city", "country", "line1", "line2", "postal_code", "state")}, unset=True
)
_TAKES: dict[str, Parameter] = {
    "address": _ADDRESS,
    "balance": Whole(),
    "description": Text(unset=True),
    "email": Text(unset=True, longest=512),
    "invoice_settings": Fields({"default_payment_method": Text(unset=True)}),
    "metadata": Notes(),
    "name": Text(unset=True, longest=256),
    "phone": Text(unset=True, longest=20),
    "preferred_locales": Many(Text()),
}
_CUSTOMER = "/v1/customers/{id}"
WRITES = (
    Write(
        "POST",
        "/v1/customers",
        "customer_write",
        "customer",
        create,
        {**_TAKES, "payment_method": Text(), "test_clock": Text()},
    ),
    Write("POST", _CUSTOMER, "customer_write", "customer", update, _TAKES),
    Write("DELETE", _CUSTOMER, "customer_write", "customer", delete),
    Write(
        "POST",
        f"{_CUSTOMER}/balance_transactions",
        "customer_write",
        "customer_balance_transaction",
        credit,
        {"amount": Whole(), "currency": Text(), "description": Text(unset=True), "metadata": Notes()},
        required=("amount", "currency"),
    ),
)
