"""The edge of the webhooks: hands the endpoint and the inbox the settings, the secrets, the clock and what scrubs.

What comes in is worked off by `work`: the company's own code is told, and the figures are refreshed.
"""

import fcntl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import duckdb
from sqlalchemy.exc import SQLAlchemyError

from billing.errors import BillingError
from billing.store import Store
from billing.webhooks import hand_on, inbox, plugins, simulated
from billing.webhooks.endpoint import Endpoint, Source
from billing.webhooks.hand_on import Handed
from billing.webhooks.plugins import Handlers
from billing.wire import Wire, standing
from pipelines import access, accounts, noticed, notices, operations, personal, refresh
from pipelines.errors import RevenueError, SettingsError
from pipelines.extract import scrub
from pipelines.extract.account import Account
from pipelines.progress import Progress
from pipelines.serve import Receiving
from pipelines.settings import Settings
from pipelines.tombstones import Keeper

NOT_SET_UP = (
    "No account has a webhook secret. Put the endpoint's signing secret (whsec_…) into REVENUE_WEBHOOK_SECRETS; "
    "docs/webhooks.md says where Stripe shows it."
)
LOCK = "webhooks.lock"
LOOK_SECONDS = 1.0
"""How often it is looked whether something came in."""
GATHER_SECONDS = 2.0
"""How long what came in waits for what comes along with it: a payment is some ten events."""
FIRST_PAUSE, LONGEST_PAUSE = 5.0, 300.0
"""Seconds between tries of a refresh that fails, doubled each time."""
PATIENCE_SECONDS = 900.0
"""How long a refresh waits for another writer of the warehouse."""
PRUNE_SECONDS = 3_600.0
SPREAD_SECONDS = 5.0
"""How often it is looked whether a notice or a call on access is due that nothing new came in for."""
PASSING = (RevenueError, BillingError, OSError, SQLAlchemyError, duckdb.Error)
"""What may be mended, or over, when it is tried again: no network, a full disk, a locked database, a wrong setting."""

Say = Callable[[str], None]


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
        yield Receiving(settings.webhook_path, Endpoint(store, sources, clean, time.time, _complain))


def cleaner(settings: Settings, store: Store) -> Callable[[Sequence[bytes]], Sequence[bytes]]:
    """What takes out of payloads what raw tables may not hold either."""
    treated, keeper = personal.of(settings), Keeper(store)
    return lambda payloads: keeper.redacted(treated.applied(scrub.clean(payloads)))


def status(settings: Settings) -> inbox.Standing | None:
    """What is in the inbox; None where there is none."""
    if not noticed.there_is_an_inbox(settings):
        return None
    with operations.opened(settings) as store, store.reading() as connection:
        return inbox.standing(connection)


def simulate(settings: Settings, type_: str, to: str | None, id_: str | None, *, thin: bool) -> simulated.Answer:
    """Send a signed event about an object of the account to an endpoint; without `to` to our own on this machine.

    Raises:
        SettingsError: no secret to sign with.
        BillingError: no such type or object, or nobody answers.
    """
    kind = simulated.known(type_)
    if not settings.webhook_secret_list:
        raise SettingsError(NOT_SET_UP)
    wire = Wire(settings.required_key(), settings.stripe_api_base)
    now = standing(wire).at
    told = simulated.event(kind, simulated.an_object(wire, kind, id_), int(now.timestamp()), livemode=wire.is_live)
    url = to or f"http://127.0.0.1:{settings.serve_port}{settings.webhook_path}"
    sent = simulated.thinned(told) if thin else told
    return simulated.send(url, sent, settings.webhook_secret_list[0], int(time.time()))


def hand_over(settings: Settings) -> Handed:
    """Tell the company's own code of what came in.

    Raises:
        SettingsError: a plug-in can't be used.
        BillingError: another process does the same.
    """
    names = filter(None, map(str.strip, settings.webhook_plugins.split(",")))
    theirs = plugins.load(names)
    with operations.opened(settings) as store:
        ours = [*access.handlers(settings, store), *notices.handlers(settings, store)]
        return hand_on.hand_on(store, Handlers([*ours, *theirs.entries]), lambda: datetime.now(UTC))


def spread(settings: Settings, say: Say) -> None:
    """Tell of access and send the notices that follow from what was handed on; what is wrong holds up nothing else."""
    for what, follow in (("Access", _told_of_access), ("Notices", _sent)):
        try:
            words = follow(settings)
        except PASSING as error:
            words = f"{what}: {error}"
        if words:
            say(words)


def _told_of_access(settings: Settings) -> str:
    gone = access.deliver(settings)
    failed = f", {gone.failed:,} were not taken" if gone.failed else ""
    return f"Told of {gone.delivered:,} changes of access{failed}." if gone.delivered or gone.failed else ""


def _sent(settings: Settings) -> str:
    sent = sum(each.state == "sent" for each in notices.deliver(settings))
    return f"Sent {sent:,} notices." if sent else ""


@dataclass
class Worker:
    """Works off the inbox. `say` is told what was done, `sleep` waits."""

    settings: Settings
    progress: Progress
    say: Say
    sleep: Callable[[float], None] = time.sleep
    pause: float = FIRST_PAUSE
    pruned: float = 0.0
    looked: float = 0.0

    def until_empty(self) -> None:
        """Work off what is there, and stop.

        Raises:
            RevenueError, BillingError: a refresh fails, or another process works already.
        """
        with alone(self.settings):
            self._tell()
            while noticed.newest(self.settings) is not None:
                self._refresh()
            self._prune()

    def forever(self) -> None:
        """Work off what comes in until interrupted; what fails is tried again, later each time.

        Raises:
            RevenueError: another process works already.
        """
        with alone(self.settings):
            while True:
                try:
                    self._turn()
                except PASSING as error:
                    self.say(f"{type(error).__name__}: {error} Trying again in {self.pause:.0f} seconds.")
                    self.sleep(self.pause)
                    self.pause = min(self.pause * 2, LONGEST_PAUSE)

    def _turn(self) -> None:
        self._tell()
        if noticed.newest(self.settings) is None:
            self._prune()
            self.sleep(LOOK_SECONDS)
            return
        self.sleep(GATHER_SECONDS)
        self._tell()
        self._refresh()
        self.pause = FIRST_PAUSE

    def _tell(self) -> None:
        handed = hand_over(self.settings)
        if handed.told or handed.failed:
            self.say(f"Handed on {handed.told:,} events, {handed.failed:,} failed.")
        if time.monotonic() - self.looked > SPREAD_SECONDS or handed.told:
            spread(self.settings, self.say)
            self.looked = time.monotonic()

    def _refresh(self) -> None:
        began = time.monotonic()
        with operations.opened(self.settings) as store, store.reading() as connection:
            events = inbox.unrefreshed_count(connection)
        outcome = refresh.run(self.settings, self.progress, command="webhooks", sweeps=False, patience=PATIENCE_SECONDS)
        checks = f" Data checks failed: {', '.join(outcome.failed_checks)}." if outcome.failed_checks else ""
        self.say(f"Published what {events:,} events told of, in {time.monotonic() - began:.1f} seconds.{checks}")
        notices.enter_week(self.settings)

    def _prune(self) -> None:
        if time.monotonic() - self.pruned > PRUNE_SECONDS:
            prune(self.settings)
            self.pruned = time.monotonic()


def prune(settings: Settings) -> None:
    """Drop events that were worked off and are older than the settings ask to keep."""
    if noticed.there_is_an_inbox(settings):
        before = datetime.now(UTC) - timedelta(days=settings.webhook_days)
        with operations.opened(settings) as store:
            inbox.prune(store, before)


def tidied(settings: Settings) -> Handed | None:
    """Hand on and prune once, as the worker does; None where there is no inbox, or a worker that does it.

    Raises:
        BillingError: a plug-in or the database can't be used.
    """
    if not noticed.there_is_an_inbox(settings):
        return None
    try:
        with alone(settings):
            handed = hand_over(settings)
            spread(settings, _complain)
            prune(settings)
            return handed
    except RevenueError:  # a worker is there
        return None


@contextmanager
def worked_off_beside(*, wanted: bool) -> Iterator[None]:
    """Works off the inbox in a process of its own while the block lasts, where that is `wanted`."""
    if not wanted:
        yield
        return
    process = subprocess.Popen([sys.executable, "-m", "pipelines.cli", "webhooks", "work"])
    try:
        yield
    finally:
        process.terminate()
        process.wait()


@contextmanager
def alone(settings: Settings) -> Iterator[None]:
    """The only process that works off this inbox: two would tell the company's own code out of order.

    Raises:
        RevenueError: another one does.
    """
    settings.home.mkdir(parents=True, exist_ok=True)
    with (settings.home / LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RevenueError(f"Another process works off the events of {settings.home} already.") from None
        yield


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


def _complain(words: str) -> None:
    print(words, file=sys.stderr, flush=True)
