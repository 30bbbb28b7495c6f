"""The catalogue of marts as data: each public table, the function that makes it, the frames that the function takes,
and whether it is made of some customers or of all of them together.

`build` makes them all, or those named, in order. `mapped` makes what can be made of some customers, and `reduced` the
rest from what was made of each part: from sums of parts, or from rows that are few. Nothing here computes a figure.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache

import polars as pl

from models import checks, increment
from models.cash import balance_reconciliation, beside_the_ledger, cash_by_day, moved_by_day
from models.churn import churn_reasons_by_month, churned_customers, with_churn_kinds
from models.contracts import marts as contracts
from models.contracts import staging as staged
from models.customers import customers
from models.disputes import dispute_rates_by_month, disputes
from models.failures import first_attempts_by_month, payment_attempts, recovery_by_month
from models.forecast.cash import cash_forecast_by_month, renewals_by_day
from models.forecast.exposure import exposed
from models.forecast.mrr import (
    forecasts,
    mrr_forecast,
    mrr_forecast_backtest,
    mrr_forecast_choice,
    mrr_forecast_origins,
    scores,
)
from models.ltv import customer_ltv, ltv_by_method
from models.metrics import metrics_by_month, monthly_inputs, volume_by_month
from models.monitoring import dispute_monitoring_by_month, fraud_reports
from models.payouts import carried, payout_reconciliation, payouts_made
from models.periods import opens_at
from models.plans import collected
from models.preventable import preventable_churn_by_month, refused_cards
from models.projection import renewal_fits
from models.published import exchange_rates
from models.realised import cash_by_age, cash_of_customers, customer_cash, customer_value_by_age
from models.receivables import days_sales_outstanding_by_month, open_by_due_day, open_invoices_by_age, sent_by_month
from models.recognition import (
    deferred_revenue,
    earned,
    postings,
    recognised,
    revenue_recognition_by_month,
    running,
    shares,
    spans,
)
from models.recovery import dunning_now, in_dunning, payment_failures, recovery_by_dimension, split_failures
from models.refunds import refund_rates_by_month, refunds, sales_by_month
from models.retention import cohort_retention, kept_by_cohort, retained
from models.risk.accounts import at_risk_accounts, risk_scores, with_risk
from models.risk.backtest import risk_backtest, risk_backtest_by_month, risk_calibration, risk_quality, risk_told
from models.risk.calibration import risk_calibrations
from models.risk.cards import risk_cards, risk_points
from models.risk.changes import change_windows, usage_windows
from models.risk.leaving import announced_ends
from models.risk.payments import payment_windows
from models.risk.snapshots import history, snapshots
from models.risk.standing import ahead, billed_now, signals_now, standing_now
from models.risk.trials import risk_trials
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
from models.spells import first_lives, spells
from models.spine import Spine, build_spine, of_account, of_customers
from models.stock import items_by_month
from models.subscriptions import subscriptions
from models.tenure import survival_by_month
from models.terms import Terms
from models.trials import trials
from models.worth import Catalogue


class Grain(Enum):
    """Of whom a frame is made."""

    CUSTOMERS = "customers"
    """Of some customers from their own objects; frames of parts of the customers are parts of the frame of all."""
    ACCOUNT = "account"
    """Of all customers together, from the frames of all parts in one, and from tables that are no customer's."""


CUSTOMERS, ACCOUNT = Grain.CUSTOMERS, Grain.ACCOUNT


@dataclass(frozen=True)
class Recipe:
    """How one frame is made: `make(*frames of inputs, terms)`."""

    make: Callable[..., pl.LazyFrame]
    inputs: tuple[str, ...]
    """Names of frames: `staging.<table>`, `spine.<frame>`, `marts.<table>` or `steps.<step>`."""
    table: type[contracts.Mart] | None = None
    """The contract that the frame is held against; None for a step that is not published."""
    grain: Grain = CUSTOMERS

    @property
    def key(self) -> tuple[str, ...]:
        """The columns by which the rows of a public table are known."""
        return tuple(self.table.primary_key()) if self.table else ()


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

REFERENCE = _takes("accounts products prices coupons discounts tax_rates balances payment_methods")
"""Staged tables that are no customer's, or few: every part of the customers is given them whole."""

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
            "spine.movements spine.changes spine.customer_changes staging.subscriptions staging.customers "
            "staging.invoices steps.attempts steps.refused_cards"
        ),
        contracts.ChurnedCustomers,
    ),
    "marts.mrr_changes": Recipe(_as_the_spine_made_it, ("spine.mrr_changes",), contracts.MrrChanges),
    "marts.mrr_movements": Recipe(
        with_churn_kinds, _takes("spine.mrr_movements marts.churned_customers"), contracts.MrrMovements
    ),
    "marts.customer_changes": Recipe(_as_the_spine_made_it, ("spine.customer_changes",), contracts.CustomerChanges),
    "marts.mrr_by_day": Recipe(_as_the_spine_made_it, ("spine.mrr_by_day",), contracts.MrrByDay, ACCOUNT),
    "marts.mrr_by_month": Recipe(_as_the_spine_made_it, ("spine.mrr_by_month",), contracts.MrrByMonth, ACCOUNT),
    "marts.mrr_by_month_reporting": Recipe(
        _as_the_spine_made_it, ("spine.mrr_by_month_reporting",), contracts.MrrByMonthReporting, ACCOUNT
    ),
    "steps.slices": Recipe(
        slices,
        _takes(
            "spine.stretches spine.changes spine.movements spine.mrr_rates staging.customers staging.subscriptions "
            "staging.prices staging.products"
        ),
    ),
    "marts.mrr_by_month_slice": Recipe(
        mrr_by_month_slice, _takes("steps.slices staging.prices staging.products"), contracts.MrrByMonthSlice, ACCOUNT
    ),
    "marts.mrr_by_policy": Recipe(_as_the_spine_made_it, ("spine.mrr_by_policy",), contracts.MrrByPolicy, ACCOUNT),
    "marts.mrr_exclusions": Recipe(_as_the_spine_made_it, ("spine.mrr_exclusions",), contracts.MrrExclusions),
    "marts.churn_reasons_by_month": Recipe(
        churn_reasons_by_month, ("marts.churned_customers",), contracts.ChurnReasonsByMonth, ACCOUNT
    ),
    "marts.preventable_churn_by_month": Recipe(
        preventable_churn_by_month, ("marts.churned_customers",), contracts.PreventableChurnByMonth, ACCOUNT
    ),
    "steps.sales": Recipe(sales_by_month, _takes("staging.charges spine.rates")),
    "marts.refunds": Recipe(refunds, _takes("staging.refunds staging.charges spine.rates"), contracts.Refunds),
    "marts.refund_rates_by_month": Recipe(
        refund_rates_by_month, _takes("marts.refunds steps.sales"), contracts.RefundRatesByMonth, ACCOUNT
    ),
    "marts.disputes": Recipe(disputes, _takes("staging.disputes staging.charges spine.rates"), contracts.Disputes),
    "marts.dispute_rates_by_month": Recipe(
        dispute_rates_by_month, _takes("marts.disputes steps.sales"), contracts.DisputeRatesByMonth, ACCOUNT
    ),
    "steps.fraud_reports": Recipe(fraud_reports, _takes("staging.early_fraud_warnings staging.charges")),
    "marts.dispute_monitoring_by_month": Recipe(
        dispute_monitoring_by_month,
        _takes("marts.dispute_rates_by_month steps.fraud_reports"),
        contracts.DisputeMonitoringByMonth,
        ACCOUNT,
    ),
    "marts.payment_failures": Recipe(
        payment_failures,
        _takes(
            "staging.invoices staging.credit_notes steps.attempts staging.subscriptions spine.rates staging.charges "
            "staging.invoice_payments"
        ),
        contracts.PaymentFailures,
    ),
    "marts.recovery_by_month": Recipe(
        recovery_by_month, ("marts.payment_failures",), contracts.RecoveryByMonth, ACCOUNT
    ),
    "steps.split_failures": Recipe(split_failures, _takes("marts.payment_failures steps.attempts")),
    "marts.recovery_by_dimension": Recipe(
        recovery_by_dimension, ("steps.split_failures",), contracts.RecoveryByDimension, ACCOUNT
    ),
    "steps.in_dunning": Recipe(
        in_dunning, _takes("marts.payment_failures staging.subscriptions spine.changes spine.mrr_rates")
    ),
    "marts.dunning_now": Recipe(dunning_now, ("steps.in_dunning",), contracts.DunningNow, ACCOUNT),
    "steps.open_by_due_day": Recipe(open_by_due_day, _takes("staging.invoices spine.rates")),
    "marts.open_invoices_by_age": Recipe(
        open_invoices_by_age, ("steps.open_by_due_day",), contracts.OpenInvoicesByAge, ACCOUNT
    ),
    "steps.sent_by_month": Recipe(sent_by_month, _takes("staging.invoices staging.invoice_payments spine.rates")),
    "marts.days_sales_outstanding_by_month": Recipe(
        days_sales_outstanding_by_month, ("steps.sent_by_month",), contracts.DaysSalesOutstandingByMonth, ACCOUNT
    ),
    "marts.trials": Recipe(trials, _takes("staging.subscriptions staging.invoices"), contracts.Trials),
    "marts.subscriptions": Recipe(
        subscriptions, _takes("staging.subscriptions spine.changes"), contracts.Subscriptions
    ),
    "steps.customers": Recipe(
        customers,
        _takes(
            "staging.customers staging.subscriptions staging.charges spine.changes spine.movements "
            "marts.refunds marts.disputes spine.rates spine.mrr_rates spine.items"
        ),
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
        scheduled_churn_by_month, ("marts.scheduled_churn",), contracts.ScheduledChurnByMonth, ACCOUNT
    ),
    "marts.committed_mrr": Recipe(
        committed_mrr,
        _takes("marts.mrr_by_month_reporting marts.scheduled_changes marts.trials"),
        contracts.CommittedMrr,
        ACCOUNT,
    ),
    "marts.known_mrr_by_month": Recipe(
        known_mrr_by_month,
        _takes("marts.mrr_by_month_reporting marts.scheduled_changes marts.trials"),
        contracts.KnownMrrByMonth,
        ACCOUNT,
    ),
    "steps.first_lives": Recipe(
        first_lives,
        _takes(
            "spine.movements marts.customer_changes marts.churned_customers spine.changes staging.subscriptions "
            "staging.prices steps.customers"
        ),
    ),
    "steps.spells": Recipe(spells, ("steps.first_lives",), grain=ACCOUNT),
    "steps.exposed": Recipe(exposed, _takes("spine.movements steps.first_lives spine.mrr_rates")),
    "steps.forecasts": Recipe(
        forecasts,
        _takes("marts.mrr_by_month_reporting marts.scheduled_changes marts.known_mrr_by_month steps.exposed"),
        grain=ACCOUNT,
    ),
    "steps.forecast_scores": Recipe(scores, ("steps.forecasts",), grain=ACCOUNT),
    "marts.mrr_forecast_choice": Recipe(
        mrr_forecast_choice,
        _takes("marts.mrr_by_month_reporting steps.forecast_scores"),
        contracts.MrrForecastChoice,
        ACCOUNT,
    ),
    "marts.mrr_forecast": Recipe(
        mrr_forecast, _takes("steps.forecasts marts.mrr_forecast_choice"), contracts.MrrForecast, ACCOUNT
    ),
    "marts.mrr_forecast_backtest": Recipe(
        mrr_forecast_backtest,
        _takes("steps.forecast_scores marts.mrr_forecast_choice"),
        contracts.MrrForecastBacktest,
        ACCOUNT,
    ),
    "marts.mrr_forecast_origins": Recipe(
        mrr_forecast_origins,
        _takes("steps.forecasts marts.mrr_forecast_choice"),
        contracts.MrrForecastOrigins,
        ACCOUNT,
    ),
    "marts.cancellation_requests": Recipe(
        cancellation_requests,
        _takes("staging.subscription_versions spine.changes spine.mrr_rates"),
        contracts.CancellationRequests,
    ),
    "marts.cancellation_saves_by_month": Recipe(
        cancellation_saves_by_month, ("marts.cancellation_requests",), contracts.CancellationSavesByMonth, ACCOUNT
    ),
    "steps.kept_by_cohort": Recipe(kept_by_cohort, _takes("spine.movements spine.mrr_rates")),
    "marts.cohort_retention": Recipe(cohort_retention, ("steps.kept_by_cohort",), contracts.CohortRetention, ACCOUNT),
    "steps.customer_cash": Recipe(
        customer_cash,
        _takes("staging.balance_transactions staging.charges staging.refunds staging.disputes spine.rates"),
    ),
    "steps.cash_of_customers": Recipe(cash_of_customers, ("steps.customer_cash",)),
    "steps.cash_by_age": Recipe(cash_by_age, _takes("steps.first_lives steps.customer_cash")),
    "marts.renewal_fits": Recipe(renewal_fits, ("steps.spells",), contracts.RenewalFits, ACCOUNT),
    "marts.survival_by_month": Recipe(
        survival_by_month, _takes("steps.spells marts.renewal_fits"), contracts.SurvivalByMonth, ACCOUNT
    ),
    "marts.customer_value_by_age": Recipe(
        customer_value_by_age, _takes("steps.spells steps.cash_by_age"), contracts.CustomerValueByAge, ACCOUNT
    ),
    "steps.ltv_segments": Recipe(
        segments,
        _takes(
            "staging.accounts staging.products steps.spells steps.customers marts.customer_changes "
            "marts.churned_customers steps.cash_of_customers marts.renewal_fits"
        ),
        grain=ACCOUNT,
    ),
    "marts.customer_ltv": Recipe(customer_ltv, ("steps.ltv_segments",), contracts.CustomerLtv, ACCOUNT),
    "marts.ltv_by_method": Recipe(ltv_by_method, ("steps.ltv_segments",), contracts.LtvByMethod, ACCOUNT),
    "steps.payment_windows": Recipe(
        payment_windows,
        _takes(
            "staging.invoices steps.attempts staging.charges staging.payment_methods staging.disputes staging.refunds "
            "staging.subscriptions"
        ),
    ),
    "steps.change_windows": Recipe(
        change_windows,
        _takes(
            "spine.movements spine.changes spine.stretches staging.discounts staging.coupons staging.subscriptions "
            "staging.subscription_versions staging.customers marts.scheduled_changes"
        ),
    ),
    "steps.usage_windows": Recipe(usage_windows, _takes("staging.invoice_lines staging.invoices staging.prices")),
    "steps.announced_ends": Recipe(
        announced_ends,
        _takes(
            "staging.subscriptions staging.subscription_schedules staging.subscription_schedule_items "
            "marts.cancellation_requests"
        ),
    ),
    "steps.snapshots": Recipe(
        snapshots,
        _takes(
            "steps.payment_windows steps.change_windows steps.usage_windows steps.announced_ends spine.movements "
            "marts.churned_customers spine.mrr_rates"
        ),
    ),
    "steps.risk_history": Recipe(history, ("steps.snapshots",)),
    "steps.signals_now": Recipe(
        signals_now,
        _takes("steps.payment_windows steps.change_windows steps.usage_windows steps.snapshots staging.invoices"),
    ),
    "steps.ahead": Recipe(
        ahead, _takes("steps.payment_windows steps.change_windows steps.usage_windows steps.announced_ends")
    ),
    "steps.billed_now": Recipe(billed_now, _takes("spine.changes staging.subscription_items")),
    "steps.standing_now": Recipe(standing_now, _takes("steps.snapshots steps.billed_now")),
    "steps.risk_cards": Recipe(risk_cards, _takes("steps.risk_history steps.standing_now"), grain=ACCOUNT),
    "marts.risk_points": Recipe(
        risk_points, _takes("steps.risk_cards steps.risk_history"), contracts.RiskPoints, ACCOUNT
    ),
    "steps.risk_trials": Recipe(risk_trials, ("steps.risk_history",), grain=ACCOUNT),
    "marts.risk_backtest_by_month": Recipe(
        risk_backtest_by_month,
        _takes("steps.risk_history steps.risk_trials"),
        contracts.RiskBacktestByMonth,
        ACCOUNT,
    ),
    "marts.risk_backtest": Recipe(risk_backtest, ("marts.risk_backtest_by_month",), contracts.RiskBacktest, ACCOUNT),
    "steps.risk_told": Recipe(risk_told, _takes("steps.risk_trials steps.risk_history"), grain=ACCOUNT),
    "marts.risk_quality": Recipe(risk_quality, ("steps.risk_told",), contracts.RiskQuality, ACCOUNT),
    "marts.risk_calibration": Recipe(risk_calibration, ("steps.risk_told",), contracts.RiskCalibration, ACCOUNT),
    "steps.risk_calibrations": Recipe(risk_calibrations, ("steps.risk_told",), grain=ACCOUNT),
    "steps.risk_scores": Recipe(
        risk_scores, _takes("steps.standing_now steps.risk_cards steps.risk_calibrations"), grain=ACCOUNT
    ),
    "marts.customers": Recipe(with_risk, _takes("steps.customers steps.risk_scores"), contracts.Customers, ACCOUNT),
    "marts.at_risk_accounts": Recipe(
        at_risk_accounts,
        _takes(
            "steps.risk_scores steps.signals_now steps.risk_cards steps.customers marts.scheduled_churn "
            "marts.customer_ltv"
        ),
        contracts.AtRiskAccounts,
        ACCOUNT,
    ),
    "steps.moved_by_day": Recipe(moved_by_day, ("staging.balance_transactions",)),
    "marts.cash_by_day": Recipe(cash_by_day, ("steps.moved_by_day",), contracts.CashByDay, ACCOUNT),
    "steps.beside_the_ledger": Recipe(
        beside_the_ledger,
        _takes("staging.balance_transactions staging.payouts staging.charges staging.refunds"),
    ),
    "marts.balance_reconciliation": Recipe(
        balance_reconciliation,
        _takes("marts.cash_by_day steps.beside_the_ledger"),
        contracts.BalanceReconciliation,
        ACCOUNT,
    ),
    "steps.carried": Recipe(carried, ("staging.payout_transactions",)),
    "steps.payouts": Recipe(payouts_made, ("staging.payouts",)),
    "marts.payout_reconciliation": Recipe(
        payout_reconciliation, _takes("steps.payouts steps.carried"), contracts.PayoutReconciliation, ACCOUNT
    ),
    "steps.postings": Recipe(
        postings,
        _takes(
            "staging.invoices staging.invoice_lines staging.invoice_items staging.credit_notes "
            "staging.credit_note_lines staging.refunds staging.disputes staging.charges staging.invoice_payments "
            "staging.balance_transactions staging.subscriptions staging.prices"
        ),
    ),
    "steps.shares": Recipe(shares, ("steps.postings",)),
    "steps.spans": Recipe(spans, ("steps.postings",)),
    "steps.recognised": Recipe(recognised, _takes("steps.postings steps.spans")),
    "steps.running": Recipe(running, _takes("steps.postings steps.spans")),
    "steps.earned": Recipe(earned, _takes("steps.recognised steps.running"), grain=ACCOUNT),
    "marts.revenue_recognition_by_month": Recipe(
        revenue_recognition_by_month, ("steps.earned",), contracts.RevenueRecognitionByMonth, ACCOUNT
    ),
    "marts.deferred_revenue": Recipe(deferred_revenue, ("steps.earned",), contracts.DeferredRevenue, ACCOUNT),
    "marts.exchange_rates": Recipe(exchange_rates, ("spine.rates",), contracts.ExchangeRates, ACCOUNT),
    "steps.first_attempts": Recipe(
        first_attempts_by_month,
        _takes("staging.invoices staging.credit_notes steps.attempts staging.subscriptions spine.rates"),
    ),
    "steps.renewals": Recipe(
        renewals_by_day,
        _takes(
            "spine.changes staging.subscriptions staging.subscription_items staging.prices marts.scheduled_changes "
            "spine.mrr_rates"
        ),
    ),
    "marts.cash_forecast_by_month": Recipe(
        cash_forecast_by_month,
        _takes("steps.renewals steps.first_attempts marts.recovery_by_month steps.sent_by_month"),
        contracts.CashForecastByMonth,
        ACCOUNT,
    ),
    "steps.stock": Recipe(items_by_month, ("spine.changes",)),
    "steps.retained": Recipe(retained, _takes("steps.stock spine.mrr_rates")),
    "steps.volume": Recipe(volume_by_month, _takes("staging.balance_transactions spine.rates")),
    "steps.held_balance": Recipe(checks.held_balance, _takes("staging.balances staging.balance_transactions")),
    "steps.read_at": Recipe(checks.read_at, ("staging.subscription_versions",)),
    "steps.monthly_inputs": Recipe(
        monthly_inputs,
        _takes(
            "staging.accounts marts.mrr_by_month_reporting steps.retained spine.movements marts.churned_customers "
            "marts.customer_changes marts.trials marts.refund_rates_by_month marts.dispute_rates_by_month "
            "marts.recovery_by_month steps.first_attempts steps.volume"
        ),
        grain=ACCOUNT,
    ),
    "marts.metrics_by_month": Recipe(metrics_by_month, ("steps.monthly_inputs",), contracts.MetricsByMonth, ACCOUNT),
}
"""Every frame that is made from staging and spine; each stands after what it is made from, and none that is made of
some customers is made from one of all. What is made of all takes no table that grows with every invoice."""

Frames = Mapping[str, pl.LazyFrame]


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
    frames = frames_on(spine, staging, terms, wanted)
    return {name.removeprefix("marts."): frames[name] for name in wanted}


def frames_on(
    spine: Spine, staging: Mapping[str, pl.LazyFrame], terms: Terms, wanted: Collection[str]
) -> dict[str, pl.LazyFrame]:
    """Frames of the catalogue by name, steps among them, and all that they are made from."""
    frames = {f"staging.{name}": frame for name, frame in complete(staging).items()} | _frames_of(spine)
    for name in _in_order(wanted):
        frames[name] = _made(RECIPES[name], frames, terms)
    return frames


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
    return checks.data_checks(checks.with_steps(frames, terms), [spine.findings, *findings], terms)


def mapped(
    staging: Mapping[str, pl.LazyFrame], rates: pl.LazyFrame, terms: Terms, sold: Catalogue | None = None
) -> dict[str, pl.DataFrame]:
    """What is made of some customers, all of whose objects are in `staging`, beside the whole tables of `REFERENCE`.

    The public tables at their grain, and what `reduced` makes the rest from; by the names of the catalogue. Whoever
    writes the tables holds them against their contracts. `sold` is as of `models.spine.of_customers`.

    Raises:
        As `build` does.
    """
    frames = {f"staging.{name}": frame for name, frame in complete(staging).items()}
    frames |= _named("spine", of_customers(complete(staging), rates, terms, sold))
    for name in _in_order([name for name in kept() if name in RECIPES]):
        frames[name] = _made(RECIPES[name], frames, terms, held=False)
    frames[FOUND] = checks.found(frames, checks.OF_CUSTOMERS, terms)
    return {name: frames[name].pipe(collected) for name in kept()}


def reduced(
    parts: Sequence[Mapping[str, pl.DataFrame]],
    reference: Mapping[str, pl.LazyFrame],
    rates: pl.LazyFrame,
    terms: Terms,
) -> dict[str, pl.LazyFrame]:
    """The public tables that are made of all customers together, `data_checks` among them.

    Args:
        parts: what `mapped` made, of every customer once; or what `followed` made of it.
        reference: the staged tables of `REFERENCE`.
        rates: as of `build`.
        terms: the terms that the parts were made by.
    """
    given = complete({name: reference[name] for name in REFERENCE if name in reference})
    whole = {name: rows.lazy() for name, rows in increment.added_up(parts).items()}
    spine = {name.removeprefix("spine."): frame for name, frame in whole.items() if name.startswith("spine.")}
    frames = {f"staging.{name}": given[name] for name in REFERENCE} | whole
    frames |= _named("spine", of_account(spine, rates, terms))
    for name, recipe in RECIPES.items():
        if recipe.grain is ACCOUNT:
            frames[name] = _made(recipe, frames, terms, held=False)
    made = {table: frames[f"marts.{table}"] for table in names(ACCOUNT)}
    return made | {"data_checks": checks.told(whole[FOUND], frames, [frames["spine.findings"]], terms)}


def followed(kept: increment.Part, before: increment.Part, after: increment.Part) -> dict[str, pl.DataFrame]:
    """What `mapped` would make of all customers now, from what it made of all before, and of those that changed since.

    Args:
        kept: what was made of all, of `increment.added_up`; or the frames of it that `reduced` takes.
        before: what `mapped` makes of those that changed since, from what was known then, by the terms of then.
        after: what it makes of them now. The day of the terms is the same.

    Raises:
        increment.CannotFollowError: everything has to be made anew.
    """
    return increment.followed(kept, before, after, _keys())


def exchanges(before: increment.Part, after: increment.Part) -> dict[str, increment.Exchange]:
    """The rows that `followed` exchanges, of each frame of rows by its name."""
    return increment.exchanges(before, after, _keys())


def _keys() -> dict[str, tuple[str, ...]]:
    return {f"marts.{name}": RECIPES[f"marts.{name}"].key for name in names(CUSTOMERS)}


def due(kept: increment.Part, then: Terms, terms: Terms) -> pl.DataFrame:
    """account_id and customer_id of those of whom something that was expected should have happened by now, or of whom
    something else holds since `then`, of the same month, though nothing happened to them."""
    customer = ("account_id", "customer_id")
    began = opens_at(pl.lit(then.as_of_day), then)
    passed = [
        kept["marts.scheduled_changes"].filter(pl.col("effective_at") <= terms.as_of),
        kept[AHEAD].filter(pl.col("at") <= terms.as_of),
    ]
    if terms.as_of_day > then.as_of_day:
        passed.append(kept["steps.signals_now"].filter(pl.col("from_at") >= began))
    return pl.concat([frame.select(customer) for frame in passed]).unique()


FOUND = "steps.found"
"""What the checks of some customers found, beside the recipes."""

AHEAD = "steps.ahead"
"""When something will change by time alone, for `due`."""


def kept() -> tuple[str, ...]:
    """Names of the frames of some customers that outlive them: public, or read by what is made of all."""
    public = {f"marts.{name}" for name in names(CUSTOMERS)}
    return tuple(dict.fromkeys([*sorted(public), *read_of_all()]))


def read_of_all() -> tuple[str, ...]:
    """Names of those of `kept` that are read by what is made of all, or by what finds out whom time alone touches."""
    read = {name for recipe in RECIPES.values() if recipe.grain is ACCOUNT for name in recipe.inputs}
    read |= set(checks.READ_OF_ALL)
    of_parts = {name for name, recipe in RECIPES.items() if recipe.grain is CUSTOMERS}
    return (*sorted(read & of_parts), *(f"spine.{name}" for name in SPINE_OF_PARTS), FOUND, AHEAD)


SPINE_OF_PARTS = ("changes", "movements", "comings", "items", "currencies", "told", "changed_by_policy")
"""Frames of the spine of some customers from which that of all is made, or the account's tables are."""


def names(grain: Grain | None = None) -> tuple[str, ...]:
    """Names of the tables that `build` makes, in its order; of one grain, or all."""
    wanted = [name for name, recipe in RECIPES.items() if recipe.table and grain in (None, recipe.grain)]
    return tuple(name.removeprefix("marts.") for name in wanted)


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
    return {name: _empty(name) for name in STAGED if name not in staging} | dict(staging)


STAGED = {table.table_name: table for table in staged.TABLES}


@cache
def _empty(name: str) -> pl.LazyFrame:
    return STAGED[name].create_empty().lazy()


def _made(recipe: Recipe, frames: Mapping[str, pl.LazyFrame], terms: Terms, *, held: bool = True) -> pl.LazyFrame:
    """A frame of the catalogue; `held` against its contract, but where whoever writes it does that."""
    made = recipe.make(*(frames[name] for name in recipe.inputs), terms).pipe(collected)
    if recipe.table is None:
        return made.lazy()
    return recipe.table.validate(made).lazy() if held else made.select(recipe.table.column_names()).lazy()


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
    return _named("spine", own | dict(spine.marts))


def _named(schema: str, frames: Mapping[str, pl.LazyFrame]) -> dict[str, pl.LazyFrame]:
    return {f"{schema}.{name}": frame for name, frame in frames.items()}
