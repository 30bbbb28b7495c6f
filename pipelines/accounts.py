"""Whom to read, as the settings say it: one key, or a TOML file of several keys and their connected accounts.

The file names environment variables, never keys:

    [europe]
    key_variable = "STRIPE_KEY_EUROPE"

    [platform]
    key_variable = "STRIPE_KEY_PLATFORM"
    connected = "all"                       # or a list of their ids
    own = false                             # leave the platform's own account out
    webhook_variable = "WEBHOOKS_PLATFORM"  # secrets of its webhook endpoint, with commas
"""

import os
import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Literal

from dotenv import dotenv_values
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from pipelines import personal
from pipelines.errors import SettingsError
from pipelines.extract.account import Account
from pipelines.extract.connected import connected_ids
from pipelines.settings import ENV_FILE, Settings, checked_base, checked_key, encoding_of

Connected = Callable[[Account], Sequence[str]]


class _Entry(BaseModel):
    """One key of the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key_variable: Annotated[str, Field(pattern=r"^[A-Z_][A-Z0-9_]*$")]
    connected: Literal["all"] | tuple[Annotated[str, Field(pattern=r"^acct_\w+$")], ...] = ()
    own: bool = True
    api_base: Annotated[str, AfterValidator(checked_base)] | None = None
    webhook_variable: Annotated[str, Field(pattern=r"^[A-Z_][A-Z0-9_]*$")] | None = None


_FILE = TypeAdapter(dict[str, _Entry])


def of(settings: Settings, connected: Connected = connected_ids) -> list[Account]:
    """Every account to read; asks Stripe for the connected ones where the file says all of them.

    Raises:
        SettingsError: no key, one that can't read, or a file that makes no sense.
        ExtractError: the platform's key may not list its connected accounts.
    """
    if settings.accounts_file is None:
        return [_account(settings, settings.required_key(), settings.stripe_api_base, "default")]
    variables = _variables()
    found = [
        account
        for label, entry in _entries(settings.accounts_file).items()
        for account in _of_entry(settings, label, entry, variables.get(entry.key_variable), connected)
    ]
    if not found:
        raise SettingsError(f"{settings.accounts_file} names no account to read.")
    return found


@dataclass(frozen=True)
class Sender:
    """An account that sends events, and the secrets that it signs them with."""

    account: Account
    secrets: tuple[str, ...] = field(default=(), repr=False)


def senders(settings: Settings) -> list[Sender]:
    """The accounts that have a webhook endpoint, by the settings or by the file's `webhook_variable`.

    Raises:
        SettingsError: as `of`.
    """
    if settings.accounts_file is None:
        return [Sender(each, settings.webhook_secret_list) for each in of(settings)]
    variables = _variables()
    found = []
    for label, entry in _entries(settings.accounts_file).items():
        if entry.webhook_variable:
            where = f"{entry.key_variable}, which {settings.accounts_file} names for {label},"
            key = checked_key(variables.get(entry.key_variable), where, settings.mode)
            secrets = (variables.get(entry.webhook_variable) or "").split(",")
            account = _account(settings, key, entry.api_base or settings.stripe_api_base, label)
            found.append(Sender(account, tuple(filter(None, map(str.strip, secrets)))))
    return found


def are_given(settings: Settings) -> bool:
    """Whether the settings say whom to read, rightly or wrongly."""
    return settings.accounts_file is not None or settings.stripe_api_key is not None


def _variables() -> dict[str, str | None]:
    """What the environment holds, and the file of settings behind it."""
    return {**dotenv_values(ENV_FILE, encoding=encoding_of(Path(ENV_FILE))), **os.environ}


def _of_entry(
    settings: Settings, label: str, entry: _Entry, key: str | None, connected: Connected
) -> Iterator[Account]:
    where = f"{entry.key_variable}, which {settings.accounts_file} names for {label},"
    own = _account(settings, checked_key(key, where, settings.mode), entry.api_base or settings.stripe_api_base, label)
    if entry.own:
        yield own
    for id_ in connected(own) if entry.connected == "all" else entry.connected:
        yield replace(own, label=f"{label}/{id_}", connected=id_)


def _account(settings: Settings, key: str, base: str, label: str) -> Account:
    account = Account.of(key, base, label, account_rate=settings.account_rate, endpoint_rate=settings.endpoint_rate)
    return replace(account, personal=personal.of(settings), test_clocks=settings.test_clocks)


def _entries(file: Path) -> dict[str, _Entry]:
    try:
        return _FILE.validate_python(tomllib.loads(file.read_text()))
    except OSError as error:
        raise SettingsError(f"REVENUE_ACCOUNTS: {file} can't be read: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"REVENUE_ACCOUNTS: {file} is no TOML: {error}.") from None
    except ValidationError as error:
        faults = "\n".join(f"  {'.'.join(map(str, each['loc']))}: {_fault(each)}" for each in error.errors())
        raise SettingsError(f"REVENUE_ACCOUNTS: {file} makes no sense:\n{faults}") from None


def _fault(error: object) -> str:
    assert isinstance(error, dict)  # noqa: S101 - pydantic's type for it is not public
    if "key_variable" in error["loc"] and error["type"] == "string_pattern_mismatch":
        return "this takes the name of an environment variable that holds the key (A-Z, 0-9, _), never the key itself"
    return str(error["msg"])
