"""Addresses: which text is one that mail can go to, and how one is remembered without being kept. Pure."""

import re
from hashlib import blake2b

_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~\-]+)*")
_DOMAIN = re.compile(r"([a-z0-9]([a-z0-9\-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9\-]{0,61}[a-z0-9])?")
LONGEST_LOCAL, LONGEST = 64, 254
"""Of RFC 5321, 4.5.3.1."""


def usable(text: object) -> str | None:
    """The one address that a text is, its domain in ASCII; None where it is none, or holds anything beside it.

    Stripe keeps whatever a customer wrote, so that this may be several addresses, or a header. Left out are
    addresses that few servers take: quoted ones, and those with other than ASCII letters before the @.
    """
    if not isinstance(text, str):
        return None
    local, _, domain = text.strip(" ").rpartition("@")
    try:
        ascii_domain = domain.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return None
    address = f"{local}@{ascii_domain}"
    fits = len(local) <= LONGEST_LOCAL and len(address) <= LONGEST
    return address if fits and _LOCAL.fullmatch(local) and _DOMAIN.fullmatch(ascii_domain) else None


def remembered(address: str, key: bytes) -> str:
    """What stands for an address where it must not: a keyed hash, the same for upper and lower case."""
    return blake2b(address.lower().encode(), key=key, digest_size=16).hexdigest()
