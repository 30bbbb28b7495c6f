"""`revenue notices …`: what is asked, and how it is said; `pipelines/notices.py` does it."""

import getpass
import json
import webbrowser
from datetime import datetime
from typing import Annotated

import typer

from pipelines import settings as settings_module

NOT_ALL = 3
"""Exit code where a notice was refused, or nobody knows whether it was sent."""

notices = typer.Typer(
    no_args_is_help=True,
    help="Mails that follow from what happens at Stripe. None is sent unless REVENUE_NOTICES names a file that asks "
    "for it, and then only with --execute or REVENUE_SEND_NOTICES.",
)

AsJson = Annotated[bool, typer.Option("--json", help="JSON for scripts.")]
By = Annotated[str, typer.Option("--by", help="Login of who decides; recorded. No address, no full name.")]
Whom = Annotated[
    str, typer.Argument(metavar="WHOM", help="An address, a customer (cus_…), or a notice (ntc_…) that went to one.")
]


@notices.command("list")
def list_notices(
    state: Annotated[
        list[str] | None,
        typer.Option(help="Only these: due, intended, sent, skipped, refused, unknown; more than once."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many, the youngest first.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List notices: what each is about, where it stands, and why. No address is kept, so none is shown."""
    from pipelines import notices as notices_module

    found = notices_module.listed(settings_module.load(), state or (), limit)
    if as_json:
        typer.echo(json.dumps([vars(each) for each in found], indent=1, default=_written))
        return
    for each in found:
        about = each.object_id + (f"/{each.occasion}" if each.occasion else "")
        typer.echo(
            f"{each.notice_id}  {each.happened_at:%Y-%m-%d %H:%M}  {each.state:<8}  {each.kind or each.cause:<21}  "
            f"{about}  {each.why or ''}".rstrip()
        )
    if not found:
        typer.echo("No notices.")


@notices.command()
def preview(
    kind: Annotated[str | None, typer.Argument(metavar="[KIND]", help="Such as welcome; without one all.")] = None,
    open_it: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
) -> None:
    """Write a page that shows what mails look like, with samples: as HTML, wide and narrow, and as text."""
    from pipelines import notices as notices_module

    page = notices_module.preview(settings_module.load(), kind)
    typer.echo(str(page))
    if open_it:
        webbrowser.open(page.resolve().as_uri())


@notices.command()
def send(
    execute: Annotated[bool, typer.Option("--execute", help="Really send.")] = False,
    live: Annotated[bool, typer.Option("--live", help="Needed besides for a live key: real customers.")] = False,
) -> None:
    """Send what is due, each notice once. Without --execute a dry run: it says what would be sent.

    Exit code 3: a notice was refused, or nobody knows whether it was sent.
    """
    from pipelines import notices as notices_module

    states = []
    for told in notices_module.send(settings_module.load(), execute=execute, live=live):
        notice = told.notice
        states.append(told.state)
        word = told.state if execute or told.state != "sent" else "would be sent"
        typer.echo(f"{notice.notice_id}  {notice.kind or notice.cause:<21}  {word:<13}  {told.why}".rstrip())
    if not states:
        typer.echo("Nothing is due.")
    elif not execute:
        typer.echo("Dry run: nothing was sent. Add --execute to send.")
    if execute and {"refused", "unknown"} & set(states):
        raise typer.Exit(NOT_ALL)


@notices.command()
def test(
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="Where the sample goes.")],
    kind: Annotated[str, typer.Option(help="Which notice.")] = "welcome",
    language: Annotated[str | None, typer.Option(help="In which language; without it the file's.")] = None,
) -> None:
    """Send a sample to an address, to see that the mail server takes it and how it arrives."""
    from pipelines import notices as notices_module

    typer.echo(f"Sent: {notices_module.test(settings_module.load(), address, kind, language)}.")


@notices.command()
def suppress(
    whom: Whom,
    why: Annotated[str, typer.Option(help="bounced, opted_out or complained.")] = "opted_out",
    by: By = "",
) -> None:
    """Send no more to somebody, such as where a mail came back. An address is kept as a keyed hash alone."""
    from pipelines import notices as notices_module

    stands = notices_module.suppress(settings_module.load(), whom, why, by or getpass.getuser())
    typer.echo(f"Nothing more is sent to {stands}.")


@notices.command()
def allow(whom: Whom, by: By = "") -> None:
    """Send to somebody again."""
    from pipelines import notices as notices_module

    changed = notices_module.allow(settings_module.load(), whom, by or getpass.getuser())
    typer.echo("They get notices again." if changed else "Nothing stood in the way.")


def _written(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
