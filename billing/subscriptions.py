"""Subscriptions, for a company's own code and for `revenue subscriptions`: begun, changed, paused, resumed, ended.

Each function here makes an order and carries it out; the functions that end in `_order` make it alone, so that
`orders.previewed` can say first what it would do and bill.
"""

from collections.abc import Sequence

from billing import orders
from billing.actions.action import NoParams, check_of
from billing.actions.cancel import Cancellation
from billing.actions.change_price import Change
from billing.actions.create_subscription import Item, NewSubscription
from billing.actions.next_period import Next
from billing.actions.pause_collection import Pause
from billing.actions.pause_subscription import Stop
from billing.apply import Engine
from billing.errors import StripeRefusedError, UsageError
from billing.orders import Order, Outcome
from billing.wire import Body, Request, Wire, path

AT_PERIOD_END = Cancellation()


def create(engine: Engine, customer_id: str, wanted: NewSubscription, *, by: str) -> Outcome:
    """Begin a subscription, once for each `wanted.reference`. `result` has `subscription`, `status`, `latest_invoice`.

    Raises:
        UsageError: it can't be begun as things stand; the message says why in a code.
        BillingError: Stripe refuses the key, or can't be asked.
    """
    return orders.fulfilled(engine, create_order(customer_id, wanted, by=by))


def create_order(customer_id: str, wanted: NewSubscription, *, by: str) -> Order:
    """The order that begins a subscription."""
    return Order("create_subscription", customer_id, wanted, by, wanted.reference, once=True)


def change(engine: Engine, subscription_id: str, changed: Change, *, by: str) -> Outcome:
    """Change price or quantity at once: an upgrade, mostly. What is prorated is as of the order.

    Raises:
        As `create` does.
    """
    return orders.fulfilled(engine, change_order(subscription_id, changed, by=by))


def change_order(subscription_id: str, changed: Change, *, by: str) -> Order:
    """The order that changes a subscription at once."""
    return Order("change_price", subscription_id, changed, by)


def change_next_period(engine: Engine, subscription_id: str, changed: Next, *, by: str) -> Outcome:
    """Change price or quantity from the next period on: a downgrade, mostly. A crash between its two steps is no harm.

    Raises:
        As `create` does.
    """
    first = next_period_order(engine, subscription_id, changed, by=by)
    if first.kind == "adopt_schedule":
        adopted = orders.fulfilled(engine, first)
        if not adopted.is_done:
            return adopted
    return orders.fulfilled(engine, Order("change_next_period", subscription_id, changed, by))


def next_period_order(engine: Engine, subscription_id: str, changed: Next, *, by: str) -> Order:
    """The first order of the two that change the next period: the second where the subscription has its schedule."""
    schedule = subscription_of(engine.wire, subscription_id).get("schedule")
    adopt = Order("adopt_schedule", subscription_id, changed, by)
    begun = orders.last(engine, adopt) is not None
    if schedule and not begun:
        return Order("change_next_period", subscription_id, changed, by)
    return adopt


def pause(engine: Engine, subscription_id: str, how: Pause | Stop, *, by: str) -> Outcome:
    """Pause its collection (`Pause`: it goes on, invoices are voided or kept) or the subscription itself (`Stop`).

    Raises:
        As `create` does.
    """
    return orders.fulfilled(engine, pause_order(subscription_id, how, by=by))


def pause_order(subscription_id: str, how: Pause | Stop, *, by: str) -> Order:
    """The order that pauses a subscription, or its collection."""
    kind = "pause_subscription" if isinstance(how, Stop) else "pause_collection"
    return Order(kind, subscription_id, how, by)


def resume(engine: Engine, subscription_id: str, *, by: str) -> Outcome:
    """Resume what is paused: the subscription, or its collection.

    Raises:
        As `create` does.
    """
    return orders.fulfilled(engine, resume_order(engine, subscription_id, by=by))


def resume_order(engine: Engine, subscription_id: str, *, by: str) -> Order:
    """The order that resumes what is paused."""
    paused = subscription_of(engine.wire, subscription_id)["status"] == "paused"
    kind = "resume_subscription" if paused else "resume_collection"
    return Order(kind, subscription_id, NoParams(), by)


def cancel(
    engine: Engine, subscription_id: str, how: Cancellation = AT_PERIOD_END, *, comment: str = "", by: str
) -> Outcome:
    """End a subscription, with its period or now. `comment`: why, in the customer's words; it goes to Stripe alone.

    Raises:
        As `create` does.
    """
    return orders.fulfilled(engine, cancel_order(subscription_id, how, comment=comment, by=by))


def cancel_order(subscription_id: str, how: Cancellation = AT_PERIOD_END, *, comment: str = "", by: str) -> Order:
    """The order that ends a subscription."""
    aside = {"cancellation_details": {"comment": comment}} if comment else {}
    params = how.model_copy(update={"check": check_of(aside)})
    return Order("cancel", subscription_id, params, by, aside=aside)


def keep(engine: Engine, subscription_id: str, *, by: str) -> Outcome:
    """Take back what is to come: a change planned for the next period, or else a cancellation.

    Raises:
        As `create` does.
    """
    return orders.fulfilled(engine, keep_order(engine, subscription_id, by=by))


def keep_order(engine: Engine, subscription_id: str, *, by: str) -> Order:
    """The order that takes back what is to come."""
    planned = subscription_of(engine.wire, subscription_id).get("schedule")
    return Order("release_schedule" if planned else "keep_subscription", subscription_id, NoParams(), by)


def upcoming(wire: Wire, subscription_id: str) -> Body:
    """The next invoice as Stripe previews it.

    Raises:
        UsageError: none is to come, or Stripe knows no such subscription.
    """
    try:
        asked = {"subscription": subscription_id}
        return wire.ask(Request("post", path("invoices", "create_preview"), asked))[0]
    except StripeRefusedError as error:
        if error.status not in (400, 404):
            raise
        raise UsageError(f"No invoice of {subscription_id} is to come: {error.code}.") from None


def subscription_of(wire: Wire, subscription_id: str) -> Body:
    """The subscription as it is.

    Raises:
        UsageError: Stripe knows none such.
    """
    try:
        return wire.get(path("subscriptions", subscription_id))
    except StripeRefusedError as error:
        if error.status != 404:
            raise
        raise UsageError(f"Stripe knows no subscription {subscription_id!r:.80}.") from None


def items_of(given: Sequence[str]) -> list[Item]:
    """`PRICE` or `PRICE=QUANTITY` as items.

    Raises:
        UsageError: a quantity is no whole number.
    """
    found = []
    for each in given:
        price, equals, quantity = each.partition("=")
        if equals and not quantity.isdigit():
            raise UsageError(f"An item is PRICE or PRICE=QUANTITY, and {each!r:.80} is neither.")
        found.append(Item(price=price, quantity=int(quantity) if equals else None))
    return found
