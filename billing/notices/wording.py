"""How amounts, days and names stand in a mail, by language. Pure.

A name is what a customer wrote: who signs up with somebody else's address could have us send them words of their own
choosing. So a name that is more than a name is left out.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from models.currency import minor_exponent

LONGEST_NAME, LONGEST_TEXT = 60, 200
_NAME = re.compile(r"[^\W\d_](?:[\w '’&,\-]|\.(?=\s|$|,))*")
"""Letters first; a full stop only where a word ends, as in `Dr. Ada Lovelace`: no address of a page."""


@dataclass(frozen=True)
class Form:
    """How a language writes: what parts thousands and decimals, and a day."""

    thousands: str
    decimals: str
    day: str
    months: tuple[str, ...]


_EN = "January February March April May June July August September October November December"
_DE = "Januar Februar März April Mai Juni Juli August September Oktober November Dezember"
_NUMBERS = " ".join(f"{month:02}" for month in range(1, 13))
FORMS: Mapping[str, Form] = {
    "en": Form(",", ".", "{day} {month} {year}", tuple(_EN.split())),
    "de": Form(".", ",", "{day}. {month} {year}", tuple(_DE.split())),
}
_OTHER = Form("\u202f", ".", "{year}-{month}-{day:02}", tuple(_NUMBERS.split()))
"""For languages that a company adds: ISO 8601 days, and thin spaces between thousands."""


def money(minor: int | Decimal, currency: str, language: str) -> str:
    """`1,234.50 EUR`; in German `1.234,50 EUR`. The blank breaks no line."""
    places = minor_exponent(currency)
    return f"{number(Decimal(minor).scaleb(-places), places, language)}\u00a0{currency.upper()}"


def signed(minor: int | Decimal, currency: str, language: str) -> str:
    """The same with `+` or `−` before it, but for nothing."""
    sign = "+" if minor > 0 else "−" if minor < 0 else ""
    return f"{sign}{money(abs(Decimal(minor)), currency, language)}"


def number(value: Decimal | int, places: int, language: str) -> str:
    """A number with so many decimals."""
    form = FORMS.get(language, _OTHER)
    return f"{value:,.{places}f}".translate({ord(","): form.thousands, ord("."): form.decimals})


def day(at: datetime, zone: ZoneInfo, language: str) -> str:
    """`26 November 2026`; in German `26. November 2026`."""
    form, local = FORMS.get(language, _OTHER), at.astimezone(zone)
    return form.day.format(day=local.day, month=form.months[local.month - 1], year=local.year)


def name(text: object) -> str | None:
    """A name that a mail may greet by; None where it is none, or says more than a name."""
    line = text.strip() if isinstance(text, str) else ""
    if len(line) > LONGEST_NAME or "www" in line.lower():
        return None
    return line if _NAME.fullmatch(line) else None


def one_line(text: object) -> str | None:
    """A text as one line without anything that does not show, such as what turns the direction of writing."""
    if not isinstance(text, str):
        return None
    shown = "".join(each if unicodedata.category(each)[0] != "C" else " " for each in text)
    return " ".join(shown.replace("|", "/").split())[:LONGEST_TEXT] or None
