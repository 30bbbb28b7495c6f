"""Steady runs told once make the timelines that every renewal makes, and are fewer rows."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models import known
from models.known import Known
from models.policy import PRESETS, MetricPolicy
from models.states import in_order
from models.terms import Terms
from models.timeline import STRETCH, stretches
from models.worth import catalogue
from tests.models.story import Account, instant
from tests.models.test_any_history import AS_OF, Sold, account_of, histories


def stretches_of(account: Account, policy: MetricPolicy) -> list[tuple[object, ...]]:
    staging = account.staging()
    facts = Known(staging, Terms(instant(AS_OF), "UTC", "usd", policy))
    sold = catalogue(staging["prices"], staging["coupons"], policy)
    return stretches(facts, sold, policy).sort(STRETCH).rows()


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(history=histories, policy=st.sampled_from(sorted(PRESETS)))
def test_timelines_are_those_of_every_renewal(history: list[Sold], policy: str) -> None:
    account = account_of(history)
    told_once = stretches_of(account, PRESETS[policy])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(known, "steady", in_order)
        assert told_once == stretches_of(account, PRESETS[policy])


def test_bills_of_the_same_are_one_observation_until_something_differs() -> None:
    """Three equal bills in a row, then two with another coupon: two runs."""
    account = account_of([Sold("cus_1", 0, 1000, "usd", False, ("paid", "paid", "paid", "half", "half"), "runs")])
    facts = Known(account.staging(), Terms(instant(AS_OF), "UTC", "usd"))
    observed = facts.observed(PRESETS["default"])
    assert observed["invoice_coupons"].to_list() == ["", "half"]
    assert observed["at"].to_list() == [instant("2026-01-01"), instant("2026-04-01")]
