"""From raw to published: stage, model, check, publish and render, the steps that the command line and Dagster share."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import polars as pl

from models import marts
from models.checks import BLOCKING
from models.contracts import marts as contracts
from models.contracts import staging
from models.fx import MissingRateError
from models.terms import Terms
from pipelines import acted, policies, processes, rates, spark
from pipelines.errors import RevenueError, SettingsError
from pipelines.extract import audit, holders
from pipelines.settings import Settings
from pipelines.warehouse import buckets, parts, publish, stage, tables
from reports import site


class NothingExtractedError(RevenueError):
    """There is nothing to build from."""


@dataclass(frozen=True)
class Modelled:
    """What the models made: rows by table, and the checks of the whole build."""

    rows: Mapping[str, int]
    checks: pl.DataFrame

    @property
    def failed_checks(self) -> tuple[str, ...]:
        """The blocking checks that found something, as `check of table`; a warning is shown and fails no run."""
        blocking = ~pl.col("passed") & (pl.col("severity") == BLOCKING)
        failing = self.checks.filter(blocking).sort("table_name", "check_name")
        return tuple(f"{row['check_name']} of {row['table_name']}" for row in failing.iter_rows(named=True))


def staged(connection: duckdb.DuckDBPyConnection, settings: Settings) -> stage.Outcome:
    """Make the staging tables from raw, without what lives on test clocks unless the settings ask for it.

    Raises:
        NothingExtractedError: no account was ever read.
    """
    return stage.stage(connection, _known_until(connection), test_clocks=settings.test_clocks)


def modelled(connection: duckdb.DuckDBPyConnection, settings: Settings) -> Modelled:
    """Make the marts from staging, write them and check them.

    Raises:
        SettingsError: the policy or the rate file make no sense, or a currency has no rate.
    """
    terms = terms_of(connection, settings)
    try:
        made = _made(connection, settings, terms)
    except MissingRateError as error:
        raise SettingsError(f"The metrics can't be computed: {error}.") from None
    found = made.pop(contracts.DataChecks.table_name).collect()
    by_name = {contract.table_name: contract for contract in contracts.TABLES}
    rows = {name: tables.write(connection, by_name[name], made.pop(name)) for name in marts.names()}
    rows |= acted.written(connection, settings, terms)
    return Modelled(rows, publish.gather_checks(connection, audit.checks(connection), found))


def _made(connection: duckdb.DuckDBPyConnection, settings: Settings, terms: Terms) -> dict[str, pl.LazyFrame]:
    known = rates.load(settings.rate_file)
    if settings.engine == "spark":
        engine = spark.engine(settings.spark_master)
        return parts.made_by(engine, connection, known, terms, settings.shared, spark.LINES_A_TASK)
    if buckets.lines(connection) > processes.LINES_A_TASK:
        return parts.made_by(
            processes.engine, connection, known, terms, settings.home.resolve(), processes.LINES_A_TASK
        )
    return parts.made(connection, known, terms)


def published(
    connection: duckdb.DuckDBPyConnection, settings: Settings, record: pl.DataFrame | None = None
) -> publish.Published:
    """Publish staging and marts, with this record of runs where one is given."""
    return publish.publish(
        connection,
        settings.published,
        terms_of(connection, settings),
        published_at=datetime.now(UTC),
        read_at=_known_until(connection),
        rule=settings.publish,
        record=record,
    )


def rendered(settings: Settings, month: date | None = None) -> list[Path]:
    """Render the site from the published file.

    Raises:
        RevenueError: nothing is published yet.
    """
    if not settings.published.is_file():
        raise RevenueError(f"{settings.published} does not exist yet: `revenue demo` or `revenue run` makes it.")
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        connection.execute(f"attach '{str(settings.published).replace(chr(39), chr(39) * 2)}' as revenue (read_only)")
        connection.execute("use revenue")
        return site.build(connection, settings.site, month=month)


def terms_of(connection: duckdb.DuckDBPyConnection, settings: Settings) -> Terms:
    """The terms of a build: what the settings say, else what the account says; as of the last sync.

    Raises:
        SettingsError: an unknown policy, or no currency to report in.
    """
    accounts = tables.read(connection, staging.Accounts)
    currency = settings.currency or _only(accounts["default_currency"].drop_nulls().to_list())
    if currency is None:
        raise SettingsError("The accounts have no one default currency to report in. Set REVENUE_CURRENCY.")
    zone = settings.timezone or _only(accounts["timezone"].drop_nulls().to_list()) or "UTC"
    as_of = settings.as_of or _known_until(connection)
    return Terms(as_of, zone, currency, policies.chosen(settings.policy), settings.slice_names)


def _known_until(connection: duckdb.DuckDBPyConnection) -> datetime:
    known = holders.as_of(connection)
    if known is None:
        raise NothingExtractedError("Nothing was extracted yet: `revenue run` or `revenue sync` does that.")
    return known


def _only(values: Collection[str]) -> str | None:
    different = set(values)
    return different.pop() if len(different) == 1 else None
