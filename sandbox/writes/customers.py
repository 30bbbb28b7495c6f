"""Customers: what is noted of them, the card that invoices are charged to, and their credit with the company."""

from __future__ import annotations

from sandbox.api.errors import invalid
from sandbox.world import aftermath, amendments, invoicing, wallets
from sandbox.world.shapes import deleted
from sandbox.world.stage import Stage
from sandbox.world.state import Customer
from sandbox.writes.lookup import card_of, the
from sandbox.writes.parameters import Fields, Given, Notes, Text, Whole, noted
from sandbox.writes.subscriptions import ENDED
from sandbox.writes.write import Shape, Write


def update(stage: Stage, ids: tuple[str, ...], given: Given) -> Shape:
    """`POST /v1/customers/{id}`. Errors: 400 for a default card that is not the customer's."""
    customer = the(stage, Customer, ids[0], "id")
    settings = given.get("invoice_settings") or {}
    card = customer.card
    if "default_payment_method" in settings:
        said = settings["default_payment_method"]
        card = card_of(stage, customer, said, "invoice_settings[default_payment_method]") if said else None
    for field in ("name", "email"):
        if field in given:
            setattr(customer, field, given[field])
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


_CUSTOMER = "/v1/customers/{id}"
WRITES = (
    Write(
        "POST",
        _CUSTOMER,
        "customer_write",
        "customer",
        update,
        {
            "balance": Whole(),
            "email": Text(unset=True),
            "invoice_settings": Fields({"default_payment_method": Text(unset=True)}),
            "metadata": Notes(),
            "name": Text(unset=True),
        },
    ),
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
