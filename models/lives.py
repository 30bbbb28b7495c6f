"""When a subscription can count at all: its trial, its end, and whether it runs on now, as now known.

Knows subscriptions and, for the moment a subscription became unpaid, the payments of its last invoice. `lives` says
what was, whatever the rules; `followed` what a policy makes of it. Worth is not its business.
"""

from collections.abc import Mapping
from datetime import timedelta

import polars as pl

from models.policy import MetricPolicy
from models.terms import Terms

NEVER_STARTED = ("incomplete", "incomplete_expired")
NEVER_PAID = ("trial_end_without_payment_method", "first_payment_failure")
"""Why a subscription is `paused` that never counted: no rule makes it count."""
FINAL_FAILURE = "final_payment_failure"
"""Why a subscription is `paused` that is as good as unpaid."""
WHOLE = pl.all_horizontal(pl.col("customer_id", "currency", "status").is_not_null())
FINALISED_BY = timedelta(days=1)
"""A draft that is older than this was not going to be finalised."""


def lives(staging: Mapping[str, pl.LazyFrame], terms: Terms) -> pl.LazyFrame:
    """One row a subscription that ever began and was there at the as-of instant.

    Columns: account_id, subscription_id, customer_id, currency, status, created_at, start_at, trial_start_at,
    trial_end_at, canceled_at, ended_at, paused_at (null: it is not paused), paused_type, unpaid_at (null: it never
    became unpaid, or was recovered), pause_collection_behavior.
    """
    status = pl.col("status")
    return (
        staging["subscriptions"]
        .filter(
            WHOLE,
            ~status.is_in(NEVER_STARTED),
            pl.col("created_at").is_null() | (pl.col("created_at") <= terms.as_of),
        )
        .join(_unpaid_since(staging), on=["account_id", "id"], how="left")
        .select(
            "account_id",
            "customer_id",
            "status",
            "created_at",
            "start_at",
            "trial_start_at",
            "trial_end_at",
            "canceled_at",
            "ended_at",
            "paused_type",
            "unpaid_at",
            "pause_collection_behavior",
            subscription_id="id",
            currency=pl.col("currency").str.to_lowercase(),
            paused_at=pl.when(status == "paused").then("paused_at"),
        )
    )


def followed(lives: pl.DataFrame, policy: MetricPolicy) -> pl.DataFrame:
    """The lives by a policy's rules.

    Further columns: stops_at (when it stopped counting for good, so far; null: not), stop_cause (end, unpaid or
    pause), runs_on (True where it counts beyond its last invoice), drafts_count (True where its invoices stay drafts
    and count).
    """
    status, behavior = pl.col("status"), pl.col("pause_collection_behavior")
    unpaid_counts = "unpaid" in policy.counted_statuses
    ends = {
        "unpaid": pl.lit(None, pl.Datetime("us", "UTC")) if unpaid_counts else pl.col("unpaid_at"),
        "pause": pl.when(~_counts_while_paused(policy)).then("paused_at"),
        "end": pl.col("ended_at"),
    }
    stops_at = pl.min_horizontal(*ends.values())
    running = {"active": True, "past_due": True, "trialing": policy.trials_count, "unpaid": unpaid_counts}
    runs = status.is_in([one for one, counts in running.items() if counts])
    runs_while_paused = (status == "paused") & _counts_while_paused(policy)
    is_zero = behavior.is_in(policy.zero_pause_behaviors).fill_null(False)
    keeps_drafts = (behavior == "keep_as_draft").fill_null(False) & ~is_zero
    return lives.with_columns(
        stops_at=stops_at,
        stop_cause=pl.coalesce(*(pl.when(end == stops_at).then(pl.lit(cause)) for cause, end in ends.items())),
        runs_on=(runs | runs_while_paused) & ~is_zero,
        drafts_count=keeps_drafts | (pl.col("unpaid_at").is_not_null() & unpaid_counts),
    )


def _counts_while_paused(policy: MetricPolicy) -> pl.Expr:
    kind = pl.col("paused_type").fill_null("")
    return (
        pl.when(kind.is_in(NEVER_PAID))
        .then(False)
        .when(kind == FINAL_FAILURE)
        .then("unpaid" in policy.counted_statuses)
        .otherwise(policy.paused_status_counts)
    )


def incomplete_rows(subscriptions: pl.LazyFrame) -> pl.LazyFrame:
    """Findings, one a subscription that cannot be counted because it lacks its customer, currency or status."""
    return subscriptions.filter(~WHOLE).select(
        check_name=pl.lit("subscriptions_are_whole"),
        about=pl.lit("subscriptions"),
        subject="id",
        severity=pl.lit("error"),
        detail=pl.format("subscription {} lacks its customer, currency or status; it is not counted", "id"),
    )


def _unpaid_since(staging: Mapping[str, pl.LazyFrame]) -> pl.LazyFrame:
    """Since when each unpaid subscription is: the last failed attempt on an invoice that it left unpaid.

    Where no attempt is known (the invoice was sent): when the newest one was due, else when it was finalised.
    """
    invoices = (
        staging["invoices"]
        .join(_unpaid(staging), on=["account_id", "subscription_id"], how="semi")
        .filter(pl.col("status").is_in(["open", "uncollectible"]))
        .select("account_id", "subscription_id", "due_at", "finalized_at", invoice_id="id")
    )
    failed = staging["charges"].filter(pl.col("status") == "failed")
    return (
        invoices.join(
            staging["invoice_payments"].select("account_id", "invoice_id", "payment_intent_id"),
            on=["account_id", "invoice_id"],
            how="left",
        )
        .join(
            failed.select("account_id", "payment_intent_id", failed_at="created_at"),
            on=["account_id", "payment_intent_id"],
            how="left",
        )
        .group_by("account_id", id="subscription_id")
        .agg(pl.col("failed_at").max(), pl.col("due_at").max(), pl.col("finalized_at").max())
        .select("account_id", "id", unpaid_at=pl.coalesce("failed_at", "due_at", "finalized_at"))
    )


def _unpaid(staging: Mapping[str, pl.LazyFrame]) -> pl.LazyFrame:
    """Subscriptions that are unpaid, or were until they ended: account_id, subscription_id.

    Of those that ended, what tells is the version before the end, or a renewal left a draft, which Stripe finalises
    within the hour unless the subscription is unpaid or its collection is paused.
    """
    subscriptions = staging["subscriptions"].select(
        "account_id", "status", "ended_at", "pause_collection_behavior", subscription_id="id"
    )
    now = subscriptions.filter(pl.col("status") == "unpaid")
    ended = subscriptions.filter(pl.col("ended_at").is_not_null(), pl.col("pause_collection_behavior").is_null())
    key = ["account_id", "subscription_id"]
    drafts = staging["invoices"].filter(pl.col("status") == "draft").select(*key, drafted_at="created_at")
    left_a_draft = ended.join(drafts, on=key).filter(pl.col("drafted_at") + FINALISED_BY < pl.col("ended_at"))
    last_said = (
        staging["subscription_versions"]
        .filter(~pl.col("deleted"), pl.col("ended_at").is_null())
        .group_by(key)
        .agg(said=pl.col("status").sort_by("valid_from_at", "seq").last())
        .filter(pl.col("said") == "unpaid")
    )
    said_so = ended.join(last_said, on=key, how="semi")
    return pl.concat([frame.select(key) for frame in (now, left_a_draft, said_so)]).unique()
