"""The edge of access: hands it the policy, the keys, the secrets and the clock. The command line, the worker of
webhooks and Dagster call these."""

import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from billing.access import book, engine, hearing, looking, policy, telling
from billing.access.book import Change, Standing
from billing.access.engine import Engine, Gone
from billing.access.policy import Policy
from billing.approvals import checked_login
from billing.store import Store
from billing.webhooks.occasions import Occasion, Subject
from billing.webhooks.plugins import Handler
from billing.wire import Wire, path
from pipelines import keys, noticed, operations
from pipelines.errors import SettingsError
from pipelines.settings import Settings

NOT_ASKED_FOR = "REVENUE_ACCESS names no file, so nobody is told of access; docs/access.md shows one."
ASKED_AT_ONCE = 500


def chosen(settings: Settings) -> Policy | None:
    """The policy; None without a file.

    Raises:
        UsageError: the file makes no sense.
    """
    return policy.load(settings.access_file) if settings.access_file else None


def handlers(settings: Settings, store: Store) -> list[tuple[str, Handler]]:
    """What listens to events, so that customers are looked at; nothing without a policy."""
    return hearing.handlers(store, _whose(settings)) if settings.access_file else []


def deliver(settings: Settings) -> Gone:
    """Look at whom something changed for, and tell what changed; nothing without a policy.

    Raises:
        UsageError: nobody can be told, or a file makes no sense.
        StripeRefusedError: the key may not read what is needed.
    """
    gone = Gone()
    if not is_due(settings):
        return gone
    with _engine(settings) as ready:
        try:
            engine.look(ready, gone)
        finally:
            if ready.policy.url or ready.policy.plugin:
                engine.tell(ready, gone)
    return gone


def is_due(settings: Settings) -> bool:
    """Whether anybody is to be looked at, or anything to be told, now."""
    if settings.access_file is None or not noticed.there_is_an_inbox(settings):
        return False
    with operations.opened(settings) as store, store.reading() as connection:
        return book.is_anything_due(connection, keys.now(settings))


def deliver_all(settings: Settings) -> Gone:
    """The same until nothing changes any more by doing it again at once.

    Raises:
        As `deliver`.
    """
    whole = Gone()
    while True:
        gone = deliver(settings)
        for name, count in vars(gone).items():
            setattr(whole, name, getattr(whole, name) + count)
        if not gone.looked and not gone.delivered:
            return whole


def ask(settings: Settings, customer_ids: Sequence[str]) -> int:
    """Have customers looked at; without any, all who hold a subscription or were known to have access.

    Raises:
        SettingsError: there is no policy.
        BillingError: Stripe can't be asked.
    """
    if settings.access_file is None:
        raise SettingsError(NOT_ASKED_FOR)
    count = 0
    for account_id, wire in keys.wires(settings).items():
        with operations.opened(settings) as store:
            found = list(customer_ids) or _all(store, wire, account_id)
            for first in range(0, len(found), ASKED_AT_ONCE):
                with store.engine.begin() as connection:
                    for customer_id in found[first : first + ASKED_AT_ONCE]:
                        book.ask(connection, account_id, customer_id, livemode=wire.is_live)
            count += len(found)
    return count


def listed(settings: Settings, states: Sequence[str], customer_id: str | None, most: int) -> list[Change]:
    """Changes, the youngest first."""
    with operations.opened(settings) as store, store.reading() as connection:
        return book.listed(connection, states, customer_id, most)


def status(settings: Settings) -> Standing:
    """How it stands in all."""
    with operations.opened(settings) as store, store.reading() as connection:
        return book.standing(connection, keys.now(settings))


def tell_again(settings: Settings, change_ids: Sequence[str], *, dead: bool, by: str) -> list[Change]:
    """Have changes told again: these, or all that were left for good.

    Raises:
        SettingsError: one is not known.
    """
    with operations.opened(settings) as store:
        with store.reading() as connection:
            known = {each.change_id for each in book.listed(connection, [book.DEAD] if dead else ())}
        unknown = [each for each in change_ids if each not in known]
        if unknown:
            raise SettingsError(f"{unknown[0]!r:.80} is no such change; `revenue access list` shows them.")
        chosen_ids = list(change_ids) or sorted(known if dead else ())
        return book.tell_again(store, chosen_ids, keys.now(settings), checked_login(by))


def check(settings: Settings) -> None:
    """Whether anybody can be told.

    Raises:
        SettingsError: there is no policy.
        UsageError: nobody can, and why.
    """
    found = chosen(settings)
    if found is None:
        raise SettingsError(NOT_ASKED_FOR)
    telling.check(found, settings.access_secret_list)


@contextmanager
def _engine(settings: Settings) -> Iterator[Engine]:
    found = policy.load(settings.access_file) if settings.access_file else Policy(version=1)
    wires = keys.wires(settings)
    with operations.opened(settings) as store:
        yield Engine(store, found, wires, keys.clock(wires), _owner(), settings.access_secret_list)


def _all(store: Store, wire: Wire, account_id: str) -> list[str]:
    with store.reading() as connection:
        known = book.with_access(connection, account_id)
    return list(dict.fromkeys([*looking.customers(wire), *known]))


def _whose(settings: Settings) -> hearing.Whose:
    """Asks Stripe whose a subscription is, which thin events do not say."""
    wires: dict[str, Wire] = {}

    def ask_stripe(occasion: Occasion) -> str | None:
        if not wires:
            wires.update(keys.wires(settings))
        wire = wires.get(occasion.account_id)
        if wire is None or occasion.object_id is None or occasion.subject is not Subject.SUBSCRIPTION:
            return None
        return str(wire.get(path("subscriptions", occasion.object_id))["customer"])

    return ask_stripe


def _owner() -> str:
    return f"access-{os.getpid()}-{secrets.token_hex(3)}"
