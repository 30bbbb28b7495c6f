"""Trials, and whether they became paying subscriptions.

A trial converts when it is over and an invoice that asked for money was paid, by whatever means; it counts from its
end. A trial that was canceled is never churn: it never had MRR. https://docs.stripe.com/billing/subscriptions/analytics
"""

import polars as pl

from models.subscriptions import as_of
from models.terms import Terms

GONE = ("canceled", "unpaid", "incomplete_expired")
NO_PAYMENT_METHOD = "trial_end_without_payment_method"

OUTCOME_OF = {
    "converted": "converted",
    "canceled_in_trial": "canceled",
    "no_payment_method": "canceled",
    "payment_failed": "canceled",
    "running": "open",
    "awaiting_payment": "open",
}
"""How a trial ended → its outcome."""


def trials(subscriptions: pl.LazyFrame, invoices: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """`marts.trials`: one row a subscription that had a trial which began by the as-of instant.

    `ending` says how: converted, canceled_in_trial (also for its very end), no_payment_method (paused or
    canceled at the end for want of one), payment_failed (ended or unpaid without ever paying), running,
    awaiting_payment.
    """
    tried = (
        as_of(subscriptions, terms)
        .filter(pl.col("trial_start_at") <= terms.as_of)
        .drop_nulls(["customer_id", "trial_end_at"])
        .join(_first_payments(subscriptions, invoices, terms), on=["account_id", "id"], how="left")
        .with_columns(ending=_ending(terms))
        .with_columns(outcome=pl.col("ending").replace_strict(OUTCOME_OF, return_dtype=pl.String))
    )
    return tried.select(
        "account_id",
        "customer_id",
        subscription_id="id",
        started_at="trial_start_at",
        ends_at="trial_end_at",
        outcome="outcome",
        converted_at=pl.when(pl.col("outcome") == "converted").then("trial_end_at"),
        ending="ending",
        first_paid_at="first_paid_at",
    ).sort("account_id", "subscription_id")


def _first_payments(subscriptions: pl.LazyFrame, invoices: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    ends = subscriptions.filter(pl.col("trial_end_at").is_not_null()).select("account_id", "id", "trial_end_at")
    return (
        invoices.filter(pl.col("status") == "paid", pl.col("total") > 0, pl.col("paid_at") <= terms.as_of)
        .select("account_id", "paid_at", "created_at", id="subscription_id")
        .join(ends, on=["account_id", "id"], how="inner")
        .filter(pl.col("created_at") >= pl.col("trial_end_at"))
        .group_by("account_id", "id")
        .agg(first_paid_at=pl.col("paid_at").min())
    )


def _ending(terms: Terms) -> pl.Expr:
    at_its_end = (pl.col("ended_at") == pl.col("trial_end_at")).fill_null(False)
    asked_in_trial = (pl.col("canceled_at") < pl.col("trial_end_at")).fill_null(False)
    in_trial = (pl.col("ended_at") < pl.col("trial_end_at")).fill_null(False) | (at_its_end & asked_in_trial)
    paused_for_want = pl.col("paused_type").eq_missing(NO_PAYMENT_METHOD) & (pl.col("status") == "paused")
    return (
        pl.when(in_trial)
        .then(pl.lit("canceled_in_trial"))
        .when(pl.col("trial_end_at") > terms.as_of)
        .then(pl.lit("running"))
        .when(pl.col("first_paid_at").is_not_null())
        .then(pl.lit("converted"))
        .when(at_its_end | paused_for_want)
        .then(pl.lit("no_payment_method"))
        .when(pl.col("status").is_in(GONE))
        .then(pl.lit("payment_failed"))
        .otherwise(pl.lit("awaiting_payment"))
    )
