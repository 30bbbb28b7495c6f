"""Customers as they stand: what they pay now, what they have paid, since when, and whether they left.

A customer is every id that Stripe names: on a customer, a subscription or a charge, deleted ones too.
"""

import polars as pl

from models.mrr import published
from models.refunds import moved_money, succeeded_charges
from models.reporting import in_reporting
from models.stock import stock_now
from models.subscriptions import as_of
from models.terms import Terms

CUSTOMER = ("account_id", "customer_id")


def customers(
    customers: pl.LazyFrame,
    subscriptions: pl.LazyFrame,
    charges: pl.LazyFrame,
    changes: pl.LazyFrame,
    movements: pl.LazyFrame,
    refunds: pl.LazyFrame,
    disputes: pl.LazyFrame,
    rates: pl.LazyFrame,
    mrr_rates: pl.LazyFrame,
    items: pl.LazyFrame,
    terms: Terms,
) -> pl.LazyFrame:
    """`marts.customers`: the first three frames are staged, `refunds` and `disputes` marts, the others the spine's.

    `mrr` is in the row's currency: the one the customer pays in now (most, where several), else was last billed in.
    `mrr_reporting` is of all currencies, at the as-of day's rate, and sums to the current month's closing MRR.
    """
    known = customers.select(
        "account_id",
        "name",
        "email",
        "created_at",
        customer_id="id",
        country="address_country",
        is_deleted="deleted",
        stripe_currency="currency",
    )
    return (
        _named_anywhere(customers, subscriptions, charges, terms)
        .join(known, on=CUSTOMER, how="left")
        .join(_paying(changes, mrr_rates, terms), on=CUSTOMER, how="left")
        .join(_free(items, terms), on=CUSTOMER, how="left")
        .join(_subscribed(subscriptions, changes, terms), on=CUSTOMER, how="left")
        .join(_story(movements), on=CUSTOMER, how="left")
        .join(_lifetime_revenue(charges, refunds, disputes, rates, terms), on=CUSTOMER, how="left")
        .with_columns(pl.col("micros", "micros_reporting").fill_null(0))
        .select(
            *CUSTOMER,
            "name",
            "email",
            "country",
            pl.coalesce("paying_currency", "stripe_currency", "billed_currency").alias("currency"),
            "created_at",
            "first_paid_on",
            published(pl.col("micros")).alias("mrr"),
            published(pl.col("micros_reporting")).alias("mrr_reporting"),
            pl.col("lifetime_revenue_reporting").fill_null(0),
            pl.col("subscriptions").fill_null(0),
            _status().alias("status"),
            pl.when(_status() == "churned").then("churned_on").alias("churned_on"),
            pl.lit(None, pl.Float64).alias("risk_score"),
            pl.col("is_deleted").fill_null(False),
        )
        .sort(CUSTOMER)
    )


def _named_anywhere(
    customers: pl.LazyFrame, subscriptions: pl.LazyFrame, charges: pl.LazyFrame, terms: Terms
) -> pl.LazyFrame:
    """Every customer id with the currency of its newest billed object."""
    sources = ((customers, "id"), (subscriptions, "customer_id"), (charges, "customer_id"))
    return (
        pl.concat(
            frame.select("account_id", "currency", "created_at", customer_id=customer_id)
            for frame, customer_id in sources
        )
        .filter(
            pl.col("customer_id").is_not_null(),
            pl.col("created_at").is_null() | (pl.col("created_at") <= terms.as_of),
        )
        .group_by(CUSTOMER)
        .agg(billed_currency=pl.col("currency").sort_by("created_at", "currency").drop_nulls().last())
    )


def _paying(changes: pl.LazyFrame, rates: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    stock = stock_now(changes).with_columns(valued_on=pl.coalesce("valued_on", pl.lit(terms.as_of_day)))
    by_currency = (
        in_reporting(stock, rates, amount="micros", on="valued_on")
        .group_by(*CUSTOMER, "currency")
        .agg(pl.col("micros").sum(), pl.col("micros_reporting").sum())
        .sort("micros_reporting", "currency", descending=[True, False])
    )
    return by_currency.group_by(CUSTOMER, maintain_order=True).agg(
        pl.col("micros").first(), pl.col("micros_reporting").sum(), paying_currency=pl.col("currency").first()
    )


def _free(items: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """Customers who have something for nothing, where the policy says that they are customers."""
    stay = pl.lit(terms.policy.free_customers == "active")
    return (
        items.filter(stay, pl.col("reason").is_in(["free", "no_quantity"]))
        .select(*CUSTOMER, is_free=pl.lit(True))
        .unique()
    )


def _subscribed(subscriptions: pl.LazyFrame, changes: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    counted = stock_now(changes).select("account_id", id="subscription_id", counts=pl.lit(True)).unique()
    counts = pl.col("counts").fill_null(False)
    return (
        as_of(subscriptions, terms)
        .join(counted, on=["account_id", "id"], how="left")
        .group_by(CUSTOMER)
        .agg(
            subscriptions=counts.sum().cast(pl.Int64),
            is_past_due=(counts & (pl.col("status") == "past_due")).any(),
            is_trialing=(pl.col("status") == "trialing").any(),
        )
    )


def _story(movements: pl.LazyFrame) -> pl.LazyFrame:
    return movements.group_by(CUSTOMER).agg(
        first_paid_on=pl.col("moved_on").filter(pl.col("after_micros") > 0).min(),
        churned_on=pl.col("moved_on").filter(pl.col("movement_type") == "churn").max(),
    )


def _lifetime_revenue(
    charges: pl.LazyFrame, refunds: pl.LazyFrame, disputes: pl.LazyFrame, rates: pl.LazyFrame, terms: Terms
) -> pl.LazyFrame:
    amount = pl.col("amount_reporting")
    paid = succeeded_charges(charges, rates, terms).select(*CUSTOMER, amount)
    returned = refunds.filter(moved_money()).select(*CUSTOMER, -amount)
    lost = disputes.filter(pl.col("outcome") == "lost").select(*CUSTOMER, -amount)
    return pl.concat([paid, returned, lost]).group_by(CUSTOMER).agg(lifetime_revenue_reporting=amount.sum())


def _status() -> pl.Expr:
    return (
        pl.when(pl.col("micros") > 0)
        .then(pl.when("is_past_due").then(pl.lit("past_due")).otherwise(pl.lit("active")))
        .when(pl.col("is_free").fill_null(False))
        .then(pl.lit("active"))
        .when("is_trialing")
        .then(pl.lit("trialing"))
        .when(pl.col("first_paid_on").is_not_null())
        .then(pl.lit("churned"))
        .otherwise(pl.lit("lead"))
    )
