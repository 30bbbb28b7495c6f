"""`revenue testing …`: what is asked, and how it is said."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines import settings as settings_module
from pipelines.terminal import printable

if TYPE_CHECKING:
    from billing.testing.cards import TestCard
    from billing.testing.clocks import Clock

testing = typer.Typer(
    no_args_is_help=True,
    help="Try billing in test mode, on Stripe or on the sandbox: cards for every outcome, clocks, customers.",
)

clock = typer.Typer(
    no_args_is_help=True,
    help="Clocks that customers live by: a year of renewals in a minute. What is on one is left out of the figures.",
)
testing.add_typer(clock, name="clock")

ClockId = Annotated[str, typer.Argument(metavar="CLOCK", help="Id of a clock: clock_…")]
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


@testing.command()
def customers(
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="What their clocks are called.")] = "cast",
    price: Annotated[
        str | None, typer.Option(metavar="price_…", help="What they subscribe to; else 12.00 a month, made for it.")
    ] = None,
    at: Annotated[
        str | None, typer.Option(metavar="INSTANT", help="Where their clocks stand; without it, now.")
    ] = None,
) -> None:
    """Make a customer for each thing that can happen: paid, failing, to confirm, disputing, refunded, trying.

    Three are on one clock, the most that Stripe takes. The same again makes only what is missing; `clock advance` lets
    them live on; `clock delete` takes them away.
    """
    from pipelines import testing as testing_module

    for made in testing_module.make_cast(settings_module.load(), name, at, price):
        told = f"{made.member.name:<10}  {made.customer_id}  {made.subscription_id}  {made.status:<10}  {made.clock_id}"
        typer.echo(printable(f"{told}  {made.member.story}"))


@clock.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is for.")],
    at: Annotated[
        str | None, typer.Option(metavar="INSTANT", help="Where it stands at first, as 2027-01-31; without it, now.")
    ] = None,
) -> None:
    """Make a clock. Customers are put on it as they are made, with test_clock=CLOCK."""
    from pipelines import testing as testing_module

    _say(testing_module.open_clock(settings_module.load(), name, at))


@clock.command(name="list")
def list_() -> None:
    """Say which clocks there are and where they stand, the newest first."""
    from billing.testing import clocks
    from pipelines import testing as testing_module

    found = clocks.listed(testing_module.wire_of(settings_module.load()))
    for each in found:
        _say(each)
    if not found:
        typer.echo("There is no test clock.")


@clock.command()
def advance(
    clock_id: ClockId,
    to: Annotated[
        str | None, typer.Option(metavar="INSTANT", help="To when, as 2027-03-01 or 2027-03-01T12:00Z.")
    ] = None,
    days: Annotated[float | None, typer.Option(min=0, help="Or by so many days.")] = None,
) -> None:
    """Let those on a clock live on: they renew, are charged, fail and recover, as they would by then.

    Stripe goes two intervals of the shortest subscription at once; this goes on in steps, and waits for each.
    """
    from pipelines import testing as testing_module

    for each in testing_module.advance_clock(settings_module.load(), clock_id, to, days):
        _say(each)


@clock.command()
def delete(clock_id: ClockId) -> None:
    """Delete a clock, and with it its customers and their subscriptions."""
    from pipelines import testing as testing_module

    testing_module.delete_clock(settings_module.load(), clock_id)
    typer.echo(f"{clock_id} is deleted, with its customers.")


def _say(each: "Clock") -> None:
    typer.echo(printable(f"{each.id}  {each.at:%Y-%m-%d %H:%M} UTC  {each.status}  {each.name}"))


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
