"""What every subscription item is worth now, and at the end of every month: the stock that movements add up to."""

from collections.abc import Sequence

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
    last = (pl.col("after_micros").alias("micros"), pl.col("valued_on"))
    return standing(changes, ITEM, "changed_on", [one.sort_by("changed_at").last() for one in last], "micros", terms)


def customers_by_month(movements: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """What each customer is worth in each currency at the end of each month: account_id, customer_id, currency, month,
    micros. `movements` is contracts.spine.Movements."""
    last = pl.col("after_micros").sort_by("moved_on").last().alias("micros")
    return standing(movements, CUSTOMER, "moved_on", [last], "micros", terms)


def standing(
    frame: pl.LazyFrame, key: Sequence[str], day: str, at_the_end: Sequence[pl.Expr], level: str, terms: Terms
) -> pl.LazyFrame:
    """What changes leave at the end of each month to the as-of month: `key`, the columns of `at_the_end` and month.

    `at_the_end` is taken over the changes of a month and stands until the next; no row where `level` of it is 0.
    """
    until = pl.col("month").shift(-1).over(key, order_by="month").dt.offset_by("-1mo")
    return (
        frame.group_by(*key, month_of(day).alias("month"))
        .agg(at_the_end)
        .with_columns(until=until.fill_null(terms.as_of_day.replace(day=1)))
        .filter(pl.col(level) != 0)
        .with_columns(month=pl.date_ranges("month", "until", "1mo"))
        .drop("until")
        .explode("month")
    )
