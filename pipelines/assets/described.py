"""What Dagster shows of a table before it is made: columns, types and meanings from the contract."""

import dagster as dg

from models.contracts.table import Table
from pipelines.warehouse import tables


def key(contract: type[Table]) -> dg.AssetKey:
    """The asset of a table: its schema and its name."""
    return dg.AssetKey([contract.schema_name, contract.table_name])


def metadata(contract: type[Table]) -> dict[str, dg.TableSchema | str]:
    """Column schema and qualified name, as the UI's columns panel reads them."""
    return {"dagster/column_schema": schema(contract), "dagster/table_name": contract.qualified_name()}


def schema(contract: type[Table]) -> dg.TableSchema:
    """The contract's columns as Dagster's."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                column.name,
                type=column.type,
                description=column.comment,
                constraints=dg.TableColumnConstraints(nullable=column.nullable),
            )
            for column in tables.columns(contract)
        ]
    )
