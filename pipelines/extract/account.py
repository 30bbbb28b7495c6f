"""Whom we read and how hard: the key, the address and the limits, as values that are handed down.

Nothing here reads the environment; a key never shows in a repr, an error or a log.
"""

import re
from dataclasses import dataclass, field, replace

from pipelines.extract.personal import KEPT, Personal

STRIPE_API = "https://api.stripe.com"
DEFAULT_LABEL = "default"
ACCOUNT_ID = re.compile(r"acct_\w+")
"""What Stripe calls accounts; pages of several accounts lie in folders of that name."""

_KEY = re.compile(r"\b((?:sk|rk|pk|ek|whsec)_(?:(?:live|test|org)_)?)\w{4,}")


@dataclass(frozen=True)
class Limits:
    """How many requests may be sent, and how patiently they are repeated.

    Rates are requests a second, 0 for no limit; `endpoint_rate` is of one endpoint (all `/v1/invoices/{id}`
    together). `attempts` counts sendings of one request that failed for another reason than a limit; `refusals` counts
    429s of one request. Delays are seconds: each doubles from `first_delay` to `longest_delay`, times a random share.
    """

    account_rate: float = 100.0
    endpoint_rate: float = 25.0
    concurrency: int = 50
    attempts: int = 7
    refusals: int = 60
    first_delay: float = 0.5
    longest_delay: float = 20.0
    connect_timeout: float = 10.0
    read_timeout: float = 80.0


TEST_MODE = Limits(account_rate=25.0)
"""Stripe allows test keys 25 requests a second over all endpoints."""


NO_CLOCKS_LIVE = "REVENUE_TEST_CLOCKS is on, but a live key has no test clocks: there is nothing on them to read."


@dataclass(frozen=True)
class Account:
    """One Stripe account to read.

    `label` names it in the warehouse: a warehouse holds one account a label. `connected` is the id of a connected
    account that is read through a platform's key. `personal` says what becomes of its customers' personal data,
    `test_clocks` whether what lives on test clocks is asked for.
    """

    key: str = field(repr=False)
    base_url: str = STRIPE_API
    label: str = DEFAULT_LABEL
    connected: str | None = None
    limits: Limits = Limits()
    personal: Personal = KEPT
    test_clocks: bool = False

    @classmethod
    def of(
        cls,
        key: str,
        base_url: str = STRIPE_API,
        label: str = DEFAULT_LABEL,
        *,
        account_rate: float | None = None,
        endpoint_rate: float | None = None,
    ) -> "Account":
        """The account under the given rates, or those that Stripe documents for such a key; another server gets those
        of a live key.
        """
        slow = base_url.rstrip("/") == STRIPE_API and "_test_" in key
        limits = TEST_MODE if slow else Limits()
        if account_rate is not None:
            limits = replace(limits, account_rate=account_rate)
        if endpoint_rate is not None:
            limits = replace(limits, endpoint_rate=endpoint_rate)
        return cls(key=key, base_url=base_url.rstrip("/"), label=label, limits=limits)

    @property
    def reads_test_clocks(self) -> bool:
        """Whether it is asked for, and can be: only a test key may."""
        return self.test_clocks and not self.key_is_live

    @property
    def key_is_live(self) -> bool:
        """What the key's prefix says of its mode."""
        return "_live_" in self.key


def redacted(text: str) -> str:
    """The text with everything that looks like a key cut after its prefix."""
    return _KEY.sub(r"\1…", text)
