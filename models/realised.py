"""Lifetime value as it happened: the cash that customers brought, by age of their cohort. A fact; no model is in it.

Cash is from balance transactions, which each count once: charges less refunds, disputes and Stripe's fees on them, at
the rate of their day. Fees that belong to no payment (Stripe's monthly ones) belong to no customer and are left out, as
are payments outside Stripe.
"""

import polars as pl

from models.cash import ledger
from models.movements import CUSTOMER
from models.periods import is_partial, month_of, months_between
from models.reporting import in_reporting
from models.shares import divided
from models.terms import Terms

COHORT = ("account_id", "cohort_month")


def customer_cash(
    balance_transactions: pl.LazyFrame,
    charges: pl.LazyFrame,
    refunds: pl.LazyFrame,
    disputes: pl.LazyFrame,
    rates: pl.LazyFrame,
    terms: Terms,
) -> pl.LazyFrame:
    """Net cash of each customer and month in the reporting currency: account_id, customer_id, month, net_reporting.

    The first four frames are staged, `rates` the spine's.
    """
    moved = ledger(balance_transactions, terms)
    owned = moved.join(owners(charges, refunds, disputes), on=["account_id", "source_id"])
    valued = in_reporting(in_reporting(owned, rates, amount="amount", on="date"), rates, amount="fee", on="date")
    net = pl.col("amount_reporting").sum() - pl.col("fee_reporting").sum()
    return valued.group_by(*CUSTOMER, month_of("date").alias("month")).agg(net_reporting=net)


def cash_of_customers(customer_cash: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """The cash of each customer over all months: account_id, customer_id, net_reporting."""
    return customer_cash.group_by(CUSTOMER).agg(pl.col("net_reporting").sum())


def cash_by_age(first_lives: pl.LazyFrame, customer_cash: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """What cohorts brought at each age: account_id, cohort_month, months_since, net_reporting. Sums of parts of the
    customers add up to those of all."""
    return (
        customer_cash.join(_joined(first_lives, terms), on=CUSTOMER)
        .with_columns(months_since=months_between("cohort_month", "month").clip(0))
        .group_by(*COHORT, "months_since")
        .agg(pl.col("net_reporting").sum())
    )


def customer_value_by_age(spells: pl.LazyFrame, cash_by_age: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """`marts.customer_value_by_age`: `spells` is of `spells.spells`, `cash_by_age` of `cash_by_age`.

    A customer belongs to the month of its first paid day. Age m ends with the m-th month after it; what was paid before
    the first paid day is in age 0. Months that are not over are absent, and cohorts that are still joining.
    """
    joined = _joined(spells, terms)
    brought = cash_by_age.group_by(*COHORT, "months_since").agg(pl.col("net_reporting").sum())
    months = pl.date_ranges("cohort_month", pl.lit(terms.as_of_day), "1mo")
    whole, of = (pl.col(name).cast(pl.Int128) for name in ("net_cash_reporting", "cohort_customers"))
    return (
        joined.group_by(COHORT)
        .agg(cohort_customers=pl.len().cast(pl.Int64))
        .with_columns(month=months)
        .explode("month")
        .filter(~is_partial("month", terms))
        .with_columns(months_since=months_between("cohort_month", "month"))
        .join(brought, on=[*COHORT, "months_since"], how="left")
        .with_columns(
            net_cash_reporting=pl.col("net_reporting").fill_null(0).cum_sum().over(COHORT, order_by="months_since")
        )
        .select(
            *COHORT,
            "months_since",
            "cohort_customers",
            "net_cash_reporting",
            net_cash_per_customer_reporting=divided(whole, of),
        )
        .sort(*COHORT, "months_since")
    )


def _joined(lives: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """Customers with the month of their first paid day, where that is over."""
    members = lives.select(*CUSTOMER, cohort_month=month_of("first_paid_on")).unique()
    return members.filter(~is_partial("cohort_month", terms))


def owners(charges: pl.LazyFrame, refunds: pl.LazyFrame, disputes: pl.LazyFrame) -> pl.LazyFrame:
    """Whose each charge, refund and dispute is: account_id, source_id, customer_id."""
    made = charges.select("account_id", charge_id="id", customer="customer_id")
    of_refunds = refunds.join(made, on=["account_id", "charge_id"], how="left").select(
        "account_id", source_id="id", customer_id=pl.coalesce("customer", "customer_id")
    )
    of_disputes = disputes.join(made, on=["account_id", "charge_id"]).select(
        "account_id", source_id="id", customer_id="customer"
    )
    of_charges = made.select("account_id", source_id="charge_id", customer_id="customer")
    return pl.concat([of_charges, of_refunds, of_disputes]).drop_nulls("customer_id")
