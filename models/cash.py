"""The Stripe balance, day by day, and its reconciliation with payouts, charges and refunds.

Balance transactions are the only ledger: each counts once, in its settlement currency, on its own day. No market
exchange rate is used here. Stripe's rules: https://docs.stripe.com/reports/reporting-categories
"""

import polars as pl

from models.periods import day_of, days_until, is_partial, month_of
from models.terms import Terms

CATEGORY_COLUMNS = {
    "charge": "charges",
    "charge_failure": "charges",
    "partial_capture_reversal": "charges",
    "refund": "refunds",
    "refund_failure": "refunds",
    "dispute": "disputes",
    "dispute_reversal": "disputes",
    "fee": "fees",
    "network_cost": "fees",
    "tax": "fees",
    "payout": "payouts",
    "payout_reversal": "payouts",
}
"""Stripe's reporting category → column of `cash_by_day`; every other category is an adjustment."""

OTHER = "adjustments"
ACTIVITY = ("charges", "refunds", "disputes", "fees", OTHER)
COLUMNS = (*ACTIVITY, "payouts")
KEY = ("account_id", "date", "currency")
TRANSFERS = ("transfer", "transfer_reversal")
"""Categories of money passed on to connected accounts."""

RETURNED = ("failed", "canceled")


def moved_by_day(balance_transactions: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """Balance transactions added up: account_id, date, currency and the columns of `COLUMNS`. Sums of parts of the
    transactions add up to those of all."""
    return ledger(balance_transactions, terms).group_by(KEY).agg(*(sum_of(column) for column in COLUMNS))


def cash_by_day(moved: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """`marts.cash_by_day`: every day from a currency's first transaction to the as-of day.

    `moved` is of `moved_by_day`, of all transactions or of parts of them.
    Amounts are gross in their category's column, and the fee kept of any transaction is in `fees`, so a row adds up:
    charges + refunds + disputes + fees + adjustments = net, and closing_balance grows by net + payouts.
    """
    moved = moved.group_by(KEY).agg(pl.col(COLUMNS).sum())
    return (
        days_until(moved, terms, by=("account_id", "currency"))
        .join(moved, on=KEY, how="left")
        .with_columns(pl.col(COLUMNS).fill_null(0))
        .with_columns(net=pl.sum_horizontal(ACTIVITY))
        .sort(KEY)
        .with_columns(
            closing_balance=(pl.col("net") + pl.col("payouts"))
            .cum_sum()
            .over("account_id", "currency", order_by="date")
        )
        .select(*KEY, *ACTIVITY, "net", "payouts", "closing_balance")
    )


def beside_the_ledger(
    balance_transactions: pl.LazyFrame,
    payouts: pl.LazyFrame,
    charges: pl.LazyFrame,
    refunds: pl.LazyFrame,
    terms: Terms,
) -> pl.LazyFrame:
    """What objects say that the ledger lacks, and what was paid out: account_id, month, currency, missing, paid_out.
    Sums of parts of the objects add up to those of all. All frames are staged."""
    return (
        pl.concat(
            [
                _missing_activity(balance_transactions, charges, refunds, terms),
                _paid_out(balance_transactions, payouts, terms),
            ],
            how="diagonal",
        )
        .group_by("account_id", month_of("date").alias("month"), "currency")
        .agg(pl.col("missing").sum(), pl.col("paid_out").sum())
    )


def balance_reconciliation(cash_by_day: pl.LazyFrame, beside_the_ledger: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """`marts.balance_reconciliation`: opening + activity + payouts against the balance that the ledger arrives at.

    `cash_by_day` is the mart, `beside_the_ledger` of the function of that name.

    Two sides are independent of the ledger: what was paid out is read from the payout objects, and a charge or refund
    that names a balance transaction which the ledger lacks is activity all the same. So a lost transaction of a charge,
    refund or payout leaves a difference.
    """
    cash = cash_by_day.with_columns(month=month_of("date"))
    key = ["account_id", "month", "currency"]
    ledger_side = cash.group_by(key).agg(
        opening_balance=(pl.col("closing_balance") - pl.col("net") - pl.col("payouts")).sort_by("date").first(),
        held_activity=pl.col("net").sum(),
        closing_balance=pl.col("closing_balance").sort_by("date").last(),
    )
    object_side = beside_the_ledger.group_by(key).agg(pl.col("missing", "paid_out").sum())
    return (
        ledger_side.join(object_side, on=key, how="full", coalesce=True)
        .sort(key)
        .with_columns(
            pl.col("closing_balance").forward_fill().over("account_id", "currency", order_by="month").fill_null(0)
        )
        .with_columns(pl.col("opening_balance").fill_null(pl.col("closing_balance")))
        .with_columns(pl.col("held_activity", "missing", "paid_out").fill_null(0))
        .with_columns(activity=pl.col("held_activity") + pl.col("missing"), payouts=pl.col("paid_out"))
        .with_columns(
            difference=pl.col("closing_balance") - pl.col("opening_balance") - pl.col("activity") - pl.col("payouts"),
            is_partial=is_partial("month", terms),
        )
        .select(*key, "opening_balance", "activity", "payouts", "closing_balance", "difference", "is_partial")
    )


def ledger(balance_transactions: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """Every balance transaction to the as-of instant, in minor units of its settlement currency.

    Columns: account_id, id, source_id, date, currency, column (of `cash_by_day`), is_transfer, amount, fee; a fee is
    positive.
    """
    return (
        balance_transactions.filter(pl.col("created_at") <= terms.as_of)
        .drop_nulls(["amount", "currency"])
        .with_columns(
            date=day_of("created_at", terms),
            is_transfer=pl.col("reporting_category").is_in(TRANSFERS),
            column=column_of_category(),
        )
        .with_columns(pl.col("fee").fill_null(0))
        .select("account_id", "id", "source_id", "date", "currency", "column", "is_transfer", "amount", "fee")
    )


def sum_of(column: str) -> pl.Expr:
    """What transactions with an amount, a fee and a `column` come to in that column: each one's fee is a fee."""
    gross = pl.col("amount").filter(pl.col("column") == column).sum()
    return (gross - pl.col("fee").sum() if column == "fees" else gross).alias(column)


def column_of_category() -> pl.Expr:
    """The column of `cash_by_day` that a transaction's reporting category belongs to."""
    return pl.col("reporting_category").replace_strict(CATEGORY_COLUMNS, default=OTHER, return_dtype=pl.String)


def _missing_activity(
    balance_transactions: pl.LazyFrame, charges: pl.LazyFrame, refunds: pl.LazyFrame, terms: Terms
) -> pl.LazyFrame:
    named = ("account_id", "balance_transaction_id", "created_at", "currency")
    pointers = pl.concat(
        [
            charges.select(*named, missing=pl.col("amount")),
            refunds.select(*named, missing=-pl.col("amount")),
        ]
    )
    return (
        pointers.filter(pl.col("created_at") <= terms.as_of)
        .drop_nulls()
        .join(
            balance_transactions,
            left_on=["account_id", "balance_transaction_id"],
            right_on=["account_id", "id"],
            how="anti",
        )
        .select("account_id", day_of("created_at", terms).alias("date"), "currency", "missing")
    )


def _paid_out(balance_transactions: pl.LazyFrame, payouts: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """Payouts, negative, on the day of their transaction; and, positive, those that had come back by the as-of instant:
    a payout says that it failed from then on, whenever one looks."""
    dated = ledger(balance_transactions, terms).select("account_id", "id", "date")
    sent_on = dated.rename({"id": "balance_transaction_id", "date": "sent_on"})
    back_on = dated.rename({"id": "failure_balance_transaction_id", "date": "back_on"})
    made = (
        payouts.filter(pl.col("created_at") <= terms.as_of)
        .drop_nulls(["amount", "currency"])
        .join(sent_on, on=["account_id", "balance_transaction_id"], how="left")
        .join(back_on, on=["account_id", "failure_balance_transaction_id"], how="left")
        .with_columns(sent_on=pl.coalesce("sent_on", day_of("created_at", terms)))
    )
    sent = made.select("account_id", "currency", date="sent_on", paid_out=-pl.col("amount"))
    back_later = balance_transactions.filter(pl.col("created_at") > terms.as_of).select(
        "account_id", failure_balance_transaction_id="id"
    )
    returned = (
        made.filter(pl.col("status").is_in(RETURNED))
        .join(back_later, on=["account_id", "failure_balance_transaction_id"], how="anti")
        .select("account_id", "currency", date=pl.coalesce("back_on", "sent_on"), paid_out=pl.col("amount"))
    )
    return pl.concat([sent, returned])
