"""Tiers in further currencies, which Stripe shows only where each is named: held however the price was read."""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from pipelines.extract import audit, files
from pipelines.extract.client import PINNED_VERSION
from pipelines.extract.files import Export
from pipelines.extract.sync import StreamsFailed, sync
from sandbox.serving import Sandbox, serving
from sandbox.store import Store
from sandbox.world import shapes
from tests.extract.conftest import account_of, current, warehouse
from tests.extract.once_more import MADE, refreshed, resynced, swept
from tests.still_world import DAY, NOW, StillWorld, empty_store

BY_ID = "GET /v1/prices/{id}"
SOLD = "/v1/prices/price_sold"
EUROS, POUNDS = ("900", "800"), ("850", "750")


def steps(*units: str) -> list[dict[str, Any]]:
    """Up to five at the first amount, above at the second."""
    return [
        shapes.tier(up_to=up_to, unit_amount_decimal=unit) for up_to, unit in zip((5, None), units, strict=True)
    ]  # fmt: skip


def sold(euros: Sequence[str] = EUROS, *, active: bool = True) -> dict[str, Any]:
    """A graduated price in dollars that is sold in euros and pounds, too."""
    return shapes.price(
        id="price_sold",
        created=MADE,
        product="prod_1",
        currency="usd",
        tiers_mode="graduated",
        tiers=steps("1000", "900"),
        active=active,
        currency_options={
            code: shapes.currency_option(tiers=steps(*units)) for code, units in (("eur", euros), ("gbp", POUNDS))
        },
    )


def others() -> list[dict[str, Any]]:
    """Prices of which a list shows everything: of one currency with tiers, of several without."""
    made: dict[str, Any] = {"created": MADE, "product": "prod_1", "currency": "usd"}
    euros = {"eur": shapes.currency_option(unit_amount_decimal="900")}
    return [
        shapes.price(id="price_tiers", tiers_mode="volume", tiers=steps("1000", "900"), **made),
        shapes.price(id="price_options", unit_amount=1000, currency_options=euros, **made),
    ]


def filled(*prices: dict[str, Any]) -> StillWorld:
    store = empty_store()
    for price in prices:
        store.put(price)
    return StillWorld(store)


def change(world: StillWorld, price: dict[str, Any]) -> None:
    """The price becomes so, and an event that is old enough to be followed says so."""
    world.store.put(price)
    number = world.store.count("event")
    world.store.put(shapes.event(id=f"evt_{number}", created=world.now + 5, type="price.updated", object=price))
    world.now += 500


def units(connection: duckdb.DuckDBPyConnection) -> dict[str, list[str] | None]:
    """By currency, what a unit costs in each step of the price that is held."""
    (_, price) = current(connection, "prices")["price_sold"]
    return {
        code: [tier["unit_amount_decimal"] for tier in option["tiers"]] if option.get("tiers") else None
        for code, option in price["currency_options"].items()
        if code != price["currency"]
    }


def said(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    """What the data checks say of prices: how severe, in which words."""
    about = (pl.col("check_name") == "objects_are_understood") & (pl.col("table_name") == "raw.prices")
    found = audit.checks(connection).filter(about, ~pl.col("passed"))
    return list(found.select("severity", "detail").iter_rows())


def read_by_id(running: Sandbox) -> int:
    """How many prices were asked for by id since the last time."""
    count = running.requests.endpoints.get(BY_ID, 0)
    running.forget_requests()
    return count


def test_a_price_in_further_currencies_costs_one_request_and_others_none(tmp_path: Path) -> None:
    with serving(filled(sold(), *others())) as running, warehouse(tmp_path) as connection:
        sync(connection, account_of(running))
        assert units(connection) == {"eur": list(EUROS), "gbp": list(POUNDS)}
        assert read_by_id(running) == 1
        again = sync(connection, account_of(running))
        assert (read_by_id(running), again.rows_written) == (0, 0)
        assert set(current(connection, "prices")) == {"price_sold", "price_tiers", "price_options"}
        assert said(connection) == []


@pytest.mark.parametrize(("again", "requests"), [(refreshed, 2), (swept, 1), (resynced, 1)])
def test_a_changed_price_is_whole_again(
    again: Callable[[Sandbox, duckdb.DuckDBPyConnection], None], requests: int, tmp_path: Path
) -> None:
    """An event's price is read by id, and once more for what that did not show; a list shows it at first."""
    world = filled(sold(), *others())
    with serving(world) as running, warehouse(tmp_path) as connection:
        sync(connection, account_of(running))
        running.forget_requests()
        if again is refreshed:
            change(world, sold(("950", "820")))
        else:
            world.store.put(sold(("950", "820")))
        again(running, connection)
        assert units(connection) == {"eur": ["950", "820"], "gbp": list(POUNDS)}
        assert read_by_id(running) == requests
        sync(connection, account_of(running))
        assert read_by_id(running) == 0
        assert connection.execute("select count(*) from raw.prices where id = 'price_sold'").fetchone() == (2,)


def test_no_version_without_tiers_is_ever_held_when_a_run_breaks_off_between(tmp_path: Path) -> None:
    """The page and what completes it are one: where that can't be had, the page is read again by the next run."""
    with serving(filled(sold(), *others())) as running, warehouse(tmp_path) as connection:
        running.fail("reset", SOLD)
        with pytest.raises(StreamsFailed, match="prices"):
            sync(connection, account_of(running))
        assert current(connection, "prices") == {}
        running.heal()
        sync(connection, account_of(running))
        assert units(connection) == {"eur": list(EUROS), "gbp": list(POUNDS)}
        assert connection.execute("select count(*) from raw.prices").fetchone() == (3,)


STUB = json.dumps({"id": "price_sold", "object": "price", "deleted": True})
ASKED = "currency_options.eur.tiers, currency_options.gbp.tiers kept as held, if at all"


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        ({"kind": "server_error", "status": 400}, "Stripe refuses to show them"),
        ({"kind": "body", "body": STUB}, "they were not answered"),
    ],
)
def test_a_price_whose_tiers_are_not_shown_is_kept_as_it_came_and_told_of_until_they_are(
    fault: dict[str, Any], why: str, tmp_path: Path
) -> None:
    world = filled(sold(), *others())
    with serving(world) as running, warehouse(tmp_path) as connection:
        running.fail(path=SOLD, **fault)
        sync(connection, account_of(running))
        assert units(connection) == {"eur": None, "gbp": None}
        assert said(connection) == [("warning", f"{ASKED}: {why}: 1, such as price_sold")]
        running.heal()
        change(world, sold(active=False))
        sync(connection, account_of(running))
        assert units(connection) == {"eur": list(EUROS), "gbp": list(POUNDS)}
        assert said(connection) == []


def test_tiers_that_are_held_stay_where_they_are_no_longer_shown(tmp_path: Path) -> None:
    """The price is archived meanwhile: that is taken up, and what it costs in euros and pounds is not lost."""
    world = filled(sold())
    with serving(world) as running, warehouse(tmp_path) as connection:
        sync(connection, account_of(running))
        world.store.put(sold(active=False))
        running.fail("server_error", SOLD, status=400)
        sync(connection, account_of(running), full=True)
        assert current(connection, "prices")["price_sold"][1]["active"] is False
        assert units(connection) == {"eur": list(EUROS), "gbp": list(POUNDS)}
        assert said(connection) == [("warning", f"{ASKED}: Stripe refuses to show them: 1, such as price_sold")]


def test_a_price_that_is_gone_by_the_time_its_tiers_are_asked_for_is_kept_as_it_came(tmp_path: Path) -> None:
    world = filled(sold())
    lose(world.store, "price_sold")
    with serving(world) as running, warehouse(tmp_path) as connection:
        sync(connection, account_of(running))
        (deleted, price) = current(connection, "prices")["price_sold"]
        assert (deleted, len(price["tiers"]), set(price["currency_options"])) == (False, 2, {"usd", "eur", "gbp"})
        assert said(connection) == [
            ("warning", f"{ASKED}: it was gone when they were asked for: 1, such as price_sold")
        ]


def lose(store: Store, price: str) -> None:
    """Lists go on showing the price, as a page that was made a moment ago does; by id it is not there."""
    del store.shelf("price").slots[price]


def test_an_exported_price_is_read_whole_by_the_next_sync(tmp_path: Path) -> None:
    exported = sold()
    for option in exported["currency_options"].values():
        option.pop("tiers", None)
    (tmp_path / "prices.ndjson").write_text("\n".join(json.dumps(price) for price in (exported, *others())))
    source = Export(PINNED_VERSION, "acct_1", datetime.fromtimestamp(NOW - DAY, UTC))
    with serving(filled(sold(), *others())) as running, warehouse(tmp_path / "home") as connection:
        report = files.load(connection, tmp_path / "prices.ndjson", source)
        assert report.cut == {"prices": 1}
        sync(connection, account_of(running))
        assert units(connection) == {"eur": list(EUROS), "gbp": list(POUNDS)}
