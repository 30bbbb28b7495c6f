"""Refunds, and refund rates on two bases: the month of the charge and the month of the refund.

By charge month says what share of a month's sales came back, and ripens for months; by refund month says what went out
in a month. Failed, canceled and expired-authorisation refunds are listed, but moved no money and enter no rate.
"""

import polars as pl

from models.periods import day_of, is_partial, month_of
from models.reporting import in_reporting
from models.shares import share
from models.terms import Terms

REFUNDED = ("succeeded", "pending")
NEVER_CAPTURED = "expired_uncaptured_charge"
KEY = ("account_id", "month", "currency")


def refunds(refunds: pl.LazyFrame, charges: pl.LazyFrame, rates: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """`marts.refunds`: every refund to the as-of instant, with its charge's customer and moment."""
    charge = charges.select(
        "account_id",
        charge_id="id",
        charge_customer_id="customer_id",
        charge_created_at="created_at",
    )
    made = (
        refunds.filter(pl.col("created_at") <= terms.as_of)
        .drop_nulls(["amount", "currency"])
        .join(charge, on=["account_id", "charge_id"], how="left")
        .with_columns(
            refund_id=pl.col("id"),
            refunded_on=day_of("created_at", terms),
            customer_id=pl.coalesce("charge_customer_id", "customer_id"),
            days_to_refund=(pl.col("created_at") - pl.col("charge_created_at")).dt.total_days(),
        )
    )
    return (
        in_reporting(made, rates, amount="amount", on="refunded_on")
        .select(
            "account_id",
            "refund_id",
            "charge_id",
            "customer_id",
            "amount",
            "currency",
            "amount_reporting",
            "status",
            "reason",
            "created_at",
            "refunded_on",
            "charge_created_at",
            "days_to_refund",
        )
        .sort("account_id", "refund_id")
    )


def sales_by_month(charges: pl.LazyFrame, rates: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """Captured payments added up: account_id, month, currency, payment_method_type, network, charges, amount_captured,
    amount_reporting. Sums of parts of the charges add up to those of all."""
    return (
        succeeded_charges(charges, rates, terms)
        .group_by("account_id", "month", "currency", "payment_method_type", "network")
        .agg(pl.col("amount_captured", "amount_reporting").sum(), charges=pl.len().cast(pl.Int64))
    )


def refund_rates_by_month(refunds: pl.LazyFrame, sales: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """`marts.refund_rates_by_month`: `refunds` is the mart, `sales` of `sales_by_month`. Months in which nothing was
    charged or refunded are absent.

    Several refunds of one charge count once a month; amounts count in full. `*_reporting` amounts are each at their own
    day's rate.
    """
    back = returned(refunds, terms)
    return (
        pl.concat([_on_basis(sales, back, basis) for basis in ("charge_month", "refund_month")])
        .with_columns(
            refund_count_rate=share("refunds", "charges"),
            refund_volume_rate=share("refund_amount", "charge_amount"),
            is_partial=is_partial("month", terms),
        )
        .sort("account_id", "month", "basis", "currency")
    )


def returned(refunds: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """The refunds that count in rates, with the month of each basis, refund_month and charge_month, and `refunded`: the
    id that a charge refunded several times is counted by. `refunds` is the mart."""
    return refunds.filter(moved_money()).with_columns(
        refund_month=month_of("refunded_on"),
        charge_month=month_of(day_of("charge_created_at", terms)),
        refunded=pl.coalesce("charge_id", "refund_id"),
    )


def succeeded_charges(charges: pl.LazyFrame, rates: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """Captured payments to the as-of instant: account_id, id, customer_id, currency, charged_on, month, amount_captured
    and its amount_reporting at the day's rate."""
    captured = charges.filter(
        pl.col("created_at") <= terms.as_of,
        pl.col("status") == "succeeded",
        pl.col("amount_captured") > 0,
        pl.col("currency").is_not_null(),
    ).with_columns(charged_on=day_of("created_at", terms))
    return in_reporting(captured, rates, amount="amount_captured", on="charged_on", into="amount_reporting").select(
        "account_id",
        "id",
        "customer_id",
        "currency",
        "charged_on",
        month_of("charged_on").alias("month"),
        "amount_captured",
        "amount_reporting",
        "payment_method_type",
        network=pl.coalesce("card_network", "card_brand"),
    )


def moved_money() -> pl.Expr:
    """True for the refunds that gave money back, or are about to."""
    return pl.col("status").is_in(REFUNDED) & pl.col("reason").ne_missing(NEVER_CAPTURED)


def _on_basis(sales: pl.LazyFrame, returned: pl.LazyFrame, basis: str) -> pl.LazyFrame:
    sold = sales.group_by(KEY).agg(
        pl.col("charges").sum(),
        charge_amount=pl.col("amount_captured").sum(),
        charge_amount_reporting=pl.col("amount_reporting").sum(),
    )
    given_back = (
        returned.filter(pl.col(basis).is_not_null())
        .group_by("account_id", pl.col(basis).alias("month"), "currency")
        .agg(
            refunds=pl.col("refunded").n_unique().cast(pl.Int64),
            refund_amount=pl.col("amount").sum(),
            refund_amount_reporting=pl.col("amount_reporting").sum(),
            pending_amount=pl.col("amount").filter(pl.col("status") == "pending").sum(),
        )
    )
    counts = (
        "charges",
        "charge_amount",
        "refunds",
        "refund_amount",
        "pending_amount",
        "charge_amount_reporting",
        "refund_amount_reporting",
    )
    return (
        sold.join(given_back, on=KEY, how="full", coalesce=True)
        .with_columns(pl.col(counts).fill_null(0))
        .select("account_id", "month", pl.lit(basis).alias("basis"), "currency", *counts)
    )
