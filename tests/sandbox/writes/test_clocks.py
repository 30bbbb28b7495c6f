"""Test clocks: customers on one live by it, and nobody else does."""

from __future__ import annotations

from itertools import count
from random import Random
from typing import Any

import pytest
import stripe

from sandbox.world import people, subscriptions
from sandbox.world.periods import DAY, add_months
from sandbox.world.state import Subscription
from sandbox.world.subscriptions import Order
from tests.sandbox.conformance import faults
from tests.sandbox.writes.owner import Owner, Settled

NUMBERS = count(50_000_000)


class Bench:
    """A clock, and customers put on it."""

    def __init__(self, owner: Owner, name: str = "Renewals", **at: int) -> None:
        self.owner, self.client = owner, owner.client
        self.start = at.get("at", owner.sandbox.now)
        self.clocks = owner.client.v1.test_helpers.test_clocks
        self.clock = self.clocks.create({"frozen_time": self.start, "name": name})

    def subscriber(self, token: str = "pm_card_visa") -> Subscription:
        """Somebody on the clock who pays 3 seats of 12.00 a month with that card."""
        stage: Any = self.owner.sandbox.world.stage.clocks.stage_of([self.clock.id])
        customer = people.newcomer(stage.business, next(NUMBERS), stage.now, "usd", (), Random(1))
        customer.chance = Settled()
        stage.customers.append(customer)
        stage.touch(customer, "customer.created")
        self.owner.card(customer.id, token)
        sub = subscriptions.start(stage, customer, Order(((stage.prices["team-usd-month"], 3),)))
        self.client.v1.subscriptions.update(sub.id, {"metadata": {"tried": "yes"}})
        return sub

    def advance(self, to: int) -> Any:
        advancing = self.clocks.advance(self.clock.id, {"frozen_time": to})
        assert advancing.status == "advancing"
        return self.clocks.retrieve(self.clock.id)


def test_a_renewal_comes_when_its_clock_is_advanced_and_not_before(owner: Owner) -> None:
    bench = Bench(owner)
    sub = bench.subscriber()
    owner.sandbox.advance(days=40)
    assert [each.billing_reason for each in owner.client.v1.invoices.list({"customer": sub.customer.id}).data] == [
        "subscription_create"
    ]
    now = owner.sandbox.now
    clock = bench.advance(sub.period_end + 2 * 3_600)
    assert (clock.status, clock.frozen_time, clock.name) == ("ready", add_months(bench.start, 1) + 7_200, "Renewals")
    renewal, first = owner.client.v1.invoices.list({"customer": sub.customer.id}).data
    assert (renewal.billing_reason, renewal.status, renewal.amount_paid) == ("subscription_cycle", "paid", 3_600)
    assert renewal.created == add_months(bench.start, 1)
    assert (renewal.test_clock, first.test_clock) == (clock.id, clock.id)
    assert owner.sandbox.now == now


def test_all_that_is_on_it_says_so_and_is_of_the_sdks_shape(owner: Owner) -> None:
    bench = Bench(owner)
    sub = bench.subscriber()
    held = owner.client.v1.subscriptions.list({"test_clock": bench.clock.id}).data
    assert [(each.id, each.test_clock) for each in held] == [(sub.id, bench.clock.id)]
    assert sub.id not in [each.id for each in owner.client.v1.subscriptions.list({"limit": 100}).auto_paging_iter()]
    customer = owner.client.v1.customers.retrieve(sub.customer.id)
    assert customer.test_clock == bench.clock.id
    for each in (bench.clock, held[0], customer):
        assert faults(each.to_dict(for_json=True)) == []


def test_money_is_taken_in_real_time_and_is_in_the_accounts_balance(owner: Owner) -> None:
    """3 seats at 12.00 are 36.00; 2.9 % and 0.30 of it are 1.34, so 34.66 come into the balance."""
    bench = Bench(owner, at=owner.sandbox.now - 400 * DAY)
    before = pending_dollars(owner)
    sub = bench.subscriber()
    (charge,) = owner.client.v1.charges.list({"customer": sub.customer.id}).data
    entry = owner.client.v1.balance_transactions.retrieve(charge.balance_transaction)
    assert (charge.created, entry.created) == (owner.sandbox.now, owner.sandbox.now)
    assert pending_dollars(owner) == before + 3_466 == before + entry.net
    told = owner.client.v1.events.list({"type": "customer.subscription.created"}).data[0]
    assert (told.data.object["id"], told.created) == (sub.id, owner.sandbox.now)


def pending_dollars(owner: Owner) -> int:
    """What is to come into the balance, in cents."""
    return next(int(each.amount) for each in owner.client.v1.balance.retrieve().pending if each.currency == "usd")


def test_what_is_tried_on_a_clock_is_no_part_of_the_companys_truth(owner: Owner) -> None:
    books = owner.sandbox.world.books
    noted = len(books.changes), len(books.failures)
    bench = Bench(owner)
    sub = bench.subscriber()
    owner.card(sub.customer.id, "pm_card_chargeCustomerFail")
    bench.advance(sub.period_end + 2 * 3_600)
    assert owner.client.v1.subscriptions.retrieve(sub.id).status == "past_due"
    assert (len(books.changes), len(books.failures)) == noted


def test_a_write_about_somebody_on_a_clock_happens_by_that_clock(owner: Owner) -> None:
    bench = Bench(owner)
    sub = bench.subscriber()
    later = bench.start + 10 * DAY
    bench.advance(later)
    done = owner.client.v1.subscriptions.cancel(sub.id)
    assert (done.status, done.ended_at) == ("canceled", later)


def test_it_goes_forward_alone_and_two_intervals_at_once(owner: Owner) -> None:
    bench = Bench(owner)
    bench.subscriber()
    with pytest.raises(stripe.InvalidRequestError, match="must be later"):
        bench.advance(bench.start)
    with pytest.raises(stripe.InvalidRequestError, match="two intervals"):
        bench.advance(add_months(bench.start, 2) + 1)
    assert bench.advance(add_months(bench.start, 2)).status == "ready"
    empty = Bench(owner)
    with pytest.raises(stripe.InvalidRequestError, match="two years"):
        empty.advance(add_months(empty.start, 24) + 1)


def test_a_deleted_clock_takes_its_customers_along(owner: Owner) -> None:
    bench = Bench(owner)
    sub = bench.subscriber()
    assert bench.clocks.delete(bench.clock.id).deleted is True
    assert owner.client.v1.customers.retrieve(sub.customer.id).deleted is True
    assert owner.client.v1.subscriptions.retrieve(sub.id).status == "canceled"
    for gone in (bench.clocks.retrieve, bench.clocks.delete):
        with pytest.raises(stripe.InvalidRequestError, match="No such test"):
            gone(bench.clock.id)
    with pytest.raises(stripe.InvalidRequestError, match="No such test"):
        bench.clocks.advance("clock_none", {"frozen_time": 1})


def test_a_clock_takes_three_customers(owner: Owner) -> None:
    bench = Bench(owner)
    made = [owner.client.v1.customers.create({"test_clock": bench.clock.id}) for _ in range(3)]
    assert {each.test_clock for each in made} == {bench.clock.id}
    with pytest.raises(stripe.InvalidRequestError, match="3 customers at most"):
        owner.client.v1.customers.create({"test_clock": bench.clock.id})
    owner.client.v1.customers.delete(made[0].id)
    assert owner.client.v1.customers.create({"test_clock": bench.clock.id}).test_clock == bench.clock.id
    with pytest.raises(stripe.InvalidRequestError, match="No such test clock"):
        owner.client.v1.customers.create({"test_clock": "clock_none"})
