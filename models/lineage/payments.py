"""Rows behind payment rates: charges, refunds, disputes, failed invoices."""

from collections.abc import Mapping

import polars as pl

from models.disputes import RECEIVED, card_payments, on_cards
from models.failures import first_attempts
from models.lineage.source import EXACT, MONEY, NUMBER, Frame, Make, Source, counted, source
from models.movements import CUSTOMER
from models.periods import month_of
from models.refunds import returned, succeeded_charges
from models.terms import Terms

_ATTEMPTS = "staging.invoices staging.credit_notes steps.attempts staging.subscriptions spine.rates"


def _charged(charges: Frame, rates: Frame, terms: Terms) -> Frame:
    return _charges(succeeded_charges(charges, rates, terms), terms)


def _refunded(basis: str) -> Make:
    def rows(refunds: Frame, terms: Terms) -> Frame:
        return (
            returned(refunds, terms)
            .drop_nulls(basis)
            .select(
                *CUSTOMER,
                "refund_id",
                "charge_id",
                "refunded_on",
                "status",
                "reason",
                pl.col(basis).alias("month"),
                own_amount=pl.col("amount").cast(EXACT),
                own_currency="currency",
                amount=pl.col("amount_reporting").cast(EXACT),
                currency=pl.lit(terms.currency),
            )
        )

    return rows


def _refunded_charges(refunds: Frame, terms: Terms) -> Frame:
    """Each charge of a month that was refunded, once."""
    one = pl.col("customer_id", "charge_id", "refund_id").sort_by("refunded_on", "refund_id").first()
    by = ["account_id", "month", "currency", "refunded"]
    back = returned(refunds, terms).drop_nulls("charge_month").rename({"charge_month": "month"})
    return counted(back.group_by(by).agg(one).drop("refunded", "currency"))


def _card_payments(charges: Frame, rates: Frame, terms: Terms) -> Frame:
    payments = card_payments(charges, rates, terms)
    return counted(payments.select(*CUSTOMER, "month", "charged_on", "network", charge_id="id"))


def _disputed(disputes: Frame, terms: Terms) -> Frame:
    received = on_cards(disputes).filter(pl.col("outcome").is_in(RECEIVED))
    facts = ("dispute_id", "charge_id", "disputed_on", "network", "reason", "outcome")
    return counted(received.select(*CUSTOMER, *facts, month=month_of("disputed_on")))


def _failed(*outcomes: str, amount: str = "failed_amount", as_count: bool = False) -> Make:
    def rows(payment_failures: Frame, terms: Terms) -> Frame:
        chosen = payment_failures.filter(pl.col("outcome").is_in(outcomes)) if outcomes else payment_failures
        facts = chosen.select(
            *CUSTOMER,
            "subscription_id",
            "invoice_id",
            "failed_on",
            "decline_code",
            "outcome",
            month=month_of("failed_on"),
            own_amount=pl.col(amount).cast(EXACT),
            own_currency="currency",
            amount=pl.col(f"{amount}_reporting").cast(EXACT),
            currency=pl.lit(terms.currency),
        )
        return counted(facts) if as_count else facts

    return rows


def _attempted(*, failed: bool) -> Make:
    def rows(
        invoices: Frame, credit_notes: Frame, attempts: Frame, subscriptions: Frame, rates: Frame, terms: Terms
    ) -> Frame:
        first = first_attempts(invoices, credit_notes, attempts, subscriptions, rates, terms)
        return (first.filter("failed") if failed else first).select(
            *CUSTOMER,
            "subscription_id",
            "invoice_id",
            "charge_id",
            "attempted_on",
            "failed",
            month=month_of("attempted_on"),
            own_amount=pl.col("attempted_amount").cast(EXACT),
            own_currency="currency",
            amount=pl.col("attempted_amount_reporting").cast(EXACT),
            currency=pl.lit(terms.currency),
        )

    return rows


def _charges(charges: Frame, terms: Terms) -> Frame:
    return charges.select(
        *CUSTOMER,
        "month",
        "charged_on",
        charge_id="id",
        own_amount=pl.col("amount_captured").cast(EXACT),
        own_currency="currency",
        amount=pl.col("amount_reporting").cast(EXACT),
        currency=pl.lit(terms.currency),
    )


SOURCES: Mapping[str, Source] = {
    "charge_amount_reporting": source("charges", MONEY, _charged, "staging.charges spine.rates", "charged_on"),
    "refund_charges": source(
        "charges",
        NUMBER,
        lambda charges, rates, terms: counted(_charged(charges, rates, terms)),
        "staging.charges spine.rates",
    ),
    "refund_amount_reporting": source(
        "refunds of the month's charges", MONEY, _refunded("charge_month"), "marts.refunds", "refunded_on"
    ),
    "refunds": source("charges refunded", NUMBER, _refunded_charges, "marts.refunds"),
    "refunded_amount": source("refunds made", MONEY, _refunded("refund_month"), "marts.refunds", "refunded_on"),
    "disputes": source("disputes received", NUMBER, _disputed, "marts.disputes"),
    "card_charges": source("card payments", NUMBER, _card_payments, "staging.charges spine.rates"),
    "attempted_amount_reporting": source(
        "invoices attempted", MONEY, _attempted(failed=False), _ATTEMPTS, "attempted_on"
    ),
    "first_failed_amount_reporting": source(
        "invoices whose first attempt failed", MONEY, _attempted(failed=True), _ATTEMPTS, "attempted_on"
    ),
    "failed_amount_reporting": source("invoices that failed", MONEY, _failed(), "marts.payment_failures", "failed_on"),
    "recovered_amount_reporting": source(
        "invoices that failed and were paid since",
        MONEY,
        _failed("recovered", amount="amount_due"),
        "marts.payment_failures",
        "failed_on",
    ),
    "failed_invoices": source("invoices that failed", NUMBER, _failed(as_count=True), "marts.payment_failures"),
    "recovered_invoices": source(
        "invoices that failed and were paid since",
        NUMBER,
        _failed("recovered", as_count=True),
        "marts.payment_failures",
    ),
}
