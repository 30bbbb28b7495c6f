"""Erasures outlive the warehouse and reach the inbox: whoever opens either keeps the customer out."""

import json
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from billing import erasures
from billing.erasures import Asked
from billing.store import open_store
from billing.webhooks import inbox, notices
from billing.webhooks.inbox import Delivery
from pipelines import settings, tombstones
from pipelines.erasure import INBOX, _clean_inbox, _Swept
from pipelines.tombstones import Keeper
from pipelines.warehouse import erased
from tests.warehouse.raw_tables import ACCOUNT, Raw

AT = datetime(2026, 3, 1, tzinfo=UTC)
ADA = Asked(ACCOUNT, False, "cus_ada", kept_metadata=("segment",))


def event(id_: str, about: dict[str, object]) -> bytes:
    head = {"id": id_, "object": "event", "type": "x.updated", "created": 1, "livemode": False, "api_version": "v"}
    return json.dumps(head | {"data": {"object": about}}, separators=(",", ":")).encode()


CUSTOMER = event("evt_1", {"id": "cus_ada", "object": "customer", "name": "Ada Byron", "metadata": {"segment": "a"}})
DISPUTE = event("evt_2", {"id": "du_ada", "object": "dispute", "charge": "ch_ada", "memo": "Ada Byron"})
OTHER = event("evt_3", {"id": "cus_bob", "object": "customer", "name": "Ada Byron"})


def test_a_warehouse_that_is_read_anew_or_brought_back_learns_of_erasures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REVENUE_HOME", str(tmp_path))
    store = open_store(None, tmp_path)
    erasures.mark(store, erasures.begin(store, ADA, AT, "mara"), ["cus_ada", "ch_old"], AT)
    store.close()
    with duckdb.connect() as connection:
        warehouse = Raw(connection)
        warehouse.put("customers", {"id": "cus_ada", "name": "Ada Byron", "metadata": {"segment": "a", "note": "b"}})
        tombstones.hold(connection, settings.load())
        warehouse.put("disputes", {"id": "du_ada", "charge": "ch_old", "evidence": {"customer_name": "Ada Byron"}})
        held = connection.execute("select payload::varchar from raw.customers").fetchall()
        assert held == [('{"id":"cus_ada","name":null,"metadata":{"segment":"a"}}',)]
        assert "Byron" not in connection.execute("select payload::varchar from raw.disputes").fetchall()[0][0]
        assert [each.customer_id for each in erased.tombstones(connection)] == ["cus_ada"]


def test_events_that_come_in_are_redacted_as_soon_as_the_erasure_is_begun(tmp_path: Path) -> None:
    store = open_store(None, tmp_path)
    keeper = Keeper(store)
    assert keeper.redacted([CUSTOMER, DISPUTE, OTHER]) == [CUSTOMER, DISPUTE, OTHER]
    erasure = erasures.begin(store, ADA, AT, "mara")
    assert ["Byron" in each.decode() for each in keeper.redacted([CUSTOMER, DISPUTE, OTHER])] == [False, True, True]
    erasures.mark(store, erasure, ["cus_ada", "ch_ada"], AT)
    assert ["Byron" in each.decode() for each in keeper.redacted([CUSTOMER, DISPUTE, OTHER])] == [False, False, True]
    store.close()


CARD: dict[str, object] = {
    "id": "pm_ada",
    "object": "payment_method",
    "customer": None,
    "billing_details": {"name": "Ada Byron"},
}
DETACHED = event("evt_4", CARD).replace(b"}}}", b'}},"previous_attributes":{"customer":"cus_ada"}}')
CHANGED = event("evt_5", CARD)


def test_a_card_that_was_detached_stays_theirs_by_what_an_event_told(tmp_path: Path) -> None:
    store = open_store(None, tmp_path)
    keeper = Keeper(store)
    erasures.begin(store, ADA, AT, "mara")
    assert keeper.redacted([CHANGED]) == [CHANGED]
    assert not [each for each in keeper.redacted([DETACHED, CHANGED]) if b"Byron" in each]
    told = notices.notice(DETACHED)
    with store.engine.begin() as connection:
        inbox.append(connection, [Delivery(told, ACCOUNT, "main", AT, "{}")])
    assert b"Byron" not in Keeper(store).redacted([CHANGED])[0]
    store.close()


def test_events_that_wait_in_the_inbox_are_rewritten_down_to_the_last_page(tmp_path: Path) -> None:
    store = open_store(None, tmp_path)
    told = [notices.notice(each) for each in (CUSTOMER, DISPUTE, OTHER.replace(b"Ada Byron", b"Bob"))]
    with store.engine.begin() as connection:
        inbox.append(connection, [Delivery(each, ACCOUNT, "main", AT, each.payload.decode()) for each in told])
    swept = _Swept()
    _clean_inbox(store, ADA, {"cus_ada", "ch_ada", "du_ada"}, swept)
    store.compact()
    assert (swept.files, swept.values) == ({INBOX: 2}, {INBOX: 2})
    assert [each.name for each in tmp_path.iterdir() if b"Byron" in each.read_bytes()] == []
    payloads = [each.payload for each in inbox.unrefreshed(store, 10)]
    assert ['"Bob"' in each for each in payloads] == [False, False, True]
    store.close()
