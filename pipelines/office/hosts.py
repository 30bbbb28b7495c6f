"""Whom a request is for and where it comes from: the names this server answers to, addresses, pages that send forms."""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP")
"""What a proxy adds; nobody who comes straight from this machine's browser sends any."""


@dataclass(frozen=True)
class Hosts:
    """The names this server is reached by. `proxies` are addresses whose word is taken for whom they speak for."""

    public_url: str = ""
    proxies: frozenset[str] = frozenset()

    @property
    def behind_tls(self) -> bool:
        """Whether browsers reach it over TLS, by a proxy."""
        return bool(self.public_url)

    def answers_to(self, host: str) -> bool:
        """Whether a request's Host is one of ours. Another one may be a page that had its name resolved to this machine
        (DNS rebinding), which would read what is shown here."""
        name = _name(host)
        return name in LOOPBACK or (self.behind_tls and name == _name(self.public_url.removeprefix("https://")))

    def sent_from_here(self, headers: Mapping[str, str], host: str) -> bool:
        """Whether a form was sent by a page of this server: by what the browser says of where it came from."""
        site = headers.get("Sec-Fetch-Site")
        if site is not None and site != "same-origin":
            return False
        origin = headers.get("Origin")
        if origin is None or origin == "null":
            return site == "same-origin"
        return origin in (self.public_url, f"http://{host}")

    def address(self, peer: str | None, headers: Mapping[str, str]) -> str:
        """The address of whoever asks: what proxies of ours pass on, last to first, until one is not ours."""
        address = peer or ""
        for each in reversed([part.strip() for part in headers.get("X-Forwarded-For", "").split(",")]):
            if address not in self.proxies or not _is_address(each):
                break
            address = each
        return address


def is_loopback(host: str) -> bool:
    """Whether a server that listens there is reached from this machine alone."""
    return host == "localhost" or (_is_address(host) and ip_address(host).is_loopback)


def came_through_a_proxy(headers: Mapping[str, str]) -> bool:
    """Whether somebody passed it on."""
    return any(name in headers for name in FORWARDED)


def _name(host: str) -> str:
    try:
        return (urlsplit(f"http://{host}").hostname or "").lower()
    except ValueError:
        return ""


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
