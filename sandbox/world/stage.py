"""What the acts of the simulation stand on: the clock, the agenda of what happens next, the books, and the way of
things into the store (each once, in its latest form) and into events.

Knows the shapes of nothing and the rules of nothing: rendering and down-rendering are handed in as functions.
"""

from collections.abc import Callable
from copy import copy
from dataclasses import replace
from heapq import heappop, heappush
from typing import Any, NamedTuple

from sandbox.store import Store
from sandbox.world.balance import Balance
from sandbox.world.books import Books
from sandbox.world.business import Business, Coupon, Price
from sandbox.world.periods import moment
from sandbox.world.render import Renderer
from sandbox.world.shapes.events import event as event_shape
from sandbox.world.state import Customer, Offer, Subscription, Thing
from sandbox.world.versions import changed

EVENT_DAYS = 30
_ROOM = 50_000
"""Things that may wait to be rendered before they are all written."""

Act = tuple[int, int, str, tuple[Any, ...]]
Listener = Callable[[dict[str, Any], dict[str, Any], dict[str, Any] | None], None]
"""Is told of each event with the complete object as it is and, where that is known, as it was."""


class Request(NamedTuple):
    """Who makes things happen now: a request to the API, as events tell it."""

    id: str
    idempotency_key: str | None = None


class _Told(NamedTuple):
    """An object as it is, and as an event shows it."""

    complete: dict[str, Any]
    noticed: dict[str, Any]


class Stage:
    """The clock (`now`, epoch seconds) and everything an act may touch."""

    def __init__(
        self,
        business: Business,
        store: Store,
        books: Books,
        balance: Balance,
        render: Renderer,
        notice: Callable[[dict[str, Any]], dict[str, Any]],
    ) -> None:
        self.business = business
        self.balance = balance
        self.store = store
        self.books = books
        self.now = business.start
        self.product_ids = {product.key: business.id("prod_", 14, product.key) for product in business.products}
        self.names: dict[str, str] = {product.key: product.name for product in business.products}
        self.prices = {price.key: replace(price, id=business.id("price_1", 23, price.key)) for price in business.prices}
        self.tax_rates = {each.key: replace(each, id=business.id("txr_1", 23, each.key)) for each in business.tax_rates}
        self.coupons = {each.key: replace(each, id=business.id("", 8, "coupon", each.key)) for each in business.coupons}
        self.customers: list[Customer] = []
        self.subscriptions: list[Subscription] = []
        self.things: dict[str, Thing] = {}
        self.request: Request | None = None
        self.listener: Listener | None = None
        self.clocks: Any = None
        self._account: Stage | None = None
        self._counts: dict[str, int] = {}
        self._seen: set[tuple[str, str]] = set()
        self._is_seen = True
        self._render = render
        self._notice = notice
        self._agenda: list[Act] = []
        self._order = 0
        self._waiting: dict[tuple[str, str], Thing] = {}
        self._events_from = 0
        self._events_now: dict[tuple[str, str], int] = {}
        self._events_second = 0

    def later(self, at: int, act: str, *what: Any) -> None:
        """Put an act on the agenda. Acts of one second happen in the order they were put there."""
        self._order += 1
        heappush(self._agenda, (at, self._order, act, what))

    def next_until(self, until: int) -> tuple[str, tuple[Any, ...]] | None:
        """The next act at or before `until`, with the clock set to it; None when there is none left."""
        if not self._agenda or self._agenda[0][0] > until:
            return None
        at, _, act, what = heappop(self._agenda)
        if self._waiting and at >= self._events_from:
            self.write()
        self.now = max(self.now, at)
        return act, what

    def keep_to_itself(self) -> None:
        """From now on nothing that happens here reaches the store, the agenda or the things of any other stage."""
        self._is_seen = False
        self.listener = None
        self._agenda = []
        self._counts = dict(self._counts)

    def beside(self, render: Any, balance: Any) -> "Stage":
        """A stage for those who have a time of their own: what is sold, held and numbered is the same, what happens
        and what is noted of it is not."""
        there: Stage = copy(self)
        there._account = self
        there._render, there.balance, there.books = render, balance, Books()
        there.customers, there.subscriptions = [], []
        there._agenda, there._waiting = [], {}
        there._events_from, there._events_now = 0, {}
        return there

    def tell_events_from(self, at: int) -> None:
        """Events are made of what happens from this instant on."""
        self._events_from = at

    def touch(self, thing: Thing, *events: str) -> None:
        """The thing is new or changed: it will be in the store, and the named events tell of it.

        A customer who was deleted does not come back by what is still to happen, such as a payment on its way.
        """
        if not self._is_seen or (isinstance(thing, Customer) and thing.deleted):
            return
        self.things[thing.id] = thing
        if self.now < self._events_from:
            self._waiting[thing.kind, thing.id] = thing
            if len(self._waiting) > _ROOM:
                self.write()
            return
        self.put(self._render(thing), *events)

    def shape(self, thing: Thing) -> dict[str, Any]:
        """The complete API object of a thing as it is now."""
        return self._render(thing)

    def shape_coupon(self, coupon: Coupon) -> dict[str, Any]:
        """The API object of a coupon made now."""
        return self._render.coupon(coupon, self.now)

    def sell(self, offer: Offer, shape: dict[str, Any], *events: str) -> None:
        """A price is for sale, or no more, as the owner says: subscriptions carry it as it is now."""
        self.things[offer.id] = offer
        self._render.remember_price(shape)
        self.put(shape, *events)
        for sub in self.subscriptions:
            if any(item.price.id == offer.id for item in sub.items):
                self.touch(sub)

    def put(self, shape: dict[str, Any], *events: str) -> None:
        """Write an object as it is, with the events that tell of it."""
        if not self._is_seen:
            return
        telling = self.now >= self._events_from and events
        before = self.store.get(shape["object"], shape["id"]) if telling else None
        self.store.put(shape)
        if telling:
            after = _Told(shape, self._notice(shape))
            earlier = None if before is None else _Told(before, self._notice(before))
            for event in events:
                self._tell(event, after, earlier)

    def delete(self, kind: str, id: str, event: str) -> None:  # noqa: A002 - Stripe's word
        """Take an object out of the account."""
        self.write()
        before = self.store.get(kind, id)
        self.store.delete(kind, id)
        if before is not None and self.now >= self._events_from:
            self._tell(event, _Told(before, self._notice(before)), None)

    def tell(self, event: str, shape: dict[str, Any]) -> None:
        """Only tell of an object that is written already."""
        if self.now >= self._events_from:
            self._tell(event, _Told(shape, self._notice(shape)), None)

    def count(self, what: str) -> int:
        """The next number of something that is no customer's own."""
        self._counts[what] = number = self._counts.get(what, 0) + 1
        return number

    def first_time(self, what: str, name: str) -> bool:
        """Whether something of that name is met for the first time."""
        is_new = (what, name) not in self._seen
        self._seen.add((what, name))
        return is_new

    def show_balance(self) -> None:
        """The account's balance is in the store as it is now."""
        self.store.put({**self.balance.now(), "id": "balance"})

    def remember(self, transaction: dict[str, Any]) -> None:
        """A balance transaction that a dispute will show."""
        self._render.remember_transaction(transaction)

    def month(self) -> int:
        """How many whole months the business is old."""
        began, today = moment(self.business.start), moment(self.now)
        months = (today.year - began.year) * 12 + today.month - began.month
        return months - (today.day < began.day)

    def for_sale(self, key: str) -> Price | None:
        """The price of that name, or its successor, that is for sale now."""
        month = self.month()
        for name in (f"{key}-2", key):
            price = self.prices.get(name)
            if price is not None and price.from_month <= month and month < (price.until_month or month + 1):
                return price
        return None

    def write(self) -> None:
        """Render and store everything that waits."""
        waiting, self._waiting = self._waiting, {}
        for thing in waiting.values():
            self.store.put(self._render(thing))

    def forget_events(self, before: int) -> None:
        """Events older than that are gone, as Stripe keeps them for thirty days."""
        shelf = self.store.shelf("event")
        for slot in list(shelf.order()):
            if shelf.created[slot] >= before:
                break
            self.store.delete("event", shelf.id_at[slot])

    def _tell(self, type_: str, after: "_Told", before: "_Told | None") -> None:
        about = after.complete["id"]
        if self._events_second != self.now:
            self._events_second, self._events_now = self.now, {}
        place = self._events_now[type_, about] = self._events_now.get((type_, about), 0) + 1
        previous = changed(before.noticed, after.noticed) if before is not None and type_.endswith(".updated") else None
        by = self.request or Request("", None)
        event = event_shape(
            id=self.business.id("evt_1", 23, type_, about, self.now, place),
            created=(self._account or self).now,
            type=type_,
            object=after.noticed,
            previous_attributes=previous,
            api_version=self.business.event_api_version,
            request=by.id or None,
            idempotency_key=by.idempotency_key,
        )
        self.store.put(event)
        if self.listener is not None:
            self.listener(event, after.complete, None if before is None else before.complete)
