"""What the reports read: the published tables as frames, and what they rest on (as-of instant, zone, currency, policy).

Knows the contracts and nothing of how the tables were made. A table that is not there reads as an empty one, so that a
page can say that there is nothing yet.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import duckdb
import polars as pl

from models.contracts.marts import TABLES, Mart
from models.contracts.marts import Publication as PublicationTable

PUBLISHED: tuple[type[Mart], ...] = (*TABLES, PublicationTable)
CONTRACTS: dict[str, type[Mart]] = {table.table_name: table for table in PUBLISHED}
UNKNOWN = "not recorded"
DAYS = {"mrr_movements": "moved_on", "mrr_by_day": "date", "churned_customers": "churned_on", "cash_by_day": "date"}
INSTANTS = {
    "refunds": "created_at",
    "disputes": "created_at",
    "trials": "started_at",
    "payment_failures": "first_failed_at",
}
"""Tables of single events, and the column that says when each was."""
COHORTS = frozenset({"cohort_retention", "customer_value_by_age"})
"""Tables of cohorts by months since their first."""


@dataclass(frozen=True)
class Publication:
    """One published state of the tables."""

    as_of: datetime
    timezone: str
    currency: str
    policy_name: str = UNKNOWN
    policy_hash: str = UNKNOWN
    banner: str | None = None
    read_at: datetime | None = None
    published_at: datetime | None = None

    @property
    def zone(self) -> ZoneInfo:
        """The reporting zone."""
        return ZoneInfo(self.timezone)

    @property
    def as_of_day(self) -> date:
        """The as-of instant's day in the reporting zone."""
        return self.as_of.astimezone(self.zone).date()


@dataclass(frozen=True)
class Marts:
    """The published tables, of one account or of several."""

    tables: Mapping[str, pl.DataFrame]
    publication: Publication

    def table(self, name: str) -> pl.DataFrame:
        """A table by its name; without rows where it was not published."""
        frame = self.tables.get(name)
        return empty(name) if frame is None else frame

    def accounts(self) -> list[str]:
        """The ids of the accounts that were published."""
        return sorted(self.table("publication")["account_id"].unique().to_list())

    def of(self, account_id: str) -> "Marts":
        """The tables of one account, with what belongs to none."""
        own = pl.col("account_id").str.split(", ").list.contains(account_id) | (pl.col("account_id") == "")
        return Marts({name: frame.filter(own) for name, frame in self.tables.items()}, self.publication)


def read(connection: duckdb.DuckDBPyConnection) -> Marts:
    """Every published table, through a connection on the published database."""
    found = connection.execute(
        "select table_name from information_schema.tables "
        "where table_schema = 'marts' and table_catalog = current_catalog() order by table_name"
    ).fetchall()
    names = [name for (name,) in found if name in CONTRACTS]
    tables = {name: connection.sql(f'select * from marts."{name}"').pl() for name in names}  # noqa: S608
    return Marts(tables, publication_of(tables))


def through(marts: Marts, month: date) -> Marts:
    """The tables without what came after a month, in dated and monthly rows alike. Customers stay as they are."""
    kept = {name: _through(name, frame, month, marts.publication) for name, frame in marts.tables.items()}
    return Marts(kept, marts.publication)


def _through(name: str, frame: pl.DataFrame, month: date, publication: Publication) -> pl.DataFrame:
    if name in COHORTS:
        reached = pl.col("cohort_month").dt.offset_by(pl.format("{}mo", "months_since"))
        return frame.filter(reached <= month)
    if name in DAYS:
        return frame.filter(pl.col(DAYS[name]).dt.truncate("1mo") <= month)
    if name in INSTANTS:
        local = pl.col(INSTANTS[name]).dt.convert_time_zone(publication.timezone).dt.date()
        return frame.filter(local.dt.truncate("1mo") <= month)
    return frame.filter(pl.col("month") <= month) if "month" in frame.columns else frame


def empty(name: str) -> pl.DataFrame:
    """A table of the contract's columns without rows."""
    contract = CONTRACTS[name]
    return pl.DataFrame(schema={column: kind.dtype for column, kind in contract.columns().items()})


def publication_of(tables: Mapping[str, pl.DataFrame]) -> Publication:
    """What the tables say of themselves; where they do not, what follows from their rows."""
    rows = tables["publication"].to_dicts() if "publication" in tables else []
    if not rows:
        return Publication(_as_of_from(tables), "UTC", _currency_from(tables))
    row = rows[0]
    return Publication(
        as_of=_utc(row["as_of"]) or _as_of_from(tables),
        timezone=row.get("timezone") or "UTC",
        currency=(row.get("currency") or _currency_from(tables)).lower(),
        policy_name=row.get("policy") or UNKNOWN,
        policy_hash=row.get("policy_hash") or UNKNOWN,
        banner=row.get("banner") or None,
        read_at=_utc(row.get("read_at")),
        published_at=_utc(row.get("published_at")),
    )


def total(frame: pl.DataFrame, column: str) -> Decimal:
    """The exact sum of a column; 0 where there are no rows."""
    return sum((Decimal(value) for value in frame[column].drop_nulls()), Decimal(0))


def _as_of_from(tables: Mapping[str, pl.DataFrame]) -> datetime:
    checked = tables.get("data_checks")
    if checked is not None and checked.height:
        at = checked["checked_at"].max()
        if isinstance(at, datetime):
            return _utc(at) or at
    days = tables.get("mrr_by_day")
    last = days["date"].max() if days is not None and days.height else None
    day = last if isinstance(last, date) else date(1970, 1, 1)
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _currency_from(tables: Mapping[str, pl.DataFrame]) -> str:
    months = tables.get("mrr_by_month_reporting")
    return str(months["currency"][0]) if months is not None and months.height else "usd"


def _utc(at: datetime | None) -> datetime | None:
    if at is None:
        return None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
