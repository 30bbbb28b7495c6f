"""A small account made by hand, and the ways tests reach a server over it."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import stripe

from sandbox.serving import Sandbox
from sandbox.store import Store
from sandbox.world import shapes

NOW = 1_794_744_000  # 2026-11-15T12:00:00Z
DAY = 86_400
T0 = NOW - 100 * DAY


class FlatRates:
    def as_csv(self, first: date, last: date) -> str:
        return f"date,from_currency,to_currency,rate\n{last},eur,usd,1.1\n"


@dataclass
class StillWorld:
    """A world in which nothing happens by itself."""

    store: Store
    books: dict[str, Any] = field(default_factory=lambda: {"changes": []})
    rates: FlatRates = field(default_factory=FlatRates)
    now: int = NOW
    stage: None = None

    def advance_to(self, epoch: int) -> None:
        self.now = epoch


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: Any

    @property
    def ids(self) -> list[str]:
        return [entry["id"] for entry in self.body["data"]]

    @property
    def error(self) -> dict[str, Any]:
        error: dict[str, Any] = self.body["error"]
        return error


Ask = Callable[..., Answer]


def ask_of(url: str, key: str | None = "rk_test_sandbox") -> Ask:
    """Asks the server as a plain HTTP client does; `path` carries the query string."""

    def ask(path: str, method: str = "GET", key: str | None = key, **headers: str) -> Answer:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        if key is not None:
            given.setdefault("Authorization", f"Bearer {key}")
        request = urllib.request.Request(url + path, method=method, headers=given)
        try:
            with urllib.request.urlopen(request, timeout=20) as response:
                return Answer(response.status, dict(response.headers), json.loads(response.read()))
        except urllib.error.HTTPError as error:
            return Answer(error.code, dict(error.headers), json.loads(error.read()))

    return ask


def client_of(sandbox: Sandbox) -> stripe.StripeClient:
    stripe.enable_telemetry = False
    return stripe.StripeClient(sandbox.key, base_addresses={"api": sandbox.url})


def hand_made_account() -> Store:
    """Two customers and a deleted one, subscriptions small and large, 25 charges, refunds, an invoice of 23 lines."""
    store = Store()
    store.put(shapes.account(id="acct_1", created=T0, display_name="Box", email="a@example.com"))
    store.put(shapes.balance(available={"usd": 5}, pending={"usd": 0}) | {"id": "balance"})
    _catalogue(store)
    for number in (1, 2, 3):
        store.put(shapes.customer(id=f"cus_{number}", created=T0 + number, email=f"{number}@example.com"))
    store.delete("customer", "cus_3")
    _subscriptions(store)
    _payments(store)
    _invoices(store)
    _events(store)
    return store


def _catalogue(store: Store) -> None:
    store.put(shapes.product(id="prod_1", created=T0, name="Plan"))
    tiers = [shapes.tier(up_to=None, unit_amount_decimal="5")]
    store.put(shapes.price(id="price_1", created=T0, product="prod_1", currency="usd", unit_amount=1000))
    store.put(
        shapes.price(
            id="price_tiered",
            created=T0 + 1,
            product="prod_1",
            currency="usd",
            tiers_mode="volume",
            tiers=tiers,
            currency_options={
                code: shapes.currency_option(tiers=[shapes.tier(up_to=None, unit_amount_decimal=unit)])
                for code, unit in (("eur", "4.5"), ("gbp", "4"))
            },
        )
    )
    store.put(
        shapes.price(id="price_old", created=T0 + 2, product="prod_1", currency="eur", unit_amount=9, active=False)
    )
    inline = shapes.price(id="price_inline", created=T0 + 3, product="prod_1", currency="usd", unit_amount=7)
    store.put(inline | {"_inline": True})
    store.put(shapes.coupon(id="co_1", created=T0, duration="forever", percent_off=10, applies_to=["prod_1"]))
    store.put(shapes.coupon(id="co_gone", created=T0, duration="forever", percent_off=20))
    store.delete("coupon", "co_gone")


def _price(store: Store, name: str) -> dict[str, Any]:
    price = store.get("price", name)
    assert price is not None
    return price


def _subscription(store: Store, number: int, status: str, price: str, items: int = 1, **more: Any) -> None:
    name = f"sub_{number}"
    parts = [
        shapes.subscription_item(
            id=f"si_{number}_{place}",
            created=T0,
            subscription=name,
            price=_price(store, price),
            quantity=1,
            current_period_start=T0 + place,
            current_period_end=T0 + 30 * DAY + place,
        )
        for place in range(items)
    ]
    store.put(
        shapes.subscription(
            id=name,
            created=T0 + number,
            customer="cus_1" if number < 4 else "cus_2",
            status=status,
            currency="usd",
            items=parts,
            billing_cycle_anchor=T0,
            **more,
        )
    )


def _subscriptions(store: Store) -> None:
    discounts = [
        shapes.discount(id="di_1", start=T0, coupon="co_1", subscription="sub_1"),
        shapes.discount(id="di_2", start=T0, coupon="co_gone", subscription="sub_1"),
    ]
    _subscription(store, 1, "active", "price_tiered", discounts=discounts, latest_invoice="in_1")
    _subscription(store, 2, "canceled", "price_1", canceled_at=T0 + DAY, ended_at=T0 + DAY)
    _subscription(store, 3, "trialing", "price_inline")
    _subscription(store, 4, "past_due", "price_1", items=12)
    _subscription(store, 5, "incomplete_expired", "price_1")
    _subscription(store, 6, "unpaid", "price_1")


def _payments(store: Store) -> None:
    for number in range(25):
        intent, charge, entry = f"pi_{number}", f"ch_{number}", f"txn_{number}"
        at = T0 + number // 2  # two a second
        customer = "cus_1" if number % 2 else "cus_2"
        store.put(
            shapes.payment_intent(
                id=intent, created=at, amount=1000, currency="usd", customer=customer, latest_charge=charge
            )
        )
        store.put(
            shapes.charge(
                id=charge,
                created=at,
                amount=1000,
                currency="usd",
                customer=customer,
                payment_intent=intent,
                balance_transaction=entry,
            )
        )
        store.put(
            shapes.balance_transaction(
                id=entry,
                created=at,
                available_on=at + DAY,
                amount=1000,
                currency="usd",
                type="charge",
                reporting_category="charge",
                source=charge,
            )
            | {"_payout": "po_1" if number < 3 else None}
        )
    for number in range(12):
        store.put(
            shapes.refund(
                id=f"re_{number}", created=T0 + number, amount=1, currency="usd", charge="ch_1", payment_intent="pi_1"
            )
        )
    store.put(
        shapes.payout(
            id="po_1",
            created=T0,
            arrival_date=T0 + DAY,
            amount=3000,
            currency="usd",
            balance_transaction=None,
            destination="ba_1",
            status="paid",
        )
    )


def _invoices(store: Store) -> None:
    discount = shapes.discount(id="di_1", start=T0, coupon="co_1", subscription="sub_1")
    for number, (lines, status, discounts) in enumerate(
        [(23, "paid", [discount]), (1, "open", []), (2, "draft", [])], 1
    ):
        name = f"in_{number}"
        parts = [
            shapes.line_item(
                id=f"il_{number}_{place}",
                invoice=name,
                amount=100,
                currency="usd",
                period_start=T0,
                period_end=T0 + 30 * DAY,
                price="price_1",
                product="prod_1",
                unit_amount_decimal="100",
                discounts=discounts,
                discount_amounts=[shapes.discount_amount(amount=10, discount=each["id"]) for each in discounts],
            )
            for place in range(lines)
        ]
        store.put(
            shapes.invoice(
                id=name,
                created=T0 + number,
                customer="cus_1",
                currency="usd",
                lines=parts,
                status=status,
                billing_reason="subscription_cycle",
                period_start=T0,
                period_end=T0,
                subscription="sub_1",
                discounts=discounts,
            )
        )
    store.put(
        shapes.invoice_payment(
            id="inpay_1",
            created=T0,
            invoice="in_1",
            amount_requested=2070,
            currency="usd",
            payment_intent="pi_1",
            status="paid",
        )
    )


def _events(store: Store) -> None:
    for number, (type_, days) in enumerate(
        [("charge.succeeded", 40), ("invoice.paid", 29), ("invoice.created", 3), ("customer.updated", 1)]
    ):
        event = shapes.event(
            id=f"evt_{number}", created=NOW - days * DAY, type=type_, object={"id": "x", "object": type_.split(".")[0]}
        )
        store.put(event)
