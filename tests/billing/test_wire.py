"""What goes over the wire: the pinned version, a key, nothing about ourselves; how long is waited, how often tried."""

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import stripe

from billing.errors import StripeUnavailableError
from billing.wire import (
    ANSWER_SECONDS,
    API_VERSION,
    ATTEMPTS,
    CONNECT_SECONDS,
    Answered,
    Refused,
    Request,
    Unknown,
    Wire,
)
from sandbox.world.shapes import API_VERSION as SANDBOX_VERSION

KEY = "rk_test_wire"


class Recorder:
    """A server that keeps each request's headers and answers what it is told to, one answer a request."""

    def __init__(self) -> None:
        self.asked: list[dict[str, str]] = []
        self.answers: list[tuple[int, float]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                outer.asked.append({name.lower(): value for name, value in self.headers.items()})
                status, wait = outer.answers.pop(0) if outer.answers else (200, 0.0)
                time.sleep(wait)
                told = {"object": "account", "id": "acct_1"} if status == 200 else {"error": {"type": "x", "code": "c"}}
                body = json.dumps(told).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Request-Id", "req_1")
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self) -> None:
                self.do_POST()

            def log_message(self, *words: Any) -> None:
                """Says nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    running = Recorder()
    yield running
    running.server.shutdown()
    running.server.server_close()


@pytest.fixture
def waits() -> list[float]:
    """How long was waited between attempts."""
    return []


@pytest.fixture
def wire(recorder: Recorder, waits: list[float]) -> Wire:
    return Wire(KEY, recorder.url, sleep=waits.append)


POST = Request("post", "/v1/products", {"name": "A"})


def test_every_request_names_the_pinned_version_and_the_key_and_tells_nothing_of_earlier_ones(
    recorder: Recorder, wire: Wire
) -> None:
    for _ in range(2):  # telemetry would come with the second request, and tell of the first
        wire.get("/v1/account")
        assert isinstance(wire.act(POST, "key-1"), Answered)
    assert len(recorder.asked) == 4
    for headers in recorder.asked:
        assert headers["stripe-version"] == API_VERSION == SANDBOX_VERSION == stripe.api_version
        assert headers["authorization"] == f"Bearer {KEY}"
        assert "x-stripe-client-telemetry" not in headers
    assert [each.get("idempotency-key") for each in recorder.asked] == [None, "key-1"] * 2


def test_a_question_is_asked_again_with_longer_and_longer_waits(
    recorder: Recorder, wire: Wire, waits: list[float]
) -> None:
    recorder.answers = [(500, 0), (429, 0), (503, 0), (200, 0)]
    assert wire.get("/v1/account")["id"] == "acct_1"
    assert len(recorder.asked) == ATTEMPTS == 4
    # before attempt n at most 0.5 s x 2^(n-2) and at least half of that: 0.25-0.5, 0.5-1, 1-2
    assert [0.25 <= waits[0] <= 0.5, 0.5 <= waits[1] <= 1, 1 <= waits[2] <= 2] == [True] * 3
    recorder.answers = [(500, 0)] * 9
    with pytest.raises(StripeUnavailableError, match="in 4 attempts"):
        wire.get("/v1/account")
    assert len(recorder.asked) == 2 * ATTEMPTS


def test_an_act_is_tried_again_under_its_key_and_never_once_it_is_refused(recorder: Recorder, wire: Wire) -> None:
    recorder.answers = [(500, 0), (200, 0)]
    assert isinstance(wire.act(POST, "key-1"), Answered)
    assert [each["idempotency-key"] for each in recorder.asked] == ["key-1", "key-1"]
    for status in (400, 401, 402, 403, 404):
        recorder.asked.clear()
        recorder.answers = [(status, 0)]
        assert isinstance(wire.act(POST, "key-2"), Refused)
        assert len(recorder.asked) == 1


def test_an_answer_that_does_not_come_is_not_waited_for_longer_than_said(recorder: Recorder) -> None:
    assert (CONNECT_SECONDS, ANSWER_SECONDS) == Wire(KEY, recorder.url).timeouts == (5.0, 30.0)
    hasty = Wire(KEY, recorder.url, sleep=lambda seconds: None, timeouts=(1.0, 0.1))
    recorder.answers = [(200, 0.5)] * ATTEMPTS
    began = time.monotonic()
    assert isinstance(hasty.act(POST, "key-1"), Unknown)
    assert time.monotonic() - began < ATTEMPTS * 0.5
    assert len(recorder.asked) == ATTEMPTS


def test_a_key_is_in_no_text_that_a_wire_makes(recorder: Recorder, wire: Wire) -> None:
    assert KEY not in repr(wire)
    recorder.answers = [(403, 0)]
    assert KEY not in repr(wire.act(POST, "key-1"))
