"""Looks at customers whose access may have changed, and tells what changed until it is taken.

Each customer's changes go one after the other; several customers' at once. What fails is tried again later each time,
by chance a little earlier, so that a system that comes back is not stormed; after some days it is left for a person.
"""

import asyncio
import random
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from billing.access import book, looking
from billing.access.book import Change, Customer
from billing.access.looking import Products
from billing.access.policy import Policy, access_of
from billing.access.telling import Teller, teller
from billing.errors import StripeRefusedError, StripeUnavailableError
from billing.store import Store
from billing.wire import Wire

FIRST_DELAY, LONGEST_DELAY = timedelta(seconds=5), timedelta(hours=1)
LEASE = timedelta(minutes=2)
"""How long a customer's line is one process's own; longer than any call may take."""
MOST = 500
"""Customers of one go."""
AT_ONCE = 8
"""Customers who are looked at, or told of, at the same time."""
SECONDS = 20.0
"""How long one go tells, so that it holds up nothing else for long."""


@dataclass(frozen=True)
class Engine:
    """What it takes. `wires` are the keys that read, by account; `owner` tells this process from others."""

    store: Store
    policy: Policy
    wires: Mapping[str, Wire]
    now: Callable[[], datetime]
    owner: str
    secrets: Sequence[str] = field(default=(), repr=False)
    chance: Callable[[], float] = random.random
    seconds: Callable[[], float] = time.monotonic


@dataclass
class Gone:
    """What became of one go."""

    looked: int = 0
    changed: int = 0
    delivered: int = 0
    failed: int = 0
    dead: int = 0


def look(engine: Engine, gone: Gone) -> None:
    """Look at everybody whom somebody asked for or the clock may have changed, and note what changed.

    Raises:
        StripeRefusedError: the key may not read what is needed.
    """
    products: Products = {}
    with engine.store.reading() as connection:
        waiting = book.to_look_at(connection, engine.now(), MOST)
    with ThreadPoolExecutor(AT_ONCE, "access") as threads:
        done = [threads.submit(_looked, engine, customer, products) for customer in waiting]
    for each in done:
        outcome = each.result()
        gone.looked += outcome is not None
        gone.changed += bool(outcome)


def _looked(engine: Engine, customer: Customer, products: Products) -> bool | None:
    """Whether a customer's access changed; None where nobody knows yet, and who is looked at again later."""
    asked_at = engine.now()
    wire = engine.wires.get(customer.account_id)
    if wire is None:
        book.note_failure(engine.store, customer, asked_at + LONGEST_DELAY)
        return None
    try:
        held = looking.held_by(wire, customer.customer_id, engine.policy, products)
    except (StripeUnavailableError, StripeRefusedError) as error:
        book.note_failure(engine.store, customer, asked_at + delay(customer.failures, engine.chance()))
        if isinstance(error, StripeRefusedError):
            raise
        return None
    access = access_of(held, engine.policy, asked_at)
    changes = book.conclude(engine.store, customer, access, asked_at)
    return None if changes is None else bool(changes)


def tell(engine: Engine, gone: Gone) -> None:
    """Tell what is due, for a while.

    Raises:
        UsageError: nobody can be told.
    """
    asyncio.run(_told(engine, gone))


async def _told(engine: Engine, gone: Gone) -> None:
    began = engine.seconds()
    async with teller(engine.policy, engine.secrets, engine.now) as tell_one:
        while engine.seconds() - began < SECONDS:
            with engine.store.reading() as connection:
                first = book.first_due(connection, engine.now(), AT_ONCE * 4)
            done = await _at_once(engine, tell_one, first, gone)
            if not any(done):
                return


async def _at_once(engine: Engine, tell_one: Teller, first: Sequence[Change], gone: Gone) -> Sequence[bool]:
    """Tell changes of different customers, some at a time; whether each line was ours and went on or was put off."""
    room = asyncio.Semaphore(AT_ONCE)

    async def one(change: Change) -> bool:
        async with room:
            return await _one(engine, tell_one, change, gone)

    return await asyncio.gather(*(one(change) for change in first))


async def _one(engine: Engine, tell_one: Teller, change: Change, gone: Gone) -> bool:
    if not await asyncio.to_thread(_claimed, engine, change):
        return False
    failure = await tell_one(change)
    await asyncio.to_thread(_noted, engine, change, failure, gone)
    return True


def _claimed(engine: Engine, change: Change) -> bool:
    now = engine.now()
    with engine.store.engine.begin() as connection:
        ours = book.claim(connection, change, engine.owner, now, now + LEASE)
        return ours and book.is_due(connection, change)


def _noted(engine: Engine, change: Change, failure: str | None, gone: Gone) -> None:
    _kept(engine, change, failure, gone)
    with engine.store.engine.begin() as connection:
        book.release(connection, change, engine.owner)


def _kept(engine: Engine, change: Change, failure: str | None, gone: Gone) -> None:
    now = engine.now()
    if failure is None:
        book.note_delivered(engine.store, change, now)
        gone.delivered += 1
        return
    first = change.first_tried_at or now
    over = now - first >= timedelta(days=engine.policy.give_up_days)
    retry_at = None if over else now + delay(change.attempts, engine.chance())
    book.note_undelivered(engine.store, change, now, retry_at, failure)
    gone.failed += 1
    gone.dead += over


def delay(failures: int, chance: float) -> timedelta:
    """How long to wait after so many failures: 5 s doubled each time, an hour at most, by chance up to half less."""
    longest: timedelta = min(FIRST_DELAY * (1 << min(failures, 20)), LONGEST_DELAY)
    return longest * (1 - chance / 2)
