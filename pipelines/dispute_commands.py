"""`revenue disputes …`: what is asked, and how it is said; `pipelines/disputes.py` does it."""

import getpass
import json
from typing import Annotated, Any

import typer

from pipelines import settings as settings_module

DUE = 3
"""Exit code where evidence is due."""

disputes = typer.Typer(
    no_args_is_help=True,
    help="Answer disputes: what waits, a draft of evidence from your own data, its submission, and how often you win.",
)

Dispute = Annotated[str, typer.Argument(metavar="DISPUTE", help="Id of a dispute, as `list` prints them.")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON for scripts.")]


@disputes.command("list")
def list_disputes(
    due: Annotated[
        int | None, typer.Option(min=0, metavar="DAYS", help="Only those due within so many days; exit code 3 if any.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List disputes that wait for evidence, the first due first. With --due a reminder for cron."""
    from pipelines import disputes as disputes_module

    found = disputes_module.waiting(settings_module.load())
    if due is not None:
        found = [each for each in found if each.days_left is not None and each.days_left <= due]
    if as_json:
        _say_json([vars(each) for each in found])
    for each in () if as_json else found:
        left = "no date" if each.days_left is None else f"{each.days_left} days left"
        drafted = "draft there" if each.has_draft else "no draft"
        typer.echo(f"{each.dispute_id}  {each.written:>16}  {each.reason or '-':<22} {left:<14} {drafted}")
    if not found and not as_json:
        typer.echo("No dispute waits for evidence.")
    if due is not None and found:
        raise typer.Exit(DUE)


@disputes.command()
def draft(dispute: Dispute) -> None:
    """Write a draft of evidence from what is published: a page to read, and the file that would be sent."""
    from pipelines import disputes as disputes_module

    made = disputes_module.drafted(settings_module.load(), dispute)
    typer.echo(f"Read   {made.page}")
    typer.echo(f"Sends  {made.evidence}")
    if made.draft.missing:
        typer.echo(f"Nothing is known of: {', '.join(made.draft.missing)}.")


@disputes.command()
def submit(
    dispute: Dispute, by: Annotated[str, typer.Option("--by", help="Login of who asks; recorded.")] = ""
) -> None:
    """Propose to submit the draft. It is sent once, after `revenue actions approve` and `apply --execute`."""
    from pipelines import disputes as disputes_module

    made = disputes_module.proposed(settings_module.load(), dispute, by or getpass.getuser())
    typer.echo(f"{made.action_id} is proposed. Then: revenue actions approve {made.action_id}")


@disputes.command()
def outcomes(as_json: AsJson = False) -> None:
    """What became of disputes, by reason, and the share of those decided that was won."""
    from pipelines import disputes as disputes_module

    found = disputes_module.outcomes(settings_module.load())
    if as_json:
        _say_json(found)
        return
    typer.echo(f"{'reason':<24} {'won':>5} {'lost':>5} {'open':>5} {'inquiries':>10} {'prevented':>10} {'win rate':>9}")
    for each in found:
        rate = "-" if each["win_rate"] is None else f"{each['win_rate']:.0%}"
        counts = f"{each['won']:>5} {each['lost']:>5} {each['open']:>5} {each['inquiries']:>10} {each['prevented']:>10}"
        typer.echo(f"{each['reason']:<24} {counts} {rate:>9}")


def _say_json(value: Any) -> None:
    typer.echo(json.dumps(value, indent=1, default=str))
