"""What lives on test clocks is in no table unless it is asked for, nor is what belongs to it or lived on one that is
gone; money that moved stays in the balance."""

from typing import Any

import pytest

from pipelines.warehouse import clocks
from tests.warehouse.raw_tables import CHARGE, Raw

ON_A_CLOCK: list[tuple[str, dict[str, Any]]] = [
    ("test_clocks", {"id": "clock_1", "frozen_time": 1}),
    ("customers", {"id": "cus_1", "test_clock": "clock_1"}),
    ("subscriptions", {"id": "sub_1", "customer": "cus_1", "test_clock": {"id": "clock_1", "frozen_time": 1}}),
    ("invoices", {"id": "in_1", "customer": "cus_1", "test_clock": "clock_1"}),
    ("invoice_items", {"id": "ii_1", "test_clock": "clock_1"}),
    ("credit_grants", {"id": "cg_1", "test_clock": "clock_1"}),
    ("subscription_schedules", {"id": "sched_1", "test_clock": "clock_1"}),
    ("invoice_payments", {"id": "inpay_1", "invoice": "in_1"}),
    ("credit_notes", {"id": "cn_1", "invoice": "in_1"}),
    ("payment_intents", {"id": "pi_1", "customer": "cus_1"}),
    ("payment_methods", {"id": "pm_1", "customer": "cus_1"}),
    ("charges", {**CHARGE, "customer": {"id": "cus_1", "object": "customer"}}),
    ("refunds", {"id": "re_1", "charge": "ch_1"}),
    ("disputes", {"id": "dp_1", "charge": "ch_1"}),
]
"""One of each stream, on a clock by itself or by whose it is."""

OF_ITS_OWN: list[tuple[str, dict[str, Any]]] = [
    ("customers", {"id": "cus_2", "test_clock": None}),
    ("charges", {**CHARGE, "id": "ch_2", "customer": "cus_2"}),
    ("refunds", {"id": "re_2", "charge": "ch_2"}),
    ("invoices", {"id": "in_2", "customer": "cus_2", "test_clock": None}),
    ("invoice_payments", {"id": "inpay_2", "invoice": "in_2"}),
    ("balance_transactions", {"id": "txn_1", "source": "ch_1"}),
]


@pytest.fixture
def filled(raw: Raw) -> Raw:
    for stream, payload in [*ON_A_CLOCK, *OF_ITS_OWN]:
        raw.put(stream, payload)
    return raw


def ids(raw: Raw, table: str, *, test_clocks: bool, account: str = "acct_1") -> set[str]:
    return {row["id"] for row in raw.rows(table, test_clocks=test_clocks) if row["account_id"] == account}


@pytest.mark.parametrize("table", [stream for stream, _ in ON_A_CLOCK])
def test_off_what_is_on_a_clock_or_belongs_to_it_is_in_no_table(filled: Raw, table: str) -> None:
    own = {payload["id"] for stream, payload in OF_ITS_OWN if stream == table}
    simulated = {payload["id"] for stream, payload in ON_A_CLOCK if stream == table}
    assert ids(filled, table, test_clocks=False) == own
    assert ids(filled, table, test_clocks=True) == own | simulated


def test_the_balance_keeps_every_transaction(filled: Raw) -> None:
    assert ids(filled, "balance_transactions", test_clocks=False) == {"txn_1"}


@pytest.mark.parametrize("table", [stream for stream, _ in ON_A_CLOCK])
def test_on_what_lived_on_a_clock_that_is_gone_is_in_no_table(filled: Raw, table: str) -> None:
    filled.put("test_clocks", {"id": "clock_1", "frozen_time": 1, "deleted": True}, deleted=True)
    own = {payload["id"] for stream, payload in OF_ITS_OWN if stream == table}
    assert ids(filled, table, test_clocks=True) == own


def test_what_belongs_to_something_that_was_left_out_is_left_out_too(raw: Raw) -> None:
    """Extraction saw the invoice and did not keep it; its payment is held."""
    clocks.create(raw.connection)
    clocks.leave_out(raw.connection, "acct_1", [clocks.LeftOut("invoices", "in_1", "clock_1", 5)])
    raw.put("invoice_payments", {"id": "inpay_1", "invoice": "in_1"})
    raw.put("invoice_payments", {"id": "inpay_1", "invoice": "in_1"}, account="acct_2")
    assert ids(raw, "invoice_payments", test_clocks=False) == set()
    assert ids(raw, "invoice_payments", test_clocks=False, account="acct_2") == {"inpay_1"}


def test_a_customer_that_was_put_on_a_clock_is_on_it_with_all_that_was_before(raw: Raw) -> None:
    raw.put("customers", {"id": "cus_1", "test_clock": None})
    raw.put("customers", {"id": "cus_1", "test_clock": "clock_1"})
    assert ids(raw, "customers", test_clocks=False) == set()


def test_a_live_warehouse_is_not_searched_for_clocks(filled: Raw) -> None:
    filled.connection.execute(
        "create schema if not exists pipeline; create table pipeline.accounts as select true as livemode"
    )
    assert ids(filled, "customers", test_clocks=False) == {"cus_1", "cus_2"}


def test_what_is_left_out_twice_is_noted_once_as_of_the_last_time(raw: Raw) -> None:
    clocks.create(raw.connection)
    for at in (5, 9, 7):
        clocks.leave_out(raw.connection, "acct_1", [clocks.LeftOut("invoices", "in_1", "clock_1", at)])
    assert clocks.take_back(raw.connection, "acct_1", ["clock_2"]) == []
    assert clocks.take_back(raw.connection, "acct_1", ["clock_1"]) == [("invoices", "in_1", 9)]
    assert clocks.take_back(raw.connection, "acct_1", ["clock_1"]) == []
