"""One-off payments and payment methods, for a company's own code and for `revenue payments` and `payment-methods`.

Each function makes an order and carries it out; those that end in `_order` make it alone. Card numbers never come near
this: a browser hands them to Stripe, and what is here are ids.
"""

from billing import orders
from billing.actions.attach_payment_method import Owner
from billing.actions.cancel_payment import Reason
from billing.actions.default_payment_method import Default
from billing.actions.detach_payment_method import Leave
from billing.actions.set_up_payment_method import Setup
from billing.actions.take_payment import Payment
from billing.apply import Engine
from billing.orders import Order, Outcome


def take(engine: Engine, customer_id: str, payment: Payment, *, by: str) -> Outcome:
    """Take a payment, once for each `payment.reference`. `result` has `payment_intent` and `status`.

    `succeeded`: it is paid. `requires_action`: the customer must confirm it, by what is `shown` once (a link, or the
    secret for their browser). Where it failed, `why` is the decline code, and `declines.message` what they may be told;
    the same reference may then be tried again, such as with another card.

    Raises:
        UsageError: the customer has nothing that can be charged.
        BillingError: Stripe refuses the key, or can't be asked.
    """
    return orders.fulfilled(engine, take_order(customer_id, payment, by=by))


def take_order(customer_id: str, payment: Payment, *, by: str) -> Order:
    """The order that takes a payment."""
    return Order("take_payment", customer_id, payment, by, payment.reference, once=True)


def cancel(engine: Engine, payment_intent_id: str, reason: Reason, *, by: str) -> Outcome:
    """Give up a payment that is not through.

    Raises:
        As `take` does.
    """
    return orders.fulfilled(engine, cancel_order(payment_intent_id, reason, by=by))


def cancel_order(payment_intent_id: str, reason: Reason, *, by: str) -> Order:
    """The order that gives a payment up."""
    return Order("cancel_payment", payment_intent_id, reason, by)


def set_up(engine: Engine, customer_id: str, setup: Setup, *, by: str) -> Outcome:
    """Get a payment method on file, once for each `setup.reference`. `result` has `setup_intent` and `status`.

    Without a payment method, `shown` is the secret with which the customer's browser goes on; it is shown once.

    Raises:
        As `take` does.
    """
    return orders.fulfilled(engine, set_up_order(customer_id, setup, by=by))


def set_up_order(customer_id: str, setup: Setup, *, by: str) -> Order:
    """The order that gets a payment method on file."""
    return Order("set_up_payment_method", customer_id, setup, by, setup.reference, once=True)


def attach(engine: Engine, customer_id: str, payment_method_id: str, *, by: str) -> Outcome:
    """Make a payment method the customer's. `result` has `payment_method`.

    Raises:
        As `take` does.
    """
    return orders.fulfilled(engine, attach_order(customer_id, payment_method_id, by=by))


def attach_order(customer_id: str, payment_method_id: str, *, by: str) -> Order:
    """The order that makes a payment method the customer's."""
    params = Owner(customer=customer_id)
    return Order("attach_payment_method", payment_method_id, params, by, customer_id=customer_id)


def set_default(
    engine: Engine, customer_id: str, payment_method_id: str, *, subscription_id: str | None = None, by: str
) -> Outcome:
    """Have the customer's invoices charged to a payment method of theirs; or those of one subscription alone.

    Raises:
        As `take` does.
    """
    return orders.fulfilled(engine, default_order(customer_id, payment_method_id, subscription_id, by=by))


def default_order(customer_id: str, payment_method_id: str, subscription_id: str | None = None, *, by: str) -> Order:
    """The order that changes what invoices are charged to."""
    params = Default(payment_method=payment_method_id, subscription=subscription_id)
    return Order("default_payment_method", customer_id, params, by)


def detach(engine: Engine, payment_method_id: str, *, in_use: bool = False, by: str) -> Outcome:
    """Take a payment method off file for good; not while subscriptions are charged to it, unless `in_use`.

    Raises:
        As `take` does.
    """
    return orders.fulfilled(engine, detach_order(payment_method_id, in_use=in_use, by=by))


def detach_order(payment_method_id: str, *, in_use: bool = False, by: str) -> Order:
    """The order that takes a payment method off file."""
    return Order("detach_payment_method", payment_method_id, Leave(in_use=in_use), by)
