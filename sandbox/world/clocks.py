"""Test clocks: customers with a time of their own, which moves only when their clock is advanced.

Each clock has a stage beside the account's: the same catalogue, ids and store, but its own agenda, instant and books,
so that what is only tried is no part of the company's truth. As with Stripe, money is taken in real time: payments and
events bear the account's instant, not the clock's (https://github.com/stripe/stripe-python/issues/1183).
"""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Final

from sandbox.world import shapes
from sandbox.world.periods import edge
from sandbox.world.render import Renderer
from sandbox.world.stage import Stage
from sandbox.world.state import Customer, Thing

Shape = dict[str, Any]
KIND: Final = "test_helpers.test_clock"
MOST_CUSTOMERS: Final = 3
MOST_INTERVALS: Final = 2
MOST_YEARS: Final = 2
_IN_REAL_TIME: Final = frozenset({"charge", "dispute", "payment_intent", "payment_method", "refund"})
_TAKES_MONEY: Final = frozenset({"charge", "dispute_reversed", "dispute_withdrawn", "refund", "refund_failed"})


class TestClocks:
    """The clocks of one account. `play` lets a stage live on until an instant."""

    __test__ = False

    def __init__(self, stage: Stage, render: Renderer, play: Callable[[Stage, int], None]) -> None:
        self._stage = stage
        self._render = render
        self._play = play
        self._stages: dict[str, Stage] = {}

    def open(self, frozen_time: int, name: str | None) -> Shape:
        """A clock that stands at an instant."""
        account = self._stage
        id_ = account.business.id("clock_1", 23, account.count(KIND))
        beside = account.beside(_Rendered(account, self._render, id_), _InRealTime(account))
        beside.now = frozen_time
        self._stages[id_] = beside
        return self._shown(id_, "test_helpers.test_clock.created", name=name)

    def advance(self, id: str, to: int) -> Shape:  # noqa: A002 - Stripe's word
        """Let those on the clock live on; the answer is from before they did, as Stripe's is."""
        beside, name = self._stages[id], self.shape(id)["name"]
        advancing = self._shown(id, "test_helpers.test_clock.advancing", name=name, advancing_to=to)
        self._play(self._current(beside), to)
        self._shown(id, "test_helpers.test_clock.ready", name=name)
        return advancing

    def close(self, id: str) -> None:  # noqa: A002
        """The clock is gone; its customers went before."""
        del self._stages[id]
        self._stage.delete(KIND, id, "test_helpers.test_clock.deleted")

    def shape(self, id: str) -> Shape:  # noqa: A002
        """The clock as it stands. Errors: KeyError when there is none."""
        held = self._stage.store.get(KIND, id)
        if held is None or id not in self._stages:
            raise KeyError(id)
        return held

    def furthest(self, id: str) -> int:  # noqa: A002
        """How far it may be advanced at once: two of the shortest intervals, or two years where nothing is billed."""
        beside = self._stages[id]
        rhythms = [sub.interval for sub in beside.subscriptions if sub.live]
        ends = [edge(beside.now, interval, count, MOST_INTERVALS) for interval, count in rhythms]
        return min(ends, default=edge(beside.now, "year", 1, MOST_YEARS))

    def customers(self, id: str) -> list[Customer]:  # noqa: A002
        """Who is on the clock."""
        return [each for each in self._stages[id].customers if not each.deleted]

    def stage_of(self, said: Iterable[str]) -> Stage:
        """Where something happens that names these ids: the stage of the first that is on a clock, or the account's."""
        for id_ in said:
            if id_ in self._stages:
                return self._current(self._stages[id_])
            customer = _customer_of(self._stage.things.get(id_))
            for beside in self._stages.values():
                if customer is not None and customer in beside.customers:
                    return self._current(beside)
        return self._stage

    def _current(self, beside: Stage) -> Stage:
        beside.listener, beside.request = self._stage.listener, self._stage.request
        return beside

    def _shown(self, id: str, event: str, *, name: str | None, advancing_to: int | None = None) -> Shape:  # noqa: A002
        held = self._stage.store.get(KIND, id)
        shape = shapes.test_clock(
            id=id,
            created=held["created"] if held else self._stage.now,
            frozen_time=self._stages[id].now,
            name=name,
            advancing_to=advancing_to,
        )
        self._stage.put(shape, event)
        return shape


class _Rendered:
    """Renders what is on a clock: it names the clock, and what happens in real time bears the real time."""

    def __init__(self, account: Stage, render: Renderer, clock: str) -> None:
        self._account = account
        self._render = render
        self._clock = clock
        self._made: dict[str, int] = {}

    def __call__(self, thing: Thing) -> Shape:
        shape = self._render(thing)
        if "test_clock" in shape:
            shape["test_clock"] = self._clock
        if thing.kind in _IN_REAL_TIME:
            shape["created"] = self._made.setdefault(thing.id, self._account.now)
        return shape

    def __getattr__(self, name: str) -> Any:
        """What the catalogue asks of the account's own renderer."""
        return getattr(self._render, name)


class _InRealTime:
    """The account's balance, which takes and gives the money of those on a clock in real time."""

    def __init__(self, account: Stage) -> None:
        self._account = account

    def __getattr__(self, name: str) -> Any:
        act = getattr(self._account.balance, name)
        return partial(self._now, act) if name in _TAKES_MONEY else act

    def _now(self, act: Callable[..., Any], **said: Any) -> Any:
        return act(**{**said, "at": self._account.now})


def _customer_of(thing: Any) -> Customer | None:
    """Whose a thing is, through the invoice or charge that it belongs to."""
    while thing is not None and not isinstance(thing, Customer):
        thing = next(
            (held for field in ("customer", "invoice", "charge") if (held := getattr(thing, field, None)) is not None),
            None,
        )
    return thing
