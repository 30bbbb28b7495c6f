"""Users, sessions and attempts, on each database."""

from datetime import timedelta

import pytest
from argon2 import PasswordHasher

from billing.errors import UsageError
from billing.office import passwords, sessions, users
from billing.office.attempts import Attempts
from billing.office.roles import Role
from billing.office.signing_in import Door, Refused, network
from billing.store import Store
from tests.billing.planned import NOW

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@pytest.fixture(autouse=True)
def _cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "HASHER", CHEAP)


def test_somebody_signs_in_and_out_and_another_role_ends_what_they_had_begun(store: Store) -> None:
    users.add(store, "Mara", Role.OPERATOR, CHEAP.hash("the password"), by="root", at=NOW)
    door = Door(store)
    token = door.sign_in(" MARA", "the password", "203.0.113.77", NOW)
    assert isinstance(token, str)
    found = sessions.found(store, token, NOW)
    assert found is not None
    assert (found.login, found.role) == ("mara", Role.OPERATOR)
    assert sessions.found(store, token + "x", NOW) is None
    users.change_role(store, "mara", Role.APPROVER, by="root", at=NOW)
    assert sessions.found(store, token, NOW) is None
    again = door.sign_in("mara", "the password", "2001:db8:1:2::9", NOW)
    assert isinstance(again, str)
    door.sign_out(again, "mara", NOW)
    assert sessions.found(store, again, NOW) is None
    with store.reading() as connection:
        rows = connection.exec_driver_sql("select event, actor, body from audit_trail order by seq")
        trail = [tuple(row) for row in rows]
    assert trail == [
        ("user_added", "root", '{"login":"mara","role":"operator"}'),
        ("signed_in", "mara", '{"from":"203.0.113.0/24","role":"operator"}'),
        ("user_role", "root", '{"login":"mara","role":"approver","sessions_ended":1}'),
        ("signed_in", "mara", '{"from":"2001:db8:1::/48","role":"approver"}'),
        ("signed_out", "mara", "{}"),
    ]


def test_a_session_that_is_over_is_forgotten_by_the_next_that_begins(store: Store) -> None:
    users.add(store, "mara", Role.VIEWER, CHEAP.hash("the password"), by="root", at=NOW)
    door = Door(store)
    door.sign_in("mara", "the password", "", NOW)
    door.sign_in("mara", "the password", "", NOW + timedelta(minutes=30))
    door.sign_in("mara", "the password", "", NOW + timedelta(minutes=61))
    with store.reading() as connection:
        assert connection.exec_driver_sql("select count(*) from office_sessions").scalar_one() == 2


def test_a_password_that_changes_while_somebody_signs_in_lets_nobody_in(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    users.add(store, "mara", Role.VIEWER, CHEAP.hash("the password"), by="root", at=NOW)
    fits = passwords.fits

    def slowly(password_hash: str, password: str) -> bool:
        users.change_password(store, "mara", CHEAP.hash("another"), by="root", at=NOW)
        return fits(password_hash, password)

    monkeypatch.setattr(passwords, "fits", slowly)
    assert Door(store).sign_in("mara", "the password", "", NOW) == Refused(too_often=False)


def test_what_was_typed_as_a_login_is_not_kept_where_nobody_has_it(store: Store) -> None:
    Door(store).sign_in("my secret password", "mara", "not an address", NOW)
    with store.reading() as connection:
        (entry,) = connection.exec_driver_sql("select actor, body from audit_trail")
    assert tuple(entry) == ("unknown", '{"from":"none"}')


def test_users_that_are_not_there_cannot_be_changed(store: Store) -> None:
    for change in (users.disable, users.enable):
        with pytest.raises(UsageError, match="no user 'nobody'"):
            change(store, "nobody", by="root", at=NOW)


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("198.51.100.200", "198.51.100.0/24"),
        ("2001:db8:aaaa:bbbb::1", "2001:db8:aaaa::/48"),
        ("127.0.0.1", "loopback"),
        ("::1", "loopback"),
        ("", "none"),
    ],
)
def test_of_an_address_its_network_is_kept(address: str, kept: str) -> None:
    assert network(address) == kept


def test_a_lock_out_is_told_once_and_anew_after_it_was_over() -> None:
    attempts = Attempts()
    for _ in range(8):
        assert attempts.refused("a", "mara") is None
        attempts.failed("a", "mara")
    assert attempts.refused("a", "mara") == "login"
    assert [attempts.is_news("login", "a", "mara") for _ in range(3)] == [True, False, False]
    assert attempts.refused("a", "ana") is None


@pytest.mark.parametrize(("role", "may"), [("viewer", 1), ("operator", 2), ("approver", 3)])
def test_a_role_may_do_what_those_before_it_may(role: str, may: int) -> None:
    assert [Role(role).may(needed) for needed in Role] == [True] * may + [False] * (3 - may)
