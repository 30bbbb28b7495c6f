"""The catalogue of marts as data: each public table, the function that makes it and the frames that the function takes.

`build` makes them all, or those named, in order. Nothing here computes a figure.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

import polars as pl

from models.cash import balance_reconciliation, cash_by_day
from models.checks import data_checks
from models.churn import churn_reasons_by_month, churned_customers, with_churn_kinds
from models.contracts import marts as contracts
from models.contracts import staging as staged
from models.customers import customers
from models.disputes import dispute_rates_by_month, disputes
from models.failures import first_attempts_by_month, payment_attempts, recovery_by_month
from models.forecast.cash import cash_forecast_by_month
from models.forecast.mrr import (
    forecasts,
    mrr_forecast,
    mrr_forecast_backtest,
    mrr_forecast_choice,
    mrr_forecast_origins,
    scores,
)
from models.ltv import customer_ltv, ltv_by_method
from models.metrics import metrics_by_month, monthly_inputs
from models.monitoring import dispute_monitoring_by_month, fraud_reports
from models.preventable import preventable_churn_by_month, refused_cards
from models.projection import renewal_fits
from models.published import exchange_rates
from models.realised import customer_cash, customer_value_by_age
from models.receivables import days_sales_outstanding_by_month, open_by_age, open_invoices_by_age, sent_by_month
from models.recognition import deferred_revenue, postings, revenue_recognition_by_month, shares
from models.recovery import dunning_now, payment_failures, recovery_by_dimension, split_failures
from models.refunds import refund_rates_by_month, refunds
from models.retention import cohort_retention
from models.saves import cancellation_requests, cancellation_saves_by_month
from models.scheduled import (
    committed_mrr,
    known_mrr_by_month,
    scheduled_changes,
    scheduled_churn,
    scheduled_churn_by_month,
)
from models.segments import segments
from models.slices import mrr_by_month_slice, slices
from models.spells import spells
from models.spine import Spine, build_spine
from models.stock import items_by_month
from models.subscriptions import subscriptions
from models.tenure import survival_by_month
from models.terms import Terms
from models.trials import trials


@dataclass(frozen=True)
class Recipe:
    """How one frame is made: `make(*frames of inputs, terms)`."""

    make: Callable[..., pl.LazyFrame]
    inputs: tuple[str, ...]
    """Names of frames: `staging.<table>`, `spine.<frame>`, `marts.<table>` or `steps.<step>`."""
    table: type[contracts.Mart] | None = None
    """The contract that the frame is held against; None for a step that is not published."""


def _as_the_spine_made_it(frame: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    return frame


def _takes(names: str) -> tuple[str, ...]:
    return tuple(names.split())


READ_BY_THE_SPINE = _takes(
    "staging.subscriptions staging.subscription_items staging.subscription_versions staging.invoices "
    "staging.invoice_lines staging.invoice_items staging.invoice_payments staging.charges staging.prices "
    "staging.coupons staging.discounts staging.tax_rates"
)
"""What the timeline, the ledger and the movements are made from."""

RECIPES: Mapping[str, Recipe] = {
    "steps.attempts": Recipe(payment_attempts, _takes("staging.invoice_payments staging.charges")),
    "steps.refused_cards": Recipe(
        refused_cards,
        _takes(
            "staging.invoices staging.invoice_payments steps.attempts staging.charges staging.payment_intents "
            "staging.payment_methods"
        ),
    ),
    "marts.churned_customers": Recipe(
        churned_customers,
        _takes(
            "spine.movements spine.changes staging.subscriptions staging.customers staging.invoices steps.attempts "
            "steps.refused_cards"
        ),
        contracts.ChurnedCustomers,
    ),
    "marts.mrr_changes": Recipe(_as_the_spine_made_it, ("spine.mrr_changes",), contracts.MrrChanges),
    "marts.mrr_movements": Recipe(
        with_churn_kinds, _takes("spine.mrr_movements marts.churned_customers"), contracts.MrrMovements
    ),
    "marts.customer_changes": Recipe(_as_the_spine_made_it, ("spine.customer_changes",), contracts.CustomerChanges),
    "marts.mrr_by_day": Recipe(_as_the_spine_made_it, ("spine.mrr_by_day",), contracts.MrrByDay),
    "marts.mrr_by_month": Recipe(_as_the_spine_made_it, ("spine.mrr_by_month",), contracts.MrrByMonth),
    "marts.mrr_by_month_reporting": Recipe(
        _as_the_spine_made_it, ("spine.mrr_by_month_reporting",), contracts.MrrByMonthReporting
    ),
    "steps.slices": Recipe(
        slices,
        _takes(
            "spine.stretches spine.changes spine.movements spine.mrr_rates staging.customers staging.subscriptions "
            "staging.prices staging.products"
        ),
    ),
    "marts.mrr_by_month_slice": Recipe(
        mrr_by_month_slice, _takes("steps.slices staging.prices staging.products"), contracts.MrrByMonthSlice
    ),
    "marts.mrr_by_policy": Recipe(_as_the_spine_made_it, ("spine.mrr_by_policy",), contracts.MrrByPolicy),
    "marts.mrr_exclusions": Recipe(_as_the_spine_made_it, ("spine.mrr_exclusions",), contracts.MrrExclusions),
    "marts.churn_reasons_by_month": Recipe(
        churn_reasons_by_month, ("marts.churned_customers",), contracts.ChurnReasonsByMonth
    ),
    "marts.preventable_churn_by_month": Recipe(
        preventable_churn_by_month, ("marts.churned_customers",), contracts.PreventableChurnByMonth
    ),
    "marts.refunds": Recipe(refunds, _takes("staging.refunds staging.charges spine.rates"), contracts.Refunds),
    "marts.refund_rates_by_month": Recipe(
        refund_rates_by_month, _takes("marts.refunds staging.charges spine.rates"), contracts.RefundRatesByMonth
    ),
    "marts.disputes": Recipe(disputes, _takes("staging.disputes staging.charges spine.rates"), contracts.Disputes),
    "marts.dispute_rates_by_month": Recipe(
        dispute_rates_by_month, _takes("marts.disputes staging.charges spine.rates"), contracts.DisputeRatesByMonth
    ),
    "steps.fraud_reports": Recipe(fraud_reports, _takes("staging.early_fraud_warnings staging.charges")),
    "marts.dispute_monitoring_by_month": Recipe(
        dispute_monitoring_by_month,
        _takes("marts.dispute_rates_by_month steps.fraud_reports"),
        contracts.DisputeMonitoringByMonth,
    ),
    "marts.payment_failures": Recipe(
        payment_failures,
        _takes(
            "staging.invoices steps.attempts staging.subscriptions spine.rates staging.charges staging.invoice_payments"
        ),
        contracts.PaymentFailures,
    ),
    "marts.recovery_by_month": Recipe(recovery_by_month, ("marts.payment_failures",), contracts.RecoveryByMonth),
    "steps.split_failures": Recipe(split_failures, _takes("marts.payment_failures steps.attempts")),
    "marts.recovery_by_dimension": Recipe(
        recovery_by_dimension, ("steps.split_failures",), contracts.RecoveryByDimension
    ),
    "marts.dunning_now": Recipe(
        dunning_now,
        _takes("marts.payment_failures staging.subscriptions spine.changes spine.mrr_rates"),
        contracts.DunningNow,
    ),
    "steps.open_by_age": Recipe(open_by_age, _takes("staging.invoices spine.rates")),
    "marts.open_invoices_by_age": Recipe(open_invoices_by_age, ("steps.open_by_age",), contracts.OpenInvoicesByAge),
    "steps.sent_by_month": Recipe(sent_by_month, _takes("staging.invoices spine.rates")),
    "marts.days_sales_outstanding_by_month": Recipe(
        days_sales_outstanding_by_month, ("steps.sent_by_month",), contracts.DaysSalesOutstandingByMonth
    ),
    "marts.trials": Recipe(trials, _takes("staging.subscriptions staging.invoices"), contracts.Trials),
    "marts.subscriptions": Recipe(
        subscriptions, _takes("staging.subscriptions spine.changes"), contracts.Subscriptions
    ),
    "marts.customers": Recipe(
        customers,
        _takes(
            "staging.customers staging.subscriptions staging.charges spine.changes spine.movements "
            "marts.refunds marts.disputes spine.rates spine.mrr_rates spine.items"
        ),
        contracts.Customers,
    ),
    "marts.scheduled_changes": Recipe(
        scheduled_changes,
        _takes(
            "staging.subscriptions staging.subscription_items staging.subscription_schedules "
            "staging.subscription_schedule_items staging.discounts staging.coupons staging.prices "
            "spine.stretches spine.changes spine.mrr_rates"
        ),
        contracts.ScheduledChanges,
    ),
    "marts.scheduled_churn": Recipe(
        scheduled_churn,
        _takes("marts.scheduled_changes staging.subscriptions staging.invoices steps.attempts spine.changes"),
        contracts.ScheduledChurn,
    ),
    "marts.scheduled_churn_by_month": Recipe(
        scheduled_churn_by_month, ("marts.scheduled_churn",), contracts.ScheduledChurnByMonth
    ),
    "marts.committed_mrr": Recipe(
        committed_mrr,
        _takes("marts.mrr_by_month_reporting marts.scheduled_changes marts.trials"),
        contracts.CommittedMrr,
    ),
    "marts.known_mrr_by_month": Recipe(
        known_mrr_by_month,
        _takes("marts.mrr_by_month_reporting marts.scheduled_changes marts.trials"),
        contracts.KnownMrrByMonth,
    ),
    "steps.forecasts": Recipe(
        forecasts, _takes("marts.mrr_by_month_reporting marts.scheduled_changes marts.known_mrr_by_month")
    ),
    "steps.forecast_scores": Recipe(scores, ("steps.forecasts",)),
    "marts.mrr_forecast_choice": Recipe(
        mrr_forecast_choice, _takes("marts.mrr_by_month_reporting steps.forecast_scores"), contracts.MrrForecastChoice
    ),
    "marts.mrr_forecast": Recipe(
        mrr_forecast, _takes("steps.forecasts marts.mrr_forecast_choice"), contracts.MrrForecast
    ),
    "marts.mrr_forecast_backtest": Recipe(
        mrr_forecast_backtest,
        _takes("steps.forecast_scores marts.mrr_forecast_choice"),
        contracts.MrrForecastBacktest,
    ),
    "marts.mrr_forecast_origins": Recipe(
        mrr_forecast_origins, _takes("steps.forecasts marts.mrr_forecast_choice"), contracts.MrrForecastOrigins
    ),
    "marts.cancellation_requests": Recipe(
        cancellation_requests,
        _takes("staging.subscription_versions spine.changes spine.mrr_rates"),
        contracts.CancellationRequests,
    ),
    "marts.cancellation_saves_by_month": Recipe(
        cancellation_saves_by_month, ("marts.cancellation_requests",), contracts.CancellationSavesByMonth
    ),
    "marts.cohort_retention": Recipe(
        cohort_retention, _takes("spine.movements spine.mrr_rates"), contracts.CohortRetention
    ),
    "steps.spells": Recipe(
        spells,
        _takes(
            "spine.movements marts.churned_customers spine.changes staging.subscriptions staging.prices marts.customers"
        ),
    ),
    "steps.customer_cash": Recipe(
        customer_cash,
        _takes("staging.balance_transactions staging.charges staging.refunds staging.disputes spine.rates"),
    ),
    "marts.renewal_fits": Recipe(renewal_fits, ("steps.spells",), contracts.RenewalFits),
    "marts.survival_by_month": Recipe(
        survival_by_month, _takes("steps.spells marts.renewal_fits"), contracts.SurvivalByMonth
    ),
    "marts.customer_value_by_age": Recipe(
        customer_value_by_age, _takes("steps.spells steps.customer_cash"), contracts.CustomerValueByAge
    ),
    "steps.ltv_segments": Recipe(
        segments,
        _takes(
            "staging.accounts staging.products steps.spells marts.customers spine.movements marts.churned_customers "
            "steps.customer_cash marts.renewal_fits"
        ),
    ),
    "marts.customer_ltv": Recipe(customer_ltv, ("steps.ltv_segments",), contracts.CustomerLtv),
    "marts.ltv_by_method": Recipe(ltv_by_method, ("steps.ltv_segments",), contracts.LtvByMethod),
    "marts.cash_by_day": Recipe(cash_by_day, ("staging.balance_transactions",), contracts.CashByDay),
    "marts.balance_reconciliation": Recipe(
        balance_reconciliation,
        _takes("staging.balance_transactions staging.payouts staging.charges staging.refunds"),
        contracts.BalanceReconciliation,
    ),
    "steps.postings": Recipe(
        postings,
        _takes(
            "staging.invoices staging.invoice_lines staging.invoice_items staging.credit_notes staging.refunds "
            "staging.disputes staging.charges staging.invoice_payments staging.balance_transactions"
        ),
    ),
    "steps.shares": Recipe(shares, ("steps.postings",)),
    "marts.revenue_recognition_by_month": Recipe(
        revenue_recognition_by_month, ("steps.shares",), contracts.RevenueRecognitionByMonth
    ),
    "marts.deferred_revenue": Recipe(deferred_revenue, ("steps.shares",), contracts.DeferredRevenue),
    "marts.exchange_rates": Recipe(exchange_rates, ("spine.rates",), contracts.ExchangeRates),
    "steps.first_attempts": Recipe(
        first_attempts_by_month,
        _takes("staging.invoices steps.attempts staging.subscriptions spine.rates"),
    ),
    "marts.cash_forecast_by_month": Recipe(
        cash_forecast_by_month,
        _takes(
            "spine.changes staging.subscriptions staging.subscription_items staging.prices marts.scheduled_changes "
            "spine.mrr_rates steps.first_attempts marts.recovery_by_month steps.sent_by_month"
        ),
        contracts.CashForecastByMonth,
    ),
    "steps.stock": Recipe(items_by_month, ("spine.changes",)),
    "steps.monthly_inputs": Recipe(
        monthly_inputs,
        _takes(
            "staging.accounts marts.mrr_by_month_reporting steps.stock spine.movements marts.churned_customers "
            "marts.trials marts.refund_rates_by_month marts.dispute_rates_by_month marts.recovery_by_month "
            "steps.first_attempts staging.balance_transactions spine.rates spine.mrr_rates"
        ),
    ),
    "marts.metrics_by_month": Recipe(metrics_by_month, ("steps.monthly_inputs",), contracts.MetricsByMonth),
}
"""Every frame that is made from staging and spine; each stands after what it is made from."""


def build(
    staging: Mapping[str, pl.LazyFrame],
    rates: pl.LazyFrame,
    terms: Terms,
    only: Collection[str] | None = None,
) -> dict[str, pl.LazyFrame]:
    """The public tables by name, each held against its contract; lazy over collected rows.

    Args:
        staging: staged frames by table name; a table that is not there counts as empty.
        rates: date, from_currency, to_currency, rate (1 major unit `from` = rate major units `to`).
        terms: as-of instant, zone, reporting currency, policy.
        only: names of the tables wanted; all where None. What they are made from is made too, and not returned.

    Raises:
        KeyError: `only` names a table that is not in the catalogue.
        dataframely.exc.ValidationError: a table does not hold to its contract.
        models.fx.MissingRateError: as the spine raises it.
    """
    return build_on(build_spine(complete(staging), rates, terms), staging, terms, only)


def build_on(
    spine: Spine, staging: Mapping[str, pl.LazyFrame], terms: Terms, only: Collection[str] | None = None
) -> dict[str, pl.LazyFrame]:
    """`build`, on a spine that is there already."""
    wanted = [f"marts.{name}" for name in (names() if only is None else only)]
    frames = {f"staging.{name}": frame for name, frame in complete(staging).items()} | _frames_of(spine)
    for name in _in_order(wanted):
        frames[name] = _made(RECIPES[name], frames, terms)
    return {name.removeprefix("marts."): frames[name] for name in wanted}


def verify(
    built: Mapping[str, pl.LazyFrame],
    spine: Spine,
    staging: Mapping[str, pl.LazyFrame],
    terms: Terms,
    findings: Iterable[pl.LazyFrame] = (),
) -> pl.LazyFrame:
    """`marts.data_checks` of a whole build: its invariants, what the spine found, and other `findings` of that form."""
    frames = {f"marts.{name}": frame for name, frame in built.items()}
    frames |= {f"staging.{name}": frame for name, frame in complete(staging).items()} | _frames_of(spine)
    return data_checks(frames, [spine.findings, *findings], terms)


def names() -> tuple[str, ...]:
    """Names of the tables that `build` makes, in its order."""
    return tuple(name.removeprefix("marts.") for name, recipe in RECIPES.items() if recipe.table)


def made_from(name: str) -> tuple[str, ...]:
    """The staged and public tables, such as `staging.invoices`, that a public table is made from."""
    sources: set[str] = set()
    open_ones = list(RECIPES[f"marts.{name}"].inputs)
    while open_ones:
        given = open_ones.pop()
        if given.startswith("spine."):
            sources.update(READ_BY_THE_SPINE)
        elif given.startswith("steps."):
            open_ones += RECIPES[given].inputs
        else:
            sources.add(given)
    return tuple(sorted(sources))


def complete(staging: Mapping[str, pl.LazyFrame]) -> dict[str, pl.LazyFrame]:
    """All staged tables, empty ones where nothing was staged, as where a key may not read them."""
    return {table.table_name: table.create_empty().lazy() for table in staged.TABLES} | dict(staging)


def _made(recipe: Recipe, frames: Mapping[str, pl.LazyFrame], terms: Terms) -> pl.LazyFrame:
    made = recipe.make(*(frames[name] for name in recipe.inputs), terms).collect()
    return made.lazy() if recipe.table is None else recipe.table.validate(made).lazy()


def _in_order(wanted: Collection[str]) -> list[str]:
    """The wanted recipes and all that they are made from, in the catalogue's order."""
    needed: set[str] = set()
    open_ones = list(wanted)
    while open_ones:
        name = open_ones.pop()
        if name in needed:
            continue
        needed.add(name)
        open_ones += [of for of in RECIPES[name].inputs if of in RECIPES]
    return [name for name in RECIPES if name in needed]


def _frames_of(spine: Spine) -> dict[str, pl.LazyFrame]:
    own = {
        "stretches": spine.stretches,
        "changes": spine.changes,
        "movements": spine.movements,
        "rates": spine.rates,
        "mrr_rates": spine.mrr_rates,
        "items": spine.items,
    }
    return {f"spine.{name}": frame for name, frame in (own | dict(spine.marts)).items()}
