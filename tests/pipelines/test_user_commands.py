"""`revenue users`: passwords come by a pipe or a terminal, and what is kept of them is Argon2's."""

import io
from pathlib import Path

import pytest

from billing.office import passwords
from billing.store import open_store
from tests.pipelines.conftest import Revenue, Said

PASSWORD = "five words that join well"


@pytest.fixture
def piped(revenue: Revenue, monkeypatch: pytest.MonkeyPatch) -> Revenue:
    """Types a command with a password piped in."""

    def typed(*words: str) -> Said:
        monkeypatch.setattr("sys.stdin", io.StringIO(PASSWORD + "\n"))
        return revenue(*words)

    return typed


def test_users_come_change_and_go_and_the_trail_says_by_whom(revenue: Revenue, piped: Revenue, home: Path) -> None:
    assert "this machine alone" in revenue("users", "list").out
    assert not home.exists()
    assert piped("users", "add", "Mara", "--role", "operator", "--by", "root").out.split()[:2] == ["mara", "operator"]
    assert revenue("users", "role", "mara", "approver", "--by", "root").out.split()[:2] == ["mara", "approver"]
    assert revenue("users", "disable", "mara", "--by", "ana").out.split()[:3] == ["mara", "approver", "disabled"]
    assert "disabled" in revenue("users", "list").out
    assert piped("users", "password", "mara", "--by", "root").code == 0
    assert "since" in revenue("users", "enable", "mara", "--by", "root").out
    store = open_store(None, home)
    with store.reading() as connection:
        (kept,) = connection.exec_driver_sql("select password_hash from office_users").scalars()
        trail = [tuple(row) for row in connection.exec_driver_sql("select event, actor, body from audit_trail")]
    store.close()
    trail = [entry for entry in trail if entry[0] != "settings_changed"]
    assert kept.startswith("$argon2id$")
    assert passwords.fits(kept, PASSWORD)
    assert not passwords.fits(kept, PASSWORD + " ")
    assert trail == [
        ("user_added", "root", '{"login":"mara","role":"operator"}'),
        ("user_role", "root", '{"login":"mara","role":"approver","sessions_ended":0}'),
        ("user_disabled", "ana", '{"login":"mara","sessions_ended":0}'),
        ("user_password", "root", '{"login":"mara","sessions_ended":0}'),
        ("user_enabled", "root", '{"login":"mara","sessions_ended":0}'),
    ]
    assert revenue("audit", "verify").code == 0
    assert PASSWORD.encode() not in b"".join(file.read_bytes() for file in home.rglob("*") if file.is_file())


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("short", "12 to 256"),
        ("x" * 300, "12 to 256"),
        ("mara is here now", "holds the login"),
        ("aaaabbbbcccc", "different"),
        ("", "No password"),
    ],
)
def test_a_password_that_will_not_do_makes_no_user(
    revenue: Revenue, home: Path, monkeypatch: pytest.MonkeyPatch, password: str, why: str
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(password + "\n"))
    said = revenue("users", "add", "mara")
    assert (said.code, why in said.err) == (2, True)
    assert not home.exists()


def test_a_login_is_no_address_and_is_there_once(piped: Revenue) -> None:
    refused = piped("users", "add", "mara@example.com")
    assert (refused.code, "login" in refused.err) == (2, True)
    assert piped("users", "add", "mara").code == 0
    again = piped("users", "add", "MARA")
    assert (again.code, "already" in again.err) == (2, True)
    unknown = piped("users", "role", "nobody", "viewer")
    assert (unknown.code, "no user" in unknown.err) == (2, True)
