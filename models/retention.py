"""Retention by endpoints: what customers who paid at one moment pay at a later one, at one exchange rate throughout.

Endpoints, never sums of movements: a customer who went down and up again lost nothing, and one who left and came back
within the window was kept.
"""

from collections.abc import Sequence

import polars as pl

from models.fx import converted
from models.mrr import published
from models.periods import is_partial, month_end, month_of, months_between
from models.plans import collected
from models.reporting import in_reporting
from models.shares import share
from models.stock import customers_by_month
from models.terms import Terms

CUSTOMER = ("account_id", "customer_id")
COHORT = ("account_id", "cohort_month")
WINDOWS = (12, 1)
"""Months that retention looks back."""


def kept_by_cohort(movements: pl.LazyFrame, rates: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """What is left of cohorts: account_id, cohort_month, months_since, customers, micros_reporting. `movements` is the
    spine's. Sums of parts of the customers add up to those of all."""
    return (
        kept_customers(movements, rates, terms)
        .group_by(*COHORT, "months_since")
        .agg(
            customers=pl.col("customer_id").n_unique().cast(pl.Int64), micros_reporting=pl.col("micros_reporting").sum()
        )
    )


def kept_customers(movements: pl.LazyFrame, rates: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """Who is left of cohorts: account_id, customer_id, currency, first_paid_on, cohort_month, months_since, micros,
    micros_reporting; a row for each currency in which a customer pays at that age. `movements` is the spine's.

    A customer belongs to the month of its first paid day, over all currencies. Column 0 is that day; column m the end
    of the m-th month after, for months that are over, so cohorts still joining are absent. Every amount is at the rate
    of the customer's first paid day.
    """
    paid_days = movements.filter(pl.col("after_micros") > 0)
    first = paid_days.group_by(CUSTOMER).agg(first_paid_on=pl.col("moved_on").min())
    members = first.with_columns(cohort_month=month_of("first_paid_on")).filter(~is_partial("cohort_month", terms))
    started = (
        movements.join(members, on=CUSTOMER, how="inner")
        .filter(pl.col("moved_on") == pl.col("first_paid_on"))
        .select(*CUSTOMER, "currency", "first_paid_on", months_since=pl.lit(0, pl.Int64), micros="after_micros")
    )
    later = (
        customers_by_month(movements, terms)
        .join(members, on=CUSTOMER, how="inner")
        .with_columns(months_since=months_between("cohort_month", "month"))
        .filter(pl.col("months_since") > 0, ~is_partial("month", terms))
        .select(*CUSTOMER, "currency", "first_paid_on", "months_since", "micros")
    )
    return (
        in_reporting(pl.concat([started, later]), rates, amount="micros", on="first_paid_on")
        .filter(pl.col("micros") > 0)
        .with_columns(cohort_month=month_of("first_paid_on"))
    )


def cohort_retention(kept_by_cohort: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """`marts.cohort_retention`: `kept_by_cohort` is of the function of that name."""
    kept = kept_by_cohort.group_by(*COHORT, "months_since").agg(pl.col("customers", "micros_reporting").sum())
    at_start = kept.filter(pl.col("months_since") == 0).select(
        *COHORT, cohort_customers="customers", cohort_micros="micros_reporting"
    )
    return (
        _ages(at_start, terms)
        .join(kept, on=[*COHORT, "months_since"], how="left")
        .with_columns(pl.col("customers").fill_null(0), pl.col("micros_reporting").fill_null(0))
        .select(
            *COHORT,
            "months_since",
            "cohort_customers",
            "customers",
            share("customers", "cohort_customers").alias("customer_retention_rate"),
            published(pl.col("cohort_micros")).alias("cohort_mrr_reporting"),
            published(pl.col("micros_reporting")).alias("mrr_reporting"),
            share("micros_reporting", "cohort_micros").alias("mrr_retention_rate"),
        )
        .sort(*COHORT, "months_since")
    )


def retained(stock: pl.LazyFrame, rates: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """`revenue_retention` over each of `WINDOWS`, with the `window` in months. Sums of parts of the customers add up to
    those of all."""
    worth = _by_customer(stock, rates, WINDOWS).pipe(collected).lazy()
    return pl.concat(
        _endpoints(worth, terms, months).with_columns(window=pl.lit(months, pl.Int64)) for months in WINDOWS
    )


def revenue_retention(stock: pl.LazyFrame, rates: pl.LazyFrame, terms: Terms, months: int) -> pl.LazyFrame:
    """What the customers who paid `months` ago pay now, for each month: account_id, month, base_micros, kept_micros
    (the same or less of each) and end_micros (of the same customers), in the reporting currency at the rate of then.

    `stock` is of `stock.items_by_month`. Months without anyone to look back on are absent.
    """
    return _endpoints(_by_customer(stock, rates, (months,)), terms, months)


def _by_customer(stock: pl.LazyFrame, rates: pl.LazyFrame, windows: Sequence[int]) -> pl.LazyFrame:
    """What each customer is worth at the end of each month, at the rate of that day and at that of so many months
    before: account_id, customer_id, month, worth_0 and worth_<months>; each item is converted by itself."""
    month_ends = rates.filter(pl.col("date") == pl.col("date").dt.month_end()).select(
        "currency", "numerator", "denominator", month=month_of("date")
    )
    for months in (0, *windows):
        at_the_time = month_ends.with_columns(pl.col("month").dt.offset_by(f"{months}mo"))
        stock = (
            stock.join(at_the_time, on=["currency", "month"], how="left")
            .with_columns(converted("micros").alias(f"worth_{months}"))
            .drop("numerator", "denominator")
        )
    return stock.group_by(*CUSTOMER, "month").agg(pl.col(f"worth_{months}").sum() for months in (0, *windows))


def _endpoints(worth: pl.LazyFrame, terms: Terms, months: int) -> pl.LazyFrame:
    """`revenue_retention` of what `_by_customer` says."""
    base = worth.select(*CUSTOMER, pl.col("month").dt.offset_by(f"{months}mo"), base_micros="worth_0")
    end = worth.select(*CUSTOMER, "month", end_micros=f"worth_{months}")
    return (
        base.filter(pl.col("base_micros") > 0, pl.col("month") <= terms.as_of_day)
        .join(end, on=[*CUSTOMER, "month"], how="left")
        .with_columns(pl.col("end_micros").fill_null(0))
        .group_by("account_id", "month")
        .agg(
            pl.col("base_micros", "end_micros").sum(),
            kept_micros=pl.min_horizontal("base_micros", "end_micros").sum(),
        )
    )


def looked_back(stock: pl.LazyFrame, rates: pl.LazyFrame, terms: Terms, months: int) -> pl.LazyFrame:
    """The stock once as of `months` before each month (`is_base`) and once as of the month itself, both at the rates of
    then: the columns of `stock`, base_month, is_base, valued_on and micros_reporting."""
    base = stock.with_columns(
        base_month="month", month=pl.col("month").dt.offset_by(f"{months}mo"), is_base=pl.lit(True)
    )
    end = stock.with_columns(base_month=pl.col("month").dt.offset_by(f"-{months}mo"), is_base=pl.lit(False))
    valued = in_reporting(
        pl.concat([base, end.select(base.collect_schema().names())], how="diagonal").with_columns(
            valued_on=month_end("base_month")
        ),
        rates,
        amount="micros",
        on="valued_on",
    )
    return valued.filter(pl.col("month") <= terms.as_of_day)


def retained_customers(looked_back: pl.LazyFrame) -> pl.LazyFrame:
    """The customers that retention looks back on, those worth something then: account_id, customer_id, month,
    base_micros, end_micros, kept_micros. `looked_back` is of the function of that name."""
    worth = pl.col("micros_reporting")
    return (
        looked_back.group_by(*CUSTOMER, "month")
        .agg(base_micros=worth.filter("is_base").sum(), end_micros=worth.filter(~pl.col("is_base")).sum())
        .filter(pl.col("base_micros") > 0)
        .with_columns(kept_micros=pl.min_horizontal("base_micros", "end_micros"))
    )


def _ages(at_start: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """A row for every cohort and every month since that is over."""
    months = pl.date_ranges("cohort_month", pl.lit(terms.as_of_day), "1mo")
    return (
        at_start.with_columns(month=months)
        .explode("month")
        .filter(~is_partial("month", terms))
        .with_columns(months_since=months_between("cohort_month", "month"))
        .drop("month")
    )
