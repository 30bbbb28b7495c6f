"""The invariants as asset checks: what the last build found, shown beside the tables that it is about."""

from collections.abc import Iterator

import dagster as dg
import polars as pl

from models.checks import BLOCKING, CHECKS, Check
from models.contracts.marts import DataChecks, MrrByMonthReporting
from pipelines.assets.described import key
from pipelines.resources import Revenue
from pipelines.warehouse import tables

FINDINGS = dg.AssetCheckKey(key(MrrByMonthReporting), "findings_on_the_way")
"""What staging and the models find as they go has no table of its own in the graph; it stands with the headline."""


def _spec(check: Check) -> dg.AssetCheckSpec:
    return dg.AssetCheckSpec(
        check.name,
        asset=dg.AssetKey(check.table.split(".")),
        description=f"Fails where {check.meaning}.",
        additional_deps=[key(MrrByMonthReporting)] if check.table.startswith("staging.") else [],
        metadata={"severity": check.severity},
    )


def _findings_spec() -> dg.AssetCheckSpec:
    return dg.AssetCheckSpec(
        FINDINGS.name,
        asset=FINDINGS.asset_key,
        description="Fails where a payload does not fit its table, a rate is missing or old, or a price has no amount.",
    )


@dg.multi_asset_check(name="checks", specs=[*map(_spec, CHECKS), _findings_spec()], can_subset=True)
def checks(context: dg.AssetCheckExecutionContext, revenue: Revenue) -> Iterator[dg.AssetCheckResult]:
    """Tell what the models' own checks found; `marts.data_checks` holds the same."""
    with revenue.warehouse() as (connection, _):
        found = tables.read(connection, DataChecks)
    for check in CHECKS:
        asset = dg.AssetKey(check.table.split("."))
        if dg.AssetCheckKey(asset, check.name) in context.selected_asset_check_keys:
            yield _result(check, asset, found)
    if FINDINGS in context.selected_asset_check_keys:
        yield _findings_result(found)


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


def _findings_result(found: pl.DataFrame) -> dg.AssetCheckResult:
    names = [check.name for check in CHECKS]
    failing = found.filter(~pl.col("passed"), ~pl.col("check_name").is_in(names))
    blocking = failing.filter(pl.col("severity") == BLOCKING)
    told = [f"{row['check_name']} of {row['table_name']}: {row['detail']}" for row in failing.iter_rows(named=True)]
    return dg.AssetCheckResult(
        asset_key=FINDINGS.asset_key,
        check_name=FINDINGS.name,
        passed=failing.is_empty(),
        severity=dg.AssetCheckSeverity.WARN if blocking.is_empty() else dg.AssetCheckSeverity.ERROR,
        metadata={"failing rows": int(failing["failing_rows"].sum()), "detail": "; ".join(told) or "nothing found"},
    )
