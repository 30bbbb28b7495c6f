"""`revenue access …`: what is asked, and how it is said; `pipelines/access.py` does it."""

import getpass
import json
from datetime import datetime
from typing import Annotated

import typer

from pipelines import settings as settings_module

NOT_ALL = 3
"""Exit code where something was not taken, or was left for good."""

access = typer.Typer(
    no_args_is_help=True,
    help="Tell your own system when a customer's access starts, changes tier or ends. `revenue serve --refresh` and "
    "`revenue webhooks work` do it as things happen; here is what they did, and how to have it done again.",
)

AsJson = Annotated[bool, typer.Option("--json", help="JSON for scripts.")]


@access.command("list")
def list_changes(
    state: Annotated[list[str] | None, typer.Option(help="Only these: due, delivered, dead; more than once.")] = None,
    customer: Annotated[str | None, typer.Option(metavar="cus_…", help="Of one customer alone.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many, the youngest first.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List changes of access: whose, what, whether it was taken, and why not."""
    from pipelines import access as access_module

    found = access_module.listed(settings_module.load(), state or (), customer, limit)
    if as_json:
        typer.echo(
            json.dumps([vars(each) | {"body": json.loads(each.body)} for each in found], indent=1, default=_written)
        )
        return
    for each in found:
        tier = json.loads(each.body)["access"]["tier"] or "-"
        typer.echo(
            f"{each.change_id}  {each.changed_at:%Y-%m-%d %H:%M:%S}  {each.customer_id}  {each.number:>3}  "
            f"{each.change:<12}  {tier:<12}  {each.state:<9}  {each.failure or ''}".rstrip()
        )
    if not found:
        typer.echo("No change of access.")


@access.command()
def status(as_json: AsJson = False) -> None:
    """Say how many have access, how many changes wait, and what was left for good. Exit code 3: something was."""
    from pipelines import access as access_module

    told = access_module.status(settings_module.load())
    if as_json:
        typer.echo(json.dumps(vars(told), indent=1, default=_written))
    else:
        since = f", the oldest since {told.oldest_due:%Y-%m-%d %H:%M:%S} UTC" if told.oldest_due else ""
        typer.echo(
            f"{told.with_access:,} of {told.known:,} known customers have access, {told.to_look_at:,} to look at."
        )
        typer.echo(f"{told.due:,} changes wait{since}; {told.failing:,} of them were not taken yet.")
        typer.echo(f"{told.dead:,} were left for good; `revenue access redeliver --dead` tells them again.")
    if told.dead:
        raise typer.Exit(NOT_ALL)


@access.command()
def look(
    customers: Annotated[
        list[str] | None, typer.Argument(metavar="[CUSTOMER…]", help="Only these; without any, everybody.")
    ] = None,
) -> None:
    """Look at customers now, and tell what changed: at the start, after a change of policy or metadata, or to be sure.

    Exit code 3: something was not taken; it is tried again by what works off events, or by this command.
    """
    from pipelines import access as access_module
    from pipelines import webhooks

    settings = settings_module.load()
    access_module.check(settings)
    asked = access_module.ask(settings, customers or ())
    with webhooks.alone(settings):
        gone = access_module.deliver_all(settings)
    typer.echo(f"Looked at {asked:,} customers; {gone.changed:,} changed, {gone.delivered:,} changes were taken.")
    if gone.failed:
        typer.echo(f"{gone.failed:,} were not taken; `revenue access list --state due` says why.")
        raise typer.Exit(NOT_ALL)


@access.command()
def redeliver(
    changes: Annotated[
        list[str] | None, typer.Argument(metavar="[CHANGE…]", help="Ids of changes, as `list` prints them.")
    ] = None,
    dead: Annotated[bool, typer.Option("--dead", help="All that were left for good.")] = False,
    by: Annotated[str, typer.Option("--by", help="Login of who asks; recorded.")] = "",
) -> None:
    """Have changes told again by what works off events, with the numbers that they had."""
    from pipelines import access as access_module

    found = access_module.tell_again(settings_module.load(), changes or (), dead=dead, by=by or getpass.getuser())
    typer.echo(f"{len(found):,} changes are told again.")


def _written(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
