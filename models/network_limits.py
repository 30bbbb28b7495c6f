"""The card networks' dispute limits, from the dated `network_limits.toml`."""

import tomllib
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

ANY = "any"


@dataclass(frozen=True)
class Limit:
    """A monitoring programme and when it held: it is reached where both `rate` and `count` are."""

    network: str
    """A card network, or `any`."""
    programme: str
    rate: Fraction
    count: int
    counted: str
    """`disputes`, or `disputes_and_fraud_reports`."""
    payments: str
    """`same_month` or `month_before`: whose payments are divided by."""
    valid_from: date
    valid_until: date | None
    """First day on which it held no more; None: it holds."""
    source: str
    note: str = ""


def _read() -> dict[str, Any]:
    return tomllib.loads((Path(__file__).parent / "network_limits.toml").read_text(encoding="utf-8"))


def _limit(entry: dict[str, Any]) -> Limit:
    return Limit(**{"valid_until": None, **entry, "rate": Fraction(entry["rate"])})


_FILE = _read()

LIMITS: tuple[Limit, ...] = tuple(map(_limit, _FILE["limit"]))
"""Every programme, those that held before included."""


def in_force(month: date) -> list[Limit]:
    """The limits that hold in a month, by its first day."""
    return [one for one in LIMITS if one.valid_from <= month and (one.valid_until is None or month < one.valid_until)]


EARLY_WARNING = Fraction(_FILE["early_warning"])
"""Share of a limit's rate and of its count from which a month is an early warning."""
