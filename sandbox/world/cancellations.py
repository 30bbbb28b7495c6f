"""How a subscription is asked to end: at once, with the period, by a lost dispute; and how that is taken back."""

from sandbox.world import schedules, standing, subscriptions
from sandbox.world.periods import HOUR
from sandbox.world.stage import Stage
from sandbox.world.state import Subscription


def cancel_now(stage: Stage, sub: Subscription, feedback: str | None, comment: str | None) -> None:
    """The customer leaves at once."""
    ask(stage, sub, feedback, comment)
    subscriptions.end_trial(stage, sub, "canceled_in_trial")
    standing.end(stage, sub)


def cancel_at_period_end(stage: Stage, sub: Subscription, feedback: str | None, comment: str | None) -> None:
    """The customer will leave when the period is over."""
    ask(stage, sub, feedback, comment)
    schedules.release(stage, sub)
    sub.cancel_at = sub.period_end
    sub.cancel_at_period_end = not (sub.flexible and sub.customer.no % 2)
    stage.touch(sub, "customer.subscription.updated")


def keep(stage: Stage, sub: Subscription) -> None:
    """The customer takes the cancellation back."""
    if not sub.live or sub.cancel_at is None or sub.contract or sub.cancel_at <= stage.now:
        return
    sub.cancel_at, sub.cancel_at_period_end, sub.canceled_at = None, False, None
    sub.reason = sub.feedback = sub.comment = None
    sub.in_dunning = False
    stage.touch(sub, "customer.subscription.updated")


def cancel_for_dispute(stage: Stage, sub: Subscription) -> None:
    """A lost dispute ends the subscription."""
    if not sub.live or sub.status == "incomplete":
        return
    if stage.now < sub.period_start + 2 * HOUR or stage.now > sub.period_end - HOUR:
        stage.later(stage.now + 4 * HOUR, "cancellations.cancel_for_dispute", sub)
        return
    sub.reason = "payment_disputed"
    subscriptions.end_trial(stage, sub, "canceled_in_trial")
    standing.end(stage, sub)


def ask(stage: Stage, sub: Subscription, feedback: str | None, comment: str | None) -> None:
    """The subscription is going to end because someone asked for it, now."""
    sub.reason, sub.feedback, sub.comment = "cancellation_requested", feedback, comment
    sub.canceled_at = stage.now
    sub.in_dunning = any(invoice.attempts for invoice in sub.overdue)
