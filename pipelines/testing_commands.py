"""`revenue testing …`: what is asked, and how it is said."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from billing.testing.cards import TestCard

testing = typer.Typer(
    no_args_is_help=True,
    help="Try billing in test mode, on Stripe or on the sandbox: cards for every outcome, clocks, customers.",
)

AsJson = Annotated[bool, typer.Option("--json", help="JSON for scripts.")]


@testing.command()
def cards(
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="[WORD…]", help="Only those about one of these, such as dispute or insufficient."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List Stripe's test cards by what comes of them: paid, declined, confirmed, disputed, refunded.

    The id (pm_card_…) stands for the card wherever a request takes a payment method; the number is for forms, with any
    expiry to come and any CVC. Asks nobody.
    """
    from billing.testing.cards import EVIDENCE, of_outcome

    found = of_outcome(words or ())
    if as_json:
        typer.echo(json.dumps([asdict(card) for card in found], indent=2))
        return
    for line in _rows(found):
        typer.echo(line)
    if not words:
        for text, what in EVIDENCE:
            typer.echo(f"Evidence with uncategorized_text={text}: {what}.")


def _rows(found: "list[TestCard]") -> list[str]:
    width = max(len(card.payment_method) for card in found)
    lines: list[str] = []
    outcome = ""
    for card in found:
        if card.outcome != outcome:
            outcome = card.outcome
            lines += [*([""] if lines else []), outcome.capitalize()]
        told = ": ".join(filter(None, (card.code, card.use)))
        lines.append(f"  {card.payment_method:<{width}}  {card.number:<16}  {told}".rstrip())
    return lines
