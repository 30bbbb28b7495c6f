"""The metric policy: every rule on which vendors differ, as one frozen value with named presets and a hash.

The models read the value and never ask for a preset's name. Where a preset needs a rule that the models do not follow
yet, `require_supported` says so instead of giving the default's figure.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from typing import Any


class PolicyError(ValueError):
    """A policy that does not exist, or asks for a rule that is not followed yet."""


@dataclass(frozen=True)
class MetricPolicy:
    """The rules of one way to count MRR. The defaults are this project's own."""

    name: str = "default"
    counted_statuses: tuple[str, ...] = ("active", "past_due")
    """Subscription statuses that count in MRR."""
    past_due_max_days: int | None = None
    """Days a past due subscription goes on counting; None: as long as it is past due."""
    trials_count: bool = False
    zero_pause_behaviors: tuple[str, ...] = ("mark_uncollectible", "void")
    """`pause_collection` behaviours that take a subscription out of MRR."""
    paused_status_counts: bool = False
    churn_moment: str = "ended"
    """`ended`: when the subscription ended; `requested`: when the cancellation was asked for."""
    counted_discounts: tuple[str, ...] = ("forever", "repeating")
    """Coupon durations that lower MRR."""
    free_customers: str = "inactive"
    """Customers whose subscriptions are worth nothing: `inactive` or `active`."""
    metered_counts: bool = False
    fx_mode: str = "daily_stock"
    """`daily_stock`: the stock is revalued at each day's rate, FX its own movement; `movement_date`: never revalued."""
    same_month_churn: str = "both"
    """A customer who joins and leaves in one month: `both` movements, or `neither`."""
    grace_days: int = 7
    """A customer back within so many days never churned."""
    invoice_gap_days: int = 7
    """A gap between two invoices of an item that is no longer than so many days is no gap."""
    reactivation_max_days: int | None = None
    """Days after which a returning customer is new again; None: never."""
    week_factor: Fraction = Fraction(52, 12)
    """Weeks in a month."""
    day_factor: Fraction = Fraction(365, 12)
    """Days in a month."""
    gross_margin: Fraction = Fraction(1)
    """Share of MRR that lifetime values count: 1 is revenue, 4/5 leaves a fifth to the cost of serving it."""
    annual_discount_rate: Fraction = Fraction(1, 10)
    """What money a year from now is worth less, in discounted lifetime values; above 0."""

    @property
    def hash(self) -> str:
        """Ten hex digits that change when a rule changes, and only then: a renamed policy keeps its hash."""
        rules = {knob: _plain(value) for knob, value in asdict(self).items() if knob != "name"}
        return hashlib.sha256(json.dumps(rules, sort_keys=True).encode()).hexdigest()[:10]

    def month_factor(self, interval: str) -> Fraction:
        """How many of a billing interval (`day`, `week`, `month`, `year`) make a month.

        Raises:
            PolicyError: an interval that Stripe does not have.
        """
        factors = {
            "day": self.day_factor,
            "week": self.week_factor,
            "month": Fraction(1),
            "year": Fraction(1, 12),
        }
        if interval not in factors:
            raise PolicyError(f"billing interval {interval!r} is unknown; known are {', '.join(factors)}")
        return factors[interval]


PRESETS: Mapping[str, MetricPolicy] = {
    policy.name: policy
    for policy in (
        MetricPolicy(),
        MetricPolicy("stripe", churn_moment="requested", counted_discounts=("forever",), grace_days=0),
        MetricPolicy(
            "chartmogul",
            zero_pause_behaviors=(),
            counted_discounts=("forever", "once", "repeating"),
            free_customers="active",
            fx_mode="movement_date",
            grace_days=0,
        ),
        MetricPolicy(
            "baremetrics", past_due_max_days=30, counted_discounts=("forever", "once", "repeating"), grace_days=0
        ),
        MetricPolicy(
            "profitwell",
            trials_count=True,
            zero_pause_behaviors=("keep_as_draft", "mark_uncollectible", "void"),
            counted_discounts=("forever", "once", "repeating"),
            fx_mode="movement_date",
            same_month_churn="neither",
            grace_days=0,
        ),
        MetricPolicy(
            "maxio",
            counted_statuses=("active",),
            zero_pause_behaviors=(),
            paused_status_counts=True,
            churn_moment="requested",
            counted_discounts=("forever", "once", "repeating"),
            grace_days=0,
            reactivation_max_days=90,
        ),
    )
}

FOLLOWED: Mapping[str, tuple[object, ...]] = {
    "counted_statuses": (("active", "past_due"),),
    "past_due_max_days": (None,),
    "trials_count": (False,),
    "zero_pause_behaviors": (("mark_uncollectible", "void"),),
    "paused_status_counts": (False,),
    "churn_moment": ("ended",),
    "free_customers": ("inactive",),
    "metered_counts": (False,),
    "fx_mode": ("daily_stock",),
    "same_month_churn": ("both",),
    "reactivation_max_days": (None,),
}
"""The values that the models follow today, for each rule that is not free."""


def preset(name: str) -> MetricPolicy:
    """A named preset.

    Raises:
        PolicyError: no preset of that name.
    """
    if name not in PRESETS:
        raise PolicyError(f"policy {name!r} is unknown; the presets are {', '.join(PRESETS)}")
    return PRESETS[name]


def changed(policy: MetricPolicy, **rules: Any) -> MetricPolicy:
    """The policy with single rules replaced.

    Raises:
        PolicyError: a rule that no policy has.
    """
    unknown = sorted(set(rules) - set(asdict(policy)))
    if unknown:
        raise PolicyError(f"policy rule {unknown[0]!r} is unknown; the rules are {', '.join(asdict(policy))}")
    return replace(policy, **rules)


def require_supported(policy: MetricPolicy) -> None:
    """Refuse a policy with a rule that the models would not follow.

    Raises:
        PolicyError: the first such rule, its value and what to do.
    """
    for rule, followed in FOLLOWED.items():
        value = getattr(policy, rule)
        if value not in followed:
            raise PolicyError(
                f"policy {policy.name!r} sets {rule} to {value!r}, which the models do not follow yet "
                f"(they follow {', '.join(repr(one) for one in followed)}); use the policy 'default'"
            )


def _plain(value: object) -> object:
    return str(value) if isinstance(value, Fraction) else value
