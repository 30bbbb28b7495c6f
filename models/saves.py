"""Cancellations that were scheduled, and whether they were taken back: the save rate.

Taking a cancellation back leaves no trace in Stripe's objects, so only versions of subscriptions tell of it. Requests
made before the subscription was first read are left out: of those that were taken back nothing is known.
"""

import polars as pl

from models.mrr import published
from models.outlook import SUBSCRIPTION
from models.periods import day_of, is_partial, month_of
from models.reporting import in_reporting
from models.shares import share
from models.terms import Terms

REQUEST = (*SUBSCRIPTION, "requested_at")


def cancellation_requests(
    versions: pl.LazyFrame, changes: pl.LazyFrame, mrr_rates: pl.LazyFrame, terms: Terms
) -> pl.LazyFrame:
    """`marts.cancellation_requests`: `versions` is staged, the others are the spine's.

    saved: a later version has no request any more. ended: the subscription did. scheduled: neither yet. Until it is
    taken back a request is one, however often its date is moved. What was canceled at once was never scheduled. An end
    that was set when the subscription began is no request.
    """
    seen = versions.filter(~pl.col("deleted"), pl.col("valid_from_at") <= terms.as_of)
    is_none, asked_at = pl.col("canceled_at").is_null(), pl.col("canceled_at")
    asked = (
        seen.sort(*SUBSCRIPTION, "valid_from_at", "seq")
        .with_columns(
            saved_at=pl.when(is_none).then("valid_from_at").backward_fill().over(SUBSCRIPTION),
            taken_back=is_none.cum_sum().over(SUBSCRIPTION),
            since=pl.col("seen_at").min().over(SUBSCRIPTION),
            is_scheduled=pl.col("ended_at").is_null() | (pl.col("ended_at") > asked_at),
        )
        .filter(asked_at > pl.col("created_at"), asked_at <= terms.as_of)
        .with_columns(requested_at=asked_at.min().over(*SUBSCRIPTION, "taken_back"))
        .filter(pl.col("requested_at") >= pl.col("since"))
        .group_by(*SUBSCRIPTION, "requested_at", maintain_order=True)
        .agg(
            pl.col("customer_id", "cancellation_feedback", "currency").last(),
            pl.col("saved_at").min(),
            pl.col("is_scheduled").any(),
            ended_at=pl.col("ended_at").filter(pl.col("ended_at") <= terms.as_of).last(),
        )
        .filter("is_scheduled")
        .with_columns(requested_on=day_of("requested_at", terms))
    )
    return (
        _with_worth(asked, changes, mrr_rates)
        .select(
            *REQUEST,
            "requested_on",
            "customer_id",
            pl.when(pl.col("saved_at").is_not_null())
            .then(pl.lit("saved"))
            .when(pl.col("ended_at").is_not_null())
            .then(pl.lit("ended"))
            .otherwise(pl.lit("scheduled"))
            .alias("outcome"),
            "saved_at",
            pl.when(pl.col("saved_at").is_null()).then("ended_at").alias("ended_at"),
            pl.col("cancellation_feedback").alias("feedback"),
            published(pl.col("micros")).alias("mrr"),
            "currency",
            published(pl.col("micros_reporting").fill_null(0)).alias("mrr_reporting"),
        )
        .sort(REQUEST)
    )


def cancellation_saves_by_month(cancellation_requests: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """`marts.cancellation_saves_by_month`: `cancellation_requests` is the mart. The rate is of all requests of the
    month: it rises while some of them are scheduled still."""
    outcome, worth = pl.col("outcome"), pl.col("mrr_reporting")
    return (
        cancellation_requests.group_by("account_id", month_of("requested_on").alias("month"))
        .agg(
            requests=pl.len().cast(pl.Int64),
            saved=(outcome == "saved").sum().cast(pl.Int64),
            scheduled=(outcome == "scheduled").sum().cast(pl.Int64),
            requested_mrr_reporting=worth.sum().cast(pl.Decimal(18, 6)),
            saved_mrr_reporting=worth.filter(outcome == "saved").sum().cast(pl.Decimal(18, 6)),
        )
        .with_columns(
            save_rate=share("saved", "requests"),
            save_mrr_rate=share("saved_mrr_reporting", "requested_mrr_reporting"),
            is_partial=is_partial("month", terms),
        )
        .sort("account_id", "month")
    )


def _with_worth(asked: pl.LazyFrame, changes: pl.LazyFrame, mrr_rates: pl.LazyFrame) -> pl.LazyFrame:
    """The requests with the MRR of the subscription just before: a change of that very instant is of the request."""
    worth = (
        asked.select(*REQUEST)
        .join(changes.select(*SUBSCRIPTION, "changed_at", "delta_micros"), on=SUBSCRIPTION)
        .filter(pl.col("changed_at") < pl.col("requested_at"))
        .group_by(REQUEST)
        .agg(micros=pl.col("delta_micros").sum())
    )
    valued = asked.join(worth, on=REQUEST, how="left").with_columns(pl.col("micros").fill_null(0))
    return in_reporting(valued, mrr_rates, amount="micros", on="requested_on")
