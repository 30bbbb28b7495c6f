"""Raw tables as assets: `raw/*` follow the cursor, `resync/*` read days of creation again; one engine reads both."""

from collections.abc import Iterator, Sequence

import dagster as dg

from pipelines import configuration, refresh, webhooks
from pipelines.extract.catalogue import CATALOGUE, Stream
from pipelines.extract.sync import SyncReport
from pipelines.partitions import CREATED_DAY
from pipelines.resources import PATIENCE_SECONDS, LogProgress, Revenue

RESYNCED = tuple(stream for stream in CATALOGUE if stream.created and stream.is_listed)
"""Streams that can be listed by day of creation."""


def raw_key(stream: str) -> dg.AssetKey:
    """The asset of a stream's raw table."""
    return dg.AssetKey(["raw", stream])


def resync_key(stream: str) -> dg.AssetKey:
    """The asset of re-reading a stream by days."""
    return dg.AssetKey(["resync", stream])


def _sync_spec(stream: Stream) -> dg.AssetSpec:
    return dg.AssetSpec(
        raw_key(stream.name),
        group_name="extract",
        kinds={"stripe", "duckdb"},
        description=f"Every version of every {stream.kind} seen, as Stripe sent it: what changed since the last time.",
        metadata={"endpoint": stream.path, "permission": stream.permission},
    )


def _resync_spec(stream: Stream) -> dg.AssetSpec:
    return dg.AssetSpec(
        resync_key(stream.name),
        group_name="resync",
        kinds={"stripe", "duckdb"},
        description=f"Reads again each {stream.kind} created on the chosen UTC days, into raw.{stream.name}.",
        metadata={"endpoint": stream.path, "permission": stream.permission},
    )


@dg.multi_asset(name="sync", specs=[_sync_spec(stream) for stream in CATALOGUE])
def sync(context: dg.AssetExecutionContext, revenue: Revenue) -> Iterator[dg.MaterializeResult[None]]:
    """What changed in the account since the last sync, and what Stripe told by webhooks."""
    configuration.note(revenue.settings())
    handed = webhooks.tidied(revenue.settings())
    if handed is not None:
        context.log.info(f"Events handed on to your own code: {handed.told:,}, failed: {handed.failed:,}")
    reports = refresh.read(revenue.settings(), LogProgress(context.log), command="sync", patience=PATIENCE_SECONDS)
    for stream in CATALOGUE:
        yield dg.MaterializeResult(asset_key=raw_key(stream.name), metadata=_told(reports, stream))


@dg.multi_asset(
    name="resync",
    specs=[_resync_spec(stream) for stream in RESYNCED],
    partitions_def=CREATED_DAY,
    backfill_policy=dg.BackfillPolicy.single_run(),
    can_subset=True,
)
def resync(context: dg.AssetExecutionContext, revenue: Revenue) -> Iterator[dg.MaterializeResult[None]]:
    """The chosen streams' objects created on the chosen days, read again in one go."""
    chosen = [stream for stream in RESYNCED if resync_key(stream.name) in context.selected_asset_keys]
    days = context.partition_time_window
    reports = refresh.read(
        revenue.settings(),
        LogProgress(context.log),
        command="resync",
        window=(days.start, days.end),
        streams=[stream.name for stream in chosen],
        patience=PATIENCE_SECONDS,
    )
    for stream in chosen:
        yield dg.MaterializeResult(asset_key=resync_key(stream.name), metadata=_told(reports, stream))


def _told(reports: Sequence[SyncReport], stream: Stream) -> dict[str, str | int]:
    whom = {"account": ", ".join(report.account_id for report in reports)}
    done = [report.streams[stream.name] for report in reports if stream.name in report.streams]
    if not done:
        return {**whom}
    skipped = " ".join(each.skipped for each in done if each.skipped)
    return {
        **whom,
        "objects read": sum(each.objects for each in done),
        "requests": sum(each.requests for each in done),
        "new versions": sum(each.rows_written for each in done),
        **({"skipped": skipped} if skipped else {}),
    }
