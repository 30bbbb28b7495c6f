"""The jobs: sync, build, report, and run, which is all three. The command line, the demo and Dagster call these."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb

from pipelines import accounts, headline, noticed, personal, policies, query, tombstones
from pipelines import build as steps
from pipelines.budget import budgets
from pipelines.errors import SettingsError, is_interrupt
from pipelines.extract import files
from pipelines.extract.account import ACCOUNT_ID, Account
from pipelines.extract.client import PINNED_VERSION
from pipelines.extract.files import Export, ImportReport
from pipelines.extract.sync import StreamsFailed, SyncReport, resync_all, sync_all
from pipelines.progress import Progress
from pipelines.settings import Settings
from pipelines.warehouse import runs
from pipelines.warehouse.database import open_warehouse
from pipelines.warehouse.renditions import OLDEST

_VERSION = re.compile(r"\d{4}-\d\d-\d\d(\.[a-z]+)?")
NOTHING = noticed.Noticed()
Window = tuple[datetime, datetime]
"""Objects created in [first, second), UTC."""


@dataclass(frozen=True)
class Outcome:
    """What a job has to tell: lines for a person, and the checks that failed."""

    lines: tuple[str, ...]
    failed_checks: tuple[str, ...] = ()


@dataclass
class _Tally:
    """What a run has done so far, kept so that a failing run is on record too."""

    run_id: str = ""
    reports: list[SyncReport] = field(default_factory=list)
    imported: ImportReport | None = None
    failed_checks: tuple[str, ...] = ()

    @property
    def account_id(self) -> str:
        """Whose objects it read or loaded: one id, or several with commas."""
        read = [report.account_id for report in self.reports]
        return ", ".join([*read, *([self.imported.account_id] if self.imported else [])])

    @property
    def spending(self) -> list[runs.Spending]:
        """What was read of each stream of each account."""
        return [
            runs.Spending(report.account_id, name, each.objects, each.requests, each.rows_written)
            for report in self.reports
            for name, each in report.streams.items()
        ]

    def outcome(self, status: str, detail: str | None = None) -> runs.Outcome:
        """The run's record."""
        remarks = [report.detail for report in self.reports if report.detail]
        if self.imported:
            remarks += self.imported.remarks
        rows_loaded = self.imported.rows_written if self.imported else 0
        return runs.Outcome(
            status,
            objects_read=sum(report.objects_read for report in self.reports),
            requests_made=sum(report.requests_made for report in self.reports),
            rows_written=sum(report.rows_written for report in self.reports) + rows_loaded,
            detail=" ".join([*remarks, *([detail] if detail else [])]) or None,
        )


def run(
    settings: Settings, progress: Progress, *, command: str = "run", sweeps: bool = True, patience: float = 0.0
) -> Outcome:
    """Sync, build, publish and report; what Stripe told by itself is read at once.

    Unless it `sweeps`, lists are left to the next run that does. `patience` is how long to wait for a writer.
    """
    policies.chosen(settings.policy)
    whom = accounts.of(settings)
    with _recorded(settings, command, patience) as (connection, tally):
        told = noticed.waiting(settings)
        sweep_days = settings.sweep_days if sweeps else 0
        read = _read(connection, whom, tally, progress, sweep_days=sweep_days, told=told)
        _warn_of_spending(connection, settings, tally)
        published = _built(connection, settings, tally, progress)
    noticed.note_read(settings, told)
    pages = _rendered(settings, progress, None)
    return Outcome((*_told(read), *published, *pages, *headline.lines(settings.published)), tally.failed_checks)


def sync(settings: Settings, progress: Progress, *, window: Window | None = None, full: bool = False) -> Outcome:
    """Extract what changed; or, with a window, the objects created in it; or everything again."""
    return Outcome(_told(read(settings, progress, command="sync", window=window, full=full)))


def read(
    settings: Settings,
    progress: Progress,
    *,
    command: str,
    window: Window | None = None,
    streams: Sequence[str] | None = None,
    full: bool = False,
    patience: float = 0.0,
) -> list[SyncReport]:
    """`sync`, with the engine's reports; `streams` narrows a window, `patience` is how long to wait for a writer."""
    whom = accounts.of(settings)
    with _recorded(settings, command, patience) as (connection, tally):
        told = noticed.Noticed() if window else noticed.waiting(settings)
        reports = _read(
            connection,
            whom,
            tally,
            progress,
            window=window,
            streams=streams,
            full=full,
            sweep_days=settings.sweep_days,
            told=told,
        )
        _warn_of_spending(connection, settings, tally)
        noticed.note_read(settings, told)
        return reports


def _warn_of_spending(connection: duckdb.DuckDBPyConnection, settings: Settings, tally: _Tally) -> None:
    """Remarks of this run, where the last thirty days with it come near what may be read."""
    runs.spend(connection, tally.run_id, tally.spending)
    warnings = {each.account_id: each.warning for each in budgets(connection, datetime.now(UTC), settings.read_budget)}
    for report in tally.reports:
        warning = warnings.get(report.account_id)
        if warning:
            report.remarks.append(warning)


def import_files(settings: Settings, progress: Progress, source: Path, export: Export) -> Outcome:
    """Load objects that were exported earlier."""
    treated = replace(export, personal=personal.of(settings))
    with _recorded(settings, "import") as (connection, tally):
        personal.hold(connection, treated.personal)
        with progress.step(f"Loading {source}"):
            loaded = files.load(connection, source, treated)
        tally.imported = loaded
        if loaded.unreadable:
            tally.failed_checks = ("entries_can_be_read",)
    held = sum(loaded.objects.values())
    line = f"Loaded {held:,} objects of {loaded.account_id} from {loaded.files:,} files, {loaded.rows_written:,} new."
    return Outcome((line, *loaded.remarks), tally.failed_checks)


def build(settings: Settings, progress: Progress, *, anew: bool = False) -> Outcome:
    """Stage, model, check and publish what was extracted; all of it `anew`, or following what has changed."""
    with _recorded(settings, "build") as (connection, tally):
        lines = _built(connection, settings, tally, progress, anew=anew)
    return Outcome((*lines, *headline.lines(settings.published)), tally.failed_checks)


def report(settings: Settings, progress: Progress, *, month: date | None = None) -> Outcome:
    """Render the dashboards from the published database.

    Raises:
        RevenueError: nothing is published, or the file can't be read; the pages stay as they are.
        SettingsError: nothing is published of that month.
    """
    published_months = query.months(settings.published)
    if month is not None and month not in published_months:
        raise SettingsError(_not_published(month, published_months))
    return Outcome(_rendered(settings, progress, month))


def _not_published(month: date, there: Sequence[date]) -> str:
    span = f"there are {there[0]:%Y-%m} to {there[-1]:%Y-%m}" if there else "there is no month yet"
    return f"Nothing is published of {month:%Y-%m}; {span}."


def export(account: str | None, exported: str | None, api_version: str | None) -> Export:
    """What the files of an import are, as the command line says it.

    Raises:
        SettingsError: no instant, no account id, or an API version whose shapes are not known.
    """
    if account is not None and not ACCOUNT_ID.fullmatch(account):
        raise SettingsError(f"--account takes the id of a Stripe account, as acct_…, and '{account}' is none.")
    version = api_version or PINNED_VERSION
    if not _VERSION.fullmatch(version) or not OLDEST <= version <= PINNED_VERSION:
        raise SettingsError(
            f"--api-version takes the version that the objects were exported in, from {OLDEST} to {PINNED_VERSION}, "
            f"and '{version}' is none of these."
        )
    return Export(version, account, _moment(exported))


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise SettingsError(f"--exported takes an instant such as 2026-03-01T12:00Z, and '{text}' is none.") from None


def window(since: str | None, until: str | None) -> Window:
    """The window of two UTC days, the second one included; from the beginning, or until today, where one is left out.

    Raises:
        SettingsError: no dates, or in the wrong order.
    """
    first = _day(since, "--from") if since else date(2010, 1, 1)
    last = _day(until, "--to") if until else datetime.now(UTC).date()
    if last < first:
        raise SettingsError(f"--to {last} lies before --from {first}.")
    return _midnight(first), _midnight(last + timedelta(days=1))


def month(text: str | None) -> date | None:
    """The first day of a month written as YYYY-MM.

    Raises:
        SettingsError: it is no month.
    """
    return _day(f"{text}-01", "--month") if text else None


def _day(text: str, option: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        shape = "YYYY-MM" if option == "--month" else "YYYY-MM-DD"
        raise SettingsError(f"{option} takes {shape}, and '{text}' is none.") from None


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


@contextmanager
def _recorded(
    settings: Settings, command: str, patience: float = 0.0
) -> Iterator[tuple[duckdb.DuckDBPyConnection, _Tally]]:
    """The warehouse for one run that is on record however it ends."""
    with open_warehouse(settings.warehouse, wait_seconds=patience) as connection:
        tally = _Tally(runs.begin(connection, command, datetime.now(UTC)))
        try:
            tombstones.hold(connection, settings)
            yield connection, tally
        except BaseException as error:
            with suppress(duckdb.Error):  # a full disk has no room for the record either
                why = "interrupted" if is_interrupt(error) else str(error) or type(error).__name__
                _end(connection, tally, "failed", why)
            raise
        _end(connection, tally, "checks_failed" if tally.failed_checks else "done")


def _end(connection: duckdb.DuckDBPyConnection, tally: _Tally, status: str, detail: str | None = None) -> None:
    runs.spend(connection, tally.run_id, tally.spending)
    runs.end(connection, tally.run_id, datetime.now(UTC), tally.outcome(status, detail), tally.account_id)


def _read(
    connection: duckdb.DuckDBPyConnection,
    whom: Sequence[Account],
    tally: _Tally,
    progress: Progress,
    *,
    window: Window | None = None,
    streams: Sequence[str] | None = None,
    full: bool = False,
    sweep_days: int = 0,
    told: noticed.Noticed = NOTHING,
) -> list[SyncReport]:
    personal.hold(connection, whom[0].personal)
    try:
        with progress.step("Reading Stripe"):
            if window:
                reports = resync_all(connection, whom, *window, streams=streams, progress=progress.stream)
            else:
                reports = sync_all(
                    connection,
                    whom,
                    full=full,
                    sweep_days=sweep_days,
                    noticed=told.changes,
                    progress=progress.stream,
                )
    except StreamsFailed as failed:
        tally.reports += failed.reports
        raise
    tally.reports += reports
    return reports


def _built(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    tally: _Tally,
    progress: Progress,
    *,
    anew: bool = False,
) -> tuple[str, ...]:
    with progress.step("Staging"):
        staged = steps.staged(connection, settings)
    with progress.step("Computing the metrics"):
        modelled = steps.modelled(connection, settings, anew=anew)
    tally.failed_checks = modelled.failed_checks
    with progress.step("Publishing"):
        status = "checks_failed" if tally.failed_checks else "done"
        record = runs.foretold(connection, tally.run_id, datetime.now(UTC), tally.outcome(status), tally.account_id)
        published = steps.published(connection, settings, record)
    rows = sum(staged.rows.values()) + sum(modelled.rows.values())
    told = f"Published {published.file}: {published.tables} tables, {rows:,} rows, {published.bytes / 1e6:.1f} MB."
    return (*_followed(modelled), told)


def _followed(modelled: steps.Modelled) -> tuple[str, ...]:
    """What a build of a large account has to tell of how it was made."""
    if modelled.followed is not None:
        return (f"Computed {modelled.followed:,} customers anew; the others are as they were.",)
    return (f"Computed every customer anew: {modelled.anew_because}.",) if modelled.anew_because else ()


def _rendered(settings: Settings, progress: Progress, month: date | None) -> tuple[str, ...]:
    with progress.step("Rendering the dashboards"), query.reading(settings.published):
        files = steps.rendered(settings, month)
    pages = sum(file.suffix == ".html" for file in files)
    return (f"Rendered {(settings.site / 'index.html').resolve()}: {pages} pages, {len(files) - pages} downloads.",)


def _told(reports: Sequence[SyncReport]) -> tuple[str, ...]:
    return tuple(line for report in reports for line in _told_of(report))


def _told_of(report: SyncReport) -> tuple[str, ...]:
    rate = f"{report.objects_read:,} objects in {report.requests_made:,} requests, {report.rows_written:,} new versions"
    return (
        f"Read account {report.account_id}: {rate}.",
        *report.remarks,
        *(f"Skipped {name}: {why}" for name, why in report.skipped.items()),
    )
