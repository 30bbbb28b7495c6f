"""Customers at Stripe, for a company's own code and for `revenue customers`: made once a reference, changed, found.

A reference is the company's own name for a customer, such as an account's number: no address, no name. It is kept in
the customer's metadata. Who the customer is goes to Stripe alone; book and trail hold ids.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from billing import orders
from billing.actions.action import check_of
from billing.actions.create_customer import REFERENCE_KEY, NewCustomer
from billing.actions.update_customer import ChangedCustomer
from billing.apply import Engine
from billing.errors import StripeRefusedError, UsageError
from billing.flags import ID
from billing.orders import Order, Outcome
from billing.plan import NOBODY
from billing.wire import Body, Wire, path

ADDRESS = frozenset({"line1", "line2", "city", "postal_code", "state", "country"})


@dataclass(frozen=True)
class Details:
    """Who a customer is, in Stripe's fields; None leaves a field as it is.

    Attributes:
        address: of `line1`, `line2`, `city`, `postal_code`, `state`, `country` (two letters).
        preferred_locales: the customer's languages, the first one first, as `de` or `pt-BR`.
        metadata: notes of the company's own; an empty text takes one away.
    """

    name: str | None = None
    email: str | None = None
    phone: str | None = None
    description: str | None = None
    address: Mapping[str, str] | None = None
    preferred_locales: tuple[str, ...] | None = None
    metadata: Mapping[str, str] | None = None

    def __repr__(self) -> str:
        return f"Details({', '.join(self.told())})"

    def told(self) -> dict[str, Any]:
        """What is said, as Stripe takes it.

        Raises:
            UsageError: a part of an address that Stripe does not know.
        """
        if unknown := sorted(set(self.address or {}) - ADDRESS):
            raise UsageError(f"An address has no {unknown[0]!r:.40}; it has {', '.join(sorted(ADDRESS))}.")
        said = {name: getattr(self, name) for name in self.__dataclass_fields__}
        plain = {name: value for name, value in said.items() if value is not None}
        if "preferred_locales" in plain:
            plain["preferred_locales"] = list(plain["preferred_locales"])
        return plain


def create(
    engine: Engine,
    reference: str,
    details: Details,
    *,
    by: str,
    reference_key: str = REFERENCE_KEY,
    even_if_email_is_known: bool = False,
) -> Outcome:
    """Make a customer, once for each reference: asked again, it says whom it made (`known`). `result` has `customer`.

    Raises:
        UsageError: others have that e-mail; or it was begun with other details and is not finished.
        BillingError: Stripe refuses the key, or can't be asked.
    """
    order = checked_creation(
        engine, reference, details, by=by, reference_key=reference_key, even_if_email_is_known=even_if_email_is_known
    )
    return orders.fulfilled(engine, order)


def checked_creation(
    engine: Engine, reference: str, details: Details, *, by: str, reference_key: str, even_if_email_is_known: bool
) -> Order:
    """The order that makes a customer, whom nobody else's e-mail address is known of.

    Raises:
        As `create` does.
    """
    order = creation(reference, details, by=by, reference_key=reference_key)
    if even_if_email_is_known or orders.last(engine, order) is not None:
        return order
    others = list(with_email(engine.wire, details.email))
    if others:
        raise UsageError(
            f"{', '.join(others)} already {'has' if len(others) == 1 else 'have'} that e-mail address. "
            "Where it is to be another customer all the same, say so (--another)."
        )
    return order


def creation(reference: str, details: Details, *, by: str, reference_key: str = REFERENCE_KEY) -> Order:
    """The order that makes a customer.

    Raises:
        UsageError: the reference is none.
    """
    if not ID.fullmatch(reference):
        raise UsageError(f"A reference is made of letters, digits, _ and -, at most 255: {reference!r:.80} is none.")
    aside = details.told()
    params = NewCustomer(check=check_of(aside), reference_key=reference_key)
    return Order("create_customer", reference, params, by, once=True, customer_id=NOBODY, aside=aside)


def update(engine: Engine, customer_id: str, details: Details, *, by: str) -> Outcome:
    """Change what Stripe knows of a customer.

    Raises:
        As `create` does, and UsageError where nothing is to change.
    """
    return orders.fulfilled(engine, change(customer_id, details, by=by))


def change(customer_id: str, details: Details, *, by: str) -> Order:
    """The order that changes a customer.

    Raises:
        UsageError: nothing is to change.
    """
    aside = details.told()
    if not aside:
        raise UsageError("Say what is to change.")
    params = ChangedCustomer(check=check_of(aside), fields=sorted(aside))
    return Order("update_customer", customer_id, params, by, aside=aside)


def with_email(wire: Wire, email: str | None) -> Iterator[str]:
    """The ids of customers with that e-mail address; none without one."""
    if email:
        for customer in wire.pages("/v1/customers", email=email):
            yield str(customer["id"])


def by_reference(engine: Engine, reference: str) -> str | None:
    """The id of the customer that was made for a reference; None where none was, as far as the book knows."""
    return _made(engine, creation(reference, Details(), by="book"))


@dataclass(frozen=True)
class Standing:
    """A customer as Stripe has it now, with the subscriptions that go on and the cards on file."""

    customer: Body
    subscriptions: tuple[Body, ...]
    payment_methods: tuple[Body, ...]


def standing_of(wire: Wire, customer_id: str) -> Standing:
    """How a customer stands.

    Raises:
        UsageError: there is none of that id, or it is deleted.
        BillingError: Stripe refuses the key, or can't be asked.
    """
    try:
        customer = wire.get(path("customers", customer_id))
    except StripeRefusedError as error:
        if error.status != 404:
            raise
        raise UsageError(f"Stripe knows no customer {customer_id}.") from None
    if customer.get("deleted"):
        raise UsageError(f"{customer_id} is deleted.")
    subscriptions = tuple(wire.pages("/v1/subscriptions", customer=customer_id))
    methods = tuple(wire.pages("/v1/payment_methods", customer=customer_id))
    return Standing(customer, subscriptions, methods)


def _made(engine: Engine, order: Order) -> str | None:
    before = orders.last(engine, order)
    done = before is not None and before.state in ("acted", "done") and before.result
    return str(orders.result_of(before)["customer"]) if before is not None and done else None
