"""The list of metrics, each a row of data: name, unit, and the columns it is made of. One loop makes the table of it.

Definitions follow docs/metrics.md. Every amount is in the reporting currency, converted at its own day's rate.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from models.cash import ledger
from models.churn import lost_customers, resumed
from models.mrr import published
from models.periods import day_of, is_partial, month_of, months_until
from models.reporting import in_reporting
from models.retention import WINDOWS
from models.shares import share
from models.terms import Terms

EXACT = pl.Decimal(38, 6)
MONTH = ("account_id", "month")
VOLUMES = ("gross_volume", "net_volume", "fees")
TRAILING_MONTHS = 6
LONGEST_LIFE = 60
"""Months that a customer is assumed to stay where fewer than one in so many left: Stripe's 60-month cap."""

AMOUNT, COUNT, RATE, RATIO = "minor_units", "count", "rate", "ratio"


@dataclass(frozen=True)
class Metric:
    """One metric: numerator, over denominator where it is a rate or ratio. `inputs` are columns of `monthly_inputs`."""

    name: str
    unit: str
    formula: str
    numerator: pl.Expr
    denominator: pl.Expr | None = None


def _c(column: str) -> pl.Expr:
    return pl.col(column).cast(EXACT)


_lost = -_c("contraction_mrr") - _c("churn_mrr")
_lost_but_paused = _lost - _c("paused_mrr")
_won_back = _c("expansion_mrr") + _c("netted_reactivation_mrr")
_net_new = _c("new_mrr") + _c("expansion_mrr") + _c("contraction_mrr") + _c("churn_mrr") + _c("reactivation_mrr")
_arpa = pl.when(pl.col("closing_customers") > 0).then(_c("closing_mrr") / _c("closing_customers"))
_stays_longest = _c("trailing_lost_customers") * LONGEST_LIFE <= _c("trailing_base_customers")
_ltv = (
    pl.when((pl.col("trailing_base_customers") == 0) | (pl.col("closing_customers") == 0))
    .then(None)
    .when(_stays_longest)
    .then(_c("closing_mrr") * LONGEST_LIFE / _c("closing_customers"))
    .otherwise(
        _c("closing_mrr") * _c("trailing_base_customers") / (_c("closing_customers") * _c("trailing_lost_customers"))
    )
)

METRICS: tuple[Metric, ...] = (
    Metric("mrr", AMOUNT, "MRR at the end of the month", _c("closing_mrr")),
    Metric("arr", AMOUNT, "12 x MRR: a run rate", 12 * _c("closing_mrr")),
    Metric("net_new_mrr", AMOUNT, "new + expansion + contraction + churn + reactivation, without FX", _net_new),
    Metric("fx_mrr", AMOUNT, "change of MRR by exchange rates alone", _c("fx_mrr")),
    Metric("paused_mrr", AMOUNT, "MRR that went to pauses; shown apart from churn rates", _c("paused_mrr")),
    Metric("resumed_mrr", AMOUNT, "MRR that came back from pauses", _c("resumed_mrr")),
    Metric("customers", COUNT, "customers with MRR at the end of the month", _c("closing_customers")),
    Metric("arpa", AMOUNT, "MRR / customers at the end of the month", _arpa),
    Metric(
        "gross_mrr_churn_rate",
        RATE,
        "(contraction + churn, pauses apart) / MRR at the start",
        _lost_but_paused,
        _c("opening_mrr"),
    ),
    Metric(
        "net_mrr_churn_rate",
        RATIO,
        "(contraction + churn - expansion - reactivation, pauses and resumes apart) / MRR at the start; reactivation "
        "where the policy says so",
        _lost_but_paused - _won_back,
        _c("opening_mrr"),
    ),
    Metric(
        "customer_churn_rate",
        RATE,
        "customers of the start that left, pauses apart / customers at the start",
        _c("lost_customers"),
        _c("opening_customers"),
    ),
    Metric(
        "net_revenue_retention",
        RATIO,
        "MRR now of the customers of 12 months ago / their MRR then, at the rates of then",
        _c("end_mrr_12"),
        _c("base_mrr_12"),
    ),
    Metric(
        "gross_revenue_retention",
        RATE,
        "the same, no customer counted with more than then",
        _c("kept_mrr_12"),
        _c("base_mrr_12"),
    ),
    Metric(
        "net_revenue_retention_1m",
        RATIO,
        "MRR now of the customers of the month before / their MRR then, at the rates of then",
        _c("end_mrr_1"),
        _c("base_mrr_1"),
    ),
    Metric(
        "gross_revenue_retention_1m",
        RATE,
        "the same, no customer counted with more than then",
        _c("kept_mrr_1"),
        _c("base_mrr_1"),
    ),
    Metric(
        "quick_ratio",
        RATIO,
        "(new + expansion + reactivation) / (contraction + churn)",
        _c("new_mrr") + _c("expansion_mrr") + _c("reactivation_mrr"),
        _lost,
    ),
    Metric("ltv", AMOUNT, "simple: ARPA / customer churn of the last 6 full months, at least 1/60", _ltv),
    Metric(
        "trial_conversion_rate",
        RATE,
        "trials begun in the month that were paid for / trials begun in the month",
        _c("trials_converted"),
        _c("trials_started"),
    ),
    Metric("trials_started", COUNT, "trials begun in the month", _c("trials_started")),
    Metric(
        "refund_volume_rate",
        RATE,
        "refunded of the month's charges / charged in the month",
        _c("refund_amount_reporting"),
        _c("charge_amount_reporting"),
    ),
    Metric(
        "refund_count_rate",
        RATE,
        "charges of the month refunded, even in part / charges of the month",
        _c("refunds"),
        _c("refund_charges"),
    ),
    Metric(
        "dispute_rate",
        RATE,
        "dispute activity: disputes received / successful card payments of the month",
        _c("disputes"),
        _c("card_charges"),
    ),
    Metric(
        "payment_failure_rate",
        RATE,
        "subscription invoice volume whose first attempt failed / attempted, first invoices after trials apart",
        _c("first_failed_amount_reporting"),
        _c("attempted_amount_reporting"),
    ),
    Metric(
        "recovery_rate",
        RATE,
        "of the invoices that first failed in the month, volume paid since / failed volume",
        _c("recovered_amount_reporting"),
        _c("failed_amount_reporting"),
    ),
    Metric("gross_volume", AMOUNT, "payments received, by balance transactions", _c("gross_volume")),
    Metric("net_volume", AMOUNT, "gross volume less refunds, disputes, fees and transfers", _c("net_volume")),
    Metric("fees", AMOUNT, "Stripe's fees, as a positive amount", _c("fees")),
)
"""Every metric, in the order it is shown."""


def metrics_by_month(monthly_inputs: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """`marts.metrics_by_month`: every metric of `METRICS` for every month of `monthly_inputs`."""
    back = _c("reactivation_mrr") - _c("resumed_mrr")
    netted = back if terms.policy.reactivation_in_net else pl.lit(0, EXACT)
    inputs = monthly_inputs.with_columns(netted_reactivation_mrr=netted)
    return (
        pl.concat([of_inputs(metric, inputs) for metric in METRICS])
        .with_columns(is_partial=is_partial("month", terms))
        .sort(*MONTH, "metric")
    )


def monthly_inputs(
    accounts: pl.LazyFrame,
    mrr_by_month_reporting: pl.LazyFrame,
    retained: pl.LazyFrame,
    movements: pl.LazyFrame,
    churned_customers: pl.LazyFrame,
    customer_changes: pl.LazyFrame,
    trials: pl.LazyFrame,
    refund_rates_by_month: pl.LazyFrame,
    dispute_rates_by_month: pl.LazyFrame,
    recovery_by_month: pl.LazyFrame,
    first_attempts: pl.LazyFrame,
    volume: pl.LazyFrame,
    terms: Terms,
) -> pl.LazyFrame:
    """All that the metrics are made of, a row a month from the first of which anything is told to the as-of month; 0
    where nothing was.

    `accounts` is staged, `movements` the spine's, `retained` is of `retention.retained`, `first_attempts` of
    `failures.first_attempts_by_month`, `volume` of `volume_by_month`; the others are marts.
    """
    parts = (
        mrr_by_month_reporting.drop("currency", "is_partial"),
        _pauses(churned_customers, movements),
        _lost_customers(churned_customers, customer_changes),
        *(_retained(retained, months) for months in WINDOWS),
        _trials(trials, terms),
        _refunds(refund_rates_by_month),
        _disputes(dispute_rates_by_month),
        recovery_by_month.drop("recovery_rate", "is_partial"),
        first_attempts.group_by(MONTH).agg(pl.all().sum()),
        volume.group_by(MONTH).agg(pl.all().sum()),
    )
    months = _months(accounts, parts, terms)
    for part in parts:
        months = months.join(part, on=MONTH, how="left")
    filled = months.with_columns(pl.all().exclude(MONTH).fill_null(0)).with_columns(
        opening_customers=_over_months(pl.col("closing_customers").shift(1, fill_value=0))
    )
    return _with_trailing_churn(filled, terms).sort(MONTH)


def of_inputs(metric: Metric, inputs: pl.LazyFrame) -> pl.LazyFrame:
    """A metric of each row of its inputs: account_id, month, metric, value, unit, numerator, denominator."""
    over = pl.lit(None, EXACT) if metric.denominator is None else metric.denominator.cast(EXACT)
    numerator = pl.col("numerator")
    value = numerator.cast(pl.Float64) if metric.denominator is None else share(numerator, "denominator")
    return inputs.select(
        *MONTH,
        metric=pl.lit(metric.name),
        unit=pl.lit(metric.unit),
        numerator=metric.numerator.cast(EXACT),
        denominator=over,
    ).select(*MONTH, "metric", value.alias("value"), "unit", "numerator", "denominator")


def _months(accounts: pl.LazyFrame, parts: Sequence[pl.LazyFrame], terms: Terms) -> pl.LazyFrame:
    """Every month of an account since anything was sold, tried or paid; the as-of month alone where nothing was."""
    this_month = pl.lit(terms.as_of_day.replace(day=1))
    told = pl.concat(part.select(MONTH) for part in parts).drop_nulls().filter(pl.col("month") <= this_month)
    return months_until(pl.concat([told, accounts.select("account_id", month=this_month)]), terms, by=["account_id"])


def _pauses(churned_customers: pl.LazyFrame, movements: pl.LazyFrame) -> pl.LazyFrame:
    paused = churned_customers.filter(pl.col("kind") == "paused").select(
        "account_id", month_of("churned_on").alias("month"), paused_mrr="mrr_lost_reporting"
    )
    back = resumed(movements, churned_customers).select(
        "account_id", month_of("moved_on").alias("month"), resumed_mrr=published(pl.col("delta_reporting_micros"))
    )
    return pl.concat([paused, back], how="diagonal").group_by(MONTH).agg(pl.col("paused_mrr", "resumed_mrr").sum())


def _lost_customers(churned_customers: pl.LazyFrame, customer_changes: pl.LazyFrame) -> pl.LazyFrame:
    lost = lost_customers(churned_customers, customer_changes)
    return lost.group_by(MONTH).agg(lost_customers=pl.len().cast(pl.Int64))


def _retained(retained: pl.LazyFrame, months: int) -> pl.LazyFrame:
    summed = retained.filter(pl.col("window") == months).group_by(MONTH).agg(pl.all().sum())
    return summed.select(
        *MONTH, *(published(pl.col(f"{name}_micros")).alias(f"{name}_mrr_{months}") for name in ("base", "end", "kept"))
    )


def _trials(trials: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    return trials.group_by("account_id", month_of(day_of("started_at", terms)).alias("month")).agg(
        trials_started=pl.len().cast(pl.Int64),
        trials_converted=(pl.col("outcome") == "converted").sum().cast(pl.Int64),
    )


def _refunds(refund_rates_by_month: pl.LazyFrame) -> pl.LazyFrame:
    amounts = pl.col("refunds", "refund_amount_reporting", "charge_amount_reporting").sum()
    by_charge = refund_rates_by_month.filter(pl.col("basis") == "charge_month")
    return by_charge.group_by(MONTH).agg(amounts, refund_charges=pl.col("charges").sum())


def _disputes(dispute_rates_by_month: pl.LazyFrame) -> pl.LazyFrame:
    return dispute_rates_by_month.group_by(MONTH).agg(
        disputes=pl.col("disputes").sum(), card_charges=pl.col("charges").sum()
    )


def volume_by_month(balance_transactions: pl.LazyFrame, rates: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """What went through the balance: account_id, month and `VOLUMES`. Sums of parts of the transactions add up to those
    of all."""
    moved = volume(balance_transactions, rates, terms).group_by("account_id", month_of("date").alias("month"))
    return moved.agg(pl.col(VOLUMES).sum())


def volume(balance_transactions: pl.LazyFrame, rates: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """What each balance transaction adds to the volumes of `VOLUMES`, in the reporting currency, beside the columns of
    `cash.ledger`. 0 where its currency has no rate."""
    moved = ledger(balance_transactions, terms)
    valued = in_reporting(in_reporting(moved, rates, amount="amount", on="date"), rates, amount="fee", on="date")
    amount, column = pl.col("amount_reporting").fill_null(0), pl.col("column")
    gross = pl.when(column == "charges").then(amount).otherwise(0)
    given_back = pl.when(column.is_in(["refunds", "disputes"]) | pl.col("is_transfer")).then(amount).otherwise(0)
    fees = pl.col("fee_reporting").fill_null(0) - pl.when(column == "fees").then(amount).otherwise(0)
    return valued.with_columns(gross_volume=gross, fees=fees, net_volume=gross + given_back - fees)


def _with_trailing_churn(months: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """Customers lost, and customers who could have been, over the last six full months up to each month."""
    ended_before = is_partial("month", terms)
    windows = {"trailing_lost_customers": "lost_customers", "trailing_base_customers": "opening_customers"}
    return months.with_columns(
        _over_months(pl.col(of).rolling_sum(TRAILING_MONTHS, min_samples=1)).alias(name) for name, of in windows.items()
    ).with_columns(
        pl.when(ended_before).then(_over_months(pl.col(name).shift(1, fill_value=0))).otherwise(name).alias(name)
        for name in windows
    )


def _over_months(of: pl.Expr) -> pl.Expr:
    return of.over("account_id", order_by="month")
