"""Staging tables as assets: typed, current state, one row an object."""

from collections.abc import Iterator

import dagster as dg

from models.contracts.staging import TABLES, Staged
from pipelines import build
from pipelines.assets.described import key, metadata
from pipelines.assets.extract import RESYNCED, raw_key, resync_key
from pipelines.resources import Revenue
from pipelines.schedules import when_read_again
from pipelines.warehouse.stage import sources


def _deps(contract: type[Staged]) -> list[dg.AssetKey]:
    again = {stream.name for stream in RESYNCED}
    raw = sources(contract)
    return [*map(raw_key, raw), *(resync_key(stream) for stream in raw if stream in again)]


@dg.multi_asset(
    name="stage",
    specs=[
        dg.AssetSpec(
            key(contract),
            deps=_deps(contract),
            group_name="staging",
            kinds={"duckdb", "sql"},
            description=contract.grain(),
            metadata=metadata(contract),
            automation_condition=when_read_again(),
        )
        for contract in TABLES
    ],
)
def stage(revenue: Revenue) -> Iterator[dg.MaterializeResult[None]]:
    """Raw JSON into typed columns."""
    with revenue.warehouse() as (connection, settings):
        outcome = build.staged(connection, settings)
    for contract in TABLES:
        rows = outcome.rows[contract.table_name]
        yield dg.MaterializeResult(asset_key=key(contract), metadata={"dagster/row_count": rows})
