"""When a subscription was past due: from the attempt that failed, or the due date that passed, until it was settled.

Told by invoices and the attempts to charge them, which Stripe keeps for good; by subscription versions only where no
invoice tells why a subscription is past due now.
"""

from collections.abc import Mapping

import polars as pl

from models.failures import payment_attempts
from models.observations import SUBSCRIPTION
from models.terms import Terms

SPELL = (*SUBSCRIPTION, "from_at", "until_at")


def past_due(staging: Mapping[str, pl.LazyFrame], lives: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """Spells of being past due, which may overlap: account_id, subscription_id, from_at, until_at (null: still).

    Settled is an invoice that was paid, voided or given up, or one before an invoice that was paid: Stripe looks at the
    latest (docs.stripe.com/billing/subscriptions/overview, subscription statuses).
    """
    owed = _owed(staging, lives, terms)
    untold = (
        lives.filter(pl.col("status") == "past_due")
        .join(owed.filter(pl.col("until_at").is_null()), on=SUBSCRIPTION, how="anti")
        .join(_as_versions_say(staging), on=SUBSCRIPTION)
        .select(*SUBSCRIPTION, "from_at", until_at=pl.lit(None, pl.Datetime("us", "UTC")))
    )
    return pl.concat([owed, untold])


def _owed(staging: Mapping[str, pl.LazyFrame], lives: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """From when to when each invoice that was not paid at once was owed."""
    status = pl.col("status")
    settled_at = (
        pl.when(status == "paid")
        .then(pl.coalesce("paid_at", "finalized_at", "created_at"))
        .when(status == "void")
        .then(pl.coalesce("voided_at", "finalized_at", "created_at"))
        .when(status == "uncollectible")
        .then(pl.coalesce("marked_uncollectible_at", "finalized_at", "created_at"))
    )
    # A first payment that fails leaves a subscription incomplete, not past due.
    is_sent = pl.col("collection_method").eq_missing("send_invoice")
    is_first = (pl.col("billing_reason") == "subscription_create") & ~is_sent
    paid_at = pl.when(status == "paid").then("settled_at")
    later_paid_at = paid_at.cum_min(reverse=True).backward_fill().over(SUBSCRIPTION, order_by="created_at")
    tried_in_vain = pl.col("attempt_count").fill_null(0) > (status == "paid").cast(pl.Int64)
    since = (
        pl.when(is_sent).then("due_at").otherwise(pl.coalesce("failed_at", pl.when(tried_in_vain).then("finalized_at")))
    )
    return (
        staging["invoices"]
        .filter(status != "draft")
        .join(lives.select(SUBSCRIPTION), on=SUBSCRIPTION, how="semi")
        .join(
            _first_failures(staging, terms),
            left_on=["account_id", "id"],
            right_on=["account_id", "invoice_id"],
            how="left",
        )
        .with_columns(settled_at=settled_at)
        .with_columns(from_at=since, until_at=pl.min_horizontal("settled_at", later_paid_at))
        .filter(~is_first.fill_null(False), pl.col("until_at").is_null() | (pl.col("from_at") < pl.col("until_at")))
        .filter(pl.col("from_at").is_not_null())
        .select(SPELL)
    )


def _first_failures(staging: Mapping[str, pl.LazyFrame], terms: Terms) -> pl.LazyFrame:
    attempts = payment_attempts(staging["invoice_payments"], staging["charges"], terms)
    failed = attempts.filter(pl.col("status") == "failed")
    return failed.group_by("account_id", "invoice_id").agg(failed_at=pl.col("attempted_at").min())


def _as_versions_say(staging: Mapping[str, pl.LazyFrame]) -> pl.LazyFrame:
    """Since when each subscription has been past due in all its versions: account_id, subscription_id, from_at."""
    at, is_past_due = pl.col("valid_from_at"), pl.col("status") == "past_due"
    return (
        staging["subscription_versions"]
        .filter(~pl.col("deleted"))
        .with_columns(other_at=at.filter(~is_past_due).max().over(SUBSCRIPTION))
        .filter(is_past_due, pl.col("other_at").is_null() | (at > pl.col("other_at")))
        .group_by(SUBSCRIPTION)
        .agg(from_at=at.min())
    )
