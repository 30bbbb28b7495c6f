"""How near an account is to the limits at which a card network's monitoring begins, each by the network's own count.

Visa divides disputes and fraud reports by the payments of the same calendar month, Mastercard chargebacks by those of
the month before. An estimate: networks see more than the API shows, and count in their own time zone.
https://docs.stripe.com/disputes/monitoring-programs
"""

from collections.abc import Sequence

import polars as pl

from models.network_limits import ANY, EARLY_WARNING, LIMITS, Limit
from models.periods import day_of, is_partial, month_of, months_until
from models.shares import share
from models.terms import Terms

SERIES = ("account_id", "network")
KEY = (*SERIES, "month")


def dispute_monitoring_by_month(
    dispute_rates_by_month: pl.LazyFrame,
    fraud_reports: pl.LazyFrame,
    terms: Terms,
    limits: Sequence[Limit] = LIMITS,
) -> pl.LazyFrame:
    """`marts.dispute_monitoring_by_month`: the first frame is the mart, the second of `fraud_reports`.

    above: rate and count are reached. early_warning: not both, but both are from three quarters of theirs on.
    no_payments: there is nothing to divide by. ok: else.
    """
    counted = dispute_rates_by_month.select(*KEY, "charges", "disputes")
    reported = fraud_reports.group_by(KEY).agg(pl.col("fraud_reports").sum())
    seen = pl.concat([counted.select(KEY), reported.select(KEY)])
    months = (
        months_until(seen, terms, SERIES)
        .join(counted, on=KEY, how="left")
        .join(reported, on=KEY, how="left")
        .with_columns(pl.col("charges", "disputes", "fraud_reports").fill_null(0))
        .with_columns(charges_before=pl.col("charges").shift(1, fill_value=0).over(SERIES, order_by="month"))
    )
    told = pl.concat([_measured(months, limit) for limit in limits])
    most = pl.max_horizontal("limit_count", _least_count("payments", "rate_numerator", "rate_denominator"))
    return (
        told.with_columns(
            dispute_ratio=share("counted", "payments"),
            limit_rate=share("rate_numerator", "rate_denominator"),
            headroom=pl.when(pl.col("payments") > 0).then(pl.max_horizontal(most - pl.col("counted"), pl.lit(0))),
            level=_level(),
            is_partial=is_partial("month", terms),
        )
        .drop("rate_numerator", "rate_denominator")
        .sort("account_id", "month", "network", "programme")
    )


def fraud_reports(early_fraud_warnings: pl.LazyFrame, charges: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """Early fraud warnings by month and network of their charge: account_id, network, month, fraud_reports. Both frames
    are staged."""
    network = charges.select("account_id", charge_id="id", network=pl.coalesce("card_network", "card_brand"))
    return (
        early_fraud_warnings.filter(pl.col("created_at") <= terms.as_of)
        .join(network.drop_nulls("network"), on=["account_id", "charge_id"])
        .group_by(*SERIES, month_of(day_of("created_at", terms)).alias("month"))
        .agg(fraud_reports=pl.len().cast(pl.Int64))
    )


def _measured(months: pl.LazyFrame, limit: Limit) -> pl.LazyFrame:
    """The months in which a limit held, with what is counted and what is divided by."""
    is_before = limit.payments == "month_before"
    both = pl.col("disputes") + pl.col("fraud_reports")
    holds = pl.col("month") >= limit.valid_from
    if limit.valid_until is not None:
        holds &= pl.col("month") < limit.valid_until
    if limit.network != ANY:
        holds &= pl.col("network") == limit.network
    return months.filter(holds).select(
        "account_id",
        "month",
        "network",
        "disputes",
        "fraud_reports",
        programme=pl.lit(limit.programme),
        counted=both if limit.counted == "disputes_and_fraud_reports" else pl.col("disputes"),
        payments="charges_before" if is_before else "charges",
        payments_month=pl.col("month").dt.offset_by("-1mo") if is_before else pl.col("month"),
        limit_count=pl.lit(limit.count, pl.Int64),
        limit_valid_from=pl.lit(limit.valid_from),
        source=pl.lit(limit.source),
        rate_numerator=pl.lit(limit.rate.numerator, pl.Int64),
        rate_denominator=pl.lit(limit.rate.denominator, pl.Int64),
    )


def _least_count(payments: str, numerator: str, denominator: str) -> pl.Expr:
    """The least whole number that is no smaller a share of the payments than a fraction."""
    return -(-(pl.col(payments) * pl.col(numerator)) // pl.col(denominator))


def _level() -> pl.Expr:
    share_of = pl.col("counted") * pl.col("rate_denominator")
    limit = pl.col("payments") * pl.col("rate_numerator")
    reaches_rate = share_of >= limit
    near = (share_of * EARLY_WARNING.denominator >= limit * EARLY_WARNING.numerator) & (
        pl.col("counted") * EARLY_WARNING.denominator >= pl.col("limit_count") * EARLY_WARNING.numerator
    )
    return (
        pl.when(pl.col("payments") == 0)
        .then(pl.lit("no_payments"))
        .when(reaches_rate & (pl.col("counted") >= pl.col("limit_count")))
        .then(pl.lit("above"))
        .when(near)
        .then(pl.lit("early_warning"))
        .otherwise(pl.lit("ok"))
    )
