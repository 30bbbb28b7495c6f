"""`revenue erase` and `revenue erasures`: what is asked, and how it is said; `pipelines/erasure.py` does it."""

import getpass
import json
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines import settings as settings_module

if TYPE_CHECKING:
    from pipelines.erasure import Done, Preview

NOT_YET = 3
"""Exit code where it is not done yet, or something is left to be dealt with by hand."""


class Subscriptions(StrEnum):
    """When the customer's subscriptions end."""

    NOW = "now"
    PERIOD_END = "period_end"
    KEEP = "keep"


def erase(
    customer: Annotated[str, typer.Argument(metavar="CUSTOMER", help="Id of the customer, cus_….")],
    execute: Annotated[bool, typer.Option("--execute", help="Really do it; it can't be undone.")] = False,
    live: Annotated[bool, typer.Option("--live", help="Needed besides for a live key.")] = False,
    subscriptions: Annotated[
        Subscriptions,
        typer.Option(help="End them now, with their period (then it waits for that), or keep them and the customer."),
    ] = Subscriptions.NOW,
    local_only: Annotated[
        bool, typer.Option("--local-only", help="Leave Stripe as it is: erase here alone, without a key.")
    ] = False,
    account: Annotated[str | None, typer.Option(metavar="acct_…", help="Whose, where several know the id.")] = None,
    reference: Annotated[str, typer.Option(help="A ticket's number or the like, for the record; no names.")] = "",
    by: Annotated[str, typer.Option("--by", help="Login of who does it; recorded. No address, no full name.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="JSON for scripts.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Plain lines instead of live progress.")] = False,
) -> None:
    """Erase a customer's personal data, at Stripe and here, with a certificate. Without --execute says what would be.

    Figures stay the same to the cent: amounts, instants and ids are kept, as tax law asks for. Whatever interrupts it,
    the same command goes on. Exit code 3: it is not done yet, or a file is left to be dealt with by hand.
    """
    from pipelines import erasure
    from pipelines.progress import shown

    settings = settings_module.load()
    wish = erasure.Wish(
        customer, by or getpass.getuser(), account, subscriptions.value, not local_only, live, reference
    )  # fmt: skip
    if not execute:
        _say_preview(erasure.preview(settings, wish), as_json=as_json)
        return
    with shown(quiet=quiet or as_json) as progress:
        done = erasure.execute(settings, wish, progress)
    _say_done(done, as_json=as_json)
    if done.erasure.certificate is None or done.left_in:
        raise typer.Exit(NOT_YET)


def erasures(as_json: Annotated[bool, typer.Option("--json", help="JSON for scripts.")] = False) -> None:
    """List erasures: those that are done, and those that were begun and wait or were interrupted."""
    from pipelines import erasure

    found = erasure.certificates(settings_module.load())
    if as_json:
        _say_json(found)
        return
    for each in found:
        typer.echo(f"{each['erasure_id']}  {each['customer_id']}  {each['completed_at'] or 'not done'}")
    if not found:
        typer.echo("No erasures.")


def _say_preview(preview: "Preview", *, as_json: bool) -> None:
    if as_json:
        taken = {name: vars(each) for name, each in preview.taken.items()}
        _say_json({**vars(preview), "asked": vars(preview.asked), "taken": taken})
        return
    asked = preview.asked
    typer.echo(f"{asked.customer_id} of {asked.account_id}")
    for name, each in preview.taken.items():
        typer.echo(f"  raw.{name:<32} {each.versions:>6,} versions {each.values:>7,} values to erase")
    typer.echo("  staging, marts, revenue.duckdb and site are made anew; logs of errors are removed.")
    typer.echo("  Kept: ids, amounts, instants, states, codes and countries, for tax law and so that figures stay.")
    if asked.kept_metadata:
        typer.echo(f"  Kept of metadata, since figures are made by it: {', '.join(asked.kept_metadata)}.")
    typer.echo(f"At Stripe: {_at_stripe(preview)}.")
    typer.echo("Dry run: nothing was changed. Add --execute to do it; it can't be undone.")


def _at_stripe(preview: "Preview") -> str:
    if not preview.asked.at_stripe or preview.asked.subscriptions == "keep":
        return "everything is left as it is"
    if preview.stands != "there":
        return {"deleted_already": "deleted already", "not_found": "not known there"}[preview.stands]
    ends = {"now": "end at once", "period_end": "end with their period, which is waited for"}
    told = f"{', '.join(preview.subscriptions)} {ends[preview.asked.subscriptions]}, then " * bool(
        preview.subscriptions
    )
    return f"{told}the customer is deleted for good"


def _say_done(done: "Done", *, as_json: bool) -> None:
    certificate = done.erasure.certificate
    if as_json:
        waits = {"why": done.ended.why, "until": done.ended.until}
        _say_json({"erasure_id": done.erasure.erasure_id, "certificate": certificate, "waits": waits})
        return
    if certificate is None:
        until = f" until {done.ended.until:%Y-%m-%d %H:%M} UTC" if done.ended.until else ""
        typer.echo(f"{done.erasure.erasure_id} is not done: {done.ended.why}{until}. Run the same command again then.")
        return
    typer.echo(f"{done.erasure.erasure_id} is done. At Stripe: {done.ended.customer.replace('_', ' ')}.")
    for file in done.files:
        typer.echo(f"Certificate  {file}")
    for file_name in done.left_in:
        typer.echo(f"Still holds something of the customer's, to be dealt with by hand: {file_name}", err=True)
    if done.failed_checks:
        typer.echo("Data checks failed: " + ", ".join(done.failed_checks) + ".", err=True)


def _say_json(value: Any) -> None:
    typer.echo(json.dumps(value, indent=1, default=str))
