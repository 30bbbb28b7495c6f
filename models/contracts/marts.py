"""The public tables, schema `marts`: what analysts query and what the reports are made from.

Signs: contraction and churn are negative, so that a row adds up: opening + new + expansion + contraction + churn +
reactivation (+ fx) = closing. Money is in minor units as Stripe counts them; MRR is exact to a millionth of one.
"""

import dataframely as dy

from models.contracts.table import (
    Table,
    count,
    day,
    flag,
    instant,
    money,
    mrr,
    number,
    rate,
    reporting_money,
    reporting_mrr,
    text,
    texts,
)

ACCOUNT = "Stripe account the row belongs to"
CUSTOMER = "Stripe customer id"
CURRENCY = "ISO currency of the row's amounts, lower case"
PARTIAL = "True where the month was not over at the as-of instant"


class Mart(Table):
    """A public table."""

    schema_name = "marts"
    account_id = text(ACCOUNT, key=True)


class MrrChanges(Mart):
    """One change of one subscription item's MRR: the ledger that every MRR figure is a sum of."""

    table_name = "mrr_changes"
    customer_id = text(CUSTOMER)
    subscription_id = text("Subscription the item belongs to")
    subscription_item_id = text("Subscription item whose worth changed", key=True)
    product_id = text("Product of the item's price after the change (before it, where the item ended)", nullable=True)
    price_id = text("Price of the item after the change (before it, where the item ended)", nullable=True)
    currency = text(CURRENCY)
    changed_at = instant("When the worth changed", key=True)
    changed_on = day("The reporting-zone day of changed_at")
    valued_on = day(
        "Day whose exchange rate the item's worth is converted at as long as it lasts; null: each day's own, as by the "
        "default policy",
        nullable=True,
    )
    mrr_before = mrr("MRR of the item just before")
    mrr_after = mrr("MRR of the item just after")
    mrr_delta = mrr("mrr_after - mrr_before")
    mrr_delta_reporting = reporting_mrr("The change at that day's exchange rate")
    cause = text("Why: start, resume, quantity, price, plan, add_on, discount_start, discount_end, end, pause, unpaid")
    basis = text("What the change is known from: version (a subscription version we hold) or invoice (its lines)")


class MrrMovements(Mart):
    """One customer's net MRR movement of one day in one currency."""

    table_name = "mrr_movements"
    customer_id = text(CUSTOMER, key=True)
    moved_on = day("Day of the movement", key=True)
    movement_type = text("new, expansion, contraction, churn or reactivation")
    cause = text("Cause of the day's largest item change; for churn its kind")
    currency = dy.String(primary_key=True, description=CURRENCY)
    mrr_before = mrr("The customer's MRR at the end of the day before")
    mrr_after = mrr("The customer's MRR at the end of the day")
    mrr_delta = mrr("mrr_after - mrr_before")
    mrr_delta_reporting = reporting_mrr("The movement at that day's exchange rate")


class CustomerChanges(Mart):
    """One day on which a customer came, left or came back: the ledger that every count of customers is a sum of."""

    table_name = "customer_changes"
    customer_id = text(CUSTOMER, key=True)
    moved_on = day("Day of the change", key=True)
    movement_type = text(
        "new, churn or reactivation, over all currencies; contraction and expansion are the two ends of a gap within "
        "the days of grace, which is no churn"
    )
    customers_delta = count("1 where the customer is one from this day on, -1 where it is one no longer")


class ExchangeRates(Mart):
    """What one minor unit of one currency was worth in minor units of the reporting currency on one day.

    `numerator / denominator`, exactly; an amount times it, rounded half to even, is what a `*_reporting` column holds.
    """

    table_name = "exchange_rates"
    account_id = text("Empty: a rate belongs to no account", key=True)
    date = day("Day", key=True)
    currency = dy.String(primary_key=True, description=CURRENCY)
    known_on = day("Day of the rate that was used: the latest on or before `date`, else the first after it")
    numerator = dy.Decimal(38, 0, description="Numerator of the exact rate between minor units")
    denominator = dy.Decimal(38, 0, description="Its denominator")


class MrrByDay(Mart):
    """MRR of one day in one currency: every day from the first movement to the as-of day."""

    table_name = "mrr_by_day"
    date = day("Day", key=True)
    currency = dy.String(primary_key=True, description=CURRENCY)
    opening_mrr = mrr("MRR at the start of the day")
    new_mrr = mrr("MRR of customers who never paid before")
    expansion_mrr = mrr("Increases of customers who paid already")
    contraction_mrr = mrr("Decreases of customers who go on paying; negative")
    churn_mrr = mrr("MRR of customers who stopped; negative")
    reactivation_mrr = mrr("MRR of customers who came back")
    closing_mrr = mrr("MRR at the end of the day")
    customers = count("Customers with MRR in this currency at the end of the day")


class MrrByMonth(Mart):
    """MRR of one month in one currency: the sums of its days."""

    table_name = "mrr_by_month"
    month = day("First day of the month", key=True)
    currency = dy.String(primary_key=True, description=CURRENCY)
    opening_mrr = mrr("MRR at the start of the month")
    new_mrr = mrr("MRR of customers who never paid before")
    expansion_mrr = mrr("Increases of customers who paid already")
    contraction_mrr = mrr("Decreases of customers who go on paying; negative")
    churn_mrr = mrr("MRR of customers who stopped; negative")
    reactivation_mrr = mrr("MRR of customers who came back")
    closing_mrr = mrr("MRR at the end of the month, or at the as-of instant")
    new_customers = count("Customers who paid for the first time in this currency")
    churned_customers = count("Churn movements in the month")
    reactivated_customers = count("Reactivation movements in the month")
    closing_customers = count("Customers with MRR in this currency at the end")
    is_partial = flag(PARTIAL)


class MrrByMonthReporting(Mart):
    """MRR of one month in the reporting currency, the stock revalued at each month end's exchange rate."""

    table_name = "mrr_by_month_reporting"
    month = day("First day of the month", key=True)
    currency = text("The reporting currency")
    opening_mrr = reporting_mrr("MRR at the start of the month")
    new_mrr = reporting_mrr("MRR of customers who never paid before")
    expansion_mrr = reporting_mrr("Increases of customers who paid already")
    contraction_mrr = reporting_mrr("Decreases of customers who go on paying; negative")
    churn_mrr = reporting_mrr("MRR of customers who stopped; negative")
    reactivation_mrr = reporting_mrr("MRR of customers who came back")
    fx_mrr = reporting_mrr("Change of the stock's worth by exchange rates alone")
    closing_mrr = reporting_mrr("MRR at the end of the month, or at the as-of instant")
    new_customers = count("Customers who paid for the first time")
    churned_customers = count("Churn movements in the month")
    reactivated_customers = count("Reactivation movements in the month")
    closing_customers = count("Customers with MRR at the end")
    is_partial = flag(PARTIAL)


class MrrByMonthSlice(Mart):
    """MRR of one month with one value in one dimension, in the reporting currency.

    The rows of a dimension add up to mrr_by_month_reporting, transfers to nothing.
    """

    table_name = "mrr_by_month_slice"
    month = day("First day of the month", key=True)
    dimension = text(
        "price, product, currency, country, billing_interval, collection_method, or a key of metadata that "
        "REVENUE_SLICES names, such as customer.segment",
        key=True,
    )
    value = text("Its value; unknown where there is none", key=True)
    value_name = text("Name of the price or product; else the value")
    currency = text("The reporting currency")
    opening_mrr = reporting_mrr("MRR at the start of the month")
    new_mrr = reporting_mrr("MRR of customers who never paid before")
    expansion_mrr = reporting_mrr("Increases of customers who paid already")
    contraction_mrr = reporting_mrr("Decreases of customers who go on paying; negative")
    churn_mrr = reporting_mrr("MRR of customers who stopped paying altogether; negative")
    reactivation_mrr = reporting_mrr("MRR of customers who came back")
    transfer_in_mrr = reporting_mrr("What customers brought from other values")
    transfer_out_mrr = reporting_mrr("What customers took to other values; negative")
    fx_mrr = reporting_mrr("Change of the stock's worth by exchange rates alone")
    closing_mrr = reporting_mrr("MRR at the end of the month, or at the as-of instant")
    closing_customers = count("Customers with MRR in it at the end; one may have MRR in several values")
    is_partial = flag(PARTIAL)


class MrrByPolicy(Mart):
    """MRR of one month under one policy, in the reporting currency, and why it differs from the default's.

    The groups of rules are switched one after another, in the order of the columns; the parts add up to the difference.
    """

    table_name = "mrr_by_policy"
    month = day("First day of the month", key=True)
    policy = text("default, stripe, chartmogul, baremetrics, profitwell, maxio, or the name of your own", key=True)
    policy_hash = text("Hash of its rules")
    closing_mrr_reporting = reporting_mrr("MRR at the end of the month, or at the as-of instant, under the policy")
    difference_reporting = reporting_mrr("closing_mrr_reporting less that of the policy default")
    trials_reporting = reporting_mrr("Part of the difference: whether trials count")
    cancel_timing_reporting = reporting_mrr(
        "Part: MRR leaves when a cancellation is asked for, or when it takes effect"
    )
    discounts_reporting = reporting_mrr("Part: which coupons lower MRR")
    pauses_reporting = reporting_mrr("Part: whether paused subscriptions count")
    dunning_reporting = reporting_mrr("Part: whether, and for how long, unpaid subscriptions count")
    fx_reporting = reporting_mrr("Part: which exchange rates MRR is converted at")
    other_reporting = reporting_mrr("Part: all other rules")
    is_partial = flag(PARTIAL)


class MrrExclusions(Mart):
    """One subscription item that is not counted in MRR now, and why."""

    table_name = "mrr_exclusions"
    customer_id = text(CUSTOMER)
    subscription_id = text("Subscription the item belongs to")
    subscription_item_id = text("Subscription item", key=True)
    currency = text(CURRENCY)
    reason = text(
        "trialing, metered, free, paused, unpaid, incomplete, ended, one_time, unknown_amount, no_quantity; by other "
        "policies than the default also cancel_requested, past_due, awaiting_payment"
    )
    list_mrr = mrr("What it would be worth a month before discounts, if it counted")


class MetricsByMonth(Mart):
    """One metric of one month in the reporting currency, with what it was divided from."""

    table_name = "metrics_by_month"
    month = day("First day of the month", key=True)
    metric = text("Name of the metric, as in the metric definitions", key=True)
    value = dy.Float64(nullable=True, description="The metric, for display; null where its base is zero")
    unit = text("minor_units, rate, ratio or count")
    numerator = dy.Decimal(38, 6, nullable=True, description="Exact numerator; the value itself for amounts and counts")
    denominator = dy.Decimal(38, 6, nullable=True, description="Exact denominator; null for amounts and counts")
    is_partial = flag(PARTIAL)


class Customers(Mart):
    """One customer as it stands at the as-of instant."""

    table_name = "customers"
    customer_id = text(CUSTOMER, key=True)
    name = text("Name in Stripe; null where none or deleted", nullable=True)
    email = text("E-mail in Stripe", nullable=True)
    country = text("ISO country of the billing address", nullable=True)
    currency = text("Currency the customer is billed in", nullable=True)
    created_at = instant(
        "When the customer was created; null where it was deleted before the first load", nullable=True
    )
    first_paid_on = day("First day with MRR above zero", nullable=True)
    mrr = mrr("MRR now, in the customer's currency")
    mrr_reporting = reporting_mrr("MRR now, in the reporting currency")
    lifetime_revenue_reporting = reporting_money(
        "Charges less refunds and lost disputes to date, each at its day's rate"
    )
    subscriptions = count("Subscriptions that count in MRR now")
    status = text("lead, trialing, active, past_due or churned")
    churned_on = day("Day of the last churn, while churned", nullable=True)
    risk_score = dy.Float64(
        nullable=True,
        description="Points of the score that leads in at_risk_accounts: 100 is an even chance to leave within 90 "
        "days, 10 more double the odds; null where the customer does not pay now",
    )
    is_deleted = flag("True where the customer was deleted in Stripe")


class Subscriptions(Mart):
    """One subscription as it stands at the as-of instant."""

    table_name = "subscriptions"
    subscription_id = text("Stripe subscription id", key=True)
    customer_id = text(CUSTOMER)
    status = text("Stripe's status")
    started_at = instant("When it started")
    ended_at = instant("When it ended", nullable=True)
    trial_start_at = instant("Start of its trial", nullable=True)
    trial_end_at = instant("End of its trial", nullable=True)
    mrr = mrr("MRR now")
    currency = text(CURRENCY)
    cancel_at_period_end = flag("True where it ends with the current period")
    cancel_at = instant("When it is set to end", nullable=True)
    cancellation_reason = text("Stripe's reason for the cancellation", nullable=True)
    cancellation_feedback = text("The customer's feedback", nullable=True)


class ChurnedCustomers(Mart):
    """One churn of one customer: the moment its MRR in a currency fell to zero."""

    table_name = "churned_customers"
    customer_id = text(CUSTOMER, key=True)
    subscription_id = text("The subscription whose end took the customer to zero", nullable=True)
    churned_at = instant("When", key=True)
    churned_on = day("The reporting-zone day of churned_at")
    kind = text(
        "voluntary, voluntary_in_dunning, voluntary_unknown, involuntary_payment, involuntary_dispute, contract_end, "
        "paused or administrative"
    )
    reason = text("Stripe's cancellation reason", nullable=True)
    feedback = text("Stripe's cancellation feedback", nullable=True)
    comment = text("What the customer wrote", nullable=True)
    mrr_lost = mrr("MRR lost, positive")
    currency = dy.String(primary_key=True, description=CURRENCY)
    mrr_lost_reporting = reporting_mrr("MRR lost at that day's exchange rate, positive")
    tenure_days = count("Days from the first paid day to the churn")
    returned_on = day("Day of the next reactivation", nullable=True)
    left = flag("True where the customer left over all currencies; false where it pays on in another, or soon does")
    preventable = flag("True where the policy calls the cause preventable")
    preventable_because = text(
        "That cause: expired_card, missing_card, failed_payment, canceled_in_dunning, dispute, or the feedback; null "
        "where not preventable",
        nullable=True,
    )


class ChurnReasonsByMonth(Mart):
    """Churned customers of one month by kind, reason and feedback."""

    table_name = "churn_reasons_by_month"
    month = day("First day of the month", key=True)
    kind = text("Kind of churn", key=True)
    reason = text("Stripe's cancellation reason; not_given where none", key=True)
    feedback = text("The customer's feedback; not_given where none", key=True)
    customers = count("Churned customers; who pays on in another currency is none")
    mrr_lost_reporting = reporting_mrr("MRR lost, positive")
    is_partial = flag(PARTIAL)


class PreventableChurnByMonth(Mart):
    """Churn of one month, and what of it had a cause that the policy calls preventable. Pauses and administrative ends
    are left out."""

    table_name = "preventable_churn_by_month"
    month = day("First day of the month", key=True)
    churned_customers = count("Customers who left over all currencies, each counted once")
    preventable_customers = count("Of those, customers with a preventable churn")
    preventable_customer_rate = rate("preventable_customers / churned_customers")
    mrr_lost_reporting = reporting_mrr("MRR lost, positive")
    preventable_mrr_lost_reporting = reporting_mrr("Of that, lost to preventable churn")
    preventable_mrr_rate = rate("preventable_mrr_lost_reporting / mrr_lost_reporting")
    is_partial = flag(PARTIAL)


class ScheduledChanges(Mart):
    """One change of one subscription's MRR that is set already and has still to come."""

    table_name = "scheduled_changes"
    scheduled_id = text("The subscription, or the subscription schedule that will start one", key=True)
    effective_at = instant("When it takes effect: coupons and pauses with the next renewal", key=True)
    effective_on = day("The reporting-zone day of effective_at")
    subscription_id = text("Stripe subscription id; null where it has still to start", nullable=True)
    customer_id = text(CUSTOMER)
    kind = text("cancellation, pause, resume, phase (of a schedule), discount, start or trial_end")
    is_trial = flag("True where the subscription is in trial now, so that its MRR is not sure to come")
    mrr_before = mrr("MRR of the subscription just before")
    mrr_after = mrr("MRR of the subscription from then on")
    mrr_delta = mrr("mrr_after - mrr_before")
    currency = text(CURRENCY)
    mrr_delta_reporting = reporting_mrr("The change at the exchange rate that MRR has now")


class ScheduledChurn(Mart):
    """One subscription that counts in MRR now and is known to end or to be paused."""

    table_name = "scheduled_churn"
    subscription_id = text("Stripe subscription id", key=True)
    customer_id = text(CUSTOMER)
    ends_at = instant("When it will end or be paused", key=True)
    ends_on = day("The reporting-zone day of ends_at")
    kind = text(
        "What kind of churn it will be, as known so far: voluntary, voluntary_in_dunning, involuntary_dispute, "
        "involuntary_payment, contract_end or paused"
    )
    reason = text("Stripe's cancellation reason", nullable=True)
    feedback = text("Stripe's cancellation feedback", nullable=True)
    comment = text("What the customer wrote", nullable=True)
    asked_at = instant("When the cancellation was asked for", nullable=True)
    mrr_lost = mrr("MRR of the subscription just before, positive")
    currency = text(CURRENCY)
    mrr_lost_reporting = reporting_mrr("The same at the exchange rate that MRR has now")
    leaves = flag("True where the customer then has no subscription left that counts")


class ScheduledChurnByMonth(Mart):
    """Subscriptions that are known to end or to be paused in one month to come, by kind."""

    table_name = "scheduled_churn_by_month"
    month = day("First day of the month", key=True)
    kind = text("Kind of churn it will be, as known so far", key=True)
    subscriptions = count("Subscriptions")
    leaving_customers = count("Customers who will then have none left")
    mrr_lost_reporting = reporting_mrr("MRR that will be lost, positive")


class CommittedMrr(Mart):
    """MRR as it will be so many months ahead if nothing happens but what is set already."""

    table_name = "committed_mrr"
    horizon_months = number("Months ahead", key=True)
    until = day("Last day that is looked at")
    currency = text("The reporting currency")
    mrr = reporting_mrr("MRR now: the closing of mrr_by_month_reporting")
    cancellation_mrr = reporting_mrr("Scheduled ends, negative")
    pause_mrr = reporting_mrr("Scheduled pauses, negative")
    resume_mrr = reporting_mrr("Pauses that end")
    phase_mrr = reporting_mrr("Phases of subscription schedules")
    discount_mrr = reporting_mrr("Coupons that end or begin")
    start_mrr = reporting_mrr("Subscriptions that a schedule will start")
    committed_mrr = reporting_mrr("mrr and all of these: committed MRR, without trials")
    trials_mrr = reporting_mrr("What today's trials will be worth if all of them convert")
    converted_trials = count("Of the trials that ended in the last twelve months, converted")
    decided_trials = count("Trials that ended in the last twelve months and are decided")
    expected_trials_mrr = reporting_mrr("trials_mrr x converted_trials / decided_trials; 0 without any")
    committed_with_trials_mrr = reporting_mrr("committed_mrr + expected_trials_mrr")


class KnownMrrByMonth(Mart):
    """Committed MRR at the end of one month to come: the as-of month and the eleven after it."""

    table_name = "known_mrr_by_month"
    month = day("First day of the month", key=True)
    until = day("Its last day")
    currency = text("The reporting currency")
    mrr = reporting_mrr("MRR now: the closing of mrr_by_month_reporting")
    cancellation_mrr = reporting_mrr("Scheduled ends, negative")
    pause_mrr = reporting_mrr("Scheduled pauses, negative")
    resume_mrr = reporting_mrr("Pauses that end")
    phase_mrr = reporting_mrr("Phases of subscription schedules")
    discount_mrr = reporting_mrr("Coupons that end or begin")
    start_mrr = reporting_mrr("Subscriptions that a schedule will start")
    committed_mrr = reporting_mrr("mrr and all of these: committed MRR, without trials")
    trials_mrr = reporting_mrr("What today's trials will be worth if all of them convert")
    converted_trials = count("Of the trials that ended in the last twelve months, converted")
    decided_trials = count("Trials that ended in the last twelve months and are decided")
    expected_trials_mrr = reporting_mrr("trials_mrr x converted_trials / decided_trials; 0 without any")
    committed_with_trials_mrr = reporting_mrr("committed_mrr + expected_trials_mrr: the known-future line")


FORECAST_METHOD = (
    "components, components_renewals (churn by tenure and renewal), components_trend (of what moves MRR), naive (last "
    "value), drift, recent_means (as Baremetrics) or theta"
)
IS_SHOWN = "True for the method that mrr_forecast_choice names"


class MrrForecast(Mart):
    """MRR of one month to come by one method: an estimate, made at the end of the last full month.

    No row with fewer than six full months; drift alone with fewer than twelve.
    """

    table_name = "mrr_forecast"
    method = text(FORECAST_METHOD, key=True)
    month = day("First day of the month; MRR is that of its end", key=True)
    horizon_months = number("Months ahead of the last full month, 1 to 12")
    currency = text("The reporting currency")
    p10_mrr_reporting = reporting_money("One time in ten MRR is expected to be less")
    p50_mrr_reporting = reporting_money("The forecast: as likely to be more as less")
    p90_mrr_reporting = reporting_money("One time in ten MRR is expected to be more")
    is_shown = flag(IS_SHOWN)


class MrrForecastOrigins(Mart):
    """One forecast that one method would have made at the end of a past month, and what came: the backtest's rows."""

    table_name = "mrr_forecast_origins"
    method = text(FORECAST_METHOD, key=True)
    origin_month = day("Month at whose end it would have been made; nothing later is in it", key=True)
    horizon_months = number("Months ahead: 1, 3, 6 or 12", key=True)
    month = day("Month that was forecast")
    currency = text("The reporting currency")
    p10_mrr_reporting = reporting_money("Lower end of its 80 % band")
    p50_mrr_reporting = reporting_money("The forecast")
    p90_mrr_reporting = reporting_money("Upper end of its 80 % band")
    actual_mrr_reporting = reporting_money("MRR at the end of the month, in whole minor units")
    is_shown = flag(IS_SHOWN)


class MrrForecastBacktest(Mart):
    """How one method did so many months ahead, over its forecasts at the ends of up to 36 past months."""

    table_name = "mrr_forecast_backtest"
    method = text(FORECAST_METHOD, key=True)
    horizon_months = number("Months ahead: 1, 3, 6 or 12", key=True)
    origins = count("Forecasts that were tried")
    mase = dy.Float64(
        nullable=True,
        description="Mean absolute error / mean size of a month's change before each origin; null where MRR had never "
        "changed",
        metadata={"unit": "ratio"},
    )
    mean_absolute_error_reporting = reporting_money("Mean distance of forecast and actual")
    mean_error_reporting = reporting_money("Mean of forecast less actual: above zero where it promised too much")
    mean_actual_reporting = reporting_money("Mean of what came")
    absolute_error_rate = rate("Mean absolute error / mean actual; null where that is not above zero")
    pinball_loss_reporting = reporting_money("Mean pinball loss of P10, P50 and P90: the lower the better")
    covered = count("Forecasts whose band from P10 to P90 held what came")
    coverage_rate = rate("covered / origins: 0.8 is what the band promises")
    is_shown = flag(IS_SHOWN)


class MrrForecastChoice(Mart):
    """Which method's forecast is shown for an account, and why no better one is."""

    table_name = "mrr_forecast_choice"
    full_months = count("Full months of MRR that there are")
    last_full_month = day("The last of them: where forecasts begin")
    method = text("The method with the least MASE 3 months ahead; null where there is no forecast", nullable=True)
    reason = text("Why it is drift, or none; null where a method beat drift", nullable=True)


class CashForecastByMonth(Mart):
    """Cash that is expected of the renewals of one month to come, of subscriptions that count in MRR now.

    Without tax; nobody new is in it, and nobody leaves but who is known to.
    """

    table_name = "cash_forecast_by_month"
    month = day("First day of the month of the renewal, or of payment where invoices are sent", key=True)
    collection_method = text("charge_automatically or send_invoice", key=True)
    currency = text("The reporting currency")
    renewals = count("Renewals of subscription items")
    billed_reporting = reporting_money("What they will bill, at the as-of day's exchange rate")
    next_renewals = count("Of the renewals, those that are their item's next one")
    next_billed_reporting = reporting_money("What these will bill")
    first_attempt_reporting = reporting_money(
        "billed x past_succeeded / past_attempted; null without any", nullable=True
    )
    recovered_reporting = reporting_money(
        "What fails of it x past_recovered / past_failed; 0 without any", nullable=True
    )
    expected_reporting = reporting_money("first_attempt + recovered", nullable=True)
    haircut_reporting = reporting_money("billed - expected: what fails for good", nullable=True)
    past_attempted_reporting = reporting_money("Asked for in the last twelve full months")
    past_succeeded_reporting = reporting_money("Of that, paid at the first attempt; of what was sent, paid since")
    past_failed_reporting = reporting_money("Failed in those months and settled since; 0 of what was sent")
    past_recovered_reporting = reporting_money("Of that, paid after all")
    is_partial = flag("True for the as-of month, of which only what is left is in it")


SCORE_KIND = "payment (leaving for want of payment or by dispute) or voluntary (by choice)"
POINTS = "100 is an even chance to leave within 90 days, 10 more double the odds"


class AtRiskAccounts(Mart):
    """One customer that is at risk now, or has announced its leaving: the flag that people and billing actions go by.

    Version 1 of the hand-over to billing; docs/at-risk.md says what each column promises.
    """

    table_name = "at_risk_accounts"
    customer_id = text(CUSTOMER, key=True)
    flag_id = text("Id of the flag: the same in every run while account, customer, score_kind and trigger are")
    flag_version = number("Version of this table's contract")
    score_kind = text("The score that leads: payment or voluntary; leaving where the end was announced")
    trigger = text("Feature of risk_points that raised the flag; announced where leaving")
    risk_score = number(f"Points of the score that leads: {POINTS}")
    risk_band = text("high or medium: the chance is 4 times, or 2.5 times, the mean of all who pay; high from 50% on")
    payment_score = number("Points of leaving for want of payment or by dispute")
    voluntary_score = number("Points of leaving by choice")
    payment_probability = rate("Chance to leave within 90 days for want of payment or by dispute")
    voluntary_probability = rate("Chance to leave within 90 days by choice")
    probability_30d = rate("Chance to leave within 30 days either way")
    probability_90d = rate("Chance to leave within 90 days either way")
    basis = text("Where the points are from: fitted (to the account's churns) or expert prior")
    mrr = mrr("MRR now")
    currency = text("Currency of mrr")
    mrr_at_risk_reporting = reporting_mrr("MRR now, of all currencies")
    expected_loss_reporting = reporting_money(
        "probability_90d (1 where leaving) x mrr_at_risk_reporting x the months of paying that customer_ltv gives a "
        "customer (12 where it gives none): what orders the list, band by band"
    )
    subscription_id = text("Subscription to act on: that of the invoice, else the one worth most", nullable=True)
    invoice_id = text("The open invoice that failed or is overdue, if any", nullable=True)
    next_invoice_at = instant("When the customer is billed next", nullable=True)
    reasons = texts("Points with their reason, most first, the base last; they add up to risk_score")
    recommended_action = text(
        "retry_invoice, send_invoice, send_card_update, pause_collection, resume_collection, extend_trial, "
        "retention_coupon, change_price, cancel or contact"
    )
    flagged_at = instant("Since when what raised the flag has held")
    expires_at = instant("From when on the flag must not be acted on any more")


class RiskPoints(Mart):
    """Points of one level of one feature in one score: all that a score is made of."""

    table_name = "risk_points"
    score_kind = text(SCORE_KIND, key=True)
    feature = text("What is looked at; base: what everybody has", key=True)
    level = number("Its level; for base the days within which leaving is meant", key=True)
    words = text("The level in words")
    points = number(f"Points that it adds: {POINTS}")
    basis = text("fitted (to the account's churns) or expert prior")
    customers = count("Customers at starts of past months that had it, with 90 days known after")
    churned = count("Of those, left within 90 days in the score's way")


ANY_KIND = "payment, voluntary, or any: whichever way"
WITHIN = "Days within which leaving was looked for: 30 or 90"
POPULATION = "without_leaving, or with_leaving: those who had announced their leaving at the head of the list"
RANKING = (
    "list (as at_risk_accounts, then the others by expected loss), score, past_due_first (then the largest MRR) or "
    "random"
)
FOUND = "Of those listed, left; what is expected where several are ranked alike"


class RiskBacktestByMonth(Mart):
    """What the first k of a ranking at the start of one past month came to: scores by points from what was known then.

    Months are there once the days have passed after them.
    """

    table_name = "risk_backtest_by_month"
    scored_on = day("First day of the month, at whose start customers were ranked", key=True)
    score_kind = text(ANY_KIND, key=True)
    horizon_days = number(WITHIN, key=True)
    population = text(POPULATION, key=True)
    ranking = text(RANKING, key=True)
    k = number("How many of the first are listed: 10, 25 or 50", key=True)
    customers = count("Customers who paid then")
    churned = count("Of those, left so within the days")
    listed = count("The first k, or all where there were fewer")
    found = dy.Float64(nullable=False, description=FOUND)
    mrr_lost_reporting = reporting_money("MRR of those who left, as of the date")
    mrr_found_reporting = reporting_money("Of that, of those listed; expected where several are ranked alike")


class RiskBacktest(Mart):
    """How well the first k of a ranking did, over all past months."""

    table_name = "risk_backtest"
    score_kind = text(ANY_KIND, key=True)
    horizon_days = number(WITHIN, key=True)
    population = text(POPULATION, key=True)
    ranking = text(RANKING, key=True)
    k = number("How many of the first are listed in a month: 10, 25 or 50", key=True)
    months = count("Months that were tried")
    customers = count("Customers who paid, added up over the months")
    churned = count("Of those, left so within the days")
    listed = count("Customers listed")
    found = dy.Float64(nullable=False, description=FOUND)
    base_rate = rate("churned / customers")
    precision = rate("found / listed")
    recall = rate("found / churned")
    lift = dy.Float64(nullable=True, description="precision / base_rate", metadata={"unit": "ratio"})
    mrr_lost_reporting = reporting_money("MRR of those who left, as of the dates")
    mrr_found_reporting = reporting_money("Of that, of those listed")
    mrr_recall = rate("mrr_found_reporting / mrr_lost_reporting")


class RiskQuality(Mart):
    """How well one score told apart those who left from those who stayed, over all past months and all customers."""

    table_name = "risk_quality"
    score_kind = text(ANY_KIND, key=True)
    horizon_days = number(WITHIN, key=True)
    months = count("Months that were tried")
    customers = count("Customers who paid and had not announced their leaving, added up over the months")
    churned = count("Of those, left so within the days")
    churns = count("Churns behind them: those within 30 days of the start of a month")
    base_rate = rate("churned / customers")
    roc_auc = rate("Chance that one who left was ranked before one who stayed; null without both")
    pr_auc = rate("Average precision; null where nobody left")
    brier = rate("Mean square of the chance told less what came: the lower the better")
    brier_of_base_rate = rate("The same, had everybody been given base_rate")
    is_validated = flag("False with fewer than 50 churns: the backtest proves nothing yet")
    is_calibrated = flag("True from 500 churns on: chances in at_risk_accounts are calibrated by what came")
    basis = text("Where the points were from at the dates: fitted, expert prior or both in turn")


class RiskCalibration(Mart):
    """One tenth of all customers at past months, by the chance they were given: what was told, and what came."""

    table_name = "risk_calibration"
    score_kind = text(ANY_KIND, key=True)
    horizon_days = number(WITHIN, key=True)
    tenth = number("1, the likeliest to leave, to 10; some are empty where many were given one chance", key=True)
    customers = count("Customers, added up over the months")
    churned = count("Of those, left so within the days")
    told_rate = rate("Mean chance that they were given, before calibration")
    churned_rate = rate("churned / customers")
    churned_low_rate = rate("Lower end of its 95 % interval (Wilson)")
    churned_high_rate = rate("Upper end of its 95 % interval (Wilson)")


class CancellationRequests(Mart):
    """One cancellation that was scheduled since the first load, and what came of it."""

    table_name = "cancellation_requests"
    subscription_id = text("Stripe subscription id", key=True)
    requested_at = instant("When it was asked for", key=True)
    requested_on = day("The reporting-zone day of requested_at")
    customer_id = text(CUSTOMER, nullable=True)
    outcome = text("saved (taken back), ended or scheduled")
    saved_at = instant("When we saw that it was taken back", nullable=True)
    ended_at = instant("When the subscription ended", nullable=True)
    feedback = text("Stripe's cancellation feedback", nullable=True)
    mrr = mrr("MRR of the subscription just before the request")
    currency = text(CURRENCY, nullable=True)
    mrr_reporting = reporting_mrr("The same at that day's exchange rate")


class CancellationSavesByMonth(Mart):
    """Cancellations scheduled in one month, and how many of them were taken back since."""

    table_name = "cancellation_saves_by_month"
    month = day("First day of the month of the request", key=True)
    requests = count("Cancellations that were scheduled")
    saved = count("Of those, taken back")
    scheduled = count("Of those, neither taken back nor ended yet")
    requested_mrr_reporting = reporting_mrr("MRR of the subscriptions")
    saved_mrr_reporting = reporting_mrr("Of that, of those taken back")
    save_rate = rate("saved / requests")
    save_mrr_rate = rate("saved_mrr_reporting / requested_mrr_reporting")
    is_partial = flag(PARTIAL)


class CohortRetention(Mart):
    """Customers who first paid in one month, so many months later."""

    table_name = "cohort_retention"
    cohort_month = day("Month of the first paid day", key=True)
    months_since = number("Whole months since the cohort month; 0 is the first paid day itself", key=True)
    cohort_customers = count("Customers of the cohort")
    customers = count("Of those, customers with MRR at the end of that month")
    customer_retention_rate = rate("customers / cohort_customers")
    cohort_mrr_reporting = reporting_mrr("MRR at each customer's first paid day, at that day's exchange rate")
    mrr_reporting = reporting_mrr("MRR of the cohort at the end of that month, at the rates of the first paid days")
    mrr_retention_rate = dy.Float64(
        nullable=True, description="mrr_reporting / cohort_mrr_reporting; can exceed 1", metadata={"unit": "ratio"}
    )


SEGMENT = "all, product, billing_interval, currency, country or cohort_year: what the customer began with"
SEGMENT_VALUE = "Value of the segment: all, product id, billing interval, currency, country, year; unknown where none"


class CustomerLtv(Mart):
    """Lifetime value of the customers of one segment, by the headline formula: what they bring within a horizon.

    ARPA x gross margin x the months of paying that Kaplan-Meier survival gives within the horizon. `ltv_by_method` has
    the other formulas.
    """

    table_name = "customer_ltv"
    segment = text(SEGMENT, key=True)
    segment_value = text(SEGMENT_VALUE, key=True)
    segment_name = text("Name of the product; else the value")
    customers = count("Customers who pay now")
    mrr_reporting = reporting_mrr("Their MRR now")
    arpa_reporting = reporting_mrr("mrr_reporting / customers; null without any", nullable=True)
    paid_customers = count("Customers who ever paid")
    churned_customers = count("Of those, customers whose first life has ended; pauses are no end")
    lost_customers = count("Customers lost in the last six full months, pauses apart")
    at_risk_customer_months = count("Customers at the start of each of these months, added up")
    monthly_churn_rate = rate("lost_customers / at_risk_customer_months")
    followed_months = number("Whole months for which at least ten customers were followed")
    median_months = dy.Float64(nullable=True, description="Age by which half have left; null where not reached")
    median_low_months = dy.Float64(nullable=True, description="Lower end of its 95 % interval")
    median_high_months = dy.Float64(nullable=True, description="Upper end of its 95 % interval; null where not reached")
    horizon_months = number("Months that are counted; fewer than 36 where nobody could be followed so long")
    lifetime_months = dy.Decimal(18, 6, nullable=True, description="Expected months of paying within the horizon")
    ltv_reporting = reporting_money(
        "arpa_reporting x gross margin x lifetime_months; null with a reason", nullable=True
    )
    ltv_low_reporting = reporting_money("Lower end of the 95 % interval, of survival alone", nullable=True)
    ltv_high_reporting = reporting_money("Upper end of the 95 % interval, of survival alone", nullable=True)
    break_even_cac_reporting = reporting_money(
        "ltv_reporting / 3: what winning a customer may cost by the common rule", nullable=True
    )
    gross_margin = rate("Share of MRR that is counted, by the policy")
    annual_discount_rate = rate("What a year takes off in the discounted formulas, by the policy")
    method = text("km_rmst_36, or km_rmst_followed where 36 months can't be seen yet")
    reason = text("Why ltv_reporting is null", nullable=True)


class LtvByMethod(Mart):
    """Lifetime value of the customers of one segment by one formula."""

    table_name = "ltv_by_method"
    segment = text(SEGMENT, key=True)
    segment_value = text(SEGMENT_VALUE, key=True)
    method = text("simple, discounted, km_rmst_12, _24, _36, _60 or _followed, sbg_residual or realised", key=True)
    horizon_months = number("Months that are counted; null where there is no end", nullable=True)
    customers = count("Customers that the amount is an average of")
    lifetime_months = dy.Decimal(
        18, 6, nullable=True, description="Months of paying, discounted where the formula is; null where it has none"
    )
    ltv_reporting = reporting_money("Value of a customer; null with a reason", nullable=True)
    ltv_low_reporting = reporting_money("Lower end of its 95 % interval; null where it has none", nullable=True)
    ltv_high_reporting = reporting_money("Upper end of its 95 % interval; null where it has none", nullable=True)
    reason = text("Why ltv_reporting is null", nullable=True)


class RenewalFits(Mart):
    """The shifted-beta-geometric model of renewals, fitted to one billing interval of one segment."""

    table_name = "renewal_fits"
    segment = text(SEGMENT, key=True)
    segment_value = text(SEGMENT_VALUE, key=True)
    billing_interval = text("month, year, 3 months, ...; unknown where no price says", key=True)
    recurring_interval = text("day, week, month or year", nullable=True)
    recurring_interval_count = number("How many of them a billing period lasts", nullable=True)
    customers = count("Customers who ever paid")
    churned_customers = count("Of those, customers whose first life has ended")
    renewals_seen = number("The furthest renewal that anyone came to")
    first_churn_rate = rate("Mean chance to leave at the first renewal: alpha / (alpha + beta)")
    spread = dy.Float64(nullable=True, description="1 / (alpha + beta); 0 where all customers are alike")
    alpha = dy.Float64(nullable=True, description="First parameter; null where not fitted or all are alike")
    beta = dy.Float64(nullable=True, description="Second parameter; null where not fitted or all are alike")
    log_likelihood = dy.Float64(nullable=True, description="Of the fitted model")
    discounted_periods = dy.Float64(
        nullable=True, description="Periods that a new customer will pay, discounted, the first included"
    )
    reason = text("Why it was not fitted", nullable=True)


class SurvivalByMonth(Mart):
    """Customers of one segment in one month of their tenure: who is still there, who left and how."""

    table_name = "survival_by_month"
    segment = text(SEGMENT, key=True)
    segment_value = text(SEGMENT_VALUE, key=True)
    tenure_month = number("Month of tenure, ending so many months after the first paid day; 0 is that day", key=True)
    at_risk = count("Customers who could have been seen to leave some day of it; 0 beyond what was seen")
    entered = count("Of those, customers who came under observation in it: all of month 0; later, backdated or resumed")
    churned = count("Customers who left for good in it")
    churned_voluntary = count("Of those, by their own choice")
    churned_involuntary = count("Of those, for want of payment or by dispute")
    churned_other = count("Of those, at the end of a contract or for administrative reasons")
    last_seen = count("Customers who were not followed beyond it: still there, or paused")
    survival = rate("Kaplan-Meier share of customers still there at its end; null beyond what was seen")
    survival_low = rate("Lower end of its 95 % log-log interval; null where survival is 1 or 0")
    survival_high = rate("Upper end of its 95 % log-log interval; null where survival is 1 or 0")
    survival_projected = rate("What the renewal model expects; null where it could not be fitted")
    hazard = rate("Share of those there before it who left in it")
    hazard_voluntary = rate("Of the hazard, by their own choice")
    hazard_involuntary = rate("Of the hazard, for want of payment or by dispute")
    hazard_other = rate("Of the hazard, the rest")
    incidence_voluntary = rate("Share of all who have left by their own choice so far (Aalen-Johansen)")
    incidence_involuntary = rate("Share of all who have left for want of payment or by dispute so far")
    incidence_other = rate("Share of all who have left otherwise so far")


class CustomerValueByAge(Mart):
    """Cash that customers who first paid in one month have brought so many months later: realised lifetime value."""

    table_name = "customer_value_by_age"
    cohort_month = day("Month of the first paid day", key=True)
    months_since = number("Whole months since the cohort month; 0 is that month", key=True)
    cohort_customers = count("Customers of the cohort")
    net_cash_reporting = reporting_money("Charges less refunds, disputes and fees to the end of that month")
    net_cash_per_customer_reporting = reporting_money("net_cash_reporting / cohort_customers")


class Refunds(Mart):
    """One refund."""

    table_name = "refunds"
    refund_id = text("Stripe refund id", key=True)
    charge_id = text("Charge that was refunded", nullable=True)
    customer_id = text(CUSTOMER, nullable=True)
    amount = money("Refunded amount")
    currency = text(CURRENCY)
    amount_reporting = reporting_money("Refunded amount at the refund day's rate; null without a rate", nullable=True)
    status = text("pending, requires_action, succeeded, failed or canceled", nullable=True)
    reason = text("duplicate, fraudulent, requested_by_customer or expired_uncaptured_charge", nullable=True)
    created_at = instant("When it was refunded")
    refunded_on = day("The reporting-zone day of created_at")
    charge_created_at = instant("When the charge was made", nullable=True)
    days_to_refund = count("Whole days from charge to refund", nullable=True)


class RefundRatesByMonth(Mart):
    """Refunds against charges of one month, on one of two bases, in one currency."""

    table_name = "refund_rates_by_month"
    month = day("First day of the month", key=True)
    basis = text("charge_month (refunds of the month's charges) or refund_month (refunds made in the month)", key=True)
    currency = dy.String(primary_key=True, description=CURRENCY)
    charges = count("Succeeded charges of the month")
    charge_amount = money("Their captured amount")
    refunds = count("Charges refunded, each counted once")
    refund_amount = money("Refunded amount")
    pending_amount = money("Of that, still pending")
    charge_amount_reporting = reporting_money("Captured amount, each charge at its day's rate")
    refund_amount_reporting = reporting_money("Refunded amount, each refund at its day's rate")
    refund_count_rate = rate("refunds / charges")
    refund_volume_rate = rate("refund_amount / charge_amount")
    is_partial = flag(PARTIAL)


class Disputes(Mart):
    """One dispute."""

    table_name = "disputes"
    dispute_id = text("Stripe dispute id", key=True)
    charge_id = text("Charge that is disputed", nullable=True)
    customer_id = text(CUSTOMER, nullable=True)
    amount = money("Disputed amount")
    currency = text(CURRENCY)
    amount_reporting = reporting_money("Disputed amount at the dispute day's rate; null without a rate", nullable=True)
    network = text("Card network", nullable=True)
    payment_method_type = text("Type of the payment method of the charge", nullable=True)
    reason = text("Stripe's reason", nullable=True)
    status = text("Stripe's status", nullable=True)
    outcome = text("won, lost, open, inquiry or prevented")
    created_at = instant("When it was opened")
    disputed_on = day("The reporting-zone day of created_at")
    evidence_due_at = instant("When evidence is due", nullable=True)


class DisputeRatesByMonth(Mart):
    """Disputes received against successful card payments of one month on one card network: dispute activity."""

    table_name = "dispute_rates_by_month"
    month = day("First day of the month", key=True)
    network = text("Card network", key=True)
    charges = count("Successful card payments of the month")
    disputes = count("Disputes received in the month; inquiries that never escalated are not counted")
    dispute_rate = rate("disputes / charges")
    won = count("Of those disputes, won")
    lost = count("Of those disputes, lost")
    inquiries = count("Inquiries received in the month that did not escalate; not in disputes")
    prevented = count("Disputes prevented before they were filed; not in disputes")
    win_rate = rate("won / (won + lost)")
    is_partial = flag(PARTIAL)


class DisputeMonitoringByMonth(Mart):
    """One month on one card network against one monitoring programme that held then, by the programme's own count."""

    table_name = "dispute_monitoring_by_month"
    month = day("First day of the month", key=True)
    network = text("Card network", key=True)
    programme = text("Visa VAMP, Mastercard ECM or HECM, or Stripe's advice", key=True)
    disputes = count("Disputes received in the month; inquiries that never escalated are not counted")
    fraud_reports = count("Early fraud warnings received in the month")
    counted = count("What the programme counts: disputes, by Visa with fraud reports")
    payments = count("Captured card payments that they are divided by")
    payments_month = day("First day of the month of those payments: by Mastercard the month before")
    dispute_ratio = rate("counted / payments")
    limit_rate = rate("Ratio from which the programme applies")
    limit_count = count("Count from which it applies; both must be reached")
    headroom = count("How many more the month can bear before both are reached; null without payments", nullable=True)
    level = text("ok, early_warning (both from three quarters of theirs on), above (both reached) or no_payments")
    limit_valid_from = day("Since when the limit holds")
    source = text("Where the limit is published")
    is_partial = flag(PARTIAL)


class PaymentFailures(Mart):
    """One invoice whose payment failed at least once."""

    table_name = "payment_failures"
    invoice_id = text("Stripe invoice id", key=True)
    customer_id = text(CUSTOMER, nullable=True)
    subscription_id = text("Subscription that was billed", nullable=True)
    failed_amount = money("Amount due at the first failure, before what was credited of it since")
    amount_due = money("Amount due now, paid or not")
    currency = text(CURRENCY)
    failed_amount_reporting = reporting_money(
        "Amount that failed, at its day's rate; null without a rate", nullable=True
    )
    amount_due_reporting = reporting_money("Amount due at the first failure's rate; null without a rate", nullable=True)
    first_failed_at = instant("First failed attempt")
    last_failed_at = instant("Last failed attempt")
    failed_on = day("The reporting-zone day of first_failed_at")
    attempts = count("Attempts made, the successful one included")
    failed_attempts = count("Of those, failed")
    decline_code = text("Decline code of the first failure", nullable=True)
    outcome = text("recovered, open or lost")
    recovered_at = instant("When it was paid after all", nullable=True)
    days_to_recover = count("Whole days from first failure to payment", nullable=True)
    decline_class = text("Of the first failure: soft, hard, authentication or unknown")
    card_brand = text("Brand of the card of the first failure", nullable=True)
    stage = text("recovered, retrying, open, canceled_by_customer, canceled, unpaid, uncollectible or void")
    recovery_channel = text(
        "What it was recovered through: automatic_retry, card_updated, paid_by_hand, out_of_band or without_payment; "
        "null where it was not",
        nullable=True,
    )
    next_attempt_at = instant("When it is tried next, while it is retried", nullable=True)


class RecoveryByMonth(Mart):
    """Failed invoices by the month of their first failure, and what was recovered of them by any means since."""

    table_name = "recovery_by_month"
    month = day("First day of the month of first failure", key=True)
    failed_invoices = count("Invoices that failed at least once")
    failed_amount_reporting = reporting_money("Their amount due at the first failure")
    recovered_invoices = count("Of those, paid since")
    recovered_amount_reporting = reporting_money("Amount recovered")
    open_invoices = count("Of the failed ones, neither paid nor lost yet")
    open_amount_reporting = reporting_money("Their amount due")
    recovery_rate = rate("recovered_amount_reporting / failed_amount_reporting")
    is_partial = flag(PARTIAL)


class RecoveryByDimension(Mart):
    """Failed invoices of one month of first failure with one value in one dimension, and what was recovered of them.

    The rows of a dimension add up to recovery_by_month, but those of `attempt`: an invoice is in each that it came to.
    """

    table_name = "recovery_by_dimension"
    month = day("First day of the month of first failure", key=True)
    dimension = text(
        "decline_code, decline_class and card_brand of the first failure, failed_attempts, days_to_recover, "
        "recovery_channel, stage, or attempt (the second and later ones)",
        key=True,
    )
    value = text("Its value; unknown where not known, not_recovered where nothing was", key=True)
    failed_invoices = count("Invoices that failed at least once; of attempt, that came to it after a failure")
    failed_amount_reporting = reporting_money("Their amount due at the first failure")
    recovered_invoices = count("Of those, paid since; of attempt, with it")
    recovered_amount_reporting = reporting_money("Amount recovered")
    recovered_28d_invoices = count("Of those, within 28 days of the first failure")
    recovered_28d_amount_reporting = reporting_money("Amount recovered within 28 days")
    recovered_60d_invoices = count("Of those, within 60 days")
    recovered_60d_amount_reporting = reporting_money("Amount recovered within 60 days")
    recovery_rate = rate("recovered_amount_reporting / failed_amount_reporting")
    recovery_count_rate = rate("recovered_invoices / failed_invoices")
    is_partial = flag(PARTIAL)
    is_mature_28d = flag("True where every failure of the month has had 28 days")
    is_mature_60d = flag("True where every failure of the month has had 60 days")


class DunningNow(Mart):
    """One subscription with a failed invoice that is neither paid nor lost."""

    table_name = "dunning_now"
    subscription_id = text("Stripe subscription id", key=True)
    customer_id = text(CUSTOMER, nullable=True)
    status = text("Stripe's status of the subscription", nullable=True)
    failed_invoices = count("Its failed invoices that are open")
    amount_due_reporting = reporting_money("Their amount due, at the first failure's rate")
    first_failed_at = instant("First failed attempt")
    days_in_dunning = count("Days since")
    failed_attempts = count("Failed attempts on them")
    decline_code = text("Decline code of the first failure of the latest of them", nullable=True)
    decline_class = text("soft, hard, authentication or unknown")
    next_attempt_at = instant("When one of them is tried next; null where none will be", nullable=True)
    mrr = mrr("MRR of the subscription now")
    currency = text(CURRENCY, nullable=True)
    mrr_reporting = reporting_mrr("MRR of the subscription now, in the reporting currency")


class OpenInvoicesByAge(Mart):
    """Invoices that are open at the as-of instant, of one age, one currency and one way of collection."""

    table_name = "open_invoices_by_age"
    collection_method = text("charge_automatically or send_invoice", key=True)
    currency = dy.String(primary_key=True, description=CURRENCY)
    bucket = text("Days overdue: current, 1-30, 31-60, 61-90 or 91+", key=True)
    invoices = count("Open invoices")
    amount = money("What is left to pay of them")
    amount_reporting = reporting_money("The same at the as-of day's rate")
    oldest_due_on = day("Due date of the oldest; of finalisation, where charged automatically")


class DaysSalesOutstandingByMonth(Mart):
    """Invoices that were sent, by the month of their finalisation, and what was open of all of them at its end."""

    table_name = "days_sales_outstanding_by_month"
    month = day("First day of the month", key=True)
    invoices = count("Sent invoices finalised in the month")
    billed_reporting = reporting_money("Their amount due, each at its day's rate")
    paid_invoices = count("Of those, paid since")
    paid_late_invoices = count("Of those, paid after the due date")
    paid_reporting = reporting_money("Amount due of those paid")
    days_to_pay = number("Days from finalisation to payment, added up over those paid")
    open_reporting = reporting_money("Of all sent invoices so far, what was open at the month's end")
    billed_3m_reporting = reporting_money("Billed in the month and the two before")
    days_3m = number("Days of those months, as far as they have passed")
    days_sales_outstanding = dy.Float64(nullable=True, description="open_reporting / billed_3m_reporting x days_3m")
    mean_days_to_pay = dy.Float64(nullable=True, description="days_to_pay / paid_invoices")
    is_partial = flag(PARTIAL)


class Trials(Mart):
    """One trial of one subscription."""

    table_name = "trials"
    customer_id = text(CUSTOMER)
    subscription_id = text("Stripe subscription id", key=True)
    started_at = instant("Start of the trial")
    ends_at = instant("End of the trial, planned or past")
    outcome = text("converted, canceled or open")
    converted_at = instant("When it converted: trial end, where a non-zero invoice was paid", nullable=True)
    ending = text(
        "How it ended: converted, canceled_in_trial, no_payment_method, payment_failed, running or awaiting_payment"
    )
    first_paid_at = instant("When the first invoice after it was paid", nullable=True)


class CashByDay(Mart):
    """Money in and out of the Stripe balance on one day in one settlement currency, from balance transactions alone."""

    table_name = "cash_by_day"
    date = day("Day", key=True)
    currency = dy.String(primary_key=True, description="Settlement currency")
    charges = money("Payments received, gross")
    refunds = money("Refunds, negative")
    disputes = money("Disputed amounts withdrawn less those given back")
    fees = money("Stripe's fees, negative")
    adjustments = money("Everything else that is no payout")
    net = money("charges + refunds + disputes + fees + adjustments")
    payouts = money("Paid out to the bank, negative; payouts that came back are positive")
    closing_balance = money("Balance at the end of the day: all net and payouts so far")


class BalanceReconciliation(Mart):
    """The Stripe balance of one month in one settlement currency, rolled forward and held against payouts."""

    table_name = "balance_reconciliation"
    month = day("First day of the month", key=True)
    currency = dy.String(primary_key=True, description="Settlement currency")
    opening_balance = money("Balance at the start of the month")
    activity = money("Net of everything that is no payout")
    payouts = money("Paid out, negative, from the payout objects themselves")
    closing_balance = money("Balance at the end of the month from every balance transaction")
    difference = money("closing - (opening + activity + payouts); zero when the books agree")
    is_partial = flag(PARTIAL)


class PayoutReconciliation(Mart):
    """One payout, and what the balance transactions come to that it carried: a line of the bank statement, itemised."""

    table_name = "payout_reconciliation"
    payout_id = text("Stripe payout id", key=True)
    created_on = day("Day it was made")
    arrives_on = day("Day it arrives at the bank, as Stripe states it (UTC); null where unstated", nullable=True)
    currency = text("Settlement currency")
    status = text("pending, in_transit, paid, failed or canceled", nullable=True)
    method = text("standard or instant", nullable=True)
    is_automatic = flag("True where Stripe's schedule made it: of others Stripe never says what they carried")
    amount = money("Sent to the bank, positive; negative where taken from it")
    transactions = count("Balance transactions that it carried; null where they are not known", nullable=True)
    charges = money("Of them payments, gross", nullable=True)
    refunds = money("Of them refunds, negative", nullable=True)
    disputes = money("Of them disputes, negative; won ones positive", nullable=True)
    fees = money("Stripe's fees, negative", nullable=True)
    adjustments = money("Everything else", nullable=True)
    returned = money("Earlier payouts that came back and were sent again", nullable=True)
    carried = money("Sum of the columns before it", nullable=True)
    difference = money("amount - carried: zero where the payout is its transactions", nullable=True)
    outcome = text(
        "reconciled, differs, settling (Stripe has not said yet), not_read, or not_itemised (made by hand or at once)"
    )


class RevenueRecognitionByMonth(Mart):
    """Billed, earned and deferred revenue of one month in one currency, without tax.

    A management estimate: lines are earned evenly by the second over the period they are for.
    """

    table_name = "revenue_recognition_by_month"
    month = day("First day of the month", key=True)
    currency = dy.String(primary_key=True, description=CURRENCY)
    billed = money("invoiced + credited + written_off")
    recognized = money("earned + contra_revenue + bad_debt: net revenue of the month")
    deferred_opening = money("Billed and not yet earned when the month began; negative where earned and not yet billed")
    deferred_closing = money("deferred_opening + billed - recognized")
    invoiced = money("Lines of invoices finalised in the month, after discounts")
    credited = money("Credit notes, refunds, disputes and voids of the month, negative; what was won back, positive")
    written_off = money("Unpaid invoices given up in the month, negative; those paid after all, positive")
    earned = money("What passed of the periods billed, less what passed of periods taken back since")
    contra_revenue = money("Of credited, what had been earned before")
    bad_debt = money("Of written_off, what had been earned before")
    is_partial = flag(PARTIAL)


class DeferredRevenue(Mart):
    """What was billed in one month and is earned in another: the deferred revenue waterfall, future months included."""

    table_name = "deferred_revenue"
    billed_month = day("First day of the month of billing", key=True)
    recognition_month = day("First day of the month of earning; it may be in the future", key=True)
    currency = dy.String(primary_key=True, description=CURRENCY)
    recognized = money("Earned by the as-of instant")
    unbilled = money("Of recognized, what waits for its invoice")
    deferred = money("Billed, and still to be earned in that month")


class DataChecks(Mart):
    """One check of the data, made at each build."""

    table_name = "data_checks"
    check_name = text("Name of the check", key=True)
    table_name_ = dy.String(alias="table_name", primary_key=True, description="Table it looks at")
    passed = flag("True where nothing was found, or what was found is only a note")
    failing_rows = count("Rows found")
    severity = text(
        "blocking: figures cannot be trusted; warning: something needs a look; note: unusual, and treated by a rule"
    )
    checked_at = instant("As-of instant of the build")
    detail = text("What was found, for a person", nullable=True)


class BillingActions(Mart):
    """One billing action: planned, held out, approved, done or not, with what it would move and what came of it."""

    table_name = "billing_actions"
    action_id = text("Id of the action: of its account, mode, flag and rule", key=True)
    kind = text("Which action, such as retry_invoice")
    rule = text(
        "The rule that made it of a flag; by-hand where a person proposed it, direct where one ordered it at once"
    )
    flag_id = text("The flag that led to it, of at_risk_accounts; made up where a person proposed it")
    score_kind = text("The score that raised the flag", nullable=True)
    customer_id = text(CUSTOMER)
    subject_id = text("What is acted on: an invoice, a subscription, a customer or a dispute")
    arm = text("treatment; holdout where it is left alone to compare with; none where a person proposed it")
    state = text(
        "proposed, approved, revoked, rejected, intended, acted, done, failed, skipped, expired, undone, unclear or "
        "held_out"
    )
    effect = text("What it would do, in words")
    reasons = texts("Why, as its flag says")
    amount = money("What it would collect, pay back or bill; null where no money moves at once", nullable=True)
    cost = money("What it would give away or give up", nullable=True)
    currency = text(CURRENCY, nullable=True)
    amount_reporting = reporting_money("amount at the rate of planned_on", nullable=True)
    cost_reporting = reporting_money("cost at the rate of planned_on", nullable=True)
    mrr_at_risk_reporting = reporting_mrr("MRR at risk when it was planned", nullable=True)
    expected_loss_reporting = reporting_money("Expected loss when it was planned", nullable=True)
    planned_at = instant("When it was proposed, last")
    planned_on = day("The reporting-zone day of planned_at")
    expires_at = instant("From when on it is not done any more")
    approved_by = text("Login of who approved it, where the approval stands", nullable=True)
    approved_at = instant("When it was approved", nullable=True)
    intended_at = instant("When it was written down as about to be sent", nullable=True)
    acted_at = instant("When Stripe answered that it is done", nullable=True)
    settled_at = instant("When its outcome was settled", nullable=True)
    outcome = text("Why it stands where it stands: Stripe's code or the engine's own", nullable=True)
    request_id = text("Stripe's id of the request that did it", nullable=True)


class ActionResultsByMonth(Mart):
    """One month of plans of one kind of action by one measure: customers acted on against customers held out.

    A customer counts once a month, by its first action, in the arm it was drawn into, whatever became of the action.
    """

    table_name = "action_results_by_month"
    month = day("Month of the plans", key=True)
    kind = text("Which action, such as retry_invoice", key=True)
    measure = text("recovered: the invoice was paid within 30 days; kept: the customer has MRR after 90", key=True)
    open = count("Customers whose 30 or 90 days are not over; they are in no other column")
    treated = count("Customers planned for and not held out")
    acted = count("Of treated, those whose action was done")
    treated_successes = count("Of treated, those recovered or kept")
    held_out = count("Customers held out")
    held_out_successes = count("Of held_out, those recovered or kept")
    treated_base_reporting = reporting_money("What treated owed (recovered), or their MRR at the plan (kept)")
    treated_value_reporting = reporting_money("Of that base, what was paid or kept, whoever brought it about")
    held_out_base_reporting = reporting_money("The same of held_out")
    held_out_value_reporting = reporting_money("The same of held_out")
    difference = rate("treated_successes / treated - held_out_successes / held_out, -1..1; null without a holdout")
    difference_low = rate("Low end of its 95% interval (Newcombe 1998, method 10)")
    difference_high = rate("High end of its 95% interval")
    effect_reporting = reporting_money("difference x treated_base_reporting: what the actions brought", nullable=True)
    effect_low_reporting = reporting_money("difference_low x treated_base_reporting", nullable=True)
    effect_high_reporting = reporting_money("difference_high x treated_base_reporting", nullable=True)
    is_partial = flag(PARTIAL)


class PipelineRuns(Mart):
    """One run of the pipeline."""

    table_name = "pipeline_runs"
    run_id = text("Id of the run", key=True)
    command = text("What ran: run, sync, build, demo, ...")
    started_at = instant("Start")
    ended_at = instant("End", nullable=True)
    status = text("running, done, failed or checks_failed")
    objects_read = count("Objects read from Stripe")
    requests_made = count("Requests made to Stripe")
    rows_written = count("New object versions written")
    detail = text("Skipped streams and other remarks", nullable=True)


class Publication(Mart):
    """What this file is: one account's figures, as of when and by which rules."""

    table_name = "publication"
    published_at = instant("When the file was made")
    as_of = instant("Instant of the figures; what happened later is not looked at")
    read_at = instant("When Stripe was last read to the end", nullable=True)
    currency = text("Reporting currency, lower case")
    timezone = text("Zone of days and months")
    policy = text("Name of the metric policy")
    policy_hash = text("Hash of its rules")
    policy_rules = text("Its rules as JSON; the hash is the beginning of their SHA-256")
    livemode = flag("True where the account is read in live mode; null where that is not known", nullable=True)
    checks_failed = count("Blocking data checks that failed")
    banner = text("What a reader must know before trusting the figures; null where nothing", nullable=True)


TABLES: tuple[type[Mart], ...] = (
    MrrChanges,
    MrrMovements,
    CustomerChanges,
    MrrByDay,
    MrrByMonth,
    MrrByMonthReporting,
    MrrByMonthSlice,
    MrrByPolicy,
    MrrExclusions,
    MetricsByMonth,
    Customers,
    Subscriptions,
    ChurnedCustomers,
    ChurnReasonsByMonth,
    PreventableChurnByMonth,
    ScheduledChanges,
    ScheduledChurn,
    ScheduledChurnByMonth,
    CommittedMrr,
    KnownMrrByMonth,
    MrrForecastChoice,
    MrrForecast,
    MrrForecastBacktest,
    MrrForecastOrigins,
    AtRiskAccounts,
    RiskPoints,
    RiskBacktest,
    RiskBacktestByMonth,
    RiskQuality,
    RiskCalibration,
    CancellationRequests,
    CancellationSavesByMonth,
    CohortRetention,
    CustomerLtv,
    LtvByMethod,
    RenewalFits,
    SurvivalByMonth,
    CustomerValueByAge,
    Refunds,
    RefundRatesByMonth,
    Disputes,
    DisputeRatesByMonth,
    DisputeMonitoringByMonth,
    PaymentFailures,
    RecoveryByMonth,
    RecoveryByDimension,
    DunningNow,
    OpenInvoicesByAge,
    DaysSalesOutstandingByMonth,
    CashForecastByMonth,
    Trials,
    CashByDay,
    BalanceReconciliation,
    PayoutReconciliation,
    RevenueRecognitionByMonth,
    DeferredRevenue,
    ExchangeRates,
    BillingActions,
    ActionResultsByMonth,
    DataChecks,
    PipelineRuns,
)
"""Every table that is built, in the order they are built and documented; publishing adds `Publication`."""
