"""A real SMTP server on loopback: takes mails, asks for a password, speaks TLS, and fails as it is told to."""

import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from billing.notices.post import Security, Server

USER, PASSWORD = "mailer", "correct horse"


@dataclass
class Office:
    """What the server took, and how it is to answer: `rcpt` by address, `data` to the mail, or hang up behind it."""

    taken: list[Envelope] = field(default_factory=list)
    rcpt: dict[str, str] = field(default_factory=dict)
    data: str | None = None
    hangs_up: bool = False
    port: int = 0
    security: Security = "none"
    authorities: str | None = None

    @property
    def server(self) -> Server:
        """The server as our side is told of it."""
        password = None if self.security == "none" else PASSWORD
        user = None if self.security == "none" else USER
        return Server("127.0.0.1", self.port, self.security, user, password, self.authorities, seconds=5.0)

    @property
    def mails(self) -> list[EmailMessage]:
        """The mails that it took."""
        read = [
            message_from_bytes(each.content, policy=policy.default)
            for each in self.taken
            if isinstance(each.content, bytes)
        ]
        return [each for each in read if isinstance(each, EmailMessage)]

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.rcpt:
            return self.rcpt[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.data:
            return self.data
        self.taken.append(envelope)
        if self.hangs_up and server.transport is not None:
            server.transport.close()
        return "250 OK"


@contextmanager
def office(security: Security = "none", certificate: Path | None = None) -> Iterator[Office]:
    """A running server, with a certificate of its own where it speaks TLS."""
    made = Office(security=security, authorities=str(certificate) if certificate else None)
    context = None
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, certificate.with_suffix(".key"))
    more: dict[str, Any] = {"ready_timeout": 10.0}
    if security == "tls":
        more |= {"ssl_context": context, "auth_require_tls": False}  # it is from the start
    elif security == "starttls":
        more |= {"tls_context": context, "require_starttls": True}
    if security != "none":
        more |= {"authenticator": _authenticated, "auth_required": True}
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        made.port = int(probe.getsockname()[1])
    controller = Controller(made, hostname="127.0.0.1", port=made.port, **more)
    controller.start()
    try:
        yield made
    finally:
        controller.stop()


def certificate(folder: Path) -> Path:
    """A certificate for 127.0.0.1 that nobody but who is told of it trusts, and its key beside it."""
    file = folder / "server.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
            *("-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", str(file.with_suffix(".key")), "-out", str(file)),
        ],
        check=True,
        capture_output=True,
    )
    return file


def _authenticated(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
    right = isinstance(data, LoginPassword) and (data.login, data.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=right, handled=False)
