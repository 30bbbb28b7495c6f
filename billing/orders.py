"""Direct orders: one action that a person at a terminal, or the company's own code, wants done at once.

It goes the way of all actions: proposed, approved in the name of who orders it, written down, sent once, verified, all
on record. Asked for again, it goes on where it was; what is over is tried anew, unless it is a thing that is done once.
Limits of careful automation do not hold it back, but that of money paid back or given away does, and the kill switch.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count
from typing import Any

from billing import approvals, plan
from billing.actions.action import Action, Effect, Params, Subject
from billing.actions.catalogue import ACTIONS
from billing.apply import Engine, Told, carry_out
from billing.book import STEPS, Planned, known, one_of
from billing.canonical import canonical
from billing.errors import ConflictError, UsageError
from billing.plan import DIRECT, NOBODY
from billing.rules import Limits
from billing.wire import Body

APPROVAL_DAYS = 7
UNLIMITED = Limits(per_run=10**6, per_day=10**6, per_customer=10**6, cool_down_days=0)
OPEN = ("proposed", "approved", "revoked", "intended", "acted")
"""States in which an action is still to be carried out or settled."""


@dataclass(frozen=True)
class Order:
    """What is ordered, and by whom.

    Attributes:
        kind: which action.
        subject_id: what it is about.
        params: how.
        by: login of who orders it, recorded as who approves.
        reference: tells it from another like it.
        once: the reference says which it is: it is done once, be it asked for a year later with other params.
        customer_id: whose it is, where the subject can't say.
        aside: what is sent with it and written down nowhere.
        rule: the name that it goes under in place of a rule's.
    """

    kind: str
    subject_id: str
    params: Params
    by: str
    reference: str = ""
    once: bool = False
    customer_id: str | None = None
    aside: Body = field(default_factory=dict)
    rule: str = DIRECT

    @property
    def action(self) -> Action:
        """The sort of action."""
        return ACTIONS[self.kind]


@dataclass(frozen=True)
class Outcome:
    """What became of an order.

    Attributes:
        action_id: under which it is in the book.
        state: how it stands in the book.
        event: the last step, as `verified`, `failed`, `waits`; `known` where it was done before.
        why: a code that says more.
        result: what was recorded of Stripe's answer: ids and states.
        shown: what is shown once and kept nowhere.
    """

    action_id: str
    state: str
    event: str
    why: str
    result: Mapping[str, Any]
    shown: str | None = None

    @property
    def is_done(self) -> bool:
        """Whether it is done, now or before."""
        return self.state in ("acted", "done")

    def __repr__(self) -> str:
        return f"Outcome({self.action_id}, {self.event}, {self.why})"


def previewed(engine: Engine, order: Order) -> Effect:
    """What the order would do as things stand; nothing is changed anywhere.

    Raises:
        UsageError: it can't be done; the message says why in a code.
    """
    now = engine.clock()
    subject = Subject(order.subject_id, order.customer_id or NOBODY, "act_preview", now)
    effect = plan.looked_at(engine.wire, order.action, subject, order.params, now)
    if isinstance(effect, str):
        raise UsageError(f"{order.kind} of {order.subject_id} can't be done: {effect}.")
    return effect


def fulfilled(engine: Engine, order: Order) -> Outcome:
    """Carry the order out; again after a crash it goes on where it was.

    Raises:
        UsageError: it can't be done, or was begun with other details.
        BillingError: Stripe refuses the key, or can't be asked.
    """
    approvals.checked_login(order.by)
    number, action_id, before = _attempt(engine, order)
    if before is not None and before.state == "done":
        return _known(before)
    if before is None:
        _proposed(engine, order, number)
    begun = _one(engine, action_id)  # by this order, or by one that was a moment quicker
    if begun.params != canonical(order.params.model_dump(mode="json")):
        raise UsageError(f"{action_id} was begun with other details: order it as then, to finish it first.")
    if begun.state in STEPS["approved"][0]:
        approvals.approve(engine.store, [action_id], order.by, engine.clock())
    told = carry_out(_unlimited(engine, order, action_id), action_id)
    return _outcome(_withdrawn(engine, order, told))


def last(engine: Engine, order: Order) -> Planned | None:
    """The attempt at the order that goes on or is done; None where there is none."""
    return _attempt(engine, order)[2]


def done_before(engine: Engine, order: Order) -> Outcome | None:
    """What became of a thing that is done once, where it is done."""
    before = last(engine, order)
    return _known(before) if before is not None and before.state == "done" else None


def result_of(planned: Planned) -> dict[str, Any]:
    """What was recorded of Stripe's answer."""
    return dict(json.loads(planned.result)) if planned.result else {}


def ids(engine: Engine, order: Order) -> Iterator[str]:
    """The ids of the attempts at an order, without end."""
    for number in count(1):
        yield plan.id_by_hand(
            engine.standing,
            order.action,
            order.subject_id,
            order.params,
            _reference(order, number),
            order.rule,
            once=order.once,
        )


def _attempt(engine: Engine, order: Order) -> tuple[int, str, Planned | None]:
    """The attempt that this is: its number, its id, and how it stands where it was begun before."""
    going_on = (*OPEN, "done") if order.once else OPEN
    for number, action_id in enumerate(ids(engine, order), start=1):
        with engine.store.reading() as connection:
            there = bool(known(connection, [action_id]))
        if not there:
            return number, action_id, None
        before = _one(engine, action_id)
        if order.once and before.state in ("unclear", "unverified"):
            raise UsageError(f"Nobody knows whether {action_id} was done: look at Stripe before it is ordered again.")
        if before.state in going_on:
            return number, action_id, before
    raise AssertionError("ids never end")


def _proposed(engine: Engine, order: Order, number: int) -> None:
    now = engine.clock()
    plan.by_hand(
        engine.store,
        engine.wire,
        replace(engine.standing, at=now),
        engine.rules,
        order.action,
        order.subject_id,
        order.params,
        reference=_reference(order, number),
        expires_at=now + timedelta(days=APPROVAL_DAYS),
        actor=order.by,
        rule=order.rule,
        customer_id=order.customer_id,
        once=order.once,
    )


def _unlimited(engine: Engine, order: Order, action_id: str) -> Engine:
    limits = UNLIMITED.model_copy(update={"amount_per_day": engine.rules.limits.amount_per_day})
    rules = engine.rules.model_copy(update={"limits": limits})
    return replace(engine, rules=rules, aside={action_id: order.aside})


def _withdrawn(engine: Engine, order: Order, told: Told) -> Told:
    """An approval at a terminal is for now: what could not be sent is not left for another process to send later.

    What another process works on is its own.
    """
    if told.planned.state != "approved" or told.event == "busy":
        return told
    try:
        (planned,) = approvals.revoke(engine.store, [told.planned.action_id], order.by, engine.clock())
    except ConflictError:  # another process is at it
        return told
    return replace(told, planned=planned)


def _reference(order: Order, number: int) -> str:
    return f"{order.reference}/{number}"


def _one(engine: Engine, action_id: str) -> Planned:
    with engine.store.reading() as connection:
        return one_of(connection, action_id)


def _known(before: Planned) -> Outcome:
    return _outcome(Told(before, "known", "it_was_done_before"))


def _outcome(told: Told) -> Outcome:
    planned = told.planned
    return Outcome(planned.action_id, planned.state, told.event, told.why, result_of(planned), told.shown)
