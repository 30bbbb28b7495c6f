"""Which events make us look at a customer's access again. What an event says of it does not matter."""

from collections.abc import Callable

from billing.access import book
from billing.store import Store
from billing.webhooks.occasions import BY_TYPE, Occasion, Subject
from billing.webhooks.plugins import Handler

Whose = Callable[[Occasion], str | None]
"""Asks Stripe whose an object is, for events that do not say it."""

TYPES = (*(type_ for type_, kind in BY_TYPE.items() if kind.subject is Subject.SUBSCRIPTION), "customer.deleted")


def handlers(store: Store, whose: Whose) -> list[tuple[str, Handler]]:
    """What to listen for."""

    def hear(occasion: Occasion) -> None:
        customer_id = occasion.customer_id or whose(occasion)
        if customer_id is not None:
            with store.engine.begin() as connection:
                book.ask(connection, occasion.account_id, customer_id, livemode=occasion.livemode)

    return [(type_, hear) for type_ in TYPES]
