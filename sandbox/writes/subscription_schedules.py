"""Subscription schedules: what a subscription will be from its next period on. Here they are of one item."""

from __future__ import annotations

from typing import Any

from sandbox.api.errors import ApiError, invalid, refused
from sandbox.world import schedules
from sandbox.world.periods import edge
from sandbox.world.stage import Stage
from sandbox.world.state import Phase, Schedule, Subscription
from sandbox.writes.catalogue import for_sale
from sandbox.writes.lookup import the
from sandbox.writes.parameters import Choice, Fields, Given, Instant, Many, Notes, Text, Whole, noted
from sandbox.writes.subscriptions import ENDED
from sandbox.writes.write import Shape, Write


def create(stage: Stage, ids: tuple[str, ...], given: Given) -> Shape:
    """`POST /v1/subscription_schedules` of a subscription as it is.

    Errors: 400 for one that is over, about to end, has a schedule, or has several items.
    """
    sub = the(stage, Subscription, given["from_subscription"], "from_subscription", status=400)
    if sub.schedule is not None:
        raise refused(f"You cannot migrate a subscription that is already attached to a schedule: {sub.schedule.id}.")
    if sub.status in ENDED or sub.cancel_at is not None:
        raise refused("You cannot migrate a subscription that is canceled or set to cancel.")
    if len(sub.items) > 1:
        raise refused("The sandbox's schedules are of one item; this subscription has several.")
    return stage.shape(schedules.adopt(stage, sub))


def update(stage: Stage, ids: tuple[str, ...], given: Given) -> Shape:
    """`POST /v1/subscription_schedules/{id}`: the running phase as it is, and those that follow it.

    Errors: 400 for a schedule that is over, and for phases that leave the running one out or do not follow each other.
    """
    schedule = the(stage, Schedule, ids[0], "schedule")
    _active(schedule)
    following = _following(stage, schedule, given["phases"]) if "phases" in given else schedule.phases[1:]
    ends = given.get("end_behavior", "cancel" if schedule.ends else "release") == "cancel"
    if "metadata" in given:
        schedule.metadata = noted(schedule.metadata, given["metadata"])
    schedules.plan(stage, schedule, following, ends=ends)
    return stage.shape(schedule)


def release(stage: Stage, ids: tuple[str, ...], given: Given) -> Shape:
    """`POST /v1/subscription_schedules/{id}/release`: the subscription stays as it is. Errors: 400 for one over."""
    schedule = the(stage, Schedule, ids[0], "schedule")
    _active(schedule)
    schedules.release(stage, schedule.subscription)
    stage.touch(schedule.subscription, "customer.subscription.updated")
    return stage.shape(schedule)


def _active(schedule: Schedule) -> None:
    if schedule.status != "active":
        raise refused(f"This subscription schedule is in status {schedule.status}, and can no longer be changed.")


def _following(stage: Stage, schedule: Schedule, said: list[Given]) -> list[Phase]:
    running = schedule.current or schedule.phases[0]
    first, *rest = said
    if first.get("start_date") != running.start:
        raise invalid("You can not modify the start date of the current phase.", "phases[0][start_date]")
    if first.get("end_date") != running.end:
        raise invalid("The sandbox keeps the running phase as it is.", "phases[0][end_date]")
    phases = [running]
    for place, each in enumerate(rest, start=1):
        phases.append(_phase(stage, schedule.subscription, phases[-1].end, each, f"phases[{place}]"))
    return phases[1:]


def _phase(stage: Stage, sub: Subscription, start: int, said: dict[str, Any], name: str) -> Phase:
    if said.get("start_date", start) != start:
        raise invalid("Phases must follow each other.", f"{name}[start_date]")
    if said.get("currency", sub.currency) != sub.currency:
        raise invalid(f"The currency must be the subscription's, {sub.currency}.", f"{name}[currency]")
    if len(said["items"]) != 1:
        raise invalid("The sandbox's schedules are of one item.", f"{name}[items]")
    item = said["items"][0]
    price = for_sale(stage, item["price"], sub.currency, f"{name}[items][0]")
    length = said.get("duration") or {"interval": price.interval, "interval_count": price.interval_count}
    end = said.get("end_date") or edge(start, length["interval"], length.get("interval_count", 1), 1)
    if end <= start:
        raise ApiError(400, "The end date of a phase must be after its start.", None, f"{name}[end_date]")
    quantity = None if price.usage_type == "metered" else item.get("quantity", 1)
    return Phase(start, end, price, quantity)


_PATH = "/v1/subscription_schedules"
_PHASES = Many(
    Fields(
        {
            "currency": Text(),
            "duration": Fields(
                {"interval": Choice(("day", "week", "month", "year")), "interval_count": Whole(least=1)},
                required=("interval",),
            ),
            "end_date": Instant(),
            "items": Many(Fields({"price": Text(), "quantity": Whole(least=0)}, required=("price",))),
            "proration_behavior": Choice(("none",)),
            "start_date": Instant(),
        },
        required=("items",),
    )
)
_BEHAVIOR = Choice(("cancel", "release"))
WRITES = (
    Write(
        "POST",
        _PATH,
        "subscription_write",
        "subscription_schedule",
        create,
        {"from_subscription": Text()},
        required=("from_subscription",),
    ),
    Write(
        "POST",
        f"{_PATH}/{{id}}",
        "subscription_write",
        "subscription_schedule",
        update,
        {
            "end_behavior": _BEHAVIOR,
            "metadata": Notes(),
            "phases": _PHASES,
            "proration_behavior": Choice(("always_invoice", "create_prorations", "none")),
        },
    ),
    Write("POST", f"{_PATH}/{{id}}/release", "subscription_write", "subscription_schedule", release),
)
