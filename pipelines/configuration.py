"""Notices at the start of a command or a run that settings, or the files that they name, are others than the last time.

Goes on record where there is an operations database, and makes none.
"""

import getpass
import hashlib
import hmac
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from pydantic import SecretStr

from pipelines import personal
from pipelines.settings import Settings

DIGITS = 16
PLACE = "place"
"""What a working folder is known by in the trail: nothing of its name, and nothing of the machine's."""
LARGEST_FILE = 5_000_000
ALONE = frozenset(
    "demo explain query reconcile report status doctor audit dictionary rules-schema testing".split()  # noqa: SIM905
)
"""Commands that change nothing by the settings, or have an account of their own."""
NOBODY = "unknown"


def note_before(words: Sequence[str], settings: Settings) -> tuple[str, ...]:
    """Note changes before a command that is typed in these words; the names of the settings that changed."""
    asks = not words or words[0].startswith("-") or words[0] in ALONE or {"--help", "-h"} & set(words)
    return () if asks else note(settings)


def note(settings: Settings) -> tuple[str, ...]:
    """Note changes; the names of the settings that changed.

    Raises:
        SettingsError: the key of the digests can't be used.
        BillingError: the operations database can't be used.
    """
    if not settings.has_operations:
        return ()
    from billing import configuration
    from pipelines import operations

    key = personal.key(settings)
    place = _digest(key, PLACE, b"")
    digests = {name: _digest(key, name, value) for name, value in _set(settings)}
    with operations.opened(settings) as store:
        found = configuration.Configuration(place, digests)
        return configuration.noted(store, found, by=_login(), at=datetime.now(UTC))


def _set(settings: Settings) -> Iterator[tuple[str, bytes]]:
    """Name and value of each setting that is not its default, and the contents of each file that one names."""
    for field, about in Settings.model_fields.items():
        value, name = getattr(settings, field), str(about.validation_alias)
        if value != about.default:
            shown = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
            yield name, shown.encode()
        if (file := _named(value)) is not None:
            yield f"{name} (contents)", file.read_bytes()


def _named(value: object) -> Path | None:
    """The file that a value names, if it does."""
    if not isinstance(value, str | Path) or not str(value):
        return None
    try:
        file = Path(value)
        return file if file.is_file() and file.stat().st_size <= LARGEST_FILE else None
    except (OSError, ValueError):  # text that no path can be
        return None


def _digest(key: bytes, name: str, value: bytes) -> str:
    return hmac.new(key, name.encode() + b"\0" + value, hashlib.sha256).hexdigest()[:DIGITS]


def _login() -> str:
    """Who this process runs as; the trail takes logins alone."""
    from billing.approvals import checked_login
    from billing.errors import UsageError

    try:
        return checked_login(getpass.getuser())
    except (UsageError, OSError, KeyError):
        return NOBODY
