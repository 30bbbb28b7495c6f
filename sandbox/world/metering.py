"""What customers use of what is metered, as Stripe's meters count it: one summary a customer and UTC day.

Invoices take their quantities from the items themselves; nothing is computed from a summary.
"""

from typing import Any

from sandbox.world import shapes
from sandbox.world.periods import DAY
from sandbox.world.stage import Stage
from sandbox.world.state import Customer


def meter_id(stage: Stage, product: str) -> str:
    """The meter that counts a product."""
    return stage.business.id("mtr_", 24, product)


def found(stage: Stage, product: str, name: str) -> None:
    """The account begins to count a product."""
    stage.put(shapes.meter(id=meter_id(stage, product), created=stage.now, name=name, event_name=product))


def count(stage: Stage, customer: str, product: str, used: int) -> None:
    """A customer used so much today."""
    _sum_up(stage, meter_id(stage, product), customer, used, stage.now)


def counted(stage: Stage, meter: dict[str, Any], customer: Customer, used: int, at: int) -> None:
    """An event that the account's owner sent: it is billed by whatever the customer subscribes to of that meter."""
    replaces = meter["default_aggregation"]["formula"] == "last"
    _sum_up(stage, meter["id"], customer.id, used, at, replaces=replaces)
    for item in (item for sub in customer.subscriptions if sub.live for item in sub.items):
        price = stage.store.get("price", item.price.id)
        if price and price["recurring"] and price["recurring"]["meter"] == meter["id"]:
            item.usage = used if replaces else item.usage + used


def _sum_up(stage: Stage, meter: str, customer: str, used: int, at: int, *, replaces: bool = False) -> None:
    day = at - at % DAY
    id_ = stage.business.id("mtrusg_", 24, meter, customer, day)
    before = stage.store.get("billing.meter_event_summary", id_)
    total = used + (before["aggregated_value"] if before and not replaces else 0)
    stage.put(shapes.meter_event_summary(id=id_, meter=meter, customer=customer, start=day, value=total))
