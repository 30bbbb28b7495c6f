"""The edge of the webhooks: hands the endpoint and the inbox the settings, the secrets, the clock and what scrubs.

What comes in is worked off by `work`: the company's own code is told, and the figures are refreshed.
"""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from billing.store import Store
from billing.webhooks.endpoint import Endpoint, Source
from billing.wire import Wire, standing
from pipelines import accounts, operations, personal
from pipelines.errors import SettingsError
from pipelines.extract import scrub
from pipelines.extract.account import Account
from pipelines.serve import Receiving
from pipelines.settings import Settings
from pipelines.tombstones import Keeper

NOT_SET_UP = (
    "No account has a webhook secret. Put the endpoint's signing secret (whsec_…) into REVENUE_WEBHOOK_SECRETS; "
    "docs/webhooks.md says where Stripe shows it."
)


def are_taken(settings: Settings) -> bool:
    """Whether the settings name a webhook endpoint."""
    if settings.webhook_secret_list or settings.webhook_token_list:
        return True
    return settings.accounts_file is not None and bool(accounts.senders(settings))


@contextmanager
def receiving(settings: Settings) -> Iterator[Receiving | None]:
    """What takes events while the block lasts, for `revenue serve`; None where no endpoint is set up.

    Asks Stripe whose the keys are, so that each event has its account.

    Raises:
        SettingsError: no secret, or one that two accounts share.
        BillingError: Stripe refuses a key, or can't be reached.
    """
    if not are_taken(settings):
        yield None
        return
    sources = _sources(settings)
    with operations.opened(settings) as store:
        clean = cleaner(settings, store)
        yield Receiving(settings.webhook_path, Endpoint(store, sources, clean, time.time, _say))


def cleaner(settings: Settings, store: Store) -> Callable[[Sequence[bytes]], Sequence[bytes]]:
    """What takes out of payloads what raw tables may not hold either."""
    treated, keeper = personal.of(settings), Keeper(store)
    return lambda payloads: keeper.redacted(treated.applied(scrub.clean(payloads)))


def _sources(settings: Settings) -> list[Source]:
    found = [
        _source(sender.account, sender.secrets, settings.webhook_token_list)
        for sender in accounts.senders(settings)
        if sender.secrets or settings.webhook_token_list
    ]
    secrets = [secret for source in found for secret in source.secrets]
    if not found:
        raise SettingsError(NOT_SET_UP)
    if len(set(secrets)) < len(secrets):
        raise SettingsError("Two accounts have the same webhook secret; each endpoint has one of its own.")
    if settings.webhook_token_list and len(found) > 1:
        raise SettingsError("REVENUE_WEBHOOK_TOKENS is for one account; run `revenue serve` once for each of several.")
    return found


def _source(account: Account, secrets: tuple[str, ...], tokens: tuple[str, ...]) -> Source:
    whose = standing(Wire(account.key, account.base_url))
    return Source(account.label, whose.account_id, whose.is_live, secrets, tokens)


def _say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)
