"""Answers that no honest server gives: nothing crashes, nothing else is lost, and what is not held as sent is told."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.extract import audit, characters, cursors, files
from pipelines.extract.client import PINNED_VERSION
from pipelines.extract.errors import ExtractError, RequestRefused
from pipelines.extract.files import Export
from pipelines.extract.personal import Personal, treatments
from pipelines.extract.sync import StreamsFailed, sync
from sandbox.serving import serving
from sandbox.world import shapes
from tests.extract.conftest import FAST, account_of, current, warehouse
from tests.still_world import NOW, StillWorld, empty_store

ONCE_MORE = replace(FAST, attempts=2)
TEXTS = (
    "'); drop table raw.charges; --",
    "<script>alert(1)</script>",
    '=HYPERLINK("http://evil.example","click")',
    "../../../etc/passwd",
    "%00%2e%2e%2f",
    "a\x00b",
    "🙂\u202e\u2028",
    '\\"}],"has_more":true',
    "25% off, é? x#y + z",
    "x" * 255,
)


def charge(id_: str, **more: Any) -> dict[str, Any]:
    return shapes.charge(id=id_, created=NOW - 50, amount=100, currency="usd") | more


def customer(id_: str) -> dict[str, Any]:
    return shapes.customer(id=id_, created=NOW - 50, email="a@b.c")


def account_with(*objects: dict[str, Any]) -> StillWorld:
    store = empty_store()
    for each in objects:
        store.put(each)
    return StillWorld(store)


def tell(world: StillWorld, number: int, type_: str, thing: dict[str, Any]) -> None:
    """An event, old enough to be followed."""
    world.store.put(shapes.event(id=f"evt_{number}", created=NOW + 5, type=type_, object=thing))
    world.now = NOW + 500


def oddities(connection: duckdb.DuckDBPyConnection, stream: str) -> list[tuple[str, int, str]]:
    """What the data checks say of a stream: severity, how many, words."""
    found = audit.checks(connection).filter(
        pl.col("check_name") == "objects_are_understood", pl.col("table_name") == f"raw.{stream}", ~pl.col("passed")
    )
    return [(each["severity"], each["failing_rows"], each["detail"]) for each in found.iter_rows(named=True)]


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with warehouse(tmp_path / "home") as opened:
        yield opened


def showing(bodies: Mapping[str, bytes]) -> StillWorld:
    """An account with a charge for each body, which the API answers for it, and two sound ones round them."""
    world = account_with(charge("ch_first"), *(charge(id_) for id_ in bodies), charge("ch_last"))
    for id_, body in bodies.items():
        world.store.show("charge", id_, body)
    return world


def head(id_: str) -> bytes:
    return b'"id":%s,"object":"charge","created":%d,"livemode":false' % (json.dumps(id_).encode(), NOW - 50)


AS_SENT = {
    "a NUL": b'"description":"a\\u0000b","metadata":{"k\\u0000":"v"}',
    "an integer of 400 digits": b'"amount":' + b"9" * 400,
    "a number beyond a double": b'"amount":1e999',
    "a field twice": b'"amount":1,"amount":2',
    "a megabyte of text": b'"description":"' + b"x" * 1_000_000 + b'"',
    "a megabyte of digits": b'"description":"' + b"42" * 500_000 + b'"',
    "three hundred levels": b'"metadata":' + b'{"a":' * 300 + b"1" + b"}" * 300,
    "an empty name": b'"":{"":[]}',
    **{text: b'"description":' + json.dumps(text).encode() for text in TEXTS},
}


def test_what_is_json_is_held_as_it_was_sent(connection: duckdb.DuckDBPyConnection) -> None:
    bodies = {id_: b"{%s,%s}" % (head(id_), fields) for id_, fields in AS_SENT.items()}
    with serving(showing(bodies)) as running:
        sync(connection, account_of(running, limits=ONCE_MORE))
    held = dict(connection.execute("select id, payload::varchar from raw.charges").fetchall())
    assert held.keys() == {"ch_first", *bodies, "ch_last"}
    for id_, body in bodies.items():
        assert held[id_].encode() == body, id_
    assert oddities(connection, "charges") == []


NO_UNICODE = {
    "bytes that are no UTF-8": (b"a\xff\xfeb", "a\ufffd\ufffdb"),
    "a surrogate as bytes": (b"\xed\xa0\x80", "\ufffd" * 3),
    "a character that is cut": (b"\xe2\x82", "\ufffd"),
    "half a pair": (b"\\ud800", "\ufffd"),
    "the other half": (b"\\uDC00!", "\ufffd!"),
    "halves before and after a pair": (b"\\udbff\\ud83d\\ude42\\udbff", "\ufffd🙂\ufffd"),
    "half a pair before other escapes": (b"\\ud83d\\u0041\\n\\\\ud800", "\ufffdA\n\\ud800"),
}


def test_what_is_no_unicode_is_replaced_and_told(connection: duckdb.DuckDBPyConnection) -> None:
    bodies = {id_: b'{%s,"amount":7,"description":"%s"}' % (head(id_), sent) for id_, (sent, _) in NO_UNICODE.items()}
    with serving(showing(bodies)) as running:
        report = sync(connection, account_of(running))
    held = {id_: payload for id_, (_, payload) in current(connection, "charges").items()}
    assert held.keys() == {"ch_first", *bodies, "ch_last"}
    for id_, (_, expected) in NO_UNICODE.items():
        assert (held[id_]["description"], held[id_]["amount"]) == (expected, 7)
    words = "characters that are no Unicode were replaced by U+FFFD: 7, such as a character that is cut"
    assert oddities(connection, "charges") == [("warning", 7, words)]
    assert report.repeats == 0


NO_OBJECTS = {
    "null": b"null",
    "a number": b"7",
    "a text": b'"ch_2"',
    "a list": b'[{"id":"ch_2","object":"charge"}]',
    "an empty object": b"{}",
    "no id": b'{"object":"charge"}',
    "an empty id": b'{"id":"","object":"charge"}',
    "an id that is null": b'{"id":null,"object":"charge"}',
    "an id that is a number": b'{"id":2,"object":"charge"}',
}


def test_what_is_no_object_is_left_out_and_the_checks_block(connection: duckdb.DuckDBPyConnection) -> None:
    """Personal data is treated, so that everything that looks into objects looks into these."""
    world = showing(NO_OBJECTS)
    with serving(world) as running:
        account = replace(account_of(running), personal=Personal(treatments("all=hash"), b"key"))
        sync(connection, account)
        assert set(current(connection, "charges")) == {"ch_first", "ch_last"}
        [(severity, _, words)] = oddities(connection, "charges")
        assert severity == "blocking"
        assert f"an object without id was left out: {len(NO_OBJECTS)}" in words
        for id_ in NO_OBJECTS:
            world.store.put(charge(id_))
        world.now += 1
        sync(connection, account, full=True)
    assert set(current(connection, "charges")) == {"ch_first", *NO_OBJECTS, "ch_last"}
    assert oddities(connection, "charges") == []


NO_LISTS = {
    "/v1/charges": '{"object":"list","data":[{"id":"ch_1","amount":NaN}],"has_more":false}',
    "/v1/coupons": '{"object":"list","data":[{"id":"co_1","percent_off":-Infinity}],"has_more":false}',
    "/v1/credit_notes": '{"object":"list","data":[{"id":"cn_1","memo":"a\x00b"}],"has_more":false}',
    "/v1/disputes": '{"object":"list","data":[{"id":"dp_1",}],"has_more":false}',
    "/v1/invoices": '{"object":"list","data":[{"id":"in_1"}}],"has_more":false}',
    "/v1/payouts": '{"object":"list","data":[{"id":"po_1","description":"\\u12"}],"has_more":false}',
    "/v1/products": '{"object":"list","data":[{"id":"pr_1","a":%s}],"has_more":false}' % ("[" * 10_000 + "]" * 10_000),
    "/v1/prices": '{"object":"list","data":null,"has_more":false}',
    "/v1/refunds": '{"object":"list","data":{},"has_more":false}',
    "/v1/subscriptions": '{"object":"list","data":[]}',
    "/v1/tax_rates": '{"object":"list","data":[],"has_more":"no"}',
    "/v1/payment_intents": '{"object":"list","has_more":false}',
    "/v1/promotion_codes": '{"data":[],"has_more":false}',
    "/v1/invoiceitems": "[]",
    "/v1/events": "null",
    "/v1/payment_methods": "",
    "/v1/subscription_schedules": "\xff\xfe{",
    "/v1/checkout/sessions": "[" * 100_000,
}


def test_what_is_no_list_fails_its_stream_by_name_and_the_others_are_read(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    with serving(account_with(charge("ch_1"), customer("cus_1"))) as running:
        for path, body in NO_LISTS.items():
            running.fail("body", path, body=body)
        with pytest.raises(StreamsFailed) as failed:
            sync(connection, account_of(running, limits=ONCE_MORE))
        for path in NO_LISTS:
            assert f"{path} gave no usable answer in 2 attempts" in str(failed.value)
        assert str(failed.value).count("gave no usable answer") == len(NO_LISTS)
        assert set(current(connection, "customers")) == {"cus_1"}
        running.heal()
        sync(connection, account_of(running))
    assert set(current(connection, "charges")) == {"ch_1"}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/account", "[]"),
        ("/v1/account", '{"object":"account"}'),
        ("/v1/account", '{"object":"account","id":7}'),
        ("/v1/account", '{"object":"customer","id":"cus_1"}'),
        ("/v1/account", '{"object":"account","id":"acct_/../.."}'),
        ("/v1/balance", "null"),
    ],
)
def test_what_is_no_account_is_refused_before_anything_is_written(
    connection: duckdb.DuckDBPyConnection, path: str, body: str
) -> None:
    with serving(account_with()) as running:
        running.fail("body", path, body=body)
        with pytest.raises(ExtractError, match=path):
            sync(connection, account_of(running, limits=ONCE_MORE))
    assert connection.execute("select * from duckdb_tables() where schema_name = 'raw'").fetchall() == []


NO_MOMENTS = {"a": b"1e400", "b": b"9" * 30, "c": b"-5", "d": b'"soon"', "e": b"[]", "f": b"true"}
THINGS = (
    b'{"id":"ch_1","object":"charge","created":"2026-01-01T00:00:00Z","amount":1e999}',
    b'{"id":"ch_2","object":"charge","created":%s}' % (b"9" * 400),
    b'{"id":"ch_3","object":"charge","created":-1,"deep":%s}' % (b"[" * 600 + b"]" * 600),
    b'{"id":"ch_4","object":"charge","description":"\\ud800"}',
)
NO_EVENTS = (
    b'"type":"charge.updated","created":%d' % (NOW + 5),
    b'"created":%d,"data":{"object":{"id":"ch_1","object":"charge"}}' % (NOW + 5),
    b'"type":"charge.updated","created":%d,"data":{"object":"ch_1"}' % (NOW + 5),
)


def test_instants_that_are_none_are_told_and_break_no_cursor(connection: duckdb.DuckDBPyConnection) -> None:
    """In a list that has no filter by creation, and as the day on which a balance transaction becomes available; such
    objects are held as they are. An event whose own fields are odd is told, one about an odd object is followed."""
    methods = [shapes.payment_method(id=f"pm_{name}", created=NOW - 9, customer=None) for name in NO_MOMENTS]
    entries = [
        {"id": f"txn_{name}", "object": "balance_transaction", "created": NOW - 9, "available_on": NOW + 9}
        for name in NO_MOMENTS
    ]
    charges = [charge(f"ch_{number}") for number in range(1, len(THINGS) + 1)]
    world = account_with(*methods, *entries, *charges)
    for name, moment in NO_MOMENTS.items():
        method = b'{"id":"pm_%s","object":"payment_method","created":%s}' % (name.encode(), moment)
        world.store.show("payment_method", f"pm_{name}", method)
        entry = b'{"id":"txn_%s","object":"balance_transaction","created":%d,"status":"pending","available_on":%s}'
        world.store.show("balance_transaction", f"txn_{name}", entry % (name.encode(), NOW - 9, moment))
    with serving(world) as running:
        sync(connection, account_of(running))
        fields = b'"type":"charge.updated","created":%d,"data":{"object":%s}'
        for number, body in enumerate([*NO_EVENTS, *(fields % (NOW + 5, thing) for thing in THINGS)]):
            tell(world, number, "charge.updated", charges[0])
            world.store.show("event", f"evt_{number}", b'{"id":"evt_%d","object":"event",%s}' % (number, body))
        for each in charges:
            world.store.put(each | {"description": "changed"})
        sync(connection, account_of(running))
        assert all(each.newest_created_at for each in cursors.status(connection) if each.stream == "charges")
    assert {payload["description"] for _, payload in current(connection, "charges").values()} == {"changed"}
    assert set(current(connection, "payment_methods")) == {f"pm_{name}" for name in NO_MOMENTS}
    for stream, count in (("payment_methods", 6), ("balance_transactions", 6), ("events", 3 + 1)):
        assert [(severity, times) for severity, times, _ in oddities(connection, stream)] == [("warning", count)]


def test_a_list_whose_objects_hide_their_creation_is_read_page_by_page(connection: duckdb.DuckDBPyConnection) -> None:
    """Nobody can tell how dense 350 such objects lie, so their window is not cut: four pages."""
    world = account_with(*(charge(f"ch_{number}") for number in range(350)))
    for number in range(350):
        world.store.show("charge", f"ch_{number}", b'{"id":"ch_%d","object":"charge","created":"?"}' % number)
    with serving(world) as running:
        report = sync(connection, account_of(running))
    assert len(current(connection, "charges")) == 350
    assert report.streams["charges"].requests == 4


def test_ids_that_others_choose_are_listed_read_again_and_found_deleted(connection: duckdb.DuckDBPyConnection) -> None:
    """Coupons and customers may be called anything; a credit entry is listed under its customer."""
    coupons = [shapes.coupon(id=text, created=NOW - 50, percent_off=10) for text in TEXTS]
    customers = [customer(text) | {"balance": -5} for text in TEXTS]
    entries = [
        {"id": f"cbtxn_{n}", "object": "customer_balance_transaction", "created": NOW - 9, "customer": text}
        for n, text in enumerate(TEXTS)
    ]
    world = account_with(*coupons, *customers, *entries)
    with serving(world) as running:
        sync(connection, account_of(running))
        for stream in ("coupons", "customers"):
            assert set(current(connection, stream)) == set(TEXTS)
        assert len(current(connection, "customer_balance_transactions")) == len(TEXTS)
        for number, each in enumerate(coupons):
            tell(world, number, "coupon.updated", each)
            world.store.put(each | {"name": "changed"})
        sync(connection, account_of(running))
        assert {each["name"] for _, each in current(connection, "coupons").values()} == {"changed"}
        for text in TEXTS:
            world.store.delete("coupon", text)
        sync(connection, account_of(running), full=True)
    assert all(gone for gone, _ in current(connection, "coupons").values())


def test_only_stripes_own_word_about_the_asked_object_counts(connection: duckdb.DuckDBPyConnection) -> None:
    """A proxy's 404 deletes nothing, and another object's state is not taken for that of the asked one."""
    world = account_with(charge("ch_1"), charge("ch_2"), customer("cus_1"))
    with serving(world) as running:
        sync(connection, account_of(running))
        tell(world, 1, "charge.updated", charge("ch_1"))
        tell(world, 2, "customer.updated", customer("cus_1"))
        world.store.put(charge("ch_1", description="changed"))
        running.fail("body", "/v1/charges/ch_1", body=json.dumps(charge("ch_2", description="by mistake")))
        running.fail("server_error", "/v1/customers/cus_1", status=404)
        with pytest.raises(StreamsFailed, match=r"customers: .*HTTP 404"):
            sync(connection, account_of(running))
        assert descriptions(connection) == {"ch_1": None, "ch_2": None}
        assert not current(connection, "customers")["cus_1"][0]
        words = "another object was answered than the one asked for: 1, such as ch_1"
        assert oddities(connection, "charges") == [("blocking", 1, words)]
        running.heal()
        sync(connection, account_of(running))
    assert descriptions(connection) == {"ch_1": "changed", "ch_2": None}
    assert oddities(connection, "charges") == []


def descriptions(connection: duckdb.DuckDBPyConnection) -> dict[str, str | None]:
    return {id_: payload["description"] for id_, (_, payload) in current(connection, "charges").items()}


def test_what_was_left_out_is_told_though_the_run_fails(connection: duckdb.DuckDBPyConnection) -> None:
    with serving(showing({"ch_odd": b"null"})) as running:
        running.fail("server_error", "/v1/refunds")
        with pytest.raises(StreamsFailed, match="refunds"):
            sync(connection, account_of(running, limits=ONCE_MORE))
        running.heal()
        sync(connection, account_of(running))
    assert [severity for severity, _, _ in oddities(connection, "charges")] == ["blocking"]


def test_personal_data_that_nests_too_deeply_to_be_treated_is_not_stored(connection: duckdb.DuckDBPyConnection) -> None:
    world = account_with(charge("ch_1"), customer("cus_1"))
    deep = b'{"id":"cus_1","object":"customer","email":"a@b.c","metadata":%s}' % (b'{"a":' * 600 + b"1" + b"}" * 600)
    world.store.show("customer", "cus_1", deep)
    with serving(world) as running:
        account = replace(account_of(running), personal=Personal(treatments("all=drop"), b"key"))
        with pytest.raises(StreamsFailed, match=r"customers: .*nests too deeply"):
            sync(connection, account)
    assert current(connection, "customers") == {}
    assert set(current(connection, "charges")) == {"ch_1"}


def test_errors_say_nothing_that_a_terminal_would_obey() -> None:
    refused = RequestRefused("red \x1b[31m alert\x07\r\nnext \ud800 line sk_live_abcdefgh")
    assert str(refused) == "red  [31m alert next   line sk_live_…"


def test_files_take_what_the_wire_takes(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """Lines of an export: those that are text are loaded, mended where that is needed, the others named."""
    lines = [
        b"\xef\xbb\xbf" + json.dumps(charge("ch_1")).encode(),
        b'{"id":"ch_2","object":"charge","livemode":false,"description":"a\xff\\ud800"}',
        b'{"id":"ch_3","object":"charge","amount":NaN}',
        b'{"id":"ch_4","object":"charge","metadata":%s}' % (b"[" * 100_000 + b"]" * 100_000),
        b'{"object":"list","data":null}',
        b'{"object":"list","data":[7,null,{"id":"ch_5","object":"charge","livemode":false}]}',
        b'{"id":"ch_6","object":"charge","livemode":false,"amount":%s}' % (b"9" * 400),
    ]
    (tmp_path / "charges.ndjson").write_bytes(b"\n".join(lines))
    report = files.load(connection, tmp_path / "charges.ndjson", Export(PINNED_VERSION, "acct_1"))
    assert set(current(connection, "charges")) == {"ch_1", "ch_2", "ch_5", "ch_6"}
    assert current(connection, "charges")["ch_2"][1]["description"] == "a\ufffd\ufffd"
    assert report.mended == ["charges.ndjson line 2"]
    assert [line.partition(":")[0] for line in report.unreadable] == [
        "charges.ndjson line 3",
        "charges.ndjson line 4",
        "charges.ndjson line 5",
        "charges.ndjson entry 3",
        "charges.ndjson entry 4",
    ]


@pytest.mark.parametrize(
    "content", [b"\x1f\x8b\x08\x00broken", b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xff\xff\xff"]
)
def test_an_archive_that_is_damaged_is_named(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "charges.ndjson.gz").write_bytes(content)
    with pytest.raises(ExtractError, match=r"charges\.ndjson\.gz can't be read"):
        files.load(connection, tmp_path / "charges.ndjson.gz", Export(PINNED_VERSION, "acct_1"))


_PIECES = (
    *(
        b'"',
        b"\\",
        b"\\ud800",
        b"\\udc00",
        b"\\ud83d\\ude42",
        b"\xff",
        b"\xed\xa0\x80",
        b"\xf0\x9f\x99\x82",
        b"{",
        b"}",
    ),
    *(b"[", b"]", b":", b",", b"1", b"-", b".5", b"e9", b"null", b"NaN", b"\\u0000", b"\x00", b"\n", b" ", b'"a":'),
)


@settings(max_examples=40)
@given(st.lists(st.lists(st.sampled_from(_PIECES), max_size=8).map(b"".join), min_size=20, max_size=20))
def test_whatever_the_wire_takes_the_warehouse_takes_too(pieces: list[bytes]) -> None:
    """So that no answer can break a commit, and with it what other streams read."""
    taken = []
    for body in [*(b'{"a":"%s"}' % piece for piece in pieces), *(b'{"a":%s}' % piece for piece in pieces)]:
        try:
            taken.append(characters.compact(body)[0].decode())
        except ValueError:
            continue
    with duckdb.connect() as scratch:
        frame = pl.DataFrame({"payload": taken}, schema={"payload": pl.String})
        scratch.execute("create table held (payload json)")
        scratch.execute("insert into held from frame")
        assert frame.height == len(taken)
        assert scratch.execute("select payload::varchar from held").fetchall() == [(text,) for text in taken]
