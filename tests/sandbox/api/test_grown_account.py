"""A grown world behind the API, read to the end by the real SDK and by plain HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import stripe

from sandbox.api.expandable import ENDED, EXPANDABLE, LEAVES, Embedded, Gathered, Inside, Nested, Node
from sandbox.api.resources import RESOURCES
from sandbox.api.routes import Resource
from sandbox.serving import Sandbox, serving
from sandbox.world.business import Business
from sandbox.world.world import World
from tests.sandbox.api.account import DAY, ask_of, client_of

SMALL = Business(customers=60, months=10)


@pytest.fixture(scope="module")
def grown() -> Iterator[Sandbox]:
    with serving(World.grown(SMALL)) as sandbox:
        yield sandbox


def all_of(sandbox: Sandbox, path: str, query: str = "") -> list[dict[str, Any]]:
    """Every object of a list, page by page."""
    ask, found, cursor = ask_of(sandbox.url), [], ""
    while True:
        page = ask(f"{path}?limit=100{query}{cursor}").body
        found += page["data"]
        if not page["has_more"]:
            return found
        cursor = f"&starting_after={page['data'][-1]['id']}"


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda resource: resource.kind)
def test_pages_of_every_kind_hold_each_object_once_newest_first(grown: Sandbox, resource: Resource) -> None:
    store = grown.world.store
    queries = {
        "subscription": ("&status=all",),
        "price": ("&active=true", "&active=false"),
    }.get(resource.kind, ("",))
    listed = [each for query in queries for each in all_of(grown, resource.path, query)]
    inline = {id_ for id_ in store.ids("price") if (store.get("price", id_) or {}).get("_inline")}
    expected = [id_ for id_ in reversed(store.ids(resource.kind)) if id_ not in inline]
    ids = [each["id"] for each in listed]
    assert sorted(ids) == sorted(expected)
    assert ids == expected or len(queries) > 1
    if listed:
        path = f"{resource.path}/{ids[-1]}"
        assert ask_of(grown.url)(path).body == listed[-1]


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda resource: resource.kind)
def test_every_expansion_in_the_table_works_on_every_object_of_a_page(grown: Sandbox, resource: Resource) -> None:
    ask = ask_of(grown.url)
    for path in paths_of(EXPANDABLE.get(resource.kind, {})):
        steps = path.count(".") + 2
        answer = ask(f"{resource.path}?limit=100&expand[]=data.{path}")
        assert answer.status == (200 if steps <= 4 else 400), path


def paths_of(fields: dict[str, Node], depth: int = 0) -> Iterator[str]:
    """Expansion paths of a kind through what is always there."""
    for name, node in fields.items():
        if isinstance(node, LEAVES):
            yield name
        if depth > 4 or not isinstance(node, Inside | Nested | Embedded | Gathered):
            continue
        inner = node.fields if isinstance(node, Inside) else EXPANDABLE[node.kind]
        between = "data." if isinstance(node, Nested | Gathered) else ""
        yield from (f"{name}.{between}{below}" for below in paths_of(inner, depth + 1))


def test_the_sdk_reads_the_account_with_its_own_types(grown: Sandbox) -> None:
    client = client_of(grown)
    params: Any = {"status": "all", "limit": 100, "expand": ["data.discounts.source.coupon", "data.latest_invoice"]}
    subscriptions = list(client.v1.subscriptions.list(params).auto_paging_iter())
    assert len(subscriptions) == grown.world.store.count("subscription")
    for subscription in subscriptions:
        assert subscription.latest_invoice is None or isinstance(subscription.latest_invoice, stripe.Invoice)
        for discount in subscription.discounts:
            assert isinstance(discount, stripe.Discount)
            assert isinstance(discount.source.coupon, stripe.Coupon)
    listed = list(client.v1.subscriptions.list({"limit": 100}).auto_paging_iter())
    assert {each.id for each in listed} == {each.id for each in subscriptions if each.status not in ENDED}
    for each in subscriptions:
        whole = [item.id for item in each.items.auto_paging_iter()]
        stored = grown.world.store.get("subscription", each.id)
        assert stored is not None
        assert whole == [item["id"] for item in stored["items"]["data"]]


def test_balance_transactions_of_a_payout_are_those_it_paid_out(grown: Sandbox) -> None:
    payouts = [each for each in all_of(grown, "/v1/payouts") if each["status"] == "paid" and each["automatic"]]
    assert payouts
    for payout in payouts[:10]:
        entries = all_of(grown, "/v1/balance_transactions", f"&payout={payout['id']}")
        paid = [each for each in entries if each["type"] != "payout"]
        assert sum(each["net"] for each in paid) == payout["amount"]


def test_events_show_the_older_version_and_objects_the_pinned_one(grown: Sandbox) -> None:
    event = all_of(grown, "/v1/events", "&type=invoice.paid")[0]
    snapshot = event["data"]["object"]
    assert event["api_version"] == "2024-06-20"
    assert snapshot["paid"] is True
    invoice = ask_of(grown.url)(f"/v1/invoices/{snapshot['id']}").body
    assert "paid" not in invoice
    assert invoice["id"] == snapshot["id"]


def test_the_world_lives_on_when_the_clock_is_moved() -> None:
    with serving(World.grown(SMALL)) as sandbox:
        before = {each["id"] for each in all_of(sandbox, "/v1/invoices")}
        sandbox.advance(days=10)
        after = all_of(sandbox, "/v1/invoices")
        assert before < {each["id"] for each in after}
        assert after[0]["created"] > SMALL.end
        events = all_of(sandbox, "/v1/events")
        assert min(each["created"] for each in events) >= SMALL.end - 20 * DAY
        assert ask_of(sandbox.url)("/_sandbox/books.json").body["changes"]
        rates = sandbox.fx_rates_csv().splitlines()
        assert rates[0] == "date,from_currency,to_currency,rate"
        assert rates[-1].startswith("2026-11-25,")
