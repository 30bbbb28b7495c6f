"""The read budget: what was spent against what Stripe grants, and the warning before it is gone."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from pipelines.budget import Budget, budgets
from pipelines.warehouse import runs
from pipelines.warehouse.database import open_warehouse
from sandbox.serving import Sandbox
from tests.pipelines.conftest import Revenue

NOW = datetime(2026, 3, 31, tzinfo=UTC)


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_warehouse(tmp_path / "warehouse.duckdb") as opened:
        yield opened


def spend(connection: duckdb.DuckDBPyConnection, days_ago: int, requests: int) -> None:
    at = NOW - timedelta(days=days_ago)
    run_id = runs.begin(connection, "sync", at)
    runs.spend(connection, run_id, [runs.Spending("acct_1", "charges", 0, requests, 0)])
    runs.end(connection, run_id, at, runs.Outcome("done", requests_made=requests))


def budget(connection: duckdb.DuckDBPyConnection, granted: int | None) -> Budget:
    [only] = budgets(connection, NOW, granted)
    return only


def test_thirty_days_count_against_ten_thousand_reads_at_least(connection: duckdb.DuckDBPyConnection) -> None:
    spend(connection, 31, 50_000)
    spend(connection, 29, 700)
    spend(connection, 1, 34)
    now = budget(connection, None)
    assert (now.spent, now.granted, now.warning) == (734, 10_000, None)
    assert now.words == "Requests to Stripe for acct_1 in the last 30 days: 734 of 10,000 (7%)."


def test_each_payment_grants_five_hundred_more(connection: duckdb.DuckDBPyConnection) -> None:
    """Twenty-one succeeded payments in time: 21 x 500 = 10,500; failed, older and other accounts' grant nothing."""
    spend(connection, 1, 34)
    connection.execute(
        "create schema staging; "
        "create table staging.charges (account_id varchar, status varchar, created_at timestamptz)"
    )
    paid = [("acct_1", "succeeded", NOW - timedelta(days=5))] * 21
    others = [
        ("acct_1", "failed", NOW - timedelta(days=5)),
        ("acct_1", "succeeded", NOW - timedelta(days=40)),
        ("acct_2", "succeeded", NOW - timedelta(days=5)),
    ]
    connection.executemany("insert into staging.charges values (?, ?, ?)", [*paid, *others])
    assert budget(connection, None).granted == 10_500


def test_from_four_fifths_on_it_warns(connection: duckdb.DuckDBPyConnection) -> None:
    spend(connection, 1, 799)
    assert budget(connection, 1_000).warning is None
    spend(connection, 1, 1)
    assert "800 of 1,000 (80%)" in (budget(connection, 1_000).warning or "")


def test_a_run_that_comes_near_the_budget_says_so_and_so_does_the_status(
    revenue: Revenue, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REVENUE_READ_BUDGET", "40")
    said = revenue("sync", "--quiet")
    assert said.code == 0
    assert "of 40" in said.out
    assert "REVENUE_SCHEDULE" in said.out
    assert "of 40" in revenue("status").out
