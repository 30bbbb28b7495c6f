"""The Dagster code location: gathers assets, checks, the schedules and the sensors. One process, one run at a time."""

import dagster as dg

from pipelines.assets.actions import applied, plans
from pipelines.assets.checks import checks
from pipelines.assets.extract import resync, sync
from pipelines.assets.follow_ups import sent_notices, told_of_access
from pipelines.assets.marts import model, revenue_duckdb
from pipelines.assets.reports import report
from pipelines.assets.staging import stage
from pipelines.resources import Revenue
from pipelines.schedules import (
    apply_actions,
    apply_approved,
    build,
    daily,
    follow_up,
    follow_ups_due,
    rebuild,
    refresh,
    webhook_inbox,
    weekly,
)

defs = dg.Definitions(
    assets=[sync, resync, stage, model, revenue_duckdb, report, plans, applied, told_of_access, sent_notices],
    asset_checks=[checks],
    jobs=[refresh, build, apply_actions, follow_up],
    schedules=[daily(), weekly()],
    sensors=[rebuild, apply_approved, follow_ups_due, webhook_inbox],
    resources={"revenue": Revenue()},
    executor=dg.in_process_executor,
)
