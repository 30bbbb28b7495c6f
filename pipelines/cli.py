"""The `revenue` command: the same jobs as the Dagster UI, from a terminal.

Exit codes: 0 done; 1 failed (message on stderr, no traceback); 2 wrong usage, settings or file; 3 done, but data checks
failed, a reconciliation found differences, an action failed, the audit trail is not whole, or the launch checklist
names something to do.
"""

import errno
import json
import sys
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from math import isfinite
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from typer.core import TyperGroup

from billing.errors import BillingError
from pipelines import (
    access_commands,
    action_commands,
    catalog_commands,
    customer_commands,
    dispute_commands,
    erasure_commands,
    notice_commands,
    payment_commands,
    subscription_commands,
    testing_commands,
    user_commands,
    webhook_commands,
)
from pipelines import settings as settings_module
from pipelines.errors import Interrupted, RevenueError, SettingsError, is_interrupt
from pipelines.settings import Settings

CHECKS_FAILED = 3
DIFFERENT = 3


class Commands(TyperGroup):
    """The commands, of which an interrupted one says what became of its work; Typer itself would end it in silence."""

    def invoke(self, ctx: typer.Context) -> Any:  # type: ignore[override]
        try:
            return super().invoke(ctx)
        except (KeyboardInterrupt, RuntimeError) as error:
            if is_interrupt(error):
                raise Interrupted from error
            raise


app = typer.Typer(
    name="revenue",
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Finance-grade revenue analytics from your Stripe account, on your own machine.",
    epilog="Settings come from the environment or a .env file:\n\n"
    + "\n\n".join(f"[bold]{name}[/] {escape(meaning)}" for name, _, meaning in settings_module.described())
    + "\n\nExit codes: 0 done, 1 failed, 2 wrong usage or settings, 3 done but data checks failed.",
)

app.add_typer(action_commands.actions, name="actions")
app.add_typer(action_commands.audit, name="audit")
app.add_typer(catalog_commands.catalog, name="catalog")
app.add_typer(dispute_commands.disputes, name="disputes")
app.command()(erasure_commands.erase)
app.command()(erasure_commands.erasures)
app.add_typer(webhook_commands.webhooks, name="webhooks")
app.add_typer(testing_commands.testing, name="testing")
app.add_typer(customer_commands.customers, name="customers")
app.add_typer(subscription_commands.subscriptions, name="subscriptions")
app.add_typer(user_commands.users, name="users")
app.add_typer(payment_commands.payments, name="payments")
app.add_typer(payment_commands.methods, name="payment-methods")
app.add_typer(notice_commands.notices, name="notices")
app.add_typer(access_commands.access, name="access")

Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Plain lines instead of live progress.")]


class Form(StrEnum):
    """How `revenue query` writes its rows."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"


class Told(StrEnum):
    """How `revenue doctor --checklist` tells what it found."""

    WORDS = "words"
    JSON = "json"


@app.command()
def demo(
    customers: Annotated[int, typer.Option(min=0, max=100_000, help="Customers of the simulated company.")] = 400,
    months: Annotated[int, typer.Option(min=1, max=120, help="Months of its history.")] = 24,
    seed: Annotated[int, typer.Option(help="Another seed, another company.")] = 7,
    quiet: Quiet = False,
) -> None:
    """Simulate a company that bills through Stripe and run the whole pipeline on it. Needs no account, no network."""
    from pipelines import demo as demo_module
    from pipelines.progress import shown

    with shown(quiet=quiet) as progress:
        outcome = demo_module.run(settings_module.load(), customers, months, seed, progress)
    _conclude(outcome.lines, outcome.failed_checks)


@app.command()
def run(quiet: Quiet = False) -> None:
    """Sync, build, publish and report: what the schedule runs."""
    from pipelines import accounts, demo, refresh
    from pipelines.progress import shown

    settings = settings_module.load()
    accounts.of(settings, connected=lambda platform: ())
    for line in demo.make_way(settings.home):
        typer.echo(line)
    with shown(quiet=quiet) as progress:
        outcome = refresh.run(settings, progress)
    _conclude(outcome.lines, outcome.failed_checks)


@app.command()
def sync(
    since: Annotated[str | None, typer.Option("--from", metavar="DATE", help="Re-read objects created since.")] = None,
    until: Annotated[str | None, typer.Option("--to", metavar="DATE", help="… and before the end of this day.")] = None,
    full: Annotated[bool, typer.Option("--full", help="Read every list again from the beginning.")] = False,
    quiet: Quiet = False,
) -> None:
    """Extract what changed in Stripe since the last time; with dates, re-read the objects created then (UTC days)."""
    from pipelines import refresh
    from pipelines.progress import shown

    if full and (since or until):
        raise SettingsError("--full reads everything: leave --from and --to away.")
    window = refresh.window(since, until) if since or until else None
    with shown(quiet=quiet) as progress:
        outcome = refresh.sync(settings_module.load(), progress, window=window, full=full)
    _conclude(outcome.lines, ())


@app.command("import")
def import_files(
    source: Annotated[Path, typer.Argument(help="A file, or a folder: .json, .ndjson, .jsonl, each also with .gz.")],
    account: Annotated[
        str | None, typer.Option(metavar="acct_…", help="Whose they are; not needed where a file says it.")
    ] = None,
    exported: Annotated[
        str | None,
        typer.Option(metavar="INSTANT", help="When they were exported (ISO 8601); without it each file's own date."),
    ] = None,
    api_version: Annotated[
        str | None, typer.Option(metavar="VERSION", help="API version they are in; without it the pinned one.")
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Load objects from files exported earlier: API objects or list pages of them, one a line or as one document.

    They take the same path as what is read from Stripe: secrets are removed, versions told apart, loading twice changes
    nothing, and what was read later than the export stays what is current. `revenue build` makes figures of them.
    """
    from pipelines import refresh
    from pipelines.progress import shown

    export = refresh.export(account, exported, api_version)
    with shown(quiet=quiet) as progress:
        outcome = refresh.import_files(settings_module.load(), progress, source, export)
    _conclude(outcome.lines, outcome.failed_checks)


@app.command()
def build(
    anew: Annotated[
        bool, typer.Option("--full", help="Compute every customer, not only those that have changed since.")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Stage what was extracted, compute the marts, check them and publish revenue.duckdb. Reads nothing from Stripe."""
    from pipelines import refresh
    from pipelines.progress import shown

    with shown(quiet=quiet) as progress:
        outcome = refresh.build(settings_module.load(), progress, anew=anew)
    _conclude(outcome.lines, outcome.failed_checks)


@app.command()
def report(
    month: Annotated[str | None, typer.Option(metavar="YYYY-MM", help="The month the pages put first.")] = None,
    quiet: Quiet = False,
) -> None:
    """Render the dashboards from the published database."""
    from pipelines import refresh
    from pipelines.progress import shown

    with shown(quiet=quiet) as progress:
        outcome = refresh.report(settings_module.load(), progress, month=refresh.month(month))
    _conclude(outcome.lines, ())


@app.command()
def query(
    sql: Annotated[str, typer.Argument(help="A query; tables of the schemas marts (default) and staging.")],
    form: Annotated[Form, typer.Option("--format", help="How to write the rows.")] = Form.TABLE,
    output: Annotated[Path | None, typer.Option(help="A file to write to.")] = None,
) -> None:
    """Ask the published database: read-only SQL, such as "select * from mrr_by_month_reporting"."""
    from pipelines import query as query_module

    settings = settings_module.load()
    text = query_module.written(query_module.ask(settings.published, sql), form.value, output)
    if text is not None:
        sys.stdout.write(text)


@app.command()
def explain(
    metric: Annotated[str | None, typer.Argument(help="A metric or another monthly figure; without one: all.")] = None,
    month: Annotated[
        str | None, typer.Option(metavar="YYYY-MM", help="Its month; without it the last that is over.")
    ] = None,
    customer: Annotated[
        str | None, typer.Option(metavar="cus_…", help="The rows of one customer alone, and its share.")
    ] = None,
    of: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUE",
            help="Which one, of a figure with more than one a month: policy=stripe, months_since=3, segment=product.",
        ),
    ] = None,
    account: Annotated[
        str | None, typer.Option(metavar="acct_…", help="Which account, where several are published.")
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=0, help="Rows of each input, the largest first; 0: all. A table has 20.")
    ] = None,
    form: Annotated[Form, typer.Option("--format", help="How to write it; CSV and Parquet are the rows.")] = Form.TABLE,
    output: Annotated[Path | None, typer.Option(help="A file to write to.")] = None,
) -> None:
    """Follow a figure to the Stripe objects it is made of: formula, terms, inputs, and rows that add up to it.

    Without a metric it lists them all. Exit code 0: the rows add up to what was published; 3: they do not.
    """
    from pipelines import explain as explain_module
    from pipelines import refresh

    if metric is None:
        sys.stdout.write(explain_module.written_list(form.value, output) or "")
        return
    rows = limit if limit is not None else explain_module.SHOWN_ROWS if form is Form.TABLE else 0
    figure = explain_module.figure(metric)
    cell = explain_module.cell(figure, of or [])
    asked = explain_module.Asked(figure, refresh.month(month), customer, account, rows, cell)
    told = explain_module.explain(settings_module.load().published, asked)
    sys.stdout.write(explain_module.written(told, form.value, output) or "")
    if not told.agrees:
        raise typer.Exit(DIFFERENT)


@app.command()
def reconcile(
    files: Annotated[
        list[Path],
        typer.Argument(help='CSVs of "MRR per subscriber per month", from Billing analytics in the Dashboard.'),
    ],
    tolerance: Annotated[
        float, typer.Option(min=0, help="Difference in major units of a customer's month that is none.")
    ] = 0.01,
    account: Annotated[
        str | None, typer.Option(metavar="acct_…", help="Whose they are, where several accounts are published.")
    ] = None,
) -> None:
    """Hold MRR by Stripe's rules against Stripe's own export, customer by customer, and say why it differs.

    Writes reconciliation.csv into the home. Exit code 0: all of it agrees; 3: something differs by more than the
    tolerance; 2: a file can't be understood.
    """
    from pipelines import reconcile as reconcile_module

    if not isfinite(tolerance):
        raise SettingsError(f"--tolerance takes an amount such as 0.01, and {tolerance} is none.")
    done = reconcile_module.reconcile(settings_module.load(), files, Decimal(str(tolerance)), account)
    for line in done.lines:
        typer.echo(line)
    if not done.agrees:
        raise typer.Exit(DIFFERENT)


@app.command()
def status() -> None:
    """Freshness per stream, last runs, rows, requests spent, checks failing."""
    from pipelines import status as status_module

    shown_status = status_module.status(settings_module.load())
    _conclude(shown_status.lines, () if shown_status.faults else shown_status.failed_checks)
    if shown_status.faults:
        raise RevenueError("\n".join(shown_status.faults))


@app.command()
def doctor(
    checklist: Annotated[
        bool, typer.Option("--checklist", help="What a billing launch needs, found by asking the account.")
    ] = False,
    without: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CHECK", help="With --checklist: leave a check out that does not concern you; repeatable."
        ),
    ] = None,
    form: Annotated[
        Told, typer.Option("--format", help="With --checklist: words for people, or JSON for scripts.")
    ] = Told.WORDS,
) -> None:
    """Check key, permissions per stream, settings, disk and browser, and say what to do.

    With --checklist it asks Stripe whether the account is ready for customers: ✓ it is so, ✗ something is to be done,
    ? nobody can know by asking, and where to look. It only reads, some fifteen requests. Exit code 3: something is to
    be done. Run it with the test key, then with the live one: each mode is set up by itself.
    """
    if not checklist:
        if without or form is not Told.WORDS:
            raise SettingsError("--without and --format belong to --checklist.")
        _examine_this_machine()
        return
    from pipelines import checklist as checklist_module

    found = checklist_module.examine(settings_module.load(), without or ())
    typer.echo(checklist_module.as_json(found) if form is Told.JSON else "\n".join(checklist_module.lines(found)))
    if any(each.fails for each in found):
        raise typer.Exit(CHECKS_FAILED)


def _examine_this_machine() -> None:
    from pipelines import doctor as doctor_module

    if not doctor_module.examine(settings_module.load(), typer.echo):
        raise typer.Exit(1)


@app.command()
def serve(
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port to listen on.")] = None,
    host: Annotated[
        str, typer.Option(help="Address to listen on; others than loopback need users and a proxy with TLS.")
    ] = "127.0.0.1",
    refresh: Annotated[
        bool, typer.Option("--refresh", help="Also work off events as they come in, as `revenue webhooks work` does.")
    ] = False,
) -> None:
    """Show the dashboards in a browser, on loopback; take Stripe's events too, where a webhook secret is set.

    Without users it answers this machine alone, and nobody signs in; with users everybody does, and operators and
    approvers have a back office (docs/security.md).
    """
    from pipelines import serve as serve_module
    from pipelines import webhooks

    settings = settings_module.load()
    chosen = port or settings.serve_port
    serve_module.refuse_strangers(settings, host)
    with webhooks.receiving(settings) as receiving:
        typer.echo(f"Dashboards on http://{host}:{chosen}/ (Ctrl-C stops)")
        typer.echo(serve_module.for_whom(settings))
        if receiving is not None:
            typer.echo(f"Events from Stripe on http://{host}:{chosen}{receiving.path}")
        with webhooks.worked_off_beside(wanted=refresh):
            serve_module.serve(settings, host, chosen, receiving)


@app.command()
def ui(port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the Dagster UI.")] = 3000) -> None:
    """Start the Dagster UI with its own home under the working folder: offline, telemetry off."""
    from pipelines import ui as ui_module
    from pipelines.progress import shown

    with shown(quiet=True) as progress:
        raise typer.Exit(ui_module.start(settings_module.load(), port, progress))


@app.command(hidden=True)
def dictionary(output: Annotated[Path, typer.Option(help="Where to write it.")]) -> None:
    """Write the data dictionary from the contracts."""
    from pipelines.warehouse import dictionary as dictionary_module

    output.write_text(dictionary_module.markdown())


@app.command(hidden=True)
def rules_schema(output: Annotated[Path, typer.Option(help="Where to write it.")]) -> None:
    """Write the JSON Schema of the rules of actions."""
    from billing import rules

    output.write_text(json.dumps(rules.schema(), indent=1) + "\n")


@app.command(hidden=True)
def catalog_schema(output: Annotated[Path, typer.Option(help="Where to write it.")]) -> None:
    """Write the JSON Schema of the catalogue file."""
    from billing.catalog import file

    output.write_text(file.schema_text())


def _conclude(lines: tuple[str, ...], failed_checks: tuple[str, ...]) -> None:
    for line in lines:
        typer.echo(line)
    if failed_checks:
        typer.echo("Data checks failed: " + ", ".join(failed_checks) + ". `revenue status` says more.", err=True)
        raise typer.Exit(CHECKS_FAILED)


def main() -> None:
    """Run the command line; errors become one message and an exit code."""
    try:
        _note_settings(sys.argv[1:])
        app(prog_name="revenue")
    except (RevenueError, BillingError) as error:
        _fail(str(error), error.exit_code)
    except KeyboardInterrupt:
        _fail(str(Interrupted()), Interrupted.exit_code)
    except OSError as error:
        _fail(_refused_by_the_system(error), 1)
    except Exception as error:  # the last net: a user gets a message, the log gets the traceback
        _fail(_unexpected(error), 1)


def _note_settings(words: list[str]) -> None:
    """Have the trail know of settings that changed; what is wrong with them, the command itself says."""
    from pipelines import configuration

    try:
        configuration.note_before(words, settings_module.load())
    except SettingsError:
        return


def _fail(message: str, code: int) -> None:
    sys.stderr.write(message.rstrip() + "\n")
    sys.exit(code)


def _refused_by_the_system(error: OSError) -> str:
    """What the operating system refused, such as room on the disk or leave to write."""
    what = f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror or error)
    if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return f"The disk of {_home()} is full ({what}); what was committed is kept. Free some space and run again."
    return f"{what}. What was committed is kept; mend that, then run again."


def _unexpected(error: Exception) -> str:
    from pipelines.faults import logged

    what = f"Something unexpected happened: {type(error).__name__}. The published database is untouched."
    try:
        return f"{what} Details: {logged(error, _home() / 'logs', datetime.now(UTC))}"
    except OSError as refusal:
        return f"{what} Its details could not be written: {refusal.strerror}."


def _home() -> Path:
    try:
        return settings_module.load().home
    except SettingsError:
        return Settings.model_fields["home"].default or Path("var")


if __name__ == "__main__":
    main()
