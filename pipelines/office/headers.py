"""What every answer tells the browser to refuse. After OWASP's HTTP Headers Cheat Sheet.

A dashboard states its content security policy itself, with the digests of its style and script; the header repeats it
and adds what a page can't say of itself.
"""

import re
from collections.abc import Mapping
from html import unescape

_STATED = re.compile(rb'http-equiv="Content-Security-Policy" content="([^"]+)"')
_HEAD = 4096
"""Bytes at the beginning of a page that its policy stands in."""
NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'"
"""The policy of what is no page: should a browser show it as one, it can do nothing."""
REFUSED_FEATURES = (
    "camera",
    "display-capture",
    "geolocation",
    "microphone",
    "payment",
    "publickey-credentials-get",
    "usb",
)
YEAR_SECONDS = 31_536_000

ALWAYS: Mapping[str, str] = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": ", ".join(f"{feature}=()" for feature in REFUSED_FEATURES),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",
    "Content-Security-Policy": f"{NOTHING}; frame-ancestors 'none'",
}

SIGNED_IN: Mapping[str, str] = {"Cache-Control": "no-store"}
"""To somebody who is signed in: no cache keeps it, so that nothing is left to look at once they sign out."""

BEHIND_TLS: Mapping[str, str] = {"Strict-Transport-Security": f"max-age={YEAR_SECONDS}"}


def of_page(policy: str) -> dict[str, str]:
    """The policy of a page that states this."""
    return {"Content-Security-Policy": f"{policy}; frame-ancestors 'none'"}


def stated(html: bytes) -> str:
    """The policy that a page states; one that allows nothing where it states none."""
    found = _STATED.search(html[:_HEAD])
    return unescape(found[1].decode()) if found else NOTHING
