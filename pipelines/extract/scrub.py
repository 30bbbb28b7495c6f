"""Removes what must never be stored: card numbers, security codes, secrets, keys and bank account numbers.

Works on compact JSON, UTF-8, before anything is written, and leaves every other byte as it is. Knows no stream.
"""

import re
from collections.abc import Sequence

import polars as pl

REMOVED = "[removed]"

_FIELD = r'"((?:[a-z_]*_)?(?:secret|account_number|iban)|cvc2?|cvv)":"(?:[^"\\]|\\.)*"'
_KEY = r"\b(?:sk|rk|ek)_(?:live|test)_[A-Za-z0-9_]{4,}|\bwhsec_[A-Za-z0-9_]{4,}"
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"')
_DIGITS = re.compile(rb"(?<![\w+.])\d(?:[ -]?\d){12,18}(?![\w])")
_NAMES = r'secret"|cvc"|cvv"|cvc2"|account_number"|iban"|k_live_|k_test_|whsec_'
"""The end of a secret's field name, or the prefix of a key. Looked for, and replaced, by Polars' regular expressions,
which are five to ten times as fast as Python's."""
_OUTLINE = bytes(
    b"0"[0]
    if 0x30 <= byte <= 0x39
    else b"-"[0]
    if byte in b" -"
    else b"a"[0]
    if chr(byte).isalnum() or byte in b"_+."
    else b"."[0]
    for byte in range(256)
)
_CARD_OUTLINES = (b"." + 13 * b"0", b"-" + 13 * b"0", b"0000-0000-0000-", b"0000-000000-0000")
_BRANDS = re.compile(
    r"4(\d{12}|\d{15}|\d{18})$|5[1-5]\d{14}$|2[2-7]\d{14}$|3[47]\d{13}$|6(011|5|4[4-9])\d+$|35\d{14}$|3[068]\d{12}$|62\d{14,17}$"
)


def clean(objects: Sequence[bytes]) -> Sequence[bytes]:
    """The objects without secrets. All are looked at as one text, which spares most pages any further work."""
    text = b"\n".join(objects)
    cleaned = _without_cards(_without_secrets(text))
    return objects if cleaned is text else cleaned.split(b"\n")


def _without_secrets(text: bytes) -> bytes:
    """The text itself where it holds none."""
    told = pl.Series([text.decode()], dtype=pl.String)
    if not told.str.contains(_NAMES)[0]:
        return text
    without = told.str.replace_all(_FIELD, f'"${{1}}":"{REMOVED}"').str.replace_all(_KEY, REMOVED)
    cleaned: str = without[0]
    return cleaned.encode()


def _without_cards(text: bytes) -> bytes:
    """The text itself where no card number may stand in it."""
    if not _may_hold_card(text) or not any(_is_card(match) for match in _DIGITS.finditer(text)):
        return text
    return _STRING.sub(lambda match: _DIGITS.sub(_removed_card, match.group()), text)


def _may_hold_card(text: bytes) -> bool:
    """Whether digits stand as they do in card numbers; much cheaper than looking for them."""
    outline = text.translate(_OUTLINE)
    return any(card in outline for card in _CARD_OUTLINES)


def _removed_card(match: "re.Match[bytes]") -> bytes:
    return REMOVED.encode() if _is_card(match) else match.group()


def _is_card(match: "re.Match[bytes]") -> bool:
    digits = match.group().translate(None, b" -").decode()
    return _BRANDS.match(digits) is not None and _passes_luhn(digits)


def _passes_luhn(digits: str) -> bool:
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (sum(int(digit) for digit in digits[-1::-2]) + sum(doubled)) % 10 == 0
