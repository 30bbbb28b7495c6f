"""What is looked at in a customer, as data: each feature, its levels in words, and the points an expert gives them.

A level holds for a window of time, from when it could be known. Level 0 is what holds otherwise; it has no points. Of
several windows of a feature that hold at once the highest level counts, or, where it says so, how many they are.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

PAYMENT, VOLUNTARY = "payment", "voluntary"
KINDS = (PAYMENT, VOLUNTARY)
"""The two scores: leaving for want of payment or by dispute, and leaving by choice."""
LEVEL_BITS = 2
LEVELS = (1 << LEVEL_BITS) - 1
"""Levels above 0 that a feature may have."""


@dataclass(frozen=True)
class Level:
    """What a feature may be, in words, with an expert's points for the payment and for the voluntary score."""

    words: str
    payment: int
    voluntary: int
    told: str | None = None
    """The words with the detail in place of {}, where there is one to tell."""

    def points(self, kind: str) -> int:
        """The expert's points for one score."""
        return self.payment if kind == PAYMENT else self.voluntary

    def reason(self, detail: str | None) -> str:
        """What is said of a customer of whom it holds."""
        return self.words if self.told is None or detail is None else self.told.replace("{}", detail)


@dataclass(frozen=True)
class Feature:
    """One thing that is looked at."""

    name: str
    levels: tuple[Level, ...]
    is_counted: bool = False
    """Whether windows are counted rather than the highest level taken."""
    is_now_only: bool = False
    """Whether Stripe tells of it only as it stands, so that no history can weigh it: the expert's points stay."""
    is_trigger: bool = True
    """Whether it is something that happened and may have an account flagged, or merely what the customer is like."""
    action: str = "contact"
    """What is recommended where it is what has most points; of failing invoices what the bank said has a say."""


_LONG = "billed for more than a quarter at once, renews on"

FEATURES: tuple[Feature, ...] = (
    Feature(
        "failed_attempts",
        (
            Level("one failed attempt on an open invoice", 35, 12),
            Level("two failed attempts on an open invoice", 42, 15),
            Level("three or more failed attempts on an open invoice", 50, 18),
        ),
        action="retry_invoice",
    ),
    Feature(
        "decline",
        (
            Level("the bank asks for authentication", 4, 0),
            Level("the card had expired when it was charged", 8, 0),
            Level("the card is lost, stolen or closed", 12, 2, "the card was refused for good: {}"),
        ),
        action="send_card_update",
    ),
    Feature(
        "overdue",
        (
            Level("a sent invoice is up to 30 days overdue", 12, 6),
            Level("a sent invoice is more than 30 days overdue", 35, 10),
        ),
        action="send_invoice",
    ),
    Feature(
        "past_failures",
        (
            Level("one failed invoice was recovered in the last 180 days", 8, 5),
            Level("two failed invoices were recovered in the last 180 days", 13, 8),
            Level("three or more failed invoices were recovered in the last 180 days", 16, 10),
        ),
        is_counted=True,
        action="send_card_update",
    ),
    Feature(
        "card_expiry",
        (
            Level("card expires within 60 days", 10, 0, "card expires {}"),
            Level("card has expired", 22, 4, "card expired {}"),
        ),
        action="send_card_update",
    ),
    Feature("dispute", (Level("a payment was disputed in the last 90 days", 25, 10),)),
    Feature("refund", (Level("a payment was refunded in the last 90 days", 2, 10),)),
    Feature(
        "contraction",
        (
            Level("MRR fell by less than 30% in the last 90 days", 2, 10, "MRR fell by less than 30% on {}"),
            Level("MRR fell by 30% or more in the last 90 days", 4, 15, "MRR fell by 30% or more on {}"),
        ),
    ),
    Feature(
        "price_rise",
        (
            Level("a coupon ended in the last 90 days", 2, 8, "a coupon ended on {}"),
            Level("the price went up in the last 90 days", 2, 11, "the price went up on {}"),
        ),
        action="retention_coupon",
    ),
    Feature(
        "coupon_ends",
        (
            Level("a coupon of less than 30% ends within 30 days", 0, 5, "a coupon of less than 30% ends on {}"),
            Level("a coupon of 30% or more ends within 30 days", 2, 10, "a coupon of 30% or more ends on {}"),
        ),
        action="retention_coupon",
    ),
    Feature(
        "scheduled_rise",
        (Level("a price increase is scheduled", 0, 10, "a price increase is scheduled for {}"),),
        is_now_only=True,
    ),
    Feature("usage", (Level("metered usage fell by half", 2, 10), Level("metered usage stopped", 4, 16))),
    Feature("paused_collection", (Level("collection is paused", 10, 15),)),
    Feature("came_back", (Level("left before and came back", 5, 7),), is_trigger=False),
    Feature(
        "tenure",
        (Level("customer for less than 90 days", 5, 8), Level("customer for less than a year", 2, 4)),
        is_trigger=False,
    ),
    Feature(
        "renewal",
        (
            Level("billed for more than a quarter at once, renews in more than 90 days", -20, -12, f"{_LONG} {{}}"),
            Level("billed for more than a quarter at once, renews within 90 days", -6, 3, f"{_LONG} {{}}"),
            Level("billed for more than a quarter at once, renews within 30 days", 0, 8, f"{_LONG} {{}}"),
        ),
        is_trigger=False,
    ),
    Feature("sent_invoices", (Level("pays invoices that are sent", -4, -4),), is_trigger=False),
    Feature(
        "outside",
        (
            Level("outside signal: a slight concern", 4, 8),
            Level("outside signal: a concern", 8, 15),
            Level("outside signal: a serious concern", 12, 25),
        ),
        is_now_only=True,
    ),
)
"""The list; a feature's place in it is what frames hold, so that new ones go to the end."""

BY_NAME: Mapping[str, int] = {feature.name: place for place, feature in enumerate(FEATURES)}

EVEN_CHANCE = 100
"""Points of an even chance to leave."""
FARTHEST = 10_000
"""Points below an even chance beyond which a chance does not get any less."""
DOUBLES = 10
"""So many points more double the odds."""


def level_of(code: int, place: int) -> int:
    """The level of a feature within a code of all levels.

    >>> level_of(0b1001, 0), level_of(0b1001, 1)
    (1, 2)
    """
    return code >> (LEVEL_BITS * place) & LEVELS


def held(code: int) -> list[tuple[int, int]]:
    """Features above level 0 within a code, with their levels.

    >>> held(0b1001)
    [(0, 1), (1, 2)]
    """
    return [(place, level) for place in range(len(FEATURES)) if (level := level_of(code, place))]


@cache
def chance(score: int) -> float:
    """The probability that a score stands for.

    >>> chance(100), round(chance(70), 4)
    (0.5, 0.1111)
    """
    return float(1 / (1 + 2 ** (min(FARTHEST, EVEN_CHANCE - score) / DOUBLES)))
