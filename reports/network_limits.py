"""The card networks' dispute limits, from the dated `network_limits.toml`."""

import tomllib
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Limit:
    """A monitoring programme: it applies where both `rate` and `count` are reached."""

    network: str
    programme: str
    rate: Decimal
    count: int
    payments: str
    note: str = ""


def _read() -> dict[str, list[dict[str, Any]]]:
    return tomllib.loads((Path(__file__).parent / "network_limits.toml").read_text(encoding="utf-8"))


_FILE = _read()

LIMITS: tuple[Limit, ...] = tuple(Limit(**entry | {"rate": Decimal(entry["rate"])}) for entry in _FILE["limit"])
"""Every programme."""

ADVICE: tuple[tuple[str, Decimal], ...] = tuple((entry["name"], Decimal(entry["rate"])) for entry in _FILE["advice"])
"""Levels that somebody advises to stay under: name and rate."""
