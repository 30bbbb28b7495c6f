"""Makes the account as the file says: each step of the drift is proposed, approved by who asks, and carried out once.

The engine is that of all actions: written down before it is sent, sent under one key, settled by looking where the
answer never came. A second run goes on where a first was interrupted.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import count

from billing import approvals, plan
from billing.apply import Engine, Told, settle
from billing.apply import apply as carry_out
from billing.book import STEPS, known, one_of
from billing.catalog.change import ACTION, Change
from billing.catalog.drift import Drift, Step

APPROVAL_DAYS = 1
OPEN = (*STEPS["approved"][0], "approved", "intended", "acted")
"""States in which an action is still to be carried out."""
DONE = ("verified", "found")
LEFT_ALONE = ("is_there_already", "is_gone_already", "is_so_already")
"""Why a step was skipped that somebody else had done."""


@dataclass(frozen=True)
class Carried:
    """What became of a step: whether it is done, and the engine's word for it."""

    step: Step
    told: Told

    @property
    def is_done(self) -> bool:
        """Whether it is as wanted now, by this or by somebody else."""
        return self.told.event in DONE or self.told.why in LEFT_ALONE


def settled(engine: Engine) -> None:
    """Settle what an earlier run left open, so that what is read of the account then is how it stays.

    Raises:
        StripeUnavailableError: Stripe can't be asked.
        StripeRefusedError: Stripe refuses the key.
    """
    for _ in settle(engine):
        pass


def apply(engine: Engine, found: Drift, by: str) -> Iterator[Carried]:
    """Carry the steps out in their order; the first that is not done ends it, since what follows rests on it.

    Raises:
        UsageError: `by` is no login.
        StripeUnavailableError: Stripe can't be asked; what was begun is settled by the next run.
        StripeRefusedError: Stripe refuses the key.
    """
    for step in found.steps:
        carried = Carried(step, _carried_out(engine, step.change, by))
        yield carried
        if not carried.is_done:
            return


def subject_of(change: Change) -> str:
    """The name of what a change is about, in book and trail."""
    return f"{change.kind}:{change.key}"[:255]


def _carried_out(engine: Engine, change: Change, by: str) -> Told:
    action_id, reference = _free(engine, change)
    with engine.store.reading() as connection:
        is_known = bool(known(connection, [action_id]))
    now = engine.clock()
    if not is_known:
        plan.by_hand(
            engine.store,
            engine.wire,
            replace(engine.standing, at=now),
            engine.rules,
            ACTION,
            subject_of(change),
            change,
            reference=reference,
            expires_at=now + timedelta(days=APPROVAL_DAYS),
            actor=by,
        )
    with engine.store.reading() as connection:
        planned = one_of(connection, action_id)
    if planned.state in STEPS["approved"][0]:
        approvals.approve(engine.store, [action_id], by, now)
    told = [each for each in carry_out(engine, [action_id]) if each.planned.action_id == action_id]
    return told[-1] if told else Told(planned, "waits", "not_carried_out")


def _free(engine: Engine, change: Change) -> tuple[str, str]:
    """The id of this change's action, and what tells it from the same change made before and undone since."""
    for number in count(1):
        reference = f"catalog/{number}"
        action_id = plan.id_by_hand(engine.standing, ACTION, subject_of(change), change, reference)
        with engine.store.reading() as connection:
            if not known(connection, [action_id]) or one_of(connection, action_id).state in OPEN:
                return action_id, reference
    raise AssertionError("numbers do not end")
