"""The partitions that operations backfill: the UTC day in which objects were created."""

import dagster as dg

FIRST_DAY = "2011-01-01"
"""Before Stripe's public launch, so that every object of every account lies in a partition."""

CREATED_DAY = dg.DailyPartitionsDefinition(start_date=FIRST_DAY, timezone="UTC", end_offset=1)
"""`end_offset` makes today's partition selectable while the day is still going on."""
