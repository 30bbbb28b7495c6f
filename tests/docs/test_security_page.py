"""docs/security.md keeps up with the code: roles, commands, settings, headers and limits are as it says."""

from pathlib import Path

import pytest

from billing.office import attempts, passwords, sessions
from billing.office.roles import Role
from pipelines.office import headers
from pipelines.user_commands import users

PAGE = (Path(__file__).parents[2] / "docs" / "security.md").read_text()


@pytest.mark.parametrize("role", list(Role))
def test_every_role_is_there(role: Role) -> None:
    assert f"| `{role}` |" in PAGE


@pytest.mark.parametrize("header", [*headers.ALWAYS, *headers.BEHIND_TLS])
def test_every_header_is_there(header: str) -> None:
    assert f"`{header}`" in PAGE


def test_every_command_about_users_is_there() -> None:
    names = [command.name or getattr(command.callback, "__name__", "") for command in users.registered_commands]
    assert [name for name in names if f"revenue users {name}" not in PAGE] == []


def test_the_limits_are_those_of_the_code() -> None:
    assert f"{passwords.SHORTEST} to {passwords.LONGEST} characters" in PAGE
    per_login, per_address = attempts.PER_LOGIN, attempts.PER_ADDRESS
    assert f"after {per_login.amount} failures in {per_login.multiples} minutes a login" in PAGE
    assert f"after {per_address.amount} in {per_address.multiples} minutes an address" in PAGE
    assert (sessions.IDLE.seconds, sessions.LONGEST.seconds) == (3600, 12 * 3600)
    assert "after an hour in which nothing is done, after twelve hours" in PAGE
