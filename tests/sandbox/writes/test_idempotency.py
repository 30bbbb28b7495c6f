"""Idempotency keys, permissions, request ids and faults of writes, as the SDK meets them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
import stripe

from sandbox.api.keys import Key
from sandbox.api.settings import Settings
from sandbox.serving import Sandbox, serving
from sandbox.world.world import World
from tests.sandbox.api.account import ask_of
from tests.sandbox.writes.conftest import SMALL
from tests.sandbox.writes.owner import Owner

Fails = Callable[..., None]
PAY = "/v1/invoices/*/pay"


def attempts(client: Any, customer: str) -> int:
    return len(client.v1.charges.list({"customer": customer, "limit": 100}).data)


def keyed(key: str) -> Any:
    return {"idempotency_key": key}


def test_the_same_key_answers_the_same_and_acts_once(owner: Owner, client: Any) -> None:
    sub, invoice = owner.in_dunning()
    owner.card(sub.customer.id)
    first = client.v1.invoices.pay(invoice.id, options=keyed("pay-once"))
    before = attempts(client, sub.customer.id)
    again = client.v1.invoices.pay(invoice.id, options=keyed("pay-once"))
    assert again.to_dict() == first.to_dict()
    assert attempts(client, sub.customer.id) == before
    assert first.last_response is not None
    assert again.last_response is not None
    said, replayed = first.last_response.headers, again.last_response.headers
    assert "Idempotent-Replayed" not in said
    assert (said["Idempotency-Key"], replayed["Idempotent-Replayed"]) == ("pay-once", "true")
    assert replayed["Original-Request"] == said["Request-Id"] != replayed["Request-Id"]


def test_a_decline_is_replayed_too_even_when_the_card_is_good_by_now(owner: Owner, client: Any) -> None:
    sub, invoice = owner.in_dunning()
    with pytest.raises(stripe.CardError) as first:
        client.v1.invoices.pay(invoice.id, options=keyed("declined"))
    owner.card(sub.customer.id)
    with pytest.raises(stripe.CardError) as again:
        client.v1.invoices.pay(invoice.id, options=keyed("declined"))
    assert again.value.json_body == first.value.json_body
    assert client.v1.invoices.pay(invoice.id, options=keyed("another")).status == "paid"


def test_a_key_with_other_parameters_or_elsewhere_is_refused(owner: Owner, client: Any) -> None:
    sub = owner.subscription()
    update = client.v1.customers.update
    update(sub.customer.id, {"metadata": {"a": "1"}}, keyed("notes"))
    with pytest.raises(stripe.IdempotencyError, match="same parameters"):
        update(sub.customer.id, {"metadata": {"a": "2"}}, keyed("notes"))
    with pytest.raises(stripe.IdempotencyError, match="same endpoint") as elsewhere:
        client.v1.invoices.pay(owner.latest(sub.id), options=keyed("notes"))
    assert elsewhere.value.http_status == 400
    with pytest.raises(stripe.IdempotencyError, match="255"):
        update(sub.customer.id, {"metadata": {"a": "1"}}, keyed("k" * 256))
    assert client.v1.customers.retrieve(sub.customer.id).metadata["a"] == "1"


def test_a_request_that_was_refused_before_it_began_leaves_its_key_free(
    owner: Owner, client: Any, fails: Fails
) -> None:
    sub = owner.subscription()
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.customers.update(sub.customer.id, {"colour": "red"}, keyed("free"))
    fails("rate_limit", "/v1/customers/*", method="POST", times=1)
    with pytest.raises(stripe.RateLimitError):
        client.v1.customers.update(sub.customer.id, {"metadata": {"a": "1"}}, keyed("free"))
    updated = client.v1.customers.update(sub.customer.id, {"metadata": {"b": "1"}}, keyed("free"))
    assert updated.metadata["b"] == "1"


def test_a_key_is_forgotten_after_a_day_of_the_sandboxs_clock(owner: Owner, client: Any) -> None:
    sub = owner.subscription()
    client.v1.customers.update(sub.customer.id, {"metadata": {"day": "1"}}, keyed("daily"))
    owner.sandbox.advance(days=1)
    with pytest.raises(stripe.IdempotencyError):
        client.v1.customers.update(sub.customer.id, {"metadata": {"day": "2"}}, keyed("daily"))
    owner.sandbox.advance(to=owner.sandbox.now + 1)
    after = client.v1.customers.update(sub.customer.id, {"metadata": {"day": "2"}}, keyed("daily"))
    assert after.metadata["day"] == "2"


def test_a_key_in_use_is_a_409(owner: Owner, client: Any, fails: Fails) -> None:
    sub, invoice = owner.in_dunning()
    owner.card(sub.customer.id)
    fails("hang", PAY, times=1, seconds=0.6)
    slow = threading.Thread(target=client.v1.invoices.pay, args=(invoice.id,), kwargs={"options": keyed("busy")})
    slow.start()
    time.sleep(0.25)
    answer = ask_of(owner.sandbox.url, owner.sandbox.write_key)(
        f"/v1/invoices/{invoice.id}/pay", method="POST", Idempotency_Key="busy"
    )
    slow.join()
    assert (answer.status, answer.error["code"]) == (409, "idempotency_key_in_use")
    assert client.v1.invoices.pay(invoice.id, options=keyed("busy")).status == "paid"


@pytest.mark.parametrize("kind", ["reset", "hang", "cut"])
def test_an_answer_that_is_lost_after_the_write_is_found_again_by_its_key(
    owner: Owner, client: Any, fails: Fails, kind: str
) -> None:
    sub, invoice = owner.in_dunning()
    owner.card(sub.customer.id)
    impatient = stripe.StripeClient(
        owner.sandbox.write_key,
        base_addresses={"api": owner.sandbox.url},
        http_client=stripe.RequestsClient(timeout=0.5),
    )
    fails(kind, PAY, times=1, effect=True, seconds=5)
    with pytest.raises((stripe.APIConnectionError, stripe.APIError)):
        impatient.v1.invoices.pay(invoice.id, options=keyed(f"lost-{kind}"))
    assert client.v1.invoices.retrieve(invoice.id).status == "paid"
    before = attempts(client, sub.customer.id)
    assert client.v1.invoices.pay(invoice.id, options=keyed(f"lost-{kind}")).status == "paid"
    assert attempts(client, sub.customer.id) == before


@pytest.mark.parametrize(
    ("fault", "replayed"),
    [
        ({"kind": "reset"}, None),
        ({"kind": "lock_timeout"}, None),
        ({"kind": "conflict"}, None),
        ({"kind": "server_error", "kept": False}, None),
        ({"kind": "server_error"}, 500),
    ],
)
def test_a_write_that_failed_before_it_took_effect_did_nothing(
    owner: Owner, client: Any, fails: Fails, fault: dict[str, Any], replayed: int | None
) -> None:
    sub = owner.subscription()
    fails(path="/v1/customers/*", method="POST", times=1, **fault)
    key, notes = keyed(f"nothing-{fault}"), {"metadata": {"mark": "set"}}
    with pytest.raises(stripe.StripeError):
        client.v1.customers.update(sub.customer.id, notes, key)
    assert "mark" not in client.v1.customers.retrieve(sub.customer.id).metadata.to_dict()
    if replayed is None:
        client.v1.customers.update(sub.customer.id, notes, key)
    else:
        with pytest.raises(stripe.APIError) as again:
            client.v1.customers.update(sub.customer.id, notes, key)
        assert again.value.http_status == replayed


@pytest.mark.parametrize(("kept", "status"), [(True, 500), (False, 200)])
def test_a_500_after_the_write_is_replayed_unless_it_came_from_the_way(
    owner: Owner, client: Any, fails: Fails, *, kept: bool, status: int
) -> None:
    sub = owner.subscription()
    fails("server_error", "/v1/customers/*", method="POST", times=1, effect=True, kept=kept)
    key, notes = keyed(f"broken-{kept}"), {"metadata": {"mark": "set"}}
    with pytest.raises(stripe.APIError):
        client.v1.customers.update(sub.customer.id, notes, key)
    assert client.v1.customers.retrieve(sub.customer.id).metadata["mark"] == "set"
    answer = ask_of(owner.sandbox.url, owner.sandbox.write_key)(
        f"/v1/customers/{sub.customer.id}?metadata[mark]=set", method="POST", Idempotency_Key=f"broken-{kept}"
    )
    assert answer.status == status


def test_a_key_that_only_reads_cannot_write_and_is_told_what_it_lacks(owner: Owner) -> None:
    sub = owner.subscription()
    reader = stripe.StripeClient(owner.sandbox.key, base_addresses={"api": owner.sandbox.url})
    assert reader.v1.customers.retrieve(sub.customer.id).id == sub.customer.id
    with pytest.raises(stripe.PermissionError, match="rak_invoice_write"):
        reader.v1.invoices.pay(owner.latest(sub.id))


def test_a_write_key_may_lack_single_permissions_and_a_secret_key_lacks_none() -> None:
    keys = (Key("rk_test_some", frozenset({"invoice_write"}), writes=True), Key("sk_test_all"))
    with serving(World.grown(SMALL), Settings(keys=keys)) as sandbox:
        sub = Owner(sandbox).subscription()
        some, everything = (stripe.StripeClient(key.value, base_addresses={"api": sandbox.url}) for key in keys)
        some.v1.customers.update(sub.customer.id, {"metadata": {"a": "b"}})
        with pytest.raises(stripe.PermissionError, match="rak_invoice_write"):
            some.v1.invoices.update(str(sub.latest_invoice), {"metadata": {"a": "b"}})
        everything.v1.invoices.update(str(sub.latest_invoice), {"metadata": {"a": "b"}})


def test_events_name_the_request_that_caused_them(owner: Owner, client: Any) -> None:
    sub = owner.subscription()
    done = client.v1.customers.update(sub.customer.id, {"metadata": {"told": "yes"}}, keyed("telling"))
    event = client.v1.events.list({"type": "customer.updated", "limit": 1}).data[0]
    assert done.last_response is not None
    assert event.request is not None
    assert event.data.object["id"] == sub.customer.id
    assert (event.request.id, event.request.idempotency_key) == (done.last_response.request_id, "telling")
    assert event.data.previous_attributes["metadata"].to_dict() == {"told": None}


def test_an_older_version_is_answered_in_its_shape(owner: Owner, client: Any) -> None:
    sub, invoice = owner.in_dunning()
    owner.card(sub.customer.id)
    paid = client.v1.invoices.pay(invoice.id, options={"stripe_version": "2024-06-20"})
    assert (paid["paid"], paid["subscription"]) == (True, sub.id)


def test_the_same_calls_at_the_same_instants_make_the_same_objects() -> None:
    def play() -> list[Any]:
        with serving(World.grown(SMALL)) as sandbox:
            owner = Owner(sandbox)
            sub, invoice = owner.in_dunning()
            card = owner.card(sub.customer.id)
            owner.client.v1.invoices.pay(invoice.id)
            charges = owner.client.v1.charges.list({"customer": sub.customer.id}).data
            sandbox.advance(days=3)
            return [card.id, *(charge.to_dict() for charge in charges), _books(sandbox)]

    assert play() == play()


def _books(sandbox: Sandbox) -> Any:
    return sandbox.world.books.as_json()
