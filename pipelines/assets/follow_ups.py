"""What follows from what happened at Stripe, as assets: the company's own system told of access, and notices sent."""

from collections import Counter

import dagster as dg

from pipelines import access, notices
from pipelines.assets.marts import DATABASE
from pipelines.resources import Revenue

GROUP = "follow_ups"
TOLD = dg.AssetKey([GROUP, "access"])
SENT = dg.AssetKey([GROUP, "notices"])


@dg.asset(key=TOLD, group_name=GROUP, kinds={"stripe"})
def told_of_access(context: dg.AssetExecutionContext, revenue: Revenue) -> dg.MaterializeResult[None]:
    """Tells the company's own system of access that started, changed tier or ended; nothing without REVENUE_ACCESS."""
    return dg.MaterializeResult(metadata=vars(access.deliver(revenue.settings())))


@dg.asset(key=SENT, deps=[DATABASE], group_name=GROUP, kinds={"stripe"})
def sent_notices(context: dg.AssetExecutionContext, revenue: Revenue) -> dg.MaterializeResult[None]:
    """Sends the notices that are due, the last week's summary among them, where REVENUE_SEND_NOTICES says so."""
    settings = revenue.settings()
    notices.enter_week(settings)
    states: Counter[str] = Counter()
    for told in notices.deliver(settings):
        states[told.state] += 1
        context.log.info(f"{told.notice.notice_id}: {told.notice.kind or told.notice.cause} {told.state} {told.why}")
    return dg.MaterializeResult(metadata=dict(states))
