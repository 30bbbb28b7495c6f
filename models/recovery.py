"""How failed payments were won back: by what the bank said, on what card, at which attempt, how soon and through what.

Every failed invoice has one value in each dimension, so that each dimension's rows add up to all of them. What an
attempt and a failure are is models/failures.py's business.
"""

from datetime import timedelta

import polars as pl

from models import failures
from models.failures import INVOICE
from models.mrr import published
from models.periods import is_partial, month_of
from models.plans import collected
from models.reporting import in_reporting
from models.shares import share
from models.stock import stock_now
from models.terms import Terms

HARD = (
    "incorrect_number",
    "lost_card",
    "pickup_card",
    "stolen_card",
    "revocation_of_authorization",
    "revocation_of_all_authorizations",
    "highest_risk_level",
    "transaction_not_allowed",
)
"""Decline codes that Stripe does not retry without another payment method; `authentication_required`, the ninth, is of
a class of its own. https://docs.stripe.com/billing/revenue-recovery/smart-retries#non-retryable-decline-codes"""

AUTHENTICATION = ("authentication_required", "authentication_not_handled", "card_not_authenticated")
"""Codes that ask the customer to authenticate the payment."""

NEVER_AGAIN = "do_not_try_again"
"""The issuer's advice that makes any other decline a hard one."""

UNKNOWN = "unknown"
NOT_RECOVERED = "not_recovered"
WINDOWS = (28, 60)
"""Days after the first failure within which recovery is counted as well."""

AGES = ((1, "0-1"), (3, "2-3"), (7, "4-7"), (14, "8-14"), (28, "15-28"), (60, "29-60"))
"""Days to recover: at most so many, and what the rows of the dimension are called; else `61+`."""

DIMENSIONS = (
    "decline_code",
    "decline_class",
    "card_brand",
    "failed_attempts",
    "days_to_recover",
    "recovery_channel",
    "stage",
)
"""What `recovery_by_dimension` breaks down by, each with one value an invoice; `attempt` alone has several."""

ATTEMPT = "attempt"
MEASURES = (
    "failed_invoices",
    "failed_amount_reporting",
    "recovered_invoices",
    "recovered_amount_reporting",
    *(f"recovered_{days}d_{what}" for days in WINDOWS for what in ("invoices", "amount_reporting")),
)
"""What is counted and summed of the invoices of a row."""


def payment_failures(
    invoices: pl.LazyFrame,
    credit_notes: pl.LazyFrame,
    attempts: pl.LazyFrame,
    subscriptions: pl.LazyFrame,
    rates: pl.LazyFrame,
    charges: pl.LazyFrame,
    invoice_payments: pl.LazyFrame,
    terms: Terms,
) -> pl.LazyFrame:
    """`marts.payment_failures`: that of models/failures.py, with what the first failure was and how it ended.

    `attempts` is of `failures.payment_attempts`, the others are staged.
    """
    attempts = failures.at_failed_invoices(attempts).pipe(collected).lazy()
    told = failures.payment_failures(invoices, credit_notes, attempts, subscriptions, rates, terms)
    invoice = invoices.select(
        "account_id",
        "attempt_count",
        "next_payment_attempt_at",
        "paid_at",
        "voided_at",
        "marked_uncollectible_at",
        invoice_id="id",
        invoice_status="status",
    )
    subscription = subscriptions.select(
        "account_id",
        "ended_at",
        "paused_type",
        "paused_at",
        "cancellation_reason",
        subscription_id="id",
        subscription_status="status",
    )
    return (
        told.join(_first_and_last(attempts, charges), on=INVOICE, how="left")
        .join(invoice, on=INVOICE, how="left")
        .join(subscription, on=["account_id", "subscription_id"], how="left")
        .join(_elsewhere(invoice_payments), on=INVOICE, how="left")
        .with_columns(stage=_stage(terms), decline_class=_decline_class())
        .with_columns(
            recovery_channel=pl.when(pl.col("outcome") == "recovered").then(_channel()),
            next_attempt_at=pl.when(pl.col("stage") == "retrying").then("next_payment_attempt_at"),
        )
        .select(
            *told.collect_schema().names(),
            "decline_class",
            "card_brand",
            "stage",
            "recovery_channel",
            "next_attempt_at",
        )
        .sort(INVOICE)
    )


def split_failures(payment_failures: pl.LazyFrame, attempts: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """Failures by month, dimension and value, counted and summed: account_id, month, dimension, value and `MEASURES`.

    `payment_failures` is the mart, `attempts` of `failures.payment_attempts`.
    """
    is_recovered = pl.col("outcome") == "recovered"
    failed = payment_failures.with_columns(month=month_of("failed_on"), is_recovered=is_recovered).with_columns(
        pl.col("decline_code", "card_brand").fill_null(UNKNOWN),
        pl.col("failed_attempts").cast(pl.String),
        pl.col("recovery_channel").fill_null(NOT_RECOVERED),
        waited=pl.col("recovered_at") - pl.col("first_failed_at"),
        days_to_recover=_age(),
    )
    measures = ("account_id", "month", "failed_amount_reporting", "amount_due_reporting", "is_recovered", "waited")
    of_one = [
        failed.select(*measures, dimension=pl.lit(dimension), value=pl.col(dimension)) for dimension in DIMENSIONS
    ]
    return (
        pl.concat([*of_one, _by_attempt(failed, attempts).select(*measures, "dimension", "value")])
        .group_by("account_id", "month", "dimension", "value")
        .agg(*_measures())
    )


def recovery_by_dimension(split_failures: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """`marts.recovery_by_dimension`: `split_failures` is of the function of that name.

    A row's windows are mature once every failure of the month has had so many days.
    """
    last_day = pl.col("month").dt.month_end()
    return (
        split_failures.group_by("account_id", "month", "dimension", "value")
        .agg(pl.col(MEASURES).sum())
        .with_columns(
            recovery_rate=share("recovered_amount_reporting", "failed_amount_reporting"),
            recovery_count_rate=share("recovered_invoices", "failed_invoices"),
            is_partial=is_partial("month", terms),
            **{f"is_mature_{days}d": last_day.dt.offset_by(f"{days}d") < pl.lit(terms.as_of_day) for days in WINDOWS},
        )
        .sort("account_id", "month", "dimension", "value")
    )


def in_dunning(
    payment_failures: pl.LazyFrame,
    subscriptions: pl.LazyFrame,
    changes: pl.LazyFrame,
    mrr_rates: pl.LazyFrame,
    terms: Terms,
) -> pl.LazyFrame:
    """Subscriptions with a failed invoice that is neither paid nor lost, with what they count in MRR now: the columns
    of `marts.dunning_now`, but for `failed_on`, since when, in place of `days_in_dunning`.

    `payment_failures` is the mart, `subscriptions` staged, the others the spine's.
    """
    owed = payment_failures.filter(pl.col("outcome") == "open", pl.col("subscription_id").is_not_null())
    stock = stock_now(changes).with_columns(valued_on=pl.coalesce("valued_on", pl.lit(terms.as_of_day)))
    worth = (
        in_reporting(stock, mrr_rates, amount="micros", on="valued_on")
        .group_by("account_id", "subscription_id")
        .agg(pl.col("micros", "micros_reporting").sum())
    )
    status = subscriptions.select("account_id", "status", "currency", subscription_id="id")
    return (
        owed.group_by("account_id", "subscription_id")
        .agg(
            pl.col("customer_id").first(),
            failed_invoices=pl.len().cast(pl.Int64),
            amount_due_reporting=pl.col("amount_due_reporting").sum(),
            first_failed_at=pl.col("first_failed_at").min(),
            failed_on=pl.col("failed_on").min(),
            failed_attempts=pl.col("failed_attempts").sum(),
            decline_code=pl.col("decline_code").sort_by("first_failed_at", "invoice_id").last(),
            decline_class=pl.col("decline_class").sort_by("first_failed_at", "invoice_id").last(),
            next_attempt_at=pl.col("next_attempt_at").min(),
        )
        .join(worth, on=["account_id", "subscription_id"], how="left")
        .join(status, on=["account_id", "subscription_id"], how="left")
        .select(
            "account_id",
            "subscription_id",
            "customer_id",
            "status",
            "failed_invoices",
            "amount_due_reporting",
            "first_failed_at",
            "failed_on",
            "failed_attempts",
            "decline_code",
            "decline_class",
            "next_attempt_at",
            published(pl.col("micros").fill_null(0)).alias("mrr"),
            pl.col("currency").str.to_lowercase(),
            published(pl.col("micros_reporting").fill_null(0)).alias("mrr_reporting"),
        )
        .sort("account_id", "subscription_id")
    )


def dunning_now(in_dunning: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """`marts.dunning_now`: `in_dunning` is of the function of that name."""
    days = (pl.lit(terms.as_of_day) - pl.col("failed_on")).dt.total_days()
    return in_dunning.with_columns(days_in_dunning=days).drop("failed_on")


def _first_and_last(attempts: pl.LazyFrame, charges: pl.LazyFrame) -> pl.LazyFrame:
    """Of each invoice: brand and advice of the first failure, the cards of the last failure and of the payment."""
    card = charges.select(
        "account_id",
        "card_brand",
        "outcome_advice_code",
        charge_id="id",
        card=pl.struct("payment_method_id", "card_exp_month", "card_exp_year"),
    )
    failed = pl.col("status") == "failed"
    return (
        attempts.join(card, on=["account_id", "charge_id"], how="left")
        .sort("attempted_at", "charge_id")
        .group_by(INVOICE)
        .agg(
            card_brand=pl.col("card_brand").filter(failed).first(),
            advice=pl.col("outcome_advice_code").filter(failed).first(),
            failed_card=pl.col("card").filter(failed).last(),
            paid_card=pl.col("card").filter(~failed).last(),
            payments=(~failed).sum(),
        )
    )


def _elsewhere(invoice_payments: pl.LazyFrame) -> pl.LazyFrame:
    """Invoices that a payment outside Stripe paid."""
    outside = invoice_payments.filter(pl.col("payment_record_id").is_not_null(), pl.col("status") == "paid")
    return outside.select(*INVOICE, is_paid_elsewhere=pl.lit(True)).unique()


def _decline_class() -> pl.Expr:
    code = pl.col("decline_code")
    return (
        pl.when(code.is_in(AUTHENTICATION))
        .then(pl.lit("authentication"))
        .when(code.is_in(HARD) | pl.col("advice").eq_missing(NEVER_AGAIN))
        .then(pl.lit("hard"))
        .when(code.is_null())
        .then(pl.lit(UNKNOWN))
        .otherwise(pl.lit("soft"))
    )


def _stage(terms: Terms) -> pl.Expr:
    """Where a failed invoice stands in the dunning funnel: the first that holds."""
    ended = failures.has_ended(terms)
    stages = {
        "recovered": pl.col("outcome") == "recovered",
        "canceled_by_customer": ended & (pl.col("cancellation_reason") == "cancellation_requested"),
        "canceled": ended,
        "unpaid": failures.is_unpaid(terms),
        "void": failures.is_void("invoice_status", terms),
        "uncollectible": failures.is_given_up("invoice_status", terms),
        "retrying": pl.col("next_payment_attempt_at").is_not_null(),
    }
    known = [pl.when(holds.fill_null(False)).then(pl.lit(stage)) for stage, holds in stages.items()]
    return pl.coalesce(*known, pl.lit("open"))


def _channel() -> pl.Expr:
    """Through what a recovered invoice was paid: the first that holds.

    After the first attempt Stripe counts automatic ones alone, so an attempt more than it counts was the customer's
    own, as on the hosted page, or the account's by hand.
    """
    paid_by_hand = pl.col("attempts") > pl.col("attempt_count")
    other_card = pl.col("paid_card").ne_missing(pl.col("failed_card"))
    return (
        pl.when((pl.col("payments") == 0) & pl.col("is_paid_elsewhere").fill_null(False))
        .then(pl.lit("out_of_band"))
        .when(pl.col("payments") == 0)
        .then(pl.lit("without_payment"))
        .when(paid_by_hand.fill_null(False))
        .then(pl.lit("paid_by_hand"))
        .when(other_card)
        .then(pl.lit("card_updated"))
        .otherwise(pl.lit("automatic_retry"))
    )


def _age() -> pl.Expr:
    days, age = pl.col("days_to_recover"), pl.lit("61+")
    for most, label in reversed(AGES):
        age = pl.when(days <= most).then(pl.lit(label)).otherwise(age)
    return pl.when(days.is_null()).then(pl.lit(NOT_RECOVERED)).otherwise(age)


def _by_attempt(failed: pl.LazyFrame, attempts: pl.LazyFrame) -> pl.LazyFrame:
    """Each failed invoice once for every attempt after its first failure; recovered where that attempt succeeded."""
    number = pl.int_range(1, pl.len() + 1).over(INVOICE, order_by=["attempted_at", "charge_id"])
    tries = (
        failures.at_failed_invoices(attempts)
        .with_columns(number=number)
        .select(*INVOICE, "number", "attempted_at", succeeded=pl.col("status") == "succeeded")
    )
    return (
        failed.join(tries, on=INVOICE)
        .filter(pl.col("attempted_at") > pl.col("first_failed_at"))
        .with_columns(
            dimension=pl.lit(ATTEMPT),
            value=pl.col("number").cast(pl.String),
            is_recovered=pl.col("succeeded") & pl.col("is_recovered"),
        )
    )


def _measures() -> list[pl.Expr]:
    amount, is_recovered = pl.col("amount_due_reporting"), pl.col("is_recovered")
    told = [
        pl.len().cast(pl.Int64).alias("failed_invoices"),
        pl.col("failed_amount_reporting").sum(),
        is_recovered.sum().cast(pl.Int64).alias("recovered_invoices"),
        amount.filter(is_recovered).sum().alias("recovered_amount_reporting"),
    ]
    for days in WINDOWS:
        in_time = is_recovered & (pl.col("waited") <= timedelta(days=days))
        told += [
            in_time.sum().cast(pl.Int64).alias(f"recovered_{days}d_invoices"),
            amount.filter(in_time).sum().alias(f"recovered_{days}d_amount_reporting"),
        ]
    return told
