"""What Dagster hands to the assets: the settings, read anew at each run so that a changed `.env` counts, and the
warehouse."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg
import duckdb

from pipelines import settings as settings_module
from pipelines import tombstones
from pipelines.settings import Settings
from pipelines.warehouse.database import open_warehouse

PATIENCE_SECONDS = 900.0
"""How long a step waits for another writer, such as a run from the command line, before it fails and says who it is."""


class Revenue(dg.ConfigurableResource[None]):
    """The project's settings. Nothing is configured here: keys stay out of Dagster's own records."""

    def settings(self) -> Settings:
        """The settings of this process.

        Raises:
            SettingsError: a value makes no sense.
        """
        return settings_module.load()

    @contextmanager
    def warehouse(self) -> Iterator[tuple[duckdb.DuckDBPyConnection, Settings]]:
        """The one writing connection, for one step."""
        settings = self.settings()
        with open_warehouse(settings.warehouse, wait_seconds=PATIENCE_SECONDS) as connection:
            tombstones.hold(connection, settings)
            yield connection, settings


class LogProgress:
    """Progress as lines of a run's log."""

    def __init__(self, log: dg.DagsterLogManager) -> None:
        self._log = log

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        self._log.info(f"{name} …")
        yield
        self._log.info(f"{name}: done")

    def stream(self, stream: str, objects: int, requests: int, *, share: float, done: bool) -> None:
        if done and requests:
            self._log.info(f"{stream}: {objects:,} objects in {requests:,} requests")
