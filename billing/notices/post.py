"""Hands a mail to an SMTP server, and tells what became of it: accepted, refused, not now, or nobody knows.

Until the last line of a mail is sent, the server has nothing; from there to its answer nobody knows. Settings come as
an address, `smtps://user:password@host` (TLS from the start) or `smtp://…` (STARTTLS, which is insisted on).
"""

import re
import smtplib
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import parse_qs, unquote, urlsplit

from billing.errors import BillingError, UsageError

SETTING = "REVENUE_SMTP"
SECONDS = 30.0
LOOPBACK = ("localhost", "127.0.0.1", "::1")
PORTS = {"smtps": 465, "smtp": 587}
Security = Literal["tls", "starttls", "none"]


class PostError(BillingError):
    """The mail server can't be used now; nothing was handed over."""


@dataclass(frozen=True)
class Server:
    """A mail server. `authorities` is a file of certificates to trust besides the system's."""

    host: str
    port: int
    security: Security
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    authorities: str | None = None
    seconds: float = SECONDS


@dataclass(frozen=True)
class Accepted:
    """The server has it."""


@dataclass(frozen=True)
class Refused:
    """The server does not take it, for good. `whom` are addresses that it says are none."""

    code: str
    whom: Sequence[str] = field(default=(), repr=False)


@dataclass(frozen=True)
class Later:
    """The server does not take it now; it has nothing."""

    code: str


@dataclass(frozen=True)
class Unknown:
    """The connection broke between the mail's last line and the server's answer."""

    code: str


Outcome = Accepted | Refused | Later | Unknown


def server_of(url: str) -> Server:
    """The server that a setting names.

    Raises:
        UsageError: it names none, or would send passwords and mails unencrypted over a network.
    """
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = -1
    if parts.scheme not in PORTS or not parts.hostname or port == -1:
        raise UsageError(f"{SETTING} takes smtps://user:password@host or smtp://user:password@host:587.")
    more = parse_qs(parts.query)
    plain = more.get("security") == ["none"]
    if plain and parts.hostname not in LOOPBACK:
        raise UsageError(f"{SETTING} says security=none, which only a server on this machine may have.")
    security: Security = "none" if plain else "tls" if parts.scheme == "smtps" else "starttls"
    return Server(
        parts.hostname,
        port or PORTS[parts.scheme],
        security,
        unquote(parts.username) if parts.username else None,
        unquote(parts.password) if parts.password else None,
        more.get("authorities", [None])[0],
    )


@dataclass(frozen=True)
class Session:
    """An open connection to a mail server."""

    connection: smtplib.SMTP

    def hand_over(self, sender: str, recipients: Sequence[str], mail: bytes) -> Outcome:
        """Hand over one mail, lines ended by CRLF."""
        try:
            refusal = self._opened(sender, recipients)
        except (OSError, smtplib.SMTPException) as error:
            return Later(_name(error))
        if refusal is not None:
            return refusal
        try:
            self.connection.send(re.sub(rb"(?m)^\.", b"..", mail).removesuffix(b"\r\n") + b"\r\n.\r\n")
            code, text = self.connection.getreply()
        except (OSError, smtplib.SMTPException) as error:
            return Unknown(_name(error))
        return Accepted() if code == 250 else self._refusal(code, text)

    def _opened(self, sender: str, recipients: Sequence[str]) -> Refused | Later | None:
        """Everything before the mail itself; at least one of several recipients is to be taken."""
        code, text = self.connection.mail(sender)
        if code != 250:
            return self._refusal(code, text)
        answers = {each: self.connection.rcpt(each) for each in recipients}
        if not any(code in (250, 251) for code, _ in answers.values()):
            code, text = next(iter(answers.values()))
            none = [each for each, answer in answers.items() if _is_no_address(*answer)]
            return self._refusal(code, text, none)
        code, text = self.connection.docmd("DATA")
        return None if code == 354 else self._refusal(code, text)

    def _refusal(self, code: int, text: bytes, whom: Sequence[str] = ()) -> Refused | Later:
        with suppress(OSError, smtplib.SMTPException):  # what follows tells whether the connection is good
            self.connection.rset()
        word = _word(code, text)
        return Refused(word, whom) if 500 <= code < 600 else Later(word)


@contextmanager
def session(server: Server) -> Iterator[Session]:
    """A connection, encrypted and logged in.

    Raises:
        PostError: the server can't be reached, trusted or logged in to; the message holds no password.
    """
    try:
        connection = _connected(server)
    except (OSError, smtplib.SMTPException) as error:
        raise PostError(f"The mail server {server.host}:{server.port} can't be used: {_name(error)}.") from None
    try:
        yield Session(connection)
    finally:
        with suppress(OSError, smtplib.SMTPException):  # all is said; a server that hangs up first is right too
            connection.quit()
        connection.close()


def _connected(server: Server) -> smtplib.SMTP:
    context = ssl.create_default_context()
    if server.authorities:
        context.load_verify_locations(server.authorities)
    connection: smtplib.SMTP
    if server.security == "tls":
        connection = smtplib.SMTP_SSL(server.host, server.port, timeout=server.seconds, context=context)
    else:
        connection = smtplib.SMTP(server.host, server.port, timeout=server.seconds)
    try:
        if server.security == "starttls":
            connection.starttls(context=context)
        connection.ehlo_or_helo_if_needed()
        if server.user is not None:
            connection.login(server.user, server.password or "")
    except BaseException:
        connection.close()
        raise
    return connection


def _is_no_address(code: int, text: bytes) -> bool:
    """Whether an answer says that there is no such mailbox (RFC 5321, 4.2.3; RFC 3463: X.1.x), and nothing else."""
    enhanced = re.match(rb"5\.(\d)\.", text)
    return code in (550, 551, 553) and (enhanced is None or enhanced[1] == b"1")


def _word(code: int, text: bytes) -> str:
    """The answer's codes without its words, which may hold the address."""
    enhanced = re.match(rb"[245]\.\d{1,3}\.\d{1,3}", text)
    return f"smtp_{code}" + (f"_{enhanced[0].decode()}" if enhanced else "")


def _name(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException) and isinstance(error.smtp_error, bytes):
        return _word(error.smtp_code, error.smtp_error)
    return type(error).__name__
