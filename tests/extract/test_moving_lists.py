"""Objects are made, changed and deleted while their lists are read: the next refresh knows it all."""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.extract import reading
from pipelines.extract.account import Limits
from pipelines.extract.catalogue import CATALOGUE
from pipelines.extract.sync import sync
from sandbox.clock import Rates
from sandbox.serving import Sandbox, serving
from sandbox.store import Store
from sandbox.world import shapes
from sandbox.world.business import Business
from sandbox.world.world import World
from tests.extract.conftest import FAST, account_of, current, everything, warehouse
from tests.still_world import NOW, NoRates, StillWorld, empty_store

ONE_BY_ONE = replace(FAST, concurrency=1)
SETTLED = 120
"""Seconds after which the events of the last change are no longer too young to be followed."""


@dataclass
class RestlessWorld:
    """A world that lives on for `seconds` whenever the server looks at its clock, which it does for each answer."""

    world: World
    seconds: int = 0

    @property
    def store(self) -> Store:
        return self.world.store

    @property
    def books(self) -> Any:
        return self.world.books

    @property
    def rates(self) -> Rates:
        return self.world.rates

    @property
    def stage(self) -> None:
        return None

    @property
    def now(self) -> int:
        self.world.advance_to(self.world.now + self.seconds)
        return self.world.now

    def advance_to(self, epoch: int) -> None:
        self.world.advance_to(epoch)


@pytest.mark.parametrize("limits", [ONE_BY_ONE, FAST], ids=["one by one", "side by side"])
def test_a_company_that_lives_on_while_it_is_read_is_known_after_the_next_refresh(
    limits: Limits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pages of ten, and two hours of business between any two answers: the first load takes days, so does a refresh."""
    monkeypatch.setattr(reading, "PAGE_SIZE", "10")
    restless = RestlessWorld(World.grown(Business(customers=25, months=8, seed=5)))
    began = restless.now
    with serving(restless) as running, warehouse(tmp_path) as connection:
        for seconds in (7_200, 3_600):
            restless.seconds = seconds
            sync(connection, account_of(running, limits=limits))
            restless.seconds = 0
            restless.advance_to(restless.now + SETTLED)
            sync(connection, account_of(running))
            assert known(connection) == afresh(running, tmp_path / str(seconds))
    assert restless.now - began > 8 * 86_400


def known(connection: duckdb.DuckDBPyConnection) -> dict[str, dict[str, Any]]:
    """What is there of each stream, without what no event tells: events that are no longer kept, the next number."""
    held = everything(connection)
    return {
        stream.name: {
            id_: {name: value for name, value in payload.items() if name != "next_invoice_sequence"}
            for id_, (deleted, payload) in held[stream.name].items()
            if not deleted
        }
        for stream in CATALOGUE
        if stream.name != "events"
    }


def afresh(running: Sandbox, folder: Path) -> dict[str, dict[str, Any]]:
    """What a first load of the account as it is now holds."""
    with warehouse(folder) as connection:
        sync(connection, account_of(running))
        return known(connection)


@dataclass
class WatchedStore(Store):
    """A store that does something at the second look at an object: while the list inside it is read."""

    then: dict[str, Callable[[], None]] = field(default_factory=dict)
    looks: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        super().__init__()

    def get(self, kind: str, id: str) -> dict[str, Any] | None:  # noqa: A002 - Stripe's word
        self.looks[id] += 1
        if self.looks[id] == 2 and id in self.then:
            self.then[id]()
        return super().get(kind, id)


def draft(id_: str, lines: int, *, without: int | None = None) -> dict[str, Any]:
    """A draft of so many lines of 10 cents, without one of them."""
    made = [
        shapes.line_item(
            id=f"il_{id_}_{number}",
            invoice=id_,
            amount=10,
            currency="usd",
            period_start=NOW - 100,
            period_end=NOW - 100,
            price=None,
            product=None,
            unit_amount_decimal=None,
        )
        for number in range(lines)
        if number != without
    ]
    return shapes.invoice(
        id=id_,
        created=NOW - 100,
        customer="cus_1",
        currency="usd",
        lines=made,
        status="draft",
        billing_reason="manual",
        period_start=NOW - 100,
        period_end=NOW - 100,
    )


def test_lines_that_change_while_they_are_read_are_known_after_the_next_refresh(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pages of ten of 35 lines each. Once the second is asked for: a draft is deleted; the line that is the cursor
    goes; five lines come."""
    monkeypatch.setattr(reading, "PAGE_SIZE", "10")
    store = WatchedStore()
    account = empty_store()
    for kind in account.kinds():
        for id_ in account.ids(kind):
            store.put(account.get(kind, id_) or {})
    world = StillWorld(store)
    for id_ in ("in_gone", "in_shorter", "in_longer", "in_same"):
        store.put(draft(id_, 35))

    def deleted() -> None:
        tell("invoice.deleted", draft("in_gone", 35))
        store.delete("invoice", "in_gone")

    def changed(now: dict[str, Any]) -> Callable[[], None]:
        def change() -> None:
            tell("invoice.updated", now)
            store.put(now)

        return change

    def tell(type_: str, thing: dict[str, Any]) -> None:
        store.put(shapes.event(id=f"evt_{thing['id']}", created=world.now, type=type_, object=thing))

    store.then["in_gone"] = deleted
    store.then["in_shorter"] = changed(draft("in_shorter", 35, without=9))
    store.then["in_longer"] = changed(draft("in_longer", 40))
    with serving(world) as running, warehouse(tmp_path) as connection:
        sync(connection, account_of(running, limits=ONE_BY_ONE))
        assert "in_gone" not in current(connection, "invoices")
        world.now += SETTLED
        sync(connection, account_of(running))
        assert known(connection)["invoices"] == afresh(running, tmp_path / "fresh")["invoices"]
        lines = {id_: len(each["lines"]["data"]) for id_, each in known(connection)["invoices"].items()}
    assert lines == {"in_shorter": 34, "in_longer": 40, "in_same": 35}


@dataclass
class Upheaval:
    """An account in which, with every answer, a customer goes, one comes, one changes, and a price is switched."""

    store: Store = field(default_factory=empty_store)
    books: dict[str, Any] = field(default_factory=dict)
    rates: NoRates = field(default_factory=NoRates)
    chance: random.Random = field(default_factory=lambda: random.Random(1))
    at: int = NOW
    lasts: bool = True
    steps: int = 0
    stage: None = None

    def __post_init__(self) -> None:
        self.store.put(shapes.product(id="prod_1", created=NOW - 500, name="Thing"))
        for number in range(120):
            self.store.put(shapes.customer(id=f"cus_{number}", created=NOW - 400 + number, email="a@b.c"))
            self.store.put(self.price(number, active=number % 2 == 0))

    def price(self, number: int, *, active: bool) -> dict[str, Any]:
        return shapes.price(
            id=f"price_{number}",
            created=NOW - 400 + number,
            product="prod_1",
            currency="usd",
            unit_amount=number,
            active=active,
        )

    @property
    def now(self) -> int:
        """Each look at the clock is a second, and an upheaval, as long as it lasts."""
        if self.lasts:
            self.at += 1
            self.steps += 1
            self.step(self.steps)
        return self.at

    def advance_to(self, epoch: int) -> None:
        self.at = epoch

    def step(self, number: int) -> None:
        there = list(self.store.ids("customer"))
        gone, other = self.chance.sample(there, 2)
        self.tell("customer.deleted", self.store.get("customer", gone) or {})
        self.store.delete("customer", gone)
        self.put("customer.updated", (self.store.get("customer", other) or {}) | {"description": f"step {number}"})
        self.put("customer.created", shapes.customer(id=f"cus_new_{number}", created=self.at, email="a@b.c"))
        switched = self.store.get("price", self.chance.choice(list(self.store.ids("price")))) or {}
        self.put("price.updated", switched | {"active": not switched["active"]})

    def put(self, type_: str, thing: dict[str, Any]) -> None:
        self.store.put(thing)
        self.tell(type_, thing)

    def tell(self, type_: str, thing: dict[str, Any]) -> None:
        self.store.put(
            shapes.event(id=f"evt_{self.at}_{type_}_{thing['id']}", created=self.at, type=type_, object=thing)
        )


def test_what_comes_goes_and_moves_between_lists_while_they_are_read_is_known_after_the_next_refresh(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Active and inactive prices are two lists: one may be in both or in neither of what is read."""
    monkeypatch.setattr(reading, "PAGE_SIZE", "10")
    world = Upheaval()
    with serving(world) as running, warehouse(tmp_path) as connection:
        for _ in range(2):
            world.lasts = True
            sync(connection, account_of(running, limits=ONE_BY_ONE))
            world.lasts = False
            world.at += SETTLED
            sync(connection, account_of(running))
            assert known(connection) == afresh(running, tmp_path / str(world.at))
    assert world.steps > 80
