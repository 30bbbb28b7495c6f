"""Agreements on what comes next: subscription schedules, whose phases begin as periods do.

Some customers agree, shortly before the business's end, to more seats from the next renewal on, for good or for some
periods after which the subscription ends. Dice are of a stream of their own, so that nothing else shifts.
"""

from collections.abc import Sequence

from sandbox.world import standing
from sandbox.world.periods import DAY, HOUR, edge
from sandbox.world.plans import QUANTITIES
from sandbox.world.randomness import stream
from sandbox.world.stage import Stage
from sandbox.world.state import Phase, Schedule, Subscription

AGREED_BEFORE = 20 * DAY
"""How long before the business's end agreements are made."""
SHARE = 0.2


def agree(stage: Stage) -> None:
    """Those whose next renewal is beyond the business's end, and who may, sign what comes then."""
    for sub in stage.subscriptions:
        dice = stream(stage.business.seed, "agrees", sub.id)
        if _may(stage, sub) and dice.random() < SHARE:
            _sign(stage, sub, periods=dice.choice((1, 2, 3)), percent=dice.randint(10, 60), ends=dice.random() < 0.4)


def begin_phase(stage: Stage, sub: Subscription) -> bool:
    """A period begins: the phase that begins with it comes into force. Whether the schedule ended the subscription."""
    schedule = sub.schedule
    if schedule is None:
        return False
    phase = next((one for one in schedule.phases if one.start == sub.period_end), None)
    if phase is not None:
        standing.note(stage, sub, stage.now, _take_effect(sub, phase))
        schedule.current = phase
        stage.touch(schedule, "subscription_schedule.updated")
    elif sub.period_end == schedule.phases[-1].end:
        return _complete(stage, sub, schedule)
    elif schedule.current is None or sub.period_end >= schedule.current.end:
        release(stage, sub)
    return False


def adopt(stage: Stage, sub: Subscription) -> Schedule:
    """The subscription as it is, in a schedule that says nothing more yet."""
    item = sub.items[0]
    now = Phase(sub.period_start, sub.period_end, item.price, item.quantity)
    id_ = stage.business.id("sub_sched_1", 23, sub.id, "adopted", stage.count("schedule"))
    sub.schedule = Schedule(id_, stage.now, sub, (now,), ends=False, current=now)
    stage.touch(sub.schedule, "subscription_schedule.created")
    stage.touch(sub, "customer.subscription.updated")
    return sub.schedule


def plan(stage: Stage, schedule: Schedule, following: Sequence[Phase], *, ends: bool) -> None:
    """What follows the running phase, and whether the subscription ends with the last."""
    running = schedule.current or schedule.phases[0]
    schedule.phases, schedule.ends = (running, *following), ends
    stage.touch(schedule, "subscription_schedule.updated")


def release(stage: Stage, sub: Subscription) -> None:
    """The subscription goes its own way, so that nothing of the agreement comes any more."""
    schedule, sub.schedule = sub.schedule, None
    if schedule is not None:
        schedule.status, schedule.released_at, schedule.current = "released", stage.now, None
        stage.touch(schedule, "subscription_schedule.released")


def _take_effect(sub: Subscription, phase: Phase) -> str:
    """The item becomes the phase's, and another rhythm counts its periods from here; what the books call it."""
    item, rhythm = sub.items[0], sub.interval
    same_price = item.price.id == phase.price.id
    item.price, item.quantity = phase.price, phase.quantity
    if sub.interval != rhythm:
        sub.anchor, sub.cycle = sub.period_end, -1
        return "interval"
    return "quantity" if same_price else "plan"


def _may(stage: Stage, sub: Subscription) -> bool:
    price = sub.items[0].price
    is_plain = not (sub.contract or sub.cancel_at or sub.pause or sub.wish or sub.overdue or sub.schedule)
    return (
        sub.status == "active"
        and is_plain
        and sub.collection == "charge_automatically"
        and len(sub.items) == 1
        and price.product in QUANTITIES
        and price.usage_type == "licensed"
        and sub.period_end > stage.business.end + HOUR
    )


def _sign(stage: Stage, sub: Subscription, *, periods: int, percent: int, ends: bool) -> None:
    item = sub.items[0]
    quantity = item.quantity or 1
    more = quantity + max(1, quantity * percent // 100)
    until = edge(sub.anchor, *sub.interval, sub.cycle + 1 + periods)
    now = Phase(sub.period_start, sub.period_end, item.price, quantity)
    schedule = Schedule(
        id=stage.business.id("sub_sched_1", 23, sub.id),
        created=stage.now,
        subscription=sub,
        phases=(now, Phase(sub.period_end, until, item.price, more)),
        ends=ends,
        current=now,
    )
    sub.schedule = schedule
    stage.touch(schedule, "subscription_schedule.created")
    stage.touch(sub, "customer.subscription.updated")


def _complete(stage: Stage, sub: Subscription, schedule: Schedule) -> bool:
    """The last phase is over: the subscription ends with it, or goes on without the schedule."""
    if not schedule.ends:
        release(stage, sub)
        return False
    schedule.status, schedule.completed_at, schedule.current = "completed", stage.now, None
    stage.touch(schedule, "subscription_schedule.completed")
    sub.contract = True
    standing.end(stage, sub)
    return True
