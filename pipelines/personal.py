"""How the settings treat personal data, the key of its hashes, and the rule that one warehouse treats it one way."""

import os
from pathlib import Path

import duckdb

from pipelines.errors import SettingsError
from pipelines.extract.personal import Personal, Treatment, treatments
from pipelines.settings import Settings

KEY_FILE = "personal.key"
KEY_BYTES = 32


def of(settings: Settings) -> Personal:
    """The treatment that the settings ask for; makes the key in the working folder where hashes need one.

    Raises:
        SettingsError: the key can't be read or written, or is none.
    """
    chosen = treatments(settings.personal_data)
    if Treatment.HASH not in chosen.values():
        return Personal(chosen)
    return Personal(chosen, key(settings))


def key(settings: Settings) -> bytes:
    """The key of hashes, made in the working folder where there is none yet.

    Raises:
        SettingsError: it can't be read or written, or is none.
    """
    return _key(settings.home / KEY_FILE)


def hold(connection: duckdb.DuckDBPyConnection, personal: Personal) -> None:
    """Have the warehouse remember the treatment, so that the same value never stands in it in two ways.

    Raises:
        SettingsError: what it holds was treated otherwise.
    """
    connection.execute("create schema if not exists pipeline")
    connection.execute("create table if not exists pipeline.personal_data (rules varchar not null)")
    held = connection.execute("select rules from pipeline.personal_data").fetchall()
    if not held:
        empty = not connection.execute("select 1 from pipeline.runs where rows_written > 0 limit 1").fetchall()
        connection.execute("insert into pipeline.personal_data values (?)", [personal.rules if empty else ""])
        held = [(personal.rules if empty else "",)]
    if held[0][0] != personal.rules:
        raise SettingsError(
            f"REVENUE_PERSONAL_DATA is '{personal.rules}', but what this warehouse holds was read with '{held[0][0]}', "
            "and would stay as it is. Set it back; or move warehouse.duckdb and revenue.duckdb away and run again, "
            "which reads everything anew."
        )


def _key(file: Path) -> bytes:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        if not file.exists():
            _write_new(file, os.urandom(KEY_BYTES))
        key = file.read_bytes()
    except OSError as error:
        raise SettingsError(f"{file}, the key of hashed personal data, can't be used: {error.strerror}.") from None
    if len(key) != KEY_BYTES:
        raise SettingsError(
            f"{file} is no key of {KEY_BYTES} bytes. Bring it back from the backup: hashes depend on it."
        )
    return key


def _write_new(file: Path, key: bytes) -> None:
    """Whole or not at all, for the owner alone, and on the disk before anything that is hashed with it."""
    beside = file.with_name(f".{file.name}.{os.getpid()}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        out.write(key)
        out.flush()
        os.fsync(out.fileno())
    beside.replace(file)
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
