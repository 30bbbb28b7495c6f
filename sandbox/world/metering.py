"""What customers use of what is metered, as Stripe's meters count it: one summary a customer and UTC day.

Invoices take their quantities from the items themselves; nothing is computed from a summary.
"""

from sandbox.world import shapes
from sandbox.world.periods import DAY
from sandbox.world.stage import Stage


def meter_id(stage: Stage, product: str) -> str:
    """The meter that counts a product."""
    return stage.business.id("mtr_", 24, product)


def found(stage: Stage, product: str, name: str) -> None:
    """The account begins to count a product."""
    stage.put(shapes.meter(id=meter_id(stage, product), created=stage.now, name=name, event_name=product))


def count(stage: Stage, customer: str, product: str, used: int) -> None:
    """A customer used so much today."""
    meter, day = meter_id(stage, product), stage.now - stage.now % DAY
    id_ = stage.business.id("mtrusg_", 24, meter, customer, day)
    before = stage.store.get("billing.meter_event_summary", id_)
    total = used + (before["aggregated_value"] if before else 0)
    stage.put(shapes.meter_event_summary(id=id_, meter=meter, customer=customer, start=day, value=total))
