"""When a subscription can count at all: its trial, its end, and whether it runs on now, as now known.

Knows subscriptions and, for the moment a subscription became unpaid, the payments of its last invoice. Worth is not its
business.
"""

from collections.abc import Mapping

import polars as pl

from models.terms import Terms

NEVER_STARTED = ("incomplete", "incomplete_expired")


def lives(staging: Mapping[str, pl.LazyFrame], terms: Terms) -> pl.LazyFrame:
    """One row a subscription that ever began and was there at the as-of instant.

    Columns: account_id, subscription_id, customer_id, currency, start_at, trial_start_at, trial_end_at, stops_at (when
    it stopped counting for good, so far; null: not), stop_cause (end, unpaid or pause), runs_on (True where it counts
    beyond its last invoice).
    """
    policy = terms.policy
    status = pl.col("status")
    paused = status == "paused"
    zeroing_pause = pl.col("pause_collection_behavior").is_in(policy.zero_pause_behaviors).fill_null(False)
    return (
        staging["subscriptions"]
        .filter(
            ~status.is_in(NEVER_STARTED),
            pl.col("created_at").is_null() | (pl.col("created_at") <= terms.as_of),
        )
        .join(_unpaid_since(staging), on=["account_id", "id"], how="left")
        .with_columns(
            stops_at=pl.coalesce(
                "ended_at",
                pl.when(paused).then("paused_at"),
                pl.when(status == "unpaid").then("unpaid_at"),
            ),
            stop_cause=pl.when(pl.col("ended_at").is_not_null())
            .then(pl.lit("end"))
            .when(paused)
            .then(pl.lit("pause"))
            .when(status == "unpaid")
            .then(pl.lit("unpaid")),
        )
        .select(
            "account_id",
            "customer_id",
            "start_at",
            "trial_start_at",
            "trial_end_at",
            "stops_at",
            "stop_cause",
            subscription_id="id",
            currency=pl.col("currency").str.to_lowercase(),
            runs_on=status.is_in(policy.counted_statuses).fill_null(False) & ~zeroing_pause,
        )
    )


def _unpaid_since(staging: Mapping[str, pl.LazyFrame]) -> pl.LazyFrame:
    """Since when each unpaid subscription is: the last failed attempt on an invoice that it left unpaid.

    Where no attempt is known (the invoice was sent): when the newest one was due, else when it was finalised.
    """
    invoices = (
        staging["invoices"]
        .join(
            staging["subscriptions"].filter(pl.col("status") == "unpaid").select("account_id", subscription_id="id"),
            on=["account_id", "subscription_id"],
        )
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
