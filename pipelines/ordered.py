"""How direct orders are asked for at a terminal and told of: the same for customers, subscriptions and payments."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from pydantic import BaseModel, ValidationError

from pipelines import settings as settings_module
from pipelines.action_commands import NOT_ALL
from pipelines.errors import SettingsError
from pipelines.terminal import money

if TYPE_CHECKING:
    from billing.actions.action import Effect
    from billing.apply import Engine
    from billing.orders import Order, Outcome

OURS = 4
"""Exit code where Stripe refuses a request that makes no sense."""

Given = TypeVar("Given", bound=BaseModel)
Execute = Annotated[bool, typer.Option("--execute", help="Really do it. This is the approval, noted with your login.")]
Live = Annotated[bool, typer.Option("--live", help="Needed besides for a live key: real customers, real money.")]
By = Annotated[str, typer.Option("--by", help="Login of who orders it; recorded. No address, no full name.")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON for scripts.")]


def carried_out(
    order: Callable[["Engine"], "Order"],
    do: "Callable[[Engine, Order], Outcome] | None" = None,
    *,
    execute: bool,
    live: bool,
    as_json: bool,
) -> "Outcome | None":
    """Say what an order would do; with `execute` do it, and say what became of it.

    Args:
        order: makes the order, on an engine that may be asked.
        do: carries it out, where there is more to it than that.

    Raises:
        Exit: 3 where it failed, waits, or its outcome is not known; 4 where it failed by a mistake of ours.
    """
    from billing import orders
    from pipelines import actions

    with actions.engine(settings_module.load(), live=live, executes=execute) as engine:
        made = order(engine)
        if not execute:
            before = orders.done_before(engine, made)
            if before is not None:
                say_outcome(made, before, as_json=as_json)
                return before
            say_effect(made, orders.previewed(engine, made), as_json=as_json)
            return None
        outcome = (do or orders.fulfilled)(engine, made)
    say_outcome(made, outcome, as_json=as_json)
    if not outcome.is_done:
        raise typer.Exit(OURS if is_ours(outcome) else NOT_ALL)
    return outcome


def say_effect(order: "Order", effect: "Effect", *, as_json: bool) -> None:
    """What an order would do."""
    if as_json:
        told = {"kind": order.kind, "subject": order.subject_id, "would": asdict(effect)}
        say_json(told)
        return
    typer.echo(f"Would {effect.words}: {order.subject_id}")
    if effect.amount is not None and effect.currency:
        typer.echo(f"  amount  {money(effect.amount, effect.currency)}")
    for name, value in effect.details.items():
        typer.echo(f"  {name}  {_told(name, value, effect.currency)}")
    typer.echo("Nothing was changed. Add --execute to do it.")


def say_outcome(order: "Order", outcome: "Outcome", *, as_json: bool) -> None:
    """What became of an order."""
    if as_json:
        say_json({"kind": order.kind, "subject": order.subject_id, **asdict(outcome)})
        return
    happened = {"known": "done before", "verified": "done", "found": "done", "acted": "done, its effect is awaited"}
    typer.echo(
        f"{outcome.action_id}  {order.kind}  {happened.get(outcome.event, outcome.event)}  {outcome.why}".rstrip()
    )
    for name, value in outcome.result.items():
        typer.echo(f"  {name}  {value}")
    if outcome.shown:
        typer.echo(f"  shown once, kept nowhere: {outcome.shown}")
    if outcome.state == "failed":
        for name, value in explained(outcome.why).items():
            typer.echo(f"  {name:<10} {value}")


def is_ours(outcome: "Outcome") -> bool:
    """Whether it failed by a mistake of ours, which developers are to hear of."""
    from billing.stripe_errors import meaning_of_code

    return outcome.state == "failed" and meaning_of_code(outcome.why).alert


def explained(code: str, locale: Sequence[str] = ()) -> dict[str, str]:
    """What a code of Stripe's means: what happened, what was done, what to do, and what a customer may be told."""
    from billing import declines
    from billing.stripe_errors import meaning_of_code

    texts = settings_module.load().messages
    is_decline = code.rpartition(":")[2] in declines.codes()
    meaning = meaning_of_code("card_declined" if is_decline else code)
    told = {"happened": meaning.happened, "did": meaning.did, "do": meaning.do}
    if meaning.customer == "declined":
        advice = declines.advice(code)
        return told | {"do": advice.do, "retry": advice.retry, "customer": declines.message(code, locale, texts)}
    return told | {"customer": declines.text(meaning.customer, locale, texts)}


def say_json(value: Any) -> None:
    """JSON, one value."""
    typer.echo(json.dumps(value, indent=1, default=str))


def given(sort: type[Given], **words: Any) -> Given:
    """What is asked for, checked.

    Raises:
        SettingsError: words that make no sense, or do not go together.
    """
    try:
        return sort.model_validate(words)
    except ValidationError as error:
        faults = (f"{'.'.join(map(str, each['loc']))} {each['msg']}".strip() for each in error.errors())
        raise SettingsError("; ".join(each.replace("Value error, ", "") for each in faults) + ".") from None


def pairs(option: str, given: Sequence[str]) -> dict[str, str]:
    """`KEY=VALUE` options as a map.

    Raises:
        SettingsError: one has no `=`.
    """
    found: dict[str, str] = {}
    for each in given:
        key, equals, value = each.partition("=")
        if not equals or not key:
            raise SettingsError(f"{option} takes KEY=VALUE, and '{each}' is none.")
        found[key] = value
    return found


def _told(name: str, value: Any, currency: str | None) -> str:
    if name.endswith(("total", "invoice", "amount")) and isinstance(value, int):
        return money(value, currency)
    if isinstance(value, Mapping | list | tuple):
        return json.dumps(value, default=list)
    return str(value)
