"""The small company of docs/metrics.md: eight customers from January to mid-April 2026, told as staged rows.

Reporting currency usd, days in UTC. One euro is 1.10 dollars in January, 1.20 in February, 1.15 from March on.
"""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from models import marts
from models.contracts import marts as contracts
from models.policy import MetricPolicy
from models.terms import Terms
from tests.models.story import ACCOUNT, Account, instant, rate_frame

AS_OF = "2026-04-15"
EURO = {1: "1.10", 2: "1.20", 3: "1.15", 4: "1.15"}


def company() -> Account:
    """Who bought what, and what became of it."""
    account = Account()
    for name, amount, interval in (("seat", 1200, "month"), ("year", 14400, "year"), ("solo", 3000, "month")):
        account.price(name, amount, interval)
    for name, amount in (("small", 2000), ("plus", 4000), ("euro", 5000)):
        account.price(name, amount)
    account.rows["prices"][-1]["currency"] = "eur"
    account.coupon("partner", percent_off=25)
    _subscribed(account)
    _billed(account)
    _paid(account)
    return account


def built() -> dict[str, pl.DataFrame]:
    """Every mart of the company."""
    days = [date(2026, 1, 1) + timedelta(days=offset) for offset in range(105)]
    rates = rate_frame([(day.isoformat(), "eur", "usd", EURO[day.month]) for day in days])
    made = marts.build(company().staging(), rates, Terms(instant(AS_OF), "UTC", "usd"))
    return {name: frame.collect() for name, frame in made.items()}


def _subscribed(account: Account) -> None:
    ended = {"status": "canceled"}
    asked = {**ended, "cancellation_reason": "cancellation_requested"}
    account.subscription("sub_ada", "ada", "2026-01-01", [("si_ada", "seat", 15)])
    account.subscription("sub_ben", "ben", "2026-01-10", [("si_ben", "year", 1)])
    account.subscription("sub_cleo", "cleo", "2026-01-05", [("si_cleo", "euro", 1)], currency="eur")
    account.subscription(
        "sub_dan",
        "dan",
        "2026-01-20",
        [("si_dan", "solo", 1)],
        **asked,
        canceled_at="2026-03-20",
        ended_at="2026-03-20",
        cancellation_feedback="too_expensive",
    )
    trial = {"trial_start_at": "2026-02-01", "trial_end_at": "2026-02-15"}
    account.subscription(
        "sub_eve",
        "eve",
        "2026-02-01",
        [("si_eve", "small", 1)],
        **asked,
        **trial,
        canceled_at="2026-03-15",
        ended_at="2026-03-15",
    )
    account.subscription("sub_eve_2", "eve", "2026-03-18", [("si_eve_2", "solo", 1)])
    account.subscription(
        "sub_fay",
        "fay",
        "2026-03-01",
        [("si_fay", "small", 1)],
        **asked,
        trial_start_at="2026-03-01",
        trial_end_at="2026-03-15",
        canceled_at="2026-03-10",
        ended_at="2026-03-10",
    )
    failed = {**ended, "cancellation_reason": "payment_failed", "ended_at": "2026-03-08", "canceled_at": "2026-03-08"}
    account.subscription("sub_gil", "gil", "2026-01-01", [("si_gil", "plus", 1)], **failed)
    account.subscription("sub_gil_2", "gil", "2026-04-10", [("si_gil_2", "plus", 1)])
    account.subscription(
        "sub_hal",
        "hal",
        "2026-04-10",
        [("si_hal", "small", 1)],
        status="trialing",
        trial_start_at="2026-04-10",
        trial_end_at="2026-04-24",
    )
    for name in ("ada", "ben", "cleo", "dan", "eve", "fay", "gil", "hal"):
        account._add("customers", id=name, name=name.title(), created_at=instant("2026-01-01"), deleted=False)
    account._add("accounts", id="acct_1", default_currency="usd", timezone="UTC")


BILLS = {
    "in_ada_1": ("sub_ada", "si_ada", "seat", 10, "2026-01-01", "2026-02-01", 12000),
    "in_ada_2": ("sub_ada", "si_ada", "seat", 10, "2026-02-01", "2026-03-01", 12000),
    "in_ada_3": ("sub_ada", "si_ada", "seat", 15, "2026-03-01", "2026-04-01", 18000),
    "in_ada_4": ("sub_ada", "si_ada", "seat", 15, "2026-04-01", "2026-05-01", 18000),
    "in_ben": ("sub_ben", "si_ben", "year", 1, "2026-01-10", "2027-01-10", 14400),
    "in_cleo_1": ("sub_cleo", "si_cleo", "euro", 1, "2026-01-05", "2026-02-05", 5000),
    "in_cleo_2": ("sub_cleo", "si_cleo", "euro", 1, "2026-02-05", "2026-03-05", 5000),
    "in_cleo_3": ("sub_cleo", "si_cleo", "euro", 1, "2026-03-05", "2026-04-05", 5000),
    "in_cleo_4": ("sub_cleo", "si_cleo", "euro", 1, "2026-04-05", "2026-05-05", 5000),
    "in_dan_1": ("sub_dan", "si_dan", "solo", 1, "2026-01-20", "2026-02-20", 2250),
    "in_dan_2": ("sub_dan", "si_dan", "solo", 1, "2026-02-20", "2026-03-20", 2250),
    "in_eve_0": ("sub_eve", "si_eve", "small", 1, "2026-02-01", "2026-02-15", 0),
    "in_eve_1": ("sub_eve", "si_eve", "small", 1, "2026-02-15", "2026-03-15", 2000),
    "in_eve_2": ("sub_eve_2", "si_eve_2", "solo", 1, "2026-03-18", "2026-04-18", 3000),
    "in_fay": ("sub_fay", "si_fay", "small", 1, "2026-03-01", "2026-03-15", 0),
    "in_gil_1": ("sub_gil", "si_gil", "plus", 1, "2026-01-01", "2026-02-01", 4000),
    "in_gil_2": ("sub_gil", "si_gil", "plus", 1, "2026-02-01", "2026-03-01", 4000),
    "in_gil_3": ("sub_gil", "si_gil", "plus", 1, "2026-03-01", "2026-04-01", 4000),
    "in_gil_4": ("sub_gil_2", "si_gil_2", "plus", 1, "2026-04-10", "2026-05-10", 4000),
}
"""Invoices of one line: subscription, item, price, quantity, from, to, total."""


def _billed(account: Account) -> None:
    account.proration("sub_ada", "si_ada", "2026-02-15", "2026-03-01", ("seat", 10), ("seat", 15))
    for name, (subscription, item, price, quantity, start, end, total) in BILLS.items():
        paid_at = {"in_ada_3": "2026-03-04", "in_gil_3": None}.get(name, start)
        account.invoice(
            subscription,
            [(item, price, quantity, start, end)],
            discounts=["partner"] if subscription == "sub_dan" else [],
            status="paid" if paid_at else "open",
            customer_id=subscription.split("_")[1],
            currency="eur" if subscription == "sub_cleo" else "usd",
            total=total,
            amount_due=total,
        )
        account.rows["invoices"][-1] |= {"id": name, "paid_at": instant(paid_at) if paid_at else None}
        account.rows["invoice_lines"][-1] |= {"id": f"il_{name}", "invoice_id": name}


CHARGES = (
    ("ch_ada_1", "in_ada_1", "2026-01-01", 12000, "usd", "succeeded"),
    ("ch_ada_2", "in_ada_2", "2026-02-01", 12000, "usd", "succeeded"),
    ("ch_dan_2", "in_dan_2", "2026-02-20", 2250, "usd", "succeeded"),
    ("ch_ada_3a", "in_ada_3", "2026-03-01", 18000, "usd", "failed"),
    ("ch_ada_3b", "in_ada_3", "2026-03-04", 18000, "usd", "succeeded"),
    ("ch_gil_3a", "in_gil_3", "2026-03-01", 4000, "usd", "failed"),
    ("ch_gil_3b", "in_gil_3", "2026-03-04", 4000, "usd", "failed"),
    ("ch_gil_3c", "in_gil_3", "2026-03-08", 4000, "usd", "failed"),
    ("ch_cleo_3", "in_cleo_3", "2026-03-05", 5000, "eur", "succeeded"),
)

TRANSACTIONS = (
    ("txn_1", "2026-01-01", 12000, 378, "charge", "ch_ada_1"),
    ("txn_2", "2026-01-15", -11622, 0, "payout", "po_1"),
    ("txn_3", "2026-02-01", 12000, 378, "charge", "ch_ada_2"),
    ("txn_4", "2026-02-20", 2250, 95, "charge", "ch_dan_2"),
    ("txn_5", "2026-03-04", 18000, 552, "charge", "ch_ada_3b"),
    ("txn_6", "2026-03-05", 5740, 196, "charge", "ch_cleo_3"),
    ("txn_7", "2026-03-10", -12000, 1500, "dispute", "dp_1"),
    ("txn_8", "2026-03-25", -2250, 0, "refund", "re_1"),
)
"""Balance transactions, all in usd: id, day, amount, fee, reporting category, source."""


def _paid(account: Account) -> None:
    of_source = {source: name for name, _, _, _, _, source in TRANSACTIONS}
    for name, invoice, day, amount, currency, status in CHARGES:
        captured: dict[str, Any] = (
            {"amount_captured": amount} if status == "succeeded" else {"failure_code": "card_declined"}
        )
        account._add(
            "charges",
            id=name,
            customer_id=name.split("_")[1],
            payment_intent_id=f"pi_{invoice}",
            amount=amount,
            currency=currency,
            status=status,
            created_at=instant(day),
            payment_method_type="card",
            card_network="visa",
            balance_transaction_id=of_source.get(name),
            **captured,
        )
    for invoice in dict.fromkeys(charge[1] for charge in CHARGES):
        account._add("invoice_payments", id=f"inpay_{invoice}", invoice_id=invoice, payment_intent_id=f"pi_{invoice}")
    for name, day, amount, fee, category, source in TRANSACTIONS:
        account._add(
            "balance_transactions",
            id=name,
            created_at=instant(day),
            amount=amount,
            fee=fee,
            net=amount - fee,
            currency="usd",
            reporting_category=category,
            source_id=source,
        )
    account._add(
        "payouts",
        id="po_1",
        amount=11622,
        currency="usd",
        status="paid",
        created_at=instant("2026-01-15"),
        balance_transaction_id="txn_2",
    )
    account._add(
        "refunds",
        id="re_1",
        charge_id="ch_dan_2",
        amount=2250,
        currency="usd",
        status="succeeded",
        reason="requested_by_customer",
        created_at=instant("2026-03-25"),
        balance_transaction_id="txn_8",
    )
    account._add(
        "disputes",
        id="dp_1",
        charge_id="ch_ada_1",
        amount=12000,
        currency="usd",
        status="lost",
        reason="fraudulent",
        created_at=instant("2026-03-10"),
    )


def published(file: Path, reason: str = "requested_by_customer") -> Path:
    """The company as a published file, with this reason in its refunds."""
    policy = MetricPolicy()
    row = {"account_id": ACCOUNT, "as_of": instant(AS_OF), "currency": "usd", "timezone": "UTC", "livemode": False}
    told = {"policy": policy.name, "policy_hash": policy.hash, "policy_rules": policy.rules}
    schema = {name: kind.dtype for name, kind in contracts.Publication.columns().items()}
    frames = {f"marts.{name}": frame for name, frame in built().items()}
    frames |= {f"staging.{name}": frame.collect() for name, frame in company().staging().items()}
    frames["marts.refunds"] = frames["marts.refunds"].with_columns(reason=pl.lit(reason))
    frames["marts.publication"] = pl.DataFrame([dict.fromkeys(schema) | row | told], schema=schema)
    with duckdb.connect(file) as connection:
        connection.execute("set timezone = 'UTC'; create schema marts; create schema staging")
        for name, frame in frames.items():
            connection.register("frame", frame)
            connection.execute(f"create table {name} as from frame")
    return file
