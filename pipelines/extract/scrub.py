"""Removes what must never be stored: card numbers, security codes, secrets, keys and bank account numbers.

Works on JSON bytes before anything is written, and leaves every other byte as it is. Knows no stream.
"""

import re
from collections.abc import Sequence

import polars as pl

REMOVED = b'"[removed]"'

_FIELD = re.compile(
    rb'"(client_secret|secret|cvc|cvv|cvc2|account_number|bank_account_number|iban)"(\s*:\s*)"(?:[^"\\]|\\.)*"'
)
_KEY = re.compile(rb"\b(?:sk|rk|ek)_(?:live|test)_\w{4,}|\bwhsec_\w{4,}")
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"')
_DIGITS = re.compile(rb"(?<![\w+.])\d(?:[ -]?\d){12,18}(?![\w])")
_NAMES = r'secret"|cvc"|cvv"|cvc2"|account_number"|iban"|k_live_|k_test_|whsec_'
"""The end of a secret's field name, or the prefix of a key. Looked for by Polars' regular expressions, which are five
times as fast as looking for one after the other."""
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
    """The objects without secrets. One look at all of them together spares most pages any work."""
    if not _suspicious([b"\n".join(objects)])[0]:
        return objects
    suspicious = _suspicious(objects)
    return [cleaned(each) if is_so else each for each, is_so in zip(objects, suspicious, strict=True)]


def cleaned(payload: bytes) -> bytes:
    """One object's JSON without secrets."""
    payload = _FIELD.sub(rb'"\1"\2' + REMOVED, payload)
    payload = _KEY.sub(b"[removed]", payload)
    if _may_hold_card(payload):
        payload = _STRING.sub(lambda match: _DIGITS.sub(_without_card, match.group()), payload)
    return payload


def _suspicious(texts: Sequence[bytes]) -> Sequence[bool]:
    named = pl.Series([text.decode(errors="replace") for text in texts], dtype=pl.String).str.contains(_NAMES)
    return [is_named or _may_hold_card(text) for is_named, text in zip(named, texts, strict=True)]


def _may_hold_card(text: bytes) -> bool:
    """Whether digits stand as they do in card numbers; much cheaper than looking for them."""
    outline = text.translate(_OUTLINE)
    return any(card in outline for card in _CARD_OUTLINES)


def _without_card(match: "re.Match[bytes]") -> bytes:
    digits = match.group().translate(None, b" -").decode()
    return b"[removed]" if _BRANDS.match(digits) and _passes_luhn(digits) else match.group()


def _passes_luhn(digits: str) -> bool:
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (sum(int(digit) for digit in digits[-1::-2]) + sum(doubled)) % 10 == 0
