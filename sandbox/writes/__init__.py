"""What the account's owner does over the API: one file a resource, each a table of writes.

A write checks what Stripe checks, has the world act (`sandbox/world`), and answers with the object as it then is. HTTP,
keys and idempotency are the server's (`sandbox/api`).
"""

from typing import Final

from sandbox.writes import (
    catalogue,
    clocks,
    credit_notes,
    customers,
    disputes,
    invoices,
    meters,
    payment_intents,
    payment_methods,
    portal,
    previews,
    prices,
    products,
    promotion_codes,
    refunds,
    setup_intents,
    starts,
    subscription_schedules,
    subscriptions,
    webhook_endpoints,
)
from sandbox.writes.write import Write

WRITES: Final[tuple[Write, ...]] = (
    *catalogue.WRITES,
    *clocks.WRITES,
    *credit_notes.WRITES,
    *customers.WRITES,
    *disputes.WRITES,
    *invoices.WRITES,
    *meters.WRITES,
    *payment_intents.WRITES,
    *payment_methods.WRITES,
    *portal.WRITES,
    *previews.WRITES,
    *prices.WRITES,
    *products.WRITES,
    *promotion_codes.WRITES,
    *refunds.WRITES,
    *setup_intents.WRITES,
    *starts.WRITES,
    *subscription_schedules.WRITES,
    *subscriptions.WRITES,
    *webhook_endpoints.WRITES,
)
"""Every write of the API that the sandbox acts on."""
