"""Endpoints are made and changed over the API; what happens is sent to them: signed, in their version, and again."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import stripe

from sandbox.serving import Sandbox
from tests.sandbox.conformance import faults
from tests.sandbox.writes.owner import Owner

HOUR = 3_600


class Receiver:
    """A server that takes deliveries; `status` is what it answers."""

    def __init__(self) -> None:
        self.status = 200
        self.got: list[tuple[str, bytes]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.got.append((self.headers["Stripe-Signature"], body))
                self.send_response(outer.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *words: Any) -> None:
                """Says nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def events(self) -> list[Any]:
        return [json.loads(body) for _, body in self.got]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    running = Receiver()
    yield running
    running.server.shutdown()
    running.server.server_close()


def until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline, "nothing came"
        time.sleep(0.01)


def settled(sandbox: Sandbox, endpoint: str, attempts: int) -> None:
    """Wait until the first delivery to the endpoint was tried so often."""
    until(lambda: [each["attempts"] for each in sandbox.deliveries if each["endpoint"] == endpoint][:1] == [attempts])


@pytest.fixture
def endpoint(client: Any, receiver: Receiver) -> Iterator[Any]:
    made = client.v1.webhook_endpoints.create({"url": receiver.url, "enabled_events": ["customer.updated"]})
    yield made
    client.v1.webhook_endpoints.delete(made.id)


def test_the_secret_is_shown_once(client: Any, endpoint: Any) -> None:
    assert endpoint.secret.startswith("whsec_")
    for shown in (
        client.v1.webhook_endpoints.retrieve(endpoint.id),
        client.v1.webhook_endpoints.update(endpoint.id, {"description": "ours"}),
        *client.v1.webhook_endpoints.list().data,
    ):
        assert endpoint.secret not in str(shown)
        assert faults(shown.to_dict(for_json=True)) == []


def test_an_endpoint_is_changed_and_deleted(client: Any, receiver: Receiver) -> None:
    given = {"url": receiver.url, "enabled_events": ["*"], "api_version": "2026-10-28.endive", "metadata": {"a": "b"}}
    made = client.v1.webhook_endpoints.create(given)
    changed = client.v1.webhook_endpoints.update(made.id, {"enabled_events": ["invoice.paid"], "disabled": True})
    assert (changed.status, changed.enabled_events, changed.metadata["a"]) == ("disabled", ["invoice.paid"], "b")
    assert client.v1.webhook_endpoints.delete(made.id).deleted
    with pytest.raises(stripe.InvalidRequestError, match="No such webhook endpoint"):
        client.v1.webhook_endpoints.retrieve(made.id)


@pytest.mark.parametrize(
    "given",
    [
        {"url": "example.com/hook", "enabled_events": ["*"]},
        {"url": "https://example.com/hook"},
        {"url": "https://example.com/hook", "enabled_events": ["no type"]},
        {"url": "https://example.com/hook", "enabled_events": ["*"], "api_version": "newest"},
    ],
)
def test_what_stripe_refuses_is_refused(client: Any, given: Any) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.webhook_endpoints.create(given)


def test_what_happens_is_sent_signed_to_who_asked_for_it(
    owner: Owner, client: Any, receiver: Receiver, endpoint: Any
) -> None:
    customer = owner.subscription().customer
    client.v1.customers.update(customer.id, {"metadata": {"tier": "gold"}})
    until(lambda: receiver.got)
    signature, body = receiver.got[0]
    event = stripe.Webhook.construct_event(body, signature, endpoint.secret)
    assert (event.type, event.data.object["id"]) == ("customer.updated", customer.id)
    assert event.data.previous_attributes["metadata"]["tier"] is None
    assert event.pending_webhooks == 1
    until(lambda: client.v1.events.retrieve(event.id).pending_webhooks == 0)
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(body, signature, "whsec_other")


def test_an_event_comes_in_the_version_of_its_endpoint(owner: Owner, client: Any, receiver: Receiver) -> None:
    given = {"url": receiver.url, "enabled_events": ["customer.subscription.updated"]}
    old = client.v1.webhook_endpoints.create(given)
    new = client.v1.webhook_endpoints.create(given | {"api_version": "2026-10-28.endive"})
    sub = owner.subscription()
    client.v1.subscriptions.update(sub.id, {"metadata": {"tier": "gold"}})
    until(lambda: len(receiver.got) == 2)
    by_version = {event["api_version"]: event["data"]["object"] for event in receiver.events()}
    assert "current_period_end" in by_version["2024-06-20"]
    assert "current_period_end" not in by_version["2026-10-28.endive"]
    assert by_version["2026-10-28.endive"] == client.v1.subscriptions.retrieve(sub.id).to_dict(for_json=True)
    for each in (old, new):
        client.v1.webhook_endpoints.delete(each.id)


def test_what_is_not_taken_is_sent_three_times_more(
    owner: Owner, client: Any, sandbox: Sandbox, receiver: Receiver, endpoint: Any
) -> None:
    receiver.status = 500
    client.v1.customers.update(owner.subscription().customer.id, {"metadata": {"tier": "iron"}})
    for attempt, seconds in enumerate((0, 600, HOUR, 4 * HOUR, 24 * HOUR), start=1):
        sandbox.advance(to=sandbox.now + seconds)
        settled(sandbox, endpoint.id, min(attempt, 4))
    bodies = [body for _, body in receiver.got if b'"iron"' in body]
    assert len(bodies) == 4
    assert len(set(bodies)) == 1


def test_what_comes_at_last_is_not_sent_again(
    owner: Owner, client: Any, sandbox: Sandbox, receiver: Receiver, endpoint: Any
) -> None:
    receiver.status = 302
    client.v1.customers.update(owner.subscription().customer.id, {"metadata": {"tier": "tin"}})
    settled(sandbox, endpoint.id, 1)
    receiver.status = 204
    sandbox.deliver()
    settled(sandbox, endpoint.id, 2)
    sandbox.deliver()
    (told,) = [each for each in sandbox.deliveries if each["endpoint"] == endpoint.id]
    assert (told["attempts"], told["status"], told["delivered"]) == (2, 204, True)


def test_what_happens_on_a_test_clock_is_sent_too(owner: Owner, receiver: Receiver) -> None:
    endpoint = owner.client.v1.webhook_endpoints.create({"url": receiver.url, "enabled_events": ["*"]})
    clocks = owner.client.v1.test_helpers.test_clocks
    clock = clocks.create({"frozen_time": owner.sandbox.now})
    default = {"payment_method": "pm_card_visa", "invoice_settings": {"default_payment_method": "pm_card_visa"}}
    customer = owner.client.v1.customers.create({**default, "test_clock": clock.id})
    price = owner.client.v1.prices.list({"lookup_keys": ["team-usd-month"]}).data[0].id
    owner.client.v1.subscriptions.create({"customer": customer.id, "items": [{"price": price}]})
    clocks.advance(clock.id, {"frozen_time": owner.sandbox.now + 32 * 24 * HOUR})
    wanted = {"test_helpers.test_clock.ready", "customer.created", "invoice.paid"}
    until(lambda: wanted <= {event["type"] for event in receiver.events()})
    until(lambda: len([event for event in receiver.events() if event["type"] == "invoice.paid"]) == 2)
    owner.client.v1.webhook_endpoints.delete(endpoint.id)
    clocks.delete(clock.id)
