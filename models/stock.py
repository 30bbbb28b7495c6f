"""What every subscription item is worth now, and at the end of every month: the stock that movements add up to."""

import polars as pl

from models.periods import month_of
from models.terms import Terms

ITEM = ("account_id", "customer_id", "subscription_id", "subscription_item_id", "currency")
CUSTOMER = ("account_id", "customer_id", "currency")


def stock_now(changes: pl.LazyFrame) -> pl.LazyFrame:
    """Items that are worth something after all their changes: account_id, customer_id, subscription_id,
    subscription_item_id, currency, micros, valued_on. `changes` is contracts.spine.ItemChanges."""
    last = (pl.col("after_micros").alias("micros"), pl.col("valued_on"))
    return changes.group_by(ITEM).agg(one.sort_by("changed_at").last() for one in last).filter(pl.col("micros") != 0)


def items_by_month(changes: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """The same at the end of each `month` to the as-of month; no row where an item is worth nothing."""
    return _by_month(changes, ITEM, "changed_on", pl.col("after_micros").sort_by("changed_at").last(), terms)


def customers_by_month(movements: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """What each customer is worth in each currency at the end of each month: account_id, customer_id, currency, month,
    micros. `movements` is contracts.spine.Movements."""
    return _by_month(movements, CUSTOMER, "moved_on", pl.col("after_micros").sort_by("moved_on").last(), terms)


def _by_month(frame: pl.LazyFrame, key: tuple[str, ...], day: str, at_the_end: pl.Expr, terms: Terms) -> pl.LazyFrame:
    until = pl.col("month").shift(-1).over(key, order_by="month").dt.offset_by("-1mo")
    return (
        frame.group_by(*key, month_of(day).alias("month"))
        .agg(micros=at_the_end)
        .with_columns(until=until.fill_null(terms.as_of_day.replace(day=1)))
        .filter(pl.col("micros") != 0)
        .with_columns(month=pl.date_ranges("month", "until", "1mo"))
        .drop("until")
        .explode("month")
    )
