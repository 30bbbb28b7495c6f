"""What metered items are worth a month, for policies that count them: the mean of their last invoices.

Usage is billed when its period is over, so an item is worth something from its first invoice on. Units and meters are
not looked at: what was charged is.
"""

from collections.abc import Mapping

import polars as pl

from models.observations import ITEM, REGULAR, bills, regular_lines, with_discounts_and_taxes

AVERAGED = 3
"""So many of an item's last invoices are averaged."""

OFFSETS = {"day": "d", "week": "w", "month": "mo", "year": "y"}
"""Billing intervals as Polars writes them."""


def usage(staging: Mapping[str, pl.LazyFrame], lives: pl.LazyFrame) -> pl.LazyFrame:
    """Observations of metered items, in the form of `observations.observations`: one at the end of each billed period.

    `line_amount` is what the last invoices charged before discounts, in minor units, and `line_count` how many those
    were; the item is taken to go on so for another period.
    """
    lines = _metered_lines(staging)
    charged = (
        with_discounts_and_taxes(lines, lines, staging)
        .join(bills(staging, lives), on=["account_id", "invoice_id"])
        .group_by(*ITEM, "invoice_id", at="period_end_at")
        .agg(
            pl.col("amount").sum(),
            pl.col("price_id", "next", "position", "known_at", "invoice_coupons", "coupons", "left_by").first(),
            pl.col("kept", "taxed").first(),
        )
    )
    last = pl.int_range(1, pl.len() + 1).clip(upper_bound=AVERAGED).cast(pl.Int64)
    return charged.select(
        *ITEM,
        "at",
        "price_id",
        "position",
        "known_at",
        "invoice_coupons",
        "left_by",
        "kept",
        "taxed",
        item_coupons=pl.col("coupons").fill_null(""),
        line_amount=pl.col("amount").rolling_sum(AVERAGED, min_samples=1).over(ITEM, order_by="at"),
        line_count=last.over(ITEM, order_by="at"),
        billed_to=pl.col("at").dt.offset_by(pl.col("next")),
        kind=pl.lit(REGULAR, pl.Int8),
    )


def _metered_lines(staging: Mapping[str, pl.LazyFrame]) -> pl.LazyFrame:
    """The billed lines of metered prices, with the length of a period as `next`."""
    count, interval = pl.col("recurring_interval_count").fill_null(1), pl.col("recurring_interval").replace(OFFSETS)
    prices = (
        staging["prices"]
        .filter(pl.col("recurring_usage_type") == "metered")
        .select("account_id", price_id="id", next=pl.format("{}{}", count, interval))
    )
    return regular_lines(staging).join(prices, on=["account_id", "price_id"])
