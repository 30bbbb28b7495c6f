"""Failed invoice payments, what became of them, and how much of the failed money came in after all.

An attempt is a charge made for an invoice, found through the invoice's payments. An authorisation that was not
captured is no failure, nor is a payment still pending. Recovered means paid by any means: a retry, another card, a bank
transfer.
"""

import polars as pl

from models.periods import day_of, is_partial, month_of
from models.reporting import in_reporting
from models.shares import share
from models.terms import Terms

LOST_INVOICE = ("void", "uncollectible")
LOST_SUBSCRIPTION = ("canceled", "unpaid", "incomplete_expired")
FINAL_FAILURE = ("final_payment_failure", "first_payment_failure")
INVOICE = ("account_id", "invoice_id")


def payment_failures(
    invoices: pl.LazyFrame,
    attempts: pl.LazyFrame,
    subscriptions: pl.LazyFrame,
    rates: pl.LazyFrame,
    terms: Terms,
) -> pl.LazyFrame:
    """`marts.payment_failures`: every invoice with a failed attempt to the as-of instant. `attempts` is of
    `payment_attempts`, the others are staged.

    recovered: paid since. lost: voided, written off, or its subscription ended or went unpaid. open: neither yet.
    """
    tries = (
        at_failed_invoices(attempts)
        .group_by(INVOICE)
        .agg(
            attempts=pl.len().cast(pl.Int64),
            failed_attempts=_failed().sum().cast(pl.Int64),
            first_failed_at=pl.col("attempted_at").filter(_failed()).min(),
            last_failed_at=pl.col("attempted_at").filter(_failed()).max(),
            decline_code=pl.col("decline_code").sort_by(~_failed(), "attempted_at", "charge_id").first(),
        )
    )
    subscription = subscriptions.select(
        "account_id",
        "ended_at",
        "paused_type",
        subscription_id="id",
        subscription_status="status",
    )
    failed = (
        invoices.drop_nulls(["amount_due", "currency"])
        .with_columns(invoice_id=pl.col("id"))
        .join(tries, on=INVOICE, how="inner")
        .join(subscription, on=["account_id", "subscription_id"], how="left")
        .with_columns(failed_on=day_of("first_failed_at", terms), outcome=_outcome(terms))
        .with_columns(recovered_at=pl.when(pl.col("outcome") == "recovered").then("paid_at"))
        .with_columns(days_to_recover=(pl.col("recovered_at") - pl.col("first_failed_at")).dt.total_days())
    )
    return (
        in_reporting(failed, rates, amount="amount_due", on="failed_on")
        .select(
            *INVOICE,
            "customer_id",
            "subscription_id",
            "amount_due",
            "currency",
            "amount_due_reporting",
            "first_failed_at",
            "last_failed_at",
            "failed_on",
            "attempts",
            "failed_attempts",
            "decline_code",
            "outcome",
            "recovered_at",
            "days_to_recover",
        )
        .sort(INVOICE)
    )


def recovery_by_month(payment_failures: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """`marts.recovery_by_month`: `payment_failures` is the mart. Recovered amounts keep the first failure's rate."""
    recovered = pl.col("outcome") == "recovered"
    still_open = pl.col("outcome") == "open"
    return (
        payment_failures.group_by("account_id", month_of("failed_on").alias("month"))
        .agg(
            failed_invoices=pl.len().cast(pl.Int64),
            failed_amount_reporting=pl.col("amount_due_reporting").sum(),
            recovered_invoices=recovered.sum().cast(pl.Int64),
            recovered_amount_reporting=pl.col("amount_due_reporting").filter(recovered).sum(),
            open_invoices=still_open.sum().cast(pl.Int64),
            open_amount_reporting=pl.col("amount_due_reporting").filter(still_open).sum(),
        )
        .with_columns(
            recovery_rate=share("recovered_amount_reporting", "failed_amount_reporting"),
            is_partial=is_partial("month", terms),
        )
        .sort("account_id", "month")
    )


def first_attempts_by_month(
    invoices: pl.LazyFrame,
    attempts: pl.LazyFrame,
    subscriptions: pl.LazyFrame,
    rates: pl.LazyFrame,
    terms: Terms,
) -> pl.LazyFrame:
    """`first_attempts` by month: account_id, month, attempted_amount_reporting and, of that,
    first_failed_amount_reporting."""
    return (
        first_attempts(invoices, attempts, subscriptions, rates, terms)
        .group_by("account_id", month_of("attempted_on").alias("month"))
        .agg(
            attempted_amount_reporting=pl.col("amount_due_reporting").sum(),
            first_failed_amount_reporting=pl.col("amount_due_reporting").filter("failed").sum(),
        )
    )


def first_attempts(
    invoices: pl.LazyFrame,
    attempts: pl.LazyFrame,
    subscriptions: pl.LazyFrame,
    rates: pl.LazyFrame,
    terms: Terms,
) -> pl.LazyFrame:
    """Subscription invoices with the day of their first attempt, its charge and whether it failed: account_id,
    customer_id, subscription_id, invoice_id, charge_id, attempted_on, failed, currency, amount_due and
    amount_due_reporting. The first invoice after a trial is left out: its failure says the trial did not convert.
    https://docs.stripe.com/billing/revenue-recovery/recovery-analytics"""
    first = attempts.group_by(INVOICE).agg(
        pl.col("attempted_at").min(),
        failed=_failed().sort_by("attempted_at", "charge_id").first(),
        charge_id=pl.col("charge_id").sort_by("attempted_at", "charge_id").first(),
    )
    billed = (
        invoices.with_columns(invoice_id=pl.col("id"))
        .filter(pl.col("subscription_id").is_not_null(), pl.col("amount_due") > 0)
        .join(first_after_trial(invoices, subscriptions), on=INVOICE, how="anti")
        .join(first, on=INVOICE, how="inner")
        .with_columns(attempted_on=day_of("attempted_at", terms))
    )
    return in_reporting(billed, rates, amount="amount_due", on="attempted_on").select(
        "account_id",
        "customer_id",
        "subscription_id",
        "invoice_id",
        "charge_id",
        "attempted_on",
        "failed",
        "currency",
        "amount_due",
        "amount_due_reporting",
    )


def payment_attempts(invoice_payments: pl.LazyFrame, charges: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """Charges for invoices to the as-of instant: account_id, invoice_id, charge_id, status, attempted_at, decline_code.

    An invoice's payment names a payment intent, whose charges are the attempts, or a charge itself.
    """
    made = charges.filter(pl.col("created_at") <= terms.as_of).select(
        "account_id",
        "payment_intent_id",
        "status",
        charge_id="id",
        attempted_at="created_at",
        decline_code=pl.coalesce("outcome_reason", "failure_code"),
    )
    for_invoice = invoice_payments.select(*INVOICE, "payment_intent_id", "charge_id")
    by_intent = for_invoice.drop("charge_id").join(made, on=["account_id", "payment_intent_id"], how="inner")
    by_charge = for_invoice.drop("payment_intent_id").join(made, on=["account_id", "charge_id"], how="inner")
    columns = [*INVOICE, "charge_id", "status", "attempted_at", "decline_code"]
    return (
        pl.concat([by_intent.select(columns), by_charge.select(columns)])
        .filter(pl.col("status").is_in(["succeeded", "failed"]))
        .unique(["account_id", "invoice_id", "charge_id"])
    )


def at_failed_invoices(attempts: pl.LazyFrame) -> pl.LazyFrame:
    """The attempts of `payment_attempts` at invoices at which any failed: a few of them."""
    return attempts.join(attempts.filter(_failed()).select(INVOICE).unique(), on=INVOICE, how="semi")


def first_after_trial(invoices: pl.LazyFrame, subscriptions: pl.LazyFrame) -> pl.LazyFrame:
    """The first invoice that asked for money once a trial was over, a subscription: account_id, subscription_id,
    invoice_id, trial_end_at."""
    trials = subscriptions.filter(pl.col("trial_end_at").is_not_null()).select(
        "account_id", "trial_end_at", subscription_id="id"
    )
    return (
        invoices.filter(pl.col("total") > 0)
        .join(trials, on=["account_id", "subscription_id"], how="inner")
        .filter(pl.col("created_at") >= pl.col("trial_end_at"))
        .group_by("account_id", "subscription_id")
        .agg(pl.col("id").sort_by("created_at", "id").first().alias("invoice_id"), pl.col("trial_end_at").first())
    )


def _failed() -> pl.Expr:
    return pl.col("status") == "failed"


def _outcome(terms: Terms) -> pl.Expr:
    paid = (pl.col("status") == "paid") & (pl.col("paid_at").is_null() | (pl.col("paid_at") <= terms.as_of))
    subscription_gone = pl.col("subscription_status").is_in(LOST_SUBSCRIPTION) | pl.col("paused_type").is_in(
        FINAL_FAILURE
    )
    lost = pl.col("status").is_in(LOST_INVOICE) | subscription_gone
    return (
        pl.when(paid)
        .then(pl.lit("recovered"))
        .when(lost.fill_null(False))
        .then(pl.lit("lost"))
        .otherwise(pl.lit("open"))
    )
