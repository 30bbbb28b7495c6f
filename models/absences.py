"""When a subscription does not count though it runs: in trial, on its way out, past due for too long, not yet paid.

What was so is told whatever the rules; a policy says which of it takes MRR away, and after how many days. Pieces of a
timeline are cut by it. Ends and pauses that say so themselves are no absences: models/lives.py has them.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

import polars as pl

from models.dunning import past_due
from models.observations import SUBSCRIPTION, regular_lines
from models.plans import collected
from models.policy import MetricPolicy
from models.terms import Terms

FIRST, LAST = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)
"""Stand for an absence that was always so, and one that has no end."""

INSTANT = pl.Datetime("us", "UTC")
ABSENCE = (*SUBSCRIPTION, "from_at", "until_at")

Told = Callable[[Mapping[str, pl.LazyFrame], pl.LazyFrame, Terms], pl.LazyFrame]
"""Staged tables, the lives and the terms to account_id, subscription_id, from_at and until_at; null: without end."""


def _trials(staging: Mapping[str, pl.LazyFrame], lives: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """The trial that Stripe holds, and those before it, of which only their invoices tell."""
    held = lives.filter(pl.col("trial_end_at").is_not_null()).select(
        *SUBSCRIPTION, from_at="trial_start_at", until_at="trial_end_at"
    )
    free = _free_periods(staging).join(lives.select(SUBSCRIPTION), on=SUBSCRIPTION, how="semi")
    is_held = pl.col("from_at").is_between("trial_start_at", "trial_end_at", closed="left")
    others = (
        free.join(lives.select(*SUBSCRIPTION, "trial_start_at", "trial_end_at"), on=SUBSCRIPTION)
        .filter(~is_held.fill_null(False))
        .select(ABSENCE)
    )
    return pl.concat([held, others])


def _free_periods(staging: Mapping[str, pl.LazyFrame]) -> pl.LazyFrame:
    """Periods billed with nothing though their prices cost something, each up to the next that was billed with more."""
    nothing = _lines_of_nothing(staging).pipe(collected)
    if nothing.is_empty():
        return nothing.lazy().select(*SUBSCRIPTION, from_at="period_start_at", until_at="period_end_at")
    billed = regular_lines(staging).join(nothing.lazy().select(SUBSCRIPTION), on=SUBSCRIPTION, how="semi")
    invoiced = ["account_id", "invoice_id", "period_start_at"]
    charged = billed.filter(pl.col("amount") != 0)
    free = nothing.lazy().join(charged, on=invoiced, how="anti").unique([*SUBSCRIPTION, "period_start_at"])
    next_charged = charged.select(*SUBSCRIPTION, next_at="period_start_at").sort("next_at")
    return (
        free.sort("period_start_at")
        .join_asof(
            next_charged,
            left_on="period_start_at",
            right_on="next_at",
            by=SUBSCRIPTION,
            strategy="forward",
            allow_exact_matches=False,
            check_sortedness=False,
        )
        .select(*SUBSCRIPTION, from_at="period_start_at", until_at=pl.min_horizontal("period_end_at", "next_at"))
    )


def _lines_of_nothing(staging: Mapping[str, pl.LazyFrame]) -> pl.LazyFrame:
    """Lines that bill nothing for a quantity of a licensed price that any quantity has to be paid of, at least a whole
    minor unit each."""
    first = pl.col("tiers").list.first().struct
    is_tiered = pl.col("tiers").list.len() > 0
    of_tier = pl.max_horizontal(first.field("unit_amount_decimal"), first.field("flat_amount_decimal"))
    each = pl.when(is_tiered).then(of_tier).otherwise(pl.coalesce("unit_amount_decimal", "unit_amount"))
    licensed = pl.col("type").ne_missing("one_time") & pl.col("recurring_usage_type").ne_missing("metered")
    rounds_down = pl.col("transform_quantity_round").eq_missing("down")
    priced = staging["prices"].filter(licensed & ~rounds_down, each >= 1).select("account_id", price_id="id")
    return (
        regular_lines(staging)
        .filter(pl.col("amount") == 0, pl.col("quantity") > 0)
        .join(priced, on=["account_id", "price_id"], how="semi")
        .select(*SUBSCRIPTION, "invoice_id", "period_start_at", "period_end_at")
    )


def _requests(staging: Mapping[str, pl.LazyFrame], lives: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """Cancellations from when they were asked for until they were taken back.

    Taking back clears `canceled_at`, so only versions tell of it. An end that was set when the subscription began is a
    contract's and no request.
    """
    of_version = (
        staging["subscription_versions"]
        .filter(~pl.col("deleted"))
        .sort(*SUBSCRIPTION, "valid_from_at", "seq")
        .with_columns(
            until_at=pl.when(pl.col("canceled_at").is_null()).then("valid_from_at").backward_fill().over(SUBSCRIPTION)
        )
        .select(*SUBSCRIPTION, "until_at", from_at="canceled_at")
    )
    now = lives.select(*SUBSCRIPTION, until_at=pl.lit(None, INSTANT), from_at="canceled_at")
    bounds = lives.select(*SUBSCRIPTION, "created_at", "ended_at")
    return (
        pl.concat([now, of_version])
        .filter(pl.col("from_at").is_not_null())
        .unique()
        .join(bounds, on=SUBSCRIPTION)
        .filter(
            pl.col("created_at").is_null() | (pl.col("from_at") > pl.col("created_at")),
            pl.col("ended_at").is_null() | (pl.col("from_at") < pl.col("ended_at")),
        )
        .select(ABSENCE)
    )


def _before_payment(staging: Mapping[str, pl.LazyFrame], lives: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """All time before the first invoice with an amount was paid; without end where none was."""
    paid = staging["invoices"].filter(pl.col("status") == "paid", pl.col("total") > 0)
    first = paid.group_by(SUBSCRIPTION).agg(until_at=pl.col("paid_at").min())
    return (
        lives.select(*SUBSCRIPTION, from_at=pl.lit(None, INSTANT))
        .join(first, on=SUBSCRIPTION, how="left")
        .select(ABSENCE)
    )


ABSENCES: Mapping[str, Told] = {
    "trialing": _trials,
    "cancel_requested": _requests,
    "past_due": past_due,
    "awaiting_payment": _before_payment,
}
"""Why a subscription may not count while it runs, and what tells when; the names are reasons of `mrr_exclusions`."""

CAUSES = {"trialing": "pause", "cancel_requested": "end", "past_due": "unpaid", "awaiting_payment": "pause"}
"""The ledger's cause of a fall to nothing where an absence begins."""


def patience(policy: MetricPolicy) -> dict[str, timedelta]:
    """The absences that take MRR away under a policy, and after how long each does."""
    days = policy.past_due_days
    told = {
        "trialing": None if policy.trials_count else timedelta(0),
        "cancel_requested": timedelta(0) if policy.churn_moment == "requested" else None,
        "past_due": None if days is None else timedelta(days=days),
        "awaiting_payment": timedelta(0) if policy.active_from == "first_payment" else None,
    }
    return {reason: after for reason, after in told.items() if after is not None}


def absent(told: Mapping[str, pl.DataFrame], policy: MetricPolicy) -> pl.DataFrame:
    """The absences under a policy: account_id, subscription_id, reason, from_at, until_at (`LAST`: without end)."""
    frames = [
        told[reason].select(
            *SUBSCRIPTION,
            reason=pl.lit(reason),
            from_at=pl.col("from_at").dt.offset_by(f"{after.days}d").fill_null(FIRST),
            until_at=pl.col("until_at").fill_null(LAST),
        )
        for reason, after in patience(policy).items()
    ]
    if not frames:
        return pl.DataFrame(
            schema={**dict.fromkeys([*SUBSCRIPTION, "reason"], pl.String), "from_at": INSTANT, "until_at": INSTANT}
        )
    return pl.concat(frames).filter(pl.col("from_at") < pl.col("until_at"))


def without(pieces: pl.DataFrame, absences: pl.DataFrame) -> pl.DataFrame:
    """The pieces less what lies within an absence of their subscription, by item and start.

    Pieces have account_id, subscription_id, item, starts_at, ends_at (null: open) and cause_of_end.
    """
    of_some = absences.join(pieces, on=SUBSCRIPTION, how="semi")
    if of_some.is_empty():
        return pieces
    untouched = pieces.join(of_some, on=SUBSCRIPTION, how="anti")
    start, end = pl.col("starts_at"), pl.col("ends_at").fill_null(LAST)
    cut = (
        pieces.join(_presences(of_some), on=SUBSCRIPTION)
        .filter(start < pl.col("gone_at"), end > pl.col("back_at"))
        .with_columns(
            starts_at=pl.max_horizontal("starts_at", "back_at"),
            ends_at=pl.when(pl.min_horizontal(end, "gone_at") < LAST).then(pl.min_horizontal(end, "gone_at")),
            cause_of_end=pl.when(pl.col("gone_at") < end).then("gone_for").otherwise("cause_of_end"),
        )
        .select(pieces.columns)
    )
    return pl.concat([untouched, cut]).sort("item", "starts_at")


def _presences(absences: pl.DataFrame) -> pl.DataFrame:
    """When subscriptions with absences are there: account_id, subscription_id, back_at, gone_at, gone_for (a cause)."""
    merged = _merged(absences)
    before = merged.with_columns(
        back_at=pl.col("until_at").shift(1).over(SUBSCRIPTION).fill_null(FIRST),
        gone_at="from_at",
        gone_for=pl.col("reason").replace_strict(CAUSES, return_dtype=pl.String),
    )
    after = merged.group_by(SUBSCRIPTION).agg(
        back_at=pl.col("until_at").last(), gone_at=pl.lit(LAST, INSTANT), gone_for=pl.lit(None, pl.String)
    )
    columns = [*SUBSCRIPTION, "back_at", "gone_at", "gone_for"]
    return pl.concat([before.select(columns), after.select(columns)]).filter(pl.col("back_at") < pl.col("gone_at"))


def _merged(absences: pl.DataFrame) -> pl.DataFrame:
    """The absences by subscription and start, those that overlap or touch made one, with the first one's reason."""
    ordered = absences.sort(*SUBSCRIPTION, "from_at", "until_at")
    reached = pl.col("until_at").cum_max().over(SUBSCRIPTION).shift(1)
    same = pl.struct(SUBSCRIPTION) == pl.struct(SUBSCRIPTION).shift(1)
    goes_on = (same & (pl.col("from_at") <= reached)).fill_null(False)
    return (
        ordered.with_columns(spell=(~goes_on).cum_sum())
        .group_by("spell", maintain_order=True)
        .agg(*(pl.col(name).first() for name in (*SUBSCRIPTION, "reason", "from_at")), pl.col("until_at").max())
    )
