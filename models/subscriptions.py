"""Subscriptions as they stand, each with the MRR that its items have now."""

import polars as pl

from models.mrr import published
from models.stock import stock_now
from models.terms import Terms


def subscriptions(subscriptions: pl.LazyFrame, changes: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """`marts.subscriptions`: every subscription created to the as-of instant. `changes` is the spine's."""
    worth = stock_now(changes).group_by("account_id", "subscription_id").agg(pl.col("micros").sum())
    return (
        subscriptions.filter(pl.col("created_at") <= terms.as_of)
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
