"""A grown sandbox company, read over HTTP, staged and built: the whole way from objects to marts, once a seed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from functools import cache
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

import polars as pl

from models import marts
from models.contracts import staging
from models.currency import minor_exponent
from models.spine import Spine, build_spine
from models.terms import Terms
from pipelines.extract.account import Account, Limits
from pipelines.extract.sync import sync
from pipelines.warehouse import stage, tables
from pipelines.warehouse.database import open_warehouse
from sandbox.serving import serving
from sandbox.world.books import Books
from sandbox.world.business import Business
from sandbox.world.world import World

SEEDS = (7, 11, 23)


@dataclass(frozen=True)
class Grown:
    """A company's books, and what was made of its objects."""

    business: Business
    books: Books
    terms: Terms
    rates: pl.DataFrame
    daily: Mapping[tuple[str, date], Fraction]
    """Each currency's rate on each day: the latest known on or before it."""
    staging: Mapping[str, pl.LazyFrame]
    spine: Spine
    marts: Mapping[str, pl.LazyFrame]
    checks: pl.DataFrame

    def rows(self, mart: str, *columns: str) -> list[tuple[object, ...]]:
        """Columns of a mart as tuples."""
        return self.marts[mart].select(columns).collect().rows()

    def day(self, epoch: int) -> date:
        """The reporting-zone day of an instant of the books."""
        return datetime.fromtimestamp(epoch, ZoneInfo(self.terms.timezone)).date()

    def reporting(self, amount: int, currency: str, day: date) -> int:
        """An amount in the reporting currency at a day's rate, in plain fractions."""
        return round(amount * self._rate(currency, day))

    def _rate(self, currency: str, day: date) -> Fraction:
        if currency == self.terms.currency:
            return Fraction(1)
        scale = Fraction(10) ** (minor_exponent(self.terms.currency) - minor_exponent(currency))
        return self.daily[currency, day] * scale


def instant(epoch: int | None) -> datetime | None:
    """An instant of the books."""
    return None if epoch is None else datetime.fromtimestamp(epoch, UTC)


@cache
def grown(seed: int, customers: int = 120, months: int = 18) -> Grown:
    """The company of a seed, grown, extracted, staged and built."""
    business = Business(seed=seed, customers=customers, months=months)
    world = World.grown(business)
    terms = Terms(datetime.fromtimestamp(business.end, UTC), business.timezone, "usd")
    staged, rates = read(world)
    spine = build_spine(staged, rates.lazy(), terms)
    built = marts.build_on(spine, staged, terms)
    checks = marts.verify(built, spine, staged, terms).collect()
    return Grown(business, world.books, terms, rates, _daily(rates), staged, spine, built, checks)


def read(world: World) -> tuple[dict[str, pl.LazyFrame], pl.DataFrame]:
    """The staged tables of a world, read over HTTP, and its exchange rates."""
    with TemporaryDirectory() as home, serving(world) as sandbox, open_warehouse(Path(home) / "warehouse.duckdb") as db:
        sync(db, Account(sandbox.key, sandbox.url, limits=Limits(account_rate=5_000, endpoint_rate=5_000)))
        outcome = stage.stage(db, datetime.fromtimestamp(world.now, UTC))
        assert outcome.failed.is_empty(), outcome.failed
        staged = {table.table_name: tables.read(db, table).lazy() for table in staging.TABLES}
        return staged, _read_rates(sandbox.fx_rates_csv())


def _daily(rates: pl.DataFrame) -> dict[tuple[str, date], Fraction]:
    known: dict[tuple[str, date], Fraction] = {}
    for currency, rows in rates.filter(to_currency="usd").partition_by("from_currency", as_dict=True).items():
        by_day = {row["date"]: Fraction(row["rate"]) for row in rows.iter_rows(named=True)}
        day, last = min(by_day), max(by_day)
        while day <= last + timedelta(days=7):
            known[str(currency[0]), day] = by_day.get(day) or known[str(currency[0]), day - timedelta(days=1)]
            day += timedelta(days=1)
    return known


def _read_rates(text: str) -> pl.DataFrame:
    return pl.read_csv(StringIO(text), infer_schema=False).select(
        pl.col("date").str.to_date(), "from_currency", "to_currency", pl.col("rate").cast(pl.Decimal(38, 12))
    )
