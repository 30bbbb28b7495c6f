"""What customers say when they leave: feedback that leans to what happened to them, and now and then a comment."""

from sandbox.world.periods import DAY
from sandbox.world.stage import Stage
from sandbox.world.state import Subscription

_FEEDBACK = ("too_expensive", "missing_features", "switched_service", "unused", "customer_service", "too_complex")
_MORE_FEEDBACK = ("low_quality", "other")
_COMMENTS = (
    "We moved to a <b>competitor</b>.",
    '=HYPERLINK("http://example.com","refund me")',
    "Too many emails 😤",
    "لم نعد بحاجة إليها",
    'My boss said: "no more", sorry',
    "-1+1",
    "Great product, wrong time.",
    "The import never worked; support took 9 days\nto answer.",
)


def why(stage: Stage, sub: Subscription) -> tuple[str | None, str | None]:
    """Feedback, which leans to what happened, and now and then a comment."""
    customer, chance = sub.customer, sub.customer.chance
    if chance.random() < 0.25:
        return None, None
    feedback = chance.choice(_FEEDBACK + _MORE_FEEDBACK)
    if stage.now - customer.shocked_at < 75 * DAY:
        feedback = "too_expensive"
    elif stage.now - customer.shrunk_at < 100 * DAY and chance.random() < 0.6:
        feedback = "unused"
    return feedback, chance.choice(_COMMENTS) if chance.random() < 0.35 else None
