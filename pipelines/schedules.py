"""What runs when: the daily refresh in the reporting zone, and the rebuild after days were read again."""

import time

import dagster as dg

from pipelines import query
from pipelines import settings as settings_module
from pipelines.errors import RevenueError, SettingsError
from pipelines.settings import Settings

UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
FAILED = [dg.DagsterRunStatus.FAILURE]
PAUSE_SECONDS = 60
"""So long after a refresh that failed no other is started for events."""
REFRESH_GROUPS = ("staging", "marts", "reports")


def when_read_again() -> dg.AutomationCondition[dg.AssetKey | dg.AssetCheckKey]:
    """Once after anything above was made, when nothing of it is being made any more; never for what is missing."""
    return (
        dg.AutomationCondition.any_deps_updated().since_last_handled()
        & ~dg.AutomationCondition.any_deps_in_progress()
        & ~dg.AutomationCondition.in_progress()
    ).with_label("after what it is made from")


refresh = dg.define_asset_job(
    "refresh",
    selection=dg.AssetSelection.key_prefixes("raw") | dg.AssetSelection.groups(*REFRESH_GROUPS),
    description="Sync, stage, compute, check, publish and render: what `revenue run` does, and what the schedule runs.",
)


build = dg.define_asset_job(
    "build",
    selection=dg.AssetSelection.groups(*REFRESH_GROUPS),
    description="Stage, compute, check, publish and render what was extracted before: after a changed setting or rate "
    "file. Asks Stripe nothing.",
)


def daily() -> dg.ScheduleDefinition:
    """The refresh, every day in the reporting zone. It is on from the start."""
    settings = _settings()
    return dg.ScheduleDefinition(
        name="daily_refresh",
        job=refresh,
        cron_schedule=settings.schedule,
        execution_timezone=settings.timezone or _published_zone(settings),
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Every day's refresh. When: REVENUE_SCHEDULE, in the zone of the figures.",
    )


rebuild = dg.AutomationConditionSensorDefinition(
    "rebuild_after_resync",
    target=dg.AssetSelection.groups(*REFRESH_GROUPS),
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Rebuilds marts and reports once after days were read again without them.",
)


apply_actions = dg.define_asset_job(
    "apply_actions",
    selection=dg.AssetSelection.assets(["actions", "applied"]),
    description="Carry out the billing actions that people have approved: `revenue actions apply --execute`.",
)


@dg.sensor(
    job=apply_actions,
    minimum_interval_seconds=300,
    default_status=dg.DefaultSensorStatus.STOPPED,
    description="Starts apply_actions while approved billing actions wait. Off until you turn it on.",
)
def apply_approved(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Whether anything is approved, begun or to be verified, and nothing stops it."""
    from billing.errors import BillingError
    from pipelines import actions

    settings = _settings()
    try:
        if stopped := actions.stopped(settings):
            return dg.SkipReason(stopped)
        waiting = actions.waiting(settings)
    except (BillingError, RevenueError) as error:
        return dg.SkipReason(str(error))
    return dg.RunRequest() if waiting else dg.SkipReason("nothing is approved and waiting")


follow_up = dg.define_asset_job(
    "follow_up",
    selection=dg.AssetSelection.groups("follow_ups"),
    description="Tell your own system of access and send notices that are due, where files and settings ask for it.",
)


def weekly() -> dg.ScheduleDefinition:
    """Notices on Monday morning in the reporting zone, the week's summary among them. Off until turned on."""
    settings = _settings()
    return dg.ScheduleDefinition(
        name="weekly_summary",
        job=follow_up,
        cron_schedule="0 8 * * 1",
        execution_timezone=settings.timezone or _published_zone(settings),
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description="Mondays at eight: the last week's summary to finance, where REVENUE_NOTICES asks for it.",
    )


@dg.sensor(
    job=follow_up,
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.STOPPED,
    description="Starts follow_up while notices or changes of access are due. Off until you turn it on.",
)
def follow_ups_due(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Whether a notice is to be sent, or a change of access told, now."""
    from billing.errors import BillingError
    from pipelines import access, notices

    settings = _settings()
    try:
        due = notices.is_due(settings) or access.is_due(settings)
    except (BillingError, RevenueError) as error:
        return dg.SkipReason(str(error))
    unfinished = dg.RunsFilter(job_name=follow_up.name, statuses=UNFINISHED)
    if due and context.instance.get_runs_count(unfinished):
        return dg.SkipReason("a follow-up is under way")
    return dg.RunRequest() if due else dg.SkipReason("nothing is due")


@dg.sensor(
    job=refresh,
    minimum_interval_seconds=10,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Starts a refresh when Stripe has sent events that the figures do not know yet (`revenue serve` takes "
    "them). While one waits or runs it starts no other: that one reads them too, or the next does. "
    "One that failed is tried again.",
)
def webhook_inbox(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Whether anything came in since the last refresh."""
    from billing.errors import BillingError
    from pipelines import noticed

    try:
        newest = noticed.newest(_settings())
    except BillingError as error:
        return dg.SkipReason(str(error))
    if newest is None:
        return dg.SkipReason("no event waits")
    unfinished = dg.RunsFilter(job_name=refresh.name, statuses=UNFINISHED)
    if context.instance.get_runs_count(unfinished):
        return dg.SkipReason("a refresh is under way")
    failed = context.instance.get_run_records(dg.RunsFilter(job_name=refresh.name, statuses=FAILED), limit=1)
    if failed and time.time() - failed[0].update_timestamp.timestamp() < PAUSE_SECONDS:
        return dg.SkipReason(f"a refresh failed less than {PAUSE_SECONDS} seconds ago")
    after = f" after {failed[0].dagster_run.run_id}" if failed else ""
    return dg.RunRequest(run_key=f"event {newest}{after}")


def _published_zone(settings: Settings) -> str:
    """The zone of the last publication, which is the account's; UTC before the first."""
    try:
        return str(query.ask(settings.published, "select timezone from publication limit 1").item())
    except (RevenueError, ValueError):
        return "UTC"


def _settings() -> Settings:
    """The settings, or the defaults where they make no sense: the location loads, and the run says what is wrong."""
    try:
        return settings_module.load()
    except SettingsError:
        return Settings.model_construct()
