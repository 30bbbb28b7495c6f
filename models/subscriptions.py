"""Subscriptions as they stand, each with the MRR that its items have now."""

import polars as pl

from models.mrr import published
from models.stock import stock_now
from models.terms import Terms


def subscriptions(subscriptions: pl.LazyFrame, changes: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """`marts.subscriptions`: every subscription created to the as-of instant. `changes` is the spine's."""
    worth = stock_now(changes).group_by("account_id", "subscription_id").agg(pl.col("micros").sum())
    return (
        as_of(subscriptions, terms)
        .drop_nulls(["customer_id", "status", "currency"])
        .rename({"id": "subscription_id"})
        .join(worth, on=["account_id", "subscription_id"], how="left")
        .with_columns(pl.col("micros").fill_null(0))
        .select(
            "account_id",
            "subscription_id",
            "customer_id",
            "status",
            pl.coalesce("start_at", "created_at").alias("started_at"),
            "ended_at",
            "trial_start_at",
            "trial_end_at",
            published(pl.col("micros")).alias("mrr"),
            "currency",
            pl.col("cancel_at_period_end").fill_null(False),
            "cancel_at",
            "cancellation_reason",
            "cancellation_feedback",
        )
        .sort("account_id", "subscription_id")
    )


def as_of(subscriptions: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """Staged subscriptions that had been created, as they stood at the as-of instant.

    What ended or was canceled later had not been then. Whether it was past due then is not known from it: it shows as
    active.
    """
    ends_later = pl.col("ended_at") > terms.as_of
    asked_later = pl.col("canceled_at") > terms.as_of
    in_trial = (pl.col("trial_start_at") <= terms.as_of) & (pl.col("trial_end_at") > terms.as_of)
    unended = pl.when(in_trial).then(pl.lit("trialing")).otherwise(pl.lit("active"))
    still_trialing = in_trial & pl.col("status").is_in(["active", "past_due", "unpaid"])
    return subscriptions.filter(pl.col("created_at") <= terms.as_of).with_columns(
        pl.when(ends_later | still_trialing).then(unended).otherwise("status").alias("status"),
        pl.when(~ends_later).then("ended_at").alias("ended_at"),
        pl.when(asked_later).then(False).otherwise("cancel_at_period_end").alias("cancel_at_period_end"),
        *(
            pl.when(asked_later).then(None).otherwise(name).alias(name)
            for name in ("cancel_at", "canceled_at", "cancellation_reason", "cancellation_feedback")
        ),
    )
