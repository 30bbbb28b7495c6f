"""What would happen if: acts done on a copy of a customer, on a stage whose doings are seen by nobody.

A preview made so agrees with what is then really done to the last unit, since the same acts make both.
"""

from copy import copy, deepcopy

from sandbox.world import invoicing, schedules, subscriptions
from sandbox.world.books import Books
from sandbox.world.stage import Stage
from sandbox.world.state import Customer, Invoice, Subscription


def rehearse(stage: Stage, sub: Subscription) -> tuple[Stage, Subscription]:
    """A stage and a subscription to try things with; money must not be moved on it."""
    there = _apart(stage)
    there.books = Books(trials=deepcopy(stage.books.trials) if sub.trial is not None else [])
    return there, deepcopy(sub)


def rehearse_customer(stage: Stage, customer: Customer) -> tuple[Stage, Customer]:
    """A stage and a customer to try things with; money must not be moved on it."""
    there = _apart(stage)
    there.books = Books()
    return there, deepcopy(customer)


def upcoming(stage: Stage, sub: Subscription) -> Invoice | None:
    """The bill of the next period as it stands, on a rehearsed stage; None when the subscription ends before."""
    ends = sub.cancel_at is not None and sub.cancel_at <= sub.period_end
    if sub.status not in ("active", "past_due", "trialing", "unpaid") or (ends and not sub.pending):
        return None
    stage.now = max(stage.now, sub.period_end)
    if ends:
        window = (sub.period_start, sub.period_end)
        return invoicing.subscription_invoice(stage, sub, "upcoming", [], window=window)
    if sub.status == "trialing":
        sub.status, sub.cycle = "active", -1
    if schedules.begin_phase(stage, sub):
        return None
    return subscriptions.next_bill(stage, sub, "upcoming")


def _apart(stage: Stage) -> Stage:
    there: Stage = copy(stage)
    there.keep_to_itself()
    return there
