"""Servers that answer as no sandbox does: they are noticed, or make no difference."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from pipelines.extract.account import Account
from pipelines.extract.sync import StreamsFailed, sync
from tests.extract.conftest import FAST, current, warehouse

CHARGE = {"id": "ch_1", "object": "charge", "created": 1_700_000_000, "amount": 100, "livemode": False}


@contextmanager
def answering(
    charges: Any,
    *,
    indent: int | None = None,
    filters: bool = True,
    endless: bool = False,
    date: str | None = None,
) -> Iterator[Account]:
    """An account that has nothing but charges, in JSON indented as said; `filters` heeds `created`;
    `endless` always says that there is more; `date` is what the clock says."""
    singles = {
        "/v1/account": {"id": "acct_1", "object": "account"},
        "/v1/balance": {"object": "balance", "livemode": False},
    }

    class Odd(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            address = urlsplit(self.path)
            asked = parse_qs(address.query)
            data = charges if address.path == "/v1/charges" else []
            if filters and data:
                first, end = int(asked["created[gte]"][0]), int(asked["created[lt]"][0])
                data = [each for each in data if each["created"] == "yesterday" or first <= each["created"] < end]
            body = singles.get(
                address.path, {"object": "list", "data": data, "has_more": endless and address.path == "/v1/charges"}
            )
            text = json.dumps(body, indent=indent).encode()
            self.send_response_only(200)
            self.send_header("Date", date or self.date_time_string())
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        request_queue_size = 128

    server = Server(("127.0.0.1", 0), Odd)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield Account("rk_test_x", f"http://127.0.0.1:{server.server_port}", limits=FAST)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_server_that_ignores_the_created_filter_is_not_trusted(tmp_path: Path) -> None:
    late = CHARGE | {"created": 4_000_000_000}
    with answering([late], filters=False) as account, warehouse(tmp_path) as connection:
        with pytest.raises(StreamsFailed, match="ignores `created`"):
            sync(connection, account)
        assert current(connection, "charges") == {}


@pytest.mark.parametrize("shown", [[], [CHARGE]])
def test_a_list_that_never_ends_is_given_up(shown: list[Any], tmp_path: Path) -> None:
    with answering(shown, endless=True) as account, warehouse(tmp_path) as connection:
        with pytest.raises(StreamsFailed, match="shows nothing new"):
            sync(connection, account)
        assert len(current(connection, "charges")) == len(shown)


def test_a_list_of_something_else_is_not_stored(tmp_path: Path) -> None:
    with answering([{**CHARGE, "object": "invoice"}]) as account, warehouse(tmp_path) as connection:
        with pytest.raises(StreamsFailed, match="where each is a charge"):
            sync(connection, account)
        assert current(connection, "charges") == {}


@pytest.mark.parametrize("date", ["yesterday", "99999999", "\xff"])
def test_a_clock_that_cannot_be_read_is_replaced_by_ours(date: str, tmp_path: Path) -> None:
    with answering([CHARGE], date=date) as account, warehouse(tmp_path) as connection:
        report = sync(connection, account)
    assert abs(report.as_of - datetime.now(UTC)) < timedelta(minutes=2)


def test_white_space_makes_no_new_version(tmp_path: Path) -> None:
    with warehouse(tmp_path) as connection:
        for indent in (None, 2):
            with answering([CHARGE], indent=indent) as account:
                report = sync(connection, account, full=True)
        assert report.rows_written == 0
        assert connection.execute("select count(*) from raw.charges").fetchall() == [(1,)]


def test_unknown_fields_and_odd_shapes_are_stored_and_an_object_without_id_is_reported(tmp_path: Path) -> None:
    odd = CHARGE | {"id": "ch_2", "created": "yesterday", "brand_new": {"a": [1]}}
    nameless = {"object": "charge", "created": 1_700_000_000}
    with answering([CHARGE, odd, nameless]) as account, warehouse(tmp_path) as connection:
        report = sync(connection, account)
        held = current(connection, "charges")
    assert set(held) == {"ch_1", "ch_2"}
    assert held["ch_2"][1]["brand_new"] == {"a": [1]}
    assert any("without id" in remark for remark in report.remarks)
    assert any("Expected `int | null`, got `str`" in remark for remark in report.remarks)
