"""Rows behind cash: balance transactions, with what each came of and whose that is."""

from collections.abc import Mapping

import polars as pl

from models.cash import ledger
from models.lineage.source import EXACT, MONEY, Frame, Make, Source, source, up_to_month
from models.metrics import volume
from models.movements import CUSTOMER
from models.payouts import itemised, payouts_made
from models.periods import month_of
from models.realised import owners
from models.terms import Terms

_CASH = "staging.balance_transactions staging.charges staging.refunds staging.disputes"


def _volume(column: str) -> Make:
    def rows(
        balance_transactions: Frame, charges: Frame, refunds: Frame, disputes: Frame, rates: Frame, terms: Terms
    ) -> Frame:
        valued = volume(balance_transactions, rates, terms).filter(pl.col(column) != 0)
        own_fees = pl.col("fee") - pl.when(pl.col("column") == "fees").then(pl.col("amount")).otherwise(0)
        own_gross = pl.when(pl.col("column") == "fees").then(0).otherwise(pl.col("amount"))
        own = {"gross_volume": own_gross, "fees": own_fees, "net_volume": own_gross - own_fees}
        return _transactions(valued, balance_transactions, charges, refunds, disputes).select(
            *CUSTOMER,
            "balance_transaction_id",
            "source_id",
            "month",
            "date",
            "reporting_category",
            own_amount=own[column].cast(EXACT),
            own_currency="currency",
            amount=pl.col(column).cast(EXACT),
            currency=pl.lit(terms.currency),
        )

    return rows


def _cash(*columns: str, less_fee: bool = False) -> Make:
    """Balance transactions in columns of `cash_by_day`, in their settlement currency; each row's fee is a fee."""

    def rows(balance_transactions: Frame, charges: Frame, refunds: Frame, disputes: Frame, terms: Terms) -> Frame:
        gross = pl.when(pl.col("column").is_in(columns)).then(pl.col("amount")).otherwise(0)
        amount = gross - pl.col("fee") if less_fee else gross
        moved = ledger(balance_transactions, terms).with_columns(counted=amount).filter(pl.col("counted") != 0)
        return _transactions(moved, balance_transactions, charges, refunds, disputes).select(
            *CUSTOMER,
            "balance_transaction_id",
            "source_id",
            "month",
            "date",
            "reporting_category",
            own_amount=pl.col("counted").cast(EXACT),
            own_currency="currency",
            amount=pl.col("counted").cast(EXACT),
            currency="currency",
        )

    return rows


def _so_far(balance_transactions: Frame, charges: Frame, refunds: Frame, disputes: Frame, terms: Terms) -> Frame:
    """Every balance transaction with what it leaves of the balance."""
    moved = ledger(balance_transactions, terms).with_columns(left=(pl.col("amount") - pl.col("fee")).cast(EXACT))
    return _transactions(moved, balance_transactions, charges, refunds, disputes).select(
        *CUSTOMER,
        "balance_transaction_id",
        "source_id",
        "month",
        "date",
        "reporting_category",
        own_amount="left",
        own_currency="currency",
        amount="left",
        currency="currency",
    )


def _carried(
    payout_transactions: Frame, payouts: Frame, charges: Frame, refunds: Frame, disputes: Frame, terms: Terms
) -> Frame:
    """What each payout carried, transaction by transaction, net of fees, in the month in which the payout was made."""
    made = payouts_made(payouts, terms).select("account_id", "payout_id", month=month_of("created_on"))
    return (
        itemised(payout_transactions)
        .join(made, on=["account_id", "payout_id"])
        .join(owners(charges, refunds, disputes), on=["account_id", "source_id"], how="left")
        .with_columns(net=(pl.col("amount") - pl.col("fee")).cast(EXACT))
        .select(
            *CUSTOMER,
            "payout_id",
            "balance_transaction_id",
            "source_id",
            "month",
            "reporting_category",
            own_amount="net",
            own_currency="currency",
            amount="net",
            currency="currency",
        )
    )


def _transactions(moved: Frame, balance_transactions: Frame, charges: Frame, refunds: Frame, disputes: Frame) -> Frame:
    """Rows of `cash.ledger` with what each came of and whose that is."""
    came_of = balance_transactions.select("account_id", "id", "reporting_category")
    return (
        moved.join(came_of, on=["account_id", "id"], how="left")
        .join(owners(charges, refunds, disputes), on=["account_id", "source_id"], how="left")
        .with_columns(month=month_of("date"))
        .rename({"id": "balance_transaction_id"})
    )


SOURCES: Mapping[str, Source] = {
    "gross_volume": source("balance transactions", MONEY, _volume("gross_volume"), f"{_CASH} spine.rates", "date"),
    "net_volume": source("balance transactions", MONEY, _volume("net_volume"), f"{_CASH} spine.rates", "date"),
    "fees": source("balance transactions", MONEY, _volume("fees"), f"{_CASH} spine.rates", "date"),
    "cash_charges": source("balance transactions", MONEY, _cash("charges"), _CASH),
    "cash_refunds": source("balance transactions", MONEY, _cash("refunds"), _CASH),
    "cash_disputes": source("balance transactions", MONEY, _cash("disputes"), _CASH),
    "cash_fees": source("balance transactions", MONEY, _cash("fees", less_fee=True), _CASH),
    "cash_adjustments": source("balance transactions", MONEY, _cash("adjustments"), _CASH),
    "cash_payouts": source("balance transactions", MONEY, _cash("payouts"), _CASH),
    "payout_carried": source(
        "balance transactions that the payout carried, net of fees",
        MONEY,
        _carried,
        "staging.payout_transactions staging.payouts staging.charges staging.refunds staging.disputes",
    ),
    "cash_closing_balance": source(
        "balance transactions so far, payouts among them", MONEY, _so_far, _CASH, within=up_to_month
    ),
}
