"""The metric policy: every rule on which vendors differ, as one frozen value with named presets and a hash.

The models read the value and never ask for a preset's name. What a rule may be, and which of the groups of
`marts.mrr_by_policy` it belongs to, stands in `RULES`. The vendors' rules are those of their published pages, as read
in 2026; docs/metrics.md names them.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from typing import Any


class PolicyError(ValueError):
    """A policy that does not exist, or a rule that no policy can have."""


@dataclass(frozen=True)
class MetricPolicy:
    """The rules of one way to count MRR. The defaults are this project's own."""

    name: str = "default"
    counted_statuses: tuple[str, ...] = ("active", "past_due")
    """Subscription statuses that count in MRR: `active`, and maybe `past_due` and `unpaid`."""
    past_due_max_days: int | None = None
    """Days a past due subscription goes on counting; None: as long as it is past due."""
    trials_count: bool = False
    active_from: str = "start"
    """`start`: when it began or its trial ended; `first_payment`: when its first invoice with an amount was paid."""
    zero_pause_behaviors: tuple[str, ...] = ("mark_uncollectible", "void")
    """`pause_collection` behaviours that take a subscription out of MRR."""
    paused_status_counts: bool = False
    """Whether a subscription counts whose status is `paused`, unless it is so for want of a payment."""
    churn_moment: str = "ended"
    """`ended`: when the subscription ended; `requested`: when the cancellation was asked for."""
    counted_discounts: tuple[str, ...] = ("forever", "repeating")
    """Coupon durations that lower MRR, each in the periods that were billed with it."""
    free_customers: str = "inactive"
    """Customers whose subscriptions are worth nothing: `inactive` or `active`."""
    metered_counts: bool = False
    """Whether metered items count, with the mean of what their last three invoices charged."""
    fx_mode: str = "daily_stock"
    """How MRR is worth something in the reporting currency. `daily_stock`: the stock is revalued at each day's rate, FX
    its own movement; `movement_date`: at the rate of the day the customer began to pay, never revalued; `constant`: at
    the as-of day's rate throughout; `native`: not at all, other currencies stand by themselves."""
    same_month_churn: str = "both"
    """A customer who joins and leaves in one month: `both` movements, or `neither`."""
    grace_days: int = 7
    """A customer back within so many days never churned."""
    invoice_gap_days: int = 7
    """A gap between two invoices of an item that is no longer than so many days is no gap."""
    reactivation_max_days: int | None = None
    """Days after which a returning customer is new again; None: never."""
    reactivation_in_net: bool = True
    """Whether returning customers' MRR lowers net MRR churn."""
    week_factor: Fraction = Fraction(52, 12)
    """Weeks in a month."""
    day_factor: Fraction = Fraction(365, 12)
    """Days in a month."""
    treat_28_31_day_as_month: bool = False
    """Whether a billing period of 28 to 31 days, or of four weeks, is a month."""
    gross_margin: Fraction = Fraction(1)
    """Share of MRR that lifetime values count: 1 is revenue, 4/5 leaves a fifth to the cost of serving it."""
    annual_discount_rate: Fraction = Fraction(1, 10)
    """What money a year from now is worth less, in discounted lifetime values; above 0."""
    preventable_causes: tuple[str, ...] = ("expired_card", "missing_card", "failed_payment", "too_expensive")
    """Causes of churn that count as preventable."""

    @property
    def hash(self) -> str:
        """Ten hex digits that change when a rule changes, and only then: a renamed policy keeps its hash."""
        return hashlib.sha256(self.rules.encode()).hexdigest()[:10]

    @property
    def rules(self) -> str:
        """Every rule and its value as JSON: what `hash` is the hash of, and `written` reads back."""
        rules = {knob: _plain(value) for knob, value in asdict(self).items() if knob != "name"}
        return json.dumps(rules, sort_keys=True)

    @property
    def past_due_days(self) -> int | None:
        """Days that a subscription counts while it is past due; None: all."""
        return self.past_due_max_days if "past_due" in self.counted_statuses else 0

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

    def periods_a_month(self, interval: str, count: int) -> Fraction:
        """How many billing periods of so many intervals make a month.

        Raises:
            PolicyError: an interval that Stripe does not have.
        """
        days = {"day": 1, "week": 7}.get(interval, 0) * count
        if self.treat_28_31_day_as_month and days in range(28, 32):
            return Fraction(1)
        return self.month_factor(interval) / count


@dataclass(frozen=True)
class Rule:
    """What a rule is about, and what it may be."""

    group: str
    """The group that `marts.mrr_by_policy` tells its effect in, one of `GROUPS`; `other` also where it has none."""
    expected: str
    """What it may be, in words."""
    read: Callable[[object], Any]
    """Its value from a plain one, as a file holds it; raises ValueError or TypeError where it can't be that."""


MOST_DAYS = 36_500
"""A hundred years; an instant so many days away is one that every frame and database knows."""

GROUPS = ("trials", "cancel_timing", "discounts", "pauses", "dunning", "fx", "other")
"""Groups of rules, in the order in which `marts.mrr_by_policy` switches them."""


def _one_of(group: str, *known: str) -> Rule:
    return Rule(group, f"one of {', '.join(known)}", lambda value: known[known.index(value)])


def _some_of(group: str, *known: str, at_least: str | None = None) -> Rule:
    def read(value: object) -> tuple[str, ...]:
        if not isinstance(value, list | tuple) or not set(value) <= set(known) or at_least not in (*value, None):
            raise ValueError
        return tuple(one for one in known if one in value)

    words = f"a list of some of {', '.join(known)}"
    return Rule(group, f"{words}, {at_least} among them" if at_least else words, read)


def _flag(group: str) -> Rule:
    return Rule(group, "true or false", lambda value: _instance(value, bool))


def _days(group: str, *, or_none: bool = False) -> Rule:
    def read(value: object) -> int | None:
        if value is None and or_none:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MOST_DAYS:
            raise ValueError
        return value

    return Rule(
        group, f"a whole number of days, 0 or more{', or null' if or_none else ''}, at most {MOST_DAYS:,}", read
    )


def _fraction(group: str, *, or_zero: bool = False, most: Fraction | None = None) -> Rule:
    def read(value: object) -> Fraction:
        if isinstance(value, bool) or not isinstance(value, int | float | str | Fraction):
            raise ValueError
        exact = Fraction(str(value))
        if exact < 0 or (exact == 0 and not or_zero) or (most is not None and exact > most):
            raise ValueError
        return exact

    least = "of 0 or more" if or_zero else "above 0"
    return Rule(
        group, f"a number or fraction {least}{f' and at most {most}' if most else ''}, such as 4.35 or 52/12", read
    )


def _instance(value: object, kind: type) -> object:
    if not isinstance(value, kind):
        raise TypeError
    return value


RULES: Mapping[str, Rule] = {
    "counted_statuses": _some_of("dunning", "active", "past_due", "unpaid", at_least="active"),
    "past_due_max_days": _days("dunning", or_none=True),
    "trials_count": _flag("trials"),
    "active_from": _one_of("other", "start", "first_payment"),
    "zero_pause_behaviors": _some_of("pauses", "keep_as_draft", "mark_uncollectible", "void"),
    "paused_status_counts": _flag("pauses"),
    "churn_moment": _one_of("cancel_timing", "ended", "requested"),
    "counted_discounts": _some_of("discounts", "forever", "once", "repeating"),
    "free_customers": _one_of("other", "inactive", "active"),
    "metered_counts": _flag("other"),
    "fx_mode": _one_of("fx", "daily_stock", "movement_date", "constant", "native"),
    "same_month_churn": _one_of("other", "both", "neither"),
    "grace_days": _days("other"),
    "invoice_gap_days": _days("other"),
    "reactivation_max_days": _days("other", or_none=True),
    "reactivation_in_net": _flag("other"),
    "week_factor": _fraction("other"),
    "day_factor": _fraction("other"),
    "treat_28_31_day_as_month": _flag("other"),
    "gross_margin": _fraction("other", most=Fraction(1)),
    "annual_discount_rate": _fraction("other", or_zero=True),
    "preventable_causes": _some_of(
        "other",
        "expired_card",
        "missing_card",
        "failed_payment",
        "canceled_in_dunning",
        "dispute",
        "too_expensive",
        "missing_features",
        "low_quality",
        "customer_service",
        "too_complex",
        "switched_service",
        "unused",
        "other",
    ),
}
"""Every rule of a policy, in its order."""

WITHOUT_EFFECT_ON_STOCK = (
    "free_customers",
    "same_month_churn",
    "grace_days",
    "reactivation_max_days",
    "reactivation_in_net",
    "gross_margin",
    "annual_discount_rate",
    "preventable_causes",
)
"""Rules that name movements, count customers or value them, and change no subscription item's worth at any time."""

PRESETS: Mapping[str, MetricPolicy] = {
    policy.name: policy
    for policy in (
        MetricPolicy(),
        MetricPolicy("stripe", churn_moment="requested", counted_discounts=("forever",), grace_days=0),
        MetricPolicy(
            "chartmogul",
            counted_statuses=("active", "past_due", "unpaid"),
            zero_pause_behaviors=(),
            paused_status_counts=True,
            counted_discounts=("forever", "once", "repeating"),
            free_customers="active",
            fx_mode="movement_date",
            grace_days=0,
        ),
        MetricPolicy(
            "baremetrics",
            counted_statuses=("active", "past_due", "unpaid"),
            past_due_max_days=30,
            counted_discounts=("forever", "once", "repeating"),
            grace_days=0,
        ),
        MetricPolicy(
            "profitwell",
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


def preset(name: str) -> MetricPolicy:
    """A named preset.

    Raises:
        PolicyError: no preset of that name.
    """
    if name not in PRESETS:
        raise PolicyError(f"policy {name!r} is unknown; the presets are {', '.join(PRESETS)}")
    return PRESETS[name]


def changed(policy: MetricPolicy, **rules: object) -> MetricPolicy:
    """The policy with single rules replaced, each given as a file would hold it.

    Raises:
        PolicyError: a rule that no policy has, or a value that it can't have.
    """
    return replace(policy, **{rule: _read(rule, value) for rule, value in rules.items()})


def written(name: str, rules: str) -> MetricPolicy:
    """The policy of that name whose `rules` say so.

    Raises:
        PolicyError: a rule that no policy has, or a value that it can't have.
    """
    return changed(MetricPolicy(name), **json.loads(rules))


def switched(policy: MetricPolicy, to: MetricPolicy, group: str) -> MetricPolicy:
    """The policy with the rules of a group as another policy has them."""
    return replace(policy, **{name: getattr(to, name) for name, rule in RULES.items() if rule.group == group})


def _read(name: str, value: object) -> Any:
    if name not in RULES:
        raise PolicyError(f"policy rule {name!r} is unknown; the rules are {', '.join(RULES)}")
    try:
        return RULES[name].read(value)
    except (ValueError, TypeError, ZeroDivisionError):
        raise PolicyError(f"policy rule {name} is {value!r}; it must be {RULES[name].expected}") from None


def _plain(value: object) -> object:
    return str(value) if isinstance(value, Fraction) else value
