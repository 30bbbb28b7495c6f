"""`revenue doctor`: tries everything that a run needs, and says what to do about each fault."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pipelines import accounts, policies, rates, spark
from pipelines.errors import RevenueError, SettingsError
from pipelines.extract.account import DEFAULT_LABEL, NO_CLOCKS_LIVE, Account
from pipelines.extract.catalogue import CATALOGUE
from pipelines.extract.permissions import readable
from pipelines.settings import Settings
from pipelines.warehouse.database import open_warehouse

ROOM_NEEDED = 2_000_000_000
"""Bytes of free disk below which a first load may not fit."""

SIGNS = {"fine": "✓", "warning": "!", "fault": "✗"}


@dataclass(frozen=True)
class Finding:
    """What was tried and how it went: `fine`, a `warning`, or a `fault` that stops a run."""

    state: str
    words: str


def examine(settings: Settings, say: Callable[[str], None]) -> bool:
    """Try all, telling each finding; False where something would stop a run."""
    sound = True
    for look in (_settings, _engine, _disk, _warehouse, _accounts, _actions):
        for finding in look(settings):
            say(f"{SIGNS[finding.state]} {finding.words}")
            sound &= finding.state != "fault"
    return sound


def _settings(settings: Settings) -> Iterator[Finding]:
    try:
        chosen = policies.chosen(settings.policy)
        rates.load(settings.rate_file)
    except SettingsError as error:
        yield Finding("fault", str(error))
        return
    yield Finding("fine", f"Settings make sense; policy {chosen.name} ({chosen.hash}).")


def _engine(settings: Settings) -> Iterator[Finding]:
    if settings.engine == "local":
        return
    fault = spark.missing()
    words = f"Metrics are computed by Spark on {settings.spark_master}, over files in {settings.shared}."
    yield Finding("fault", fault) if fault else Finding("fine", words)


def _disk(settings: Settings) -> Iterator[Finding]:
    try:
        settings.home.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(settings.home).free
    except OSError as error:
        yield Finding(
            "fault", f"{settings.home} can't be written: {error.strerror}. Set REVENUE_HOME to another folder."
        )
        return
    words = f"{settings.home} has {free / 1e9:,.1f} GB free."
    yield Finding("fine", words) if free > ROOM_NEEDED else Finding("warning", f"{words} A large account needs more.")


def _warehouse(settings: Settings) -> Iterator[Finding]:
    if not settings.warehouse.exists():
        yield Finding("fine", "No warehouse yet; the first run makes it.")
        return
    try:
        with open_warehouse(settings.warehouse):
            yield Finding("fine", f"{settings.warehouse} opens and nobody else writes to it.")
    except RevenueError as error:
        yield Finding("fault", str(error))


def _accounts(settings: Settings) -> Iterator[Finding]:
    try:
        whom = accounts.of(settings)
    except RevenueError as error:
        yield Finding("fault", str(error))
        return
    for account in whom:
        yield from _permissions(account)


def _permissions(account: Account) -> Iterator[Finding]:
    name = "" if account.label == DEFAULT_LABEL else f"{account.label}: "
    try:
        refusals = readable(account, CATALOGUE)
    except RevenueError as error:
        yield Finding("fault", f"{name}{error}")
        return
    yield Finding("fine", f"{name}{account.base_url} answers and knows the key.")
    if account.test_clocks and not account.reads_test_clocks:
        yield Finding("warning", f"{name}{NO_CLOCKS_LIVE}")
    for stream in (stream for stream in CATALOGUE if stream.name in refusals):
        refusal = refusals[stream.name]
        if refusal is None:
            yield Finding("fine", f"{name}{stream.name} can be read.")
        else:
            words = f"{name}{stream.name} is skipped: the key lacks {stream.permission}. {refusal}"
            yield Finding("warning", words)


def _actions(settings: Settings) -> Iterator[Finding]:
    """What billing actions need, where a key for them is set."""
    if not settings.stripe_write_key:
        return
    from billing.errors import BillingError
    from pipelines import actions

    try:
        ready = actions.readiness(settings)
    except (BillingError, RevenueError) as error:
        yield Finding("fault", f"Billing actions: {error}")
        return
    mode = "live" if ready.standing.is_live else "test"
    yield Finding("fine", f"Billing actions: STRIPE_WRITE_KEY is of {ready.standing.account_id} in {mode} mode.")
    if not ready.same_account:
        yield Finding("fault", "Billing actions: STRIPE_WRITE_KEY is of another account than STRIPE_API_KEY.")
    if ready.stopped:
        yield Finding("warning", f"Billing actions are stopped: {ready.stopped}.")
