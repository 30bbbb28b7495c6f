"""The items that Stripe holds now: what each counts for in MRR, and where it does not, why not.

The answer to "why is this customer not in MRR". Knows live objects and the timeline.
"""

from collections.abc import Mapping

import polars as pl

from models.baskets import alone_worth
from models.lives import WHOLE
from models.plans import collected
from models.terms import Terms
from models.worth import Catalogue

ENTITY = ["account_id", "subscription_item_id"]
ITEM = ["account_id", "customer_id", "subscription_id", "subscription_item_id"]


def items_now(
    staging: Mapping[str, pl.LazyFrame],
    stretches: pl.LazyFrame,
    absences: pl.DataFrame,
    catalogue: Catalogue,
    terms: Terms,
) -> pl.LazyFrame:
    """contracts.spine.ItemsNow. `absences` is of `absences.absent`."""
    running = stretches.filter(pl.col("ends_at").is_null()).select(*ENTITY, "mrr_micros", "reason")
    subscriptions = (
        staging["subscriptions"]
        .filter(WHOLE)
        .select(
            "account_id",
            "customer_id",
            "status",
            "trial_end_at",
            "ended_at",
            "pause_collection_behavior",
            currency=pl.col("currency").str.to_lowercase(),
            subscription_id="id",
        )
    )
    prices = staging["prices"].select("account_id", "product_id", "type", "recurring_usage_type", price_id="id")
    items = (
        staging["subscription_items"]
        .select("account_id", "subscription_id", "price_id", pl.col("quantity").fill_null(0), subscription_item_id="id")
        .join(subscriptions, on=["account_id", "subscription_id"])
        .join(prices, on=["account_id", "price_id"], how="left")
        .join(_absent_now(absences, terms), on=["account_id", "subscription_id"], how="left")
        .join(running, on=ENTITY, how="left")
        .with_columns(
            item_coupons=pl.lit(""),
            invoice_coupons=pl.lit(""),
            kept=pl.lit(1, pl.Int64),
            taxed=pl.lit(1, pl.Int64),
            line_amount=pl.lit(None, pl.Int64),
            line_count=pl.lit(1, pl.Int64),
        )
        .sort("account_id", "subscription_item_id")
        .pipe(collected)
    )
    listed = alone_worth(items.drop("mrr_micros"), catalogue).drop("mrr_micros")
    counted = listed.with_columns(items["mrr_micros"].fill_null(0)).with_columns(counts=pl.col("mrr_micros") != 0)
    return (
        counted.with_columns(reason=pl.when(~pl.col("counts")).then(_reason(terms)))
        .with_columns(list_micros=pl.when(pl.col("recurring_usage_type") == "metered").then(0).otherwise("list_micros"))
        .select(
            "account_id",
            "customer_id",
            "subscription_id",
            "subscription_item_id",
            "product_id",
            "price_id",
            "currency",
            "quantity",
            "list_micros",
            "mrr_micros",
            "counts",
            "reason",
        )
        .lazy()
    )


def _absent_now(absences: pl.DataFrame, terms: Terms) -> pl.LazyFrame:
    """The subscriptions that are absent at the as-of instant: account_id, subscription_id, absent_for."""
    now = absences.filter(pl.col("from_at") <= terms.as_of, pl.col("until_at") > terms.as_of)
    return (
        now.lazy().group_by("account_id", "subscription_id").agg(absent_for=pl.col("reason").sort_by("from_at").first())
    )


def _reason(terms: Terms) -> pl.Expr:
    """Why an item that is worth nothing now is worth nothing: the first that fits."""
    status, policy = pl.col("status"), terms.policy
    paused = pl.col("pause_collection_behavior").is_in(policy.zero_pause_behaviors).fill_null(False)
    in_trial = (status == "trialing") | (pl.col("trial_end_at") > terms.as_of)
    reasons = {
        "incomplete": status.is_in(["incomplete", "incomplete_expired"]),
        "ended": (status == "canceled") | pl.col("ended_at").is_not_null(),
        "metered": (pl.col("recurring_usage_type") == "metered") & ~pl.lit(policy.metered_counts),
        "one_time": pl.col("type") == "one_time",
        "trialing": in_trial & ~pl.lit(policy.trials_count),
        "unpaid": (status == "unpaid") & ~pl.lit("unpaid" in policy.counted_statuses),
        "paused": (status == "paused") | paused,
    }
    known = [pl.when(test).then(pl.lit(reason)) for reason, test in reasons.items()]
    is_none = pl.when(pl.col("quantity") == 0).then(pl.lit("no_quantity"))
    unknown = pl.when(~pl.col("is_known")).then(pl.lit("unknown_amount"))
    return pl.coalesce(*known, "absent_for", unknown, is_none, pl.lit("free"))
