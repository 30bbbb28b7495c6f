"""Payouts held against the balance transactions that they carried: one row for each line of the bank statement.

Stripe tells what an automatic payout carried once its `reconciliation_status` is `completed`, and never of one that was
made by hand or at once: those are only in the roll of the balance (models/cash.py).
Stripe's rule: https://docs.stripe.com/payouts/reconciliation
"""

import polars as pl

from models.cash import ACTIVITY, column_of_category, sum_of
from models.periods import day_of
from models.terms import Terms

RECONCILED, DIFFERS, SETTLING, UNREAD, BY_HAND = "reconciled", "differs", "settling", "not_read", "not_itemised"
"""What the transactions come to: the payout; something else; Stripe has not settled which they are; they were not read;
Stripe never says, as the payout was not made by its schedule."""

RETURNED = "returned"
KEY = ("account_id", "payout_id", "currency")


def carried(payout_transactions: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """What each payout carried: account_id, payout_id, currency, transactions, and minor units by kind. A transaction's
    fee is a fee, so that the kinds add up to its net; `returned` are earlier payouts that came back. The payout's own
    transaction, by which the sum left, is no part of it."""
    return (
        itemised(payout_transactions)
        .with_columns(column=column_of_category().replace("payouts", RETURNED))
        .group_by(KEY)
        .agg(
            pl.len().cast(pl.Int64).alias("transactions"),
            *(sum_of(column) for column in (*ACTIVITY, RETURNED)),
        )
    )


def itemised(payout_transactions: pl.LazyFrame) -> pl.LazyFrame:
    """The staged transactions that payouts carried, without the one by which the sum left; no fee is a fee of 0."""
    is_own = (pl.col("reporting_category") == "payout") & (pl.col("source_id") == pl.col("payout_id"))
    return (
        payout_transactions.filter(~is_own.fill_null(False))
        .drop_nulls(["amount", "currency"])
        .with_columns(pl.col("fee").fill_null(0))
    )


def payouts_made(payouts: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """Payouts that were made by the as-of instant, as `payout_reconciliation` shows them, without what they carried."""
    return (
        payouts.filter(pl.col("created_at") <= terms.as_of)
        .drop_nulls(["amount", "currency"])
        .select(
            "account_id",
            payout_id="id",
            created_on=day_of("created_at", terms),
            # Stripe states the day in the bank as that day's midnight in UTC: no zone may move it.
            arrives_on=pl.col("arrival_at").dt.date(),
            currency="currency",
            status="status",
            method="method",
            is_automatic=pl.col("automatic").fill_null(False),
            is_settled=pl.col("reconciliation_status") == "completed",
            amount="amount",
        )
    )


def payout_reconciliation(payouts: pl.LazyFrame, carried: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """`marts.payout_reconciliation`, from `payouts_made` and the sums of `carried` of all parts."""
    measures = ("transactions", *ACTIVITY, RETURNED)
    sums = carried.group_by(KEY).agg(pl.col(measures).sum())
    is_read = pl.col("transactions").is_not_null()
    return (
        payouts.join(sums, on=KEY, how="left")
        .with_columns(carried=pl.sum_horizontal(pl.col(*ACTIVITY, RETURNED), ignore_nulls=False))
        .with_columns(difference=pl.col("amount") - pl.col("carried"))
        .with_columns(
            outcome=pl.when(is_read & (pl.col("difference") == 0))
            .then(pl.lit(RECONCILED))
            .when(is_read)
            .then(pl.lit(DIFFERS))
            .when(~pl.col("is_automatic"))
            .then(pl.lit(BY_HAND))
            .when(pl.col("is_settled").fill_null(False))
            .then(pl.lit(UNREAD))
            .otherwise(pl.lit(SETTLING))
        )
        .drop("is_settled")
        .sort("account_id", "created_on", "payout_id")
    )
