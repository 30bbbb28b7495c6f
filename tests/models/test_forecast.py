"""The forecast of MRR as a whole: what it is made of, what it is not made of, and when there is none."""

import random
from datetime import UTC, date, datetime
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from models.contracts import marts
from models.forecast.mrr import METHODS, NEVER_CHANGED, NONE_BETTER, TOO_SHORT, TOO_SHORT_TO_CHOOSE
from tests.models.forecast_rows import forecast, months
from tests.models.rows import rows

QUANTILES = ["p10_mrr_reporting", "p50_mrr_reporting", "p90_mrr_reporting"]


def wavering(length: int, seed: int = 5) -> list[float]:
    drawn = random.Random(seed)
    values = [10_000.0]
    for _ in range(length - 1):
        values.append(values[-1] + drawn.randint(-400, 900))
    return values


closings = st.lists(st.integers(-2_000, 2_000_000), min_size=12, max_size=27)


@settings(max_examples=15)
@given(closings)
@example([0, 0, 0, 1, -89, 28, *[0] * 12])
def test_p10_p50_and_p90_are_in_order_for_any_history(values: list[int]) -> None:
    made = forecast(months(*values))["all"]
    p10, p50, p90 = (made[name] for name in QUANTILES)
    assert ((p10 <= p50) & (p50 <= p90)).all()
    assert made.filter(pl.col("actual_mrr_reporting").is_null()).height == 12 * len(METHODS)


@pytest.mark.parametrize("value", [0, 12_345, -700])
def test_what_never_changed_forecasts_itself(value: int) -> None:
    """Thirteen months, the one in which it was new left out: too few to try twelve months ahead."""
    flat = months(*[value] * 14).slice(1)
    made = forecast(flat)
    assert made["forecast"].height == 12 * len(METHODS)
    assert all((made["all"][name] == value).all() for name in QUANTILES)
    assert made["choice"].select("method", "reason").row(0) == ("drift", NEVER_CHANGED)
    assert made["backtest"]["coverage_rate"].to_list() == [1.0] * (3 * len(METHODS))
    assert made["backtest"]["mase"].null_count() == 3 * len(METHODS)


def test_the_month_that_is_not_over_changes_nothing() -> None:
    values = wavering(20)
    whole, also = forecast(months(*values)), forecast(months(*values, partial=99_999))
    assert all(whole[name].equals(also[name]) for name in whole)
    assert whole["forecast"]["month"].min() == date(2026, 7, 1)


def test_the_order_of_rows_changes_nothing_and_they_stand_by_their_keys() -> None:
    frame = months(*wavering(26))
    keys = {
        "forecast": ["month", "method"],
        "backtest": ["method", "horizon_months"],
        "origins": ["method", "origin_month", "horizon_months"],
    }
    assert all(forecast(frame)[name].equals(forecast(frame)[name].sort(key)) for name, key in keys.items())
    assert forecast(frame)["all"].equals(forecast(frame.sample(fraction=1, shuffle=True, seed=3))["all"])


def test_what_came_after_an_origin_is_not_in_its_forecast() -> None:
    """Two histories alike for 17 months, then one triples: all forecasts made by then are alike, later ones are not."""
    values = wavering(30)
    one, other = (forecast(months(*told))["all"] for told in (values, values[:17] + [3 * v for v in values[17:]]))
    last_alike = sorted(one["origin_month"].unique())[17 - 6]
    kept = ["method", "origin_month", "horizon_months", "month", *QUANTILES, "scale"]
    before = pl.col("origin_month") < last_alike
    assert one.filter(before).height > 0
    assert one.filter(before).select(kept).equals(other.filter(before).select(kept))
    assert not one.filter(~before).select(kept).equals(other.filter(~before).select(kept))


def test_two_accounts_are_forecast_each_by_itself() -> None:
    one, two = months(*wavering(20)), months(*wavering(14, seed=8), account_id="acct_2")
    both = forecast(pl.concat([two, one]))
    for account_id, alone in (("acct_1", forecast(one)), ("acct_2", forecast(two))):
        assert all(both[name].filter(account_id=account_id).equals(alone[name]) for name in alone)


@pytest.mark.parametrize(
    ("length", "methods", "method", "reason"),
    [
        (5, set(), None, TOO_SHORT),
        (6, {"drift"}, "drift", TOO_SHORT_TO_CHOOSE),
        (11, {"drift"}, "drift", TOO_SHORT_TO_CHOOSE),
        (12, set(METHODS), None, None),
    ],
)
def test_short_histories_have_less_of_it(
    length: int, methods: set[str], method: str | None, reason: str | None
) -> None:
    made = forecast(months(*wavering(length)))
    assert set(made["forecast"]["method"]) == methods
    choice = made["choice"].row(0, named=True)
    assert choice["full_months"] == length
    if length < 12:
        assert (choice["method"], choice["reason"]) == (method, reason)
        assert made["forecast"]["is_shown"].all()


def test_an_account_that_never_had_mrr_has_no_forecast_and_no_error() -> None:
    assert all(frame.is_empty() for frame in forecast(months(1).clear()).values())


def test_origins_are_the_months_that_were_followed_by_as_many() -> None:
    """Of 20 months the first six are too few: 14 origins 1 month ahead, 12 of them 3, 9 of them 6, 3 of them 12."""
    drift = forecast(months(*wavering(20)))["backtest"].filter(method="drift")
    assert dict(drift.select("horizon_months", "origins").rows()) == {1: 14, 3: 12, 6: 9, 12: 3}


def test_a_straight_line_is_drifts_and_nothing_beats_it() -> None:
    made = forecast(months(*range(1_000, 3_000, 100)))
    assert made["choice"].select("method", "reason").row(0) == ("drift", NONE_BETTER)
    shown = made["forecast"].filter("is_shown")
    assert shown["p50_mrr_reporting"].to_list() == [2_900 + 100 * ahead for ahead in range(1, 13)]
    assert set(made["backtest"].filter("is_shown")["mase"]) == {0.0}


def test_a_method_that_beats_drift_is_shown() -> None:
    """Up by 1,000 in one month long ago and level since: drift goes on rising, the last value does not."""
    made = forecast(months(*[1_000] * 3, *[2_000] * 20))
    choice = made["choice"].row(0, named=True)
    assert (choice["method"] != "drift", choice["reason"]) == (True, None)
    mase = dict(made["backtest"].filter(horizon_months=3).select("method", "mase").rows())
    assert mase[choice["method"]] == min(mase.values()) < mase["drift"]


def scheduled(month: str, delta: int, is_trial: bool = False) -> dict[str, object]:
    return {
        "scheduled_id": f"sub_{month}_{delta}",
        "effective_at": datetime.fromisoformat(f"{month}-10").replace(tzinfo=UTC),
        "effective_on": date.fromisoformat(f"{month}-10"),
        "customer_id": "cus_1",
        "kind": "cancellation" if delta < 0 else "phase",
        "is_trial": is_trial,
        "mrr_delta_reporting": Decimal(delta),
    }


def known(converted: int, decided: int) -> pl.LazyFrame:
    ahead = [date(2026 + (6 + n) // 12, (6 + n) % 12 + 1, 1) for n in range(12)]
    return rows(
        marts.KnownMrrByMonth,
        *({"month": month, "converted_trials": converted, "decided_trials": decided} for month in ahead),
    )


def test_what_is_set_already_moves_the_paths_of_the_component_methods_alone() -> None:
    """Nothing has moved for 14 months: all methods say 10,000. In August 3,000 ends: 7,000 from August on. In October
    trials of 4,000 end, of which one in two converts: 9,000."""
    flat = months(*[10_000] * 15).slice(1)
    changes = rows(marts.ScheduledChanges, scheduled("2026-08", -3_000), scheduled("2026-10", 4_000, is_trial=True))
    made = forecast(flat, changes, known(1, 2))["forecast"]
    paths = made.filter(method="components").sort("month")["p50_mrr_reporting"].to_list()
    assert paths == [10_000, 7_000, 7_000, *[9_000] * 9]
    assert set(made.filter(method="drift")["p50_mrr_reporting"]) == {10_000}
