"""What MRR would be by other rules, and why: each preset beside the default, the difference split by groups of rules.

The groups are switched one after another, in the order of `policy.GROUPS`, each on top of those before: what a group
changed is its part, so the parts add up to the difference exactly. A group is worked out on those subscriptions alone
that its rules can touch, and steps that presets share are worked out once.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from models import fx, ledger
from models.known import COUPONS, Known
from models.lives import FINAL_FAILURE
from models.mrr import month_end_stock, months_of, published
from models.observations import SUBSCRIPTION
from models.periods import is_partial, month_of
from models.plans import AS_WRITTEN, collected
from models.policy import GROUPS, PRESETS, RULES, WITHOUT_EFFECT_ON_STOCK, MetricPolicy, switched
from models.terms import Terms
from models.timeline import stretches
from models.worth import Catalogue

BASE = PRESETS["default"]
PARTS = [f"{group}_reporting" for group in GROUPS]


@dataclass(frozen=True)
class _Step:
    """A group of a policy's rules switched: the ledgers of the subscriptions that it touches."""

    policy: str
    group: str
    before: pl.DataFrame | None
    """By the rules before; None: `after` is the whole ledger, and before it stands what the groups before made."""
    after: pl.DataFrame
    """By the rules after."""
    valued_by: MetricPolicy
    """The policy at whose exchange rates both are worth something."""


@dataclass(frozen=True)
class _Ledgers:
    """Ledgers by any rules, in the items' currencies, each made once."""

    known: Known
    catalogue: Catalogue
    terms: Terms
    _made: dict[tuple[object, ...], pl.DataFrame] = field(default_factory=dict)

    def remember(self, policy: MetricPolicy, changes: pl.DataFrame) -> None:
        """Take over the whole ledger of a policy."""
        self._made[_of_time(policy), None] = changes

    def of(self, policy: MetricPolicy, only: pl.DataFrame | None = None, chosen_by: object = None) -> pl.DataFrame:
        """The ledger of all subscriptions, or of some; `chosen_by` says which, to know them again."""
        if only is not None and only.is_empty():
            return self.of(BASE).clear()
        key = (_of_time(policy), chosen_by)
        if key not in self._made:
            timeline = stretches(self.known, self.catalogue, policy, only)
            self._made[key] = ledger.changes(timeline.lazy(), self.terms).pipe(collected)
        return self._made[key]


def changed_by_policy(
    known: Known, catalogue: Catalogue, changes: pl.DataFrame, rates: pl.LazyFrame, terms: Terms
) -> pl.DataFrame:
    """What each group of each policy's rules changes of each month's closing: account_id, month, policy, group, micros.

    Sums of parts of the customers add up to those of all. The group `base` is the default policy's closing; where a
    policy has no ledger before a group it is the closing with it; rows without a policy say how many changes a month
    has by any policy.

    Args:
        known: the facts.
        catalogue: prices and coupons.
        changes: the ledger of the terms' policy, of `ledger.changes`.
        rates: contracts.spine.DailyRates.
        terms: as-of instant, zone, reporting currency, policy.
    """
    ledgers = _Ledgers(known, catalogue, terms)
    ledgers.remember(terms.policy, changes)
    steps = [step for policy in compared(terms).values() for step in _steps(policy, ledgers)]
    base = _Step(BASE.name, "base", None, ledgers.of(BASE), BASE)
    dated = _dated([base, *steps])
    months = _months(dated, terms)
    changed = _changed([base, *steps], months, rates, terms)
    return pl.concat([changed.select("account_id", "month", "policy", "group", "micros"), dated], how="diagonal")


def mrr_by_policy(changed_by_policy: pl.LazyFrame, terms: Terms) -> pl.DataFrame:
    """`marts.mrr_by_policy`: every preset, and the policy of the terms, for each month of an account.

    `changed_by_policy` is of the function of that name, of all customers or of parts of them.
    """
    parts = changed_by_policy.pipe(collected)
    months = _months(parts.filter(pl.col("policy").is_null(), pl.col("micros") != 0), terms)
    changed = parts.drop_nulls("policy").group_by("policy", "group", "account_id", "month").agg(pl.col("micros").sum())
    difference = pl.sum_horizontal(PARTS)
    amounts = ("closing_mrr_reporting", "difference_reporting", *PARTS)
    return (
        pl.concat(_told(policy, changed, months) for policy in compared(terms).values())
        .with_columns(difference_reporting=difference, closing_mrr_reporting=pl.col("base") + difference)
        .with_columns(published(pl.col(amounts)), is_partial=is_partial("month", terms))
        .select("account_id", "month", "policy", "policy_hash", *amounts, "is_partial")
        .sort("account_id", "month", "policy")
    )


def items_by_policy(known: Known, catalogue: Catalogue, rates: pl.LazyFrame, terms: Terms) -> pl.DataFrame:
    """`mrr_by_policy` item by item: what each is worth at each month's end by the default, and what each group of each
    policy's rules changes of it; rows of `ITEM`, month, policy, base and a column a group, in micros. They add up to
    the mart's."""
    ledgers = _Ledgers(known, catalogue, terms)
    steps = [step for policy in compared(terms).values() for step in _steps(policy, ledgers)]
    base = _Step(BASE.name, "base", None, ledgers.of(BASE), BASE)
    changed = _changed([base, *steps], _months(_dated([base, *steps]), terms), rates, terms, ITEM)
    key = (*ITEM, "month")
    told = []
    for policy in compared(terms).values():
        cells = changed.filter(pl.col("policy").is_in([BASE.name, policy.name])).select(key).unique()
        told.append(_told(policy, changed, cells, key))
    is_something = pl.any_horizontal(pl.col("base", *PARTS) != 0)
    return pl.concat(told).filter(is_something).drop("policy_hash")


ITEM = ("account_id", "customer_id", "subscription_id", "subscription_item_id")


def compared(terms: Terms) -> Mapping[str, MetricPolicy]:
    """The policies that are compared, by name."""
    return {**PRESETS, terms.policy.name: terms.policy}


@dataclass(frozen=True)
class _Switch:
    """A group of a policy's rules, switched on top of those before, that may change a month's closing."""

    group: str
    rules: MetricPolicy
    following: MetricPolicy

    @property
    def revalues(self) -> bool:
        """True where it is the exchange rates alone that differ."""
        return self.group == "fx" and self.following.fx_mode != self.rules.fx_mode

    @property
    def touches_some(self) -> bool:
        """True where it is worked out on some subscriptions alone, so that both their ledgers are told."""
        return not self.revalues and self.group in TOUCHED


def _switches(policy: MetricPolicy) -> Iterable[_Switch]:
    """The groups in which a policy differs from the default so that a month's closing may."""
    rules = BASE
    for group in GROUPS:
        switch = _Switch(group, rules, switched(rules, policy, group))
        if switch.revalues or _of_time(switch.following) != _of_time(rules):
            yield switch
        rules = switch.following


def _steps(policy: MetricPolicy, ledgers: _Ledgers) -> Iterable[_Step]:
    """The switches of a policy with the ledgers that they make."""
    current, valued_by = ledgers.of(BASE), BASE
    for switch in _switches(policy):
        rules, following, group = switch.rules, switch.following, switch.group
        before = None
        if switch.revalues:
            valued_by, after = policy, current
        elif switch.touches_some:
            only = TOUCHED[group](ledgers.known, rules, following)
            before = current.join(only, on=SUBSCRIPTION, how="semi")
            after = ledgers.of(following, only, (group, _of_group(rules, group)))
            current = pl.concat([current.join(only, on=SUBSCRIPTION, how="anti"), after])
        else:
            current = after = ledgers.of(following)
        yield _Step(policy.name, group, before, after, valued_by)


def _of_time(policy: MetricPolicy) -> tuple[object, ...]:
    """The rules that a ledger in the items' currencies depends on."""
    return tuple(getattr(policy, name) for name in RULES if name not in (*WITHOUT_EFFECT_ON_STOCK, "fx_mode"))


def _of_group(policy: MetricPolicy, group: str) -> tuple[object, ...]:
    return tuple(getattr(policy, name) for name, rule in RULES.items() if rule.group == group)


def _dated(steps: Iterable[_Step]) -> pl.DataFrame:
    """How many changes each month has by any policy: account_id, month, micros."""
    changes = pl.concat(step.after.select("account_id", month=month_of("changed_on")) for step in steps)
    return changes.group_by("account_id", "month").agg(micros=pl.len().cast(pl.Int64))


def _months(dated: pl.DataFrame, terms: Terms) -> pl.DataFrame:
    """Every month from the first with a change on: account_id, month."""
    days = dated.lazy().select("account_id", moved_on="month")
    return months_of(days, days.clear(), terms).pipe(collected)


def _changed(
    steps: Sequence[_Step],
    months: pl.DataFrame,
    rates: pl.LazyFrame,
    terms: Terms,
    by: Sequence[str] = ("account_id",),
) -> pl.DataFrame:
    """What each step changed of each month's closing, or what it closes with where it has no ledger before: policy,
    group, the columns of `by`, month, micros. Ledgers at rates of the same table are valued together."""
    by_table: dict[str, list[pl.LazyFrame]] = {}
    both = ((step, sign, changes) for step in steps for sign, changes in ((1, step.after), (-1, step.before)))
    sides = [(step, sign, changes) for step, sign, changes in both if changes is not None]
    for number, (step, _, changes) in enumerate(sides):
        numbered = ledger.kept(changes.lazy(), step.valued_by).with_columns(side=pl.lit(number, pl.Int32))
        by_table.setdefault(fx.table_of(step.valued_by.fx_mode), []).append(numbered)
    named = pl.LazyFrame(
        [(number, step.policy, step.group, sign) for number, (step, sign, _) in enumerate(sides)],
        schema={"side": pl.Int32, "policy": pl.String, "group": pl.String, "sign": pl.Int64},
        orient="row",
    )
    about = (*by, "side")
    valued = [
        month_end_stock(
            pl.concat(sides).pipe(collected).lazy(), months.lazy(), fx.rates_by(table, rates, terms), terms, about
        )
        for table, sides in by_table.items()
    ]
    return (
        pl.concat(pl.collect_all(valued, optimizations=AS_WRITTEN))
        .join(named.pipe(collected), on="side")
        .group_by("policy", "group", *by, "month")
        .agg(micros=(pl.col("closing_mrr") * pl.col("sign")).sum())
    )


def _told(
    policy: MetricPolicy, changed: pl.DataFrame, cells: pl.DataFrame, key: Sequence[str] = ("account_id", "month")
) -> pl.DataFrame:
    """The rows of a policy, one for each of the cells: the columns of `key`, policy, policy_hash, base, and a column a
    group."""
    closes_with = {switch.group for switch in _switches(policy) if not switch.touches_some}
    told = cells
    for group, column in (("base", "base"), *zip(GROUPS, PARTS, strict=True)):
        of = BASE.name if group == "base" else policy.name
        part = changed.filter(policy=of, group=group).select(*key, pl.col("micros").alias(column))
        told = told.join(part, on=key, how="left").with_columns(pl.col(column).fill_null(0))
        if group in closes_with:
            before = pl.sum_horizontal("base", *PARTS[: PARTS.index(column)])
            told = told.with_columns(pl.col(column) - before)
    return told.with_columns(policy=pl.lit(policy.name), policy_hash=pl.lit(policy.hash))


Touched = Callable[[Known, MetricPolicy, MetricPolicy], pl.DataFrame]


def _with_trials(known: Known, *_: MetricPolicy) -> pl.DataFrame:
    return known.told_of("trialing").select(SUBSCRIPTION).unique()


def _with_requests(known: Known, *_: MetricPolicy) -> pl.DataFrame:
    return known.told_of("cancel_requested").select(SUBSCRIPTION).unique()


def _with_discounts(known: Known, before: MetricPolicy, after: MetricPolicy) -> pl.DataFrame:
    """Those with a coupon that one policy counts and the other does not."""
    one, other = known.observed(before), known.observed(after)
    differs = pl.any_horizontal(one[name].ne_missing(other[name]) for name in COUPONS)
    return one.select(SUBSCRIPTION).filter(differs).unique()


def _with_pauses(known: Known, before: MetricPolicy, after: MetricPolicy) -> pl.DataFrame:
    """Those that were paused, have an invoice that a pause may have left, or a gap that a pause may explain."""
    lives = known.lives.filter(pl.col("pause_collection_behavior").is_not_null() | pl.col("paused_at").is_not_null())
    left = known.observed(before).filter(pl.col("left_by").is_not_null())
    return pl.concat([frame.select(SUBSCRIPTION) for frame in (lives, left, known.gapped)]).unique()


def _in_dunning(known: Known, *_: MetricPolicy) -> pl.DataFrame:
    is_owed = pl.col("unpaid_at").is_not_null() | pl.col("status").is_in(["unpaid", "past_due"])
    lives = known.lives.filter(is_owed | (pl.col("paused_type") == FINAL_FAILURE))
    return pl.concat([frame.select(SUBSCRIPTION) for frame in (lives, known.told_of("past_due"))]).unique()


TOUCHED: Mapping[str, Touched] = {
    "trials": _with_trials,
    "cancel_timing": _with_requests,
    "discounts": _with_discounts,
    "pauses": _with_pauses,
    "dunning": _in_dunning,
}
"""The subscriptions that a group of rules can touch; of any other group, all."""
