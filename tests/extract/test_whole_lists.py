"""Lists inside objects that Stripe shows the first ten of: whole in raw and staging, however the object was read."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from models.contracts import staging
from pipelines.extract.sync import sync
from pipelines.warehouse.stage import stage
from sandbox.serving import Sandbox, serving
from sandbox.store import Store
from sandbox.world import shapes
from tests.extract.conftest import account_of, current, warehouse
from tests.extract.once_more import MADE, refreshed, resynced, swept
from tests.still_world import DAY, NOW, StillWorld, empty_store

PRICE = shapes.price(id="price_1", created=MADE, product="prod_1", currency="usd", unit_amount=100)
STAGED = (staging.Invoices, staging.InvoiceLines, staging.SubscriptionItems, staging.CreditNoteLines, staging.Refunds)


def line(number: int) -> dict[str, Any]:
    """A line of 1.00, less 0.10 by a discount of its own."""
    discount = shapes.discount(id=f"di_{number}", start=MADE, coupon="co_1", subscription="sub_1")
    return shapes.line_item(
        id=f"il_{number}",
        invoice="in_1",
        amount=100,
        currency="usd",
        period_start=MADE,
        period_end=MADE + 30 * DAY,
        price="price_1",
        product="prod_1",
        unit_amount_decimal="100",
        discounts=[discount],
        discount_amounts=[shapes.discount_amount(amount=10, discount=discount["id"])],
    )


def invoice(lines: int) -> dict[str, Any]:
    return shapes.invoice(
        id="in_1",
        created=MADE,
        customer="cus_1",
        currency="usd",
        lines=[line(number) for number in range(lines)],
        status="paid",
        billing_reason="subscription_cycle",
        period_start=MADE,
        period_end=MADE,
        subscription="sub_1",
    )


def subscription(items: int) -> dict[str, Any]:
    return shapes.subscription(
        id="sub_1",
        created=MADE,
        customer="cus_1",
        status="active",
        currency="usd",
        items=[
            shapes.subscription_item(
                id=f"si_{number}",
                created=MADE,
                subscription="sub_1",
                price=PRICE,
                quantity=number + 1,
                current_period_start=MADE,
                current_period_end=MADE + 60 * DAY,
            )
            for number in range(items)
        ],
        billing_cycle_anchor=MADE,
    )


def credit_note(lines: int) -> dict[str, Any]:
    return shapes.credit_note(
        id="cn_1",
        created=MADE,
        invoice="in_1",
        customer="cus_1",
        currency="usd",
        lines=[shapes.credit_note_line_item(id=f"cnli_{number}", amount=1) for number in range(lines)],
        number="CN-1",
    )


def refund(number: int) -> dict[str, Any]:
    return shapes.refund(id=f"re_{number}", created=MADE + number, amount=1, currency="usd", charge="ch_1")


def fill(store: Store, *, lines: int, items: int, credited: int, refunds: int) -> None:
    """One invoice, subscription, credit note and charge, with lists of those lengths inside."""
    store.put(PRICE)
    store.put(shapes.coupon(id="co_1", created=MADE, duration="forever", percent_off=10))
    store.put(invoice(lines))
    store.put(subscription(items))
    store.put(credit_note(credited))
    store.put(shapes.charge(id="ch_1", created=MADE, amount=1_000, currency="usd", amount_refunded=refunds))
    for number in range(refunds):
        store.put(refund(number))


def told(store: Store, refunds: int) -> None:
    """Events, a minute ago, that each of them changed; as Stripe does, they show the first ten of a list."""
    for kind, type_, id_ in (
        ("invoice", "invoice.updated", "in_1"),
        ("subscription", "customer.subscription.updated", "sub_1"),
        ("credit_note", "credit_note.updated", "cn_1"),
        ("refund", "refund.created", f"re_{refunds - 1}"),
    ):
        thing = store.get(kind, id_)
        assert thing is not None
        store.put(shapes.event(id=f"evt_{id_}", created=NOW + 100, type=type_, object=thing))


def assert_whole(connection: duckdb.DuckDBPyConnection, *, lines: int, items: int, credited: int, refunds: int) -> None:
    """Every entry is in its object in raw, in its order, and a row in staging."""
    (_, held_invoice), (_, held_note) = (
        current(connection, "invoices")["in_1"],
        current(connection, "credit_notes")["cn_1"],
    )
    (_, held_subscription) = current(connection, "subscriptions")["sub_1"]
    inner = (
        (held_invoice["lines"], [f"il_{number}" for number in range(lines)]),
        (held_subscription["items"], [f"si_{number}" for number in range(items)]),
        (held_note["lines"], [f"cnli_{number}" for number in range(credited)]),
    )
    for held, expected in inner:
        assert [entry["id"] for entry in held["data"]] == expected
        assert held["has_more"] is False
    assert all(entry["discounts"][0]["source"]["coupon"] == "co_1" for entry in held_invoice["lines"]["data"])

    outcome = stage(connection, datetime.fromtimestamp(NOW, UTC), STAGED)
    assert outcome.failed.is_empty(), outcome.failed
    counted = {name: outcome.rows[name] for name in ("invoice_lines", "subscription_items", "credit_note_lines")}
    assert counted == {"invoice_lines": lines, "subscription_items": items, "credit_note_lines": credited}
    assert asked(connection, "select count(*), sum(amount) from staging.refunds") == (refunds, refunds)
    assert asked(connection, "select sum(quantity) from staging.subscription_items") == (items * (items + 1) // 2,)
    off = "list_sum(list_transform(discount_amounts, lambda part: part.amount))"
    assert asked(connection, f"select sum(amount - {off}) from staging.invoice_lines") == (90 * lines,)
    assert asked(connection, "select subtotal, total from staging.invoices") == (90 * lines, 90 * lines)


def asked(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[Any, ...]:
    (row,) = connection.execute(query).fetchall()
    return row


FIRST = {"lines": 250, "items": 25, "credited": 15, "refunds": 30}
LATER = {"lines": 251, "items": 26, "credited": 16, "refunds": 31}


@pytest.mark.parametrize("again", [refreshed, swept, resynced])
def test_long_lists_are_whole_after_a_first_load_and_after(
    again: Callable[[Sandbox, duckdb.DuckDBPyConnection], None], tmp_path: Path
) -> None:
    store = empty_store()
    fill(store, **FIRST)
    world = StillWorld(store)
    with serving(world) as running, warehouse(tmp_path) as connection:
        sync(connection, account_of(running))
        assert_whole(connection, **FIRST)
        fill(store, **LATER)
        if again is refreshed:
            told(store, LATER["refunds"])
            world.now = NOW + 1_000
        again(running, connection)
        assert_whole(connection, **LATER)


def test_a_list_costs_requests_only_where_it_was_cut(tmp_path: Path) -> None:
    """250 lines are three pages, 25 items and 15 credited lines one each; ten of anything cost nothing."""
    costs = []
    for place, sizes in enumerate((FIRST, {"lines": 10, "items": 10, "credited": 10, "refunds": 30})):
        store = empty_store()
        fill(store, **sizes)
        with serving(StillWorld(store)) as running, warehouse(tmp_path / str(place)) as connection:
            sync(connection, account_of(running))
            asked_for = running.requests.endpoints
        costs.append(
            [
                asked_for.get(f"GET {path}", 0)
                for path in ("/v1/invoices/{id}/lines", "/v1/subscription_items", "/v1/credit_notes/{id}/lines")
            ]
        )
    assert costs == [[3, 1, 1], [0, 0, 0]]


class Shrinking(Store):
    """An account in which a line is taken off the invoice as soon as it was the last of a page that was read."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = 0

    def get(self, kind: str, id: str) -> dict[str, Any] | None:  # noqa: A002 - Stripe's word
        thing = super().get(kind, id)
        if kind == "invoice" and thing is not None:
            self.reads += 1
            if self.reads == 1:
                lines = thing["lines"]["data"]
                self.put({**thing, "lines": {**thing["lines"], "data": [*lines[:99], *lines[100:]]}})
        return thing


def test_a_line_that_vanishes_while_it_is_the_cursor_only_restarts_its_list(tmp_path: Path) -> None:
    """The hundredth line goes after the first page: the second request, after a line that is gone, is a 400."""
    store = Shrinking()
    for kind in ("account", "balance"):
        for id_ in empty_store().ids(kind):
            thing = empty_store().get(kind, id_)
            assert thing is not None
            store.put(thing)
    store.put(invoice(250))
    with serving(StillWorld(store)) as running, warehouse(tmp_path) as connection:
        report = sync(connection, account_of(running))
        (_, held) = current(connection, "invoices")["in_1"]
        refused = running.requests.statuses.get("400", 0)
    assert [entry["id"] for entry in held["lines"]["data"]] == [f"il_{n}" for n in range(250) if n != 99]
    assert refused == 1
    assert report.skipped == {}
