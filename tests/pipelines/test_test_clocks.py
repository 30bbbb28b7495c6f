"""Test clocks from the settings to the figures: simulated customers are in them where asked for, and only there."""

from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from pipelines import accounts, build, settings
from pipelines.extract.sync import sync
from pipelines.settings import Settings
from pipelines.warehouse.database import open_warehouse
from sandbox.api.keys import Key
from sandbox.api.settings import Settings as ServedBy
from sandbox.serving import serving
from sandbox.store import Store
from sandbox.world import shapes
from sandbox.world.business import Business
from sandbox.world.world import World
from tests.pipelines.conftest import Revenue
from tests.still_world import StillWorld, empty_store


def put_on_a_clock(store: Store, customer: str, now: int) -> None:
    """Have a customer live on a test clock, and what names the clock itself."""
    store.put(shapes.test_clock(id="clock_1", created=now - 1_000, frozen_time=now))
    for kind, owner in (("customer", "id"), ("subscription", "customer"), ("invoice", "customer")):
        for id_ in store.ids(kind):
            held = store.get(kind, id_)
            if held and held[owner] == customer:
                store.put(held | {"test_clock": "clock_1"})


def worth(connection: duckdb.DuckDBPyConnection, asked_for: Settings) -> dict[str, Decimal]:
    """MRR by customer, in cents, of a build whose blocking checks all hold."""
    build.staged(connection, asked_for)
    assert build.modelled(connection, asked_for).failed_checks == ()
    return dict(connection.execute("select customer_id, mrr_reporting from marts.customers").fetchall())


def test_figures_hold_a_simulated_customer_where_it_is_asked_for_and_lose_nothing_else(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World.grown(Business(customers=25, months=6))
    subscriptions = [world.store.get("subscription", id_) for id_ in world.store.ids("subscription")]
    simulated = next(each["customer"] for each in subscriptions if each and each["status"] == "active")
    put_on_a_clock(world.store, simulated, world.now)
    with serving(world) as served, open_warehouse(home / "warehouse.duckdb") as connection:
        (home / "rates.csv").write_text(served.fx_rates_csv())
        monkeypatch.setenv("STRIPE_API_KEY", served.key)
        monkeypatch.setenv("STRIPE_API_BASE", served.url)
        off = settings.load()
        monkeypatch.setenv("REVENUE_TEST_CLOCKS", "true")
        on = settings.load()
        [account] = accounts.of(on)
        sync(connection, account)
        with_it, without = worth(connection, on), worth(connection, off)
    assert with_it[simulated] > 0
    assert with_it == without | {simulated: with_it[simulated]}
    assert simulated not in without


def test_the_doctor_says_that_a_live_key_has_no_clocks(
    revenue: Revenue, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = Key("rk_live_key")
    with serving(StillWorld(empty_store()), ServedBy(keys=(key,))) as served:
        monkeypatch.setenv("STRIPE_API_KEY", key.value)
        monkeypatch.setenv("STRIPE_API_BASE", served.url)
        monkeypatch.setenv("REVENUE_TEST_CLOCKS", "true")
        examined = revenue("doctor")
    assert "REVENUE_TEST_CLOCKS is on, but a live key has no test clocks" in examined.out
    assert "test_clocks can be read" not in examined.out
