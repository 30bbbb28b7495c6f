"""Each method of forecasting MRR and each score, against numbers worked by hand."""

import math
from datetime import date

import pytest

from models.forecast.benchmarks import drift, naive, recent_means, theta
from models.forecast.components import damped_trend, levelled, robust_mean, seasons, trending
from models.forecast.history import History, histories
from models.forecast.paths import PATHS, Case, draws, quantiles
from models.forecast.scoring import Trial, best, score
from tests.models.forecast_rows import history, moved


def alike(new: float, gained: float, lost: float, start: float = 10_000.0, ahead: int = 3) -> Case:
    return Case(start, (gained,) * 12, (lost,) * 12, (0.0,) * 12, ((new,) * 12,) * ahead)


def test_naive_is_the_last_value_and_its_errors_add_up() -> None:
    """Changes of +10 and −10: sd = √((100 + 100) / 2) = 10 after one month, 10 √2 after two."""
    made = naive(history(100, 110, 100), 2)
    assert made.points == (100, 100)
    assert made.deviations == pytest.approx((10, 10 * math.sqrt(2)))


def test_drift_goes_on_by_the_mean_change() -> None:
    """(112 − 100) / 2 = 6 a month; changes 4 and 8 are 2 off: sd = √(8 / 1); times √(1 × 1.5) and √(2 × 2)."""
    made = drift(history(100, 104, 112), 2)
    assert made.points == (118, 124)
    assert made.deviations == pytest.approx((math.sqrt(12), math.sqrt(32)))


def test_recent_means_lose_a_share_and_gain_an_amount() -> None:
    """Lost of the last three months 100 / 1000, 50 / 1000, 0 / 1200: c = 5 %; gained 100, 250, 250: g = 200.
    1450 × 0.95 + 200 = 1577.5, then × 0.95 + 200 = 1698.625.

    A month before: c = (0 + 10 + 5) / 3 = 5 %, g = (1000 + 100 + 250) / 3 = 450; 1200 × 0.95 + 450 = 1590, 140 above
    what came: sd = 140.
    """
    told = moved([1000, 1000, 1200, 1450], new=[1000, 100, 250, 250], lost=[0, -100, -50, 0])
    made = recent_means(histories(told)[0], 2)
    assert made.points == pytest.approx((1577.5, 1698.625))
    assert made.deviations == pytest.approx((140, 140 * math.sqrt(2)))


def test_theta_smooths_and_drifts_by_half_the_slope() -> None:
    """Slope 10, half of it 5. Errors: 110 − 100 − 5 = 5; with α = 1 the level is 110 and 120 − 110 − 5 = 5, less than
    with any other. Level 120, (1 − α)³ = 0: 120 + 5 (h − 1 + 1). sd = √(50 / 1), times √(1 + 1)."""
    made = theta(history(100, 110, 120), 2)
    assert made.points == (125, 130)
    assert made.deviations == pytest.approx((math.sqrt(50), 10))


def test_theta_follows_half_of_what_swings() -> None:
    """0, 10, 0 has slope 0. Errors: 10, then −10 α: least with α = 0.1. Level 0 → 1 → 0.9; no drift."""
    assert theta(history(0, 10, 0), 2).points == pytest.approx((0.9, 0.9))


def test_the_level_of_new_mrr_is_without_the_highest_and_the_lowest() -> None:
    assert robust_mean([100, 900, 120, 110]) == (110 + 120) / 2
    assert robust_mean([100, 900]) == 500


def test_a_trend_fades() -> None:
    """Median slope 10 from 120: 120 + 9 = 129, 129 + 8.1 = 137.1."""
    assert damped_trend([100, 110, 120], 2) == pytest.approx([129, 137.1])


def test_a_falling_trend_ends_at_nothing() -> None:
    """Slope −10 from 10: 1, then 1 − 8.1."""
    assert damped_trend([30, 20, 10], 2) == [1, 0]


def test_months_that_were_all_alike_make_one_path() -> None:
    """10,000 + 2 % − 1 % + 100 = 10,200; 10,200 × 1.01 + 100 = 10,402; 10,402 × 1.01 + 100 = 10,606.02."""
    found = quantiles([alike(100, 0.02, -0.01)], (1, 2, 3))[0]
    assert [found[month] for month in (1, 2, 3)] == [
        pytest.approx((value,) * 3) for value in (10_200, 10_402, 10_606.02)
    ]


def test_rates_are_pooled_and_a_small_start_makes_no_huge_rate() -> None:
    """Six months that began with 100, 1,000, 1,000, 1,000, 1,000, 1,900 (mean 1,000) lost 60, 0, 30, 30, 0, 0: 120 of
    6,000, 2 %. Off by that: −58, +20, −10, −10, +20, +38, over 1,000: −7.8 %, 0, −3 %, −3 %, 0, and 1.8 % won, which
    counts as nothing lost.
    """
    openings = [100.0, 1_000.0, 1_000.0, 1_000.0, 1_000.0, 1_900.0]
    losses = (-60.0, 0.0, -30.0, -30.0, 0.0, 0.0)
    none = (0.0,) * 6
    days = tuple(date(2026, month, 1) for month in range(1, 7))
    told = History("acct_1", "usd", days, tuple(openings), none, none, losses, none, none, losses, none)
    assert levelled(told, 1).lost == pytest.approx((-0.078, 0, -0.03, -0.03, 0, 0))
    assert levelled(told, 1).gained == (0.0,) * 6


def test_what_is_set_already_is_the_least_that_is_lost_and_gained() -> None:
    """Month 1: 304 − 500 would lose 102 by the rates, 500 is set: 10,000 + 300 − 500 = 9,800. Month 2: 9,800 × 2 % +
    100 = 296, 400 is set: 9,800 + 400 − 98 = 10,102."""
    case = alike(100, 0.02, -0.01)
    sure = Case(case.start, case.gained, case.lost, case.fx, case.new, (0.0, 400.0, 0.0), (-500.0, 0.0, 0.0))
    found = quantiles([sure], (1, 2))[0]
    assert (found[1][1], found[2][1]) == pytest.approx((9_800, 10_102))


def test_no_path_falls_below_nothing() -> None:
    """Half is lost and 100 taken off each month: 200 → 0, which stays."""
    found = quantiles([Case(200.0, (0.0,), (-0.5,), (0.0,), ((-100.0,),) * 2)], (1, 2))[0]
    assert found == {1: (0, 0, 0), 2: (0, 0, 0)}


def test_quantiles_are_paths_in_their_order() -> None:
    """One month ahead of ten alike that differ by what is new, 0 to 9, one path a draw: the 200th, 1,000th, 1,800th."""
    case = Case(0.0, (0.0,) * 10, (0.0,) * 10, (0.0,) * 10, (tuple(map(float, range(10))),))
    drawn = sorted(draw * 10 // 2**32 for draw in draws(1))
    assert len(drawn) == PATHS == 2_000
    assert quantiles([case], (1,))[0][1] == (drawn[199], drawn[999], drawn[1799])


def test_draws_are_the_same_for_ever_and_even() -> None:
    """`printf 'mrr forecast 1' | openssl dgst -shake256 -xoflen 12` prints the first three, lowest byte first. Of 2,000
    draws a tenth is 200, give or take three times √(2000 × 0.1 × 0.9) = 13.4."""
    printed = bytes.fromhex("30455036d1c1ec8091f57dcb")
    assert draws(1)[:3].to_list() == [int.from_bytes(printed[at : at + 4], "little") for at in (0, 4, 8)]
    tenths = [sum(draw * 10 // 2**32 == tenth for draw in draws(7)) for tenth in range(10)]
    assert all(abs(many - 200) < 41 for many in tenths)
    assert draws(1).to_list() != draws(2).to_list()


def test_cases_of_different_length_draw_from_their_own_months() -> None:
    short = Case(0.0, (0.0,) * 6, (0.0,) * 6, (0.0,) * 6, ((5.0,) * 6,))
    assert [one[1][1] for one in quantiles([alike(7, 0, 0, 0.0, 1), short, alike(9, 0, 0, 0.0, 1)], (1,))] == [7, 5, 9]


def two_years(december: float) -> History:
    new = [december if month % 12 == 5 else 100.0 for month in range(24)]
    return histories(moved([1_000.0] * 24, new=new, lost=[0] * 24))[0]


def test_seasons_are_believed_by_half_from_two_years_on() -> None:
    """July 2024 to June 2026, December 400, the others 100: a mean month has 125; December 3.2, half believed 2.1;
    the others 0.8, half believed 0.9."""
    found = seasons(two_years(400))
    assert found == pytest.approx({month: 2.1 if month == 12 else 0.9 for month in range(1, 13)})
    assert set(seasons(two_years(400).until(23)).values()) == {1.0}


def test_a_december_is_forecast_above_its_neighbours() -> None:
    """Unseasoned: December 400 / 2.1 = 190.5, the others 100 / 0.9 = 111.1, which is the robust mean too; the mean is
    117.7, so months off by −6.6 bring 104.5 × 0.9 = 94.0 and 104.5 × 2.1 = 219.5 in December."""
    case = levelled(two_years(400), 12)
    usual = 100 / 0.9 - ((11 * 100 / 0.9 + 400 / 2.1) / 12 - 100 / 0.9)
    assert case.new[5][0] == pytest.approx(usual * 2.1)
    assert case.new[4][0] == pytest.approx(usual * 0.9)
    assert trending(two_years(400), 12).new[5][0] == pytest.approx(usual * 2.1)


def test_a_score_by_hand() -> None:
    """Errors 15 and 5 against a scale of 10: MASE 1; the forecast was 15 under and 5 over: mean −5.

    Pinball, came 115: 0.1 × 25, 0.5 × 15, 0.9 × 5 = 2.5, 7.5, 4.5; came 95: 0.1 × 5, 0.5 × 5, 0.1 × 15 = 0.5, 2.5, 1.5:
    (14.5 / 3 + 4.5 / 3) / 2.
    """
    found = score([Trial(90, 100, 110, 115, 10), Trial(90, 100, 110, 95, 10)])
    assert (found.mase, found.absolute_error, found.error, found.actual) == (1, 10, -5, 105)
    assert found.pinball == pytest.approx(19 / 6)
    assert (found.covered, found.origins) == (1, 2)


def test_what_never_changed_has_no_scaled_error() -> None:
    assert score([Trial(100, 100, 100, 100, 0)]).mase is None


def test_only_a_smaller_error_beats_drift() -> None:
    assert best({"naive": 0.9, "drift": 1.0, "theta": None}) == "naive"
    assert best({"naive": 1.0, "drift": 1.0}) == "drift"
    assert best({"naive": 1.2, "drift": 1.0}) == "drift"
