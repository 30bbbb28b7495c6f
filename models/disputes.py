"""Disputes, and dispute activity a card network: disputes received in a month over its successful card payments.

Activity is what the card networks' monitoring counts. Won disputes count in it; inquiries that never escalated and
disputes prevented before they were filed do not. https://docs.stripe.com/disputes/measuring
"""

import polars as pl

from models.periods import day_of, is_partial, month_of
from models.refunds import succeeded_charges
from models.reporting import in_reporting
from models.shares import share
from models.terms import Terms

OUTCOMES = {
    "won": "won",
    "lost": "lost",
    "prevented": "prevented",
    "warning_needs_response": "inquiry",
    "warning_under_review": "inquiry",
    "warning_closed": "inquiry",
    "needs_response": "open",
    "under_review": "open",
    "appeal_needs_response": "open",
    "appeal_under_review": "open",
}
"""Stripe's status of a dispute → what has become of it; a status that Stripe adds later is open until it is listed."""

RECEIVED = ("won", "lost", "open")
UNKNOWN_NETWORK = "unknown"
KEY = ("account_id", "month", "network")


def disputes(disputes: pl.LazyFrame, charges: pl.LazyFrame, rates: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """`marts.disputes`: every dispute opened to the as-of instant."""
    charge = charges.select(
        "account_id",
        "payment_method_type",
        "customer_id",
        charge_id="id",
        charge_network=pl.coalesce("card_network", "card_brand"),
    )
    opened = (
        disputes.filter(pl.col("created_at") <= terms.as_of)
        .drop_nulls(["amount", "currency"])
        .join(charge, on=["account_id", "charge_id"], how="left")
        .with_columns(
            dispute_id=pl.col("id"),
            disputed_on=day_of("created_at", terms),
            network=pl.coalesce("charge_network", "card_network"),
            outcome=pl.col("status").replace_strict(OUTCOMES, default="open", return_dtype=pl.String),
        )
    )
    return (
        in_reporting(opened, rates, amount="amount", on="disputed_on")
        .select(
            "account_id",
            "dispute_id",
            "charge_id",
            "customer_id",
            "amount",
            "currency",
            "amount_reporting",
            "network",
            "payment_method_type",
            "reason",
            "status",
            "outcome",
            "created_at",
            "disputed_on",
            "evidence_due_at",
        )
        .sort("account_id", "dispute_id")
    )


def dispute_rates_by_month(disputes: pl.LazyFrame, sales: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """`marts.dispute_rates_by_month`: `disputes` is the mart, `sales` of `refunds.sales_by_month`. Card payments only,
    by the network they ran on."""
    network = pl.col("network").fill_null(UNKNOWN_NETWORK)
    paid = sales.filter(_by_card()).group_by("account_id", "month", network).agg(pl.col("charges").sum())
    outcome = pl.col("outcome")
    received = (
        on_cards(disputes)
        .group_by("account_id", month_of("disputed_on").alias("month"), network)
        .agg(
            disputes=_rows(outcome.is_in(RECEIVED)),
            won=_rows(outcome == "won"),
            lost=_rows(outcome == "lost"),
            inquiries=_rows(outcome == "inquiry"),
            prevented=_rows(outcome == "prevented"),
        )
    )
    counts = ("charges", "disputes", "won", "lost", "inquiries", "prevented")
    return (
        paid.join(received, on=KEY, how="full", coalesce=True)
        .with_columns(pl.col(counts).fill_null(0))
        .with_columns(
            dispute_rate=share("disputes", "charges"),
            win_rate=share("won", pl.col("won") + pl.col("lost")),
            is_partial=is_partial("month", terms),
        )
        .sort(KEY)
    )


def card_payments(charges: pl.LazyFrame, rates: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """The payments that dispute activity is held against, as `refunds.succeeded_charges` has them."""
    return succeeded_charges(charges, rates, terms).filter(_by_card())


def on_cards(disputes: pl.LazyFrame) -> pl.LazyFrame:
    """The disputes of card payments; those with an outcome of `RECEIVED` are activity."""
    return disputes.filter(_by_card())


def _by_card() -> pl.Expr:
    return pl.col("payment_method_type").eq_missing("card") | (
        pl.col("payment_method_type").is_null() & pl.col("network").is_not_null()
    )


def _rows(condition: pl.Expr) -> pl.Expr:
    return condition.sum().cast(pl.Int64)
