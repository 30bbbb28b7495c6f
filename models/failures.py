"""Failed invoice payments, what became of them, and how much of the failed money came in after all.

An attempt is a charge made for an invoice, found through the invoice's payments. An authorisation that was not
captured is no failure, nor is a payment still pending. Recovered means paid by any means: a retry, another card, a bank
transfer.
"""

import polars as pl

from models.crediting import owed_less
from models.periods import day_of, is_partial, month_of
from models.reporting import in_reporting
from models.shares import share
from models.terms import Terms

ENDED = ("canceled", "incomplete_expired")
FINAL_FAILURE = ("final_payment_failure", "first_payment_failure")
INVOICE = ("account_id", "invoice_id")


def payment_failures(
    invoices: pl.LazyFrame,
    credit_notes: pl.LazyFrame,
    attempts: pl.LazyFrame,
    subscriptions: pl.LazyFrame,
    rates: pl.LazyFrame,
    terms: Terms,
) -> pl.LazyFrame:
    """`marts.payment_failures`: every invoice with a failed attempt to the as-of instant. `attempts` is of
    `payment_attempts`, the others are staged.

    recovered: paid since. lost: voided, credited in full, written off, or its subscription ended or went unpaid. open:
    neither yet. What failed is what was asked for then; what was recovered is what is asked for after credit notes.
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
        "paused_at",
        subscription_id="id",
        subscription_status="status",
    )
    failed = (
        invoices.drop_nulls(["amount_due", "currency"])
        .with_columns(invoice_id=pl.col("id"))
        .join(tries, on=INVOICE, how="inner")
        .pipe(_asked_at, "first_failed_at", credit_notes, into="failed_amount")
        .join(subscription, on=["account_id", "subscription_id"], how="left")
        .with_columns(failed_on=day_of("first_failed_at", terms), outcome=_outcome(terms))
        .with_columns(recovered_at=pl.when(pl.col("outcome") == "recovered").then("paid_at"))
        .with_columns(days_to_recover=(pl.col("recovered_at") - pl.col("first_failed_at")).dt.total_days())
    )
    valued = in_reporting(failed, rates, amount="failed_amount", on="failed_on")
    return (
        in_reporting(valued, rates, amount="amount_due", on="failed_on")
        .select(
            *INVOICE,
            "customer_id",
            "subscription_id",
            "failed_amount",
            "amount_due",
            "currency",
            "failed_amount_reporting",
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
            failed_amount_reporting=pl.col("failed_amount_reporting").sum(),
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
    credit_notes: pl.LazyFrame,
    attempts: pl.LazyFrame,
    subscriptions: pl.LazyFrame,
    rates: pl.LazyFrame,
    terms: Terms,
) -> pl.LazyFrame:
    """`first_attempts` by month: account_id, month, attempted_amount_reporting and, of that,
    first_failed_amount_reporting."""
    return (
        first_attempts(invoices, credit_notes, attempts, subscriptions, rates, terms)
        .group_by("account_id", month_of("attempted_on").alias("month"))
        .agg(
            attempted_amount_reporting=pl.col("attempted_amount_reporting").sum(),
            first_failed_amount_reporting=pl.col("attempted_amount_reporting").filter("failed").sum(),
        )
    )


def first_attempts(
    invoices: pl.LazyFrame,
    credit_notes: pl.LazyFrame,
    attempts: pl.LazyFrame,
    subscriptions: pl.LazyFrame,
    rates: pl.LazyFrame,
    terms: Terms,
) -> pl.LazyFrame:
    """Subscription invoices with the day of their first attempt, its charge and whether it failed: account_id,
    customer_id, subscription_id, invoice_id, charge_id, attempted_on, failed, currency, attempted_amount (what was
    asked for then) and attempted_amount_reporting. The first invoice after a trial is left out: its failure says the
    trial did not convert.
    https://docs.stripe.com/billing/revenue-recovery/recovery-analytics"""
    first = attempts.group_by(INVOICE).agg(
        pl.col("attempted_at").min(),
        failed=_failed().sort_by("attempted_at", "charge_id").first(),
        charge_id=pl.col("charge_id").sort_by("attempted_at", "charge_id").first(),
    )
    billed = (
        invoices.with_columns(invoice_id=pl.col("id"))
        .filter(pl.col("subscription_id").is_not_null())
        .join(first_after_trial(invoices, subscriptions), on=INVOICE, how="anti")
        .join(first, on=INVOICE, how="inner")
        .pipe(_asked_at, "attempted_at", credit_notes, into="attempted_amount")
        .filter(pl.col("attempted_amount") > 0)
        .with_columns(attempted_on=day_of("attempted_at", terms))
    )
    return in_reporting(billed, rates, amount="attempted_amount", on="attempted_on").select(
        "account_id",
        "customer_id",
        "subscription_id",
        "invoice_id",
        "charge_id",
        "attempted_on",
        "failed",
        "currency",
        "attempted_amount",
        "attempted_amount_reporting",
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


def _asked_at(invoices: pl.LazyFrame, moment: str, credit_notes: pl.LazyFrame, into: str) -> pl.LazyFrame:
    """The invoices with what each asked for at a moment: what it asks for now, and what was credited of that since."""
    less = owed_less(credit_notes, invoices.select(*INVOICE, at=moment))
    credited = pl.col("pre_payment_credit_notes_amount").fill_null(0)
    since = (credited - pl.col("less").fill_null(0)).clip(0)
    return invoices.join(less, on=INVOICE, how="left").with_columns((pl.col("amount_due") + since).alias(into))


def by_then(moment: str, terms: Terms) -> pl.Expr:
    """Whether something had happened by the as-of instant that has by now; where its moment is not known, it had."""
    return pl.col(moment).is_null() | (pl.col(moment) <= terms.as_of)


def is_void(status: str, terms: Terms) -> pl.Expr:
    """Whether nothing of the invoice of a row was owed any more at the as-of instant though it was not paid: voided, or
    credited in full, which Stripe calls paid. `status` is the column of what it is now."""
    is_credited = (pl.col(status) == "paid") & (pl.col("amount_due") == 0) & by_then("paid_at", terms)
    return ((pl.col(status) == "void") & by_then("voided_at", terms)) | is_credited.fill_null(False)


def is_given_up(status: str, terms: Terms) -> pl.Expr:
    """Whether it had been marked uncollectible by then, though it may have been voided or paid since."""
    is_now = (pl.col(status) == "uncollectible") & pl.col("marked_uncollectible_at").is_null()
    return is_now | (pl.col("marked_uncollectible_at") <= terms.as_of).fill_null(False)


def has_ended(terms: Terms) -> pl.Expr:
    """Whether the subscription of a row had ended by then."""
    return pl.col("subscription_status").is_in(ENDED) & by_then("ended_at", terms)


def is_unpaid(terms: Terms) -> pl.Expr:
    """Whether its payment had failed for good by then. Stripe dates a pause, but not when a status became `unpaid`."""
    is_paused = pl.col("paused_type").is_in(FINAL_FAILURE) & by_then("paused_at", terms)
    return (pl.col("subscription_status") == "unpaid") | is_paused.fill_null(False)


def _failed() -> pl.Expr:
    return pl.col("status") == "failed"


def _outcome(terms: Terms) -> pl.Expr:
    paid = (pl.col("status") == "paid") & (pl.col("amount_due") > 0) & by_then("paid_at", terms)
    invoice_lost = is_void("status", terms) | is_given_up("status", terms)
    return (
        pl.when(paid)
        .then(pl.lit("recovered"))
        .when((invoice_lost | has_ended(terms) | is_unpaid(terms)).fill_null(False))
        .then(pl.lit("lost"))
        .otherwise(pl.lit("open"))
    )
