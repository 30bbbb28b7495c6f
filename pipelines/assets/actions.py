"""Billing actions as assets: the plans behind the accounts at risk, and what was carried out of what is approved."""

from collections import Counter

import dagster as dg

from models.contracts.marts import AtRiskAccounts
from pipelines import actions, configuration
from pipelines.assets.described import key
from pipelines.assets.marts import DATABASE
from pipelines.resources import Revenue

GROUP = "actions"
PLANS = dg.AssetKey([GROUP, "plans"])
APPLIED = dg.AssetKey([GROUP, "applied"])


@dg.asset(key=PLANS, deps=[key(AtRiskAccounts), DATABASE], group_name=GROUP, kinds={"stripe"})
def plans(context: dg.AssetExecutionContext, revenue: Revenue) -> dg.MaterializeResult[None]:
    """What the rules propose for the published flags. Asks Stripe how things stand and changes nothing there."""
    made = actions.make_plan(revenue.settings())
    for each in made.new:
        context.log.info(f"{each.action_id}: {each.kind} of {each.subject_id} ({each.state})")
    waiting = Counter(each.kind for each in made.new if each.state == "proposed")
    passed = Counter(each.why for each in made.passed)
    return dg.MaterializeResult(
        metadata={
            "proposed": sum(waiting.values()),
            "by kind": _counted(waiting),
            "held out": sum(each.state == "held_out" for each in made.new),
            "known already": made.known,
            "passed over": _counted(passed),
            "next": "`revenue actions list`, then approve",
        }
    )


@dg.asset(key=APPLIED, deps=[PLANS], group_name=GROUP, kinds={"stripe"})
def applied(context: dg.AssetExecutionContext, revenue: Revenue) -> dg.MaterializeResult[None]:
    """Carries out what people have approved, each action once; leaves alone what shows a person something once."""
    settings = revenue.settings()
    configuration.note(settings)
    events: Counter[str] = Counter()
    for told in actions.carry_out(settings, (), execute=True, live=settings.live_actions, attended=False):
        events[told.event] += 1
        context.log.info(f"{told.planned.action_id}: {told.planned.kind} {told.event} {told.why}")
    return dg.MaterializeResult(metadata=dict(events))


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {what}" for what, count in sorted(counts.items())) or "none"
