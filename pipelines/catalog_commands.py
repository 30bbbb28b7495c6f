"""`revenue catalog …`: what is asked, and how it is said; `pipelines/catalog.py` does it."""

import getpass
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines import settings as settings_module
from pipelines.terminal import money

if TYPE_CHECKING:
    from billing.catalog.apply import Carried
    from billing.catalog.drift import Blocked, Difference, Step
    from billing.catalog.subscribers import Subscribers
    from pipelines.catalog import Compared

DIFFERENT = 3
"""Exit code where file and account differ, or not all could be made the same."""
SHOWN_SUBSCRIPTIONS = 5

catalog = typer.Typer(
    no_args_is_help=True,
    help="Products, prices, coupons and the customer portal as one file, held against the account.",
    epilog="[bold]import[/] writes the file from an account; [bold]plan[/] says what differs; [bold]apply[/] is the "
    "same until [bold]--execute[/] is said, and live keys need [bold]--live[/] too. docs/catalog.md walks through it.",
)

File = Annotated[
    Path | None, typer.Argument(metavar="[FILE]", help="The catalogue; without it REVENUE_CATALOG, catalog.yaml.")
]
AsJson = Annotated[bool, typer.Option("--json", help="JSON for scripts.")]


@catalog.command()
def plan(
    file: File = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit code 3 too where the account has what the file does not name.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Say what differs between file and account, and change nothing.

    Exit code 0: the account is as the file says; 3: it is not.
    """
    from pipelines import catalog as catalog_module

    found = catalog_module.compare(settings_module.load(), file)
    _say(found, as_json=as_json)
    if found.drift.steps or found.drift.blocked or (strict and found.drift.unlisted):
        raise typer.Exit(DIFFERENT)


@catalog.command()
def apply(
    file: File = None,
    execute: Annotated[bool, typer.Option("--execute", help="Really change the account.")] = False,
    live: Annotated[bool, typer.Option("--live", help="Needed besides for a live key.")] = False,
    by: Annotated[str, typer.Option("--by", help="Login of who does it; recorded. No address, no full name.")] = "",
    as_json: AsJson = False,
) -> None:
    """Make the account as the file says: only what differs, each change once. Without --execute a dry run.

    The first change that fails ends it; run it again once that is mended. Exit code 3: not all is as the file says.
    """
    from pipelines import catalog as catalog_module

    settings = settings_module.load()
    if not execute:
        found = catalog_module.compare(settings, file)
        _say(found, as_json=as_json)
        if not as_json:
            typer.echo("Dry run: nothing was changed. Add --execute to change the account.")
        return
    with catalog_module.ready(settings, file, live=live, by=by or getpass.getuser()) as (found, carried):
        if not as_json:
            _say(found, as_json=False)
        done = list(_shown(carried, as_json=as_json))
    if as_json:
        _say_json(_told(found) | {"done": [_carried(each) for each in done]})
    all_done = len(done) == len(found.drift.steps) and all(each.is_done for each in done)
    if not all_done or found.drift.blocked:
        raise typer.Exit(DIFFERENT)


@catalog.command("import")
def import_catalog(
    file: File = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
) -> None:
    """Write the file from what the account has for sale, with its JSON Schema beside it."""
    from pipelines import catalog as catalog_module

    settings = settings_module.load()
    target = catalog_module.place(settings, file)
    catalog_module.check_place(target, force=force)
    made = catalog_module.imported(settings)
    for path in catalog_module.write(made, target, force=force):
        typer.echo(str(path))
    counted = {
        "products": len(made.products),
        "prices": sum(1 for _ in made.prices()),
        "meters": len(made.meters),
        "coupons": len(made.coupons),
        "promotion codes": len(made.promotion_codes),
        "portals": len(made.portals),
    }
    typer.echo(", ".join(f"{count} {what}" for what, count in counted.items()) + ".")


def _say(found: "Compared", *, as_json: bool) -> None:
    if as_json:
        _say_json(_told(found))
        return
    drift = found.drift
    for line in _table([_row(step) for step in drift.steps]):
        _echo(line)
    for step in drift.steps:
        subscribers = found.subscribers.get(step.change.id or "")
        if subscribers is not None and step.what == "archive":
            _echo(_of_subscribers(step, subscribers))
    for price_id in found.unseen:
        _echo(f"Who subscribes to {price_id} can't be told: the key may not read subscriptions.")
    for each in drift.blocked:
        _echo(f"Can't be made so: {each.kind} {each.key} ({_differences(each)}): {each.why}.")
    for line in _unlisted(found):
        _echo(line)
    if not drift.steps and not drift.blocked:
        _echo(f"{found.account_id} is as the file says.")
    elif drift.steps:
        _echo(f"{len(drift.steps)} to do in {found.account_id}.")


def _echo(line: str) -> None:
    """A line without what would steer a terminal: names in an account are whatever somebody typed."""
    typer.echo("".join(each if each.isprintable() else f"\\u{ord(each):04x}" for each in line))


def _row(step: "Step") -> tuple[str, str, str, str]:
    words = _differences(step) if step.differences else _made(step.change.values)
    if step.what == "archive":
        words = step.change.id or ""
    return step.what, step.change.kind.replace("_", " "), step.change.key, words


def _differences(of: "Step | Blocked") -> str:
    return "; ".join(_difference(each) for each in of.differences) or "-"


def _difference(difference: "Difference") -> str:
    return f"{difference.word}: {_word(difference.now)} → {_word(difference.wanted)}"


def _made(values: Mapping[str, Any]) -> str:
    """What is made, in its main words."""
    amount = values.get("unit_amount", values.get("unit_amount_decimal"))
    recurring = values.get("recurring") or {}
    told = [
        str(values.get("name") or values.get("display_name") or ""),
        "" if amount is None else f"{amount} {values['currency']}",
        f"{values['tiers_mode']} tiers, {values['currency']}" if "tiers_mode" in values else "",
        f"every {recurring.get('interval_count', 1)} {recurring['interval']}" if recurring else "",
    ]
    return ", ".join(filter(None, told))


def _word(value: Any) -> str:
    """A value in the file's words, in one line."""
    if value is None or value == () or value == {}:
        return "-"
    if hasattr(value, "model_dump"):
        value = value.model_dump(exclude_defaults=True)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_word(each)}" for key, each in value.items()) + "}"
    if isinstance(value, tuple | list):
        return "[" + ", ".join(_word(each) for each in value) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Decimal):
        return f"{value:f}"
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _table(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    if not rows:
        return
    widths = [max(len(row[place]) for row in rows) for place in range(3)]
    for row in rows:
        yield "  ".join((*(cell.ljust(width) for cell, width in zip(row[:3], widths, strict=True)), row[3])).rstrip()


def _of_subscribers(step: "Step", subscribers: "Subscribers") -> str:
    if not subscribers.found:
        return f"Nobody subscribes to {step.change.key} ({subscribers.price_id})."
    worth = ", ".join(money(amount, currency) for currency, amount in subscribers.mrr.items())
    shown = [each.subscription_id for each in subscribers.found[:SHOWN_SUBSCRIPTIONS]]
    more = len(subscribers.found) - len(shown)
    listed = ", ".join(shown) + (f" and {more} more" if more else "")
    return (
        f"{len(subscribers.found)} subscriptions stay on {step.change.key} ({subscribers.price_id}): {listed}. List "
        f"price of the {subscribers.counted} that are active or past due: {worth or 'none'} a month."
    )


def _unlisted(found: "Compared") -> Iterator[str]:
    kinds: dict[str, list[str]] = {}
    for each in found.drift.unlisted:
        kinds.setdefault(each.kind.replace("_", " "), []).append(each.key)
    for kind, keys in kinds.items():
        shown = ", ".join(keys[:SHOWN_SUBSCRIPTIONS])
        more = f" and {len(keys) - SHOWN_SUBSCRIPTIONS} more" if len(keys) > SHOWN_SUBSCRIPTIONS else ""
        yield f"Not in the file, and left as it is: {kind} {shown}{more}."


def _shown(carried: "Iterator[Carried]", *, as_json: bool) -> "Iterator[Carried]":
    for each in carried:
        if not as_json:
            change = each.step.change
            outcome = "done" if each.is_done else f"{each.outcome.event}: {each.outcome.why}"
            _echo(f"{each.step.what} {change.kind.replace('_', ' ')} {change.key}  {outcome}")
        yield each


def _told(found: "Compared") -> dict[str, Any]:
    return {
        "account_id": found.account_id,
        "steps": [
            {
                "what": step.what,
                **step.change.model_dump(mode="json", exclude={"values"}),
                "differences": [_as_json(each) for each in step.differences],
            }
            for step in found.drift.steps
        ],
        "blocked": [
            {"kind": each.kind, "key": each.key, "why": each.why, "differences": list(map(_as_json, each.differences))}
            for each in found.drift.blocked
        ],
        "unlisted": [
            {"kind": each.kind, "key": each.key, "id": each.id, "name": each.name} for each in found.drift.unlisted
        ],
        "subscribers": {
            price_id: {"mrr": dict(each.mrr), "subscriptions": [vars(one) for one in each.found]}
            for price_id, each in found.subscribers.items()
        },
        "unseen": list(found.unseen),
    }


def _as_json(difference: "Difference") -> dict[str, Any]:
    return {"word": difference.word, "now": _word(difference.now), "wanted": _word(difference.wanted)}


def _carried(each: "Carried") -> dict[str, Any]:
    return {
        "action_id": each.outcome.action_id,
        "kind": each.step.change.kind,
        "key": each.step.change.key,
        "event": each.outcome.event,
        "why": each.outcome.why,
        "is_done": each.is_done,
    }


def _say_json(value: Any) -> None:
    typer.echo(json.dumps(value, indent=1, default=str))
