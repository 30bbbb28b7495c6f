"""A customer is erased, at Stripe and in every byte of the working folder, stays away, and no figure changes a cent."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from sandbox.serving import Sandbox, serving
from sandbox.world.business import Business
from sandbox.world.world import World
from tests.pipelines.conftest import Revenue

PERSON = {
    "name": "Persephone Planted",
    "email": "persephone.planted@example.org",
    "phone": "+4915155500199",
    "street": "Plantagenstrasse 7",
    "city": "Plantstadt",
    "note": "Planted wants a paper invoice",
    "comment": "Planted is too old for this",
    "vat": "DE299123456",
    "ip": "203.0.113.77",
}
PERSONAL = {
    "marts.customers": {"name", "email"},
    "marts.churned_customers": {"comment"},
    "marts.cancellation_requests": {"comment"},
}
"""Columns of marts that are about a person."""
COUNTED = {"marts.pipeline_runs", "marts.publication"}
"""Tables that tell of runs, of which an erasure is one."""

pytestmark = pytest.mark.waits

Sought = dict[str, str]


def planted(world: World) -> tuple[World, str]:
    """A company with a person in whatever of one customer's could name one: who subscribes, and once disputed."""
    store = world.store
    disputed = {dispute["charge"] for dispute in _all(world, "dispute")}
    live = {each["customer"] for each in _all(world, "subscription") if each["status"] == "active"}
    charges = _all(world, "charge")
    theirs = [each for each in charges if each["customer"] in live]
    customer = max(theirs, key=lambda charge: (charge["id"] in disputed, charge["id"]))["customer"]
    address = {"line1": PERSON["street"], "city": PERSON["city"], "country": "DE", "postal_code": "10999"}
    person = {"name": PERSON["name"], "email": PERSON["email"], "phone": PERSON["phone"], "address": address}
    plants: dict[str, dict[str, Any]] = {
        "customer": {
            **person,
            "description": PERSON["note"],
            "shipping": person,
            "metadata": {"note": PERSON["note"]},
            "tax_ids": {"object": "list", "data": [{"id": "txi_1", "type": "eu_vat", "value": PERSON["vat"]}]},
        },
        "charge": {"billing_details": person, "receipt_email": PERSON["email"], "description": PERSON["note"]},
        "invoice": {
            "customer_name": PERSON["name"],
            "customer_email": PERSON["email"],
            "customer_tax_ids": [{"type": "eu_vat", "value": PERSON["vat"]}],
            "custom_fields": [{"name": "Ordered by", "value": PERSON["name"]}],
        },
        "payment_intent": {"receipt_email": PERSON["email"], "description": PERSON["note"], "shipping": person},
        "payment_method": {"billing_details": person},
        "subscription": {
            "description": PERSON["note"],
            "cancellation_details": {"comment": PERSON["comment"], "feedback": None, "reason": None},
        },
        "dispute": {
            "evidence": {"customer_name": PERSON["name"], "customer_purchase_ip": PERSON["ip"], "receipt": None},
        },
    }
    own = {each["id"] for each in charges if each["customer"] == customer}
    cards = {each["payment_method"] for each in charges if each["customer"] == customer}  # detached ones too
    for kind, more in plants.items():
        for held in _all(world, kind):
            if customer in (held.get("customer"), held["id"]) or held.get("charge") in own or held["id"] in cards:
                store.put({**held, **more})
    return world, customer


def _all(world: World, kind: str) -> list[dict[str, Any]]:
    found = (world.store.get(kind, id_) for id_ in list(world.store.ids(kind)))
    return [each for each in found if each is not None]


@pytest.fixture
def account(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Sandbox, str]]:
    world, customer = planted(World.grown(Business(seed=6, customers=40, months=8)))
    with serving(world) as served:
        home.mkdir()
        (home / "rates.csv").write_text(served.fx_rates_csv())
        monkeypatch.setenv("STRIPE_API_KEY", served.key)
        monkeypatch.setenv("STRIPE_WRITE_KEY", served.write_key)
        monkeypatch.setenv("STRIPE_API_BASE", served.url)
        yield served, customer


def holding(home: Path, sought: Sought = PERSON) -> dict[str, set[str]]:
    """Where any of the values still is: every byte of every file, and every row of every table, unpacked."""
    found: dict[str, set[str]] = {}
    for file in home.rglob("*"):
        if file.is_file():
            found[file.name] = _in(file.read_bytes(), sought)
    for name in ("warehouse.duckdb", "revenue.duckdb"):
        with duckdb.connect(home / name, read_only=True) as connection:
            for schema, table in connection.execute("select schema_name, table_name from duckdb_tables()").fetchall():
                rows = connection.sql(f"select t::varchar from {schema}.{table} as t").fetchall()
                found[f"{schema}.{table} of {name}"] = _in("".join(row for (row,) in rows).encode(), sought)
    return {place: names for place, names in found.items() if names}


def _in(text: bytes, sought: Sought) -> set[str]:
    return {name for name, value in sought.items() if value.encode() in text}


def marts(home: Path) -> dict[str, pl.DataFrame]:
    """Every mart of the published file, without what is about persons and about runs."""
    with duckdb.connect(home / "revenue.duckdb", read_only=True) as connection:
        query = "select schema_name || '.' || table_name from duckdb_tables() where schema_name = 'marts'"
        names = {name for (name,) in connection.execute(query).fetchall()} - COUNTED
        rows = {name: connection.sql(f"from {name} order by all").pl() for name in sorted(names)}
    return {name: frame.drop(PERSONAL.get(name, set()), strict=False) for name, frame in rows.items()}


def written_beside(revenue: Revenue, home: Path, customer: str) -> None:
    """What other commands leave of the customer: a draft of evidence, a log of an error, a reconciliation."""
    found = revenue("query", f"select dispute_id from disputes where customer_id = '{customer}'", "--format", "csv").out
    assert revenue("disputes", "draft", found.split()[1]).code == 0
    (home / "logs").mkdir()
    (home / "logs" / "error-20260301T120000.log").write_text(f"KeyError: '{PERSON['email']}'")
    rows = f"month,customer_id,customer\n2026-01-01,{customer},{PERSON['name']}\n2026-01-01,cus_other,Somebody Else\n"
    (home / "reconciliation.csv").write_text(rows)


def test_nothing_is_left_at_stripe_or_in_any_byte_and_no_figure_changes(
    revenue: Revenue, home: Path, account: tuple[Sandbox, str]
) -> None:
    sandbox, customer = account
    assert revenue("run", "--quiet").code == 0
    before = marts(home)
    assert "name" in holding(home)["raw.customers of warehouse.duckdb"]
    written_beside(revenue, home, customer)
    dry = revenue("erase", customer)
    assert (dry.code, "Dry run" in dry.out, "raw.charges" in dry.out) == (0, True, True)
    assert "name" in holding(home)["raw.customers of warehouse.duckdb"]
    done = revenue("erase", customer, "--execute", "--by", "mara", "--quiet", "--reference", "T-1")
    assert done.code == 0, done.err
    assert holding(home) == {}
    for name, frame in marts(home).items():
        assert_frame_equal(frame, before[name])
    certificate = json.loads(next((home / "erasures").glob("*.json")).read_text())
    assert certificate["at_stripe"]["customer"] == "deleted"
    assert (certificate["by"], certificate["customer_id"], certificate["reference"]) == ("mara", customer, "T-1")
    assert certificate["verified"]["left_in"] == []
    assert certificate["verified"]["values_sought"] > 3
    places = {each["place"]: each.get("values") for each in certificate["erased"]}
    assert places["warehouse.duckdb, raw.disputes"] > 0
    assert {"logs", "disputes", "reconciliation.csv"} <= set(places)
    assert "cus_other,Somebody Else" in (home / "reconciliation.csv").read_text()
    assert "whole" in revenue("audit", "verify").out
    assert "era_" in revenue("erasures").out
    sandbox.advance(days=2)
    assert revenue("run", "--quiet").code == 0
    assert holding(home) == {}
