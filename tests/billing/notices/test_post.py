"""Mails over a real SMTP server: TLS insisted on, logged in, and every answer told apart into what came of the mail."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from billing.errors import UsageError
from billing.notices import post
from billing.notices.post import Accepted, Later, PostError, Refused, Unknown, server_of, session
from tests.billing.notices.post_office import Office, certificate, office

MAIL = b"Subject: Hello\r\n\r\nA line\r\n.\r\n..and one with dots\r\nlast\r\n"


@pytest.fixture
def here() -> Iterator[Office]:
    with office() as running:
        yield running


def handed(running: Office, *to: str, mail: bytes = MAIL) -> post.Outcome:
    with session(running.server) as opened:
        return opened.hand_over("billing@example.com", to or ("ada@example.com",), mail)


def test_a_mail_arrives_byte_for_byte_lines_of_dots_included(here: Office) -> None:
    assert handed(here) == Accepted()
    (taken,) = here.taken
    assert (taken.mail_from, taken.rcpt_tos, taken.content) == ("billing@example.com", ["ada@example.com"], MAIL)


def test_several_mails_go_through_one_connection_and_a_refusal_stops_none(here: Office) -> None:
    here.rcpt["gone@example.com"] = "550 5.1.1 gone@example.com is unknown"
    with session(here.server) as opened:
        said = [opened.hand_over("billing@example.com", [to], MAIL) for to in ("gone@example.com", "ada@example.com")]
    assert said == [Refused("smtp_550_5.1.1", ["gone@example.com"]), Accepted()]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("550 5.1.1 no such mailbox", Refused("smtp_550_5.1.1", ["ada@example.com"])),
        ("550 no such mailbox", Refused("smtp_550", ["ada@example.com"])),
        ("550 5.7.1 your server is on a list", Refused("smtp_550_5.7.1", [])),
        ("552 5.2.2 mailbox is full", Refused("smtp_552_5.2.2", [])),
        ("451 4.7.1 greylisted, come again", Later("smtp_451_4.7.1")),
    ],
)
def test_only_what_says_that_there_is_no_mailbox_counts_against_the_address(
    here: Office, answer: str, expected: post.Outcome
) -> None:
    here.rcpt["ada@example.com"] = answer
    assert handed(here) == expected
    assert here.taken == []


@pytest.mark.parametrize(
    ("answer", "expected"),
    [("554 5.6.0 spam", Refused("smtp_554_5.6.0")), ("452 4.3.1 disk full", Later("smtp_452_4.3.1"))],
)
def test_a_mail_that_is_refused_as_a_whole_says_nothing_of_its_address(
    here: Office, answer: str, expected: post.Outcome
) -> None:
    here.data = answer
    assert handed(here) == expected


def test_one_of_several_who_is_unknown_keeps_nobody_else_from_it(here: Office) -> None:
    here.rcpt["gone@example.com"] = "550 5.1.1 unknown"
    assert handed(here, "gone@example.com", "ada@example.com") == Accepted()
    assert here.taken[0].rcpt_tos == ["ada@example.com"]


def test_a_connection_that_breaks_behind_the_mail_leaves_it_unknown(here: Office) -> None:
    here.hangs_up = True
    assert isinstance(handed(here), Unknown)
    assert len(here.taken) == 1  # it was taken, and we can't know


@pytest.mark.parametrize(
    "greeting", [[b"220 hi\r\n", b"250 hi\r\n"], [b"220 hi\r\n", b"250 hi\r\n", b"250 ok\r\n", b"250 ok\r\n"]]
)
def test_a_connection_that_breaks_before_the_mail_has_sent_nothing(greeting: list[bytes]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=_answers, args=(listening, greeting))
        thread.start()
        server = post.Server("127.0.0.1", listening.getsockname()[1], "none", seconds=5.0)
        with session(server) as opened:
            assert isinstance(opened.hand_over("billing@example.com", ["ada@example.com"], MAIL), Later)
        thread.join()


def _answers(listening: socket.socket, lines: list[bytes]) -> None:
    """Greets, answers one line a command, and hangs up."""
    connection, _ = listening.accept()
    connection.sendall(lines[0])
    for line in lines[1:]:
        connection.recv(1000)
        connection.sendall(line)
    connection.recv(1000)
    connection.close()


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_it_is_encrypted_and_logged_in_before_anything_is_said(tmp_path: Path, security: post.Security) -> None:
    with office(security, certificate(tmp_path)) as running:
        assert handed(running) == Accepted()
        strange = post.Server(**{**vars(running.server), "authorities": None})
        with pytest.raises(PostError, match="SSLCertVerificationError"), session(strange):
            pass
        wrong = post.Server(**{**vars(running.server), "password": "hunter2"})
        with pytest.raises(PostError, match="smtp_535") as refused, session(wrong):
            pass
        assert "hunter2" not in str(refused.value)
        assert "hunter2" not in repr(wrong)


def test_a_server_without_starttls_gets_neither_password_nor_mail(here: Office) -> None:
    stripped = post.Server("127.0.0.1", here.port, "starttls", "mailer", "correct horse", seconds=5.0)
    with pytest.raises(PostError, match="SMTPNotSupportedError"), session(stripped):
        pass


def test_nobody_there_is_told_with_what_was_tried() -> None:
    with pytest.raises(PostError, match=r"127\.0\.0\.1:1 "), session(post.Server("127.0.0.1", 1, "none", seconds=2.0)):
        pass


def test_a_server_that_says_nothing_is_waited_for_no_longer_than_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        mute = post.Server("127.0.0.1", listening.getsockname()[1], "none", seconds=0.2)
        with pytest.raises(PostError, match="SMTPServerDisconnected"), session(mute):
            pass


def test_the_setting_is_an_address_with_everything_in_it() -> None:
    assert server_of("smtps://me%40here:p%2Fw@mail.example.com") == post.Server(
        "mail.example.com", 465, "tls", "me@here", "p/w"
    )
    assert server_of("smtp://mail.example.com:2525").security == "starttls"
    assert server_of("smtp://mail.example.com").port == 587
    assert server_of("smtp://127.0.0.1:25?security=none").security == "none"


@pytest.mark.parametrize(
    "url",
    ["mail.example.com", "https://mail.example.com", "smtp://", "smtp://mail.example.com:x", "smtp://h?security=none"],
)
def test_what_names_no_server_or_would_send_in_the_clear_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="REVENUE_SMTP"):
        server_of(url)
