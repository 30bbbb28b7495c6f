"""Customers who were erased: nothing of them is left in raw, nothing comes in again, nobody else loses a byte."""

import json
from typing import Any

import duckdb
import polars as pl
import pytest

from pipelines.extract.client import PINNED_VERSION
from pipelines.warehouse import erased, raw
from pipelines.warehouse.erased import Tombstone
from tests.warehouse.raw_tables import ACCOUNT, Raw

ADA = Tombstone(ACCOUNT, "cus_ada")
STORY: dict[str, list[dict[str, Any]]] = {
    "customers": [
        {"id": "cus_ada", "object": "customer", "name": "Ada Byron"},
        {"id": "cus_bob", "object": "customer", "name": "Bob", "metadata": {"referred_by": "cus_ada"}},
    ],
    "payment_intents": [{"id": "pi_ada", "customer": "cus_ada", "receipt_email": "ada@byron.example"}],
    "charges": [
        {"id": "ch_ada", "customer": None, "payment_intent": "pi_ada", "billing_details": {"name": "Ada Byron"}},
        {"id": "ch_bob", "customer": "cus_bob", "billing_details": {"name": "Ada Byron"}},
    ],
    "disputes": [{"id": "du_ada", "charge": "ch_ada", "amount": 100, "evidence": {"customer_name": "Ada Byron"}}],
    "balance_transactions": [{"id": "txn_ada", "source": "du_ada", "net": -100, "description": "Ada Byron"}],
    "events": [
        {
            "id": "evt_1",
            "object": "event",
            "data": {"object": {"id": "du_ada", "charge": "ch_ada", "memo": "Ada Byron"}},
        }
    ],
    "products": [{"id": "prod_1", "name": "cus_ada's Ada Byron plan"}],
}


def told(connection: duckdb.DuckDBPyConnection) -> Raw:
    """The story in raw tables; Ada has been called otherwise before."""
    warehouse = Raw(connection)
    warehouse.put("customers", {"id": "cus_ada", "object": "customer", "name": "Augusta Byron"})
    for table, things in STORY.items():
        for thing in things:
            warehouse.put(table, thing)
    return warehouse


def payloads(connection: duckdb.DuckDBPyConnection, table: str) -> list[str]:
    return [text for (text,) in connection.execute(f"select payload::varchar from raw.{table} order by seq").fetchall()]


def erase(connection: duckdb.DuckDBPyConnection, tombstone: Tombstone = ADA) -> erased.Search:
    found = erased.search(connection, tombstone)
    erased.erase(connection, found)
    return found


def test_every_version_of_what_is_theirs_is_redacted_and_nobody_elses() -> None:
    with duckdb.connect() as connection:
        told(connection)
        others = [payloads(connection, table)[-1] for table in ("customers", "charges", "products")]
        found = erase(connection)
        assert found.ids == {"cus_ada", "pi_ada", "ch_ada", "du_ada", "txn_ada"}
        versions = {table: each.versions for table, each in found.taken.items() if each.versions}
        assert versions == {
            "customers": 2,
            "payment_intents": 1,
            "charges": 1,
            "disputes": 1,
            "balance_transactions": 1,
            "events": 1,
        }
        assert [payloads(connection, table)[-1] for table in ("customers", "charges", "products")] == others
        held = [text for table in versions for text in payloads(connection, table) if text not in others]
        assert not [text for text in held if "Byron" in text or "ada@" in text]
        assert json.loads(payloads(connection, "disputes")[0])["amount"] == 100
        assert erased.search(connection, ADA).is_clean


def test_the_same_version_arriving_again_is_no_new_one() -> None:
    with duckdb.connect() as connection:
        warehouse = told(connection)
        erase(connection)
        warehouse.put("customers", STORY["customers"][0])
        assert len(payloads(connection, "customers")) == 3


def test_what_arrives_later_is_redacted_before_it_is_written_and_what_hangs_on_it_too() -> None:
    with duckdb.connect() as connection:
        warehouse = told(connection)
        erase(connection)
        warehouse.put("customers", {"id": "cus_ada", "object": "customer", "name": "Ada King", "balance": 5})
        warehouse.put("charges", {"id": "ch_new", "customer": "cus_ada", "description": "Ada King"})
        warehouse.put("refunds", {"id": "re_new", "charge": "ch_new", "instructions_email": "ada@king.example"})
        assert json.loads(payloads(connection, "customers")[-1])["balance"] == 5
        every = [text for table in ("customers", "charges", "refunds") for text in payloads(connection, table)]
        assert not [text for text in every if "King" in text or "ada@" in text]


def detached(id_: str, was: str | None = "cus_ada") -> tuple[dict[str, Any], dict[str, Any]]:
    """A card that is nobody's any more, and the event that tells whose it was."""
    card = {"id": id_, "object": "payment_method", "customer": None, "billing_details": {"email": "ada@byron.example"}}
    told = {"id": f"evt_{id_}", "object": "event", "type": "payment_method.detached"}
    return card, told | {"data": {"object": card, "previous_attributes": {"customer": was}}}


def test_a_card_that_was_detached_is_theirs_by_its_event_or_by_a_charge() -> None:
    with duckdb.connect() as connection:
        warehouse = told(connection)
        card, event = detached("pm_told")
        warehouse.put("payment_methods", card)
        warehouse.put("events", event)
        warehouse.put("payment_methods", detached("pm_charged")[0])
        warehouse.put("charges", {"id": "ch_card", "customer": "cus_ada", "payment_method": "pm_charged"})
        others = detached("pm_bob", "cus_bob")[1]
        warehouse.put("events", others)
        assert {"pm_told", "pm_charged"} <= erase(connection).ids
        assert not [text for text in payloads(connection, "payment_methods") if "ada@" in text]
        assert ["ada@" in text for text in payloads(connection, "events")] == [False, False, True]


@pytest.mark.parametrize("event_first", [True, False])
def test_a_card_that_is_detached_later_comes_in_without_a_person_in_any_order(event_first: bool) -> None:
    with duckdb.connect() as connection:
        warehouse = told(connection)
        erase(connection)
        card, event = detached("pm_new")
        arriving = [("events", event), ("payment_methods", card)]
        for table, thing in arriving if event_first else reversed(arriving):
            warehouse.put(table, thing)
        about = {"id": "pm_new", "object": "payment_method", "customer": None, "billing_details": {"name": "Ada King"}}
        warehouse.put("events", {"id": "evt_later", "object": "event", "data": {"object": about}})
        held = [*payloads(connection, "payment_methods"), *payloads(connection, "events")]
        assert not [text for text in held if "ada@" in text or "King" in text]


def test_what_still_holds_their_name_is_told_where_nothing_says_whose_it_is() -> None:
    with duckdb.connect() as connection:
        warehouse = told(connection)
        bobs = {"object": "event", "data": {"object": {"id": "pm_bob", "customer": "cus_bob"}}}
        warehouse.put("payment_methods", detached("pm_bob")[0])
        warehouse.put("events", {"id": "evt_bob", **bobs})
        warehouse.put("payment_methods", detached("pm_lost")[0])
        erase(connection)
        assert erased.is_held(connection, "ada@byron.example")
        assert erased.unclaimed(connection, ADA, "ada@byron.example") == [("payment_methods", "pm_lost")]
        assert erased.unclaimed(connection, ADA, "Ada Byron") == []


def test_an_account_with_the_same_id_keeps_its_customer() -> None:
    with duckdb.connect() as connection:
        warehouse = told(connection)
        warehouse.put("customers", {"id": "cus_ada", "object": "customer", "name": "Ada Lace"}, account="acct_2")
        erase(connection)
        assert "Ada Lace" in payloads(connection, "customers")[-1]


def test_metadata_that_figures_are_made_by_stays() -> None:
    with duckdb.connect() as connection:
        warehouse = Raw(connection)
        warehouse.put("customers", {"id": "cus_ada", "metadata": {"segment": "enterprise", "note": "Ada"}})
        erase(connection, Tombstone(ACCOUNT, "cus_ada", ("segment",)))
        warehouse.put("customers", {"id": "cus_ada", "metadata": {"segment": "small", "note": "Ada"}})
        assert payloads(connection, "customers") == [
            '{"id":"cus_ada","metadata":{"segment":"enterprise"}}',
            '{"id":"cus_ada","metadata":{"segment":"small"}}',
        ]


def test_renditions_of_older_versions_are_redacted_with_them() -> None:
    with duckdb.connect() as connection:
        raw.create(connection, ["invoices"])
        connection.execute("create table pipeline.renditions (stream varchar, seq bigint, payload json)")
        row = {"id": "in_1", "version_hash": "x", "changed_at": None, "seen_at": None, "seen_by": "import"}
        payload = json.dumps({"id": "in_1", "customer": "cus_ada", "customer_name": "Ada Byron"})
        frame = pl.DataFrame([{**row, "deleted": False, "payload": payload}], schema=raw.SCHEMA)
        frame = frame.with_columns(pl.lit("2026-01-01").str.to_datetime("%Y-%m-%d", time_zone="UTC").alias("seen_at"))
        raw.append(connection, "invoices", ACCOUNT, PINNED_VERSION, frame)
        connection.execute("insert into pipeline.renditions select 'invoices', seq, payload from raw.invoices")
        connection.execute("insert into pipeline.renditions select 'charges', seq, payload from raw.invoices")
        erase(connection)
        rows = connection.execute("select stream, payload::varchar from pipeline.renditions order by stream").fetchall()
        assert ["Byron" in text for _, text in rows] == [True, False]
