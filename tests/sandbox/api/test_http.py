"""Keys, headers, errors, limits, faults and the clock, as a client meets them."""

from __future__ import annotations

import http.client
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import stripe

from sandbox.api.keys import Key
from sandbox.api.limits import Limits
from sandbox.api.settings import Settings
from sandbox.serving import Sandbox, serving
from sandbox.world import shapes
from tests.sandbox.api.account import DAY, NOW, Ask, StillWorld, ask_of, client_of, hand_made_account

VERSION = "2026-10-28.endive"


@pytest.fixture(autouse=True)
def _sound(sandbox: Sandbox) -> Iterator[None]:
    yield
    sandbox.heal()


def test_answers_carry_stripes_headers_and_the_sandbox_clock(ask: Ask) -> None:
    answer = ask("/v1/charges?limit=1", Stripe_Version=VERSION)
    assert answer.headers["Stripe-Version"] == VERSION
    assert answer.headers["Date"] == "Sun, 15 Nov 2026 12:00:00 GMT"
    assert answer.headers["Request-Id"].startswith("req_")
    assert answer.headers["Content-Type"] == "application/json"
    older = ask("/v1/charges?limit=1", Stripe_Version="2024-06-20")
    assert (older.status, older.headers["Stripe-Version"]) == (200, "2024-06-20")
    unknown = ask("/v1/charges", Stripe_Version="2019-05-16")
    assert (unknown.status, "2019-05-16" in unknown.error["message"]) == (400, True)


def test_a_missing_object_is_a_404_with_everything_stripe_says(ask: Ask) -> None:
    answer = ask("/v1/charges/ch_99")
    assert answer.status == 404
    log_url = answer.error.pop("request_log_url")
    assert log_url.endswith(answer.headers["Request-Id"])
    assert answer.error == {
        "code": "resource_missing",
        "doc_url": "https://stripe.com/docs/error-codes/resource-missing",
        "message": "No such charge: 'ch_99'",
        "param": "id",
        "type": "invalid_request_error",
    }


def test_a_deleted_customer_is_a_stub_and_any_other_deleted_object_is_missing(client: stripe.StripeClient) -> None:
    customer = client.v1.customers.retrieve("cus_3")
    assert (customer.id, customer.object, customer.deleted) == ("cus_3", "customer", True)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.coupons.retrieve("co_gone")
    assert (refused.value.http_status, refused.value.code) == (404, "resource_missing")


def test_the_account_and_its_balance_are_there(client: stripe.StripeClient, ask: Ask) -> None:
    balance = client.v1.balance.retrieve()
    assert balance.available[0].amount == 5
    assert "id" not in ask("/v1/balance").body
    assert ask("/v1/account").body["id"] == "acct_1"


@pytest.mark.parametrize("key", [None, "rk_test_other", "pk_test_1", ""])
def test_an_unknown_key_is_refused_without_being_repeated(ask: Ask, key: str | None) -> None:
    answer = ask("/v1/charges", key=key)
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="Stripe"'
    assert "rk_test_other" not in answer.error["message"]


def test_a_restricted_key_is_told_which_permission_it_lacks() -> None:
    keys = (Key("rk_test_some", frozenset({"charge_read"})), Key("rk_test_old", expired=True))
    with serving(StillWorld(hand_made_account()), Settings(keys=keys)) as sandbox:
        client = client_of(sandbox)
        assert client.v1.customers.list().data
        with pytest.raises(stripe.PermissionError, match="rak_charge_read"):
            client.v1.charges.list()
        old = ask_of(sandbox.url)("/v1/charges", key="rk_test_old")
        assert (old.status, old.error["code"]) == (401, "api_key_expired")


def test_basic_authorization_and_the_accounts_own_header_work(ask: Ask) -> None:
    assert ask("/v1/charges", key=None, Authorization="Basic cmtfdGVzdF9zYW5kYm94Og==").status == 200
    assert ask("/v1/charges", Stripe_Account="acct_1").status == 200
    other = ask("/v1/charges", Stripe_Account="acct_2")
    assert (other.status, other.error["code"]) == (403, "account_invalid")


def test_unknown_addresses_and_writes_are_refused_in_stripes_shape(client: stripe.StripeClient, ask: Ask) -> None:
    assert ask("/v1/colours").error["message"].startswith("Unrecognized request URL (GET: /v1/colours)")
    with pytest.raises(stripe.InvalidRequestError, match="has no such write"):
        client.v1.customers.create({"name": "x"})
    assert ask("/v1/customers/cus_1", method="DELETE").status == 404


def test_rate_limits_say_their_reason_and_no_retry_after(sandbox: Sandbox, ask: Ask) -> None:
    sandbox.limit(endpoint_rate=2)
    try:
        answers = [ask("/v1/charges?limit=1") for _ in range(4)]
        assert [answer.status for answer in answers] == [200, 200, 429, 429]
        assert answers[-1].headers["Stripe-Rate-Limited-Reason"] == "endpoint-rate"
        assert "Retry-After" not in answers[-1].headers
        assert answers[-1].error["code"] == "rate_limit"
        assert ask("/v1/invoices?limit=1").status == 200
        sandbox.limit(account_rate=1)
        reasons = [ask(path).headers.get("Stripe-Rate-Limited-Reason") for path in ("/v1/charges", "/v1/invoices")]
        assert reasons == [None, "global-rate"]
    finally:
        sandbox.limit(latency_ms=0)


def test_requests_at_once_are_limited_and_latency_is_felt() -> None:
    settings = Settings(latency_ms=150, limits=Limits(account_concurrency=1))
    with serving(StillWorld(hand_made_account()), settings) as sandbox, ThreadPoolExecutor(2) as pool:
        ask = ask_of(sandbox.url)
        began = time.monotonic()
        answers = list(pool.map(ask, ["/v1/charges", "/v1/charges"]))
        assert time.monotonic() - began >= 0.15
        assert sorted(answer.status for answer in answers) == [200, 429]
        reasons = {answer.headers.get("Stripe-Rate-Limited-Reason") for answer in answers}
        assert reasons == {None, "global-concurrency"}


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ({"kind": "server_error", "status": 503}, 503, None),
        ({"kind": "rate_limit", "reason": "endpoint-concurrency"}, 429, "rate_limit"),
        ({"kind": "lock_timeout"}, 429, "lock_timeout"),
        ({"kind": "conflict"}, 409, "idempotency_key_in_use"),
    ],
)
def test_a_fault_strikes_the_requests_it_names_and_no_others(
    sandbox: Sandbox, ask: Ask, fault: dict[str, Any], status: int, code: str | None
) -> None:
    sandbox.fail(path="/v1/charges", nth=2, times=2, **fault)
    answers = [ask("/v1/charges?limit=1") for _ in range(4)]
    assert [answer.status for answer in answers] == [200, status, status, 200]
    assert answers[1].error.get("code") == code
    assert answers[1].headers.get("Stripe-Rate-Limited-Reason") == fault.get("reason")
    assert ask("/v1/invoices?limit=1").status == 200


def test_connections_break_and_bodies_are_cut_on_demand(sandbox: Sandbox, ask: Ask) -> None:
    sandbox.fail("reset", "/v1/charges", times=1)
    with pytest.raises(ConnectionResetError):
        ask("/v1/charges")
    sandbox.fail("cut", "/v1/charges", times=1)
    with pytest.raises(http.client.IncompleteRead):
        ask("/v1/charges")
    sandbox.fail("hang", "/v1/charges", times=1, seconds=0.3)
    began = time.monotonic()
    assert ask("/v1/charges").status == 200
    assert time.monotonic() - began >= 0.3
    sandbox.fail("not_a_list", "/v1/charges", times=1)
    assert ask("/v1/charges").body["object"] != "list"
    assert ask("/v1/charges").body["object"] == "list"


def test_any_bytes_are_answered_on_demand(sandbox: Sandbox, ask: Ask) -> None:
    sandbox.fail("body", "/v1/charges", times=1, body='{"object":"\xff"}')
    request = urllib.request.Request(f"{sandbox.url}/v1/charges", headers={"Authorization": f"Bearer {sandbox.key}"})
    with urllib.request.urlopen(request) as answer:
        assert answer.read() == b'{"object":"\xff"}'
    assert ask("/v1/charges").body["object"] == "list"
    with pytest.raises(ValueError, match="no byte"):
        sandbox.fail("body", body="€")


def test_an_object_is_shown_as_the_bytes_that_are_given_and_ids_may_be_quoted() -> None:
    world = StillWorld(hand_made_account())
    world.store.put(shapes.coupon(id="25% off/é", created=NOW, duration="forever", percent_off=25))
    world.store.show("coupon", "25% off/é", b'{"any":"thing"}')
    with serving(world) as sandbox:
        ask = ask_of(sandbox.url)
        assert ask("/v1/coupons?limit=1").body["data"] == [{"any": "thing"}]
        assert ask("/v1/coupons/25%25%20off%2F%C3%A9").body == {"any": "thing"}
        assert ask("/v1/coupons/25%25%20off").status == 404


def test_faults_by_probability_are_the_same_for_the_same_seed() -> None:
    def run(seed: int) -> list[int]:
        with serving(StillWorld(hand_made_account()), Settings(seed=seed)) as sandbox:
            sandbox.fail("server_error", probability=0.5)
            ask = ask_of(sandbox.url)
            return [ask("/v1/charges?limit=1").status for _ in range(20)]

    assert run(1) == run(1) != run(2)
    assert set(run(1)) == {200, 500}


def test_a_fault_that_makes_no_sense_is_refused(sandbox: Sandbox) -> None:
    with pytest.raises(ValueError, match="is no fault"):
        sandbox.fail("earthquake")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="probability is 2"):
        sandbox.fail("reset", probability=2)


def test_the_log_counts_requests_by_endpoint(sandbox: Sandbox, ask: Ask) -> None:
    sandbox.forget_requests()
    for path in ("/v1/charges?limit=1", "/v1/charges/ch_1", "/v1/charges/ch_2", "/v1/colours"):
        ask(path)
    requests = sandbox.requests
    assert requests.total == 4
    assert requests.endpoints == {"GET (unrecognized)": 1, "GET /v1/charges": 1, "GET /v1/charges/{id}": 2}
    assert requests.statuses == {"200": 3, "404": 1}
    assert (requests.recent[0]["path"], requests.recent[0]["query"]) == ("/v1/charges", "limit=1")


def test_the_clock_moves_the_world_and_events_age() -> None:
    world = StillWorld(hand_made_account())
    with serving(world) as sandbox:
        ask = ask_of(sandbox.url)
        assert sandbox.advance(days=2) == sandbox.now == world.now == NOW + 2 * DAY
        assert ask("/v1/events").ids == ["evt_3", "evt_2"]
        assert sandbox.advance(to="2026-12-01") == 1_796_083_200
        assert ask("/v1/charges").headers["Date"] == "Tue, 01 Dec 2026 00:00:00 GMT"
        with pytest.raises(ValueError, match="cannot go back"):
            sandbox.advance(to=NOW)
        with pytest.raises(ValueError, match="is no instant"):
            sandbox.advance(to="tomorrow")
        with pytest.raises(ValueError, match="not both"):
            sandbox.advance()


def test_the_worlds_truth_can_be_fetched(sandbox: Sandbox, ask: Ask) -> None:
    assert sandbox.fx_rates_csv().splitlines()[0] == "date,from_currency,to_currency,rate"
    assert ask("/_sandbox/books.json").body == {"changes": []}
    assert "GET /_sandbox/clock" in ask("/_sandbox/levers").body["error"]


def test_a_server_in_its_own_process_answers_the_same() -> None:
    world = StillWorld(hand_made_account())
    with serving(world, own_process=True) as sandbox:
        assert [charge.id for charge in client_of(sandbox).v1.charges.list({"limit": 1}).data] == ["ch_24"]
        sandbox.advance(days=1)
        assert (sandbox.now, world.now) == (NOW + DAY, NOW)
        assert sandbox.requests.total == 1


def test_a_taken_port_is_an_error_at_once(sandbox: Sandbox, world: StillWorld) -> None:
    port = int(sandbox.url.rsplit(":", 1)[1])
    with pytest.raises(OSError, match="in use"), serving(world, port=port):
        pass
