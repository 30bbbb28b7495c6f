"""A build as of an earlier instant gives the figures of then: what happened since alters nothing."""

from datetime import UTC, datetime

import pytest

from models import marts
from models.terms import Terms
from sandbox.world.business import Business
from sandbox.world.world import World
from tests.models.grown import read

DAYS_SINCE = 60
AS_THEN = (
    "mrr_changes mrr_movements mrr_by_day mrr_by_month mrr_by_month_reporting churned_customers churn_reasons_by_month "
    "cohort_retention refunds refund_rates_by_month payment_failures recovery_by_month trials cash_by_day "
    "balance_reconciliation metrics_by_month"
)


@pytest.mark.parametrize("seed", [7, 8])
def test_what_happened_since_alters_no_figure_of_then(seed: int) -> None:
    business = Business(seed=seed, customers=120, months=14)
    then = business.end - DAYS_SINCE * 86_400
    terms = Terms(datetime.fromtimestamp(then, UTC), business.timezone, "usd")
    world = World(business)
    world.advance_to(then)
    staged, rates = read(world)
    built_then = marts.build(staged, rates.lazy(), terms, only=AS_THEN.split())
    world.advance_to(business.end)
    staged, rates = read(world)
    built_later = marts.build(staged, rates.lazy(), terms, only=AS_THEN.split())
    differing = [name for name in built_then if not built_then[name].collect().equals(built_later[name].collect())]
    assert differing == []
