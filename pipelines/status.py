"""`revenue status`: what is held and how fresh, what the last runs did and spent, which checks fail."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import polars as pl

from models.checks import BLOCKING
from pipelines import query
from pipelines.budget import DAYS, budgets
from pipelines.errors import RevenueError
from pipelines.extract import cursors
from pipelines.query import PublishedUnreadable
from pipelines.settings import Settings
from pipelines.warehouse import runs
from pipelines.warehouse.database import WarehouseBusy, WarehouseUnreadable, open_warehouse

RUNS = """
select started_at, command, status, objects_read, requests_made, rows_written, detail
from pipeline_runs order by started_at desc limit 8
"""
CHECKS = """
select check_name, table_name, severity, failing_rows, detail
from data_checks where not passed order by table_name, check_name
"""
PUBLICATION = "select as_of, read_at, published_at, policy, policy_hash from publication limit 1"


@dataclass(frozen=True)
class Status:
    """Lines for a person, the blocking checks that fail, and which files can't be read."""

    lines: tuple[str, ...]
    failed_checks: tuple[str, ...]
    faults: tuple[str, ...] = ()


def status(settings: Settings) -> Status:
    """The state of the working folder.

    Raises:
        RevenueError: nothing was ever extracted.
    """
    if not settings.warehouse.exists():
        raise RevenueError(f"{settings.home} holds nothing yet: `revenue demo` or `revenue run` starts it.")
    lines: list[str] = []
    faults: list[str] = []
    failed: tuple[str, ...] = ()
    try:
        lines += _streams(settings)
    except WarehouseUnreadable as fault:
        faults.append(str(fault))
    try:
        published, failed = _of_publication(settings)
        lines += ["", *published]
    except PublishedUnreadable as fault:
        faults.append(str(fault))
    return Status(tuple(lines), failed, (*faults, *_of_operations(settings)))


def _of_publication(settings: Settings) -> tuple[list[str], tuple[str, ...]]:
    """What is published, and the blocking checks that fail."""
    if not settings.published.is_file():
        return ["Nothing is published yet: `revenue build` does that."], ()
    checks = query.ask(settings.published, CHECKS)
    failed = (f"{name} of {table}" for name, table, severity, *_ in checks.iter_rows() if severity == BLOCKING)
    return [*_published(settings), "", *_runs(settings), "", *_checks(checks)], tuple(failed)


def _of_operations(settings: Settings) -> Iterator[str]:
    """Why the file of plans and trail can't be used, where there is one that can't."""
    if settings.operations_url is not None or not settings.operations_file.exists():
        return
    from billing.errors import BillingError
    from pipelines import operations

    try:
        with operations.opened(settings) as store:
            store.seq()
    except BillingError as fault:
        yield str(fault)


def _streams(settings: Settings) -> Iterator[str]:
    try:
        with open_warehouse(settings.warehouse) as connection:
            held = cursors.status(connection)
            now = datetime.now(UTC)
            reads = budgets(connection, now, settings.read_budget)
            spent = runs.spent(connection, now - timedelta(days=DAYS))
    except WarehouseBusy as busy:
        yield f"The streams can't be looked at now: {busy}"
        return
    several = len({each.account_id for each in held}) > 1
    rows = [
        (
            *((each.account_id,) if several else ()),
            each.stream,
            f"{each.objects:,}",
            f"{each.versions:,}",
            f"{spent.get((each.account_id, each.stream), 0):,}",
            _moment(each.newest_created_at),
            "being read" if each.unfinished else _moment(each.synced_at),
        )
        for each in held
    ]
    header = ("stream", "objects", "versions", f"requests in {DAYS} days", "newest created", "in step since")
    numbers = (2, 3, 4) if several else (1, 2, 3)
    yield from _table(("account", *header) if several else header, rows, right=numbers)
    yield ""
    yield from (each.warning or each.words for each in reads)


def _published(settings: Settings) -> Iterator[str]:
    row = query.ask(settings.published, PUBLICATION).row(0, named=True)
    yield (
        f"Published {_moment(row['published_at'])}, as of {_moment(row['as_of'])}; "
        f"Stripe read until {_moment(row['read_at'])}; policy {row['policy']} ({row['policy_hash']})."
    )


def _runs(settings: Settings) -> Iterator[str]:
    rows = [
        (_moment(at), command, state, f"{objects:,}", f"{requests:,}", f"{written:,}", detail or "")
        for at, command, state, objects, requests, written, detail in query.ask(settings.published, RUNS).iter_rows()
    ]
    yield from _table(("started", "run", "status", "objects", "requests", "new versions", ""), rows, right=(3, 4, 5))


def _checks(failing: pl.DataFrame) -> Iterator[str]:
    if failing.is_empty():
        yield "All data checks pass."
        return
    yield "Failing data checks:"
    rows = [(name, table, grave, f"{rows:,}", detail or "") for name, table, grave, rows, detail in failing.iter_rows()]
    yield from _table(("check", "table", "severity", "rows", "detail"), rows, right=(3,))


def _moment(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC" if at else "–"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[int] = ()) -> Iterator[str]:
    lines = [header, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    for line in lines:
        cells = [
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()
