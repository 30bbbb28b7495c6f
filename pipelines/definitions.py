"""The Dagster code location: gathers assets, checks, the schedule and the sensors. One process, one run at a time."""

import dagster as dg

from pipelines.assets.actions import applied, plans
from pipelines.assets.checks import checks
from pipelines.assets.extract import resync, sync
from pipelines.assets.marts import model, revenue_duckdb
from pipelines.assets.reports import report
from pipelines.assets.staging import stage
from pipelines.resources import Revenue
from pipelines.schedules import apply_actions, apply_approved, build, daily, rebuild, refresh, webhook_inbox

defs = dg.Definitions(
    assets=[sync, resync, stage, model, revenue_duckdb, report, plans, applied],
    asset_checks=[checks],
    jobs=[refresh, build, apply_actions],
    schedules=[daily()],
    sensors=[rebuild, apply_approved, webhook_inbox],
    resources={"revenue": Revenue()},
    executor=dg.in_process_executor,
)
