"""The public tables as assets, and the publication of the database."""

from collections.abc import Iterator

import dagster as dg

from models import marts as catalogue
from models.contracts import marts as contracts
from pipelines import build
from pipelines.assets.described import key, metadata
from pipelines.resources import Revenue
from pipelines.schedules import when_read_again

BUILT = tuple(recipe.table for recipe in catalogue.RECIPES.values() if recipe.table)
"""Contracts of the tables that the models make."""

DATABASE = dg.AssetKey("revenue_duckdb")


def _deps(contract: type[contracts.Mart]) -> list[dg.AssetKey]:
    return [dg.AssetKey(name.split(".")) for name in catalogue.made_from(contract.table_name)]


@dg.multi_asset(
    name="model",
    specs=[
        dg.AssetSpec(
            key(contract),
            deps=_deps(contract),
            group_name="marts",
            kinds={"polars", "duckdb"},
            description=contract.grain(),
            metadata=metadata(contract),
            automation_condition=when_read_again(),
        )
        for contract in BUILT
    ],
)
def model(revenue: Revenue) -> Iterator[dg.MaterializeResult[None]]:
    """The figures, from staging."""
    with revenue.warehouse() as (connection, settings):
        modelled = build.modelled(connection, settings)
    for contract in BUILT:
        yield dg.MaterializeResult(
            asset_key=key(contract), metadata={"dagster/row_count": modelled.rows[contract.table_name]}
        )


@dg.asset(
    key=DATABASE,
    deps=[key(contract) for contract in BUILT],
    group_name="marts",
    kinds={"duckdb"},
    automation_condition=when_read_again(),
)
def revenue_duckdb(revenue: Revenue) -> dg.MaterializeResult[None]:
    """The database that analysts and reports read: staging and marts, put in place by an atomic rename.

    Reads the checks of what it is about to publish; with failing ones it refuses, or publishes with a banner, as
    REVENUE_PUBLISH says.
    """
    with revenue.warehouse() as (connection, settings):
        published = build.published(connection, settings)
    return dg.MaterializeResult(
        metadata={
            "file": dg.MetadataValue.path(str(published.file.resolve())),
            "tables": published.tables,
            "dagster/row_count": published.rows,
            "megabytes": round(published.bytes / 1e6, 1),
            "checks failed": ", ".join(published.failed) or "none",
        }
    )
