"""The Dagster code location: gathers assets, checks, the schedule and the sensor. One process, one run at a time."""

import dagster as dg

from pipelines.assets.checks import checks
from pipelines.assets.extract import resync, sync
from pipelines.assets.marts import model, revenue_duckdb
from pipelines.assets.reports import report
from pipelines.assets.staging import stage
from pipelines.resources import Revenue
from pipelines.schedules import build, daily, rebuild, refresh

defs = dg.Definitions(
    assets=[sync, resync, stage, model, revenue_duckdb, report],
    asset_checks=[checks],
    jobs=[refresh, build],
    schedules=[daily()],
    sensors=[rebuild],
    resources={"revenue": Revenue()},
    executor=dg.in_process_executor,
)
