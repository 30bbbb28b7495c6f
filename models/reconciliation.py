"""Holds MRR by customer and month, as someone else exported it, against ours by the rules of one policy, and says why.

For each difference single rules are tried: the first by which our figure becomes theirs is the probable cause. Knows
frames, facts and rules; not files, nor what the other side is.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import polars as pl

from models import ledger
from models.fx import converted
from models.known import Known
from models.movements import GRAIN
from models.observations import SUBSCRIPTION
from models.plans import collected
from models.policy import MetricPolicy, changed
from models.terms import Terms
from models.timeline import stretches
from models.worth import Catalogue

KEY = ["customer_id", "currency", "month"]
ALL_COUPONS = ("forever", "once", "repeating")

Rules = Mapping[str, object]


@dataclass(frozen=True)
class Guess:
    """What the other side may do instead: other rules on top of the policy, or a month that ends days later."""

    cause: str
    words: str
    rules: Rules = field(default_factory=dict)
    days: int = 0


GUESSES: tuple[Guess, ...] = (
    Guess("cancel_timing", "counts until the subscription ends", {"churn_moment": "ended"}),
    Guess("cancel_timing", "leaves when the cancellation is asked for", {"churn_moment": "requested"}),
    Guess("discounts", "repeating coupons are subtracted", {"counted_discounts": ["forever", "repeating"]}),
    Guess("discounts", "every coupon is subtracted", {"counted_discounts": [*ALL_COUPONS]}),
    Guess("discounts", "only coupons for ever are subtracted", {"counted_discounts": ["forever"]}),
    Guess("discounts", "no coupon is subtracted", {"counted_discounts": []}),
    Guess("pauses", "paused collection counts", {"zero_pause_behaviors": []}),
    Guess(
        "pauses",
        "postponed collection does not count",
        {"zero_pause_behaviors": ["keep_as_draft", "mark_uncollectible", "void"]},
    ),
    Guess("pauses", "a paused subscription counts", {"paused_status_counts": True}),
    Guess("dunning", "an unpaid subscription counts", {"counted_statuses": ["active", "past_due", "unpaid"]}),
    Guess("dunning", "a past due subscription does not count", {"counted_statuses": ["active"]}),
    Guess("trials", "a trial counts", {"trials_count": True}),
    Guess("other", "counts from the first payment", {"active_from": "first_payment"}),
    Guess("other", "metered usage counts", {"metered_counts": True}),
    Guess("other", "28 to 31 days are a month", {"treat_28_31_day_as_month": True}),
    Guess("other", "a month is 365/84 weeks", {"week_factor": "365/84"}),
    Guess("other", "a month is 30 days", {"day_factor": 30}),
    Guess("timing", "the change of the next day is in it", days=1),
    Guess("timing", "the change of the last day is not in it", days=-1),
    Guess(
        "several",
        "counts until the subscription ends, repeating coupons are subtracted",
        {"churn_moment": "ended", "counted_discounts": ["forever", "repeating"]},
    ),
    Guess(
        "several",
        "counts until the subscription ends, every coupon is subtracted",
        {"churn_moment": "ended", "counted_discounts": [*ALL_COUPONS]},
    ),
)
"""What is tried, in this order. The last are the two that can be switched in Stripe's Dashboard, both at once."""

UNKNOWN = "unexplained"
RATES_APART = 20
"""Exchange rates of two sources differ by less than one part in so many."""


def reconciled(
    theirs: pl.DataFrame,
    known: Known,
    catalogue: Catalogue,
    rates: pl.LazyFrame,
    terms: Terms,
    tolerance: Mapping[str, int],
) -> pl.DataFrame:
    """Each customer and month with MRR on one side at least: customer_id, currency, month, theirs_micros and
    ours_micros (0 where a side has none), difference_micros (theirs less ours), matches, cause and words (null where it
    matches).

    Args:
        theirs: customer_id, currency, month, micros; a null currency means converted to that of the terms.
        known: the facts of the account.
        catalogue: prices and coupons.
        rates: contracts.spine.DailyRates.
        terms: as-of instant, zone and currency; the policy that ours is counted by.
        tolerance: micros by currency within which a difference is none.
    """
    is_converted = theirs["currency"].is_null().any()
    ours = _Ours(known, catalogue, rates, terms, is_converted)
    months = theirs.select("month").unique()
    told = theirs.select("customer_id", pl.col("currency").fill_null(terms.currency), "month", theirs_micros="micros")
    both = told.join(ours.at_month_ends(terms.policy, months), on=KEY, how="full", coalesce=True)
    allowed = pl.col("currency").replace_strict(tolerance, default=0, return_dtype=pl.Int64)
    compared = (
        both.with_columns(pl.col("theirs_micros", "ours_micros").fill_null(0))
        .filter((pl.col("theirs_micros") != 0) | (pl.col("ours_micros") != 0))
        .with_columns(difference_micros=pl.col("theirs_micros") - pl.col("ours_micros"), allowed=allowed)
        .with_columns(matches=pl.col("difference_micros").abs() <= pl.col("allowed"))
    )
    different = compared.filter(~pl.col("matches"))
    causes = _causes(different, ours, months)
    return (
        compared.join(causes, on=KEY, how="left")
        .drop("allowed")
        .select(*KEY, "theirs_micros", "ours_micros", "difference_micros", "matches", "cause", "words")
        .sort("month", "currency", "customer_id")
    )


@dataclass(frozen=True)
class _Ours:
    """Our side: what customers are worth by any rules."""

    known: Known
    catalogue: Catalogue
    rates: pl.LazyFrame
    terms: Terms
    is_converted: bool
    """True where their amounts are all in the currency of the terms."""

    def at_month_ends(
        self, policy: MetricPolicy, months: pl.DataFrame, of: pl.DataFrame | None = None, shifted_days: int = 0
    ) -> pl.DataFrame:
        """customer_id, currency, month and ours_micros at the end of each month, or so many days off; of some customers
        alone where `of` names them."""
        day = pl.min_horizontal(
            pl.col("month").dt.month_end() + timedelta(days=shifted_days), pl.lit(self.terms.as_of_day)
        )
        asked = months.with_columns(changed_on=day).sort("changed_on")
        changes = self._ledger(policy, of)
        stock = (
            changes.group_by(*GRAIN, "changed_on")
            .agg(pl.col("delta_micros").sum())
            .sort("changed_on")
            .with_columns(ours_micros=pl.col("delta_micros").cum_sum().over(GRAIN))
            .select(*GRAIN, "changed_on", "ours_micros")
        )
        held = stock.select(GRAIN).unique().join(asked, how="cross").sort("changed_on")
        worth = held.join_asof(stock, on="changed_on", by=GRAIN, check_sortedness=False).filter(
            pl.col("ours_micros") != 0
        )
        return self._in_their_currency(worth) if self.is_converted else worth.select(*KEY, "ours_micros")

    def customers(self) -> pl.DataFrame:
        """Every customer of whom we hold a subscription, and whether one is in another currency than the terms'."""
        is_foreign = (pl.col("currency") != self.terms.currency).any()
        return self.known.lives.group_by("customer_id").agg(is_foreign=is_foreign, is_known=pl.lit(True))

    def _ledger(self, policy: MetricPolicy, of: pl.DataFrame | None) -> pl.DataFrame:
        only = None
        if of is not None:
            only = self.known.lives.join(of, on="customer_id", how="semi").select(SUBSCRIPTION)
        return ledger.changes(stretches(self.known, self.catalogue, policy, only).lazy(), self.terms).pipe(collected)

    def _in_their_currency(self, worth: pl.DataFrame) -> pl.DataFrame:
        on = self.rates.select("currency", "numerator", "denominator", changed_on="date")
        return (
            worth.lazy()
            .join(on, on=["currency", "changed_on"], how="left")
            .with_columns(converted("ours_micros").alias("ours_micros"))
            .group_by("customer_id", "month")
            .agg(pl.col("ours_micros").sum())
            .select("customer_id", "month", "ours_micros", currency=pl.lit(self.terms.currency))
            .select(*KEY, "ours_micros")
            .pipe(collected)
        )


def _causes(different: pl.DataFrame, ours: _Ours, months: pl.DataFrame) -> pl.DataFrame:
    """The probable cause of each difference: customer_id, currency, month, cause, words."""
    none = different.clear().select(*KEY, cause=pl.lit(""), words=pl.lit(""))
    guessed = pl.concat([none, *_explained(different, ours, months)])
    rest = different.join(guessed, on=KEY, how="anti").join(ours.customers(), on="customer_id", how="left")
    return pl.concat([guessed, rest.select(*KEY, **_sides(ours.is_converted))])


def _explained(different: pl.DataFrame, ours: _Ours, months: pl.DataFrame) -> Iterable[pl.DataFrame]:
    """The differences that a guess makes none, each by the first that does."""
    for guess, figures in _tried(different, ours, months):
        if different.is_empty():
            return
        meets = (
            different.join(figures.rename({"ours_micros": "by_guess"}), on=KEY, how="left")
            .with_columns(pl.col("by_guess").fill_null(0))
            .filter((pl.col("theirs_micros") - pl.col("by_guess")).abs() <= pl.col("allowed"))
        )
        yield meets.select(*KEY, cause=pl.lit(guess.cause), words=pl.lit(guess.words))
        different = different.join(meets, on=KEY, how="anti")


def _tried(different: pl.DataFrame, ours: _Ours, months: pl.DataFrame) -> Iterable[tuple[Guess, pl.DataFrame]]:
    """Our figures of the customers that differ, by each guess."""
    policy, customers = ours.terms.policy, different.select("customer_id").unique()
    for guess in GUESSES:
        other = changed(policy, **guess.rules)
        if other != policy or guess.days:
            yield guess, ours.at_month_ends(other, months, customers, guess.days)


def _sides(is_converted: bool) -> dict[str, pl.Expr]:
    """Cause and words of a difference that no guess explains: that one side has nothing, or another rate."""
    is_near = pl.col("difference_micros").abs() * RATES_APART <= pl.col("ours_micros").abs()
    tests: Sequence[tuple[pl.Expr, str, str]] = (
        (pl.col("is_known").is_null(), "unknown_customer", "no subscription of the customer is held here"),
        (pl.col("ours_micros") == 0, "missing_here", "the export has MRR, here it is nothing"),
        (pl.col("theirs_micros") == 0, "missing_there", "here it has MRR, in the export it is nothing"),
        (pl.col("is_foreign") & is_near & is_converted, "fx", "another exchange rate"),
    )
    return {
        "cause": pl.coalesce(*(pl.when(test).then(pl.lit(cause)) for test, cause, _ in tests), pl.lit(UNKNOWN)),
        "words": pl.coalesce(
            *(pl.when(test).then(pl.lit(words)) for test, _, words in tests), pl.lit("both sides have MRR")
        ),
    }
