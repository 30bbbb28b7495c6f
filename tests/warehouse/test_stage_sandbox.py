"""Staging over a whole account: everything that was extracted is there, fits, and finds what it refers to."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from pipelines.extract.account import Account, Limits
from pipelines.extract.sync import sync
from pipelines.warehouse import stage
from pipelines.warehouse.database import open_warehouse
from sandbox.serving import serving
from sandbox.world.business import Business
from sandbox.world.world import World

FAST = Limits(account_rate=1000, endpoint_rate=1000)

KINDS = {
    "accounts": "account",
    "customers": "customer",
    "products": "product",
    "prices": "price",
    "subscriptions": "subscription",
    "invoices": "invoice",
    "invoice_payments": "invoice_payment",
    "invoice_items": "invoiceitem",
    "charges": "charge",
    "refunds": "refund",
    "disputes": "dispute",
    "balance_transactions": "balance_transaction",
    "payouts": "payout",
    "credit_notes": "credit_note",
    "tax_rates": "tax_rate",
}

DELETABLE = {"customers", "products", "prices"}
"""Tables that keep what was deleted; the account's lists do not."""

DANGLING = {
    "invoice_lines of invoices": "select id from staging.invoice_lines where invoice_id not in (from ids('invoices'))",
    "items of prices": "select id from staging.subscription_items where price_id not in (from ids('prices'))",
    "lines of prices": "select id from staging.invoice_lines where price_id not in (from ids('prices'))",
    "discounts of coupons": "select id from staging.discounts where coupon_id not in (from ids('coupons'))",
    "refunds of charges": "select id from staging.refunds where charge_id not in (from ids('charges'))",
    "carriers of discounts": """
        select discount from (
            select unnest(discounts) as discount from staging.subscriptions
            union all select unnest(discounts) from staging.subscription_items
            union all select unnest(discounts) from staging.invoices
            union all select unnest(discounts) from staging.invoice_lines
        ) where discount not in (from ids('discounts'))
    """,
}


@pytest.fixture(scope="module")
def world() -> World:
    return World.grown(Business(customers=60, months=10, seed=11))


@pytest.fixture(scope="module")
def extracted(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse with everything that the account holds in raw."""
    file: Path = tmp_path_factory.mktemp("warehouse") / "warehouse.duckdb"
    with serving(world) as served, open_warehouse(file) as connection:
        sync(connection, Account(served.key, served.url, limits=FAST))
        connection.execute("create temp macro ids(name) as table select id from query_table('staging.' || name)")
        yield connection


@pytest.fixture(scope="module")
def outcome(extracted: duckdb.DuckDBPyConnection, world: World) -> stage.Outcome:
    (read_at,) = extracted.execute("select max(seen_at) from raw.customers").fetchall()[0]
    return stage.stage(extracted, read_at)


def test_everything_fits(outcome: stage.Outcome) -> None:
    assert outcome.failed.is_empty(), outcome.failed
    assert not outcome.checks.is_empty()


@pytest.mark.parametrize("table", KINDS)
def test_every_object_of_the_account_is_staged(
    outcome: stage.Outcome, extracted: duckdb.DuckDBPyConnection, world: World, table: str
) -> None:
    alive = "where not deleted" if table in DELETABLE else ""
    staged = extracted.execute(f"select id from staging.{table} {alive}").fetchall()
    assert {row[0] for row in staged} == set(world.store.ids(KINDS[table]))
    assert outcome.rows[table] >= len(staged)


def test_every_line_and_item_is_staged(outcome: stage.Outcome, world: World) -> None:
    def nested(kind: str, field: str) -> int:
        held = (world.store.get(kind, identity) for identity in world.store.ids(kind))
        return sum(len(each[field]["data"]) for each in held if each)

    assert outcome.rows["invoice_lines"] == nested("invoice", "lines")
    assert outcome.rows["subscription_items"] == nested("subscription", "items")


@pytest.mark.parametrize("what", DANGLING)
def test_what_is_referred_to_is_there(outcome: stage.Outcome, extracted: duckdb.DuckDBPyConnection, what: str) -> None:
    assert extracted.execute(DANGLING[what]).fetchall() == []


def test_cash_is_exact(outcome: stage.Outcome, extracted: duckdb.DuckDBPyConnection, world: World) -> None:
    held = [world.store.get("balance_transaction", identity) for identity in world.store.ids("balance_transaction")]
    sums = extracted.execute("select sum(amount), sum(fee), sum(net) from staging.balance_transactions").fetchall()[0]
    assert sums == tuple(sum(each[name] for each in held if each) for name in ("amount", "fee", "net"))
