"""`revenue webhooks …`: what is asked, and how it is said; `pipelines/webhooks.py` does it."""

from typing import Annotated

import typer

from pipelines import settings as settings_module

NOT_TAKEN = 3
"""Exit code where an endpoint did not take what it was sent."""

webhooks = typer.Typer(
    no_args_is_help=True,
    help="Events that Stripe sends to `revenue serve`: work them off, see what waits, try an endpoint.",
)


@webhooks.command()
def work(
    once: Annotated[bool, typer.Option("--once", help="Work off what is there, and stop.")] = False,
) -> None:
    """Refresh the figures with what came in, and hand events on to your own code; goes on until interrupted.

    The same as Dagster's sensor does, for those who run without it; `revenue serve --refresh` does it beside serving.
    """
    from pipelines import webhooks as webhooks_module
    from pipelines.progress import shown

    with shown(quiet=True) as progress:
        worker = webhooks_module.Worker(settings_module.load(), progress, typer.echo)
        if once:
            worker.until_empty()
        else:
            worker.forever()


@webhooks.command()
def status() -> None:
    """Say what is in the inbox: how many events, which types, what waits and since when."""
    from pipelines import webhooks as webhooks_module

    told = webhooks_module.status(settings_module.load())
    if told is None or not told.held:
        typer.echo("No event came in yet.")
        return
    typer.echo(f"{told.held:,} events, the last one came in at {told.last_received:%Y-%m-%d %H:%M:%S} UTC.")
    since = f", the oldest since {told.oldest_unrefreshed:%H:%M:%S} UTC" if told.oldest_unrefreshed else ""
    typer.echo(f"{told.unrefreshed:,} are not in the figures yet{since}.")
    typer.echo(f"{told.unhandled:,} are not handed on to your own code yet, {told.failing:,} of them failed there.")
    for type_, count in told.by_type.items():
        typer.echo(f"{count:>8,}  {type_}")


@webhooks.command()
def simulate(
    type_: Annotated[str, typer.Argument(metavar="TYPE", help="Type of the event, such as invoice.payment_failed.")],
    to: Annotated[str | None, typer.Option(metavar="URL", help="Where to; without it `revenue serve` here.")] = None,
    about: Annotated[str | None, typer.Option(metavar="ID", help="About which object; else the newest.")] = None,
    thin: Annotated[bool, typer.Option("--thin", help="In the thin form.")] = False,
) -> None:
    """Send one signed event, as Stripe would, about an object of the account; changes nothing at Stripe.

    Signed with the first of REVENUE_WEBHOOK_SECRETS. Exit code 3: the endpoint did not take it.
    """
    from pipelines import webhooks as webhooks_module

    answer = webhooks_module.simulate(settings_module.load(), type_, to, about, thin=thin)
    typer.echo(f"HTTP {answer.status} {answer.body}")
    if not 200 <= answer.status < 300:
        raise typer.Exit(NOT_TAKEN)
