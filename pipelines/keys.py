"""A wire for each account that the settings name a key of; asks Stripe whose each key is."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from billing.wire import Wire, standing
from pipelines import accounts, actions
from pipelines.settings import Settings


def are_given(settings: Settings) -> bool:
    """Whether the settings name any key."""
    return accounts.are_given(settings)


def wires(settings: Settings) -> dict[str, Wire]:
    """The keys that read, by account id; connected accounts are their platform's and have none of their own.

    Raises:
        SettingsError: a key is missing, or can't read.
        BillingError: Stripe refuses a key, or can't be reached.
    """
    found = {}
    for account in accounts.of(settings, connected=lambda platform: ()):
        if not account.connected:
            wire = Wire(account.key, account.base_url)
            found[standing(wire).account_id] = wire
    return found


def clock(wires: Mapping[str, Wire]) -> Callable[[], datetime]:
    """Stripe's clock, running on from when it was asked; ours where no key is set."""
    first = next(iter(wires.values()), None)
    return actions.running_from(standing(first)) if first else lambda: datetime.now(UTC)


def now(settings: Settings) -> datetime:
    """What time it is at Stripe; here, where no key is set."""
    return clock(wires(settings) if are_given(settings) else {})()
