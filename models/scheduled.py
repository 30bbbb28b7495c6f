"""What is known of MRR to come: every change that is set already, what of it is churn, and MRR with all of it done.

A change is what the state of a subscription will be worth less what it is worth before: priced as the timeline prices,
in the ratio that inclusive tax leaves today. Trials stand apart, because what comes of them is not known. Nothing here
foresees what nobody has set.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from fractions import Fraction
from functools import reduce
from operator import add

import polars as pl

from models.churn import failing_invoices
from models.mrr import published
from models.outlook import SUBSCRIPTION, Item, Outlook, outlooks
from models.periods import day_of, month_end, month_of
from models.reporting import in_reporting
from models.shares import divided
from models.stock import stock_now
from models.terms import Terms
from models.worth import Catalogue, State, catalogue

HORIZONS = (1, 3, 12)
MONTHS_AHEAD = 12
"""Months ahead for which committed MRR is told."""

KINDS = ("cancellation", "pause", "resume", "phase", "discount", "start")
"""What can happen to MRR that counts; `trial_end` is what can happen to a trial, and of the others what comes after."""

ENDINGS = ("cancellation", "pause")
MICROS = 1_000_000
CHANGE = {
    "account_id": pl.String(),
    "scheduled_id": pl.String(),
    "subscription_id": pl.String(),
    "customer_id": pl.String(),
    "currency": pl.String(),
    "effective_at": pl.Datetime("us", "UTC"),
    "kind": pl.String(),
    "is_trial": pl.Boolean(),
    "before_micros": pl.Int64(),
    "after_micros": pl.Int64(),
}


def scheduled_changes(
    subscriptions: pl.LazyFrame,
    subscription_items: pl.LazyFrame,
    schedules: pl.LazyFrame,
    schedule_items: pl.LazyFrame,
    discounts: pl.LazyFrame,
    coupons: pl.LazyFrame,
    prices: pl.LazyFrame,
    stretches: pl.LazyFrame,
    changes: pl.LazyFrame,
    mrr_rates: pl.LazyFrame,
    terms: Terms,
) -> pl.LazyFrame:
    """`marts.scheduled_changes`: the last three frames are the spine's, the others staged.

    In the reporting currency everything is at the rate that the subscription's MRR is worth now.
    """
    sold = catalogue(prices, coupons, terms.policy)
    known = outlooks(
        subscriptions,
        subscription_items,
        schedules,
        schedule_items,
        discounts,
        coupons,
        prices,
        stretches,
        terms,
    )
    rows = [row for one in known for row in _changes(one, sold, terms)]
    told = pl.LazyFrame(rows, schema=CHANGE, orient="row")
    return (
        _in_reporting(told, changes, mrr_rates, terms)
        .select(
            "account_id",
            "scheduled_id",
            "effective_at",
            day_of("effective_at", terms).alias("effective_on"),
            "subscription_id",
            "customer_id",
            "kind",
            "is_trial",
            published(pl.col("before_micros")).alias("mrr_before"),
            published(pl.col("after_micros")).alias("mrr_after"),
            published(pl.col("after_micros") - pl.col("before_micros")).alias("mrr_delta"),
            "currency",
            published(pl.col("after_reporting") - pl.col("before_reporting")).alias("mrr_delta_reporting"),
        )
        .sort("account_id", "scheduled_id", "effective_at")
    )


def scheduled_churn(
    scheduled_changes: pl.LazyFrame,
    subscriptions: pl.LazyFrame,
    invoices: pl.LazyFrame,
    attempts: pl.LazyFrame,
    changes: pl.LazyFrame,
    terms: Terms,
) -> pl.LazyFrame:
    """`marts.scheduled_churn`: the first frame is the mart, `attempts` of `failures.payment_attempts`, `changes` the
    spine's, the others are staged.

    `mrr_lost` is what the subscription will be worth just before; `leaves` is true where the customer has no other
    subscription that counts and stays.
    """
    ends = scheduled_changes.filter(~pl.col("is_trial"), pl.col("kind").is_in(ENDINGS), pl.col("mrr_before") > 0)
    paying = stock_now(changes).group_by("account_id", "customer_id").agg(paying=pl.col("subscription_id").n_unique())
    gone = pl.col("subscription_id").is_first_distinct().cast(pl.Int64).cum_sum()
    in_turn = gone.over("account_id", "customer_id", order_by=["effective_at", "subscription_id"])
    return (
        ends.join(_said(subscriptions, invoices, attempts), on=SUBSCRIPTION, how="left")
        .join(paying, on=["account_id", "customer_id"], how="left")
        .with_columns(kind=pl.when(pl.col("kind") == "pause").then(pl.lit("paused")).otherwise("churn_kind"))
        .select(
            "account_id",
            "subscription_id",
            "customer_id",
            ends_at="effective_at",
            ends_on="effective_on",
            kind="kind",
            reason=_unless_paused("reason"),
            feedback=_unless_paused("feedback"),
            comment=_unless_paused("comment"),
            asked_at=_unless_paused("canceled_at"),
            mrr_lost="mrr_before",
            currency="currency",
            mrr_lost_reporting=-pl.col("mrr_delta_reporting"),
            leaves=(in_turn >= pl.col("paying")).fill_null(False),
        )
        .sort("account_id", "ends_at", "subscription_id")
    )


def scheduled_churn_by_month(scheduled_churn: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """`marts.scheduled_churn_by_month`: `scheduled_churn` is the mart."""
    return (
        scheduled_churn.group_by("account_id", month_of("ends_on").alias("month"), "kind")
        .agg(
            subscriptions=pl.len().cast(pl.Int64),
            leaving_customers=pl.col("customer_id").filter("leaves").n_unique().cast(pl.Int64),
            mrr_lost_reporting=pl.col("mrr_lost_reporting").sum().cast(pl.Decimal(18, 6)),
        )
        .sort("account_id", "month", "kind")
    )


def committed_mrr(
    mrr_by_month_reporting: pl.LazyFrame, scheduled_changes: pl.LazyFrame, trials: pl.LazyFrame, terms: Terms
) -> pl.LazyFrame:
    """`marts.committed_mrr`: all three frames are marts.

    Trials count as what they would be worth times the share of the trials of the last twelve months that converted:
    decided ones alone, by their end.
    """
    ahead = pl.LazyFrame({"horizon_months": HORIZONS}).with_columns(
        until=pl.lit(terms.as_of_day).dt.offset_by(pl.format("{}mo", "horizon_months"))
    )
    return _known(mrr_by_month_reporting, scheduled_changes, trials, ahead, terms)


def known_mrr_by_month(
    mrr_by_month_reporting: pl.LazyFrame, scheduled_changes: pl.LazyFrame, trials: pl.LazyFrame, terms: Terms
) -> pl.LazyFrame:
    """`marts.known_mrr_by_month`: `committed_mrr` at the end of the as-of month and of the eleven after it."""
    ahead = (
        pl.LazyFrame({"months": range(MONTHS_AHEAD)})
        .select(month=_this_month(terms).dt.offset_by(pl.format("{}mo", "months")))
        .with_columns(until=month_end("month"))
    )
    return _known(mrr_by_month_reporting, scheduled_changes, trials, ahead, terms)


def _known(
    mrr_by_month_reporting: pl.LazyFrame,
    scheduled_changes: pl.LazyFrame,
    trials: pl.LazyFrame,
    ahead: pl.LazyFrame,
    terms: Terms,
) -> pl.LazyFrame:
    """MRR now and what is set already, by each day `until` of `ahead`, whose first column tells its rows apart."""
    step = ahead.collect_schema().names()[0]
    now = mrr_by_month_reporting.filter(pl.col("is_partial") | (pl.col("month") == _this_month(terms)))
    by_kind = [_sum_of(~pl.col("is_trial") & (pl.col("kind") == kind)).alias(f"{kind}_mrr") for kind in KINDS]
    coming = (
        scheduled_changes.join(ahead, how="cross")
        .filter(pl.col("effective_on") <= pl.col("until"))
        .group_by("account_id", step)
        .agg(*by_kind, trials_mrr=_sum_of(pl.col("is_trial")))
    )
    return (
        now.select("account_id", "currency", mrr="closing_mrr")
        .join(ahead, how="cross")
        .join(coming, on=["account_id", step], how="left")
        .join(_conversions(trials, terms), on="account_id", how="left")
        .with_columns(
            pl.col(*(f"{kind}_mrr" for kind in KINDS), "trials_mrr").fill_null(0).cast(_MRR),
            pl.col("converted_trials", "decided_trials").fill_null(0),
        )
        .with_columns(committed_mrr=_total("mrr", *(f"{kind}_mrr" for kind in KINDS)))
        .with_columns(expected_trials_mrr=_expected())
        .select(
            "account_id",
            step,
            "until",
            "currency",
            "mrr",
            *(f"{kind}_mrr" for kind in KINDS),
            "committed_mrr",
            "trials_mrr",
            "converted_trials",
            "decided_trials",
            "expected_trials_mrr",
            committed_with_trials_mrr=_total("committed_mrr", "expected_trials_mrr"),
        )
        .sort("account_id", step)
    )


_MRR = pl.Decimal(18, 6)


@dataclass(frozen=True)
class _Pricing:
    """How one subscription's future states are priced: what it holds now says what tax leaves and what has no price."""

    outlook: Outlook
    catalogue: Catalogue
    ratio: Fraction = Fraction(1)
    unpriced: int = 0

    def micros(self, at: datetime) -> int:
        """What the subscription will be worth from an instant on."""
        one = self.outlook
        is_paused = (
            one.pauses_at is not None and one.pauses_at <= at and (one.resumes_at is None or at < one.resumes_at)
        )
        is_over = one.ends_at is not None and one.ends_at <= at
        if is_paused or is_over or (one.trial_ends_at is not None and at < one.trial_ends_at):
            return 0
        return self.unpriced + round(self.listed(at) * self.ratio)

    def listed(self, at: datetime) -> int:
        """The items at an instant, by their prices and coupons."""
        one = self.outlook
        phase = next((phase for phase in reversed(one.phases) if phase.at <= at), None)
        items = phase.items if phase else one.items
        own = (
            phase.coupons
            if phase and phase.coupons
            else tuple(each.coupon_id for each in one.coupons if each.item_id is None and each.holds(at))
        )
        states = tuple(self._state(item, own, at) for item in items)
        return sum(worth.mrr_micros for worth in self.catalogue.worths(states)) if states else 0

    def _state(self, item: Item, coupons: Sequence[str], at: datetime) -> State:
        one = self.outlook
        of_item = item.coupons or tuple(
            each.coupon_id for each in one.coupons if item.id and each.item_id == item.id and each.holds(at)
        )
        return State(
            one.account_id,
            item.price_id,
            item.quantity,
            one.currency,
            ",".join(of_item),
            ",".join(coupons),
            1,
            1,
            None,
            1,
        )


def _changes(one: Outlook, sold: Catalogue, terms: Terms) -> Iterator[tuple[object, ...]]:
    """Rows of `CHANGE`; none where what it counts for now is not what it would by its prices: an absence of its own."""
    now = sum(item.mrr_micros for item in one.items)
    pricing = _priced(one, sold, terms)
    if not now and pricing.micros(terms.as_of):
        return
    before = now
    for at in sorted(_instants(one, terms)):
        after = pricing.micros(at)
        if after != before:
            is_trial = one.trial_ends_at is not None
            yield (
                *(one.account_id, one.scheduled_id, one.subscription_id, one.customer_id, one.currency),
                *(at, _kind(one, at), is_trial, before, after),
            )
        before = after


def _priced(one: Outlook, sold: Catalogue, terms: Terms) -> _Pricing:
    plain = _Pricing(one, sold)
    by_price = [sold.prices.get((one.account_id, item.price_id or "")) for item in one.items]
    unpriced = sum(
        item.mrr_micros
        for item, price in zip(one.items, by_price, strict=True)
        if price is None or price.is_metered or (price.amounts.get(one.currency) is None)
    )
    counted, listed = sum(item.mrr_micros for item in one.items) - unpriced, plain.listed(terms.as_of)
    if not counted or not listed or one.trial_ends_at is not None:
        return replace(plain, unpriced=unpriced)
    return replace(plain, ratio=Fraction(counted, listed), unpriced=unpriced)


def _instants(one: Outlook, terms: Terms) -> set[datetime]:
    told = [one.ends_at, one.pauses_at, one.resumes_at, one.trial_ends_at, *(phase.at for phase in one.phases)]
    told += [at for each in one.coupons for at in (each.from_at, each.until_at)]
    return {at for at in told if at is not None and at > terms.as_of}


def _kind(one: Outlook, at: datetime) -> str:
    """What happens at an instant; of several things the one that says most."""
    starts: list[datetime | None] = [phase.at for phase in one.phases[:1] if one.subscription_id is None]
    kinds: dict[str, list[datetime | None]] = {
        "cancellation": [one.ends_at],
        "pause": [one.pauses_at],
        "trial_end": [one.trial_ends_at],
        "resume": [one.resumes_at],
        "start": starts,
        "phase": [phase.at for phase in one.phases],
    }
    return next((kind for kind, instants in kinds.items() if at in instants), "discount")


def _in_reporting(told: pl.LazyFrame, changes: pl.LazyFrame, rates: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """The changes with what they are worth before and after; the first before is what the items count for now."""
    today = pl.lit(terms.as_of_day)
    stock = stock_now(changes).with_columns(valued_on=pl.coalesce("valued_on", today))
    now = (
        in_reporting(stock, rates, amount="micros", on="valued_on")
        .group_by(SUBSCRIPTION)
        .agg(pl.col("micros_reporting").sum(), pl.col("valued_on").first())
    )
    dated = told.join(now, on=SUBSCRIPTION, how="left").with_columns(valued_on=pl.coalesce("valued_on", today))
    after = pl.col("after_reporting").shift(1).over("account_id", "scheduled_id", order_by="effective_at")
    return (
        in_reporting(dated, rates, amount="after_micros", on="valued_on", into="after_reporting")
        .with_columns(pl.col("after_reporting").fill_null(0))
        .with_columns(before_reporting=pl.coalesce(after, "micros_reporting", pl.lit(0, pl.Int64)))
    )


def _said(subscriptions: pl.LazyFrame, invoices: pl.LazyFrame, attempts: pl.LazyFrame) -> pl.LazyFrame:
    """What is known so far of why each subscription ends: the classes of models/churn.py that can be told before."""
    still_owed = pl.col("settled_at").is_null() | (pl.col("settled_at") > pl.col("canceled_at"))
    said = subscriptions.select(
        "account_id",
        "canceled_at",
        subscription_id="id",
        reason="cancellation_reason",
        feedback="cancellation_feedback",
        comment="cancellation_comment",
    )
    in_dunning = (
        said.join(failing_invoices(invoices, attempts), on=SUBSCRIPTION)
        .filter(pl.col("first_failed_at") <= pl.col("canceled_at"), still_owed)
        .select(*SUBSCRIPTION, in_dunning=pl.lit(True))
        .unique()
    )
    reason, asked = pl.col("reason"), pl.col("reason") == "cancellation_requested"
    return said.join(in_dunning, on=SUBSCRIPTION, how="left").with_columns(
        churn_kind=pl.when(reason == "payment_disputed")
        .then(pl.lit("involuntary_dispute"))
        .when(reason == "payment_failed")
        .then(pl.lit("involuntary_payment"))
        .when(asked & pl.col("in_dunning").fill_null(False))
        .then(pl.lit("voluntary_in_dunning"))
        .when(asked)
        .then(pl.lit("voluntary"))
        .otherwise(pl.lit("contract_end"))
    )


def _unless_paused(name: str) -> pl.Expr:
    return pl.when(pl.col("kind") != "paused").then(name)


def _this_month(terms: Terms) -> pl.Expr:
    return pl.lit(terms.as_of_day.replace(day=1))


def _sum_of(rows: pl.Expr) -> pl.Expr:
    return pl.col("mrr_delta_reporting").filter(rows).sum().cast(_MRR)


def _total(*amounts: str) -> pl.Expr:
    return reduce(add, map(pl.col, amounts)).cast(_MRR)


def _conversions(trials: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    ended_on = day_of("ends_at", terms)
    recent = (ended_on <= terms.as_of_day) & (ended_on > pl.lit(terms.as_of_day).dt.offset_by("-12mo"))
    return (
        trials.filter(recent, pl.col("outcome") != "open")
        .group_by("account_id")
        .agg(
            converted_trials=(pl.col("outcome") == "converted").sum().cast(pl.Int64),
            decided_trials=pl.len().cast(pl.Int64),
        )
    )


def _expected() -> pl.Expr:
    """Trials' MRR times the share that converts, half to even; 0 where no trial was decided."""
    micros = (pl.col("trials_mrr").cast(pl.Decimal(38, 6)) * MICROS).cast(pl.Int128)
    base = pl.max_horizontal("decided_trials", pl.lit(1, pl.Int64)).cast(pl.Int128)
    return published(divided(micros * pl.col("converted_trials").cast(pl.Int128), base))
