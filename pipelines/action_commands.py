"""`revenue actions …` and `revenue audit …`: what is asked, and how it is said; `pipelines/actions.py` does it."""

import getpass
import json
import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines import settings as settings_module
from pipelines.errors import SettingsError
from pipelines.terminal import money

if TYPE_CHECKING:
    from billing.apply import Told
    from billing.book import Planned
    from pipelines.actions import Decision

NOT_ALL = 3
"""Exit code where an action failed, its outcome is not known, or the trail is not whole."""

DIGESTS = ("digest", "digests", "place")
"""What entries hold that says nothing to a person."""
FAILED = ("failed", "unclear", "unverified", "undone")

actions = typer.Typer(
    no_args_is_help=True,
    help="Act on accounts at risk: plan, let a person approve, apply. Nothing is done without approval and --execute.",
    epilog="The order of things: [bold]plan[/] turns flags and rules into proposals; [bold]list[/] and [bold]show[/] "
    "say what each would do and cost; [bold]approve[/] records who lets it happen; [bold]apply[/] is a dry run until "
    "[bold]--execute[/] is said, and live keys need [bold]--live[/] too. docs/actions.md walks through it.",
)
audit = typer.Typer(no_args_is_help=True, help="The trail of everything that was planned, approved and done.")

Ids = Annotated[list[str], typer.Argument(metavar="ACTION…", help="Ids of actions, as `list` prints them.")]
Why = Annotated[str, typer.Option("--why", help="The reason, for the record; no names, since it stays for good.")]
By = Annotated[str, typer.Option("--by", help="Login of who decides; recorded. No address, no full name.")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON for scripts.")]


@actions.command()
def plan(as_json: AsJson = False) -> None:
    """Propose actions: what the rules make of the published flags. Nothing changes in Stripe, or is planned twice."""
    from pipelines import actions as actions_module

    made = actions_module.make_plan(settings_module.load())
    if as_json:
        passed = [vars_of(each) for each in made.passed]
        _say_json({"new": [told_of(each) for each in made.new], "known": made.known, "passed": passed})
        return
    held_out = sum(each.state == "held_out" for each in made.new)
    typer.echo(f"{len(made.new) - held_out} proposed, {held_out} held out, {made.known} known already.")
    for line in _counted(each.why for each in made.passed):
        typer.echo(f"Passed over: {line}")
    _say_table([each for each in made.new if each.state == "proposed"])


@actions.command()
def propose(
    kind: Annotated[str, typer.Argument(help="Which action, such as refund.")],
    subject: Annotated[str, typer.Argument(help="What it is about: the id of an invoice, subscription, charge, …")],
    given: Annotated[
        list[str] | None, typer.Option("--with", metavar="WORD=VALUE", help="How; the action's own words.")
    ] = None,
    reference: Annotated[str, typer.Option(help="Tells this from another like it, such as a ticket's number.")] = "",
    by: By = "",
) -> None:
    """Propose one action by hand, where no flag leads to it: a refund, a change of price, evidence for a dispute."""
    from pipelines import actions as actions_module

    made = actions_module.propose(
        settings_module.load(), kind, subject, words_of(given or []), reference, by or getpass.getuser()
    )
    _say_table([made])


@actions.command("list")
def list_actions(
    state: Annotated[
        list[str] | None, typer.Option(help="Only these: proposed, approved, done, failed, …; more than once.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List actions with what each would do, what it costs, and where it stands."""
    from pipelines import actions as actions_module

    found = actions_module.listed(settings_module.load(), state or ())
    if as_json:
        _say_json([told_of(each) for each in found])
    else:
        _say_table(found)


@actions.command()
def show(
    action: Annotated[str, typer.Argument(metavar="ACTION", help="Id of an action.")], as_json: AsJson = False
) -> None:
    """Show one action: why, what exactly, and all that was done to it."""
    from pipelines import actions as actions_module

    planned, entries = actions_module.shown(settings_module.load(), action)
    if as_json:
        trail = [{**vars(entry), "at": entry.at.isoformat(), "body": json.loads(entry.body)} for entry in entries]
        _say_json(told_of(planned) | {"trail": trail})
        return
    for name, value in told_of(planned).items():
        if value not in (None, [], {}):
            typer.echo(f"{name:<24} {value if isinstance(value, str | int) else json.dumps(value)}")
    for entry in entries:
        typer.echo(f"{entry.seq:>6}  {entry.at:%Y-%m-%d %H:%M:%S}  {entry.event:<11} {entry.actor}")


@actions.command()
def approve(ids: Ids, by: By = "", why: Why = "") -> None:
    """Approve actions as they stand in the list; who and when is recorded. All of them, or none where one can't be."""
    from billing import approvals

    _decide(partial(approvals.approve, why=why), ids, by)


@actions.command()
def revoke(ids: Ids, by: By = "", why: Why = "") -> None:
    """Take approvals back, as long as nothing was sent."""
    from billing import approvals

    _decide(partial(approvals.revoke, why=why), ids, by)


@actions.command()
def reject(ids: Ids, by: By = "", why: Why = "") -> None:
    """Say that actions must not be done. They are not proposed again."""
    from billing import approvals

    _decide(partial(approvals.reject, why=why), ids, by)


@actions.command()
def comment(
    action: Annotated[str, typer.Argument(metavar="ACTION", help="Id of an action.")],
    words: Annotated[str, typer.Argument(help="What to put on record; no names, since it stays for good.")],
    by: By = "",
) -> None:
    """Put a remark about an action on record; it stays as it is."""
    from pipelines import actions as actions_module

    _say_table([actions_module.comment(settings_module.load(), action, by or getpass.getuser(), words)])


@actions.command()
def apply(
    ids: Annotated[list[str] | None, typer.Argument(metavar="[ACTION…]", help="Only these; without any, all.")] = None,
    execute: Annotated[bool, typer.Option("--execute", help="Really do what is approved.")] = False,
    live: Annotated[bool, typer.Option("--live", help="Needed besides for a live key: real money.")] = False,
    as_json: AsJson = False,
) -> None:
    """Carry out what is approved, each action once. Without --execute a dry run, which changes nothing anywhere.

    First settles what an interrupted run left. Looks at each account again right before acting, and leaves alone what
    is paid, expired, revoked or changed by then. Exit code 3: an action failed, its outcome is not known yet, or the
    trail says otherwise of it.
    """
    from billing.apply import DOUBTED
    from pipelines import actions as actions_module

    found = []
    for told in actions_module.carry_out(settings_module.load(), ids or (), execute=execute, live=live):
        found.append(told)
        if not as_json:
            typer.echo(line_of(told))
        if told.shown:
            typer.echo(f"  shown once, kept nowhere: {told.shown}", err=as_json)
    if as_json:
        _say_json([told_of(told.planned) | {"event": told.event, "why": told.why} for told in found])
    elif not execute:
        typer.echo("Dry run: nothing was changed. Add --execute to do what is approved.")
    elif not found:
        typer.echo("Nothing is approved and waiting.")
    open_ = [told for told in found if told.why.startswith("outcome_unknown") or told.why in DOUBTED]
    if execute and (open_ or any(told.event in FAILED for told in found)):
        raise typer.Exit(NOT_ALL)


@audit.command()
def verify(
    head: Annotated[
        list[str] | None,
        typer.Option(metavar="SEQ:DIGEST", help="An end of the trail that you noted elsewhere; it must be in it."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check the trail: entries as they were written, none missing or out of order, the end not cut, the book in step.

    Prints the end of the trail: note it elsewhere, and hand it back with --head. Exit code 3: something is wrong.
    """
    from pipelines import actions as actions_module

    end, faults = actions_module.examined(settings_module.load(), [_head(each) for each in head or ()])
    if as_json:
        _say_json({"seq": end.seq, "digest": end.digest, "faults": [vars_of(fault) for fault in faults]})
    else:
        for fault in faults:
            typer.echo(f"{fault.words}.", err=True)
        typer.echo(f"{end.seq} entries, {'whole' if not faults else 'NOT whole'}. Head {end.seq}:{end.digest}")
    if faults:
        raise typer.Exit(NOT_ALL)


@audit.command("list")
def list_entries(
    last: Annotated[int, typer.Option(min=1, max=100_000, help="How many, from the end.")] = 30,
    event: Annotated[
        list[str] | None, typer.Option(help="Only these: approved, signed_in, settings_changed, …; more than once.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say what was done last and by whom: actions, approvals, sign-ins, users, erasures, changed settings."""
    from pipelines import actions as actions_module

    entries = actions_module.latest(settings_module.load(), last, event or ())
    if as_json:
        _say_json([{**vars(entry), "at": entry.at.isoformat(), "body": json.loads(entry.body)} for entry in entries])
        return
    for entry in reversed(entries):
        told = {name: value for name, value in json.loads(entry.body).items() if name not in DIGESTS}
        about = entry.action_id or " ".join(f"{name}={value}" for name, value in told.items())
        typer.echo(f"{entry.seq:>6}  {entry.at:%Y-%m-%d %H:%M:%S}  {entry.event:<16} {entry.actor:<16} {about:.160}")


def told_of(planned: "Planned") -> dict[str, Any]:
    """An action as a script reads it."""
    told = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in vars(planned).items()}
    for name in ("params", "reasons", "effect", "request", "result"):
        told[name] = None if told[name] is None else json.loads(told[name])
    return told


def vars_of(value: Any) -> dict[str, Any]:
    """The fields of a dataclass."""
    return {name: getattr(value, name) for name in value.__dataclass_fields__}


def words_of(given: Sequence[str]) -> dict[str, Any]:
    """`WORD=VALUE` as values: whole numbers, true and false as such, everything else as text.

    Raises:
        SettingsError: one has no `=`.
    """
    found: dict[str, Any] = {}
    for each in given:
        word, equals, value = each.partition("=")
        if not equals:
            raise SettingsError(f"--with takes WORD=VALUE, and '{each}' is none.")
        found[word] = (
            int(value) if re.fullmatch(r"-?\d{1,15}", value) else {"true": True, "false": False}.get(value, value)
        )
    return found


def line_of(told: "Told") -> str:
    """What became of one action, in a line."""
    planned = told.planned
    amount = money(planned.amount, planned.currency)
    return f"{planned.action_id}  {planned.kind:<16} {told.event:<10} {told.why:<28} {amount}".rstrip()


def _decide(decision: "Decision", ids: Sequence[str], by: str) -> None:
    from pipelines import actions as actions_module

    _say_table(actions_module.decide(settings_module.load(), decision, ids, by or getpass.getuser()))


def _say_table(found: Sequence["Planned"]) -> None:
    if not found:
        typer.echo("No actions.")
        return
    rows = [("action", "state", "what", "of", "amount", "cost", "until")]
    rows += [
        (
            each.action_id,
            each.state,
            each.kind,
            each.subject_id,
            money(each.amount, each.currency),
            money(each.cost, each.currency),
            f"{each.expires_at:%Y-%m-%d}",
        )
        for each in found
    ]
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    for row in rows:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _say_json(value: Any) -> None:
    typer.echo(json.dumps(value, indent=1, default=str))


def _counted(reasons: Iterable[str]) -> list[str]:
    told = list(reasons)
    return [f"{told.count(why)} x {why}" for why in sorted(set(told))]


def _head(text: str) -> Any:
    from billing.audit import Head

    seq, _, digest = text.partition(":")
    if not seq.isdigit() or not re.fullmatch(r"[0-9a-f]{64}", digest):
        raise SettingsError(f"--head takes what `revenue audit verify` prints, as 12:ab…, and '{text}' is none.")
    return Head(int(seq), digest)
