"""`revenue payments …` and `revenue payment-methods …`: what is asked, and how it is said; `billing/` does it."""

from typing import Annotated

import typer

from pipelines import ordered
from pipelines.ordered import AsJson

payments = typer.Typer(
    no_args_is_help=True,
    help="Take one-off payments, and say what a decline means. Nothing is charged without --execute.",
    epilog="docs/customers.md walks through it.",
)


@payments.command()
def explain(
    code: Annotated[str, typer.Argument(help="A decline code or another code of Stripe's, as insufficient_funds.")],
    locale: Annotated[list[str] | None, typer.Option(help="The customer's languages, as de.")] = None,
    as_json: AsJson = False,
) -> None:
    """Say what a code means, whether trying again makes sense, what to do, and what the customer may be told."""
    told = ordered.explained(code, locale or ())
    if as_json:
        ordered.say_json(told)
        return
    for name, value in told.items():
        typer.echo(f"{name:<10} {value}")
