"""`revenue users …`: who may sign in at `revenue serve`. A password is asked for, or read from a pipe; never an option,
which other programs of the machine could see."""

import getpass
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from billing.office.roles import MEANING, Role
from pipelines import settings as settings_module
from pipelines.errors import SettingsError

if TYPE_CHECKING:
    from billing.office.users import User

users = typer.Typer(
    no_args_is_help=True,
    help="Who may sign in at `revenue serve`, and as what. While there is nobody, it answers this machine alone.",
    epilog="\n\n".join(f"[bold]{role}[/] {meaning}" for role, meaning in MEANING.items()),
)

Login = Annotated[str, typer.Argument(metavar="LOGIN", help="Login such as mara; no address, no full name.")]
By = Annotated[str, typer.Option("--by", help="Login of who does it; recorded.")]


@users.command()
def add(
    login: Login,
    role: Annotated[Role, typer.Option(help="What they may do.")] = Role.VIEWER,
    by: By = "",
) -> None:
    """Let somebody in; asks for the password, or reads it from a pipe."""
    from billing.office import passwords
    from billing.office import users as users_module
    from pipelines import operations

    password_hash = passwords.hashed(passwords.checked(_asked(), login))
    with operations.opened(settings_module.load()) as store:
        _say([users_module.add(store, login, role, password_hash, by=by or getpass.getuser(), at=_now())])


@users.command("list")
def list_users() -> None:
    """Say who may sign in, and as what."""
    from billing.office import users as users_module
    from pipelines import operations

    settings = settings_module.load()
    found: list[User] = []
    if settings.has_operations:
        with operations.opened(settings) as store, store.reading() as connection:
            found = users_module.listed(connection)
    if found:
        _say(found)
    else:
        typer.echo("No users: `revenue serve` answers this machine alone, without signing in.")


@users.command()
def role(
    login: Login, role: Annotated[Role, typer.Argument(help="What they may do from now on.")], by: By = ""
) -> None:
    """Give a user another role; ends their sessions."""
    from billing.office import users as users_module
    from pipelines import operations

    with operations.opened(settings_module.load()) as store:
        _say([users_module.change_role(store, login, role, by=by or getpass.getuser(), at=_now())])


@users.command()
def password(login: Login, by: By = "") -> None:
    """Give a user another password; ends their sessions."""
    from billing.office import passwords
    from billing.office import users as users_module
    from pipelines import operations

    password_hash = passwords.hashed(passwords.checked(_asked(), login))
    with operations.opened(settings_module.load()) as store:
        _say([users_module.change_password(store, login, password_hash, by=by or getpass.getuser(), at=_now())])


@users.command()
def disable(login: Login, by: By = "") -> None:
    """Let a user in no more, and end their sessions. What they did stays on record."""
    from billing.office import users as users_module
    from pipelines import operations

    with operations.opened(settings_module.load()) as store:
        _say([users_module.disable(store, login, by=by or getpass.getuser(), at=_now())])


@users.command()
def enable(login: Login, by: By = "") -> None:
    """Let a disabled user in again."""
    from billing.office import users as users_module
    from pipelines import operations

    with operations.opened(settings_module.load()) as store:
        _say([users_module.enable(store, login, by=by or getpass.getuser(), at=_now())])


def _asked() -> str:
    """The password: typed twice, unseen; or the first line of what is piped in.

    Raises:
        SettingsError: the two differ, or nothing came.
    """
    if not sys.stdin.isatty():
        given = sys.stdin.readline().rstrip("\r\n")
        if not given:
            raise SettingsError("No password came in: type it on a terminal, or pipe it in.")
        return given
    given = getpass.getpass("Password: ")
    if getpass.getpass("Once more: ") != given:
        raise SettingsError("The two passwords differ.")
    return given


def _say(found: "list[User]") -> None:
    for each in found:
        state = "disabled" if each.disabled else f"since {each.created_at:%Y-%m-%d}"
        typer.echo(f"{each.login:<24} {each.role.value:<9} {state}")


def _now() -> datetime:
    return datetime.now(UTC)
