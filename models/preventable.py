"""Churn that might have been prevented: by a card that was kept up to date, a payment that was won back, another price.

Which causes count as preventable is a rule of the policy, `preventable_causes`. Knows payments and what was said; not
how a churn came to its kind.
"""

from datetime import timedelta

import polars as pl

from models.periods import day_of, is_partial, month_of
from models.policy import MetricPolicy
from models.shares import share
from models.terms import Terms

LOOKED_BACK = timedelta(days=35)
"""A card that was refused so long before a churn may be its cause."""

EXPIRED_CODES = ("expired_card", "invalid_expiry_month", "invalid_expiry_year")
"""Decline codes that say a card had expired. https://docs.stripe.com/declines/codes"""

APART = ("paused", "administrative")
"""Kinds of churn that no share counts: a pause is no loss for good, nobody chose an administrative end."""

SUBSCRIPTION = ("account_id", "subscription_id")

_for_want_of_payment = pl.col("kind") == "involuntary_payment"

CAUSES: tuple[tuple[str, pl.Expr], ...] = (
    ("expired_card", _for_want_of_payment & (pl.col("card") == "expired")),
    ("missing_card", _for_want_of_payment & (pl.col("card") == "missing")),
    ("failed_payment", _for_want_of_payment),
    ("canceled_in_dunning", pl.col("kind") == "voluntary_in_dunning"),
    ("dispute", pl.col("kind") == "involuntary_dispute"),
    *(
        (feedback, pl.col("feedback") == feedback)
        for feedback in (
            "too_expensive",
            "missing_features",
            "low_quality",
            "customer_service",
            "too_complex",
            "switched_service",
            "unused",
            "other",
        )
    ),
)
"""Causes that a policy may call preventable, and when a churn has them: the first that it names and that holds. The
last ones are what Stripe lets customers choose from as feedback."""


def refused_cards(
    invoices: pl.LazyFrame,
    invoice_payments: pl.LazyFrame,
    attempts: pl.LazyFrame,
    charges: pl.LazyFrame,
    payment_intents: pl.LazyFrame,
    payment_methods: pl.LazyFrame,
    terms: Terms,
) -> pl.LazyFrame:
    """How it stood with the card each time an invoice of a subscription could not be collected: account_id,
    subscription_id, refused_at, card (`expired`, `missing`, `refused`).

    `attempts` is of `failures.payment_attempts`, the others are staged. A charge tells the expiry that its card had
    then. An invoice that was tried without a charge had no card to be charged: its payment intent names none.
    """
    owed = invoices.filter(pl.col("subscription_id").is_not_null()).select(*SUBSCRIPTION, invoice_id="id")
    return pl.concat(
        [
            _declined(attempts, charges, terms).join(owed, on=["account_id", "invoice_id"]).select(_REFUSED),
            _tried_without_a_charge(invoices, invoice_payments, attempts, payment_intents, payment_methods, terms),
        ]
    )


def last_refusals(churned: pl.LazyFrame, refused: pl.LazyFrame) -> pl.LazyFrame:
    """The card at the last refusal before each churn: account_id, subscription_id, churned_at, card.

    `churned` has these columns without the last, `refused` is of `refused_cards`. At one instant, what says most.
    """
    return (
        churned.select(*SUBSCRIPTION, "churned_at")
        .unique()
        .join(refused, on=SUBSCRIPTION)
        .filter(pl.col("refused_at").is_between(pl.col("churned_at") - LOOKED_BACK, pl.col("churned_at")))
        .group_by(*SUBSCRIPTION, "churned_at")
        .agg(pl.col("card").sort_by("refused_at", "card", descending=[True, False]).first())
    )


def because(policy: MetricPolicy) -> pl.Expr:
    """The cause for which a churn (kind, feedback, card) is preventable under a policy; null where it is not."""
    cause = pl.lit(None, pl.String)
    for name, holds in reversed(CAUSES):
        if name in policy.preventable_causes:
            cause = pl.when(holds).then(pl.lit(name)).otherwise(cause)
    return cause


def preventable_churn_by_month(churned_customers: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """`marts.preventable_churn_by_month`: `churned_customers` is the mart. Pauses and administrative ends are left out.

    A customer who left twice in a month counts once, and as preventable where one of the churns was; of whoever pays on
    in another currency what was lost counts alone.
    """
    could_be, left = pl.col("preventable"), pl.col("left")
    customer, lost = pl.col("customer_id"), pl.col("mrr_lost_reporting")
    return (
        churned_customers.filter(~pl.col("kind").is_in(APART))
        .group_by("account_id", month_of("churned_on").alias("month"))
        .agg(
            churned_customers=customer.filter(left).n_unique().cast(pl.Int64),
            preventable_customers=customer.filter(left & could_be).n_unique().cast(pl.Int64),
            mrr_lost_reporting=lost.sum().cast(pl.Decimal(18, 6)),
            preventable_mrr_lost_reporting=lost.filter(could_be).sum().cast(pl.Decimal(18, 6)),
        )
        .with_columns(
            preventable_customer_rate=share("preventable_customers", "churned_customers"),
            preventable_mrr_rate=share("preventable_mrr_lost_reporting", "mrr_lost_reporting"),
            is_partial=is_partial("month", terms),
        )
        .sort("account_id", "month")
    )


_REFUSED = (*SUBSCRIPTION, "refused_at", "card")


def _declined(attempts: pl.LazyFrame, charges: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    card = charges.select("account_id", "card_exp_month", "card_exp_year", charge_id="id")
    had_expired = pl.col("decline_code").is_in(EXPIRED_CODES) | _expired_by("attempted_at", terms)
    return (
        attempts.filter(pl.col("status") == "failed")
        .join(card, on=["account_id", "charge_id"], how="left")
        .with_columns(
            refused_at="attempted_at",
            card=pl.when(had_expired).then(pl.lit("expired")).otherwise(pl.lit("refused")),
        )
    )


def _tried_without_a_charge(
    invoices: pl.LazyFrame,
    invoice_payments: pl.LazyFrame,
    attempts: pl.LazyFrame,
    payment_intents: pl.LazyFrame,
    payment_methods: pl.LazyFrame,
    terms: Terms,
) -> pl.LazyFrame:
    method = payment_methods.select("account_id", "card_exp_month", "card_exp_year", payment_method_id="id")
    intent = payment_intents.select("account_id", "payment_method_id", payment_intent_id="id").join(
        method, on=["account_id", "payment_method_id"], how="left"
    )
    is_charged = pl.col("collection_method").ne_missing("send_invoice")
    tried = invoices.filter(pl.col("attempt_count") > 0, pl.col("amount_due") > 0, is_charged)
    return (
        tried.select(*SUBSCRIPTION, invoice_id="id", refused_at=pl.coalesce("finalized_at", "created_at"))
        .drop_nulls(["subscription_id", "refused_at"])
        .join(attempts, on=["account_id", "invoice_id"], how="anti")
        .join(invoice_payments.select("account_id", "invoice_id", "payment_intent_id"), on=["account_id", "invoice_id"])
        .join(intent, on=["account_id", "payment_intent_id"])
        .with_columns(
            card=pl.when(pl.col("payment_method_id").is_null())
            .then(pl.lit("missing"))
            .when(_expired_by("refused_at", terms))
            .then(pl.lit("expired"))
            .otherwise(pl.lit("refused"))
        )
        .select(_REFUSED)
    )


def _expired_by(moment: str, terms: Terms) -> pl.Expr:
    """Whether a card that is good to the end of its month was not any more; false where its month is not known."""
    month = pl.date(pl.col("card_exp_year"), pl.col("card_exp_month"), 1)
    return (day_of(moment, terms) > month.dt.month_end()).fill_null(False)
