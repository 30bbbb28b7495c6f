"""Who left, when, and why: one class a churn, by the first rule that matches.

A churn is a movement that took a customer to zero in a currency. Its kind is read off the subscription that did it: a
pause is no cancellation, and a customer who gave up while a payment was failing is neither plainly voluntary nor
plainly involuntary.
"""

from datetime import timedelta

import polars as pl

from models.mrr import published
from models.periods import is_partial, month_of
from models.preventable import because, last_refusals
from models.stock import CUSTOMER
from models.terms import Terms

DUNNING = timedelta(days=35)
"""A failed attempt so long before an unexplained end explains it."""

NOT_GIVEN = "not_given"
CHURN = ("account_id", "customer_id", "currency", "churned_on")

_reason = pl.col("cancellation_reason")
_ended = pl.col("cause") == "end"
_paused = pl.col("cause") == "pause"
_as_of_now = (pl.col("churned_at") >= pl.col("paused_at")).fill_null(True)
"""Whether a pause is the one whose type Stripe tells, which is the last."""

KINDS: tuple[tuple[str, pl.Expr], ...] = (
    ("involuntary_payment", _paused & _as_of_now & (pl.col("paused_type") == "final_payment_failure")),
    ("paused", _paused),
    ("involuntary_dispute", _ended & (_reason == "payment_disputed")),
    ("involuntary_payment", (pl.col("cause") == "unpaid") | (_ended & (_reason == "payment_failed"))),
    ("voluntary_in_dunning", _ended & (_reason == "cancellation_requested") & pl.col("asked_in_dunning")),
    ("voluntary", _ended & (_reason == "cancellation_requested")),
    ("contract_end", _ended & _reason.is_null() & pl.col("was_set_to_end")),
    ("administrative", _ended & (_reason == "canceled_by_retention_policy")),
    ("administrative", pl.col("test_clock_id").is_not_null()),
    ("involuntary_payment", _ended & _reason.is_null() & pl.col("ended_in_dunning")),
    ("administrative", _ended & _reason.is_null() & pl.col("customer_deleted")),
)
"""Kind of churn and when it is that one; the first that holds, else `voluntary_unknown`."""


def churned_customers(
    movements: pl.LazyFrame,
    changes: pl.LazyFrame,
    customer_changes: pl.LazyFrame,
    subscriptions: pl.LazyFrame,
    customers: pl.LazyFrame,
    invoices: pl.LazyFrame,
    attempts: pl.LazyFrame,
    refused: pl.LazyFrame,
    terms: Terms,
) -> pl.LazyFrame:
    """`marts.churned_customers`: the first three frames are the spine's, `attempts` is of
    `failures.payment_attempts`, `refused` of `preventable.refused_cards`, the others are staged.

    Reason, feedback and comment are the ended subscription's; null where it was paused, unpaid or became free. `left`
    is true where the customer left that day over all currencies, and not where it pays on in another, or soon does.
    """
    churned = (
        movements.filter(pl.col("movement_type") == "churn")
        .select(
            *CUSTOMER,
            churned_on="moved_on",
            lost=-pl.col("delta_micros"),
            lost_reporting=-pl.col("delta_reporting_micros"),
        )
        .join(_last_straws(changes), on=CHURN, how="inner")
        .join(_subscription_facts(subscriptions, customers), on=["account_id", "subscription_id"], how="left")
    )
    dunning = failing_invoices(invoices, attempts)
    return (
        churned.join(
            _asked_in_dunning(churned, dunning), on=["account_id", "subscription_id", "churned_at"], how="left"
        )
        .join(_ended_in_dunning(churned, dunning), on=["account_id", "subscription_id", "churned_at"], how="left")
        .join(last_refusals(churned, refused), on=["account_id", "subscription_id", "churned_at"], how="left")
        .join(_first_paid(movements), on=CUSTOMER, how="left")
        .join(_returns(movements), on=CHURN, how="left")
        .join(_departures(customer_changes), on=["account_id", "customer_id", "churned_on"], how="left")
        .with_columns(
            pl.col("asked_in_dunning", "ended_in_dunning", "customer_deleted", "was_set_to_end", "left").fill_null(
                False
            )
        )
        .with_columns(_kind().alias("kind"), pl.when(_ended).then("cancellation_feedback").alias("feedback"))
        .with_columns(preventable_because=because(terms.policy))
        .select(
            "account_id",
            "customer_id",
            "subscription_id",
            "churned_at",
            "churned_on",
            "kind",
            pl.when(_ended).then("cancellation_reason").alias("reason"),
            "feedback",
            pl.when(_ended).then("cancellation_comment").alias("comment"),
            published(pl.col("lost")).alias("mrr_lost"),
            "currency",
            published(pl.col("lost_reporting")).alias("mrr_lost_reporting"),
            (pl.col("churned_on") - pl.col("first_paid_on")).dt.total_days().alias("tenure_days"),
            "returned_on",
            "left",
            pl.col("preventable_because").is_not_null().alias("preventable"),
            "preventable_because",
        )
        .sort("account_id", "customer_id", "churned_at", "currency")
    )


def churn_reasons_by_month(churned_customers: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """`marts.churn_reasons_by_month`: `churned_customers` is the mart. Those who did not say stand as `not_given`; of
    whoever pays on in another currency what was lost counts alone."""
    return (
        churned_customers.with_columns(
            month=month_of("churned_on"),
            reason=pl.col("reason").fill_null(NOT_GIVEN),
            feedback=pl.col("feedback").fill_null(NOT_GIVEN),
        )
        .group_by("account_id", "month", "kind", "reason", "feedback")
        .agg(
            customers=pl.col("customer_id").filter("left").n_unique().cast(pl.Int64),
            mrr_lost_reporting=pl.col("mrr_lost_reporting").sum().cast(pl.Decimal(18, 6)),
        )
        .with_columns(is_partial=is_partial("month", terms))
        .sort("account_id", "month", "kind", "reason", "feedback")
    )


def lost_customers(churned_customers: pl.LazyFrame, customer_changes: pl.LazyFrame) -> pl.LazyFrame:
    """Customers of the start of a month who left some day of it, over all currencies, pauses apart: account_id, month,
    customer_id, once a month each. Both frames are marts."""
    paused = churned_customers.group_by("account_id", "customer_id", moved_on="churned_on").agg(
        is_pause=(pl.col("kind") == "paused").all()
    )
    delta, leaves = pl.col("customers_delta"), pl.col("movement_type") == "churn"
    return (
        customer_changes.join(paused, on=["account_id", "customer_id", "moved_on"], how="left")
        .with_columns(was_there=delta.cum_sum().over("account_id", "customer_id", order_by="moved_on") - delta)
        .group_by("account_id", month_of("moved_on").alias("month"), "customer_id")
        .agg(
            pl.col("was_there").sort_by("moved_on").first(),
            left=(leaves & ~pl.col("is_pause").fill_null(False)).any(),
        )
        .filter("left", pl.col("was_there") > 0)
        .select("account_id", "month", "customer_id")
    )


def resumed(movements: pl.LazyFrame, churned_customers: pl.LazyFrame) -> pl.LazyFrame:
    """The movements by which pauses end: reactivations by `resume` of those whose churn before was a pause.

    What else resumes, such as a subscription that is paid at last, gives back a churn that was counted as one.
    `movements` is the spine's, `churned_customers` the mart.
    """
    paused = churned_customers.filter(pl.col("kind") == "paused").select(*CUSTOMER, moved_on="returned_on")
    return movements.filter(pl.col("movement_type") == "reactivation", pl.col("cause") == "resume").join(
        paused, on=[*CUSTOMER, "moved_on"], how="semi"
    )


def with_churn_kinds(mrr_movements: pl.LazyFrame, churned_customers: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """`marts.mrr_movements`: the movements, with a churn's kind as its cause. Both frames are marts."""
    kinds = churned_customers.select(*CUSTOMER, "kind", moved_on="churned_on")
    return (
        mrr_movements.join(kinds, on=[*CUSTOMER, "moved_on"], how="left")
        .with_columns(
            cause=pl.when(pl.col("movement_type") == "churn").then(pl.coalesce("kind", "cause")).otherwise("cause")
        )
        .drop("kind")
        .sort("account_id", "customer_id", "moved_on", "currency")
    )


def _last_straws(changes: pl.LazyFrame) -> pl.LazyFrame:
    """Of each customer's day: the last change downward, the largest where several at once, and its subscription."""
    last = (pl.col("changed_at", "subscription_id", "cause")).sort_by(
        "changed_at", "delta_micros", "subscription_id", descending=[True, False, False]
    )
    return (
        changes.filter(pl.col("delta_micros") < 0)
        .group_by("account_id", "customer_id", "currency", churned_on="changed_on")
        .agg(last.first())
        .rename({"changed_at": "churned_at"})
    )


def _subscription_facts(subscriptions: pl.LazyFrame, customers: pl.LazyFrame) -> pl.LazyFrame:
    deleted = customers.select("account_id", customer_id="id", customer_deleted="deleted")
    asked = (pl.col("canceled_at") > pl.col("created_at")).fill_null(pl.col("canceled_at").is_not_null())
    at_its_end = pl.col("ended_at") >= pl.col("cancel_at")
    was_set_to_end = pl.col("schedule_id").is_not_null() | (at_its_end & ~asked)
    return subscriptions.join(deleted, on=["account_id", "customer_id"], how="left").select(
        "account_id",
        "canceled_at",
        "cancellation_reason",
        "cancellation_feedback",
        "cancellation_comment",
        "paused_type",
        "paused_at",
        "test_clock_id",
        "customer_deleted",
        subscription_id="id",
        was_set_to_end=was_set_to_end,
    )


def failing_invoices(invoices: pl.LazyFrame, attempts: pl.LazyFrame) -> pl.LazyFrame:
    """Invoices with failed attempts: when each failed first and last, and when it stopped being owed.

    An invoice that was tried without a charge had nothing to be charged: it failed when it was finalised.
    """
    failed = attempts.filter(pl.col("status") == "failed")
    tries = failed.group_by("account_id", id="invoice_id").agg(failed_at=pl.col("attempted_at"))
    is_charged = pl.col("collection_method").ne_missing("send_invoice")
    uncharged = (
        invoices.filter(pl.col("attempt_count") > 0, pl.col("amount_due") > 0, is_charged)
        .join(attempts.select("account_id", id="invoice_id"), on=["account_id", "id"], how="anti")
        .with_columns(failed_at=pl.concat_list(pl.coalesce("finalized_at", "created_at")))
    )
    return pl.concat([invoices.join(tries, on=["account_id", "id"]), uncharged]).select(
        "account_id",
        "subscription_id",
        "failed_at",
        "created_at",
        first_failed_at=pl.col("failed_at").list.min(),
        invoice_status="status",
        settled_at=pl.min_horizontal("paid_at", "voided_at", "marked_uncollectible_at"),
    )


def _asked_in_dunning(churned: pl.LazyFrame, dunning: pl.LazyFrame) -> pl.LazyFrame:
    """Churns whose cancellation was asked for while an invoice was owed that had failed already."""
    still_owed = pl.col("settled_at").is_null() | (pl.col("settled_at") > pl.col("canceled_at"))
    return (
        churned.join(dunning, on=["account_id", "subscription_id"], how="inner")
        .filter(pl.col("first_failed_at") <= pl.col("canceled_at"), still_owed)
        .select("account_id", "subscription_id", "churned_at", asked_in_dunning=pl.lit(True))
        .unique()
    )


def _ended_in_dunning(churned: pl.LazyFrame, dunning: pl.LazyFrame) -> pl.LazyFrame:
    """Churns with an attempt that failed shortly before, on an invoice that is owed to this day."""
    return (
        churned.join(
            dunning.filter(pl.col("invoice_status").is_in(["open", "uncollectible"])).explode("failed_at"),
            on=["account_id", "subscription_id"],
            how="inner",
        )
        .filter(pl.col("failed_at").is_between(pl.col("churned_at") - DUNNING, pl.col("churned_at")))
        .select("account_id", "subscription_id", "churned_at", ended_in_dunning=pl.lit(True))
        .unique()
    )


def _first_paid(movements: pl.LazyFrame) -> pl.LazyFrame:
    return movements.group_by(CUSTOMER).agg(first_paid_on=pl.col("moved_on").filter(pl.col("after_micros") > 0).min())


def _returns(movements: pl.LazyFrame) -> pl.LazyFrame:
    """Every churn with the day of the reactivation that undid it, if any."""
    churns = movements.filter(pl.col("movement_type") == "churn").select(*CUSTOMER, churned_on="moved_on")
    back = movements.filter(pl.col("movement_type") == "reactivation").select(*CUSTOMER, returned_on="moved_on")
    return (
        churns.join(back, on=CUSTOMER, how="inner")
        .filter(pl.col("returned_on") > pl.col("churned_on"))
        .group_by(*CUSTOMER, "returned_on")
        .agg(pl.col("churned_on").max())
    )


def _departures(customer_changes: pl.LazyFrame) -> pl.LazyFrame:
    """The days on which customers left over all currencies."""
    gone = customer_changes.filter(pl.col("movement_type") == "churn")
    return gone.select("account_id", "customer_id", churned_on="moved_on", left=pl.lit(True))


def _kind() -> pl.Expr:
    kind = pl.lit("voluntary_unknown")
    for name, holds in reversed(KINDS):
        kind = pl.when(holds).then(pl.lit(name)).otherwise(kind)
    return kind
