"""The cash that what is signed will bring: renewals by month, less what will fail and not be recovered.

What a renewal will bill is what its item is worth a month times the months of its billing period, after whatever is set
to change by then; without tax. Nobody new is in it, and nobody leaves but who is known to. What comes in is told by the
account's own last twelve full months: of renewals that are charged, first attempts that succeeded and failed volume
that was recovered; of invoices that are sent, what was paid of them, after the days that payers took.
"""

from fractions import Fraction

import polars as pl

from models.periods import day_of, month_of
from models.receivables import SENT
from models.reporting import in_reporting
from models.scheduled import MONTHS_AHEAD
from models.shares import divided
from models.stock import stock_now
from models.terms import Terms

MICROS = 1_000_000
BASE_MONTHS = 12
INTERVALS = {"day": "d", "week": "w", "month": "mo", "year": "y"}
SHORTEST = {"day": 366, "week": 53, "month": 12, "year": 1}
"""Renewals of a price of each interval within a year, at most, after its next one."""
SUBSCRIPTION = ["account_id", "subscription_id"]
RATES = ("base_reporting", "collected_reporting", "failed_reporting", "recovered_base_reporting", "days", "paid")


def renewals_by_day(
    changes: pl.LazyFrame,
    subscriptions: pl.LazyFrame,
    subscription_items: pl.LazyFrame,
    prices: pl.LazyFrame,
    scheduled_changes: pl.LazyFrame,
    mrr_rates: pl.LazyFrame,
    terms: Terms,
) -> pl.LazyFrame:
    """Renewals to come, to the end of the eleventh month after the as-of day's: account_id, collection_method,
    renews_on, is_next (their item's next one), renewals and billed_reporting.

    `changes` and `mrr_rates` are the spine's, `scheduled_changes` the mart, the others staged.
    """
    items = _renewing(changes, subscriptions, subscription_items, prices, terms)
    dated = _at_renewal(_renewals(items, terms), scheduled_changes).with_columns(
        renews_on=day_of("renews_at", terms), valued_on=pl.lit(terms.as_of_day)
    )
    return (
        in_reporting(dated, mrr_rates, amount="billed", on="valued_on")
        .group_by("account_id", "collection_method", "renews_on", "is_next")
        .agg(renewals=pl.len().cast(pl.Int64), billed_reporting=pl.col("billed_reporting").sum())
    )


def cash_forecast_by_month(
    renewals_by_day: pl.LazyFrame,
    first_attempts: pl.LazyFrame,
    recovery_by_month: pl.LazyFrame,
    sent_by_month: pl.LazyFrame,
    terms: Terms,
) -> pl.LazyFrame:
    """`marts.cash_forecast_by_month`: `renewals_by_day` is of the function of that name, `first_attempts` of
    `failures.first_attempts_by_month`, `sent_by_month` of `receivables.sent_by_month`, `recovery_by_month` the mart."""
    bases = _bases(first_attempts, recovery_by_month, sent_by_month, terms)
    dated = (
        renewals_by_day.join(bases, on=["account_id", "collection_method"], how="left")
        .with_columns(pl.col(RATES).fill_null(0))
        .with_columns(due_on=pl.col("renews_on").dt.offset_by(pl.format("{}d", _mean_days())))
        .filter(pl.col("due_on") <= _last_day(terms))
    )
    billed = pl.col("billed_reporting")
    return (
        dated.group_by("account_id", "collection_method", month_of("due_on").alias("month"))
        .agg(
            pl.col("renewals").sum(),
            next_renewals=pl.col("renewals").filter("is_next").sum(),
            next_billed_reporting=billed.filter("is_next").sum(),
            billed_reporting=billed.sum(),
            **{name: pl.col(name).first() for name in RATES},
        )
        .with_columns(first_attempt_reporting=_part("billed_reporting", "collected_reporting", "base_reporting"))
        .with_columns(failed=billed - pl.col("first_attempt_reporting"))
        .with_columns(recovered=_part("failed", "recovered_base_reporting", "failed_reporting").fill_null(0))
        .with_columns(recovered_reporting=pl.when(pl.col("failed").is_not_null()).then("recovered"))
        .with_columns(expected_reporting=pl.col("first_attempt_reporting") + pl.col("recovered_reporting"))
        .select(
            "account_id",
            "month",
            "collection_method",
            pl.lit(terms.currency).alias("currency"),
            "renewals",
            "billed_reporting",
            "next_renewals",
            "next_billed_reporting",
            "first_attempt_reporting",
            "recovered_reporting",
            "expected_reporting",
            haircut_reporting=billed - pl.col("expected_reporting"),
            past_attempted_reporting="base_reporting",
            past_succeeded_reporting="collected_reporting",
            past_failed_reporting="failed_reporting",
            past_recovered_reporting="recovered_base_reporting",
            is_partial=pl.col("month") == pl.lit(terms.as_of_day.replace(day=1)),
        )
        .sort("account_id", "month", "collection_method")
    )


def _renewing(
    changes: pl.LazyFrame,
    subscriptions: pl.LazyFrame,
    subscription_items: pl.LazyFrame,
    prices: pl.LazyFrame,
    terms: Terms,
) -> pl.LazyFrame:
    """Items that count in MRR now, with the end of their period and what a month of them is of a billing period."""
    stock = stock_now(changes).select(*SUBSCRIPTION, "subscription_item_id", "currency", "micros")
    of_subscription = pl.col("micros").sum().over(SUBSCRIPTION)
    intervals = ("recurring_interval", "recurring_interval_count")
    return (
        stock.with_columns(now_micros=of_subscription)
        .filter(pl.col("now_micros") > 0)
        .join(
            subscription_items.select(
                "account_id", "price_id", renews_at="current_period_end_at", subscription_item_id="id"
            ),
            on=["account_id", "subscription_item_id"],
        )
        .join(prices.select("account_id", *intervals, price_id="id"), on=["account_id", "price_id"])
        .join(
            subscriptions.select("account_id", "collection_method", subscription_id="id"), on=SUBSCRIPTION, how="left"
        )
        .join(_lengths(terms), on="recurring_interval")
        .with_columns(
            pl.col("collection_method").fill_null("charge_automatically"),
            pl.col("recurring_interval_count").fill_null(1),
        )
        .drop_nulls("renews_at")
    )


def _lengths(terms: Terms) -> pl.LazyFrame:
    """Months of one interval as a fraction, by the policy, and how often it may pass within a year."""
    months = {name: Fraction(1) / terms.policy.month_factor(name) for name in INTERVALS}
    return pl.LazyFrame(
        {
            "recurring_interval": list(INTERVALS),
            "unit": list(INTERVALS.values()),
            "most": list(SHORTEST.values()),
            "months_up": pl.Series([one.numerator for one in months.values()], dtype=pl.Int128),
            "months_down": pl.Series([one.denominator for one in months.values()], dtype=pl.Int128),
        }
    )


def _renewals(items: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """Each renewal of each item to come, to the last day that is looked at: in UTC, as Stripe bills, and counted from
    the next, so that the 31st stays the last day of its months."""
    periods = pl.int_ranges(0, pl.col("most") // pl.col("recurring_interval_count") + 2)
    step = pl.format("{}{}", pl.col("periods") * pl.col("recurring_interval_count"), "unit")
    return (
        items.with_columns(periods=periods)
        .explode("periods")
        .with_columns(renews_at=pl.col("renews_at").dt.offset_by(step))
        .filter(pl.col("renews_at") > terms.as_of, day_of("renews_at", terms) <= _last_day(terms))
        .with_columns(is_next=pl.col("periods") == pl.col("periods").min().over("account_id", "subscription_item_id"))
    )


def _last_day(terms: Terms) -> pl.Expr:
    return pl.lit(terms.as_of_day).dt.offset_by(f"{MONTHS_AHEAD - 1}mo").dt.month_end()


def _at_renewal(renewals: pl.LazyFrame, scheduled_changes: pl.LazyFrame) -> pl.LazyFrame:
    """Renewals with what they will bill, in minor units: in the ratio that the subscription's MRR will then have."""
    set_already = (
        scheduled_changes.filter(~pl.col("is_trial"))
        .drop_nulls("subscription_id")
        .select(*SUBSCRIPTION, "effective_at", then=(pl.col("mrr_after") * MICROS).cast(pl.Int64))
        .sort("effective_at")
    )
    renewed = renewals.sort("renews_at", "account_id", "subscription_item_id").join_asof(
        set_already,
        left_on="renews_at",
        right_on="effective_at",
        by=SUBSCRIPTION,
        strategy="backward",
        check_sortedness=False,
    )
    whole = [
        pl.col("micros").cast(pl.Int128) * pl.col("recurring_interval_count") * pl.col("months_up"),
        pl.coalesce("then", "now_micros").cast(pl.Int128),
    ]
    by = pl.col("months_down") * pl.col("now_micros") * pl.lit(MICROS, pl.Int128)
    return renewed.with_columns(billed=divided(whole[0] * whole[1], by)).filter(pl.col("billed") > 0)


def _bases(
    first_attempts: pl.LazyFrame, recovery_by_month: pl.LazyFrame, sent_by_month: pl.LazyFrame, terms: Terms
) -> pl.LazyFrame:
    """By way of collection: what was asked for, what came of it at once, what failed and is settled, what of that came
    after all; and for what was sent the days until it was paid."""
    first_of_month = pl.lit(terms.as_of_day.replace(day=1))
    recent = (pl.col("month") < first_of_month) & (pl.col("month") >= first_of_month.dt.offset_by(f"-{BASE_MONTHS}mo"))
    attempted = pl.col("attempted_amount_reporting").sum()
    charged = first_attempts.filter(recent).group_by("account_id")
    failed = recovery_by_month.filter(recent).group_by("account_id")
    sent = sent_by_month.filter(recent).group_by("account_id")
    by_charge = (
        charged.agg(
            base_reporting=attempted,
            collected_reporting=attempted - pl.col("first_failed_amount_reporting").sum(),
        )
        .join(
            failed.agg(
                failed_reporting=(pl.col("failed_amount_reporting") - pl.col("open_amount_reporting")).sum(),
                recovered_base_reporting=pl.col("recovered_amount_reporting").sum(),
            ),
            on="account_id",
            how="left",
        )
        .with_columns(collection_method=pl.lit("charge_automatically"))
    )
    by_invoice = sent.agg(
        base_reporting=pl.col("billed_reporting").sum(),
        collected_reporting=pl.col("paid_reporting").sum(),
        days=pl.col("days_to_pay").sum(),
        paid=pl.col("paid_invoices").sum(),
    ).with_columns(collection_method=pl.lit(SENT))
    return pl.concat([by_charge, by_invoice], how="diagonal")


def _mean_days() -> pl.Expr:
    """Whole days, to the nearest, that payers took; 0 where nothing was sent and paid."""
    return divided(pl.col("days").cast(pl.Int128), pl.max_horizontal("paid", pl.lit(1, pl.Int64)).cast(pl.Int128))


def _part(of: str, top: str, base: str) -> pl.Expr:
    """`of` x `top` / `base`, half to even; null where there is no base."""
    below = pl.max_horizontal(base, pl.lit(1, pl.Int64)).cast(pl.Int128)
    return pl.when(pl.col(base) > 0).then(divided(pl.col(of).cast(pl.Int128) * pl.col(top), below))
