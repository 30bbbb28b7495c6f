"""How customers stand now, for the list: what holds of them, where they are billed, and which invoice is owed."""

import polars as pl

from models.movements import CUSTOMER
from models.risk.windows import WINDOW, month_closes
from models.stock import stock_now
from models.terms import Terms


def signals_now(
    payment_windows: pl.LazyFrame,
    change_windows: pl.LazyFrame,
    usage_windows: pl.LazyFrame,
    snapshots: pl.LazyFrame,
    invoices: pl.LazyFrame,
    terms: Terms,
) -> pl.LazyFrame:
    """Windows that hold now, of customers who pay, with the subscription of the invoice that each is about.

    The windows are of models/risk/windows.py, `snapshots` of `snapshots.snapshots`, `invoices` is staged.
    """
    holds = (pl.col("from_at") <= terms.as_of) & (pl.col("until_at") > terms.as_of).fill_null(True)
    whose = invoices.select("account_id", "subscription_id", subject="id")
    return (
        pl.concat([payment_windows, change_windows, usage_windows])
        .filter(holds)
        .join(snapshots.filter("is_now"), on=CUSTOMER, how="semi")
        .join(whose, on=["account_id", "subject"], how="left")
        .select(*WINDOW, "subscription_id")
    )


def ahead(
    payment_windows: pl.LazyFrame,
    change_windows: pl.LazyFrame,
    usage_windows: pl.LazyFrame,
    announced_ends: pl.LazyFrame,
    terms: Terms,
) -> pl.LazyFrame:
    """When within the as-of month something begins or ceases to hold of customers by time alone: account_id,
    customer_id, at.

    The windows are of models/risk/windows.py and models/risk/leaving.py.
    """
    told = (payment_windows, change_windows, usage_windows, announced_ends)
    bounds = [frame.select(*CUSTOMER, at=bound) for frame in told for bound in ("from_at", "until_at")]
    return pl.concat(bounds).filter(pl.col("at") > terms.as_of, pl.col("at") <= month_closes(terms)).unique()


def billed_now(changes: pl.LazyFrame, subscription_items: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """Where customers are billed: account_id, customer_id, subscription_id (the one worth most), next_invoice_at.

    `changes` is the spine's, `subscription_items` is staged.
    """
    ends = subscription_items.select("account_id", "current_period_end_at", subscription_item_id="id")
    by_subscription = (
        stock_now(changes)
        .join(ends, on=["account_id", "subscription_item_id"], how="left")
        .group_by(*CUSTOMER, "subscription_id")
        .agg(pl.col("micros").sum(), ends_at=pl.col("current_period_end_at").min())
        .sort("micros", "subscription_id", descending=[True, False])
    )
    next_at = pl.col("ends_at").filter(pl.col("ends_at") > terms.as_of).min()
    return by_subscription.group_by(CUSTOMER, maintain_order=True).agg(
        pl.col("subscription_id").first(), next_invoice_at=next_at
    )


def standing_now(snapshots: pl.LazyFrame, billed: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """Customers who pay now: account_id, customer_id, code, leaving, subscription_id, next_invoice_at.

    `snapshots` is of `snapshots.snapshots`, `billed` of `billed_now`.
    """
    now = snapshots.filter("is_now").select(*CUSTOMER, "code", "leaving")
    return now.join(billed, on=CUSTOMER, how="left").sort(CUSTOMER)
