"""A sandbox business that was read and staged by the real pipeline, beside the books it kept itself."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import polars as pl

from models.contracts.staging import TABLES
from models.spine import Spine, build_spine
from models.terms import Terms
from pipelines.extract.account import Account, Limits
from pipelines.extract.sync import sync
from pipelines.warehouse.database import open_warehouse
from pipelines.warehouse.stage import stage
from sandbox.serving import Sandbox, serving
from sandbox.world.business import Business
from sandbox.world.world import World

ZONE = "America/New_York"
UNLIMITED = Limits(account_rate=100_000, endpoint_rate=100_000)


@dataclass
class Lived:
    """The world, the warehouse it is read into and the server between them."""

    world: World
    sandbox: Sandbox
    connection: duckdb.DuckDBPyConnection

    _staged: dict[str, pl.LazyFrame] = field(default_factory=dict)

    def read(self) -> None:
        """One sync."""
        self._staged.clear()
        sync(self.connection, Account(key=self.sandbox.key, base_url=self.sandbox.url, limits=UNLIMITED))

    @property
    def staged(self) -> dict[str, pl.LazyFrame]:
        """What was read, staged once."""
        if not self._staged:
            stage(self.connection, datetime.fromtimestamp(self.world.now, UTC))
            for table in TABLES:
                self._staged[table.table_name] = self.connection.sql(f"from {table.qualified_name()}").pl().lazy()
        return self._staged

    def spine(self, at: int | None = None) -> Spine:
        """The spine of what was read, as of an instant."""
        return build_spine(self.staged, self.rates(), self.terms(at))

    def terms(self, at: int | None = None) -> Terms:
        """As of an instant in the account's own zone and currency."""
        return Terms(datetime.fromtimestamp(at or self.world.now, UTC), ZONE, "usd")

    def rates(self) -> pl.LazyFrame:
        """The world's exchange rates."""
        text = self.world.rates.as_csv(date(2020, 1, 1), datetime.fromtimestamp(self.world.now, UTC).date())
        rates = pl.read_csv(io.StringIO(text), try_parse_dates=True, schema_overrides={"rate": pl.Decimal(38, 12)})
        return rates.lazy()


@contextmanager
def living(business: Business, folder: Path) -> Iterator[Lived]:
    """A business grown to its end and served, with an empty warehouse beside it."""
    world = World.grown(business)
    with serving(world) as sandbox, open_warehouse(folder / "warehouse.duckdb") as connection:
        yield Lived(world, sandbox, connection)
