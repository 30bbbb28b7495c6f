"""When a customer's payments were in trouble: failed and overdue invoices, cards that expire, disputes, refunds.

Told by what Stripe keeps with its date: attempts, due and settling dates, the expiry that a card had when charged. What
only shows how things stand now is not looked at.
"""

from datetime import timedelta

import polars as pl

from models.failures import INVOICE
from models.movements import CUSTOMER
from models.outlook import SUBSCRIPTION
from models.plans import collected
from models.preventable import EXPIRED_CODES
from models.recovery import AUTHENTICATION, HARD
from models.risk.windows import month_closes, on_day, windows
from models.terms import Terms

PAST_FAILURES = timedelta(days=180)
RECENT = timedelta(days=90)
EXPIRES_SOON = timedelta(days=60)
LONG_OVERDUE = timedelta(days=30)
MOST_ATTEMPTS = 3


def payment_windows(
    invoices: pl.LazyFrame,
    attempts: pl.LazyFrame,
    charges: pl.LazyFrame,
    payment_methods: pl.LazyFrame,
    disputes: pl.LazyFrame,
    refunds: pl.LazyFrame,
    subscriptions: pl.LazyFrame,
    terms: Terms,
) -> pl.LazyFrame:
    """Windows (of models/risk/windows.py) of failing and overdue invoices, cards, disputes and refunds.

    `attempts` is of `failures.payment_attempts`, the others are staged.
    """
    failed = attempts.filter(pl.col("status") == "failed")
    owed = _owed(invoices, failed, subscriptions).pipe(collected).lazy()
    tries = _failed_tries(owed, failed).pipe(collected).lazy()
    return pl.concat(
        [
            _failing(tries),
            _declined(tries),
            _past_failures(tries, terms),
            _overdue(owed, terms),
            _expiring_cards(charges, payment_methods, terms),
            _of_charges(disputes, charges, "dispute", terms),
            _of_charges(refunds.filter(pl.col("status").ne_missing("failed")), charges, "refund", terms),
        ]
    ).filter(pl.col("from_at") <= month_closes(terms))


def _owed(invoices: pl.LazyFrame, failed: pl.LazyFrame, subscriptions: pl.LazyFrame) -> pl.LazyFrame:
    """Invoices that failed or were sent, with when they stopped to endanger their subscription: paid, voided or given
    up, or a later one of the subscription paid, or the subscription ended."""
    issued = invoices.filter(pl.col("status") != "draft", pl.col("customer_id").is_not_null()).select(
        *CUSTOMER,
        "subscription_id",
        "created_at",
        "due_at",
        "finalized_at",
        "paid_at",
        "voided_at",
        "marked_uncollectible_at",
        invoice_id="id",
        is_sent=pl.col("collection_method").eq_missing("send_invoice"),
    )
    doubtful = pl.concat(
        [issued.filter("is_sent"), issued.filter(~pl.col("is_sent")).join(failed, on=INVOICE, how="semi")]
    )
    later_paid_at = pl.col("paid_at").cum_min(reverse=True).backward_fill().over(SUBSCRIPTION, order_by="created_at")
    paid_later = issued.join(doubtful.select(SUBSCRIPTION).unique(), on=SUBSCRIPTION, how="semi").select(
        "account_id", "invoice_id", later_paid_at=later_paid_at
    )
    ends = subscriptions.select("account_id", "ended_at", subscription_id="id")
    settled = ("paid_at", "voided_at", "marked_uncollectible_at", "later_paid_at", "ended_at")
    return (
        doubtful.join(paid_later, on=INVOICE, how="left")
        .join(ends, on=SUBSCRIPTION, how="left")
        .with_columns(settled_at=pl.min_horizontal(settled), was_paid=pl.col("paid_at").is_not_null())
    )


def _failed_tries(owed: pl.LazyFrame, failed: pl.LazyFrame) -> pl.LazyFrame:
    """Failed attempts, numbered within their invoice."""
    return (
        failed.join(owed, on=INVOICE, how="inner")
        .sort(*INVOICE, "attempted_at", "charge_id")
        .with_columns(
            no=pl.int_range(1, pl.len() + 1).over(INVOICE),
            next_at=pl.col("attempted_at").shift(-1).over(INVOICE),
        )
    )


def _failing(tries: pl.LazyFrame) -> pl.LazyFrame:
    return windows(
        tries,
        "failed_attempts",
        pl.col("no").clip(upper_bound=MOST_ATTEMPTS),
        pl.col("attempted_at"),
        pl.col("settled_at"),
        pl.col("attempted_at"),
        pl.col("invoice_id"),
    )


def _declined(tries: pl.LazyFrame) -> pl.LazyFrame:
    code = pl.col("decline_code")
    level = (
        pl.when(code.is_in(HARD))
        .then(3)
        .when(code.is_in(EXPIRED_CODES))
        .then(2)
        .when(code.is_in(AUTHENTICATION))
        .then(1)
    )
    until = pl.min_horizontal("settled_at", "next_at")
    at = pl.col("attempted_at")
    return windows(tries, "decline", level, at, until, at, pl.col("invoice_id"), code)


def _past_failures(tries: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """An invoice that failed counts as a past failure from when it was paid after all."""
    first = tries.filter(pl.col("no") == 1, "was_paid")
    settled = pl.col("settled_at")
    until = on_day(pl.col("attempted_at") + PAST_FAILURES, terms)
    return windows(first, "past_failures", 1, settled, until, settled, pl.col("invoice_id"))


def _overdue(owed: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    late = owed.filter("is_sent", pl.col("settled_at").is_null() | (pl.col("settled_at") > pl.col("due_at")))
    due, settled, known = pl.col("due_at"), pl.col("settled_at"), pl.col("finalized_at")
    long = on_day(due + LONG_OVERDUE, terms)
    return pl.concat(
        [
            windows(late, "overdue", 1, due, settled, known, pl.col("invoice_id")),
            windows(late, "overdue", 2, long, settled, known, pl.col("invoice_id")),
        ]
    )


def _expiring_cards(charges: pl.LazyFrame, payment_methods: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """The card last charged, as it was then, until another charge or another card of the customer's tells more.

    A card is good to the end of its month.
    """
    expires_at = pl.date(pl.col("card_exp_year"), pl.col("card_exp_month"), 1).dt.offset_by("1mo")
    charged = (
        charges.filter(pl.col("customer_id").is_not_null())
        .select(
            *CUSTOMER,
            "created_at",
            "payment_method_id",
            expires_at=expires_at.cast(pl.Datetime("us")).dt.replace_time_zone("UTC"),
            detail=pl.format("{}/{}", pl.col("card_exp_month"), pl.col("card_exp_year") % 100),
        )
        .sort("created_at")
        .with_columns(next_at=pl.col("created_at").shift(-1).over(CUSTOMER))
        .drop_nulls("expires_at")
        .filter(pl.col("next_at").is_null() | (pl.col("expires_at") - EXPIRES_SOON < pl.col("next_at")))
    )
    cards = payment_methods.filter(pl.col("customer_id").is_not_null()).select(*CUSTOMER, added_at="created_at")
    newer = (
        charged.select(*CUSTOMER, "created_at")
        .join(cards, on=CUSTOMER)
        .filter(pl.col("added_at") > pl.col("created_at"))
        .group_by(*CUSTOMER, "created_at")
        .agg(pl.col("added_at").min())
    )
    seen = charged.join(newer, on=[*CUSTOMER, "created_at"], how="left").with_columns(
        until_at=pl.min_horizontal("next_at", "added_at")
    )
    at, expiry, until = pl.col("created_at"), on_day(pl.col("expires_at"), terms), pl.col("until_at")
    card, detail = pl.format("{} {}", "payment_method_id", "detail"), pl.col("detail")
    soon = pl.max_horizontal(at, on_day(expiry - EXPIRES_SOON, terms))
    return pl.concat(
        [
            windows(seen, "card_expiry", 1, soon, until, at, card, detail),
            windows(seen, "card_expiry", 2, pl.max_horizontal(at, expiry), until, at, card, detail),
        ]
    )


def _of_charges(events: pl.LazyFrame, charges: pl.LazyFrame, feature: str, terms: Terms) -> pl.LazyFrame:
    """What happened to a customer's charges lately."""
    whose = charges.select(*CUSTOMER, charge_id="id")
    told = events.select("account_id", "charge_id", "created_at", event_id="id").join(
        whose, on=["account_id", "charge_id"]
    )
    at = pl.col("created_at")
    return windows(told, feature, 1, at, on_day(at + RECENT, terms), at, pl.col("event_id"))
