"""From raw to published: stage, model, check, publish and render, the steps that the command line and Dagster share."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

import duckdb
import polars as pl

from models import marts
from models.checks import BLOCKING
from models.contracts import marts as contracts
from models.contracts import staging
from models.fx import MissingRateError
from models.increment import CannotFollowError, Exchange, Part
from models.terms import Terms
from models.worth import TooLargeError
from pipelines import acted, policies, processes, rates, spark
from pipelines.errors import RevenueError, SettingsError
from pipelines.extract import audit, holders
from pipelines.settings import Settings
from pipelines.warehouse import buckets, following, keeping, parts, publish, stage, tables
from reports import site


class NothingExtractedError(RevenueError):
    """There is nothing to build from."""


@dataclass(frozen=True)
class Modelled:
    """What the models made: rows by table, and the checks of the whole build."""

    rows: Mapping[str, int]
    checks: pl.DataFrame
    followed: int | None = None
    """How many customers were made anew, where the others stayed as they were; None where all were."""
    anew_because: str | None = None
    """Why all were made anew, where a large account could have been followed otherwise."""

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


def modelled(connection: duckdb.DuckDBPyConnection, settings: Settings, *, anew: bool = False) -> Modelled:
    """Make the marts from staging, write them and check them: of a large account only the customers that have changed
    since the last build, unless all of it should be made `anew`.

    Raises:
        SettingsError: the policy or the rate file make no sense, or a currency has no rate.
        RevenueError: MRR is too large for its columns.
    """
    terms, known = terms_of(connection, settings), rates.load(settings.rate_file)
    is_large = buckets.lines(connection) >= FOLLOWED_FROM
    basis = _basis(settings, terms) if is_large else ""
    followed, why = None, None
    try:
        try:
            followed = _followed(connection, settings, known, terms, basis, anew=anew)
        except CannotFollowError as error:
            why = str(error)
        kept = followed.kept if followed else _made(connection, settings, known, terms)
        exchanges = followed.exchanges if followed else {}
        keeping.forget(connection)
        of_account = parts.of_account(connection, kept, known, terms)
    except MissingRateError as error:
        raise SettingsError(f"The metrics can't be computed: {error}.") from None
    except TooLargeError as error:
        raise RevenueError(f"{TOO_LARGE}: {error} does not fit. {UNCHANGED}") from None
    except pl.exceptions.InvalidOperationError as error:
        if "to `decimal[18,6]` failed" not in str(error):
            raise
        raise RevenueError(f"{TOO_LARGE}: all of it together does not fit. {UNCHANGED}") from None
    found = of_account.pop(contracts.DataChecks.table_name).collect()
    rows = _written(connection, kept, exchanges, of_account) | acted.written(connection, settings, terms)
    if is_large:
        about = keeping.About(basis, terms.as_of, keeping.marks(connection))
        keeping.write(connection, kept, known.collect(), about, exchanges)
    checks = publish.gather_checks(connection, audit.checks(connection), found)
    return Modelled(rows, checks, followed.customers if followed else None, why if is_large else None)


def _written(
    connection: duckdb.DuckDBPyConnection,
    kept: Part,
    exchanges: Mapping[str, Exchange],
    of_account: dict[str, pl.LazyFrame],
) -> dict[str, int]:
    """Write the public tables that the models make, all or none, of customers those rows alone that are exchanged;
    returns how many rows each has.

    Raises:
        ContractError: a table does not hold to its contract.
    """
    by_name = {contract.table_name: contract for contract in contracts.TABLES}
    rows = {}
    with tables.transaction(connection):
        for name in marts.names(marts.CUSTOMERS):
            frame = f"marts.{name}"
            if frame in exchanges:
                rows[name] = tables.exchange(connection, by_name[name], exchanges[frame])
            else:
                rows[name] = tables.put(connection, by_name[name], kept[frame])
        for name in marts.names(marts.ACCOUNT):
            rows[name] = tables.put(connection, by_name[name], of_account.pop(name))
    return rows


TOO_LARGE = (
    "The metrics can't be published, for MRR ends at 999,999,999,999 smallest units of a currency, such as cents"
)
UNCHANGED = "Nothing was changed. Look for a price or a quantity that can't be."

FOLLOWED_FROM = 100_000
"""Invoice lines from which on an account is followed: of fewer everything is made anew as quickly."""


def _followed(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    known: pl.LazyFrame,
    terms: Terms,
    basis: str,
    *,
    anew: bool,
) -> following.Followed:
    about = None if anew else keeping.about(connection)
    if about is None:
        raise CannotFollowError("it was asked for" if anew else "nothing is kept of a build before")
    if about.basis != basis:
        raise CannotFollowError("rules or the program are others")
    return following.followed(connection, settings.published, about, known, terms)


def _basis(settings: Settings, terms: Terms) -> str:
    """A digest of all that a build hangs on beside its objects, exchange rates and the instant within a month."""
    rules = (terms.timezone, terms.currency, terms.policy.hash, terms.slices, settings.test_clocks)
    return sha256(repr((rules, _program())).encode()).hexdigest()


@cache
def _program() -> str:
    """A digest of the code that figures hang on."""
    read = sha256()
    for package in ("models", "pipelines.warehouse"):
        for file in sorted(Path(str(files(package))).rglob("*")):
            if file.suffix in (".py", ".sql", ".toml"):
                read.update(file.read_bytes())
    return read.hexdigest()


def _made(
    connection: duckdb.DuckDBPyConnection, settings: Settings, known: pl.LazyFrame, terms: Terms
) -> dict[str, pl.DataFrame]:
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
    at = datetime.now(UTC)
    made = publish.publish(
        connection,
        settings.published,
        terms_of(connection, settings),
        published_at=at,
        read_at=_known_until(connection),
        rule=settings.publish,
        record=record,
    )
    keeping.published(connection, at)
    return made


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
