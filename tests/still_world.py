"""A Stripe account in which nothing happens by itself, to be filled by hand and served."""

from dataclasses import dataclass, field
from typing import Any

from sandbox.store import Store
from sandbox.world import shapes

NOW = 1_794_744_000  # 2026-11-15T12:00:00Z
DAY = 86_400


class NoRates:
    def as_csv(self, first: object, last: object) -> str:
        return "date,from_currency,to_currency,rate\n"


@dataclass
class StillWorld:
    """An account in which nothing happens by itself."""

    store: Store
    books: dict[str, Any] = field(default_factory=dict)
    rates: NoRates = field(default_factory=NoRates)
    now: int = NOW
    stage: None = None

    def advance_to(self, epoch: int) -> None:
        self.now = epoch


def empty_store() -> Store:
    """An account with nothing in it."""
    store = Store()
    store.put(shapes.account(id="acct_1", created=NOW - 400 * DAY, display_name="Box", email="a@example.com"))
    store.put(shapes.balance(available={"usd": 0}, pending={"usd": 0}) | {"id": "balance"})
    return store
