"""Bands that missed are wider from then on, and never before."""

from datetime import date
from itertools import pairwise

import pytest

from models.forecast.widening import Made, stretch, widened


def month(place: int) -> date:
    return date(2025 + place // 12, place % 12 + 1, 1)


def made(place: int, actual: int | None, ahead: int = 1, p10: int = 90, p90: int = 110, method: str = "drift") -> Made:
    return Made("acct_1", method, month(place), ahead, month(place + ahead), "usd", p10, 100, p90, actual, 1.0)


def bands(*given: Made) -> dict[tuple[int, date], tuple[int, int]]:
    return {(one.horizon_months, one.origin_month): (one.p10, one.p90) for one in widened(given)}


def test_the_stretch_is_the_miss_of_rank_eight_tenths_of_one_more() -> None:
    """Four: rank ⌈4⌉; nine: rank 8, which is 1.5; ten that all held: 1; three: too few."""
    assert stretch([0.2, 0.5, 1.2, 3.0]) == 3.0
    assert stretch([0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.5, 9.0]) == 1.5
    assert stretch([0.5] * 10) == 1.0
    assert stretch([7.0] * 3) == 1.0


def test_a_band_is_stretched_once_four_misses_are_known() -> None:
    """Each is 20 above, twice the half band of 10. The fourth is known at the end of month 4, whose forecast is the
    first that is wider: 100 ± 20."""
    found = bands(*(made(place, 120) for place in range(4)), made(4, None))
    assert [found[1, month(place)] for place in range(5)] == [(90, 110)] * 4 + [(80, 120)]


def test_a_miss_counts_over_the_half_that_it_lay_on() -> None:
    """120 is 20 over 40, half; 80 is 20 over 10, twice: the largest of four is 2."""
    tried = [made(place, actual, p90=140) for place, actual in enumerate((120, 80, 120, 120))]
    assert bands(*tried, made(4, None, p90=140))[1, month(4)] == (80, 180)


def test_between_horizons_that_were_tried_the_stretch_lies_between() -> None:
    """One month ahead missed by 2 half bands, three months ahead by 4: two months ahead 3, and four as three."""
    tried = [made(place, 120) for place in range(4)] + [made(place, 140, 3) for place in range(4)]
    found = bands(*tried, *(made(9, None, ahead) for ahead in (1, 2, 3, 4)))
    assert [found[ahead, month(9)] for ahead in (1, 2, 3, 4)] == [(80, 120), (70, 130), (60, 140), (60, 140)]


def test_no_edge_is_stretched_below_nothing() -> None:
    tried = [made(place, 300) for place in range(4)]
    assert bands(*tried, made(4, None))[1, month(4)] == (0, 300)


def test_methods_learn_from_their_own_misses_alone() -> None:
    tried = [made(place, 120) for place in range(4)]
    (other,) = [one for one in widened([*tried, made(4, None, method="naive")]) if one.method == "naive"]
    assert (other.p10, other.p90) == (90, 110)


def test_a_band_without_width_says_nothing_of_others() -> None:
    tried = [made(place, 120, p10=100, p90=100) for place in range(4)]
    assert bands(*tried, made(4, None))[1, month(4)] == (90, 110)


@pytest.mark.parametrize("known", [4, 5, 8, 12])
def test_what_comes_later_widens_nothing_before(known: int) -> None:
    calm = [made(place, 100) for place in range(known)]
    wild = [made(place, 900) for place in range(known, 16)]
    alone, both = bands(*calm), bands(*calm, *wild)
    assert {key: both[key] for key in alone} == alone
    widths = [high - low for (low, high) in (both[1, month(place)] for place in range(16))]
    assert all(after >= before for before, after in pairwise(widths))
