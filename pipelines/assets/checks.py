"""The invariants as asset checks: what the last build found, shown beside the tables that it is about."""

from collections.abc import Iterator

import dagster as dg
import polars as pl

from models.checks import BLOCKING, CHECKS, Check
from models.contracts.marts import DataChecks, MrrByMonthReporting
from pipelines.assets.described import key
from pipelines.resources import Revenue
from pipelines.warehouse import tables


def _spec(check: Check) -> dg.AssetCheckSpec:
    return dg.AssetCheckSpec(
        check.name,
        asset=dg.AssetKey(check.table.split(".")),
        description=f"Fails where {check.meaning}.",
        additional_deps=[key(MrrByMonthReporting)] if check.table.startswith("staging.") else [],
        metadata={"severity": check.severity},
    )


@dg.multi_asset_check(name="checks", specs=[_spec(check) for check in CHECKS], can_subset=True)
def checks(context: dg.AssetCheckExecutionContext, revenue: Revenue) -> Iterator[dg.AssetCheckResult]:
    """Tell what the models' own checks found; `marts.data_checks` holds the same."""
    with revenue.warehouse() as (connection, _):
        found = tables.read(connection, DataChecks)
    for check in CHECKS:
        asset = dg.AssetKey(check.table.split("."))
        if dg.AssetCheckKey(asset, check.name) in context.selected_asset_check_keys:
            yield _result(check, asset, found)


def _result(check: Check, asset: dg.AssetKey, found: pl.DataFrame) -> dg.AssetCheckResult:
    rows = found.filter(pl.col("check_name") == check.name, pl.col("table_name") == check.table)
    details = rows["detail"].drop_nulls().to_list()
    return dg.AssetCheckResult(
        asset_key=asset,
        check_name=check.name,
        passed=not rows.is_empty() and bool(rows["passed"].all()),
        severity=dg.AssetCheckSeverity.ERROR if check.severity == BLOCKING else dg.AssetCheckSeverity.WARN,
        metadata={"failing rows": int(rows["failing_rows"].sum()), "detail": "; ".join(details) or "nothing found"},
    )
