"""A wire for each account that the settings name a key of, and what time it is there.

Whose a key is does not change, so Stripe is asked once a process; its clock is asked only where it may be another than
ours, at a sandbox. What looks every few seconds whether something is due costs no requests that way.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache

from billing.wire import Wire, standing
from pipelines import accounts, actions
from pipelines.settings import STRIPE_API, Settings


def are_given(settings: Settings) -> bool:
    """Whether the settings name any key."""
    return accounts.are_given(settings)


def wires(settings: Settings) -> dict[str, Wire]:
    """The keys that read, by account id; connected accounts are their platform's and have none of their own.

    Raises:
        SettingsError: a key is missing, or can't read.
        BillingError: Stripe refuses a key, or can't be reached.
    """
    found = accounts.of(settings, connected=lambda platform: ())
    own = [account for account in found if not account.connected]
    return {_whose(account.key, account.base_url): Wire(account.key, account.base_url) for account in own}


def clock(wires: Mapping[str, Wire]) -> Callable[[], datetime]:
    """The clock of the accounts: a sandbox's own, running on from when it was asked; else ours."""
    first = next(iter(wires.values()), None)
    if first is None or first.base_url == STRIPE_API:
        return lambda: datetime.now(UTC)
    return actions.running_from(standing(first))


def now(settings: Settings) -> datetime:
    """What time it is for the accounts."""
    at_stripe = settings.stripe_api_base == STRIPE_API or not are_given(settings)
    return datetime.now(UTC) if at_stripe else clock(wires(settings))()


@cache
def _whose(key: str, base_url: str) -> str:
    return standing(Wire(key, base_url)).account_id
