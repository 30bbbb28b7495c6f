"""Makes the account as the file says: each step of the drift is a direct order, carried out once and on record.

A second run goes on where a first was interrupted: what was begun is settled first, so that what is read of the account
then is how it stays.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from billing.apply import Engine, settle
from billing.catalog.change import ACTION, Change
from billing.catalog.drift import Drift, Step
from billing.orders import Order, Outcome, fulfilled
from billing.plan import NOBODY

LEFT_ALONE = ("is_there_already", "is_gone_already", "is_so_already")
"""Why a step was skipped that somebody else had done."""


@dataclass(frozen=True)
class Carried:
    """A step, and what became of it."""

    step: Step
    outcome: Outcome

    @property
    def is_done(self) -> bool:
        """Whether it is as wanted now, by this or by somebody else."""
        return self.outcome.is_done or self.outcome.why in LEFT_ALONE


def settled(engine: Engine) -> None:
    """Settle what an earlier run left open.

    Raises:
        StripeUnavailableError: Stripe can't be asked.
        StripeRefusedError: Stripe refuses the key.
    """
    for _ in settle(engine):
        pass


def apply(engine: Engine, found: Drift, by: str) -> Iterator[Carried]:
    """Carry the steps out in their order; the first that is not done ends it, since what follows rests on it.

    Raises:
        UsageError: `by` is no login, or the account has changed since the drift was found.
        StripeUnavailableError: Stripe can't be asked; what was begun is settled by the next run.
        StripeRefusedError: Stripe refuses the key.
    """
    for step in found.steps:
        carried = Carried(step, fulfilled(engine, order_of(step.change, by)))
        yield carried
        if not carried.is_done:
            return


def order_of(change: Change, by: str) -> Order:
    """A change as an order. The same change, undone since and wanted again, is another attempt at it."""
    subject_id = f"{change.kind}:{change.key}"[:255]
    return Order(ACTION.kind, subject_id, change, by, reference="catalog", customer_id=NOBODY)
